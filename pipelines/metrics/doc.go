// Package metrics leaves what became of a command where Prometheus finds it: in a file that the textfile collector of node_exporter
// reads. Format: the text format of Prometheus, https://prometheus.io/docs/instrumenting/exposition_formats/.
//
// It promises that the file appears whole or not at all, that what a command did not come to know stays as the one before left it
// (the last success, the rows of the last run that counted all), and that no value of a row stands in it. It knows the report, and
// nothing of how it was made.
package metrics
