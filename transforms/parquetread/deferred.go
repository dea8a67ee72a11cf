package parquetread

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
	"hyperlake/internal/hypersql"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread/internal/column"
)

// deferFile sends a batch that stands for a whole file. Of a local one it is known then that
// it is the one that was planned for, and that hyperd finds in it what a reader here would, as
// far as [file.verify] can tell: what is in doubt is read here. A remote one is not touched: it
// names its version, and whoever copies it verifies the copy, so that it crosses the network once.
func (r *shardReader) deferFile(ref FileRef) error {
	files := r.shard.Files
	deferred := batch.Deferred{File: ref, Last: r.shard.Last && ref.Info.URI == files[len(files)-1].Info.URI}
	if storage.IsLocal(ref.Info.URI) {
		if doubt, err := r.verifyPlanned(ref); err != nil {
			return err
		} else if doubt != nil {
			return r.readFile(ref) // which says what is wrong, if something is
		}
	} else {
		deferred.Unverified = r.table.stored()
	}
	var err error
	if deferred.Constants, err = r.table.constants(ref.Partitions); err != nil {
		return err
	}
	return r.send(batch.Batch{
		Table:    r.shard.Table,
		Attempt:  r.shard.Attempt,
		Origin:   batch.Origin{File: ref.Info.URI},
		Tally:    batch.Tally{Read: ref.Rows()},
		Deferred: &deferred,
	})
}

// verifyPlanned holds a file against what was planned, and says why its pages are in doubt.
func (r *shardReader) verifyPlanned(ref FileRef) (doubt, err error) {
	f, err := openFile(r.ctx, ref.Info, r.names)
	if err != nil {
		return nil, err
	}
	defer f.reader.Close()
	if groups := f.rowGroups(); len(groups) != len(ref.RowGroups) || f.rows != ref.Rows() {
		return nil, fmt.Errorf("the file is not the one that was planned for: it has %d rows", f.rows)
	}
	return f.verify(r.ctx, r.table.stored()), r.ctx.Err()
}

// stored is the columns that a file has of the table, if it has all.
func (t Projection) stored() []string {
	var names []string
	for _, field := range t.Schema.Fields() {
		if !slices.Contains(t.Partitions, field.Name) {
			names = append(names, field.Name)
		}
	}
	return names
}

// VerifyPages fails where hyperd might not find in some columns of a local file what a reader
// here would. It is for copies of deferred files ([batch.Deferred.Unverified]), and safe for
// concurrent use. Its error does not name the file.
func VerifyPages(ctx context.Context, path string, columns []string) error {
	return guard(func() error {
		info, err := storage.Local{}.Stat(ctx, path)
		if err != nil {
			return err
		}
		f, err := openFile(ctx, info, nil)
		if err != nil {
			return err
		}
		defer f.reader.Close()
		return f.verify(ctx, columns)
	})
}

// constants is the partition columns of a file for hyperd, which does not look at the names of folders.
func (t Projection) constants(values []*string) ([]batch.Constant, error) {
	var constants []batch.Constant
	for i, name := range t.Partitions {
		found, ok := t.Schema.FieldsByName(name)
		if !ok {
			continue // not a column of the table
		}
		sql, ok := PartitionSQL(found[0], values[i])
		if !ok {
			return nil, fmt.Errorf("hyperd has no constant for the value of the partition column %q", name)
		}
		constants = append(constants, batch.Constant{Column: name, SQL: sql})
	}
	return constants, nil
}

// PartitionSQL is [PartitionValue] as a constant of hyperd, and whether it has one.
func PartitionSQL(field arrow.Field, text *string) (sql string, ok bool) {
	value, err := PartitionValue(field, text)
	if err != nil {
		return "", false
	}
	switch column := value.(type) {
	case *array.String:
		if text == nil {
			return hypersql.NullText, true
		}
		return hypersql.Text(column.Value(0))
	case *array.Int64:
		if text == nil {
			return hypersql.NullInteger, true
		}
		return hypersql.Integer(column.Value(0)), true
	case *array.Date32:
		if text == nil {
			return hypersql.NullDate, true
		}
		return hypersql.Date(int64(column.Value(0)))
	}
	return "", false
}

// verify looks for what hyperd would not notice in some columns, as far as that can be found
// without decoding them, several chunks at once. It fails for damage, and where hyperd would need too
// much memory.
func (f *file) verify(ctx context.Context, columns []string) error {
	selected, err := f.selectColumns(columns)
	if err != nil {
		return err
	}
	groups := f.rowGroups()
	var next atomic.Int64
	bytes := make([]atomic.Int64, len(groups)) // by row group: that the largest pages take
	work, ctx := errgroup.WithContext(ctx)
	for range usual().decoders {
		work.Go(func() error {
			return guard(func() error {
				var verifier column.Verifier
				for ctx.Err() == nil {
					i := int(next.Add(1)) - 1
					if i >= len(groups)*len(columns) {
						return verifier.Finish()
					}
					group, name := i/len(columns), i%len(columns)
					size, err := f.verifyChunk(ctx, &verifier, selected, name, groups[group])
					if err != nil {
						return fmt.Errorf("row group %d: column %q: %w", group, columns[name], err)
					}
					if bytes[group].Add(size) > column.MaxHeld {
						return errLargePages
					}
				}
				return ctx.Err()
			})
		})
	}
	return work.Wait()
}

var errLargePages = errors.New("the pages of a row group are too large to be held at once")

// verifyChunk verifies a column in a row group, and returns how many bytes its largest page takes.
func (f *file) verifyChunk(ctx context.Context, verifier *column.Verifier, selected selection, i int, group RowGroup) (int64, error) {
	if group.Rows == 0 {
		return 0, nil
	}
	leaf := selected.leaf(i)
	chunk, err := f.chunkOf(leaf, group)
	if err != nil {
		return 0, err
	}
	return verifier.Verify(cancellable{f.reader, ctx}, leaf.Column, chunk)
}
