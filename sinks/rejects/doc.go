// Package rejects keeps the rows that broke a rule: Parquet files with all columns of the
// source as they were, and five more that say where the row was, and what was wrong with it.
//
// Write puts them on staging, under new names in every attempt, and returns references:
// what a failed attempt wrote is never referred to. Publish makes a folder hold exactly the
// files that it is given. A run can read that folder as its source, after the rows were
// repaired.
package rejects
