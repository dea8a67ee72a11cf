// Package trace tells an OpenTelemetry collector what this process did when, as spans over OTLP/HTTP, where the usual variables of the
// environment name one: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. Their headers, certificates, samplers and
// resource attributes count as OpenTelemetry says: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
//
// It promises that nothing is sent and nothing costs time without such a variable, that telling never changes what is told about,
// that it ends in five seconds, and that a collector which does not answer is one warning. Nobody else in the process sends spans
// by it, and no other server gets an id of them: what libraries would tell of addresses is not known to be free of secrets. Spans
// hold no values of rows and no secrets. A process that a run has not opened it in, such as a worker, tells nothing.
package trace
