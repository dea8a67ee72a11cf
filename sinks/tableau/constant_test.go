package tableau_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestConditionsOfValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind, value string
		want        string // as JSON; empty: there is no exact constant
	}{
		{"TEXT", "it's", `[{"op":"eq","target-col":"c","const":{"type":"string","v":"it's"}}]`},
		{"TEXT", "", `[{"op":"eq","target-col":"c","const":{"type":"string","v":""}}]`},
		{"TEXT", "a\x00b", ""},
		{"BIGINT", "-9223372036854775808", `[{"op":"eq","target-col":"c","const":{"type":"integer","v":"-9223372036854775808"}}]`},
		{"INTEGER", "x", ""},
		{"BOOLEAN", "t", `[{"op":"eq","target-col":"c","const":{"type":"boolean","v":"true"}}]`},
		{"BOOLEAN", "false", `[{"op":"eq","target-col":"c","const":{"type":"boolean","v":"false"}}]`},
		{"DATE", "2026-02-28", `[{"op":"gte","target-col":"c","const":{"type":"datetime","v":"2026-02-28T00:00:00Z"}},
			{"op":"lt","target-col":"c","const":{"type":"datetime","v":"2026-03-01T00:00:00Z"}}]`},
		{"DATE", "9999-12-31", ""},
		{"DATE", "10000-01-01", ""},
		{"DATE", "0044-03-15 BC", ""},
		{"TIMESTAMP", "2026-02-28 23:59:59", `[{"op":"eq","target-col":"c","const":{"type":"datetime","v":"2026-02-28T23:59:59Z"}}]`},
		{"TIMESTAMP", "2026-02-28 23:59:59.5", ""},
		{"DOUBLE PRECISION", "1", ""},
		{"NUMERIC(18,2)", "1.00", ""},
		{"TIMESTAMP WITH TIME ZONE", "2026-02-28 23:59:59+00", ""},
	} {
		conditions, ok := tableau.Equals(tableau.Column{Name: "c", Type: test.kind}, test.value)
		require.Equal(t, test.want != "", ok, "%s %q", test.kind, test.value)
		if ok {
			got, err := json.Marshal(conditions)
			require.NoError(t, err)
			assert.JSONEq(t, test.want, string(got))
			assert.True(t, tableau.HasConstants(tableau.Column{Type: test.kind}))
		}
	}
	assert.False(t, tableau.HasConstants(tableau.Column{Type: "NUMERIC(18,2)"}))
}

// unitsFile makes a .hyper file of a table whose units every type of a constant tells apart.
func unitsFile(t *testing.T, values string) string {
	return hyperFile(t, `CREATE SCHEMA "%s"."Extract"`, `CREATE TABLE "%s"."Extract"."Extract" ("id" BIGINT, "name" TEXT,
		"n" INTEGER, "region" TEXT, "ok" BOOLEAN, "dt" DATE, "at" TIMESTAMP)`, `INSERT INTO "%s"."Extract"."Extract" VALUES `+values)
}

const (
	unitEU = `5, 'it''s "EU"', true, DATE '2026-02-28', TIMESTAMP '2026-02-28 10:00:00'`
	unitUS = `5, 'it''s "EU"', true, DATE '2026-03-01', TIMESTAMP '2026-02-28 10:00:00'`
)

// exchangeUnit deletes the rows of a unit, and inserts those of the payload, in one update.
func exchangeUnit(t *testing.T, id, payload string) tableau.Update {
	t.Helper()
	var all []tableau.Condition
	for _, each := range []struct{ name, kind, value string }{
		{"n", "INTEGER", "5"}, {"region", "TEXT", `it's "EU"`}, {"ok", "BOOLEAN", "t"},
		{"dt", "DATE", "2026-02-28"}, {"at", "TIMESTAMP", "2026-02-28 10:00:00"},
	} {
		conditions, ok := tableau.Equals(tableau.Column{Name: each.name, Type: each.kind}, each.value)
		require.True(t, ok)
		all = append(all, conditions...)
	}
	insert, err := tableau.NewAction(tableau.Insert, extract, extract, nil)
	require.NoError(t, err)
	actions := []tableau.Action{tableau.DeleteWhere(extract, all...), insert}
	return tableau.Update{DatasourceID: id, RequestID: payload, Actions: actions, Payload: payload}
}

// Rows of a unit are exchanged in one request: sent again, it leaves the same, and where one action of it fails, nothing is done.
func TestUpdateThatExchangesAUnit(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(unitsFile(t, "(1, 'a', "+unitEU+"), (2, 'b', "+unitEU+"), (3, 'c', "+unitUS+
		"), (4, 'd', NULL, NULL, NULL, NULL, NULL)"), tableau.Create))
	require.NoError(t, err)
	kept := []string{"3 c", "4 d"}

	update := exchangeUnit(t, made.Datasource.ID, unitsFile(t, "(5, 'e', "+unitEU+")"))
	for _, id := range []string{"first", "again"} {
		update.RequestID = id
		_, err = b.client.UpdateData(t.Context(), update)
		require.NoError(t, err)
		assert.Equal(t, append(kept[:2:2], "5 e"), rows(t, b.stored(t).Path), id)
	}

	update.RequestID = "failed"
	update.Actions[1].TargetTable = "Nope"
	_, err = b.client.UpdateData(t.Context(), update)
	var failed *tableau.JobError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, append(kept[:2:2], "5 e"), rows(t, b.stored(t).Path), "an action of a failed update stayed")

	update.RequestID, update.Payload, update.Actions = "gone", "", update.Actions[:1]
	_, err = b.client.UpdateData(t.Context(), update)
	require.NoError(t, err)
	assert.Equal(t, kept, rows(t, b.stored(t).Path))
}
