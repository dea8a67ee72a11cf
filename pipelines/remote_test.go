package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// requireSameRows compares the tables of two extracts.
func requireSameRows(t *testing.T, want, got string) {
	t.Helper()
	const all = `SELECT * FROM x."Extract"."lineitem" ORDER BY l_orderkey, l_linenumber`
	rows := runtest.RowsIn(t, want, all)
	require.NotEmpty(t, rows)
	require.Equal(t, rows, runtest.RowsIn(t, got, all))
}

// Lake, staging and output are local or remote, in every combination, while requests fail:
// the extract is the same.
func TestRemoteStorage(t *testing.T) {
	folder := t.TempDir()
	local := runtest.Configure(t, folder, runtest.RemoteConfig("%LAKE%", "local.hyper", "", 1))
	_, err := runtest.Run(t, t.Context(), local, nil)
	require.NoError(t, err)

	for scheme, start := range stores {
		for i := range 8 {
			lakeIsRemote, stagingIsRemote, outputIsRemote := i&1 > 0, i&2 > 0, i&4 > 0
			t.Run(fmt.Sprintf("%s, lake %t, staging %t, output %t", scheme, lakeIsRemote, stagingIsRemote, outputIsRemote), func(t *testing.T) {
				bucket, faults := start(t)
				lake, staging, output := "%LAKE%", "stage", "out/x.hyper"
				if lakeIsRemote {
					lake = storage.Join(bucket, "lake")
				}
				if stagingIsRemote {
					staging = storage.Join(bucket, "stage")
				}
				if outputIsRemote {
					output = storage.Join(bucket, "out/x.hyper")
				}
				runtest.UploadLake(t, bucket)
				faults.Inject(storagetest.Fault{On: storagetest.Read, Cut: true, After: 1000, Times: 4})
				runInTrouble(t, local.Output.Path, lake, staging, output, faults)
				assert.Empty(t, storagetest.Names(t, storage.Join(bucket, "stage")), "staging is gone")
			})
		}
	}
}

// runInTrouble runs the sample while requests fail, and compares it with the local run.
func runInTrouble(t *testing.T, want, lake, staging, output string, faults ...*storagetest.Faults) {
	for _, one := range faults {
		for _, operation := range []storagetest.Operation{storagetest.List, storagetest.Stat, storagetest.Read, storagetest.Write} {
			one.Inject(storagetest.Fault{On: operation, Status: 503, Times: 2})
		}
	}
	cfg := runtest.Configure(t, t.TempDir(), runtest.RemoteConfig(lake, output, staging, 2))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	requireSameRows(t, want, runtest.Fetched(t, cfg.Output.Path))
	assert.Positive(t, report.Tables[0].RowsFiltered)
	assert.Positive(t, report.Tables[0].RowsRejected)
}

// A file that is replaced during the run is an error, never a mixture.
func TestAReplacedObjectEndsTheRun(t *testing.T) {
	onEachStore(t, func(t *testing.T, bucket string, _ *storagetest.Faults) {
		for engine, deferred := range map[string]int{"auto": 3, "go": 0} {
			runtest.UploadLake(t, bucket)
			config := runtest.RemoteConfig(storage.Join(bucket, "lake"), storage.Join(bucket, "x.hyper"), "", 1) + "validate: {engine: " + engine + "}\n"
			cfg := runtest.Configure(t, t.TempDir(), config)
			assert.Equal(t, deferred, runtest.PlanOf(t, cfg).Deferred)
			_, err := runtest.Run(t, t.Context(), cfg, func() {
				_, err := storage.Upload(t.Context(), filepath.Join(runtest.SampleLake(t), "lineitem", "lineitem.1.parquet"),
					storage.Join(bucket, "lake/lineitem/lineitem.3.parquet"), storage.Any())
				require.NoError(t, err)
			})
			require.Error(t, err)
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, failure.Source, failed.Kind)
			assert.Contains(t, failed.Message, "lineitem.3.parquet")
			assert.Contains(t, failed.Message, "changed after it was listed")
			assert.NotContains(t, storagetest.Names(t, bucket), storage.Join(bucket, "x.hyper"))
		}
	})
}

// An extract that cannot be uploaded leaves what stood there.
func TestAnUploadThatFailsLeavesTheOutput(t *testing.T) {
	onEachStore(t, func(t *testing.T, bucket string, faults *storagetest.Faults) {
		output := storage.Join(bucket, "x.hyper")
		store, err := storage.For(output)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), output, []byte("as before")))
		folder := t.TempDir()
		cfg := runtest.Configure(t, folder, runtest.RemoteConfig("%LAKE%", output, "", 1))
		record, err := runtest.Run(t, t.Context(), cfg, func() {
			faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 403})
		})
		require.Error(t, err)
		assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
		assert.NotEmpty(t, failure.Of(err, failure.Engine).Hint)
		assert.Equal(t, report.Failed, record.Status)
		faults.Heal()
		data, err := store.Get(t.Context(), output)
		require.NoError(t, err)
		assert.Equal(t, "as before", string(data))
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Len(t, entries, 1, "only the configuration")
	})
}

// Of a file, the footer is one request, for the plan and for the worker; the columns of a
// small row group are one more.
func TestRangesAreJoined(t *testing.T) {
	onEachStore(t, func(t *testing.T, bucket string, faults *storagetest.Faults) {
		runtest.UploadLake(t, bucket)
		cfg := runtest.Configure(t, t.TempDir(), runtest.RemoteConfig(storage.Join(bucket, "lake"), "x.hyper", "", 1))
		cfg.Tables[0].Source.Where = ""
		cfg.Validate.Engine = config.ValidateGo
		before := faults.Count(storagetest.Read)
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.LessOrEqual(t, faults.Count(storagetest.Read)-before, 2*report.Tables[0].Files+report.Tables[0].RowGroups)
	})
}
