// Package delta reads the logs of Delta Lake tables: which files and which of their rows are a version of a
// table, and what its columns are.
//
// It promises that a snapshot is the version that was asked for, whole: every file of it once, with its
// partition values, its deleted rows and its columns as they are named in that version. What it cannot promise
// it refuses: a reader feature or a type that is not implemented by its name, a log that is damaged or has a
// gap with the file that is at fault, a version that cannot be made any more with those that can.
//
// Commits, compacted commits and checkpoints are streamed: what is held of them is a short name for each file
// that was added or removed after the checkpoint, one for each file that was handed out, and the text of small
// commits, up to 16 MB. Lines, names and numbers are bounded before memory is taken for them. The file _last_checkpoint
// is not used, since the log is listed whole: it may be stale, missing or damaged.
//
// The formats are those of the Delta transaction log protocol up to reader version 3. Functions are safe for
// concurrent use.
package delta
