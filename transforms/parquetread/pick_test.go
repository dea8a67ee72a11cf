package parquetread_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

// flatOf is the flat columns of a file, and whether there are any.
func flatOf(footer parquetread.Footer) (table parquetread.Projection, isSome bool) {
	var names []string
	for _, field := range footer.Schema.Fields() {
		if _, isNested := field.Type.(arrow.NestedType); !isNested {
			names = append(names, field.Name)
		}
	}
	return tableOf(footer, names...), len(names) > 0
}

// TestPickedRowsAreThoseOfTheFile picks from every fixture: from all encodings, codecs,
// types, kinds of pages, and from several row groups.
func TestPickedRowsAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(fixture("*"))
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	var columns int
	for _, path := range append(paths, longFile(t, 200_000)) {
		shard, _ := allOf(t, path)
		table, isSome := flatOf(footerOf(t, path))
		all, err := readAll(shard, table)
		if err != nil || !isSome {
			continue // damaged on purpose, or nested
		}
		columns += table.Schema.NumFields()
		for _, share := range []float64{0.01, 0.3, 0.9, 1} {
			var rows []int64
			for row := range rowsOf(all) {
				if random.Float64() < share {
					rows = append(rows, row)
				}
			}
			picked, at := []batch.Batch(nil), 0
			require.NoError(t, parquetread.ReadRows(t.Context(), 3, shard.Files[0], table, rows, func(b batch.Batch) error {
				assert.Equal(t, 3, b.Table)
				assert.Equal(t, rows[at], b.Origin.FirstRow)
				assert.Equal(t, b.Record.NumRows(), b.Tally.Read)
				at += int(b.Record.NumRows())
				picked = append(picked, b)
				return nil
			}), path)
			for _, field := range table.Schema.Fields() {
				values, want := texts(all, field.Name), []string(nil)
				for _, row := range rows {
					want = append(want, values[row])
				}
				require.Equal(t, want, texts(picked, field.Name), "%s, column %s, share %v", path, field.Name, share)
			}
		}
	}
	assert.Greater(t, columns, 100)
}

func TestPickingFindsDamage(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(fixture("encodings_v1"))
	require.NoError(t, err)
	shard, _ := allOf(t, fixture("encodings_v1"))
	footer := footerOf(t, fixture("encodings_v1"))
	table, _ := flatOf(footer)
	rows := footer.RowGroups[0].Rows
	random := rand.New(rand.NewPCG(3, 4))
	var refused int
	for range 300 {
		damaged := append([]byte(nil), data...)
		at := 4 + random.IntN(len(data)*3/4)
		damaged[at] ^= byte(1 + random.IntN(255))
		file := shard.Files[0]
		file.Info = stat(t, store(t, damaged))
		err := parquetread.ReadRows(t.Context(), 0, file, table, []int64{0, 7, rows - 1}, func(batch.Batch) error { return nil })
		if err != nil {
			refused++
			assertSourceError(t, err, fmt.Sprint(file.Info.URI))
		}
	}
	assert.Positive(t, refused, "and there was no panic")
}

func TestRowsOfNestedColumnsAreNotPicked(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("nested"))
	err := parquetread.ReadRows(t.Context(), 0, shard.Files[0], table, []int64{1}, func(batch.Batch) error { return nil })
	assertSourceError(t, err, "nested", "not supported")
}
