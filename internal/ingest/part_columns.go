package ingest

import (
	"context"
	"encoding/base64"
	"io"
	"runtime"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"golang.org/x/sync/errgroup"
)

// rowsWriter writes records to a Parquet file, as the writer of the Arrow module does.
type rowsWriter interface {
	WriteBuffered(rows arrow.Record) error // to the row group, or to the next one where it is full
	RowGroupTotalBytesWritten() int64
	NewBufferedRowGroup()
	Close() error
}

func newRowsWriter(schema *arrow.Schema, w io.Writer, properties *parquet.WriterProperties) (rowsWriter, error) {
	if slices.ContainsFunc(schema.Fields(), isNested) {
		return pqarrow.NewFileWriter(schema, w, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	}
	return newColumnsWriter(schema, w, properties)
}

func isNested(field arrow.Field) bool {
	_, is := field.Type.(arrow.NestedType)
	return is
}

// columnsAtOnce is how many columns are encoded at the same time.
func columnsAtOnce() int { return min(runtime.GOMAXPROCS(0), 8) }

// columnsWriter is a rowsWriter for columns that are not nested. It encodes several of them at the same time, which that of the Arrow
// module does not. It needs no more memory for that: the pages of all columns are in the making anyway.
type columnsWriter struct {
	file    *file.Writer
	arrow   pqarrow.ArrowWriterProperties
	most    int64                       // rows of a row group
	group   file.BufferedRowGroupWriter // nil before the first
	rows    int64                       // of the row group
	isFull  bool                        // nothing is to be added to the row group
	defined []int16                     // levels of values that are there
}

func newColumnsWriter(schema *arrow.Schema, w io.Writer, properties *parquet.WriterProperties) (*columnsWriter, error) {
	c := &columnsWriter{arrow: pqarrow.NewArrowWriterProperties(), most: properties.MaxRowGroupLength()}
	columns, err := pqarrow.ToParquet(schema, properties, c.arrow)
	if err != nil {
		return nil, err
	}
	types := metadata.KeyValueMetadata{}
	err = types.Append("ARROW:schema", base64.StdEncoding.EncodeToString(flight.SerializeSchema(schema, properties.Allocator())))
	if err != nil {
		return nil, err
	}
	c.file = file.NewParquetWriter(w, columns.Root(), file.WithWriterProps(properties), file.WithWriteMetadata(types))
	return c, nil
}

// WriteBuffered is that of rowsWriter.
func (c *columnsWriter) WriteBuffered(rows arrow.Record) error {
	for from, all := int64(0), rows.NumRows(); ; {
		if c.group == nil || c.isFull {
			if err := c.beginGroup(); err != nil {
				return err
			}
		}
		until := min(all, from+c.most-c.rows)
		if err := c.write(rows.NewSlice(from, until)); err != nil {
			return err
		}
		c.rows += until - from
		c.isFull = c.rows == c.most
		if from = until; from == all {
			return nil
		}
	}
}

// beginGroup ends the row group, and begins another one.
func (c *columnsWriter) beginGroup() error {
	if c.group != nil {
		if err := c.group.Close(); err != nil { // which file.Writer drops
			return err
		}
	}
	c.group, c.rows, c.isFull = c.file.AppendBufferedRowGroup(), 0, false
	return nil
}

// write adds rows to the row group, and releases them.
func (c *columnsWriter) write(rows arrow.Record) error {
	defer rows.Release()
	for int64(len(c.defined)) < rows.NumRows() {
		c.defined = append(c.defined, 1)
	}
	var columns errgroup.Group
	columns.SetLimit(columnsAtOnce())
	for i, values := range rows.Columns() {
		columns.Go(func() error {
			column, err := c.group.Column(i)
			if err != nil {
				return err
			}
			if values.Len() > 0 && values.NullN() == values.Len() { // some programs leave out the buffers that the Arrow module reads
				values = array.MakeArrayOfNull(memory.DefaultAllocator, values.DataType(), values.Len())
				defer values.Release()
			}
			isNullable := rows.Schema().Field(i).Nullable
			var levels []int16
			if isNullable {
				levels = c.levels(values)
			}
			ctx := pqarrow.NewArrowWriteContext(context.Background(), &c.arrow)
			return pqarrow.WriteArrowToColumn(ctx, column, values, levels, nil, isNullable)
		})
	}
	return columns.Wait()
}

// levels says which values are there.
func (c *columnsWriter) levels(values arrow.Array) []int16 {
	if values.NullN() == 0 {
		return c.defined[:values.Len()]
	}
	levels := make([]int16, values.Len())
	for i := range levels {
		if values.IsValid(i) {
			levels[i] = 1
		}
	}
	return levels
}

// RowGroupTotalBytesWritten is that of rowsWriter.
func (c *columnsWriter) RowGroupTotalBytesWritten() int64 {
	if c.group == nil {
		return 0
	}
	return c.group.TotalBytesWritten()
}

// NewBufferedRowGroup is that of rowsWriter.
func (c *columnsWriter) NewBufferedRowGroup() { c.isFull = true }

// Close is that of rowsWriter.
func (c *columnsWriter) Close() error {
	if c.group != nil {
		if err := c.group.Close(); err != nil {
			return err
		}
	}
	return c.file.Close()
}
