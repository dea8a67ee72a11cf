package main

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hyperlake/sinks/tableau/tableautest"
)

// collected is what a collector of OpenTelemetry got.
type collected struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*spans.Span
	raw   []byte
}

func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		assert.NoError(t, err)
		var export collector.ExportTraceServiceRequest
		assert.NoError(t, proto.Unmarshal(body, &export))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// forget makes it one that got nothing.
func (c *collected) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = nil
}

// holds says whether a text was in what it got.
func (c *collected) holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.raw, []byte(text))
}

// ways are the spans, each with those that it is inside of: run/stage load/shard.
func (c *collected) ways() map[string]*spans.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]*spans.Span{}
	for _, span := range c.spans {
		byID[string(span.SpanId)] = span
	}
	found := map[string]*spans.Span{}
	for _, span := range c.spans {
		way := span.Name
		for parent := byID[string(span.ParentSpanId)]; parent != nil; parent = byID[string(parent.ParentSpanId)] {
			way = parent.Name + " > " + way
		}
		found[way] = span
	}
	return found
}

// TestTracesOfARun has a run tell a collector, and finds no secret and no id in what it tells; the server that it publishes to is
// told nothing of it.
func TestTracesOfARun(t *testing.T) {
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Tokens: map[string]string{tokenName: tokenSecret}, Folder: t.TempDir(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	lake, err := filepath.Abs("../../testdata/lake/lineitem/*.parquet")
	require.NoError(t, err)
	folder := t.TempDir()
	config := "name: lines\nrunner: {parallelism: 2}\ntables: [{source: {uri: '" + lake + "'}}]\n" +
		"publish: {server: '" + server.URL + "', site: marketing, allow_http: true, as_job: true}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "lines.yaml"), []byte(config), 0o600))
	c := collect(t)
	environment := []string{
		"tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret,
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_EXPORTER_OTLP_HEADERS=x-api-key=c4nary",
	}
	run := func(code int, environment []string, args ...string) string {
		t.Helper()
		cmd := program(t, folder, environment, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
		return stderr.String()
	}

	said := run(0, environment, "run", "lines.yaml", "--log-level", "debug")
	assert.NotContains(t, said, "traces were not delivered")
	assert.NotContains(t, said, "c4nary")
	ways := c.ways()
	for _, way := range []string{
		"run", "run > stage plan", "run > stage load", "run > stage load > shard", "run > stage load > merge", "run > stage check", "run > stage move",
		"run > stage publish > POST /api/{version}/auth/signin", "run > stage publish > GET /api/{version}/sites/{site}/jobs/{id}",
	} {
		assert.Contains(t, ways, way)
	}
	partials := 0
	for way, span := range ways {
		assert.Equal(t, ways["run"].TraceId, span.TraceId)
		if strings.HasSuffix(way, " > partial") {
			partials++
			assert.True(t, strings.HasPrefix(way, "run > stage load > "))
		}
	}
	assert.Positive(t, partials)
	secrets := []string{tokenSecret, "c4nary"}
	for _, request := range server.Requests() {
		secrets = append(secrets, request.Header.Get("X-Tableau-Auth"))
		assert.Empty(t, request.Header.Get("Traceparent"))
	}
	for _, secret := range secrets {
		assert.True(t, secret == "" || !c.holds(secret))
	}
	assert.False(t, c.holds("pageSize"), "queries are nobody's business")

	c.forget()
	run(2, environment, "generate", "lines.yaml", "--set", "tables.0.source.select=[none]")
	ways = c.ways()
	assert.Contains(t, ways["generate"].Status.Message, `there is no column "none"`)
	assert.Equal(t, spans.Status_STATUS_CODE_ERROR, ways["generate > stage plan"].Status.Code)

	c.forget()
	run(0, append(environment, "OTEL_SDK_DISABLED=true"), "generate", "lines.yaml")
	assert.Empty(t, c.ways())
	c.Close()
	said = run(0, environment, "generate", "lines.yaml")
	assert.Equal(t, 1, strings.Count(said, "traces were not delivered"), said)
	assert.NotContains(t, said, hex.EncodeToString(ways["generate"].TraceId))
	assert.NotContains(t, said, "c4nary")
}
