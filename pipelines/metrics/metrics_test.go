package metrics_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/metrics"
	"hyperlake/pipelines/report"
)

var began = time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC)

// night is the end of a run that began so many nights later, and counted all.
func night(n int, code int, status report.Status) metrics.Ending {
	started := began.AddDate(0, 0, n)
	return metrics.Ending{
		Name: "orders", Started: started, Ended: started.Add(90*time.Second + 250*time.Millisecond), ExitCode: code,
		Report: &report.Report{
			Status: status, Complete: true, Output: report.Output{Bytes: 4096},
			Stages: []report.Stage{{Name: "load", Seconds: 60}, {Name: "move", Seconds: 1}, {Name: "load", Seconds: 2.5}},
			Tables: []report.TableAccount{{
				Schema: "Extract", Name: "orders", Newest: started.Add(-time.Hour), BytesIn: 1000,
				RowsRead: 100, RowsLoaded: 90, RowsRejected: 7, RowsFiltered: 3, RowsPruned: 20, RowsDeleted: 1,
			}},
			Refresh: &report.RefreshAccount{Mode: report.RefreshChanged, Units: 9, UnitsChanged: 2, BytesRead: 300},
		},
	}
}

// write writes the end of a command, and returns the file without comments. Nothing may be said of it.
func write(t *testing.T, path string, e metrics.Ending) string {
	t.Helper()
	warning, err := metrics.Write(context.Background(), path, e)
	require.NoError(t, err)
	assert.Empty(t, warning)
	return samplesIn(t, path)
}

// samplesIn is the samples of a file, which the linter of Prometheus takes.
func samplesIn(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	problems, err := promlint.New(strings.NewReader(string(text))).Lint()
	require.NoError(t, err, "%s", text)
	assert.Empty(t, problems)
	var samples []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, line)
		}
	}
	return strings.Join(samples, "")
}

func TestSuccessTellsAll(t *testing.T) {
	t.Parallel()
	e := night(0, 0, report.Succeeded)
	e.Report.Publish = &report.Publishing{Bytes: 70, Others: []*report.Publishing{{Bytes: 7}}}
	assert.Equal(t, `hyperlake_run_last_success_timestamp_seconds{name="orders"} 1.79583129025e+09
hyperlake_run_last_end_timestamp_seconds{name="orders"} 1.79583129025e+09
hyperlake_run_duration_seconds{name="orders"} 90.25
hyperlake_run_exit_code{name="orders"} 0
hyperlake_run_stage_duration_seconds{name="orders",stage="load"} 62.5
hyperlake_run_stage_duration_seconds{name="orders",stage="move"} 1
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="deleted"} 1
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="filtered"} 3
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="loaded"} 90
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="pruned"} 20
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="read"} 100
hyperlake_rows{name="orders",schema="Extract",table="orders",fate="rejected"} 7
hyperlake_input_bytes{name="orders",schema="Extract",table="orders"} 1000
hyperlake_read_bytes{name="orders"} 300
hyperlake_units{name="orders"} 9
hyperlake_units_changed{name="orders"} 2
hyperlake_extract_bytes{name="orders"} 4096
hyperlake_newest_data_timestamp_seconds{name="orders",schema="Extract",table="orders"} 1.7958276e+09
hyperlake_published_bytes{name="orders"} 77
`, write(t, filepath.Join(t.TempDir(), "x.prom"), e))
}

// TestWhatAFailureLeaves goes through nights that end in every way, and looks at what stays of the ones before.
func TestWhatAFailureLeaves(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.prom")
	const success, code, rejected = "last_success_timestamp_seconds{", "exit_code{", `fate="rejected"} `
	lines := func(samples string, parts ...string) (found string) {
		for line := range strings.Lines(samples) {
			for _, part := range parts {
				if strings.Contains(line, part) {
					found += line
				}
			}
		}
		return found
	}
	first := write(t, path, night(0, 0, report.Succeeded))
	kept := func(samples, part string) { // is as in the first night
		t.Helper()
		require.NotEmpty(t, lines(first, part))
		assert.Equal(t, lines(first, part), lines(samples, part))
	}

	early := night(1, 2, "")
	early.Report = nil
	got := write(t, path, early)
	for _, part := range []string{success, "hyperlake_rows", "_bytes", "hyperlake_units", "newest_data"} {
		kept(got, part)
	}
	assert.Contains(t, lines(got, code), "} 2\n")
	assert.Empty(t, lines(got, "stage_duration"), "those of another command")

	failed := night(2, 1, report.Failed)
	failed.Report.Complete, failed.Report.Tables[0].RowsRejected, failed.Report.Refresh = false, 0, nil
	got = write(t, path, failed)
	for _, part := range []string{success, "hyperlake_rows", "_bytes", "hyperlake_units", "newest_data", "stage_duration"} {
		kept(got, part)
	}

	refused := night(3, 3, report.Rejected)
	refused.Report.Tables[0].RowsRejected = 55
	got = write(t, path, refused)
	assert.Contains(t, lines(got, rejected), "} 55\n", "it counted all")
	for _, part := range []string{success, "extract_bytes", "newest_data"} {
		kept(got, part)
	}

	byHand := night(4, 0, report.Succeeded)
	byHand.Publishes, byHand.Report.Complete, byHand.Report.Tables = true, false, nil
	got = write(t, path, byHand)
	kept(got, success)
	assert.Contains(t, lines(got, rejected), "} 55\n", "publishing counts nothing")
	kept(got, "newest_data")

	got = write(t, path, night(5, 4, report.Unpublished))
	kept(got, success)
	assert.NotEqual(t, lines(first, "newest_data"), lines(got, "newest_data"), "the extract is another")
	byHand.Ended = byHand.Ended.AddDate(0, 0, 2)
	got = write(t, path, byHand)
	assert.NotEqual(t, lines(first, success), lines(got, success), "what was missing is done")
}

// TestLastSuccessOfANewFile takes it from the history of the report.
func TestLastSuccessOfANewFile(t *testing.T) {
	t.Parallel()
	took := 10.5
	e := night(0, 1, report.Failed)
	e.Report.History = []report.RunSummary{
		{Status: report.Succeeded, Started: time.Unix(1000, 0), Seconds: &took}, {Status: report.Unchanged, Started: time.Unix(2000, 0), Seconds: &took},
		{Status: report.Failed, Started: time.Unix(3000, 0), Seconds: &took}, {Status: report.Lost, Started: time.Unix(4000, 0)},
	}
	assert.Contains(t, write(t, filepath.Join(t.TempDir(), "x.prom"), e), "last_success_timestamp_seconds{name=\"orders\"} 2010.5\n")
	e.Report.History = nil
	assert.NotContains(t, write(t, filepath.Join(t.TempDir(), "y.prom"), e), "last_success", "there was none")
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.prom")
	e := night(0, 0, report.Succeeded)
	e.Name = "a \"b\" \\ {c=\"d\"} é"
	e.Report.Tables[0].Name = "line\nhyperlake_run_exit_code{name=\"a\"} 0\\\""
	e.Report.Tables = append(e.Report.Tables, e.Report.Tables[0])
	e.Report.Tables[0].Schema, e.Report.Tables[1].Schema = "a.b", "a"
	first := write(t, path, e)
	assert.Len(t, strings.Split(strings.TrimSpace(first), "\n"), 6+2*6+2+1+2+1+2)
	e.ExitCode, e.Report = 1, nil
	again := write(t, path, e)
	assert.Equal(t, first[strings.Index(first, "hyperlake_rows"):], again[strings.Index(again, "hyperlake_rows"):], "read back as it was")
}

// TestWhatStandsThere writes over what is no file of its own, and says so.
func TestWhatStandsThere(t *testing.T) {
	t.Parallel()
	for name, standing := range map[string]struct{ text, warning string }{
		"noise":      {"{{{\x00", "written anew, without the last success"},
		"another":    {"# TYPE hyperlake_run_exit_code gauge\nhyperlake_run_exit_code{name=\"other\"} 3\n", `configuration "other" in`},
		"unnamed":    {"hyperlake_run_exit_code 3\n", "are lost"},
		"counter":    {"# TYPE hyperlake_rows counter\nhyperlake_rows{name=\"orders\"} 3\n", ""},
		"twice":      {"hyperlake_rows{name=\"orders\"} 3\nhyperlake_rows{name=\"orders\"} 4\n", ""},
		"large":      {strings.Repeat("# x\n", 2<<20), "no file of metrics"},
		"unfinished": {"# TYPE hyperlake_rows gauge\nhyperlake_rows{name=\"ord", "written anew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.prom")
			require.NoError(t, os.WriteFile(path, []byte(standing.text), 0o600))
			early := night(0, 2, "")
			early.Report = nil
			warning, err := metrics.Write(context.Background(), path, early)
			require.NoError(t, err)
			if standing.warning == "" {
				assert.Empty(t, warning)
			}
			assert.Contains(t, warning, standing.warning)
			assert.Contains(t, samplesIn(t, path), "hyperlake_run_exit_code{name=\"orders\"} 2\n")
			assert.NotContains(t, samplesIn(t, path), "other")
		})
	}
}

func TestPlacesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := metrics.Write(context.Background(), filepath.Join(file, "x.prom"), night(0, 0, report.Succeeded))
	assert.ErrorContains(t, err, "write the metrics to "+file)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "x.prom"), 0o700))
	_, err = metrics.Write(context.Background(), filepath.Join(folder, "x.prom"), night(0, 0, report.Succeeded))
	assert.Error(t, err)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing stays beside it")
}

func FuzzStanding(f *testing.F) {
	f.Add("hyperlake_rows{name=\"orders\"} 3\n")
	f.Add("# TYPE hyperlake_rows histogram\nhyperlake_rows_bucket{name=\"orders\",le=\"+Inf\"} NaN 7\n")
	f.Fuzz(func(t *testing.T, standing string) {
		path := filepath.Join(t.TempDir(), "x.prom")
		require.NoError(t, os.WriteFile(path, []byte(standing), 0o600))
		early := night(0, 2, "")
		early.Report = nil
		_, err := metrics.Write(context.Background(), path, early)
		require.NoError(t, err)
		samplesIn(t, path)
	})
}
