// Package report is the record of a run, as JSON and as it goes on: types that others fill in.
//
// It promises that keys are added and never renamed within a version. It has no behaviour but sums.
package report
