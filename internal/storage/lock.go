package storage

import (
	"os"

	"github.com/gofrs/flock"
)

// NewLock is a lock on a local file, which taking it makes. In folders where others can write,
// too, the file may be theirs: no link is followed, and a pipe does not keep anybody waiting.
func NewLock(path string, options ...flock.Option) *flock.Flock {
	return flock.New(path, append([]flock.Option{flock.SetFlag(os.O_CREATE | os.O_RDONLY | AsItIs)}, options...)...)
}

// FindLock is NewLock of a file that has to be there.
func FindLock(path string) *flock.Flock { return NewLock(path, flock.SetFlag(os.O_RDONLY|AsItIs)) }
