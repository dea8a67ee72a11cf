// Package pipelines is the order of the stages of a run, and nothing more: plan, load, check, move,
// publish, report. Each stage is a room of its own below this folder; this package alone knows
// them all.
//
// It promises that the output path holds either what it held before or a complete
// extract whose counts were reconciled at every hand-over, and that nothing else stays.
package pipelines
