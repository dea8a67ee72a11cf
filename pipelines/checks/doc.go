// Package checks judges the rows and the finished extract of a run: thresholds for rejects, empty
// tables, and the checks of the configuration, in SQL.
//
// It promises that every judgement is in the report, with figures, and that what the configuration
// executes reads the extract alone: by a hyperd that finds no other file and writes none.
package checks
