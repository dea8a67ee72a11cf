package parquetread

import (
	"fmt"
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
	picked []int64 // rows of the row group that are still to be returned; nil for all
}

// open starts a row group, in which the column has a chunk for each of its leaves, and of
// which the picked rows are read, or, if that is nil, all. Only flat columns can be picked from.
func (r *columnReader) open(src io.ReaderAt, field nested.Field, chunks []column.Chunk, readAhead int, picked []int64) error {
	r.isFlat, r.picked = field.Kind == nested.Leaf && field.Column.Definition <= 1, picked
	if picked != nil && !r.isFlat {
		return errPickNested
	}
	if r.isFlat {
		return r.flat.Open(src, field.Column, chunks[0], readAhead)
	}
	return r.nested.Open(src, field, chunks, readAhead)
}

// next returns the next rows, at least one and at most the given number.
func (r *columnReader) next(rows int) (arrow.Array, error) {
	switch {
	case r.picked != nil:
		values, err := r.flat.Pick(r.picked[:min(rows, len(r.picked))])
		if err == nil {
			r.picked = r.picked[values.Len():]
		}
		return values, err
	case r.isFlat:
		return r.flat.Next(rows)
	}
	return r.nested.Next(rows)
}

// skip passes over the given number of rows, at most so many of a nested column at once, and returns how many it passed
// over: all, unless it fails.
func (r *columnReader) skip(rows int64, atOnce int) (skipped int64, err error) {
	if r.isFlat {
		return r.flat.Skip(rows)
	}
	for skipped < rows {
		values, err := r.nested.Next(int(min(rows-skipped, int64(atOnce))))
		if err != nil {
			return skipped, err
		}
		skipped += int64(values.Len())
	}
	return skipped, nil
}

// suspend gives back what pages take, until the next rows are asked for, and returns how many bytes.
func (r *columnReader) suspend() int64 {
	if r.isFlat {
		return r.flat.Suspend()
	}
	return r.nested.Suspend()
}

var errPickNested = fmt.Errorf("picking rows of a nested column is %w", column.ErrUnsupported)
