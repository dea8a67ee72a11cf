package output_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// unmerged is the configuration of sales without a merge, with more keys of the table and
// of the configuration.
func unmerged(table, more string) string {
	lines := strings.Split(fmt.Sprintf(runtest.SalesConfig, 1), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "checks:") })
	return strings.Join(lines, "\n") + "    " + table + "\n" + more
}

const mergeNone = "output: {merge: none}\n"

// requireSet checks that outputs of a run are whole extracts that together hold the rows, and
// returns the names of their files.
func requireSet(t *testing.T, want []string, report *report.Report) (files []string) {
	t.Helper()
	var got []string
	var bytes int64
	for i, output := range report.Outputs {
		number := fmt.Sprintf("%05d-of-%05d", i+1, len(report.Outputs))
		assert.Equal(t, number, output.Value)
		path := runtest.Fetched(t, output.Path)
		sum, size, err := storage.SHA256(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, []any{sum, size}, []any{output.SHA256, output.Bytes})
		rows := runtest.ContentsOf(t, path)
		assert.Len(t, rows, int(output.Rows))
		got, bytes = append(got, rows...), bytes+size
		files = append(files, filepath.Base(output.Path))
		assert.True(t, strings.HasSuffix(output.Path, "-"+number+".hyper"), output.Path)
	}
	slices.Sort(got)
	runtest.RequireRows(t, want, got)
	assert.Equal(t, bytes, report.Output.Bytes)
	return files
}

// Partials that are not merged are extracts of their own, which together hold every row.
func TestPartialsStayExtracts(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	plainCfg, plain := runtest.Sales(t, folder, 1, "")
	want := runtest.ContentsOf(t, plainCfg.Output.Path)
	require.NoError(t, os.Remove(plainCfg.Output.Path))
	for _, name := range []string{"sales-00001-of-00009.hyper", "sales-eu-00001-of-00002.hyper"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("old"), 0o600))
	}
	key := "primary_key: [id]"
	for table, count := range map[string]int{key: 1, "repartition: {shards: 4}\n    " + key: 4, "repartition: {by: [tenant], shards: 3, sort: [id]}\n    " + key: 0} {
		cfg := runtest.Configure(t, folder, unmerged(table, mergeNone))
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		runtest.RequireSameAccount(t, plain, report)
		files := requireSet(t, want, report)
		if count > 0 {
			assert.Len(t, files, count)
			assert.GreaterOrEqual(t, report.Partials, count, "some may be empty")
		}
		assert.Contains(t, strings.Join(report.Warnings, "\n"), "a file is named like an extract of an earlier run, and left as it is: sales-00001-of-00009.hyper")
		for _, output := range report.Outputs {
			assert.Equal(t, "1", runtest.Query(t, output.Path, `SELECT count(*) FROM x.pg_catalog.pg_constraint WHERE contype = 'p'`), "each has the keys")
			require.NoError(t, os.Remove(output.Path))
		}
		runtest.RequireOnly(t, folder, "lake", "config.yaml", "sales-00001-of-00009.hyper", "sales-eu-00001-of-00002.hyper", "sales.hyper.set.json")
	}
}

// Ranges are numbered as they ascend: the files, one after another, are sorted.
func TestRangesStayInOrder(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, unmerged("repartition: {range: id, shards: 4, sort: [id]}", mergeNone))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	require.Len(t, report.Outputs, 4)
	last := "-1"
	for _, output := range report.Outputs {
		bounds := strings.Split(runtest.RowsIn(t, output.Path, `SELECT min(id) > `+last+`, max(id) FROM x."Extract"."Extract"`)[0], "|")
		assert.Equal(t, "t", bounds[0])
		last = bounds[1]
	}
}

// Staging and output are local or remote, in every combination, while requests fail; where
// both are remote, nothing is read to be moved.
func TestSetOnRemoteStorage(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	plainCfg, _ := runtest.Sales(t, folder, 1, "")
	want := runtest.ContentsOf(t, plainCfg.Output.Path)
	for i := range 4 {
		stagingIsRemote, outputIsRemote := i&1 > 0, i&2 > 0
		t.Run(fmt.Sprintf("staging %t, output %t", stagingIsRemote, outputIsRemote), func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			output, staging := "out/x.hyper", "stage"
			if stagingIsRemote {
				staging = storage.Join(bucket, "stage")
			}
			if outputIsRemote {
				output = storage.Join(bucket, "out/x.hyper")
			}
			for _, operation := range []storagetest.Operation{storagetest.Stat, storagetest.Read, storagetest.Write} {
				faults.Inject(storagetest.Fault{On: operation, Status: 503, Times: 2})
			}
			faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "00002-of", Lose: true, Times: 1})
			for range 2 { // the second run replaces the set
				cfg := runtest.Configure(t, folder, unmerged("repartition: {shards: 3}", fmt.Sprintf("staging: %q\noutput: {path: %q, merge: none}\n", staging, output)))
				report, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				assert.Len(t, requireSet(t, want, report), 3)
				assert.Empty(t, storagetest.Names(t, storage.Join(bucket, "stage")), "staging is gone")
				if outputIsRemote {
					assert.Len(t, runtest.WithoutStates(storagetest.Names(t, storage.Join(bucket, "out"))), 4, "three extracts and their list")
				}
			}
		})
	}
}

// Nothing is moved unless all is good; a set that was moved in part is none.
func TestSetIsMovedAsAWhole(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, unmerged("repartition: {shards: 3}\n    rejects: {max_rows: 0}", mergeNone))
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.Error(t, err)
	assert.Equal(t, report.Rejected, record.Status)
	runtest.RequireOnly(t, folder, "lake", "config.yaml")

	require.NoError(t, os.MkdirAll(filepath.Join(folder, "sales-00002-of-00003.hyper"), 0o755))
	cfg = runtest.Configure(t, folder, unmerged("repartition: {shards: 3}", mergeNone))
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "is a folder")
	runtest.RequireOnly(t, folder, "lake", "config.yaml", "sales-00002-of-00003.hyper")

	bucket, faults := storagetest.FakeGCS(t)
	out := storage.Join(bucket, "x.hyper")
	cfg = runtest.Configure(t, folder, unmerged("repartition: {shards: 3}", fmt.Sprintf("output: {path: %q, merge: none}\n", out)))
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	record, err = runtest.Run(t, t.Context(), cfg, func() {
		faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "00002-of-00003", Status: 403})
	})
	require.ErrorContains(t, err, "move extract 2 of 3")
	assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
	assert.Len(t, record.Outputs, 1)
	faults.Heal()
	assert.NotContains(t, storagetest.Names(t, bucket), output.SetPath(out), "the files are of two runs")
}

// Without rows there is one extract, without rows.
func TestSetOfNothing(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, strings.ReplaceAll(unmerged("repartition: {shards: 3}", mergeNone+"on_empty: allow\n"), "id >= 100", "id < 0"))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	require.Len(t, report.Outputs, 1)
	assert.Equal(t, "0", runtest.Query(t, report.Outputs[0].Path, `SELECT count(*) FROM x."Extract"."Extract"`))
}
