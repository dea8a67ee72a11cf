package parquetread

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/nested"
)

// columnReader decodes a top-level column, flat or nested, of one row group after another.
type columnReader struct {
	isFlat bool
	flat   column.Reader
	nested nested.Reader
}

// open starts a row group, in which the column has a chunk for each of its leaves.
func (r *columnReader) open(src io.ReaderAt, field nested.Field, chunks []column.Chunk, readAhead int) error {
	r.isFlat = field.Kind == nested.Leaf && field.Column.Definition <= 1
	if r.isFlat {
		return r.flat.Open(src, field.Column, chunks[0], readAhead)
	}
	return r.nested.Open(src, field, chunks, readAhead)
}

// next returns the next rows, at least one and at most the given number.
func (r *columnReader) next(rows int) (arrow.Array, error) {
	if r.isFlat {
		return r.flat.Next(rows)
	}
	return r.nested.Next(rows)
}
