package lineage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/lineage"
	"hyperlake/pipelines/report"
)

// server is a server of OpenLineage.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	events  []map[string]any
	headers []http.Header
	paths   []string
	raw     string
}

func listen(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		assert.NoError(t, err)
		var event map[string]any
		assert.NoError(t, json.Unmarshal(body, &event))
		s.mu.Lock()
		s.events, s.headers, s.paths = append(s.events, event), append(s.headers, request.Header), append(s.paths, request.URL.Path)
		s.raw += string(body)
		s.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(s.Close)
	t.Setenv("OPENLINEAGE_URL", s.URL)
	return s
}

func accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }

// schemas are those of OpenLineage, from the copies of testdata.
func schemas(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	files, err := filepath.Glob("testdata/openlineage/facets/*.json")
	require.NoError(t, err)
	for _, path := range append(files, "testdata/openlineage/OpenLineage.json") {
		file, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(t, path)))
		require.NoError(t, err)
		id, _ := file.(map[string]any)["$id"].(string)
		require.NoError(t, compiler.AddResource(id, file))
	}
	return compiler
}

// check holds an event, and each facet that is in it, against its schema.
func check(t *testing.T, compiler *jsonschema.Compiler, event map[string]any) {
	t.Helper()
	url, _ := event["schemaURL"].(string)
	schema, err := compiler.Compile(url)
	require.NoError(t, err)
	require.NoError(t, schema.Validate(event))
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if url, ok := value["_schemaURL"].(string); ok {
				schema, err := compiler.Compile(url)
				require.NoError(t, err)
				require.NoError(t, schema.Validate(value))
			}
			for _, inner := range value {
				walk(inner)
			}
		case []any:
			for _, inner := range value {
				walk(inner)
			}
		}
	}
	walk(event)
}

// tell tells of a command that ended so.
func tell(t *testing.T, c lineage.Command, r *report.Report, failed string) error {
	t.Helper()
	teller, err := lineage.Begin(c)
	require.NoError(t, err)
	return teller.End(t.Context(), time.Now(), r, failed)
}

// orders is a command over some of everything.
func orders() (lineage.Command, *report.Report) {
	cfg := &config.Config{Name: "orders", Output: config.OutputConfig{Path: "/data/orders.hyper"}, Runner: config.RunnerConfig{Name: "direct"}}
	globs := []config.Globs{
		{"/lake/orders/**/*.parquet"}, {"s3://bucket/lake/day=*/x.parquet"}, {"gs://bucket/items"}, {"abfss://c@account.dfs.core.windows.net/f/*.parquet"},
		{"az://container/f/*.parquet", "/lake/orders/**/*.parquet"}, nil,
	}
	r := &report.Report{Status: report.Succeeded, Complete: true, Output: report.Output{Bytes: 77}}
	for i, uri := range globs {
		table := config.TableConfig{Schema: "Extract", Name: string(rune('a' + i)), Source: config.SourceConfig{URI: uri}}
		if uri == nil {
			table.Source.Catalog = &config.CatalogConfig{URI: "https://user:c4nary@catalog.example/iceberg?token=c4nary", Table: "sales.orders"}
		}
		cfg.Tables = append(cfg.Tables, table)
		r.Tables = append(r.Tables, report.TableAccount{Schema: "Extract", Name: table.Name, Files: 3, RowsRead: 10, RowsLoaded: 9, BytesIn: 100})
	}
	cfg.Tables[0].Columns = map[string]config.ColumnConfig{"o_total": {Rename: "total", Type: "numeric(18,2)"}}
	five := int64(5)
	r.Tables[0].Columns = []report.Column{
		{Name: "o_key", SQLType: "BIGINT", Nulls: 0, Min: "c4nary", Max: "c4nary", Distinct: &five}, {Name: "total", SQLType: "NUMERIC(18,2)", Nulls: 2},
	}
	r.Tables[2].Source = &report.TableVersion{Format: "delta", Version: "7"}
	r.Publish = &report.Publishing{
		Outcome: "published", Server: "https://tableau.example", Site: "marketing", Project: "Sales/Nightly", Datasource: "Orders", Rows: 9, Bytes: 50,
		Others: []*report.Publishing{{Outcome: "failed", Server: "https://tableau.example", Datasource: "Other"}},
	}
	return lineage.Command{ID: "20261128T020000Z-0a0b0c0d", Version: "v1 x", Config: cfg, Started: time.Now()}, r
}

// names are the datasets of an event.
func names(event map[string]any, key string) (all []string) {
	for _, dataset := range event[key].([]any) {
		about := dataset.(map[string]any)
		all = append(all, about["namespace"].(string)+" "+about["name"].(string))
	}
	return all
}

func TestEventsOfASuccess(t *testing.T) {
	s := listen(t, accept)
	t.Setenv("OPENLINEAGE_API_KEY", "c4nary")
	t.Setenv("OPENLINEAGE_NAMESPACE", "nightly")
	c, r := orders()
	require.NoError(t, tell(t, c, r, ""))
	require.Len(t, s.events, 2)
	compiler := schemas(t)
	inputs := []string{
		"file /lake/orders", "s3://bucket lake", "gs://bucket items", "abfss://c@account.dfs.core.windows.net f", "az://container f",
		"iceberg://catalog.example sales.orders",
	}
	for i, kind := range []string{"START", "COMPLETE"} {
		check(t, compiler, s.events[i])
		assert.Equal(t, kind, s.events[i]["eventType"])
		assert.Equal(t, "Bearer c4nary", s.headers[i].Get("Authorization"))
		assert.Equal(t, "/api/v1/lineage", s.paths[i])
		assert.Equal(t, s.events[0]["run"].(map[string]any)["runId"], s.events[i]["run"].(map[string]any)["runId"])
		assert.Equal(t, "nightly", s.events[i]["job"].(map[string]any)["namespace"])
		assert.Equal(t, inputs, names(s.events[i], "inputs"))
	}
	assert.Equal(t, "tableau://tableau.example marketing/Sales/Nightly/Orders", names(s.events[1], "outputs")[6])
	assert.Len(t, names(s.events[1], "outputs"), 7)
	first := s.events[1]["outputs"].([]any)[0].(map[string]any)
	assert.Equal(t, "/data/orders.hyper#Extract.a", first["name"])
	text, err := json.Marshal(first["facets"])
	require.NoError(t, err)
	for _, part := range []string{
		`{"name":"total","ordinal_position":2,"type":"NUMERIC(18,2)"}`, `"total":{"nullCount":2}`,
		`"total":{"inputFields":[{"field":"o_total","name":"/lake/orders","namespace":"file","transformations":[{"subtype":"TRANSFORMATION","type":"DIRECT"}]}]}`,
		`"field":"o_key","name":"/lake/orders","namespace":"file","transformations":[{"subtype":"IDENTITY","type":"DIRECT"}]`,
	} {
		assert.Contains(t, string(text), part)
	}
	assert.NotContains(t, s.raw, "c4nary", "neither secrets nor values")
	assert.Contains(t, s.raw, `"datasetVersion":"7"`)
}

// TestHowCommandsEnd holds the events of the end against the schemas, and what is said to be written against what is.
func TestHowCommandsEnd(t *testing.T) {
	compiler := schemas(t)
	for name, step := range map[string]struct {
		status  report.Status
		failed  string
		want    string
		outputs int
	}{
		"unchanged":   {report.Unchanged, "", "COMPLETE", 7},
		"unpublished": {report.Unpublished, "the server is away", "FAIL", 7},
		"rejected":    {report.Rejected, "too many rejects", "FAIL", 0},
		"interrupted": {report.Interrupted, "interrupted", "ABORT", 0},
		"early":       {"", "no such column", "FAIL", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, accept)
			c, r := orders()
			if r.Status = step.status; step.status == "" {
				r = nil
			}
			require.NoError(t, tell(t, c, r, step.failed))
			require.Len(t, s.events, 2)
			check(t, compiler, s.events[1])
			assert.Equal(t, step.want, s.events[1]["eventType"])
			assert.Len(t, s.events[1]["outputs"], step.outputs)
			assert.Equal(t, step.failed != "", strings.Contains(s.raw, `"errorMessage":{`))
		})
	}
}

func TestPublishingReadsTheExtract(t *testing.T) {
	s := listen(t, accept)
	c, r := orders()
	c.Publishes, c.Config.Tables, r.Tables, r.Complete = true, nil, nil, false
	require.NoError(t, tell(t, c, r, ""))
	check(t, schemas(t), s.events[1])
	assert.Equal(t, []string{"file /data/orders.hyper"}, names(s.events[1], "inputs"))
	assert.Equal(t, []string{"tableau://tableau.example marketing/Sales/Nightly/Orders"}, names(s.events[1], "outputs"))
}

func TestAddresses(t *testing.T) {
	s := listen(t, accept)
	c, r := orders()
	t.Setenv("OPENLINEAGE_URL", s.URL+"/behind/")
	t.Setenv("OPENLINEAGE_ENDPOINT", "/api/v7")
	require.NoError(t, tell(t, c, r, ""))
	assert.Equal(t, []string{"/behind/api/v7", "/behind/api/v7"}, s.paths)
	for _, off := range []string{"OPENLINEAGE_URL=", "OPENLINEAGE_DISABLED=True"} {
		name, value, _ := strings.Cut(off, "=")
		t.Setenv(name, value)
		require.NoError(t, tell(t, c, r, ""))
		assert.Len(t, s.paths, 2, "nobody is told")
		t.Setenv("OPENLINEAGE_URL", s.URL)
	}
	t.Setenv("OPENLINEAGE_DISABLED", "")
	for _, wrong := range []string{"c4nary", "ftp://c4nary.example", "http://", "http://[c4nary"} {
		t.Setenv("OPENLINEAGE_URL", wrong)
		teller, err := lineage.Begin(c)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "c4nary")
		require.NoError(t, teller.End(t.Context(), time.Now(), r, ""))
	}
}

// TestServersThatFail has each of them be one error, without what it says and without secrets.
func TestServersThatFail(t *testing.T) {
	elsewhere := listen(t, accept)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	c, r := orders()
	for name, step := range map[string]struct {
		answer  http.HandlerFunc
		warning string
	}{
		"refuses": {func(w http.ResponseWriter, request *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, request.Header.Get("Authorization"))
		}, "status 401"},
		"redirects": {func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "status 307"},
		"breaks off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"unreachable": {nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			if step.answer != nil {
				listen(t, step.answer)
			} else {
				t.Setenv("OPENLINEAGE_URL", strings.Replace(closed.URL, "http://", "http://user:c4nary@", 1)+"/?token=c4nary")
			}
			t.Setenv("OPENLINEAGE_API_KEY", "c4nary")
			err := tell(t, c, r, "")
			require.ErrorContains(t, err, step.warning)
			assert.NotContains(t, err.Error(), "c4nary")
		})
	}
	assert.Empty(t, elsewhere.events)
}

func TestServerThatHangs(t *testing.T) {
	over := make(chan struct{})
	listen(t, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	c, r := orders()
	began := time.Now()
	require.ErrorIs(t, tell(t, c, r, ""), context.DeadlineExceeded)
	assert.Less(t, time.Since(began), time.Minute)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}
