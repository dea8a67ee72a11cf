package refresh_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// madeBy is the report of a run of ten seconds that counted its rows.
func madeBy(run int, status report.Status, loaded int64) report.Report {
	r := reportOf(run, "x.hyper", status)
	r.Finished, r.Complete, r.Output.Bytes = r.Started.Add(10*time.Second), true, 7*loaded
	r.Tables = []report.TableAccount{{
		Schema: "Extract", Name: "t", BytesIn: 900, RowsLoaded: loaded, RowsRejected: 2, Columns: []report.Column{{Name: "a", SQLType: "TEXT", Nulls: 3}},
	}}
	return *r
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	night := madeBy(3, report.Unchanged, 5)
	night.Refresh = &report.RefreshAccount{}
	text, err := json.Marshal(refresh.Summaries([]report.Report{
		madeBy(1, report.Succeeded, 4), *reportOf(2, "x.hyper", report.Lost), night, madeBy(4, report.Rejected, 6),
	}))
	require.NoError(t, err)
	assert.JSONEq(t, `[
		{"run_id": "20260101T000000Z-00000000", "status": "succeeded", "started": "2026-01-01T00:00:00Z", "seconds": 10,
			"rows_loaded": 4, "rows_rejected": 2, "bytes": 28, "bytes_read": 900},
		{"run_id": "20260102T000000Z-00000000", "status": "lost", "started": "2026-01-02T00:00:00Z"},
		{"run_id": "20260103T000000Z-00000000", "status": "unchanged", "started": "2026-01-03T00:00:00Z", "seconds": 10,
			"rows_loaded": 5, "rows_rejected": 2, "bytes": 35, "bytes_read": 0,
			"tables": [{"schema": "Extract", "name": "t", "rows_loaded": 5, "rows_rejected": 2, "columns": [{"name": "a", "sql_type": "TEXT"}]}]},
		{"run_id": "20260104T000000Z-00000000", "status": "rejected", "started": "2026-01-04T00:00:00Z", "seconds": 10,
			"rows_loaded": 6, "rows_rejected": 2, "bytes": 42, "bytes_read": 900}]`, string(text))
}

func TestSummariesAreOfTheLast(t *testing.T) {
	t.Parallel()
	var runs []report.Report
	for i := range 40 {
		runs = append(runs, madeBy(1, report.Succeeded, int64(i)))
	}
	summaries := refresh.Summaries(runs)
	require.Len(t, summaries, 30)
	assert.EqualValues(t, 10, *summaries[0].RowsLoaded)
	assert.EqualValues(t, 39, *summaries[29].RowsLoaded)
	assert.NotNil(t, summaries[29].Tables)
	assert.Nil(t, summaries[28].Tables)
	assert.Empty(t, refresh.Summaries(nil))
}

// Numbers of rows to compare with are those of runs that made an extract, in their order.
func TestRowsBefore(t *testing.T) {
	t.Parallel()
	partial := madeBy(6, report.Succeeded, 6)
	partial.Complete = false
	assert.Equal(t, map[[2]string][]int64{{"Extract", "t"}: {1, 4}}, refresh.RowsBefore([]report.Report{
		madeBy(1, report.Succeeded, 1), madeBy(2, report.Unchanged, 2), madeBy(3, report.Rejected, 3), madeBy(4, report.Unpublished, 4),
		madeBy(5, report.Interrupted, 5), partial,
	}))
}
