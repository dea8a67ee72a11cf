package htmlreport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/htmlreport"
)

// A page says first whether there is something new, what stands where now, and what to do: also of a run that delivered nothing.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	const (
		before  = `, "history": [{"status": "succeeded", "rows_loaded": 70, "started": "2026-11-20T02:15:00Z"}, {"status": "failed"}]`
		rows    = `, "tables": [{"rows_loaded": 90}]`
		sent    = `, "publish": {"project": "Sales", "datasource": "Items", "outcome": "%s"}`
		placed  = `, "output": {"sha256": "00"}`
		stays   = "The extract of the last success stays: 70 rows, of 20 Nov 2026, 02:15:00 UTC."
		isNew   = "The new extract is in place: 90 rows in 1 table."
		asItWas = "The output holds what it held before: no extract, where there was none."
	)
	for name, test := range map[string]struct{ report, headline, sign, extract, tableau, next string }{
		"built":         {`"succeeded"` + rows, "Delivered", "✓", isNew, "", "nothing"},
		"published":     {`"succeeded"` + rows + fmt.Sprintf(sent, "published"), "Delivered", "✓", isNew, "Sales/Items in Tableau has the new data.", "nothing"},
		"with rejects":  {`"succeeded", "tables": [{"rows_loaded": 90, "rules": [{"name": "r", "failed": 1}]}]`, "Delivered", "✓", isNew, "", "see below which rows were rejected; the others are delivered"},
		"with warnings": {`"succeeded", "warnings": ["w"]` + rows, "Delivered", "✓", isNew, "", "read the warning below"},
		"unchanged": {`"unchanged"` + rows + fmt.Sprintf(sent, "unchanged"), "Delivered: nothing had changed", "✓", "The extract of the last success stays: 90 rows in 1 table.",
			"Sales/Items in Tableau had this data already.", "nothing"},
		"rejected":          {`"rejected", "error": {"hint": "mend it"}` + rows + before, "Nothing was delivered: the data was rejected", "✗", stays, "Nothing was sent to Tableau.", "mend it"},
		"rejected at first": {`"rejected", "error": {"hint": "mend it"}` + rows, "Nothing was delivered: the data was rejected", "✗", asItWas, "Nothing was sent to Tableau.", "mend it"},
		"failed":            {`"failed", "error": {}` + before, "Nothing was delivered: the run failed", "✗", stays, "Nothing was sent to Tableau.", "see the log of the run, then run it again"},
		"failed late":       {`"failed", "error": {}` + rows + placed, "The extract is in place, but the run failed after that", "!", isNew, "", "see the log of the run, then run it again"},
		"interrupted":       {`"interrupted", "error": {"hint": "again"}` + before, "Nothing was delivered: the run was stopped", "✗", stays, "Nothing was sent to Tableau.", "again"},
		"interrupted late":  {`"interrupted"` + rows + placed, "The extract is in place, but the run was stopped after that", "!", isNew, "", "nothing"},
		"unpublished":       {`"unpublished", "error": {"hint": "publish again"}` + rows + before + fmt.Sprintf(sent, "failed"), "Not delivered to Tableau: publishing failed", "!", isNew, "Sales/Items in Tableau does not have the new data: it shows what it showed before.", "publish again"},
		"nobody knows":      {`"unpublished", "error": {"hint": "look"}` + rows + fmt.Sprintf(sent, "unknown"), "Not delivered to Tableau: publishing failed", "!", isNew, "It is not known whether Sales/Items in Tableau has the new data.", "look"},
		"skipped":           {`"succeeded"` + rows + fmt.Sprintf(sent, "skipped"), "Delivered", "✓", isNew, "Sales/Items in Tableau was left alone: others were changing it.", "nothing"},
		"ingest failed": {`"failed", "runner": "direct", "error": {"hint": "mend it"}, "stages": [{"name": "ingest"}], "ingest": [{"name": "rates", "rows": 90, "rejected": 2}]` + before,
			"Nothing was delivered: the ingest failed", "✗", stays, "Nothing was sent to Tableau.", "mend it"},
		"ingest rejected": {`"rejected", "runner": "direct", "error": {"hint": "mend it"}, "stages": [{"name": "ingest"}], "ingest": [{"name": "rates", "failed": true}]` + before,
			"Nothing was delivered: the data that was to be ingested was rejected", "✗", stays, "Nothing was sent to Tableau.", "mend it"},
		"stopped while it ingested": {`"interrupted", "runner": "direct", "error": {"hint": "again"}, "stages": [{"name": "ingest"}]` + before,
			"Nothing was delivered: the run was stopped while it ingested", "✗", stays, "Nothing was sent to Tableau.", "again"},
		"failed behind it": {`"failed", "runner": "direct", "error": {}, "stages": [{"name": "ingest"}, {"name": "plan"}]` + before,
			"Nothing was delivered: the run failed", "✗", stays, "Nothing was sent to Tableau.", "see the log of the run, then run it again"},
		"rejects in the lake": {`"succeeded", "runner": "direct", "ingest": [{"name": "rates", "rows": 9, "rejected": 1}]` + rows,
			"Delivered", "✓", isNew, "", "see below which rows of the sources were rejected; the others are in the lake"},
		"only ingested":      {`"succeeded", "ingest_only": true, "stages": [{"name": "ingest"}], "ingest": [{"name": "rates", "rows": 9}]`, "Brought into the lake", "✓", "", "", "nothing"},
		"not ingested":       {`"failed", "ingest_only": true, "error": {}, "stages": [{"name": "ingest"}]`, "Not all was brought into the lake: the ingest failed", "✗", "", "", "see the log of the run, then run it again"},
		"running":            {`"running"`, "Not delivered yet: the run was under way", "–", asItWas, "Nothing was sent to Tableau.", "look again when it has ended"},
		"lost":               {`"lost"`, "Not known: the run ended without a word", "✗", "The output holds a whole extract: the one of before, or that of this run.", "Nothing was sent to Tableau.", "see the log of the run, then run it again"},
		"of another version": {`"paused"`, "Ended as paused", "–", "This version of hyperlake does not know this outcome.", "Nothing was sent to Tableau.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := htmlreport.Decode([]byte(`{"version": 1, "status": ` + test.report + `}`))
			require.NoError(t, err)
			got := report.Verdict()
			assert.Equal(t, test.headline, got.Headline)
			assert.Equal(t, test.sign, got.Mark.Sign)
			assert.Equal(t, test.extract, got.Extract)
			assert.Equal(t, test.tableau, strings.Join(got.Tableau, "|"))
			assert.Equal(t, test.next, got.Next)
		})
	}
}

// What the lake has got, and what stays there, is said of runs and of what only ingests.
func TestWhatTheLakeHas(t *testing.T) {
	t.Parallel()
	const ended = `"stages": [{"name": "ingest"}], "ingest": [`
	for report, want := range map[string]string{
		`"status": "succeeded"`: "",
		`"status": "succeeded", ` + ended + `{"name": "a", "rows": 1000}, {"name": "b", "rows": 2, "rejected": 3}]`:                            "The lake got 1,002 rows of 2 sources (3 rejected).",
		`"status": "succeeded", ` + ended + `{"name": "a", "rows": 7, "rejected": 0}]`:                                                         "The lake got 7 rows of 1 source.",
		`"status": "succeeded", ` + ended + `{"name": "a"}]`:                                                                                   "",
		`"status": "rejected", ` + ended + `{"name": "a", "rows": 7, "rejected": 1}, {"name": "b", "rows": 1, "rejected": 4, "failed": true}]`: "The lake got 7 rows of 1 source (1 rejected). b in the lake stays as it was.",
		`"status": "rejected", ` + ended + `{"name": "b", "rows": 1, "rejected": 4, "failed": true}]`:                                          "b in the lake stays as it was.",
		`"status": "failed", ` + ended + `{"name": "a", "rows": 7}]`:                                                                           "The lake got 7 rows of 1 source. The others stay as they were.",
		`"status": "failed", ` + ended + `]`:                                                                                                   "The lake stays as it was.",
	} {
		decoded, err := htmlreport.Decode([]byte(`{"version": 1, ` + report + `}`))
		require.NoError(t, err)
		assert.Equal(t, want, decoded.Verdict().Lake, report)
	}
}

// A rejected run does not begin with the rows that it would have loaded, but with those that stay.
func TestRejectedRunsBeginWithWhatStays(t *testing.T) {
	t.Parallel()
	text := textOf(t, render(t, "rejected"))
	head := text[:strings.Index(text, "What changed")]
	assert.Contains(t, head, "Rows in the extract that stays55,465")
	assert.NotContains(t, head, "57,072")
	assert.Contains(t, text, "Rows that would have been loaded")
	assert.Regexp(t, `(?s)Configuration.*/etc/hyperlake/lineitem.yaml.*Host.*etl-3.*hyperlake.*v0.9.0`, text)
}

// What broke most comes first, after the checks; the forms of values are told once each.
func TestBroken(t *testing.T) {
	t.Parallel()
	report := decodeText(t, `"tables": [
		{"name": "a", "rows_read": 100, "rules": [{"name": "kept", "failed": 0}, {"name": "few", "failed": 1, "on_fail": "warn"}]},
		{"name": "b", "rows_read": 10, "rules": [{"name": "many", "failed": 5, "on_fail": "reject"}], "checks": [{"name": "good", "passed": true}, {"name": "bad", "message": "it is false"}],
		 "samples": [{"rule": "many", "form": "9999 AAA"}, {"rule": "many", "form": "9999 AAA"}, {"rule": "many", "form": "NULL"}, {"rule": "many"}, {"rule": "few", "form": "a"}]}]`)
	var got []string
	for _, b := range report.Broken() {
		got = append(got, fmt.Sprint(b.Table, b.Number, " ", b.What, " ", b.Mark.Sign, " ", b.Share, " ", b.Fate, " ", b.Forms, b.Why))
	}
	assert.Equal(t, []string{
		"b2 bad ✗  check that did not pass []it is false", "b2 many ! 50 % the rows are left out [9999 AAA NULL]", "a1 few ! 1 % only warned of: the rows are loaded []",
	}, got)

	var rules []string
	for i := range 25 {
		rules = append(rules, fmt.Sprintf(`{"name": "r", "failed": %d}`, i+1))
	}
	many := decodeText(t, `"tables": [{"rules": [`+strings.Join(rules, ", ")+`]}]`)
	assert.Len(t, many.FewBroken(), 20)
	assert.Equal(t, "and 5 more, with the tables below", many.MoreBroken())
	assert.False(t, many.HasForms())
}

// Values that the configuration hides are not taken for values that there are not.
func TestHiddenValues(t *testing.T) {
	t.Parallel()
	assert.Contains(t, render(t, "rejected"), `<td class="muted">not shown</td><td class="muted">not shown</td>`)
	assert.NotContains(t, render(t, "full"), "not shown")
}
