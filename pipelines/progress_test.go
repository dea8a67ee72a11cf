package pipelines_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

// Stages that count no rows say what they do, and of files how far they are.
func TestProgressOfLongStages(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	run := func(numbers ...int64) (told []report.Progress, record *report.Report) {
		runtest.WriteParquet(t, filepath.Join(folder, "lake", fmt.Sprintf("day=%d", len(numbers)), "a.parquet"), numbers...)
		cfg := runtest.Configure(t, folder, "name: numbers\noutput: {path: "+storage.Join(bucket, "x.hyper")+"}\nrefresh: {mode: changed}\n"+
			"tables:\n  - source: {uri: lake/**/*.parquet}\n"+
			"    checks: [{name: some, sql: 'select count(*) > 0 from \"Extract\".\"Extract\"'}, {row_count: {min: 1}}]\n")
		id, err := staging.NewRunID()
		require.NoError(t, err)
		runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
		require.NoError(t, err)
		record, err = pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
			ID: id, Engine: runtest.Direct{Runner: runner}, Log: slog.New(slog.DiscardHandler),
			Progress: func(p report.Progress) {
				p.Elapsed = 0
				told = append(told, p)
			},
		})
		require.NoError(t, err)
		return told, record
	}
	told, record := run(1, 2, 3, 4, 5, 6, 7, 8, 9)
	size := record.Output.Bytes
	for _, want := range []report.Progress{
		{Stage: "check", Detail: "1 of 2, some", TotalRows: 9, Uncounted: true},
		{Stage: "move", Detail: "upload", TotalRows: 9, TotalBytes: size},
		{Stage: "move", Detail: "upload", TotalRows: 9, Bytes: size, TotalBytes: size},
	} {
		assert.Contains(t, told, want)
	}

	told, record = run(10)
	require.Equal(t, report.RefreshChanged, record.Refresh.Mode, record.Refresh.Reason)
	for _, want := range []report.Progress{
		{Stage: "patch", Detail: "download", TotalRows: 1, Bytes: size, TotalBytes: size},
		{Stage: "patch", Detail: "hash", TotalRows: 1, Bytes: size, TotalBytes: size},
		{Stage: "patch", TotalRows: 1, Uncounted: true},
	} {
		assert.Contains(t, told, want)
	}
}
