package parquetread

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
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
	columns, constants, err := r.table.asHyperdReads(ref)
	if err != nil {
		return err
	}
	deferred.Columns, deferred.Constants = r.table.renamed(columns, ref), constants
	if storage.IsLocal(ref.Info.URI) {
		if doubt, err := r.verifyPlanned(ref, columns); err != nil {
			return err
		} else if doubt != nil {
			return r.readFile(ref) // which says what is wrong, if something is
		}
	} else {
		for _, column := range columns {
			deferred.Unverified = append(deferred.Unverified, column.Stored)
		}
	}
	return r.send(batch.Batch{
		Table:    r.shard.Table,
		Attempt:  r.shard.Attempt,
		Origin:   batch.Origin{File: ref.Info.URI},
		Tally:    batch.Tally{Read: ref.Rows()},
		Deferred: &deferred,
	})
}

// verifyPlanned holds a file against what was planned, and says why some columns are in doubt: their names, or their
// pages.
func (r *shardReader) verifyPlanned(ref FileRef, columns []batch.StoredColumn) (doubt, err error) {
	f, err := openFile(r.ctx, ref.Info, r.names)
	if err != nil {
		return nil, err
	}
	defer f.reader.Close()
	if groups := f.rowGroups(); len(groups) != len(ref.RowGroups) || f.rows != ref.Rows() {
		return nil, fmt.Errorf("the file is not the one that was planned for: it has %d rows", f.rows)
	}
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Column
		if at, err := f.root.topLevel(column.Column); err == nil && f.root.children[at].stored != column.Stored {
			return fmt.Errorf("%w: %q is stored as %q", errColumns, column.Column, f.root.children[at].stored), nil
		}
	}
	return f.verify(r.ctx, names), r.ctx.Err()
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
