package pipelines_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
	"hyperlake/transforms/parquetread"
)

// mutantSeeds is how many mutants of each file the usual tests make.
const mutantSeeds = 20

// A damaged file gives the same rows and rejects whoever reads it, or is refused by both.
func TestMutantsAreAlike(t *testing.T) {
	holdMutants(t, 0, mutantSeeds, false)
}

// holdMutants holds both engines against each other on mutants of every file, of seeds from first on. Where
// it is thorough, every refusal is that of a whole run.
func holdMutants(t *testing.T, first, count uint64, thorough bool) {
	if given := os.Getenv("HYPERLAKE_SEED"); given != "" {
		seed, err := strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
		first, count, thorough = seed, 1, true
	}
	folder := t.TempDir()
	var tables []mutantTable
	for _, file := range soundFiles(t) {
		path := filepath.Join(folder, file.name+".parquet")
		require.NoError(t, os.WriteFile(path, file.data, 0o600))
		table := runtest.PlanOf(t, runtest.Configure(t, folder, mutantConfig("auto", mutantRules, mutantTable{path})))
		require.Equal(t, 1, table.Deferred, "hyperd does not read %s when it is sound: %s", file.name, table.Materialised)
		alike := map[string]mutantTable{columnsOf(t, path): {path}} // by their columns
		for seed := first; seed < first+count; seed++ {
			data, damage := file.mutant(seed)
			path := filepath.Join(folder, fmt.Sprintf("%s_%d.parquet", file.name, seed))
			require.NoError(t, os.WriteFile(path, data, 0o600))
			switch err := readHere(t, path, false); {
			case err == nil:
				alike[columnsOf(t, path)] = append(alike[columnsOf(t, path)], path)
			case thorough || readHere(t, path, true) == nil: // hyperd is to have it
				_, err := runMutants(t, "auto", mutantRules, mutantTable{path})
				assert.Error(t, err, "hyperd takes what is refused here, %s with%s: HYPERLAKE_SEED=%d repeats it", file.name, damage, seed)
			}
		}
		tables = slices.AppendSeq(tables, maps.Values(alike))
	}
	requireAlike(t, tables...)
}

// mutantTable is files that are loaded into one table, as they have the same columns.
type mutantTable []string

// columnsOf is the columns of a file, with their types.
func columnsOf(t *testing.T, path string) string {
	return footerOf(t, path).Schema.String()
}

func footerOf(t *testing.T, path string) parquetread.Footer {
	t.Helper()
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	footer, err := parquetread.ReadFooter(t.Context(), info)
	require.NoError(t, err)
	return footer
}

// mutantRules is what rows of mutants are held against.
const mutantRules = "[{column: n, max: 2000000000}]"

func mutantConfig(engine, rules string, tables ...mutantTable) string {
	config := "name: mutants\non_empty: allow\nvalidate: {engine: " + engine + "}\ntables:\n"
	for i, paths := range tables {
		config += fmt.Sprintf("  - {name: t%d, source: {uri: ['%[2]s']}, rejects: {path: 'rejects/t%[1]d'}, rules: %[3]s}\n", i, strings.Join(paths, "', '"), rules)
	}
	return config
}

// readHere reads a file in Go, or as the worker does that is to leave it to hyperd.
func readHere(t *testing.T, path string, deferred bool) error {
	t.Helper()
	plan, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), mutantConfig("auto", mutantRules, mutantTable{path})))
	if err != nil {
		return err
	}
	footer := footerOf(t, path)
	file := parquetread.FileRef{Info: footer.Info, RowGroups: footer.RowGroups, Deferred: deferred && plan.Tables[0].Deferred > 0}
	table := parquetread.Projection{Schema: batch.Schema{Schema: footer.Schema}}
	return parquetread.ReadShard(t.Context(), parquetread.Shard{Files: []parquetread.FileRef{file}}, table, func(batch.Batch) error { return nil })
}

// mutantsRun is what a run gives of a table.
type mutantsRun struct {
	account       string
	rows, rejects []string
}

func runMutants(t *testing.T, engine, rules string, tables ...mutantTable) ([]mutantsRun, error) {
	t.Helper()
	cfg := runtest.Configure(t, t.TempDir(), mutantConfig(engine, rules, tables...))
	report, err := runtest.Run(t, context.WithoutCancel(t.Context()), cfg, nil)
	if err != nil {
		return nil, err
	}
	runs := make([]mutantsRun, len(tables))
	for i, table := range report.Tables {
		rows := runtest.RowsIn(t, cfg.Output.Path, fmt.Sprintf(`SELECT * FROM x."Extract".t%d`, i))
		rejects := runtest.RejectRows(t, cfg.Tables[i].Rejects.Path)
		slices.Sort(rows)
		slices.Sort(rejects)
		runs[i] = mutantsRun{fmt.Sprint(table.RowsRead, table.RowsRejected, table.RowsLoaded, table.Rules), rows, rejects}
	}
	return runs, nil
}

// requireAlike loads files with both engines, which must give the same. If they do not, it
// looks for the file.
func requireAlike(t *testing.T, tables ...mutantTable) {
	t.Helper()
	inGo, err := runMutants(t, "go", mutantRules, tables...)
	require.NoError(t, err)
	auto, err := runMutants(t, "auto", mutantRules, tables...)
	isOne := len(tables) == 1 && len(tables[0]) == 1
	switch {
	case isOne:
		const differ = "the engines differ on %s: HYPERLAKE_SEED with the number in its name repeats it"
		require.NoError(t, err, differ, tables[0])
		assert.Equal(t, inGo, auto, differ, tables[0])
	case err != nil || !reflect.DeepEqual(inGo, auto):
		assert.Fail(t, "the engines differ")
		for i, paths := range tables {
			if err == nil && reflect.DeepEqual(inGo[i], auto[i]) {
				continue
			}
			for _, path := range paths {
				requireAlike(t, mutantTable{path})
			}
		}
	}
}

// What hyperd would take for something else is found before it does.
func TestWhatHyperdWouldTakeIsRefused(t *testing.T) {
	path, err := filepath.Abs("testdata/hostile/snappy_copy_offset_0.parquet")
	require.NoError(t, err)
	for _, engine := range []string{"auto", "go"} {
		_, err := runMutants(t, engine, "[]", mutantTable{path})
		require.ErrorContains(t, err, "SNAPPY page")
		assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
	}
}

// hyperd ends when it reads bounds that are not as long as their type.
func TestBoundsOfTheWrongLength(t *testing.T) {
	path, err := filepath.Abs("testdata/hostile/bounds_without_bytes.parquet")
	require.NoError(t, err)
	auto, err := runMutants(t, "auto", "[]", mutantTable{path})
	require.NoError(t, err)
	assert.Equal(t, []string{"-7.25", "5.00", "NULL"}, auto[0].rows)
}
