package tableau_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

var extract = tableau.TableRef{Schema: "Extract", Name: "Extract"}

// updatable publishes rows one and two, and returns an update of them.
func updatable(t *testing.T, b *bench, kind tableau.ActionKind, payload string, match ...string) tableau.Update {
	t.Helper()
	made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')", "(2, 'two')", "(NULLIF(3, 0), NULL)"), tableau.Create))
	require.NoError(t, err)
	action, err := tableau.NewAction(kind, extract, extract, match)
	require.NoError(t, err)
	return tableau.Update{DatasourceID: made.Datasource.ID, RequestID: "run-1/0", Actions: []tableau.Action{action}, Payload: payload}
}

func TestUpdateData(t *testing.T) {
	t.Parallel()
	keys := hyperFile(t, `CREATE SCHEMA "%s"."Extract"`, `CREATE TABLE "%s"."Extract"."Extract" ("id" BIGINT NOT NULL)`,
		`INSERT INTO "%s"."Extract"."Extract" VALUES (1), (3), (9)`)
	changed := items(t, "(2, 'zwei')", "(4, 'four')")
	tests := map[string]struct {
		kind    tableau.ActionKind
		payload string
		match   []string
		want    []string
	}{
		"insert":                 {tableau.Insert, changed, nil, []string{"1 one", "2 two", "2 zwei", "3 ", "4 four"}},
		"update":                 {tableau.UpdateRows, changed, []string{"id"}, []string{"1 one", "2 zwei", "3 "}},
		"upsert":                 {tableau.Upsert, changed, []string{"id"}, []string{"1 one", "2 zwei", "3 ", "4 four"}},
		"delete":                 {tableau.Delete, keys, []string{"id"}, []string{"2 two"}},
		"replace":                {tableau.ReplaceAll, changed, nil, []string{"2 zwei", "4 four"}},
		"upsert on two columns":  {tableau.Upsert, items(t, "(1, 'one')", "(1, 'eins')"), []string{"id", "name"}, []string{"1 eins", "1 one", "2 two", "3 "}},
		"delete on two columns":  {tableau.Delete, items(t, "(1, 'one')", "(2, 'zwei')", "(3, NULL)"), []string{"id", "name"}, []string{"2 two", "3 "}},
		"update of what is none": {tableau.UpdateRows, items(t, "(7, 'seven')"), []string{"id"}, []string{"1 one", "2 two", "3 "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			update := updatable(t, b, test.kind, test.payload, test.match...)
			job, err := b.client.UpdateData(t.Context(), update)
			require.NoError(t, err)
			assert.True(t, job.Done())
			assert.Equal(t, update.DatasourceID, job.DatasourceID)
			assert.Equal(t, test.want, rows(t, b.stored(t).Path))
			sent := b.sent(http.MethodPatch, "/data")
			require.Len(t, sent, 1)
			assert.Equal(t, "run-1/0", sent[0].Header.Get("RequestID"))
			assert.Equal(t, "application/json", sent[0].Header.Get("Content-Type"))
		})
	}
}

func TestUpdateIsAppliedOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]tableautest.Fault{
		"reply lost":   {LoseReply: true, Times: 2},
		"request lost": {LoseRequest: true, Times: 2},
		"server ill":   {Status: 503, Times: 3},
		"busy":         {Status: 429, RetryAfter: "2"},
		"token ended":  {ExpireToken: true},
		"upload lost":  {Status: 404, Code: "404015"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
			fault.Method = http.MethodPatch
			b.Inject(fault)
			_, err := b.client.UpdateData(t.Context(), update)
			require.NoError(t, err)
			_, err = b.client.UpdateData(t.Context(), update)
			require.NoError(t, err, "the same update again")
			assert.Equal(t, []string{"1 one", "2 two", "3 ", "4 four"}, rows(t, b.stored(t).Path))
			for _, request := range b.sent(http.MethodPatch, "/data") {
				assert.Equal(t, "run-1/0", request.Header.Get("RequestID"))
			}
		})
	}
}

func TestUpdateWhoseJobIsPurged(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
	b.Inject(tableautest.Fault{Method: http.MethodGet, Path: "/jobs", PurgeJob: true})
	_, err := b.client.UpdateData(t.Context(), update)
	assert.True(t, tableau.IsOutcomeUnknown(err), "that the data source changed since proves nothing: %v", err)
	assert.Contains(t, tableau.Hint(err), "request id run-1/0 once")
}

// What the server says to a later try does not undo an earlier one that it may have executed.
func TestRefusalOfAnUpdateAfterATryInDoubt(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]tableautest.Fault{
		"no permission":    {Method: http.MethodPatch, Status: 403, Code: "403004"},
		"bad request":      {Method: http.MethodPatch, Status: 400, Code: "400000"},
		"a proxy's page":   {Method: http.MethodPatch, Status: 404},
		"too large":        {Method: http.MethodPatch, Status: 413},
		"token and secret": {Path: "/auth/signin", Status: 401, Code: "401001", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
			b.Inject(tableautest.Fault{Method: http.MethodPatch, LoseReply: true})
			if later.Path != "" {
				b.Inject(tableautest.Fault{Method: http.MethodPatch, ExpireToken: true})
			}
			b.Inject(later)
			_, err := b.client.UpdateData(t.Context(), update)
			assert.True(t, tableau.IsOutcomeUnknown(err), "%v", err)
			assert.False(t, tableau.IsPayloadTooLarge(err), "smaller parts would double the rows")
			assert.Contains(t, err.Error(), "an earlier try may have been executed")
			if later.Path == "" {
				_, err = b.client.UpdateData(t.Context(), update)
				require.NoError(t, err, "the request id is known")
				assert.Equal(t, []string{"1 one", "2 two", "3 ", "4 four"}, rows(t, b.stored(t).Path))
			}
		})
	}
}

func TestUpdateFailsWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
	wrong := update.Actions[0]
	wrong.TargetTable = "Nope"
	update.Actions = append(update.Actions, wrong)
	_, err := b.client.UpdateData(t.Context(), update)
	var failed *tableau.JobError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, err.Error(), "table Extract.Nope does not exist in the target")
	assert.Equal(t, []string{"1 one", "2 two", "3 "}, rows(t, b.stored(t).Path), "an action of a failed update stayed")
}

func TestUpdateByConstantNeedsNoPayload(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	update := updatable(t, b, tableau.Delete, "", "id")
	update.Actions = []tableau.Action{{Kind: tableau.Delete, TargetSchema: "Extract", TargetTable: "Extract", Condition: &tableau.Condition{
		Op: "or", Args: []tableau.Condition{
			{Op: "eq", TargetColumn: "name", Const: &tableau.Constant{Type: "string", Value: "one"}},
			{Op: "gt", TargetColumn: "id", Const: &tableau.Constant{Type: "integer", Value: "2"}},
		},
	}}}
	connections, err := b.client.Connections(t.Context(), update.DatasourceID)
	require.NoError(t, err)
	require.Len(t, connections, 1)
	update.ConnectionID = connections[0].ID
	_, err = b.client.UpdateData(t.Context(), update)
	require.NoError(t, err)
	assert.Equal(t, []string{"2 two"}, rows(t, b.stored(t).Path))
	assert.Len(t, b.sent(http.MethodPatch, "/connections/"+connections[0].ID+"/data"), 1)
	assert.Empty(t, b.sent(http.MethodPost, "/fileUploads"))
}

func TestUpdateByConstantsOfAllTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(hyperFile(t, `CREATE SCHEMA "%s"."Extract"`,
		`CREATE TABLE "%s"."Extract"."Extract" ("id" BIGINT, "name" TEXT, "price" DOUBLE PRECISION, "ok" BOOLEAN, "at" TIMESTAMP)`,
		`INSERT INTO "%s"."Extract"."Extract" VALUES (1, 'a', 0.5, true, TIMESTAMP '2018-01-31 23:59:59'), (2, 'b', 1.5, true, TIMESTAMP '2018-02-01 00:00:00'),
			(3, 'c', 1.5, false, TIMESTAMP '2019-01-01 00:00:00'), (4, 'd', 2.5, true, TIMESTAMP '2020-01-01 00:00:00')`), tableau.Create))
	require.NoError(t, err)
	update := tableau.Update{DatasourceID: made.Datasource.ID, RequestID: "r"}
	for _, condition := range []tableau.Condition{
		{Op: "lt", TargetColumn: "at", Const: &tableau.Constant{Type: "datetime", Value: "2018-02-01T00:00:00Z"}},
		{Op: "not", Args: []tableau.Condition{{Op: "eq", TargetColumn: "ok", Const: &tableau.Constant{Type: "boolean", Value: "true"}}}},
		{Op: "gte", TargetColumn: "price", Const: &tableau.Constant{Type: "double", Value: "2.5"}},
	} {
		update.Actions = append(update.Actions, tableau.Action{Kind: tableau.Delete, TargetSchema: "Extract", TargetTable: "Extract", Condition: &condition})
	}
	_, err = b.client.UpdateData(t.Context(), update)
	require.NoError(t, err)
	assert.Equal(t, []string{"2 b"}, rows(t, b.stored(t).Path))
}

func TestUpdateThatNeverGetsThrough(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
	b.Inject(tableautest.Fault{Method: http.MethodPatch, Status: 500, Times: -1})
	_, err := b.client.UpdateData(t.Context(), update)
	assert.True(t, tableau.IsOutcomeUnknown(err), err)
	assert.Contains(t, tableau.Hint(err), "repeat the update within 24 hours")
	assert.Len(t, b.sent(http.MethodPatch, "/data"), 6)
	assert.True(t, tableau.Failure(err).Retry, "the request id makes it harmless")

	for name, broken := range map[string]tableau.Update{
		"no id":      {RequestID: "r", Actions: update.Actions},
		"no request": {DatasourceID: "d", Actions: update.Actions},
		"no action":  {DatasourceID: "d", RequestID: "r"},
		"no payload": {DatasourceID: "d", RequestID: "r", Actions: update.Actions, Payload: "no.hyper"},
	} {
		_, err := b.client.UpdateData(t.Context(), broken)
		assert.Error(t, err, name)
		assert.False(t, tableau.IsTransient(err), name)
	}
}

func TestUpdateKnowsThePayloadLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{PayloadLimit: 1000})
	update := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
	_, err := b.client.UpdateData(t.Context(), update)
	require.True(t, tableau.IsPayloadTooLarge(err), err)
	assert.Contains(t, tableau.Hint(err), "fewer rows")

	begun := len(b.sent(http.MethodPost, "/fileUploads"))
	b.client.PayloadLimit = 1000
	_, err = b.client.UpdateData(t.Context(), update)
	var large *tableau.PayloadTooLargeError
	require.ErrorAs(t, err, &large)
	assert.Equal(t, int64(1000), large.Limit)
	assert.Len(t, b.sent(http.MethodPost, "/fileUploads"), begun, "bytes were sent in vain")
}

func TestUpdateNeedsANewEnoughServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{API: "3.11", Product: "2021.1.0"})
	_, err := b.client.UpdateData(t.Context(), tableau.Update{DatasourceID: "x", RequestID: "y", Actions: []tableau.Action{{}}})
	assert.ErrorContains(t, err, "version 3.11 of the REST API; data updates need 3.12")
}

func TestActionsAsJSON(t *testing.T) {
	t.Parallel()
	action, err := tableau.NewAction(tableau.Upsert, extract, tableau.TableRef{Schema: "public", Name: "orders"}, []string{"a", "b"})
	require.NoError(t, err)
	got, err := json.Marshal(action)
	require.NoError(t, err)
	assert.JSONEq(t, `{"action":"upsert","source-schema":"Extract","source-table":"Extract","target-schema":"public","target-table":"orders",
		"condition":{"op":"and","args":[{"op":"eq","source-col":"a","target-col":"a"},{"op":"eq","source-col":"b","target-col":"b"}]}}`, string(got))

	got, err = json.Marshal(tableau.Match("a"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"op":"eq","source-col":"a","target-col":"a"}`, string(got))
}

func TestActionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind  tableau.ActionKind
		match []string
		hint  string
	}{
		"insert with match":    {tableau.Insert, []string{"id"}, "drop match"},
		"update without match": {tableau.UpdateRows, nil, "name the columns that identify a row in match"},
		"unknown":              {"merge", nil, "modes of data updates are"},
	} {
		_, err := tableau.NewAction(test.kind, extract, extract, test.match)
		require.Error(t, err, name)
		assert.Contains(t, tableau.Hint(err), test.hint, name)
	}
}
