package tableau

import (
	"errors"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/trace"
)

// idPlace stands in a template for what tells one thing from others.
const idPlace = "{id}"

// template is the path of a call without what differs between calls of one kind: ids, which have digits, unlike the words of
// the API.
func (c call) template() string {
	parts := strings.Split(c.path, "/")
	for i, part := range parts {
		if strings.ContainsFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) && part != "{site}" {
			parts[i] = idPlace
		}
	}
	return "/api/{version}" + strings.Join(parts, "/")
}

// attributes say of a call what OpenTelemetry's conventions for HTTP want of clients, without addresses that may hold secrets.
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
func (c call) attributes(target *url.URL) []attribute.KeyValue {
	known := []attribute.KeyValue{
		attribute.String("http.request.method", c.method), attribute.String("url.template", c.template()),
		attribute.String("server.address", target.Hostname()),
	}
	if c.body != nil {
		known = append(known, attribute.Int64("http.request.body.size", c.body.size))
	}
	return known
}

// endRequest ends the span of a request, with the status of its reply if there was one. What a server says stays out of it.
func endRequest(span trace.Span, reply *response, err error) {
	var refused *Error
	var redirect *redirectError
	switch {
	case reply != nil:
		span.Note(attribute.Int("http.response.status_code", reply.status))
	case errors.As(err, &redirect):
		err = nil // which the next request follows
	case errors.As(err, &refused):
		if refused.Status != 0 {
			span.Note(attribute.Int("http.response.status_code", refused.Status))
		}
		err = errors.New("the request failed")
	}
	span.End(err)
}
