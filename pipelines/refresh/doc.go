// Package refresh is what runs to one output know of each other.
//
// It promises that one run at a time writes an output, whichever configuration it is of, and that a run which may have lost that
// right to another ends before it writes again. It reads no lake and writes no extract.
package refresh
