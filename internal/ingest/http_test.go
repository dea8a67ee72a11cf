package ingest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// pagesOf serves texts of bodies, each of which names the next.
func pagesOf(t *testing.T, bodies ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var page int
		_, _ = fmt.Sscanf(r.URL.Query().Get("page"), "%d", &page)
		next := "null"
		if page+1 < len(bodies) {
			next = fmt.Sprintf(`"?page=%d"`, page+1)
		}
		_, _ = fmt.Fprintf(w, `{"items": [%s], "next": %s}`, bodies[page], next)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func api(t *testing.T, options ingest.HTTPOptions) ingest.Source {
	t.Helper()
	options.Records, options.Next, options.Log = "body.items", "body.next", slog.New(slog.DiscardHandler)
	return ingest.NewHTTP(options)
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	url := pagesOf(t,
		`{"id": 9007199254740993, "name": "a", "tags": ["x", 1], "at": "2026-01-31T10:00:00Z"}, {"id": 2, "more": {"a": 1}}`, ``,
		`{"id": 3, "name": "\u00e9"}, {"id": "x"}, 7, {"id": 4, "new": 1}, {"id": 5, "new": null}`)
	schema, got := read(t, api(t, ingest.HTTPOptions{URL: url}))
	assert.Equal(t, map[string]string{"id": "int64", "name": "utf8", "tags": "utf8", "at": "timestamp[us, tz=UTC]", "more": "utf8"}, types(schema))
	assert.Equal(t, [][]string{
		{"9007199254740993", "a", `["x",1]`, "2026-01-31 10:00:00Z", null}, {"2", null, null, null, `{"a":1}`},
		{"3", "é", null, null, null}, {"5", null, null, null, null},
	}, got.rows)
	var rejects []string
	for _, r := range got.rejects {
		assert.Zero(t, r.Line)
		assert.Equal(t, url, r.File)
		rejects = append(rejects, fmt.Sprintf("%d %s: %s", r.Page, r.Rule, r.Reason))
	}
	assert.ElementsMatch(t, []string{
		"3 json: the record is no JSON object", "3 type bigint: " + rejectOf(got, "type bigint"), "3 unknown key: " + rejectOf(got, "unknown key"),
	}, rejects)
}

func rejectOf(s *taken, rule string) string {
	for _, r := range s.rejects {
		if r.Rule == rule {
			return r.Reason
		}
	}
	return "no such reject"
}

func TestHTTPFlattens(t *testing.T) {
	t.Parallel()
	schema, got := read(t, api(t, ingest.HTTPOptions{URL: pagesOf(t, `{"a": {"b": 1, "c": {"d": true}}}`), Nested: "flatten"}))
	assert.Equal(t, map[string]string{"a.b": "int64", "a.c.d": "bool"}, types(schema))
	assert.Equal(t, [][]string{{"1", "true"}}, got.rows)
}

// An API without records has no columns; with those of another night, it has no rows.
func TestHTTPWithoutRecords(t *testing.T) {
	t.Parallel()
	schema, got := read(t, api(t, ingest.HTTPOptions{URL: pagesOf(t, "")}))
	assert.Zero(t, schema.NumFields())
	assert.Empty(t, got.rows)
	pinned := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	assert.Empty(t, readAs(t, api(t, ingest.HTTPOptions{URL: pagesOf(t, "")}), pinned).rows)
}

// A page of many records is converted in pieces.
func TestHTTPWithLargePages(t *testing.T) {
	t.Parallel()
	one := func(n, count int) string {
		records := make([]string, count)
		for i := range records {
			records[i] = fmt.Sprintf(`{"id": %d, "text": %q}`, n+i, strings.Repeat("x", 100))
		}
		return strings.Join(records, ",")
	}
	_, got := read(t, api(t, ingest.HTTPOptions{URL: pagesOf(t, one(0, 40_000), one(40_000, 3))}))
	require.Len(t, got.rows, 40_003)
	for i, row := range got.rows {
		require.Equal(t, fmt.Sprint(i), row[0])
	}
}
