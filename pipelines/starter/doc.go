// Package starter writes a commented configuration for the files of a lake, from their footers.
//
// It promises that a plan accepts what it writes as it is.
package starter
