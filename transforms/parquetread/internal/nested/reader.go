package nested

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/column"
)

// Reader decodes a nested column of one row group after another. Its zero value is ready.
// It is not safe for concurrent use.
type Reader struct {
	field  Field
	leaves []leaf
}

// leaf is a leaf of the column and its rows that were decoded and not returned yet.
type leaf struct {
	column.LeafReader
	name string
	rows column.Leaf
}

// Open starts a row group. Of each chunk, readAhead bytes are read at once when a page
// header is looked for. It fails as [column.Reader.Open] does, and names the field.
func (r *Reader) Open(src io.ReaderAt, field Field, chunks []column.Chunk, readAhead int) error {
	fields := field.Leaves()
	for len(r.leaves) < len(fields) {
		r.leaves = append(r.leaves, leaf{})
	}
	r.field, r.leaves = field, r.leaves[:len(fields)]
	for i, f := range fields {
		l := &r.leaves[i]
		l.name, l.rows = f.Arrow.Name, column.Leaf{}
		if err := l.Open(src, f.Column, chunks[i], readAhead); err != nil {
			return l.wrap(err)
		}
	}
	return nil
}

// Next returns the next rows of the row group, at least one and at most the given number.
// It returns fewer when they take much memory. After column.ErrMemory, it can be called again, but after no other
// error; those of leaves name their field.
func (r *Reader) Next(rows int) (arrow.Array, error) {
	for i := range r.leaves {
		l := &r.leaves[i]
		if l.rows.Rows == 0 {
			decoded, err := l.Next(rows)
			if errors.Is(err, column.ErrMemory) && r.Suspend() > 0 { // what other leaves hold
				decoded, err = l.Next(rows)
			}
			if err != nil {
				return nil, l.wrap(err)
			}
			l.rows = decoded
		}
		rows = min(rows, l.rows.Rows)
	}
	cut := make([]column.Leaf, len(r.leaves))
	for i := range r.leaves {
		cut[i], r.leaves[i].rows = r.leaves[i].rows.Cut(rows)
	}
	return assemble(r.field, cut)
}

func (l *leaf) wrap(err error) error { return fmt.Errorf("field %q: %w", l.name, err) }

// Suspend gives back the memory that pages take, until the next read, and returns how many bytes
// that was.
func (r *Reader) Suspend() (bytes int64) {
	for i := range r.leaves {
		bytes += r.leaves[i].Suspend()
	}
	return bytes
}
