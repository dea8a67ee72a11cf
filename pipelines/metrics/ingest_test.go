package metrics_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/metrics"
	"hyperlake/pipelines/report"
)

// ingesting is the end of a command that only fills the lake, so many nights later.
func ingesting(n, code int, accounts ...report.IngestAccount) metrics.Ending {
	e := night(n, code, report.Succeeded)
	e.Ingests, e.Entries = true, []string{"rates", "videos"}
	e.Report = &report.Report{Status: report.Succeeded, Ingest: accounts, Stages: []report.Stage{{Name: "ingest", Seconds: 2}}}
	return e
}

// ingestSamples are the samples about entries.
func ingestSamples(samples string) (found string) {
	for line := range strings.Lines(samples) {
		if strings.HasPrefix(line, "hyperlake_ingest_") {
			found += line
		}
	}
	return found
}

func TestWhatIsIngested(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.prom")
	rates := report.IngestAccount{Name: "rates", Rows: 90, Rejected: 2, Bytes: 512, Seconds: 1.5}
	assert.Equal(t, `hyperlake_ingest_last_success_timestamp_seconds{name="orders",ingest="rates"} 1.79583129025e+09
hyperlake_ingest_last_success_timestamp_seconds{name="orders",ingest="videos"} 1.79583129025e+09
hyperlake_ingest_duration_seconds{name="orders",ingest="rates"} 1.5
hyperlake_ingest_duration_seconds{name="orders",ingest="videos"} 0.25
hyperlake_ingest_rows{name="orders",ingest="rates",fate="ingested"} 90
hyperlake_ingest_rows{name="orders",ingest="rates",fate="rejected"} 2
hyperlake_ingest_rows{name="orders",ingest="videos",fate="ingested"} 7
hyperlake_ingest_rows{name="orders",ingest="videos",fate="rejected"} 0
hyperlake_ingest_bytes{name="orders",ingest="rates"} 512
hyperlake_ingest_bytes{name="orders",ingest="videos"} 64
`, write(t, path, ingesting(0, 0, rates, report.IngestAccount{Name: "videos", Rows: 7, Bytes: 64, Seconds: 0.25})), "and nothing of runs")

	// One that had too many rejects is counted, and its folder stays; the other was not read.
	rates.Failed, rates.Rejected, rates.Bytes = true, 60, 9
	after := write(t, path, ingesting(1, 3, rates))
	assert.Contains(t, after, `hyperlake_ingest_rows{name="orders",ingest="rates",fate="rejected"} 60`)
	assert.Contains(t, after, `hyperlake_ingest_bytes{name="orders",ingest="rates"} 512`)
	assert.Contains(t, after, `hyperlake_ingest_rows{name="orders",ingest="videos",fate="ingested"} 7`)
	assert.Contains(t, after, `hyperlake_ingest_last_success_timestamp_seconds{name="orders",ingest="rates"} 1.79583129025e+09`)

	// What the configuration has no more is forgotten, also where the command ends before it has a report.
	early := ingesting(2, 2)
	early.Entries, early.Report = []string{"videos"}, nil
	after = write(t, path, early)
	assert.NotContains(t, after, `"rates"`)
	assert.Contains(t, after, `hyperlake_ingest_bytes{name="orders",ingest="videos"} 64`)
}

// A success of what only fills the lake hides no run that failed, and completes none; a run tells what it ingested, too.
func TestIngestsAreNoRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.prom")
	write(t, path, night(0, 0, report.Succeeded))
	failed := night(1, 1, report.Failed)
	failed.Entries, failed.Report.Ingest = []string{"videos"}, []report.IngestAccount{{Name: "videos", Rows: 5}}
	before := write(t, path, failed)
	assert.Contains(t, before, `hyperlake_ingest_rows{name="orders",ingest="videos",fate="ingested"} 5`)
	after := write(t, path, ingesting(2, 0, report.IngestAccount{Name: "videos", Rows: 6}))
	assert.Contains(t, after, `hyperlake_ingest_rows{name="orders",ingest="videos",fate="ingested"} 6`)
	runs := func(samples string) string { return strings.TrimSuffix(samples, ingestSamples(samples)) }
	assert.Equal(t, runs(before), runs(after))
	published := night(3, 0, report.Succeeded)
	published.Publishes = true
	last := write(t, path, published)
	assert.Contains(t, last, "hyperlake_run_last_success_timestamp_seconds{name=\"orders\"} 1.79583129025e+09\n", "of the first night: "+
		began.Add(90*time.Second).Format(time.DateTime))
}
