package hyper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

const mergeAlias = "merged"

// Merge makes one file of the partials of a run. One partial is the result as it is; of
// several, the largest is copied to path and the rows of the others are inserted into the
// copy, or, where targets have an order, their first and those after it. If a table is to
// be sorted as a whole, all are inserted into a new file instead. Without any, the result is
// an empty file. The partials stay as they are, so that a second attempt finds them; path, which
// is local, must be new for every attempt.
//
// Remote partials are copied into the folder of path, some at a time, and verified; see
// [partialMerge] for how much they take. A disk without room for that is a failure of kind
// Storage before anything is copied.
func Merge(ctx context.Context, lease *hyperd.Lease, layout Layout, partials []File, path string) (File, error) {
	merged, err := merge(ctx, lease, layout, partials, path)
	merged.Partials = len(partials)
	return merged, err
}

func merge(ctx context.Context, lease *hyperd.Lease, layout Layout, partials []File, path string) (File, error) {
	tallies := make([]batch.Tally, len(layout.Tables))
	for _, partial := range partials {
		for i, contents := range partial.Tables {
			tallies[i].Add(contents.Tally)
		}
	}
	if len(partials) == 0 {
		return build(ctx, lease, layout, tallies, path, func(conn *hyperd.Conn) error {
			return layout.create(ctx, conn, path, mergeAlias)
		})
	}
	filled := layout.inOrder(partials)
	if layout.isFinal(filled) {
		only := filled[0]
		for i := range only.Tables {
			only.Tables[i].Tally = tallies[i]
		}
		return only, nil
	}
	return build(ctx, lease, layout, tallies, path, func(conn *hyperd.Conn) error {
		return newPartialMerge(layout, filled, path).run(ctx, conn)
	})
}

// bySize returns the partials that hold rows, or one if none does, the largest first.
// Ties are broken by path: attempts agree on the base.
func bySize(partials []File) []File {
	sorted := slices.Clone(partials)
	slices.SortFunc(sorted, func(a, b File) int {
		return cmp.Or(cmp.Compare(b.Rows(), a.Rows()), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	for i := range sorted {
		sorted[i].Tables = slices.Clone(sorted[i].Tables)
		if i > 0 && sorted[i].Rows() == 0 {
			return sorted[:i]
		}
	}
	return sorted
}

// build makes the file at path with fill, which leaves it attached as mergeAlias, and
// checks what it holds. On failure nothing stays at path.
func build(
	ctx context.Context, lease *hyperd.Lease, layout Layout, tallies []batch.Tally, path string, fill func(*hyperd.Conn) error,
) (File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return File{}, failure.New(failure.Storage, "merge into %s: %w", path, err).WithHint("%s", storage.Hint(err))
	}
	conn, err := lease.Connect(ctx)
	if err != nil {
		return File{}, err
	}
	file, err := buildOn(ctx, conn, layout, tallies, path, fill)
	if closeErr := conn.Close(ctx); err == nil && closeErr != nil {
		err = failure.New(failure.Hyperd, "merge into %s: %w", path, closeErr)
	}
	if err != nil {
		return File{}, errors.Join(err, removeFile(path))
	}
	return file, nil
}

func buildOn(
	ctx context.Context, conn *hyperd.Conn, layout Layout, tallies []batch.Tally, path string, fill func(*hyperd.Conn) error,
) (File, error) {
	if err := fill(conn); err != nil {
		return File{}, fmt.Errorf("merge into %s: %w", path, err)
	}
	counts, err := layout.count(ctx, conn, mergeAlias)
	if err != nil {
		return File{}, err
	}
	if err := layout.checkCounts(path, counts, func(i int) int64 { return tallies[i].Left() }); err != nil {
		return File{}, err
	}
	if err := conn.Detach(ctx, mergeAlias); err != nil {
		return File{}, fmt.Errorf("close %s: %w", path, err)
	}
	return describe(path, counts, tallies)
}

// Count opens a finished file, without changing it, and has hyperd count the rows of each table. A file without one
// of the tables, or that is none of hyperd, is a failure of kind Hyperd.
func Count(ctx context.Context, lease *hyperd.Lease, layout Layout, path string) ([]int64, error) {
	conn, err := lease.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	if err := conn.AttachReadOnly(ctx, path, mergeAlias); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	counts, err := layout.count(ctx, conn, mergeAlias)
	if err != nil {
		return nil, err
	}
	if err := conn.Detach(ctx, mergeAlias); err != nil {
		return nil, fmt.Errorf("close %s: %w", path, err)
	}
	return counts, nil
}
