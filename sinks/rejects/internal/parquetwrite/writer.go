// Package parquetwrite writes Arrow records to a Parquet file from which transforms/parquetread
// gets the same records: equal types, logical types, nullability, field names and values,
// however nested, and text that is not UTF-8 as it is.
//
// It decomposes arrays itself. The Arrow module's own way from records to files declares
// all items of lists nullable, renames them, refuses NULL lists that hide items, and drops
// some errors.
package parquetwrite

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// Writer writes one file. After an error it is of no use any more. It is not safe for
// concurrent use.
type Writer struct {
	columns *arrow.Schema
	sink    *sink
	file    *file.Writer
}

// New starts a file of columns. It fails when a column has a type of which Parquet has no
// exact form.
func New(w io.Writer, columns *arrow.Schema) (*Writer, error) {
	root, err := rootOf(columns)
	if err != nil {
		return nil, err
	}
	pairs, err := embedded(columns)
	if err != nil {
		return nil, err
	}
	properties := parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Snappy), // for zstd, the Arrow module sets up an encoder for every page
		parquet.WithStats(false),                        // the bytes of text that is not UTF-8 have no order that readers agree on
		parquet.WithCreatedBy("hyperlake"),
	)
	target := &sink{w: w}
	out := file.NewParquetWriter(target, root, file.WithWriterProps(properties), file.WithWriteMetadata(pairs))
	return &Writer{columns, target, out}, target.err
}

// WriteRowGroup writes all rows of some records, which have the columns of the file, as
// one row group. It fails where a column is not as the file has it, or what the file is written to fails; that
// error is final.
func (w *Writer) WriteRowGroup(records []arrow.Record) error {
	group := w.file.AppendRowGroup()
	for i, field := range w.columns.Fields() {
		if err := writeColumn(group, field, i, records); err != nil {
			return fmt.Errorf("column %q: %w", field.Name, err)
		}
		if w.sink.err != nil {
			return w.sink.err
		}
	}
	return errors.Join(group.Close(), w.sink.err)
}

// writeColumn writes one column of some records with all its leaves.
func writeColumn(group file.SerialRowGroupWriter, field arrow.Field, index int, records []arrow.Record) error {
	var parts [][]leafValues // of each record
	for _, record := range records {
		leaves, err := leavesOf(field, record.Column(index), rowSlots(int(record.NumRows())), 0)
		if err != nil {
			return err
		}
		parts = append(parts, leaves)
	}
	for leaf := range parts[0] {
		column, err := group.NextColumn()
		if err != nil {
			return err
		}
		for _, leaves := range parts {
			if err := leaves[leaf].write(column); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close ends the file. It does not close what the file is written to, whose first error it returns, whenever that
// was: the file is whole only if there is none.
func (w *Writer) Close() error {
	err := w.file.FlushWithFooter() // Close would not report its error
	return errors.Join(err, w.file.Close(), w.sink.err)
}

// sink keeps an error of the writer below to itself: at some places, the Arrow module
// panics at one, and at others drops it.
type sink struct {
	w   io.Writer
	err error // the first one; nothing is written after it
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
	return len(p), nil
}
