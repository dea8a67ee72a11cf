// Package modeltest has nothing but tests: random sequences of publications, faults, deaths and changes by others,
// against a server whose rows are the truth. A model says what may be there after each command, and a command that the
// last line of a failure names finishes the work.
//
//   - rows_test.go: rows, extracts, and what a mode makes of the rows that are there
//   - events_test.go, draw_test.go: what happens, and drawing it
//   - front_test.go: what goes wrong between the client and the server
//   - world_test.go: a server, the outputs that feed its data source, and their ledgers
//   - model_test.go: what may be there after a command
//   - finish_test.go: following what the last line says
//   - sequences_test.go: sequences, and the shortest one that fails
package modeltest
