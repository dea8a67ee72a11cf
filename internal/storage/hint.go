package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"hyperlake/internal/failure"
)

// hinted is an error about which a user can do something.
type hinted struct {
	error
	hint      string
	transient bool

	environment bool // it is about what this process finds in its environment
}

func (h hinted) Unwrap() error { return h.error }

// Transient says whether the same may succeed later.
func (h hinted) Transient() bool { return h.transient }

// OfEnvironment says whether the same may succeed in another environment.
func (h hinted) OfEnvironment() bool { return h.environment }

// Hint returns what a user can do about an error of this package, or "".
func Hint(err error) string {
	var known hinted
	switch {
	case errors.As(err, &known):
		return known.hint
	case errors.Is(err, ErrChanged):
		return "run again when nothing else writes there"
	case errors.Is(err, fs.ErrPermission):
		return "check the permissions of the file and of its folder"
	case errors.Is(err, syscall.EMFILE):
		return "let this process have more files open (ulimit -n)"
	case errors.Is(err, syscall.ENAMETOOLONG):
		return "take a shorter path: what the system allows must hold the names that are added to it, too"
	case failure.IsFull(err):
		return fullHint(err)
	}
	return ""
}

// unavailable is of a service that did not recover in time. It does not wrap err, for that may be the end of a time limit of
// our own, which callers would take for the end of theirs.
func unavailable(err error, hint string) error {
	return hinted{
		error:     fmt.Errorf("the storage did not recover: %v", err), //nolint:errorlint // see above
		hint:      hint,
		transient: true,
	}
}
