// Package randomtest has nothing but tests: random configurations over random small lakes, of
// which columns, rows, rejects, counts and exit code are held against an evaluation of its own
// that shares no code with the product. A case that fails is made as small as it goes on failing.
//
// What is drawn carries its own meaning: a rule is its YAML and a Go function that says which rows
// break it, a conversion its YAML and what becomes of a value. A new key of the configuration is
// drawn, written and evaluated in one file, and named in the lists of draw_test.go:
//
//   - values_test.go, kinds_test.go: the types of columns, their values and their extremes
//   - names_test.go: hostile names
//   - lake_test.go, drift_test.go: files, row groups, folders, and files that differ
//   - ingest_test.go: files that are brought in from text first
//   - tables_test.go: files that are a table of a table format
//   - delta_test.go, deltalog_test.go: a Delta table, and its log
//   - iceberg_test.go, icebergmetadata_test.go, icebergdeletes_test.go: an Iceberg table, its metadata, and the rows it deletes
//   - asks_test.go, nested_test.go: what is asked of columns
//   - rules_test.go, conditions_test.go, expressions_test.go: rules and where
//   - repartition_test.go: where rows go
//   - places_test.go: where lake, staging, output, rejects and state are
//   - case_test.go, draw_test.go: a configuration as a whole
//   - oracle_test.go: what should come of it
//   - outcome_test.go: what comes of it
//   - compare_test.go, shrink_test.go: what differs, and the smallest case that does
//   - reach_test.go: that what is drawn is not too narrow
package randomtest
