// Package pipelines knows the whole of a run: the configuration, the plan that is made of
// it before any data is read, the Beam graph that carries the plan out, and the report.
//
// It promises that the output path holds either what it held before or a complete
// extract whose counts were reconciled at every hand-over, and that nothing else stays.
package pipelines
