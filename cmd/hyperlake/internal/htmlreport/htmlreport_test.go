package htmlreport_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/htmlreport"
)

// reports are the samples in testdata. That of hostile names things so that they would
// break a page, has 200 columns and the greatest numbers, and lacks figures; bare has
// nothing but what makes it a report.
var reports = []string{"full", "failed", "rejected", "hostile", "bare", "unchanged", "nights", "ingested", "ingest"}

func decode(t *testing.T, name string) *htmlreport.Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	report, err := htmlreport.Decode(data)
	require.NoError(t, err)
	return report
}

func render(t *testing.T, name string) string {
	t.Helper()
	page, err := htmlreport.HTML(decode(t, name))
	require.NoError(t, err)
	return string(page)
}

// TestGolden compares pages with what stands beside their reports. UPDATE_GOLDEN=1 writes
// them anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "failed", "rejected", "nights", "ingested", "ingest"} {
		got, path := render(t, name), filepath.Join("testdata", name+".html")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got, name)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"empty":       {" \n", "it is empty"},
		"no JSON":     {"PAR1", "it is not the JSON of a report: invalid character"},
		"a list":      {"[]", "cannot unmarshal array"},
		"cut off":     {`{"version": 1, "status": "failed", "tab`, "unexpected end of JSON input"},
		"two of them": {`{"version": 1, "status": "failed"} {}`, "after top-level value"},
		"a plan":      {`{"name": "orders", "shards": 2}`, "the keys version and status of a report are missing"},
		"no status":   {`{"version": 1}`, "the keys version and status of a report are missing"},
		"newer":       {`{"version": 2, "status": "failed"}`, "it has version 2, and this hyperlake knows reports up to version 1"},
		"wrong type":  {`{"version": 1, "status": "failed", "tables": [{"rows_read": "many"}]}`, "tables.rows_read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := htmlreport.Decode([]byte(test.data))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	var check htmlreport.Check
	require.NoError(t, json.Unmarshal([]byte(`{"samples": [[null, "", "a\"b", 9223372036854775807, 1.50, true, {"a": [1, 2]}]]}`), &check))
	var got []string
	for _, value := range check.Samples[0] {
		if value == nil {
			got = append(got, "NULL")
			continue
		}
		got = append(got, value.Text())
	}
	assert.Equal(t, []string{"NULL", "", `a"b`, "9223372036854775807", "1.50", "true", `{"a":[1,2]}`}, got)
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	const untouched = "The output path holds what it held before."
	for name, test := range map[string]struct{ report, label, sentence string }{
		"one row":         {`"status": "succeeded", "tables": [{"rows_loaded": 1}]`, "Succeeded", "1 row in 1 table is in place."},
		"many rows":       {`"status": "succeeded", "tables": [{"rows_loaded": 1200}, {"rows_loaded": 34}]`, "Succeeded", "1,234 rows in 2 tables are in place."},
		"unknown rows":    {`"status": "succeeded", "tables": [{"rows_loaded": 1200}, {}]`, "Succeeded", "The extract is in place."},
		"rule":            {`"status": "rejected", "error": {"kind": "data"}`, "Rejected", "The data broke a rule or a threshold, so no extract was moved into place. " + untouched},
		"check":           {`"status": "rejected", "error": {"kind": "check"}`, "Rejected", "A check of the finished extract did not hold, so it was not moved into place. " + untouched},
		"failed":          {`"status": "failed"`, "Failed", "No extract was made. " + untouched},
		"failed in place": {`"status": "failed", "output": {"sha256": "00"}`, "Failed", "The extract is in place, but the run failed after that."},
		"unpublished":     {`"status": "unpublished"`, "Unpublished", "The extract is in place, but publishing it failed."},
		"interrupted":     {`"status": "interrupted"`, "Interrupted", "The run was stopped before it was done. " + untouched},
		"unchanged":       {`"status": "unchanged"`, "Unchanged", "Nothing changed since the last run: the extract that was in place stays as it was."},
		"running":         {`"status": "running"`, "Running", "The run had not ended when this was written."},
		"lost": {`"status": "lost"`, "Lost", "The run ended without a word: its process was killed, or its machine stopped. " +
			"The output path holds a whole extract: the one of before, or that of this run."},
		"later": {`"status": "paused"`, "paused", "This version of hyperlake does not know this outcome."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := htmlreport.Decode([]byte(`{"version": 1, ` + test.report + `}`))
			require.NoError(t, err)
			outcome := report.Outcome()
			assert.Equal(t, test.label, outcome.Label)
			assert.Equal(t, test.sentence, outcome.Sentence)
		})
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for report, want := range map[string]bool{
		`"status": "succeeded"`:                   true,
		`"status": "failed"`:                      false,
		`"status": "rejected", "complete": true`:  true,
		`"status": "rejected", "complete": false`: false,
	} {
		decoded, err := htmlreport.Decode([]byte(`{"version": 1, ` + report + `}`))
		require.NoError(t, err)
		assert.Equal(t, want, decoded.Counted(), report)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	const figures = `"rows_in_files": 100, "rows_pruned": 20, "rows_read": %d, "rows_filtered": 10, "rows_rejected": 5, "rows_loaded": 65`
	for name, test := range map[string]struct {
		table         string
		counted       bool
		read, loaded  string
		verdict       string
		rejectedShown bool
	}{
		"adds up":     {fmt.Sprintf(figures, 80), true, "adds up", "adds up", "adds up", true},
		"a row more":  {fmt.Sprintf(figures, 81), true, "does not add up: 1 row too many", "does not add up: 1 row missing", "does not add up: 1 row too many", true},
		"not counted": {fmt.Sprintf(figures, 81), false, "incomplete", "incomplete", "incomplete", true},
		"no figures":  {`"rows_in_files": 100`, true, "the report lacks figures", "the report lacks figures", "the report lacks figures", false},
		"nobody counted": {`"rows_in_files": 100, "rows_pruned": 0, "rows_read": 0, "rows_filtered": 0, "rows_rejected": 0, "rows_loaded": 0`, false,
			"incomplete", "incomplete", "incomplete", false},
		"only published": {`"rows_in_files": 0, "rows_pruned": 0, "rows_read": 0, "rows_filtered": 0, "rows_rejected": 0, "rows_loaded": 65`, false,
			"incomplete", "incomplete", "incomplete", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var table htmlreport.Table
			require.NoError(t, json.Unmarshal([]byte("{"+test.table+"}"), &table))
			account := table.Account(test.counted)
			require.Len(t, account, 6)
			assert.Equal(t, test.read, account[2].Sum.Words)
			assert.Equal(t, test.loaded, account[5].Sum.Words)
			assert.Equal(t, test.verdict, account.Verdict().Words)
			assert.Equal(t, test.rejectedShown, account[4].Rows != nil)
			assert.Equal(t, name != "only published", account[0].Rows != nil)
		})
	}
}

// TestAccountBars checks that the bars stand one behind the other: what is lost at a step
// lies between what is left before and after it.
func TestAccountBars(t *testing.T) {
	t.Parallel()
	var table htmlreport.Table
	require.NoError(t, json.Unmarshal([]byte(`{"rows_in_files": 100, "rows_pruned": 20, "rows_read": 80, "rows_filtered": 10, "rows_rejected": 5, "rows_loaded": 65}`), &table))
	var bars []htmlreport.Bar
	for _, entry := range table.Account(true) {
		bars = append(bars, entry.Bar)
	}
	assert.Equal(t, []htmlreport.Bar{{0, 100}, {80, 20}, {0, 80}, {70, 10}, {65, 5}, {0, 65}}, bars)
}

// Rows that a table has removed from its files are a step of their own.
func TestAccountOfDeletedRows(t *testing.T) {
	t.Parallel()
	var table htmlreport.Table
	require.NoError(t, json.Unmarshal([]byte(`{"rows_in_files": 100, "rows_pruned": 20, "rows_deleted": 30, "rows_read": 50, "rows_filtered": 0, "rows_rejected": 0, "rows_loaded": 50}`), &table))
	account := table.Account(true)
	require.Len(t, account, 7)
	assert.Equal(t, "deleted", account[2].Label)
	assert.Equal(t, "adds up", account[3].Sum.Words)
	assert.Equal(t, []htmlreport.Bar{{80, 20}, {50, 30}, {0, 50}}, []htmlreport.Bar{account[1].Bar, account[2].Bar, account[3].Bar})
	assert.Equal(t, "adds up", account.Verdict().Words)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		table   string
		counted bool
		want    []string
	}{
		"none":        {`"rows_rejected": 5`, true, nil},
		"at them":     {`"rows_read": 500, "rows_rejected": 5, "thresholds": {"max_rows": 5, "max_ratio": 0.01}`, true, []string{"at most 5 rows: kept", "at most 1 % of the rows read: kept"}},
		"above them":  {`"rows_read": 500, "rows_rejected": 6, "thresholds": {"max_rows": 5, "max_ratio": 0.01}`, true, []string{"at most 5 rows: exceeded", "at most 1 % of the rows read: exceeded"}},
		"not counted": {`"rows_read": 500, "rows_rejected": 5, "thresholds": {"max_rows": 1, "max_ratio": 0.00005}`, false, []string{"at most 1 row: exceeded", "at most 0.005 % of the rows read"}},
		"no figures":  {`"thresholds": {"max_rows": 0, "max_ratio": 0}`, true, []string{"at most 0 rows", "at most 0 % of the rows read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var table htmlreport.Table
			require.NoError(t, json.Unmarshal([]byte("{"+test.table+"}"), &table))
			var got []string
			for _, limit := range table.Limits(test.counted) {
				got = append(got, limit.Words)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// What a run only warns of is in doubt, not wrong.
func TestMarks(t *testing.T) {
	t.Parallel()
	for onFail, sign := range map[string]string{"": "✗", "fail": "✗", "warn": "!"} {
		assert.Equal(t, sign, htmlreport.Check{OnFail: onFail}.Mark().Sign)
		assert.Equal(t, "✓", htmlreport.Check{OnFail: onFail, Passed: true}.Mark().Sign)
		var table htmlreport.Table
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"rows_read": 9, "rows_rejected": 2, "thresholds": {"max_rows": 1, "on_fail": %q}}`, onFail), &table))
		assert.Equal(t, sign, table.Limits(true)[0].Mark.Sign)
	}
}

func TestCheckResult(t *testing.T) {
	t.Parallel()
	for check, want := range map[string]string{
		`{"passed": true, "offending": 0}`:                        "passed",
		`{"passed": false, "offending": 1, "message": "1 row …"}`: "failed, 1 offending row",
		`{"passed": false, "message": "it is NULL"}`:              "failed: it is NULL",
		`{}`: "failed",
	} {
		var decoded htmlreport.Check
		require.NoError(t, json.Unmarshal([]byte(check), &decoded))
		assert.Equal(t, want, decoded.Result(), check)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	report, err := htmlreport.Decode([]byte(`{"version": 1, "status": "succeeded", "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:02:00Z",
		"stages": [{"name": "plan", "seconds": 30}, {"name": "load", "seconds": 60}]}`))
	require.NoError(t, err)
	line := report.Timeline()
	assert.Equal(t, htmlreport.Bar{Left: 0, Width: 25}, line.Bars[0].Bar)
	assert.Equal(t, htmlreport.Bar{Left: 25, Width: 50}, line.Bars[1].Bar)
	var ticks []string
	for _, tick := range line.Ticks {
		ticks = append(ticks, htmlreport.Seconds(tick.Seconds))
	}
	assert.Equal(t, []string{"0 s", "30 s", "1 min", "1 min 30 s", "2 min"}, ticks)
}

// TestTimelineTicks checks runs of all lengths: few marks, at round times, within the line.
func TestTimelineTicks(t *testing.T) {
	t.Parallel()
	for _, seconds := range []float64{1e-6, 0.0042, 0.41, 1, 7.3, 59, 61, 3599, 3601, 86400, 1e6, 1e9} {
		report := &htmlreport.Report{Stages: []htmlreport.Stage{{Name: "load", Seconds: seconds}}}
		marks := report.Timeline().Ticks
		assert.GreaterOrEqual(t, len(marks), 2, "%v s", seconds)
		assert.LessOrEqual(t, len(marks), 5, "%v s", seconds)
		assert.LessOrEqual(t, marks[len(marks)-1].Left, 100.0, "%v s", seconds)
	}
	assert.Empty(t, (&htmlreport.Report{}).Timeline().Ticks)
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{
		-1: "—", 0: "0 s", 0.0004: "< 1 ms", 0.0042: "4 ms", 0.0994: "99 ms", 0.0996: "0.1 s", 0.41: "0.41 s", 9.94: "9.9 s", 9.96: "10 s",
		59.4: "59 s", 59.6: "1 min", 107.7: "1 min 48 s", 3599.6: "1 h", 133387: "37 h 3 min",
	} {
		assert.Equal(t, want, htmlreport.Seconds(seconds), "%v", seconds)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	n := func(n int64) *int64 { return &n }
	for want, test := range map[string][2]*int64{
		"0 %":       {n(0), n(7)},
		"< 0.01 %":  {n(1), n(1_000_000)},
		"0.17 %":    {n(103), n(60175)},
		"5.16 %":    {n(3103), n(60175)},
		"12.5 %":    {n(1), n(8)},
		"> 99.99 %": {n(999_999), n(1_000_000)},
		"100 %":     {n(7), n(7)},
	} {
		assert.Equal(t, want, htmlreport.Share(test[0], test[1]))
	}
	for _, test := range [][2]*int64{{nil, n(1)}, {n(1), nil}, {n(0), n(0)}} {
		assert.Empty(t, htmlreport.Share(test[0], test[1]))
	}
}

func TestPublishWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"outcome": "published"`: "Sales/Items on https://x, mode sync: published",
		`"outcome": "published", "job_id": "7", "units_changed": 2, "units": 1365`: "Sales/Items on https://x, mode sync, job 7: published; 2 of 1,365 units changed",
		`"outcome": "published", "units": 1`:                                       "Sales/Items on https://x, mode sync: published; 0 of 1 unit changed",
		`"outcome": "published", "units": 1, "reason": "there was no <data source>"`: "Sales/Items on https://x, mode sync: published; all rows were sent: " +
			"there was no <data source>",
		`"outcome": "failed", "units": 1, "reason": "there was no data source"`: "Sales/Items on https://x, mode sync: failed",
	} {
		var publish htmlreport.Publish
		require.NoError(t, json.Unmarshal([]byte(`{"project": "Sales", "datasource": "Items", "server": "https://x", "mode": "sync", `+text+`}`), &publish))
		assert.Equal(t, want, publish.Words(), text)
	}
}
