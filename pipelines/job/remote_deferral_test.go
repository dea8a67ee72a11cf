package job_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

const remoteRules = `
    rules:
      - {column: l_quantity, max: 40}
      - {column: l_comment, max_length: 40, matches: "^[^x]*$", on_fail: warn}
      - {expr: l_shipdate <= l_receiptdate}
    rejects: {path: rejects}
`

// hyperd reads copies of remote files: extract, rejects and accounts are those of local files,
// and of files that are read in Go, while requests fail.
func TestHyperdReadsRemoteFiles(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 503, Skip: 5, Times: 3})
	faults.Inject(storagetest.Fault{On: storagetest.Read, Cut: true, After: 10_000, Times: 9})
	spool := t.TempDir()
	config := fmt.Sprintf("name: x\nspool: {path: %q, max_bytes: 64m}\ntables:\n  - source: {uri: \"%%s/lineitem/*.parquet\"}%s", spool, remoteRules)
	remote := fmt.Sprintf(config, storage.Join(bucket, "lake"))
	plan := runtest.RequireSame(t, remote)
	assert.Equal(t, 3, plan.Deferred, plan.Materialised)

	extracts := map[string][]string{}
	for name, text := range map[string]string{"remote": remote, "local": fmt.Sprintf(config, "%LAKE%")} {
		cfg := runtest.Configure(t, t.TempDir(), text)
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Positive(t, report.Tables[0].RowsRejected)
		extracts[name] = runtest.ContentsOf(t, cfg.Output.Path)
	}
	assert.True(t, slices.Equal(extracts["local"], extracts["remote"]), "the extracts differ")
	runtest.RequireOnly(t, spool)
}

// A remote file that has no rejects is read twice: its footer for the plan, and all of it.
func TestRemoteFilesCrossTheNetworkOnce(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	cfg := runtest.Configure(t, t.TempDir(), fmt.Sprintf("name: x\ntables:\n  - source: {uri: %q}\n", storage.Join(bucket, "lake/lineitem/*.parquet")))
	before := faults.Count(storagetest.Read)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, 2*3, faults.Count(storagetest.Read)-before)
}

// A remote file that cannot be copied ends the run, and nothing stays behind.
func TestARemoteFileThatCannotBeCopied(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	folder, spool := t.TempDir(), t.TempDir()
	cfg := runtest.Configure(t, folder, fmt.Sprintf("name: x\nspool: {path: %q}\ntables:\n  - source: {uri: %q}\n", spool, storage.Join(bucket, "lake/lineitem/*.parquet")))
	_, err := runtest.Run(t, t.Context(), cfg, func() {
		faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "lineitem.2", Status: 403})
	})
	failed := failure.Of(err, failure.Engine)
	require.NotNil(t, failed)
	assert.Equal(t, failure.Source, failed.Kind)
	assert.Contains(t, failed.Message, "lineitem.2.parquet")
	assert.Contains(t, failed.Hint, "Storage Object Viewer")
	runtest.RequireOnly(t, folder, "config.yaml")
	runtest.RequireOnly(t, spool)
}

func TestACancelledRunLeavesNoCopies(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	folder, spool := t.TempDir(), t.TempDir()
	cfg := runtest.Configure(t, folder, fmt.Sprintf("name: x\nspool: {path: %q}\ntables:\n  - source: {uri: %q}\n", spool, storage.Join(bucket, "lake/lineitem/*.parquet")))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := runtest.Run(t, ctx, cfg, func() {
		faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "lineitem.2", Before: cancel, Pause: time.Hour})
	})
	require.ErrorIs(t, err, context.Canceled)
	runtest.RequireOnly(t, folder, "config.yaml")
	require.Eventually(t, func() bool { // the engine ends after the run
		entries, err := os.ReadDir(spool)
		return err == nil && len(entries) == 0
	}, time.Minute, 10*time.Millisecond)
}

// The pages of a remote file are held against their checksums, too.
func TestChecksumsOfRemoteFiles(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	data, err := os.ReadFile("../../transforms/parquetread/testdata/encodings_v1.parquet")
	require.NoError(t, err)
	store, err := storage.For(bucket)
	require.NoError(t, err)
	for name, want := range map[string]string{"sound.parquet": "", "damaged.parquet": `row group 0: column "delta_i64": `} {
		uri := storage.Join(bucket, name)
		if want != "" {
			data[2000] ^= 0x10
		}
		require.NoError(t, store.Put(t.Context(), uri, data))
		if want != "" {
			data[2000] ^= 0x10
		}
		cfg := runtest.Configure(t, t.TempDir(), fmt.Sprintf("name: x\ntables:\n  - source: {uri: %q, select: [delta_i64, prefixes, lengths, split_f64]}\n", uri))
		plan := runtest.PlanOf(t, cfg)
		assert.Equal(t, 1, plan.Deferred, plan.Materialised)
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, uri+": "+want)
		assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
	}
}

func TestFewColumnsOfRemoteFilesAreReadByRange(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	plan := runtest.RequireSame(t, fmt.Sprintf("name: x\ntables:\n  - source: {uri: %q, select: [l_orderkey]}\n", storage.Join(bucket, "lake/lineitem/*.parquet")))
	assert.Zero(t, plan.Deferred)
	assert.Equal(t, []string{"less than half of remote files is read"}, plan.Materialised)
}

// While hyperd waits for files, the progress shows what it has loaded so far.
func TestProgressOfDeferredFiles(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	shown := make(chan struct{})
	config := "name: x\ntables:\n"
	for _, name := range []string{"a", "b"} {
		uri := storage.Join(bucket, name+".parquet")
		_, err := storage.Upload(t.Context(), filepath.Join(runtest.SampleLake(t), "lineitem", "lineitem.1.parquet"), uri, storage.Any())
		require.NoError(t, err)
		config += fmt.Sprintf("  - {name: %s, source: {uri: %q}}\n", name, uri)
	}
	cfg := runtest.Configure(t, t.TempDir(), config)
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	engine := runtest.Direct{Runner: runner, Before: func() {
		faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "b", Before: func() {
			select {
			case <-shown:
			case <-time.After(20 * time.Second):
				t.Error("no progress was shown")
			}
		}})
	}}
	var once sync.Once
	_, err = pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
		ID: id, Engine: engine, Log: slog.New(slog.DiscardHandler),
		Progress: func(p report.Progress) {
			if p.Stage == "load" && p.Rows > 0 && p.Rows < p.TotalRows && p.Written > 0 {
				once.Do(func() { close(shown) })
			}
		},
	})
	require.NoError(t, err)
}
