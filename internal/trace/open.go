package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Run is what all spans of this process are about.
type Run struct {
	ID      string
	Name    string // of its configuration
	Version string // of this program

	// Warn is told, once at most, why spans are not sent. It may be called by any goroutine.
	Warn func(error)
}

// flushTime bounds how long the end of a trace is waited for.
const flushTime = 5 * time.Second

// Open has spans sent from now on, if the environment says where to. The returned function sends those that are left, and ends
// sending; it waits five seconds at most, whatever becomes of ctx. A process opens one trace at a time.
func Open(ctx context.Context, run Run) (end func(ctx context.Context)) {
	var once sync.Once
	tell := func(err error) { once.Do(func() { run.Warn(err) }) }
	wanted, err := isWanted(os.Getenv)
	if err == nil && wanted {
		err = open(ctx, run, tell)
	}
	if err != nil {
		tell(err)
	}
	told := provider.Load()
	if told == nil {
		return func(context.Context) {}
	}
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		provider.Store(nil)
		if err := told.Shutdown(ctx); err != nil {
			tell(described(err))
		}
	}
}

// described is an error of sending without the words of the server, which may repeat what it was sent.
func described(err error) error {
	text, _, isCut := strings.Cut(strings.TrimPrefix(err.Error(), "traces export: "), "body: ")
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", flushTime)
	case strings.Contains(text, "partial success"):
		return errors.New("the collector did not take all of them")
	case isCut:
		return errors.New(strings.TrimRight(text, " (:"))
	}
	return errors.New(text)
}

// isWanted says whether the environment wants spans to be sent. It fails where it wants them sent in a way that there is not.
func isWanted(variable func(string) string) (bool, error) {
	endpoint := cmp.Or(variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
	exporter := cmp.Or(variable("OTEL_TRACES_EXPORTER"), "otlp")
	if endpoint == "" || exporter == "none" || strings.EqualFold(variable("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	if exporter != "otlp" {
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q, but only otlp and none are known", exporter)
	}
	protocol := cmp.Or(variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), variable("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
	if protocol != "http/protobuf" {
		return false, fmt.Errorf("the protocol of OTLP is %q, but only http/protobuf is spoken: "+
			"set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, and the endpoint of the collector for it (port 4318)", protocol)
	}
	return true, nil
}

// open makes the provider of spans.
func open(ctx context.Context, run Run, tell func(error)) error {
	// Those who send, and those who read the environment, return nothing to anybody. What is wrong there may be a secret.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { tell(described(err)) }))
	otel.SetLogger(funcr.New(func(_, _ string) {
		tell(errors.New("a variable OTEL_EXPORTER_OTLP_… of the environment is not understood"))
	}, funcr.Options{}))
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "hyperlake"), attribute.String("service.version", run.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv(),
		resource.WithAttributes(attribute.String("hyperlake.run.id", run.ID), attribute.String("hyperlake.name", run.Name)))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: flushTime - 2*time.Second,
	}))
	if err != nil {
		return err
	}
	provider.Store(sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about)))
	return nil
}
