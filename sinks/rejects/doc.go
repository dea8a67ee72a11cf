// Package rejects keeps the rows that broke a rule: Parquet files with all columns of the
// source as they were, and five more that say where the row was, and what was wrong with it.
//
// Write puts them on staging, under new names in every attempt, and returns references:
// what a failed attempt wrote is never referred to. Publish makes a folder hold exactly the
// files that it is given; Save does so for the state, from which Carry takes over what still
// holds when only some files of the source changed. A run can read such a folder as its
// source, after the rows were repaired.
package rejects
