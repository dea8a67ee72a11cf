package hyper

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// numbersIn scans column n of the first table as it stands in a file.
func numbersIn(t *testing.T, path string) []int {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	var numbers []int
	err := conn.Query(t.Context(), `SELECT n FROM x."Extract"."Extract"`, func(_ []hyperd.Field, values [][]byte) error {
		n, err := strconv.Atoi(string(values[0]))
		numbers = append(numbers, n)
		return err
	})
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return numbers
}

// descents is how often a number is followed by a smaller one.
func descents(numbers []int) int {
	n := 0
	for i := range len(numbers) - 1 {
		if numbers[i+1] < numbers[i] {
			n++
		}
	}
	return n
}

// descending is batches of the first table whose numbers fall from batch to batch.
func descending(from, batches, rows int) []batch.Batch {
	var made []batch.Batch
	for i := range batches {
		made = append(made, days(0, int64(from+(batches-1-i)*rows), rows, aDate))
	}
	return made
}

// ordered is a layout whose first table has an order.
func ordered(t *testing.T, order Order) Layout {
	layout := twoTables(t)
	layout.Tables[0].Order = order
	return layout
}

// Rows are sorted in their partial, be they few or more than the spool holds; the rows of
// another table in between stay as they are.
func TestPartialsAreSorted(t *testing.T) {
	layout := ordered(t, Order{Sort: []string{"n"}, Within: true})
	for name, c := range map[string]struct{ batches, rows int }{"in the spool": {5, 100}, "beyond the spool": {130, 40_000}} {
		t.Run(name, func(t *testing.T) {
			lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "partial.hyper")
			l, err := newLoader(layout, SpoolConfig{MaxBytes: "64m"}, nil, lease, path)
			require.NoError(t, err)
			t.Cleanup(l.abandon)
			for i, b := range descending(0, c.batches, c.rows) {
				require.NoError(t, l.add(b))
				if i == 1 {
					require.NoError(t, l.add(days(1, 0, 7, aDate)))
				}
			}
			file, err := complete(t.Context(), l)
			require.NoError(t, err)
			assert.EqualValues(t, c.batches*c.rows, file.Tables[0].Rows)
			assert.EqualValues(t, 7, file.Tables[1].Rows)
			assert.Equal(t, c.batches > 10, l.session.aside != nil, "rows were set aside")
			assert.NoFileExists(t, path+".unsorted")

			numbers := numbersIn(t, file.Path)
			assert.LessOrEqual(t, descents(numbers), len(numbers)/5000, "only where a scan goes from block to block")
			slices.Sort(numbers)
			assert.Equal(t, c.batches*c.rows, len(slices.Compact(numbers)))
		})
	}
}

// One file is made of partials: by target, whichever is the largest, or sorted as a whole.
func TestMergingKeepsTheOrder(t *testing.T) {
	partials := func(layout Layout) []File {
		var made []File
		for _, shard := range []int{2, 0, 1} {
			file := partial(t, layout, descending(shard*1000, 2, 100*(shard+1))...)
			file.Target.Shard = shard
			made = append(made, file)
		}
		return append(made, partial(t, layout, days(1, 0, 5, aDate)))
	}
	for name, order := range map[string]Order{
		"by target":  {Sort: []string{"n"}, Within: true, ByTarget: true},
		"as a whole": {Sort: []string{"n"}},
	} {
		t.Run(name, func(t *testing.T) {
			layout := ordered(t, order)
			merged, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, partials(layout), filepath.Join(t.TempDir(), "merged.hyper"))
			require.NoError(t, err)
			numbers := numbersIn(t, merged.Path)
			assert.Len(t, numbers, 1200)
			assert.Zero(t, descents(numbers))
			assert.EqualValues(t, 5, merged.Tables[1].Rows)
		})
	}
}

// A single partial is sorted as well, if that is left to merging.
func TestOnePartialIsSortedAsAWhole(t *testing.T) {
	layout := ordered(t, Order{Sort: []string{"d", "n"}})
	only := partial(t, layout, descending(0, 3, 10)...)
	merged, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, []File{only}, filepath.Join(t.TempDir(), "merged.hyper"))
	require.NoError(t, err)
	assert.NotEqual(t, only.Path, merged.Path)
	assert.Positive(t, descents(numbersIn(t, only.Path)), "it was not in order before")
	assert.Zero(t, descents(numbersIn(t, merged.Path)))
}
