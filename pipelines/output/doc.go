// Package output is the visible place: it puts extracts, alone or as a set, where the configuration
// says.
//
// It promises that the place holds the whole file, or what it held before; and that a set is listed
// only while all of its files are of one run.
package output
