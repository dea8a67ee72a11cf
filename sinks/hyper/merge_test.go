package hyper

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd/hyperdtest"
)

func mergeAll(t *testing.T, layout Layout, partials ...File) (File, string) {
	path := filepath.Join(t.TempDir(), "deep", "merged.hyper")
	merged, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, partials, path)
	require.NoError(t, err)
	return merged, path
}

func TestMergeOfNothingIsAnEmptyFile(t *testing.T) {
	merged, path := mergeAll(t, twoTables(t))
	assert.Equal(t, path, merged.Path)
	assert.Zero(t, merged.Partials)
	assert.Equal(t, "0", value(t, path, `SELECT count(*) FROM x."Extract"."odd ""name'"`))
}

func TestMergeOfOneIsThatOne(t *testing.T) {
	one := partial(t, twoTables(t), days(0, 1, 10, aDate))
	merged, path := mergeAll(t, twoTables(t), one)
	assert.Equal(t, one.Path, merged.Path)
	assert.Equal(t, one.Bytes, merged.Bytes)
	assert.NoFileExists(t, path)
}

func TestMergeOfManyKeepsEveryRowAndThePartials(t *testing.T) {
	layout := twoTables(t)
	rejected := days(1, 0, 0, aDate)
	rejected.Tally = batch.Tally{Read: 3, Rejected: 3}
	partials := []File{
		partial(t, layout, days(0, 0, 10, aDate)),
		partial(t, layout, rejected),
		partial(t, layout, days(0, 10, 90, aDate), days(1, 0, 5, aDate)),
		partial(t, layout, days(1, 5, 5, aDate)),
	}
	for attempt := range 2 { // a second attempt finds what the first found
		merged, path := mergeAll(t, layout, partials...)
		assert.Equal(t, path, merged.Path, attempt)
		assert.Equal(t, 4, merged.Partials)
		assert.Equal(t, Contents{Rows: 100, Tally: batch.Tally{Read: 100}}, merged.Tables[0])
		assert.Equal(t, Contents{Rows: 10, Tally: batch.Tally{Read: 13, Rejected: 3}}, merged.Tables[1])
		assert.Equal(t, "4950", value(t, path, `SELECT sum(n) FROM x."Extract"."Extract"`))
		assert.Equal(t, "45", value(t, path, `SELECT sum(n) FROM x."Extract"."odd ""name'"`))
	}
	for _, p := range partials {
		assert.FileExists(t, p.Path)
	}
}

func TestMergeKeepsTheTalliesOfEmptyPartials(t *testing.T) {
	layout := twoTables(t)
	rejected := days(0, 0, 0, aDate)
	rejected.Tally = batch.Tally{Read: 3, Rejected: 3}
	empty, full := partial(t, layout, rejected), partial(t, layout, days(0, 1, 10, aDate))
	merged, _ := mergeAll(t, layout, empty, full)
	assert.Equal(t, full.Path, merged.Path, "the empty one is dropped")
	assert.Equal(t, batch.Tally{Read: 13, Rejected: 3}, merged.Tables[0].Tally)
	assert.EqualValues(t, 10, full.Tables[0].Tally.Read, "the reference that was given stays as it was")

	merged, _ = mergeAll(t, layout, empty, partial(t, layout, rejected))
	assert.EqualValues(t, 6, merged.Tables[0].Tally.Rejected)
	assert.Zero(t, merged.Tables[0].Rows)
}

func TestMergeFailuresLeaveNothing(t *testing.T) {
	layout := twoTables(t)
	one, two := partial(t, layout, days(0, 1, 10, aDate)), partial(t, layout, days(0, 11, 5, aDate))
	cases := []struct {
		name   string
		change func(one, two *File)
		says   string
	}{
		{"a partial is missing", func(_, two *File) { two.Path += ".gone" }, "gone"},
		{"the largest is missing", func(one, _ *File) { one.Path += ".gone" }, "gone"},
		{"a partial holds other rows than its reference says", func(_, two *File) {
			two.Tables = []Contents{{Rows: 6, Tally: batch.Tally{Read: 6}}, {}}
		}, "holds 15 rows, but 16 were loaded"},
		{"a partial came twice", func(one, two *File) {
			two.Path = one.Path
		}, "holds 20 rows, but 15 were loaded"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := one, two
			c.change(&a, &b)
			path := filepath.Join(t.TempDir(), "merged.hyper")
			_, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, []File{a, b}, path)
			require.ErrorContains(t, err, c.says)
			assert.NoFileExists(t, path)
		})
	}
}
