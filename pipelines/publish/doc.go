// Package publish brings an extract to its data sources on a Tableau server.
//
// It promises that rows are added once, as far as the ledger beside the output and the server tell:
// what may have been done is never repeated unasked, and every failure says what finishes the work.
package publish
