package parquetread

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// batchBytes is how large a batch may be expected to become, before compression. Batches
// of many wide rows have fewer of them.
const batchBytes = 8 << 20

// columnReader yields the values of one column of one row group.
type columnReader interface {
	// next returns the next n values: exactly n, or fewer at the end.
	next(n int64) (arrow.Array, error)
}

// readRowGroup decodes the named columns of one row group and calls emit for each
// record, with the number of its first row in the row group.
func readRowGroup(ctx context.Context, f *openedFile, group RowGroup, columns []string, emit func(first int64, record arrow.Record) error) (err error) {
	column := ""
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the Parquet library gave up: %v", cause)
		}
		if err != nil && ctx.Err() == nil {
			err = groupFailure(f, group, column, err)
		}
	}()
	readers := make([]columnReader, len(columns))
	fields := make([]arrow.Field, len(columns))
	for i, name := range columns {
		column = name
		if readers[i], fields[i], err = f.column(ctx, group, name); err != nil {
			return err
		}
	}
	schema := arrow.NewSchema(fields, nil)
	step := batchRows(f, group, columns)
	for first := int64(0); first < group.Rows; first += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := min(step, group.Rows-first)
		values := make([]arrow.Array, len(readers))
		for i, reader := range readers {
			column = columns[i]
			if values[i], err = reader.next(rows); err != nil {
				return err
			}
			if int64(values[i].Len()) != rows {
				return fmt.Errorf("it ends after %d of %d rows", first+int64(values[i].Len()), group.Rows)
			}
		}
		column = ""
		if err := emit(first, array.NewRecord(schema, values, rows)); err != nil {
			return err
		}
	}
	for i, reader := range readers {
		column = columns[i]
		if extra, err := reader.next(1); err != nil || extra.Len() > 0 {
			return fmt.Errorf("it goes on after %d rows", group.Rows)
		}
	}
	return nil
}

// groupFailure says where in the lake an error arose. Errors that are not about the file
// pass as they are.
func groupFailure(f *openedFile, group RowGroup, column string, err error) error {
	if _, ours := err.(*failure.Error); ours { //nolint:errorlint // only what emit returned as it is
		return err
	}
	where := fmt.Sprintf("file %s, row group %d", f.info.URI, group.Index)
	if column != "" {
		where += fmt.Sprintf(", column %q", column)
	}
	return failure.New(failure.Source, "%s: %w", where, err).WithHint("write the file again, or remove it from the lake")
}

// batchRows is how many rows of a row group make a batch of about batchBytes.
func batchRows(f *openedFile, group RowGroup, columns []string) int64 {
	var bytes int64
	meta := f.parquet.MetaData().RowGroup(group.Index)
	for _, name := range columns {
		for _, leaf := range f.leaves(name) {
			if chunk, err := meta.ColumnChunk(leaf); err == nil {
				bytes += max(chunk.TotalUncompressedSize(), 0)
			}
		}
	}
	if bytes <= batchBytes {
		return batch.MaxRows
	}
	rows := int64(float64(group.Rows) * batchBytes / float64(bytes))
	return min(max(rows, 1), batch.MaxRows)
}

// leaves are the indexes of the Parquet columns below a top-level column.
func (f *openedFile) leaves(name string) []int {
	var leaves []int
	schema := f.parquet.MetaData().Schema
	for i := range schema.NumColumns() {
		if schema.Column(i).ColumnPath()[0] == name {
			leaves = append(leaves, i)
		}
	}
	return leaves
}

// column opens a column of a row group.
func (f *openedFile) column(ctx context.Context, group RowGroup, name string) (columnReader, arrow.Field, error) {
	indices := f.schema.FieldIndices(name)
	if len(indices) != 1 {
		return nil, arrow.Field{}, fmt.Errorf("the file has %d columns of that name", len(indices))
	}
	index := indices[0]
	field := f.schema.Field(index)
	manifest := &f.arrow.Manifest.Fields[index]
	if LogicalType(field) == batch.LogicalInt96 {
		chunk, err := f.parquet.RowGroup(group.Index).Column(manifest.ColIndex)
		if err != nil {
			return nil, field, err
		}
		reader, ok := chunk.(*file.Int96ColumnChunkReader)
		if !ok {
			return nil, field, fmt.Errorf("its chunk is %s, not INT96", chunk.Type())
		}
		return &int96Reader{chunk: reader, nullable: manifest.LevelInfo.DefLevel > 0}, field, nil
	}
	leaves := map[int]bool{}
	for _, leaf := range f.leaves(name) {
		leaves[leaf] = true
	}
	reader, err := f.arrow.GetFieldReader(ctx, index, leaves, []int{group.Index})
	if err != nil {
		return nil, field, err
	}
	return &fieldReader{reader, field.Type}, field, nil
}

// fieldReader reads a column through the library's mapping to Arrow.
type fieldReader struct {
	reader *pqarrow.ColumnReader
	as     arrow.DataType // the library's type, or one with the same layout
}

func (r *fieldReader) next(n int64) (arrow.Array, error) {
	chunked, err := r.reader.NextBatch(n)
	if err != nil {
		return nil, err
	}
	var values arrow.Array
	switch chunks := chunked.Chunks(); len(chunks) {
	case 0:
		values = array.MakeArrayOfNull(memory.DefaultAllocator, chunked.DataType(), 0)
	case 1:
		values = chunks[0]
	default:
		if values, err = array.Concatenate(chunks, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	if arrow.TypeEqual(values.DataType(), r.as) {
		return values, nil
	}
	data := values.Data()
	return array.MakeFromData(array.NewData(r.as, data.Len(), data.Buffers(), data.Children(), data.NullN(), data.Offset())), nil
}

// int96Reader reads the timestamps that Spark and Impala wrote. The library's own mapping
// goes through nanoseconds in 64 bits, which overflow silently outside the years 1677 to
// 2262; microseconds do not.
type int96Reader struct {
	chunk    *file.Int96ColumnChunkReader
	nullable bool
}

const (
	unixEpochJulianDay = 2440588
	microsPerDay       = 86_400_000_000
)

func (r *int96Reader) next(n int64) (arrow.Array, error) {
	values := make([]parquet.Int96, n)
	levels := make([]int16, n)
	builder := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond})
	builder.Reserve(int(n))
	for left := n; left > 0; {
		rows, read, err := r.chunk.ReadBatch(left, values, levels, nil)
		if err != nil {
			return nil, err
		}
		if rows == 0 {
			break
		}
		taken := 0
		for i := range int(rows) {
			if r.nullable && levels[i] == 0 {
				builder.AppendNull()
				continue
			}
			builder.Append(microseconds(values[taken]))
			taken++
		}
		if taken != read {
			return nil, fmt.Errorf("it holds %d values where its levels announce %d", read, taken)
		}
		left -= rows
	}
	return builder.NewArray(), nil
}

// microseconds since 1970 of an INT96: nanoseconds of the day, then the Julian day.
func microseconds(value parquet.Int96) arrow.Timestamp {
	nanos := int64(binary.LittleEndian.Uint64(value[:8]))
	day := int64(int32(binary.LittleEndian.Uint32(value[8:])))
	micros := nanos / 1000
	if nanos%1000 < 0 {
		micros--
	}
	return arrow.Timestamp((day-unixEpochJulianDay)*microsPerDay + micros)
}
