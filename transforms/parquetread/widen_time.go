package parquetread

import (
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// toMicros converts times, durations and timestamps to microseconds, and cuts nanoseconds
// down. It refuses values that are too large for that.
func toMicros(values arrow.Array, to arrow.DataType) (arrow.Array, error) {
	data := values.Data()
	micros := make([]int64, values.Len())
	if values.DataType().ID() == arrow.TIME32 {
		for i, value := range arrow.GetValues[arrow.Time32](data, 1) {
			micros[i] = int64(value)
		}
	} else {
		copy(micros, arrow.GetValues[int64](data, 1))
	}
	unit := values.DataType().(arrow.TemporalWithUnit).TimeUnit().Multiplier()
	for i, value := range micros {
		if unit == time.Nanosecond {
			micros[i] = value / int64(time.Microsecond)
			if value%int64(time.Microsecond) < 0 {
				micros[i]--
			}
			continue
		}
		factor := int64(unit / time.Microsecond)
		if (value > math.MaxInt64/factor || value < math.MinInt64/factor) && values.IsValid(i) {
			return nil, fmt.Errorf("%w: a value of type %s is too large for microseconds", errColumns, values.DataType())
		}
		micros[i] = value * factor
	}
	return rebuilt(to.(arrow.FixedWidthDataType), values, micros), nil
}

// toMidnights converts days to the local times at which they begin.
func toMidnights(days *array.Date32, to arrow.DataType) (arrow.Array, error) {
	const microsOfDay = int64(24 * time.Hour / time.Microsecond)
	micros := make([]int64, days.Len())
	for i, day := range days.Date32Values() {
		if n := int64(day); n > math.MaxInt64/microsOfDay || n < math.MinInt64/microsOfDay {
			if days.IsValid(i) {
				return nil, fmt.Errorf("%w: a date is too far away for %s", errColumns, to)
			}
			continue
		}
		micros[i] = int64(day) * microsOfDay
	}
	return rebuilt(to.(arrow.FixedWidthDataType), days, micros), nil
}
