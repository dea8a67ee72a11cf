// Package starter writes a commented configuration for the files of a lake, from their footers, or for what is to be ingested, from the
// beginnings of text files or the columns of a query.
//
// It promises that a plan accepts what it writes for a lake as it is, and a run what it writes for an ingest.
package starter
