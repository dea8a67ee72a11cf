// Package config reads a configuration: YAML, variables and settings of the command line become a
// Config that is complete, checked, with defaults filled in and paths made absolute.
//
// It promises that what can be known to be wrong without the lake is found here, all of it at once,
// with file, line, column and the nearest known key. It reads the file and those that it names, and
// nothing else. It may import what names the types of keys (sinks, transforms), and no other room.
package config
