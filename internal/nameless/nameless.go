// Package nameless lets the program start for users whom the system has no name for, as
// in containers that run as any number, and without a home. It must import nothing but os:
// Go then initialises it before Beam, which ends the process in a panic when, at its start,
// it cannot find out who the user is.
package nameless

import "os"

// homeless says that there was no home, and a stand-in is in the environment.
var homeless bool

func init() {
	if os.Getuid() < 0 { // Windows, which always knows
		return
	}
	if os.Getenv("USER") == "" {
		_ = os.Setenv("USER", "nobody-known") // if it fails, all is as it was
	}
	if os.Getenv("HOME") == "" {
		homeless = os.Setenv("HOME", "/") == nil
	}
}

// Settle takes the stand-in for a home out of the environment again, where nobody must take
// it for one. It belongs first into main.
func Settle() {
	if homeless {
		_ = os.Unsetenv("HOME")
	}
}
