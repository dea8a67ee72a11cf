package refresh_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

func reportOf(run int, output string, status report.Status) *report.Report {
	return &report.Report{
		Version: report.Version, RunID: fmt.Sprintf("2026010%dT000000Z-00000000", run), Status: status,
		Started: time.Date(2026, 1, run, 0, 0, 0, 0, time.UTC), Output: report.Output{Path: output}, Tables: []report.TableAccount{}, Stages: []report.Stage{},
	}
}

func statuses(t *testing.T, history *refresh.History) []report.Status {
	t.Helper()
	runs, err := history.Runs(t.Context())
	require.NoError(t, err)
	var found []report.Status
	for _, r := range runs {
		found = append(found, r.Status)
	}
	return found
}

func TestHistory(t *testing.T) {
	for name, folder := range places(t) {
		t.Run(name, func(t *testing.T) {
			history, err := refresh.OpenHistory(folder)
			require.NoError(t, err)
			assert.Empty(t, statuses(t, history))
			for i, status := range []report.Status{report.Succeeded, report.Failed, report.Unchanged} {
				r := reportOf(i+1, "x.hyper", "")
				before, err := history.Begin(t.Context(), r)
				require.NoError(t, err)
				assert.Len(t, before, i)
				assert.Empty(t, r.Status, "the report is the run's own")
				assert.Equal(t, report.Running, statuses(t, history)[i])
				r.Status = status
				require.NoError(t, history.End(t.Context(), r, 10))
			}
			for run, output := range map[int]string{4: "x.hyper", 5: "y.hyper"} { // they are killed; of the second, the lock is another one
				_, err = history.Begin(t.Context(), reportOf(run, output, ""))
				require.NoError(t, err)
			}
			before, err := history.Begin(t.Context(), reportOf(6, "x.hyper", ""))
			require.NoError(t, err)
			assert.Equal(t, report.Lost, before[3].Status, "what is returned is what is noted")
			assert.Equal(t, []report.Status{report.Succeeded, report.Failed, report.Unchanged, report.Lost, report.Running, report.Running},
				statuses(t, history))

			require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "runs", "notes.json"), []byte(`{"run_id": "other"}`)))
			require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "runs", "20260107T000000Z-00000000.json"), []byte(`{`)))
			assert.Len(t, statuses(t, history), 6, "what is no report is left out")
			require.NoError(t, history.End(t.Context(), reportOf(6, "x.hyper", report.Succeeded), 4))
			assert.Equal(t, []report.Status{report.Running, report.Succeeded}, statuses(t, history))
		})
	}
}

func TestHistoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	history, err := refresh.OpenHistory(filepath.Join(file, "state"))
	require.NoError(t, err)
	require.ErrorContains(t, history.End(t.Context(), reportOf(1, "x", report.Succeeded), 1), "write the history in "+file)
}
