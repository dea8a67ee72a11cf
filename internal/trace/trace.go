package trace

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"hyperlake/internal/failure"
)

// scope is what says in a trace who tells it.
const scope = "hyperlake"

// provider makes spans; nil where nobody is told.
var provider atomic.Pointer[sdk.TracerProvider]

// Span is a part of what this process does, from [Start] on. The zero value tells nobody anything. Its methods may be called by any
// goroutine.
type Span struct{ span api.Span }

// Start begins a span, inside of that of ctx if there is one, with what is known of it. Spans that are begun in the context that
// it returns are inside of it.
func Start(ctx context.Context, name string, known ...attribute.KeyValue) (context.Context, Span) {
	return start(ctx, name, api.SpanKindInternal, known)
}

// StartRequest is [Start] for a request to a server.
func StartRequest(ctx context.Context, name string, known ...attribute.KeyValue) (context.Context, Span) {
	return start(ctx, name, api.SpanKindClient, known)
}

func start(ctx context.Context, name string, kind api.SpanKind, known []attribute.KeyValue) (context.Context, Span) {
	told := provider.Load()
	if told == nil {
		return ctx, Span{}
	}
	ctx, span := told.Tracer(scope).Start(ctx, name, api.WithSpanKind(kind), api.WithAttributes(known...))
	return ctx, Span{span}
}

// Note adds what became known.
func (s Span) Note(known ...attribute.KeyValue) {
	if s.span != nil {
		s.span.SetAttributes(known...)
	}
}

// End ends the span; err is why what it is about failed, nil if it did not. Only the first end counts.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if failed := failure.Of(err, failure.Engine); failed != nil {
		s.span.SetStatus(codes.Error, failed.Message)
		s.span.SetAttributes(attribute.String("error.type", string(failed.Kind)))
	}
	s.span.End()
}
