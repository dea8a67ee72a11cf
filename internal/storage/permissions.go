package storage

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// private is the mode of files that nobody but their owner may read.
const private fs.FileMode = 0o600

// Adopt gives the local file or folder from the permissions that one at to is to have: those of the
// one that stands there, with its owner and group as far as this process may give files
// away, else those that the umask leaves a new file. A group that cannot be kept keeps no
// more than everybody has, and is no error; a mode that cannot be set is.
func Adopt(from, to string) error { return adopt(byName(from), to) }

// given is something that is given permissions: an open file, whatever stands at its name by
// now, or what has a name.
type given interface {
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
}

type byName string

func (n byName) Chmod(mode fs.FileMode) error { return os.Chmod(string(n), mode) }

func (n byName) Chown(uid, gid int) error { return os.Chown(string(n), uid, gid) }

func adopt(from given, to string) error {
	standing, err := os.Stat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return from.Chmod(0o666 &^ umask)
	case err != nil:
		return err
	}
	mode := standing.Mode().Perm()
	if !keepOwner(from, standing) {
		mode = withoutGroup(mode)
	}
	return from.Chmod(mode) // after the owner, who may not be us
}

// GiveAs gives a local file the owner and group of another one, or of a folder, as far as this
// process may: what it may not is no error. A missing other one is fs.ErrNotExist.
func GiveAs(path, other string) error {
	stat, err := os.Stat(other)
	if err == nil {
		keepOwner(byName(path), stat)
	}
	return err
}

// withoutGroup is a mode that gives the group no more than everybody has.
func withoutGroup(mode fs.FileMode) fs.FileMode { return mode &^ (0o070 &^ (mode << 3)) }

// CreatePrivate is Create for a file that nobody but this user may read, whatever the umask
// and whatever stood there. Remote storage has permissions of its own. It fails as [Store.Create] does.
func CreatePrivate(ctx context.Context, uri string, condition Condition) (Writer, error) {
	store, err := For(uri)
	if err != nil {
		return nil, err
	}
	w, err := store.Create(ctx, uri, condition)
	if local, ok := w.(*localWriter); ok {
		local.private = true
	}
	return w, err
}
