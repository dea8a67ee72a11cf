package trace_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"hyperlake/internal/failure"
	"hyperlake/internal/trace"
)

// receiver is what a collector gets.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	exports []*collector.ExportTraceServiceRequest
	headers []http.Header
	wrong   []error
}

// listen starts a receiver, which answers so.
func listen(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var export collector.ExportTraceServiceRequest
		err = errors.Join(err, proto.Unmarshal(body, &export))
		if request.URL.Path != "/v1/traces" || request.Header.Get("Content-Type") != "application/x-protobuf" {
			err = errors.Join(err, errors.New("another request: "+request.URL.Path))
		}
		r.mu.Lock()
		r.exports, r.headers, r.wrong = append(r.exports, &export), append(r.headers, request.Header), append(r.wrong, err)
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func accept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(http.StatusOK)
}

// told opens a trace with spans in it, ends it, and returns the warnings.
func told(t *testing.T) (warnings []error) {
	t.Helper()
	var mu sync.Mutex
	end := trace.Open(context.Background(), trace.Run{ID: "r1", Name: "orders", Version: "v9", Warn: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, err)
	}})
	ctx, outer := trace.Start(context.Background(), "run")
	_, inner := trace.StartRequest(ctx, "GET /x", attribute.Int64("rows", 7))
	inner.End(failure.New(failure.Publish, "refused"))
	outer.Note(attribute.String("status", "failed"))
	outer.End(nil)
	end(context.Background())
	_, late := trace.Start(ctx, "late")
	late.Note(attribute.Int64("rows", 7))
	late.End(nil)
	mu.Lock()
	defer mu.Unlock()
	return warnings
}

func TestSpansArrive(t *testing.T) {
	r := listen(t, accept)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret%20one")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,hyperlake.run.id=other")
	require.Empty(t, told(t))
	require.Len(t, r.exports, 1)
	require.NoError(t, errors.Join(r.wrong...))
	assert.Equal(t, "secret one", r.headers[0].Get("X-Api-Key"))
	require.Len(t, r.exports[0].ResourceSpans, 1)
	about := map[string]string{}
	for _, attribute := range r.exports[0].ResourceSpans[0].Resource.Attributes {
		about[attribute.Key] = attribute.Value.GetStringValue()
	}
	for key, want := range map[string]string{
		"service.name": "hyperlake", "service.version": "v9", "hyperlake.run.id": "r1", "hyperlake.name": "orders", "deployment.environment.name": "prod",
	} {
		assert.Equal(t, want, about[key], key)
	}
	spans := r.exports[0].ResourceSpans[0].ScopeSpans[0].Spans
	require.Len(t, spans, 2, "the late one is of no trace")
	assert.Equal(t, []string{"GET /x", "run"}, []string{spans[0].Name, spans[1].Name})
	assert.Equal(t, spans[1].SpanId, spans[0].ParentSpanId)
	assert.Equal(t, "refused", spans[0].Status.Message)
	assert.Equal(t, "status", spans[1].Attributes[0].Key)
}

func TestServiceNameOfTheEnvironment(t *testing.T) {
	r := listen(t, accept)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", r.URL+"/v1/traces")
	t.Setenv("OTEL_SERVICE_NAME", "nightly")
	require.Empty(t, told(t))
	require.NoError(t, errors.Join(r.wrong...))
	for _, attribute := range r.exports[0].ResourceSpans[0].Resource.Attributes {
		if attribute.Key == "service.name" {
			assert.Equal(t, "nightly", attribute.Value.GetStringValue())
		}
	}
}

// TestNothingIsSent has an environment in which nobody is told, and one in which nobody can be.
func TestNothingIsSent(t *testing.T) {
	r := listen(t, accept)
	for name, step := range map[string]struct {
		environment map[string]string
		warning     string
	}{
		"no endpoint":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ""},
		"disabled":          {map[string]string{"OTEL_SDK_DISABLED": "True"}, ""},
		"no exporter":       {map[string]string{"OTEL_TRACES_EXPORTER": "none"}, ""},
		"another exporter":  {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, `OTEL_TRACES_EXPORTER is "zipkin"`},
		"another protocol":  {map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf is spoken"},
		"never sampled":     {map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, ""},
		"protocol of logs":  {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": r.URL}, ""},
		"nothing but noise": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_HEADERS": "s3cret"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
			for name, value := range step.environment {
				t.Setenv(name, value)
			}
			warnings := told(t)
			if step.warning == "" {
				assert.Empty(t, warnings)
			} else {
				require.Len(t, warnings, 1)
				assert.ErrorContains(t, warnings[0], step.warning)
			}
		})
	}
	assert.Empty(t, r.exports)
}

// TestCollectorsThatFail holds what is said of them: one warning, without what they say.
func TestCollectorsThatFail(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, request *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "you sent "+request.Header.Get("X-Api-Key"))
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, step := range map[string]struct{ url, headers, warning string }{
		"unreachable": {closed.URL, "", "connection refused"},
		"refuses":     {listen(t, echo(401)).URL, "", "401 Unauthorized"},
		"is ill":      {listen(t, echo(503)).URL, "", "retry-able request failure"},
		"takes part": {listen(t, func(w http.ResponseWriter, request *http.Request) {
			body, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{
				RejectedSpans: 1, ErrorMessage: "you sent " + request.Header.Get("X-Api-Key"),
			}})
			assert.NoError(t, err)
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = io.Copy(w, bytes.NewReader(body))
		}).URL, "", "did not take all"},
		"headers": {listen(t, accept).URL, "c4nary", "is not understood"},
		"address": {"http://[", "", "is not understood"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", step.url)
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=c4nary")
			if step.headers != "" {
				t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", step.headers)
			}
			warnings := told(t)
			require.Len(t, warnings, 1)
			assert.Regexp(t, step.warning, warnings[0].Error())
			assert.NotContains(t, warnings[0].Error(), "c4nary")
		})
	}
}

// TestCollectorThatHangs is waited for as long as the end of a trace may take.
func TestCollectorThatHangs(t *testing.T) {
	over := make(chan struct{})
	r := listen(t, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	began := time.Now()
	warnings := told(t)
	assert.Less(t, time.Since(began), time.Minute)
	require.Len(t, warnings, 1)
	assert.ErrorContains(t, warnings[0], "no answer within 5s")
}
