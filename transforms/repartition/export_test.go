package repartition

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
)

// Held is how many bytes of rows the Writer holds.
func (w *Writer) Held() int64 { return w.held }

// Slots is where the rows of a column go: [Table.By], [Table.Range] and the like say how.
func Slots(t Moves, record arrow.Record) ([]int32, error) {
	slots := make([]int32, record.NumRows())
	return slots, newAssigner(t).assign(batchOf(record), slots)
}

// Compare compares two values of a column by their keys.
func Compare(field arrow.Field, column arrow.Array, a, b int) (int, error) {
	values, err := keysOf(field, column)
	if err != nil {
		return 0, err
	}
	first := bytes.Clone(values.at(a))
	return bytes.Compare(first, values.at(b)), nil
}

// ValueText is the text of a value, before it is escaped.
var ValueText = valueText

func batchOf(record arrow.Record) batch.Batch { return batch.Batch{Record: record} }
