package repartition

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
)

const (
	maxBatchBytes = 8 << 20 // of a batch that is made of several records

	// arrayBytes is about what an array takes beside its values: with many targets, that is
	// most of it.
	arrayBytes = 512
)

// buffer is the rows of a target that wait to be written, and what was written of it.
type buffer struct {
	slot    int32
	waiting []arrow.Record
	bytes   int64 // that wait, in memory
	pieces  []Piece
	rows    int64 // written and waiting
}

// takes says whether rows of a schema can wait with the others.
func (b *buffer) takes(schema *arrow.Schema) bool {
	return len(b.waiting) == 0 || b.waiting[0].Schema() == schema || b.waiting[0].Schema().Equal(schema)
}

// add returns how many bytes the rows take.
func (b *buffer) add(rows arrow.Record) int64 {
	size := recordBytes(rows)
	b.waiting = append(b.waiting, rows)
	b.bytes += size
	b.rows += rows.NumRows()
	return size
}

// writeTo writes what waits as one piece of a spill. Records are joined to batches on the
// way, one at a time, so that this takes no more memory than a batch.
func (b *buffer) writeTo(s *spill) error {
	piece, err := s.add(b.waiting[0].Schema(), func(write func(arrow.Record) error) error {
		for start := 0; start < len(b.waiting); {
			end := b.batchEnd(start)
			joined, err := join(b.waiting[start:end])
			if err != nil {
				return err
			}
			if err := write(joined); err != nil {
				return err
			}
			start = end
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.pieces = append(b.pieces, piece)
	b.waiting, b.bytes = nil, 0
	return nil
}

// batchEnd is the end of the records from start on that make one batch.
func (b *buffer) batchEnd(start int) int {
	end := start + 1
	if hasDictionary(b.waiting[start].Schema().Fields()) {
		return end
	}
	rows, size := b.waiting[start].NumRows(), recordBytes(b.waiting[start])
	for ; end < len(b.waiting); end++ {
		rows += b.waiting[end].NumRows()
		size += recordBytes(b.waiting[end])
		if rows > batch.MaxRows || size > maxBatchBytes {
			break
		}
	}
	return end
}

// hasDictionary says whether a column is encoded with a dictionary, at any depth. Columns
// whose dictionaries differ must not be joined: where there are NULLs among indices of more
// than a byte, the library overwrites others with zeros.
func hasDictionary(fields []arrow.Field) bool {
	return slices.ContainsFunc(fields, func(field arrow.Field) bool {
		nested, isNested := field.Type.(arrow.NestedType)
		return field.Type.ID() == arrow.DICTIONARY || isNested && hasDictionary(nested.Fields())
	})
}

// join makes one record of several.
func join(records []arrow.Record) (arrow.Record, error) {
	if len(records) == 1 {
		return records[0], nil
	}
	rows := int64(0)
	for _, record := range records {
		rows += record.NumRows()
	}
	columns := make([]arrow.Array, records[0].NumCols())
	same := make([]arrow.Array, len(records))
	for i := range columns {
		for j, record := range records {
			same[j] = record.Column(i)
		}
		var err error
		if columns[i], err = array.Concatenate(same, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(records[0].Schema(), columns, rows), nil
}

// recordBytes is the memory that a record takes, but for dictionaries, which are shared.
func recordBytes(record arrow.Record) int64 {
	total := int64(0)
	for _, column := range record.Columns() {
		total += arrayDataBytes(column.Data())
	}
	return total
}

func arrayDataBytes(data arrow.ArrayData) int64 {
	total := int64(arrayBytes)
	for _, buffer := range data.Buffers() {
		if buffer != nil {
			total += int64(buffer.Cap())
		}
	}
	for _, child := range data.Children() {
		total += arrayDataBytes(child)
	}
	return total
}
