package htmlreport_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/htmlreport"
)

func decodeText(t *testing.T, text string) *htmlreport.Report {
	t.Helper()
	report, err := htmlreport.Decode([]byte(`{"version": 1, "status": "succeeded", ` + text + "}"))
	require.NoError(t, err)
	return report
}

// The run before is the last one that left an extract, and figures that one of both lacks are not compared.
func TestBeside(t *testing.T) {
	t.Parallel()
	report := decodeText(t, `"started": "2026-01-02T00:00:00Z", "finished": "2026-01-02T00:00:09Z", "output": {"bytes": 1000},
		"tables": [{"rows_loaded": 90, "rows_rejected": 7, "bytes_in": 5000}], "refresh": {"mode": "changed", "bytes_read": 0},
		"history": [
			{"run_id": "a", "status": "succeeded", "rows_loaded": 1},
			{"run_id": "b", "status": "unchanged", "seconds": 4, "rows_loaded": 100, "rows_rejected": 7, "bytes_read": 2000},
			{"run_id": "c", "status": "rejected", "rows_loaded": 5}, {"run_id": "d", "status": "lost"}]`)
	assert.Equal(t, "b", report.Before().RunID)
	assert.Equal(t, []htmlreport.Compared{
		{"Rows loaded", "100", "90", "−10 (−10 %)"},
		{"Rows rejected", "7", "7", "none"},
		{"Duration", "4 s", "9 s", "+5 s"},
		{"Extract size", "—", "1.0 kB", ""},
		{"Bytes read", "2.0 kB", "none", "−2.0 kB (−100 %)"},
	}, report.Beside())
	none := decodeText(t, `"history": [{"status": "lost"}]`)
	assert.Nil(t, none.Before())
	assert.Empty(t, none.Beside())
	assert.Empty(t, none.Turns())
}

func TestTurns(t *testing.T) {
	t.Parallel()
	const before = `"history": [{"status": "succeeded", "rows_loaded": 1, "tables": [
		{"schema": "s", "name": "t", "columns": [{"name": "a", "sql_type": "INTEGER"}, {"name": "b", "sql_type": "TEXT"}]},
		{"schema": "s", "name": "gone"}, {"schema": "s", "name": "dark"}]}]`
	for name, test := range map[string]struct {
		tables string
		want   []htmlreport.Turn
	}{
		"none":    {`[{"schema": "s", "name": "t"}, {"schema": "s", "name": "dark", "columns": [{"name": "a"}]}, {"schema": "s", "name": "gone"}]`, nil},
		"unknown": {`[]`, nil},
		"all": {`[{"schema": "s", "name": "dark"}, {"schema": "r", "name": "t"},
			{"schema": "s", "name": "t", "columns": [{"name": "c", "sql_type": "DATE"}, {"name": "a", "sql_type": "BIGINT"}]}]`, []htmlreport.Turn{
			{"t", "", "came"}, {"t", "c", "came (DATE)"}, {"t", "a", "is BIGINT, was INTEGER"}, {"t", "b", "went (was TEXT)"}, {"gone", "", "went"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, decodeText(t, `"tables": `+test.tables+", "+before).Turns())
		})
	}
	many := decode(t, "unchanged")
	assert.Len(t, many.FewTurns(), 40)
	assert.Equal(t, "and 11 more", many.MoreTurns())
}

func TestRefreshWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		`{"mode": "full", "units_changed": 5, "units": 5, "bytes_read": 1}`:      {"everything", "5 of 5", "1 byte"},
		`{"mode": "changed", "units_changed": 0, "units": 1200}`:                 {"only what changed", "0 of 1,200", "—"},
		`{"mode": "unchanged", "units_changed": 0, "units": 1, "bytes_read": 0}`: {"nothing: the extract stays", "0 of 1", "none"},
		`{"mode": "later"}`: {"later", "—", "—"},
	} {
		var refresh htmlreport.Refresh
		require.NoError(t, json.Unmarshal([]byte(text), &refresh))
		assert.Equal(t, want, [3]string{refresh.Words(), refresh.Changed(), refresh.Read()}, text)
	}
}

// The picture has the newest run at its right end, the highest column at its top, and nothing outside, whatever there is.
func TestPicture(t *testing.T) {
	t.Parallel()
	for _, runs := range []int{1, 29, 30, 500} {
		var history []string
		for i := range runs {
			history = append(history, fmt.Sprintf(`{"status": "succeeded", "rows_loaded": %d}`, i))
		}
		report := decodeText(t, `"tables": [{"rows_loaded": 10}], "history": [`+strings.Join(history, ", ")+"]")
		picture := report.Picture()
		require.Len(t, picture.Columns, min(runs, 30)+1)
		assert.EqualValues(t, max(10, runs-1), picture.Most)
		for i, column := range picture.Columns {
			assert.Equal(t, 620-20*(len(picture.Columns)-i), column.Left)
			assert.Equal(t, 80, column.Top+column.Height)
			assert.Positive(t, column.Height)
			assert.GreaterOrEqual(t, column.Top, 0)
			assert.Equal(t, i == len(picture.Columns)-1, column.IsLast)
		}
	}
	assert.Empty(t, decodeText(t, `"tables": [{"rows_loaded": 10}]`).Picture().Columns)
}

func TestPictureOfOutcomes(t *testing.T) {
	t.Parallel()
	report := decodeText(t, `"status": "failed", "history": [
		{"status": "unchanged", "rows_loaded": 1, "started": "2026-01-02T00:00:00Z"}, {"status": "lost"}, {"status": "rejected", "rows_loaded": 9}, {"status": "unpublished", "rows_loaded": 4}]`)
	var got []string
	for _, column := range report.Picture().Columns {
		got = append(got, fmt.Sprint(column.Color(), " ", column.Height, " ", column.Words()))
	}
	assert.Equal(t, []string{
		"left 20 2 Jan 2026, 00:00:00 UTC: Unchanged, 1 row", "broken 0 at an unknown time: Lost", "broken 0 at an unknown time: Rejected",
		"kept 80 at an unknown time: Unpublished, 4 rows", "broken 0 at an unknown time: Failed",
	}, got)
}
