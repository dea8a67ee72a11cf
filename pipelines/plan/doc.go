// Package plan makes of the names and footers of files what a run will do: files and row groups to
// read, columns and their types, rules, what hyperd reads itself, where rows move, shards.
//
// It promises that a plan never changes once it is made, that no data was read and nothing was
// written for it, and that what it refuses is a failure that was known before any data was read.
package plan
