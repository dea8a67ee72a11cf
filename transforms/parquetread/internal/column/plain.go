package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/format"
)

// FromPlain makes an array of plain-encoded values, such as the bounds in statistics, in
// which byte arrays stand without their lengths and booleans take a byte. Values of another width than the column has,
// and those that its type cannot hold, are an error.
func FromPlain(c Column, values ...[]byte) (arrow.Array, error) {
	v := validity{rows: len(values)}
	if c.Physical == format.ByteArray {
		all := byteArrays{offsets: []int32{0}}
		for _, value := range values {
			all.append(value)
		}
		return byteArray(c, all, v)
	}
	var all []byte
	for _, value := range values {
		if len(value) != c.Width() {
			return nil, fmt.Errorf("%w: a value of %d bytes instead of %d", errMalformed, len(value), c.Width())
		}
		all = append(all, value...)
	}
	return fixedArray(c, all, v)
}
