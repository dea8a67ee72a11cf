package pipelines_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
)

// ingestText is a configuration whose lake and rejects lie below a root, of files of ids in a folder drop.
func ingestText(root, more string) string {
	return fmt.Sprintf(`name: ids
ingest:
  - {to: "%[1]s/lake/ids/day=${date}", csv: {uri: drop/ids-*.csv}, rejects: {path: "%[1]s/bad"}%[2]s}
tables:
  - source: {uri: "%[1]s/lake/ids/**/*.parquet"}
`, root, more)
}

// dropIDs writes a file of ids, of which each may be any text.
func dropIDs(t *testing.T, folder, name string, ids ...string) {
	t.Helper()
	path := filepath.Join(folder, "drop", "ids-"+name+".csv")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("id\n"+strings.Join(ids, "\n")+"\n"), 0o600))
}

// bringIn brings into the lake what a configuration says.
func bringIn(t *testing.T, cfg *config.Config) (*report.Report, error) {
	t.Helper()
	id, err := staging.NewRunID()
	require.NoError(t, err)
	return pipelines.Ingest(t.Context(), cfg, pipelines.IngestOptions{ID: id, Log: slog.New(slog.DiscardHandler)})
}

// A run reads what it brought in first, wherever the lake lies; a repeat replaces the day, and rejects are those of the last run.
func TestRunsIngestFirst(t *testing.T) {
	for place, remote := range map[string]bool{"local": false, "gs": true} {
		t.Run(place, func(t *testing.T) {
			folder := t.TempDir()
			root := folder
			if remote {
				root, _ = storagetest.FakeGCS(t)
			}
			dropIDs(t, folder, "a", "1", "2", "3")
			for _, night := range []struct {
				date, sum string
				change    func()
				rows, bad int64
			}{
				{"2026-11-27", "3|6", func() {}, 3, 0},
				{"2026-11-28", "7|110", func() { dropIDs(t, folder, "b", "98", "x") }, 4, 1},
				{"2026-11-28", "5|106", func() { dropIDs(t, folder, "a", "2") }, 2, 1},
			} {
				night.change()
				cfg := runtest.ConfigureOn(t, night.date, folder, ingestText(root, ""))
				record, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				require.Len(t, record.Ingest, 1)
				found := record.Ingest[0]
				assert.Equal(t, []any{"ids", night.rows, night.bad, false}, []any{found.Name, found.Rows, found.Rejected, found.Failed}, night.date)
				assert.Equal(t, "ingest", record.Stages[0].Name)
				assert.Positive(t, found.Bytes)
				assert.Equal(t, []string{night.sum}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count(*), sum(id) FROM x."Extract"."Extract"`))
				store, err := storage.For(root)
				require.NoError(t, err)
				bad, err := store.Glob(t.Context(), root+"/bad/*.parquet")
				require.NoError(t, err)
				assert.Len(t, bad, int(night.bad))
			}
		})
	}
}

// A second ingest into the same folder is told who is there, whichever configuration it is of.
func TestOneIngestAtATime(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for place, root := range map[string]string{"local": t.TempDir(), "gs": bucket} {
		t.Run(place, func(t *testing.T) {
			folder := t.TempDir()
			dropIDs(t, folder, "a", "1")
			cfg := runtest.ConfigureOn(t, "2026-11-27", folder, ingestText(root, ""))
			lock, err := refresh.TakeLock(t.Context(), cfg.Ingest[0].To, "other", refresh.LockOptions{})
			require.NoError(t, err)
			record, err := bringIn(t, cfg)
			require.ErrorContains(t, err, "run other")
			assert.Equal(t, failure.Locked, record.Error.Kind)
			assert.Empty(t, record.Ingest)
			require.NoError(t, lock.Release(t.Context()))
			_, err = bringIn(t, cfg)
			require.NoError(t, err)
		})
	}
}

// A folder has one lock, whatever symbolic links lead to it.
func TestOneIngestAtATimeBehindLinks(t *testing.T) {
	folder := t.TempDir()
	dropIDs(t, folder, "a", "1")
	real, to := filepath.Join(folder, "disk", "ids"), filepath.Join(folder, "lake", "ids")
	require.NoError(t, os.MkdirAll(real, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.Symlink(real, to))
	cfg := runtest.Configure(t, folder, "name: ids\ningest: [{to: lake/ids, csv: {uri: drop/*.csv}}]\ntables: [{source: {uri: lake/ids}}]\n")
	lock, err := refresh.TakeLock(t.Context(), real, "other", refresh.LockOptions{})
	require.NoError(t, err)
	record, err := bringIn(t, cfg)
	require.ErrorContains(t, err, "run other")
	assert.Equal(t, failure.Locked, record.Error.Kind)
	require.NoError(t, lock.Release(t.Context()))
	_, err = bringIn(t, cfg)
	require.NoError(t, err)
}

// Entries before one that fails stay, those behind it are not begun, and no extract is built.
func TestAnIngestThatFails(t *testing.T) {
	folder := t.TempDir()
	dropIDs(t, folder, "a", "1", "2")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "drop", "empty.csv"), []byte("id\n"), 0o600))
	text := strings.Replace(ingestText(folder, ""), "tables:", "  - {to: lake/empty, csv: {uri: drop/empty.csv}}\n  - {to: lake/never, csv: {uri: drop/ids-*.csv}}\ntables:", 1)
	cfg := runtest.ConfigureOn(t, "2026-11-27", folder, text)
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "ingest empty: the source has no rows")
	assert.Equal(t, report.Rejected, record.Status)
	require.Len(t, record.Ingest, 2)
	assert.False(t, record.Ingest[0].Failed)
	assert.True(t, record.Ingest[1].Failed)
	assert.NoFileExists(t, cfg.Output.Path)
	assert.NoDirExists(t, filepath.Join(folder, "lake", "never"))
	assert.NoDirExists(t, filepath.Join(folder, "lake", "empty"))
	runs, err := pipelines.History(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, runs, 1, "what began is remembered")
	assert.Equal(t, report.Rejected, runs[0].Status)
}

// Nights without other rows make no other extract.
func TestIngestedUnits(t *testing.T) {
	folder := t.TempDir()
	text := ingestText(folder, "") + "refresh: {mode: changed}\n"
	for i, date := range []string{"2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"} {
		dropIDs(t, folder, "a", fmt.Sprint(i), fmt.Sprint(10*i))
		cfg := runtest.ConfigureOn(t, date, folder, text)
		record, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		if i == 3 {
			assert.Equal(t, report.RefreshChanged, record.Refresh.Mode)
			assert.Equal(t, []int{1, 4}, []int{record.Refresh.UnitsChanged, record.Refresh.Units})
		}
	}
}
