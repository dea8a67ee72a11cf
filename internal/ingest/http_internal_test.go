package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

// api answers by address, and notes what it is asked.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func serve(t *testing.T, answer http.HandlerFunc) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.requests = append(a.requests, r)
		a.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.requests)
}

// everything reads all pages.
func everything(ctx context.Context, options HTTPOptions) (records []string, err error) {
	options.Log = slog.New(slog.DiscardHandler)
	s := NewHTTP(options).(*httpSource)
	if err := s.prepare(); err != nil {
		return nil, err
	}
	for s.pages.current != nil {
		found, number, err := s.readPage(ctx)
		if err != nil {
			return records, err
		}
		for _, record := range found {
			records = append(records, fmt.Sprintf("%d %s", number, record))
		}
	}
	return records, nil
}

// numbered answers with pages of two records out of five, as a parameter of the query says.
func numbered(w http.ResponseWriter, r *http.Request) {
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	items := []string{}
	for i := offset; i < min(offset+2, 5); i++ {
		items = append(items, fmt.Sprintf(`{"id": %d}`, i))
	}
	next := "null"
	if offset+2 < 5 {
		next = fmt.Sprintf(`"/items?offset=%d"`, offset+2)
		w.Header().Add("Link", `</items?offset=0>; rel="first"`)
		w.Header().Add("Link", fmt.Sprintf(`</items?offset=%d>; title="a, b"; rel="up next"`, offset+2))
	}
	_, _ = fmt.Fprintf(w, `{"items": [%s], "next": %s, "at": %d}`, strings.Join(items, ", "), next, offset+2)
}

var all5 = []string{`1 {"id": 0}`, `1 {"id": 1}`, `2 {"id": 2}`, `2 {"id": 3}`, `3 {"id": 4}`}

func TestPagings(t *testing.T) {
	t.Parallel()
	a := serve(t, numbered)
	for name, options := range map[string]HTTPOptions{
		"an address in the body":   {Next: "body.next"},
		"parameters in the body":   {Next: `body.next == null ? {} : {"offset": body.at}`},
		"the header Link":          {Next: NextLink},
		"an offset until it ends":  {Page: &PageOptions{Parameter: "offset", Step: 2}},
		"exactly as many as there": {Next: "body.next", MaxPages: 3},
	} {
		t.Run(name, func(t *testing.T) {
			options.URL, options.Records = a.URL+"/items", "body.items"
			records, err := everything(t.Context(), options)
			require.NoError(t, err)
			assert.Equal(t, all5, records)
		})
	}
}

func TestPagingsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	a := serve(t, numbered)
	circle := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"items": [{"id": 1}], "next": "/?a=2"}`)
	})
	for name, c := range map[string]struct {
		options HTTPOptions
		want    string
	}{
		"more pages than allowed":           {HTTPOptions{URL: a.URL, Next: "body.next", MaxPages: 2}, "more than 2 pages"},
		"an address again":                  {HTTPOptions{URL: circle.URL, Next: "body.next"}, "page 2 leads back to a page that was read"},
		"a parameter that is not looked at": {HTTPOptions{URL: circle.URL, Page: &PageOptions{Parameter: "page"}}, "page 2 leads back"},
		"a key that is not there":           {HTTPOptions{URL: a.URL, Next: "body.nextt"}, "no such key: nextt"},
		"an address that is none":           {HTTPOptions{URL: a.URL, Next: "'mailto:x'"}, "none of the web"},
		"something else":                    {HTTPOptions{URL: a.URL, Next: "7"}, "of type int"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Records = "body.items"
			_, err := everything(t.Context(), c.options)
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
		})
	}
}

func TestNextLink(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		`<a>; rel=next`:                  "a",
		`<a>;rel="next"`:                 "a",
		`<a>; REL = "x NEXT y"`:          "a",
		`<a>; rel="prev next"; title=x`:  "a",
		`<a,b;c>; rel="next"`:            "a,b;c",
		`<a>; rel=prev, <b>; rel=next`:   "b",
		`<a>; title="x, <c>; rel=next"`:  "",
		`<a>; title="\", <c>"; rel=next`: "a",
		`<a>; rel=nexts`:                 "",
		`<a>; rel=prev; rel=next`:        "",
		`, <a>; async; rel=next,`:        "a",
		`<a>`:                            "",
		`a; rel=next`:                    "error",
		`<a; rel=next`:                   "error",
		`<a> rel=next`:                   "error",
		`<a>; rel="next`:                 "error",
	} {
		got, err := nextLink([]string{text})
		if err != nil {
			got = "error"
		}
		assert.Equal(t, want, got, text)
	}
	got, err := nextLink([]string{`<a>; rel=first`, `<b>; rel=next`})
	require.NoError(t, err)
	assert.Equal(t, "b", got)
}

// What an expression finds keeps the text that it had, whatever was done to find it.
func TestRecordsKeepTheirText(t *testing.T) {
	t.Parallel()
	const first, second = `{ "n":9007199254740993.10,"n":1 ,"b" : [1e400, {"c": "\u00e9\ud800"}]}`, `{"n": 12345678901234567890}`
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"a": {"items": [%s, 7, %s]}}`, first, second)
	})
	for _, records := range []string{"body.a.items", "body.a.items.filter(x, true)", "[body.a.items[0], body.a.items[1], body.a.items[2]]", "body.a.items.map(x, x)"} {
		got, err := everything(t.Context(), HTTPOptions{URL: a.URL, Records: records})
		require.NoError(t, err, records)
		assert.Equal(t, []string{"1 " + first, "1 null", "1 " + second}, got, records)
	}
}

func TestBodiesThatAreNotUsable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, records, want string }{
		"text":              {"<html>", "", "is no JSON: invalid character '<'"},
		"cut":               {`[{"a": 1`, "", "unexpected EOF"},
		"nothing":           {"", "", "unexpected EOF"},
		"two values":        {"[] []", "", "something follows"},
		"no list":           {`{"items": []}`, "", "does not say where one is"},
		"no list there":     {`{"items": {}}`, "body.items", "no list"},
		"no such key":       {`{"itens": []}`, "body.items", "no such key: items"},
		"deep":              {strings.Repeat("[", 1<<20), "", "deeper in each other than 1000"},
		"an error for data": {`{"errors": [{"message": "x"}]}`, "body.data.items", "no such key: data"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.body) })
			_, err := everything(t.Context(), HTTPOptions{URL: a.URL, Records: c.records})
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
			assert.Equal(t, 1, a.count())
		})
	}
}

// A header with a secret goes to the host of the address alone: neither after a redirect nor to a next page elsewhere.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"items": [{"id": 2}], "next": null}`)
	})
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_, _ = fmt.Fprintf(w, `{"items": [{"id": 1}], "next": %q}`, "/away")
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
		}
	})
	options := HTTPOptions{URL: a.URL, Records: "body.items", Next: "body.next", HeaderEnv: map[string]string{"x-api-key": "KEY"},
		Getenv: func(name string) string { return map[string]string{"KEY": "s3cret"}[name] }}
	records, err := everything(t.Context(), options)
	require.NoError(t, err)
	assert.Equal(t, []string{`1 {"id": 1}`, `2 {"id": 2}`}, records)
	for _, request := range a.requests {
		assert.Equal(t, "s3cret", request.Header.Get("X-Api-Key"))
	}
	require.Len(t, other.requests, 1)
	assert.Empty(t, other.requests[0].Header.Get("X-Api-Key"))

	b := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"items": [], "next": %q}`, other.URL+"/y")
	})
	options.URL = b.URL
	_, err = everything(t.Context(), options)
	require.NoError(t, err)
	require.Len(t, other.requests, 2)
	assert.Empty(t, other.requests[1].Header.Get("X-Api-Key"))
}

func TestTroubleOfAnAPI(t *testing.T) {
	t.Parallel()
	t.Run("passes", func(t *testing.T) {
		t.Parallel()
		var a *api
		a = serve(t, func(w http.ResponseWriter, _ *http.Request) {
			switch a.count() {
			case 1:
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			case 2:
				w.WriteHeader(http.StatusBadGateway)
			case 3:
				w.Header().Set("Content-Length", "100")
				_, _ = fmt.Fprint(w, `[{"a"`)
			default:
				_, _ = fmt.Fprint(w, `[{"a": 1}]`)
			}
		})
		began := time.Now()
		records, err := everything(t.Context(), HTTPOptions{URL: a.URL})
		require.NoError(t, err)
		assert.Equal(t, []string{`1 {"a": 1}`}, records)
		assert.GreaterOrEqual(t, time.Since(began), time.Second)
		assert.Equal(t, 4, a.count())
	})
	for status, want := range map[int]struct {
		hint  string
		times int
	}{http.StatusUnauthorized: {"header_env", 1}, http.StatusNotFound: {"check the address", 1}, http.StatusServiceUnavailable: {"run it again later", 2}} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = fmt.Fprint(w, "you sent s3cret")
			})
			_, err := everything(t.Context(), HTTPOptions{URL: a.URL + "/x?key=hidden", Retry: time.Second})
			require.ErrorContains(t, err, a.URL+"/x: the answer was "+strconv.Itoa(status))
			assert.NotContains(t, err.Error(), "s3cret")
			assert.NotContains(t, err.Error(), "hidden")
			assert.Contains(t, failure.Of(err, failure.Engine).Hint, want.hint)
			assert.GreaterOrEqual(t, a.count(), want.times)
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	env := func(name string) string { return map[string]string{"KEY": "k", "BROKEN": "a\nb"}[name] }
	for want, options := range map[string]HTTPOptions{
		"url is no address":                    {URL: "example.com/x"},
		"url has a password in it":             {URL: "https://me:s3cret@example.com"},
		"it has no TLS":                        {URL: "http://example.com", HeaderEnv: map[string]string{"Authorization": "KEY"}},
		"NONE, which is not set":               {URL: "https://example.com", HeaderEnv: map[string]string{"Authorization": "NONE"}},
		"characters that no header can":        {URL: "https://example.com", HeaderEnv: map[string]string{"Authorization": "BROKEN"}},
		"records: Syntax error":                {URL: "https://example.com", Records: "body..x"},
		"next: undeclared reference to 'bodi'": {URL: "https://example.com", Next: "bodi.next"},
	} {
		options.Getenv = env
		_, err := NewHTTP(options).Columns(t.Context())
		require.ErrorContains(t, err, want)
		assert.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
		assert.NotContains(t, err.Error(), "s3cret")
	}
}

func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{`{"a": [1, {"b": null}], "a": "x"}`, `[{}, [], "\u0000", -0.0e5, true]`, "{", "[1,]", "nul"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := decodeBody(text)
		if !errors.Is(err, errDeep) {
			assert.Equal(t, json.Valid(text), err == nil)
		}
		checkTexts(t, value)
	})
}

// checkTexts checks that the text of each object is that object.
func checkTexts(t *testing.T, value any) {
	switch value := value.(type) {
	case *object:
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(value.text, &fields))
		assert.Len(t, value.fields, len(fields))
		for _, field := range value.fields {
			checkTexts(t, field)
		}
	case []any:
		for _, element := range value {
			checkTexts(t, element)
		}
	}
}
