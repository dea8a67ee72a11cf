package hyper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

const mergeAlias = "merged"

// Merge makes one file of the partials of a run. One partial is the result as it is; of
// several, the largest is copied to path and the rows of the others are inserted into the
// copy, or, where targets have an order, their first and those after it. If a table is to
// be sorted as a whole, all are inserted into a new file instead. Without any, the result is an empty file. The partials stay as they are, so
// that a second attempt finds them; path must be new for every attempt.
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
		return insertAll(ctx, conn, layout, filled, path)
	})
}

// bySize returns the partials that hold rows, or one if none does, the largest first.
// Ties are broken by path: attempts agree on the base.
func bySize(partials []File) []File {
	sorted := slices.Clone(partials)
	slices.SortFunc(sorted, func(a, b File) int {
		return cmp.Or(cmp.Compare(b.rows(), a.rows()), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	for i := range sorted {
		sorted[i].Tables = slices.Clone(sorted[i].Tables)
		if i > 0 && sorted[i].rows() == 0 {
			return sorted[:i]
		}
	}
	return sorted
}

// build makes the file at path with fill, which leaves it attached as mergeAlias, and
// checks what it holds. On failure nothing stays at path.
func build(ctx context.Context, lease *hyperd.Lease, layout Layout, tallies []batch.Tally, path string, fill func(*hyperd.Conn) error) (File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return File{}, failure.New(failure.Storage, "merge into %s: %w", path, err)
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

func buildOn(ctx context.Context, conn *hyperd.Conn, layout Layout, tallies []batch.Tally, path string, fill func(*hyperd.Conn) error) (File, error) {
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

// partialsAtOnce is how many partials are open at the same time, where nothing is sorted.
const partialsAtOnce = 64

// insertAll makes the file at path of all the partials.
func insertAll(ctx context.Context, conn *hyperd.Conn, layout Layout, partials []File, path string) error {
	if layout.sortsExtract() {
		if err := layout.create(ctx, conn, path, mergeAlias); err != nil {
			return err
		}
		return insertPartials(ctx, conn, layout, partials)
	}
	if err := copyFile(ctx, partials[0].Path, path); err != nil {
		return failure.New(failure.Storage, "copy partial %s: %w", partials[0].Path, err)
	}
	if err := conn.Attach(ctx, path, mergeAlias); err != nil {
		return err
	}
	for some := range slices.Chunk(partials[1:], partialsAtOnce) {
		if err := insertPartials(ctx, conn, layout, some); err != nil {
			return err
		}
	}
	return nil
}

// insertPartials inserts the rows of partials into the open extract.
func insertPartials(ctx context.Context, conn *hyperd.Conn, layout Layout, partials []File) error {
	for i, partial := range partials {
		if err := conn.AttachReadOnly(ctx, partial.Path, restAlias(i)); err != nil {
			return fmt.Errorf("open partial %s: %w", partial.Path, err)
		}
	}
	for t, table := range layout.Tables {
		var sources []string
		for i, partial := range partials {
			if partial.Tables[t].Rows > 0 {
				sources = append(sources, fmt.Sprintf("SELECT %s FROM %s", table.columnNames(), table.in(restAlias(i))))
			}
		}
		for _, query := range table.mergeQueries(sources) {
			if _, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) %s", table.in(mergeAlias), table.columnNames(), query)); err != nil {
				return fmt.Errorf("insert into table %s: %w", table, err)
			}
		}
	}
	for i, partial := range partials {
		if err := conn.Detach(ctx, restAlias(i)); err != nil {
			return fmt.Errorf("close partial %s: %w", partial.Path, err)
		}
	}
	return nil
}

func restAlias(i int) string { return fmt.Sprintf("rest%d", i) }

// copyPart is how many bytes are copied between two looks at the context.
const copyPart = 64 << 20

// copyFile copies a file to a new one, by the file system's own means where it has any.
func copyFile(ctx context.Context, from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(target, source, copyPart); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// Count opens a finished file, without changing it, and has hyperd count the rows of each table.
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
