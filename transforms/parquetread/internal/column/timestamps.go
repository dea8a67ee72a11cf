package column

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

const (
	julianEpoch  = 2440588 // the Julian day of 1970-01-01
	microsPerDay = 86400 * 1000000
	// maxDays keeps a timestamp in microseconds within 64 bits whatever the time of day
	// of an INT96 is.
	maxDays = 1<<63/microsPerDay - 1<<63/1000/microsPerDay - 2
)

// int96Timestamps makes timestamps in microseconds from nanoseconds of the day and Julian
// day numbers. Nanoseconds are cut down to the microsecond below.
func int96Timestamps(dt arrow.DataType, data []byte, v validity) (arrow.Array, error) {
	micros := make([]int64, v.rows)
	for i := range micros {
		if !v.isValid(i) {
			continue
		}
		nanos := int64(binary.LittleEndian.Uint64(data[i*12:]))
		days := int64(int32(binary.LittleEndian.Uint32(data[i*12+8:]))) - julianEpoch
		if days > maxDays || days < -maxDays {
			return nil, errOverflow(fmt.Sprintf("INT96 of %d days after 1970", days), dt)
		}
		micros[i] = days*microsPerDay + floorDiv(nanos, 1000)
	}
	return v.make(dt, arrow.Int64Traits.CastToBytes(micros)), nil
}

// floorDiv divides and rounds down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
