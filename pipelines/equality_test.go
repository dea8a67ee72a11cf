package pipelines_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake/iceberg/icebergtest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
)

// Tables with deletes of both kinds, whatever their files have of the columns that are compared, have the rows that the specification
// says: all of them, those that a condition keeps, and without the compared columns being loaded. Rejects tell where they are.
func TestRandomEqualityDeletes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(equalitySeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := drawEqualTable(t, seed)
			half := strconv.Itoa(d.rows / 2)
			for _, c := range []struct {
				keys  string
				keeps func(equalRow) bool
			}{
				{"nested: json", func(equalRow) bool { return true }},
				{"select: [row]", func(equalRow) bool { return true }},
				{"select: [row], where: 'row >= " + half + "'", func(r equalRow) bool { n, _ := strconv.Atoi(r[rowField]); return n >= d.rows/2 }},
				{"select: [row, p], where: \"p == 'a'\"", func(r equalRow) bool { return r[groupField] == "a" }},
				{"select: [row], where: 'id == null'", func(r equalRow) bool { return r[idField] == "" }},
			} {
				cfg := configureTable(t, d.folder, c.keys, "auto")
				report, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err, c.keys)
				want, deleted := d.left(c.keeps)
				got := append([]string{}, runtest.RowsIn(t, cfg.Output.Path, `SELECT "row" FROM x."Extract"."Extract"`)...)
				slices.Sort(got)
				assert.Equal(t, want, got, c.keys)
				account := report.Tables[0]
				assert.Equal(t, account.RowsInFiles, account.RowsRead+account.RowsDeleted+account.RowsPruned, c.keys)
				if !strings.Contains(c.keys, "where") {
					assert.Equal(t, deleted, account.RowsDeleted, c.keys)
				}
			}
			d.requireRejects(t)
		})
	}
}

// requireRejects rejects every other row.
func (d *equalTable) requireRejects(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, fmt.Sprintf(
		"name: x\non_empty: allow\ntables:\n  - source: {uri: %s, nested: json}\n    rules: [{expr: 'row %% 2 == 0', name: even}]\n    rejects: {path: rejects}\n", d.folder))
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	want, _ := d.left(func(r equalRow) bool { n, _ := strconv.Atoi(r[rowField]); return n%2 == 1 })
	got := []string{}
	if len(want) > 0 {
		for _, text := range runtest.RejectRows(t, filepath.Join(folder, "rejects")) {
			var row struct {
				Key  json.Number `json:"row"`
				File string      `json:"_file"`
				Row  int         `json:"_row"`
			}
			require.NoError(t, json.Unmarshal([]byte(text), &row))
			assert.Equal(t, valuesIn(t, row.File, "row")[row.Row], row.Key.String(), text)
			got = append(got, row.Key.String())
		}
	}
	slices.Sort(got)
	assert.Equal(t, want, got)
}

// Values that files lack, since they are those of their partitions, are compared as such: also where other files have them, and of a
// column that the table has dropped.
func TestComparedValuesOfPartitions(t *testing.T) {
	t.Parallel()
	d := newEqualTable(t, 0)
	first, a, x := equalSchemas[0], "a", "x"
	d.keep(equalFile{number: 1, path: "1.parquet", sequence: 1, spec: 1, group: &a, rows: []equalRow{
		{rowField: "1", groupField: "a"}, {rowField: "2", groupField: "a", goneField: "y"},
	}}, without(first, groupField), true)
	d.keep(equalFile{number: 2, path: "2.parquet", sequence: 1, rows: []equalRow{
		{rowField: "3", groupField: "a"}, {rowField: "4", groupField: "b"}, {rowField: "5", goneField: "x"}, {rowField: "6", goneField: "y"},
	}}, first, true)
	d.keep(equalFile{number: 3, path: "3.parquet", sequence: 1, spec: byGone, group: &x, rows: []equalRow{
		{rowField: "7", goneField: "x"}, {rowField: "8", groupField: "b", goneField: "x"},
	}}, without(first, goneField), true)
	everywhere := func(c icebergtest.Object, number int, value string) {
		id := c["id"].(int32)
		file := equalFile{number: number, path: fmt.Sprint(number, ".parquet"), sequence: 2, fields: []int32{id}, rows: []equalRow{{id: value}}}
		d.keepValues(file, []icebergtest.Object{c}, true)
	}
	requireLeft := func(want ...string) {
		d.metadata()
		left, _ := d.left(func(equalRow) bool { return true })
		require.Equal(t, want, left, "the model agrees")
		cfg := configureTable(t, d.folder, "select: [row]", "auto")
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.ElementsMatch(t, want, runtest.RowsIn(t, cfg.Output.Path, `SELECT "row" FROM x."Extract"."Extract"`))
	}
	requireLeft("1", "2", "3", "4", "5", "6", "7", "8")
	everywhere(equalColumn(groupField, "p", "string"), 4, "a")
	requireLeft("4", "5", "6", "7", "8")
	everywhere(equalColumn(goneField, "x", "string"), 5, "x")
	requireLeft("4", "6")
	d.keep(equalFile{number: 6, path: "6.parquet", sequence: 1, rows: []equalRow{{rowField: "9", newField: "x"}, {rowField: "91", newField: "z"}}}, equalSchemas[2], true)
	requireLeft("4", "6", "9", "91")
	everywhere(equalColumn(newField, "x", "string"), 7, "z") // which is another column than the one that was dropped
	requireLeft("4", "6", "9")
}

// What cannot be compared, or is too much, is refused before anything is read.
func TestEqualityDeletesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deletes icebergtest.Object
		words   []string
	}{
		"of too many rows":             {icebergtest.Object{"equality_ids": []int32{idField}, "record_count": 16<<20 + 1}, []string{"more than 16,777,216 rows of equality deletes"}},
		"by an unknown field":          {icebergtest.Object{"equality_ids": []int32{idField, 77}}, []string{"no version of the table has their field 77"}},
		"by a structure":               {icebergtest.Object{"equality_ids": []int32{partsField}}, []string{"the field 5 (s), which is struct", "not implemented"}},
		"by what is in a list":         {icebergtest.Object{"equality_ids": []int32{21}}, []string{"a list or map, as the field 21 (element) in l"}},
		"in a file that is no Parquet": {icebergtest.Object{"equality_ids": []int32{idField}, "file_format": "AVRO"}, []string{"is in AVRO"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newEqualTable(t, 0)
			d.add(equalFile{number: 1, path: "a.parquet", sequence: 1}, "data", icebergtest.Object{"content": 0, "record_count": 5})
			c.deletes["content"] = 2
			d.add(equalFile{number: 2, path: "d.parquet", sequence: 2}, "deletes", c.deletes)
			d.metadata()
			_, err := pipelines.MakePlan(t.Context(), configureTable(t, d.folder, "nested: json", "auto"))
			requireEarly(t, err, c.words...)
		})
	}
}

// Too many rows are those of all files that are for one data file, and not those of files that are for none.
func TestEqualityDeletesAreCountedForEachFile(t *testing.T) {
	t.Parallel()
	d := newEqualTable(t, 0)
	half := icebergtest.Object{"content": 2, "equality_ids": []int32{idField}, "record_count": 8<<20 + 1}
	d.add(equalFile{number: 1, path: "d1.parquet", sequence: 1}, "deletes", half)
	d.addData(equalFile{number: 2, sequence: 1}, 0)
	d.add(equalFile{number: 3, path: "d3.parquet", sequence: 2}, "deletes", half)
	d.metadata()
	cfg := configureTable(t, d.folder, "nested: json", "auto")
	assert.Equal(t, 1, runtest.PlanOf(t, cfg).DeleteFiles)
	d.add(equalFile{number: 4, path: "d4.parquet", sequence: 2}, "deletes", half)
	d.metadata()
	_, err := pipelines.MakePlan(t.Context(), cfg)
	requireEarly(t, err, "more than 16,777,216 rows", "rewrite_data_files")
}

// A file of equality deletes that is gone may be one of a version that was expired; one that is damaged is not.
func TestFilesOfEqualityDeletesThatCannotBeRead(t *testing.T) { // alone, since a run that fails ends hyperd
	for name, c := range map[string]struct {
		harm  func(path string) error
		retry bool
	}{
		"gone":    {os.Remove, true},
		"damaged": {func(path string) error { return os.WriteFile(path, []byte("PAR1"), 0o600) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "lake")
			require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(icebergFixtures, "equality"))))
			files, err := filepath.Glob(filepath.Join(folder, "data", "*-deletes.parquet"))
			require.NoError(t, err)
			require.Len(t, files, 2)
			require.NoError(t, c.harm(files[0]))
			_, err = runtest.Run(t, t.Context(), configureTable(t, folder, "nested: json", "auto"), nil)
			require.Error(t, err)
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, failure.Source, failed.Kind)
			assert.Contains(t, failed.Message, files[0])
			assert.Equal(t, c.retry, failed.Retry)
		})
	}
}
