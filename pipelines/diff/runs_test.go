package diff_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/diff"
	"hyperlake/pipelines/report"
)

func column(name, sqlType string, nulls int64, least, most string) report.Column {
	return report.Column{Name: name, SQLType: sqlType, Nulls: nulls, Min: least, Max: most}
}

func made(tables ...report.TableAccount) *report.Report { return &report.Report{Tables: tables} }

// counted is a run that counted rows by unit of the table t.
func counted(r *report.Report, units ...report.UnitRows) *report.Report {
	r.Refresh = &report.RefreshAccount{RowsByUnit: []report.TableUnits{{Schema: "s", Name: "other"}, {Schema: "s", Name: "t", Units: units}}}
	return r
}

func TestRuns(t *testing.T) {
	t.Parallel()
	base := report.TableAccount{
		Schema: "s", Name: "t", RowsLoaded: 10, RowsRejected: 1,
		Columns: []report.Column{column("a", "INTEGER", 0, "1", "9"), column("b", "TEXT", 2, "", "")},
	}
	with := func(change func(*report.TableAccount)) report.TableAccount {
		other := base
		other.Columns = append([]report.Column(nil), base.Columns...)
		change(&other)
		return other
	}
	for name, c := range map[string]struct {
		b        *report.Report
		tables   string // JSON of what differs
		sentence string
	}{
		"equal": {made(base), `[]`, ""},
		"rows": {counted(made(with(func(t *report.TableAccount) { t.RowsLoaded, t.RowsRejected = 12, 0 })),
			report.UnitRows{Unit: "d=2", RowsLoaded: 7}, report.UnitRows{Unit: "d=3", RowsLoaded: 5}), `[{"schema": "s", "name": "t", "rows_a": 10, "rows_b": 12, "rows_rejected_a": 1, "rows_rejected_b": 0,
			"units": [{"unit": "d=1", "a": 4, "b": null}, {"unit": "d=2", "a": 6, "b": 7}, {"unit": "d=3", "a": null, "b": 5}]}]`,
			`"s"."t": 10 and 12 rows, 1 and 0 rejects, rows of 3 units`},
		"figures": {made(with(func(t *report.TableAccount) { t.Columns[0].Max, t.Columns[1].Nulls = "10", 3 })),
			`[{"schema": "s", "name": "t", "rows_a": 10, "rows_b": 10, "rows_rejected_a": 1, "rows_rejected_b": 1,
			"figures": [{"column": "a", "figure": "max", "a": "9", "b": "10"}, {"column": "b", "figure": "nulls", "a": "2", "b": "3"}]}]`,
			`"s"."t": 2 figures of columns`},
		"columns": {made(with(func(t *report.TableAccount) {
			t.Columns = []report.Column{column("b", "TEXT", 2, "", ""), column("a", "BIGINT", 0, "1", "9"), column("c", "DATE", 0, "", "")}
		})), `[{"schema": "s", "name": "t", "rows_a": 10, "rows_b": 10, "rows_rejected_a": 1, "rows_rejected_b": 1, "reordered": true, "columns": [
			{"name": "a", "a": {"type": "INTEGER", "position": 1}, "b": {"type": "BIGINT", "position": 2}},
			{"name": "c", "a": null, "b": {"type": "DATE", "position": 3}}]}]`,
			`"s"."t": 2 columns, the order of columns`},
		"tables": {made(report.TableAccount{Schema: "r", Name: "t", RowsLoaded: 3}),
			`[{"schema": "s", "name": "t", "only_in": "a", "rows_a": 10, "rows_rejected_a": 1},
			{"schema": "r", "name": "t", "only_in": "b", "rows_b": 3, "rows_rejected_b": 0}]`,
			`"s"."t": only in A; "r"."t": only in B`},
		"what one does not know": {made(with(func(t *report.TableAccount) { t.Columns = nil })), `[]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diff.Runs(counted(made(base), report.UnitRows{Unit: "d=1", RowsLoaded: 4}, report.UnitRows{Unit: "d=2", RowsLoaded: 6}), c.b)
			text, err := json.Marshal(got.Tables)
			require.NoError(t, err)
			assert.JSONEq(t, c.tables, string(text))
			assert.Equal(t, c.sentence == "", got.Equal)
			assert.Equal(t, c.sentence, got.Sentence())
		})
	}
}

func TestSentenceOfManyTables(t *testing.T) {
	t.Parallel()
	var tables []report.TableAccount
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		tables = append(tables, report.TableAccount{Schema: "s", Name: name})
	}
	assert.Equal(t, `"s"."a": only in B; "s"."b": only in B; "s"."c": only in B; 2 more tables`, diff.Runs(made(), made(tables...)).Sentence())
}
