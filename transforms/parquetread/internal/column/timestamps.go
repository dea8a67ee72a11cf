package column

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
)

const (
	julianEpoch  = 2440588 // the Julian day of 1970-01-01
	microsPerDay = 86400 * 1000000
)

// int96Micros makes timestamps in microseconds from nanoseconds of the day and Julian
// day numbers. Nanoseconds are cut down to the microsecond below. Spark wrote days that
// overflowed for years beyond 288000; here they overflow back.
func int96Micros(data []byte, v validity) []byte {
	micros := make([]int64, v.rows)
	for i := range micros {
		if !v.isValid(i) {
			continue
		}
		nanos := int64(binary.LittleEndian.Uint64(data[i*12:]))
		days := int64(int32(binary.LittleEndian.Uint32(data[i*12+8:]))) - julianEpoch
		micros[i] = days*microsPerDay + floorDiv(nanos, 1000)
	}
	return arrow.Int64Traits.CastToBytes(micros)
}

// floorDiv divides and rounds down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
