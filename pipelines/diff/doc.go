// Package diff says what differs between two extracts, or between two runs by what their reports say.
//
// It promises that extracts which it calls equal have the same tables with the same columns in the same order and the same rows, each as
// often, in any order (of geography, coordinates to 7 decimals). Of runs it knows only figures: rows, rejects, units, and nulls and bounds
// of columns. It changes nothing, and reads neither configuration nor lake.
package diff
