package hyper

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

const (
	nanosPerMicro = 1000
	nanosPerMilli = 1000 * nanosPerMicro

	parquetIntervalBytes = 12
)

func toTimestamp(to *arrow.TimestampType, values arrow.Array) (arrow.Array, error) {
	from, ok := values.DataType().(*arrow.TimestampType)
	switch {
	case ok && from.Unit == to.Unit:
		return relabel(to, values), nil
	case ok && from.Unit == arrow.Nanosecond && to.Unit == arrow.Microsecond:
		return fixedWidth(to, values, floorNanos(values)), nil
	}
	return nil, mismatch(to, values)
}

// toMicros turns durations into numbers of microseconds.
func toMicros(values arrow.Array) (arrow.Array, error) {
	from, ok := values.DataType().(*arrow.DurationType)
	if !ok {
		return nil, mismatch(arrow.PrimitiveTypes.Int64, values)
	}
	switch from.Unit {
	case arrow.Second:
		return multiply(values, 1_000_000)
	case arrow.Millisecond:
		return multiply(values, 1_000)
	case arrow.Nanosecond:
		return fixedWidth(arrow.PrimitiveTypes.Int64, values, floorNanos(values)), nil
	}
	return relabel(arrow.PrimitiveTypes.Int64, values), nil
}

// floorNanos turns 64-bit counts of nanoseconds into microseconds, rounding down, below
// zero too.
func floorNanos(values arrow.Array) []int64 {
	micros := make([]int64, values.Len())
	for i, nanos := range arrow.GetValues[int64](values.Data(), 1) {
		micros[i] = floorToMicros(nanos)
	}
	return micros
}

func floorToMicros(nanos int64) int64 {
	micros := nanos / nanosPerMicro
	return micros + (nanos-micros*nanosPerMicro)>>63 // minus one if something negative was cut
}

// multiply multiplies 64-bit values; one that overflows is an error.
func multiply(values arrow.Array, factor int64) (arrow.Array, error) {
	limit := math.MaxInt64 / factor
	products := make([]int64, values.Len())
	for i, x := range arrow.GetValues[int64](values.Data(), 1) {
		if (x > limit || x < -limit) && values.IsValid(i) {
			return nil, fmt.Errorf("row %d does not fit into 64 bits of microseconds", i)
		}
		products[i] = x * factor
	}
	return fixedWidth(arrow.PrimitiveTypes.Int64, values, products), nil
}

func toInterval(values arrow.Array) (arrow.Array, error) {
	to := arrow.FixedWidthTypes.MonthDayNanoInterval
	intervals := make([]arrow.MonthDayNanoInterval, values.Len())
	switch v := values.(type) {
	case *array.MonthInterval:
		for i, months := range v.MonthIntervalValues() {
			intervals[i].Months = int32(months)
		}
	case *array.DayTimeInterval:
		for i, x := range v.DayTimeIntervalValues() {
			intervals[i] = arrow.MonthDayNanoInterval{Days: x.Days, Nanoseconds: int64(x.Milliseconds) * nanosPerMilli}
		}
	case *array.MonthDayNanoInterval:
		return floorIntervals(v, intervals)
	case *array.FixedSizeBinary:
		if v.DataType().(*arrow.FixedSizeBinaryType).ByteWidth != parquetIntervalBytes {
			return nil, mismatch(to, values)
		}
		return parquetIntervals(v, intervals)
	default:
		return nil, mismatch(to, values)
	}
	return fixedWidth(to, values, intervals), nil
}

// floorIntervals cuts intervals down to microseconds, into out. hyperd, which would do it
// as well, rounds towards zero.
func floorIntervals(values *array.MonthDayNanoInterval, out []arrow.MonthDayNanoInterval) (arrow.Array, error) {
	whole := true
	for i, x := range values.MonthDayNanoIntervalValues() {
		out[i] = x
		if x.Nanoseconds%nanosPerMicro == 0 || values.IsNull(i) {
			continue
		}
		whole = false
		if out[i].Nanoseconds = floorToMicros(x.Nanoseconds) * nanosPerMicro; out[i].Nanoseconds > x.Nanoseconds {
			return nil, fmt.Errorf("row %d does not fit into 64 bits of nanoseconds when it is cut down to microseconds", i)
		}
	}
	if whole {
		return values, nil
	}
	return fixedWidth(values.DataType(), values, out), nil
}

// parquetIntervals decodes Parquet's INTERVAL, three unsigned little-endian numbers of
// months, days and milliseconds, into out.
func parquetIntervals(values *array.FixedSizeBinary, out []arrow.MonthDayNanoInterval) (arrow.Array, error) {
	source := fixedBytes(values, parquetIntervalBytes)
	for i := range out {
		if values.IsNull(i) {
			continue
		}
		x := source[i*parquetIntervalBytes:]
		months, days, millis := binary.LittleEndian.Uint32(x), binary.LittleEndian.Uint32(x[4:]), binary.LittleEndian.Uint32(x[8:])
		if months > math.MaxInt32 || days > math.MaxInt32 {
			return nil, fmt.Errorf("row %d is an interval of more than %d months or days", i, math.MaxInt32)
		}
		out[i] = arrow.MonthDayNanoInterval{Months: int32(months), Days: int32(days), Nanoseconds: int64(millis) * nanosPerMilli}
	}
	return fixedWidth(arrow.FixedWidthTypes.MonthDayNanoInterval, values, out), nil
}
