// Package hyper writes .hyper files: the exact map from Arrow to hyperd's types, the
// HyperSink that loads the batches of a bundle into a partial, the merge of partials
// into the extract, the patch that makes the next extract of one, and the merging and
// defragmenting of files from anywhere.
//
// It promises that a value arrives as it was or not at all: types are mapped exactly or
// refused, rows are counted by hyperd after they were loaded, and a count that is off by
// one fails the attempt. Every attempt writes files of its own, under new names; nothing
// is ever found by listing a folder.
package hyper
