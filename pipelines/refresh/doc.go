// Package refresh is what the runs to one output know of each other: which of them may write, what the last one made, and what changed
// since, so that only some units of its tables have to be loaded anew, or why all of them.
//
// It promises that one run at a time writes an output, whichever configuration it is of, and that a run which may have lost that
// right to another ends before it writes again. What it calls unchanged is: the same files in the same versions with the same
// deleted rows, under a configuration that makes the same of them, and an extract at the output with the bytes that were put
// there. What it cannot read or does not know, it never guesses: that is a full build. It reads no lake and writes no extract.
package refresh
