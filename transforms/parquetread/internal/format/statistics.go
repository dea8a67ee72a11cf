package format

import "fmt"

// ColumnOrder is how the bounds in the statistics of a column compare.
type ColumnOrder int16

// TypeOrder is the order that follows from a column's type. Of any other, and of a file
// that names none, nothing is known about MinValue and MaxValue.
const TypeOrder ColumnOrder = 1

// Statistics is what a writer says about the values of a column in a row group, unchecked.
// Bounds are plain-encoded, without a length; nil when absent. They need not be values of
// the column: long ones may be cut.
type Statistics struct {
	Nulls              int64  // -1 when absent
	MinValue, MaxValue []byte // in the column's order
	Min, Max           []byte // from before there were column orders: as signed numbers or bytes
}

// ParseStatistics parses the Statistics of a ColumnChunk, to which the result refers. Bytes that are cut off or
// malformed are an error; what the bounds mean is not looked at.
func ParseStatistics(data []byte) (Statistics, error) {
	t := &thrift{data: data}
	s := Statistics{Nulls: -1}
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.readBytes(k, &s.Max)
		case 2:
			return t.readBytes(k, &s.Min)
		case 3:
			return t.readInt64(k, &s.Nulls)
		case 5:
			return t.readBytes(k, &s.MaxValue)
		case 6:
			return t.readBytes(k, &s.MinValue)
		}
		return false
	})
	if t.err != nil {
		return Statistics{}, fmt.Errorf("statistics: %w", t.err)
	}
	return s, nil
}
