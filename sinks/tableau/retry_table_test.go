package tableau_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// The waits of the two kinds of trouble, in milliseconds.
var (
	illWaits  = []int{500, 500, 500, 1000, 2000}
	busyWaits = []int{1000, 3000, 10_000, 30_000, 60_000}
)

// Every row of the table of errors and retries, for every kind of request that it is about.
// The faults last: what counts is how often a request is sent, and after which waits.
func TestRetriesAsTheTableSays(t *testing.T) {
	t.Parallel()
	const (
		list   = "GET /projects"
		begin  = "POST /fileUploads"
		chunk  = "PUT /fileUploads"
		create = "POST /datasources"
		update = "PATCH /data"
		job    = "GET /jobs"
	)
	once := []int{}
	reply := func(status int, code string) tableautest.Fault { return tableautest.Fault{Status: status, Code: code} }
	for _, row := range []struct {
		fault   tableautest.Fault
		request string
		waits   []int // one more try than waits, unless tries says otherwise
		tries   int
		signIns int // besides the first one
	}{
		{fault: reply(400, "400011"), request: create, waits: once},
		{fault: reply(400, "400010"), request: create, waits: once},
		{fault: reply(400, "400019"), request: create, waits: once},
		{fault: reply(400, "400020"), request: create, waits: once},
		{fault: reply(400, "400016"), request: chunk, waits: once},
		{fault: reply(400, "400019"), request: chunk, waits: once},
		{fault: reply(401, "401000"), request: list, tries: 2, signIns: 1},
		{fault: reply(401, "401002"), request: list, tries: 2, signIns: 1},
		{fault: reply(401, "401002"), request: create, tries: 2, signIns: 1},
		{fault: reply(401, "401002"), request: chunk, tries: 2, signIns: 1},
		{fault: reply(401, "401002"), request: update, tries: 2, signIns: 1},
		{fault: reply(403, "403007"), request: create, waits: once},
		{fault: reply(403, "403008"), request: create, waits: once},
		{fault: reply(403, "403131"), request: create, waits: busyWaits},
		{fault: reply(404, "404004"), request: update, waits: once},
		{fault: reply(404, "404005"), request: create, waits: once},
		{fault: reply(404, "404015"), request: chunk, waits: illWaits}, // the upload starts over
		{fault: reply(404, "404015"), request: update, tries: 2},       // with a new upload
		{fault: reply(404, "404018"), request: job, tries: 1},
		{fault: reply(400, "400031"), request: job, tries: 1},
		{fault: reply(408, ""), request: list, waits: illWaits},
		{fault: reply(500, "500000"), request: list, waits: illWaits},
		{fault: reply(502, ""), request: list, waits: illWaits},
		{fault: reply(504, ""), request: list, waits: illWaits},
		{fault: tableautest.Fault{LoseReply: true}, request: list, waits: illWaits},
		{fault: reply(503, ""), request: begin, waits: illWaits},
		{fault: tableautest.Fault{LoseReply: true}, request: chunk, waits: illWaits}, // the upload starts over
		{fault: reply(500, ""), request: update, waits: illWaits},
		{fault: tableautest.Fault{LoseRequest: true}, request: update, waits: illWaits},
		{fault: reply(500, ""), request: job, tries: 6},
		{fault: reply(429, ""), request: list, waits: busyWaits},
		{fault: reply(429, ""), request: chunk, waits: busyWaits},
		{fault: reply(429, ""), request: create, waits: busyWaits},
		{fault: reply(429, ""), request: update, waits: busyWaits},
		{fault: tableautest.Fault{Status: 429, RetryAfter: "7"}, request: list, waits: []int{7000, 7000, 7000, 7000, 7000}},
		{fault: tableautest.Fault{Status: 503, RetryAfter: "2"}, request: list, waits: []int{2000, 2000, 2000, 2000, 2000}},
		{fault: tableautest.Fault{Status: 429, RetryAfter: "86400"}, request: list, waits: once},
	} {
		name := fmt.Sprint(row.request, " ", row.fault.Status, " ", row.fault.Code, row.fault.RetryAfter, row.fault.LoseReply, row.fault.LoseRequest)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			b.waits.part = 10_000
			b.client = b.newClient()
			b.client.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // net/http repeats a GET whose connection was used before
			require.NoError(t, b.client.SignIn(t.Context()))
			_, _ = fmt.Sscan(row.request, &row.fault.Method, &row.fault.Path)
			row.fault.Times = -1
			do := requestsOf(t, b, row.request)
			signIns := len(b.sent(http.MethodPost, "/auth/signin"))
			before, waited := len(b.sent(row.fault.Method, row.fault.Path)), len(b.waits.taken())
			b.Inject(row.fault)
			err := do()
			if row.request != job { // then the data source is looked at, which has changed
				require.Error(t, err)
				assert.NotEmpty(t, tableau.Hint(err))
				assert.Equal(t, row.fault.Code, tableau.Code(err))
			}
			tries := row.tries
			if tries == 0 {
				tries = len(row.waits) + 1
			}
			assert.Equal(t, tries, len(b.sent(row.fault.Method, row.fault.Path))-before)
			assert.Equal(t, row.signIns, len(b.sent(http.MethodPost, "/auth/signin"))-signIns)
			if row.waits != nil {
				requireWaits(t, row.waits, b.waits.taken()[waited:])
			}
		})
	}
}

// requireWaits compares waits but for the chance of a tenth that is added to each.
func requireWaits(t *testing.T, want []int, got []time.Duration) {
	t.Helper()
	require.Len(t, got, len(want), "%v", got)
	for i, least := range want {
		wait := time.Duration(least) * time.Millisecond
		assert.GreaterOrEqual(t, got[i], wait)
		assert.LessOrEqual(t, got[i], wait*11/10)
	}
}

// requestsOf prepares something to do that sends such a request.
func requestsOf(t *testing.T, b *bench, request string) func() error {
	t.Helper()
	switch request {
	case "GET /projects":
		return func() error {
			_, err := b.client.Projects(t.Context())
			return err
		}
	case "PATCH /data":
		made := updatable(t, b, tableau.Insert, items(t, "(4, 'four')"))
		return func() error {
			_, err := b.client.UpdateData(t.Context(), made)
			return err
		}
	}
	size := int64(10)
	if request != "POST /datasources" {
		b.makeLarge()
		size = megabyte(4)
	}
	publication := b.publication(plainFile(t, size), tableau.Create)
	return func() error {
		_, err := b.client.Publish(t.Context(), publication)
		return err
	}
}

// Whatever a server answers, the failure says what was asked, what came back, and what to do.
func TestEveryRefusalIsExplained(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 405, 406, 409, 410, 413, 418, 429, 500, 501, 503, 504} {
		for _, code := range []string{"", fmt.Sprintf("%d000", status), fmt.Sprintf("%d999", status)} {
			t.Run(fmt.Sprint(status, " ", code), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, tableautest.Config{})
				b.waits.part = 10_000
				b.Inject(tableautest.Fault{Path: "/projects", Status: status, Code: code, Times: -1})
				_, err := b.client.Projects(t.Context())
				var e *tableau.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, []any{status, code, http.MethodGet}, []any{e.Status, e.Code, e.Method})
				assert.Contains(t, e.Path, "/projects?")
				for _, part := range []string{"list the projects: GET /api/", fmt.Sprintf("status %d", status), code} {
					assert.Contains(t, err.Error(), part)
				}
				assert.NotEmpty(t, tableau.Hint(err))
				assert.NotEmpty(t, tableau.Failure(err).Hint)
			})
		}
	}
}

// A reply of success that does not say of what is none.
func TestRepliesThatLackTheirContent(t *testing.T) {
	t.Parallel()
	_, client := replay(t, map[string][]string{"GET jobs/j": {""}})
	_, err := client.Job(t.Context(), "j")
	var e *tableau.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 200, e.Status)
	assert.Contains(t, e.Path, "/jobs/j")
	assert.Contains(t, tableau.Hint(err), "check the server's address")

	b := newBench(t, tableautest.Config{})
	_, err = b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 201, Empty: true})
	_, err = b.client.Publish(t.Context(), b.publication(items(t, "(2, 'two')"), tableau.Append))
	assert.Equal(t, unknown, outcome(err), "%v", err)
	assert.Equal(t, []string{"1 one"}, rows(t, b.stored(t).Path))
}
