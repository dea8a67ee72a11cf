package iceberg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// damaged is the failure of metadata that is not as the specification wants it; place is the URI of a file, or the folder.
func damaged(place, format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "the metadata of the Iceberg table is damaged: %s: %w", place, fmt.Errorf(format, args...)).
		WithHint("read an earlier version (source.version), or mend the table with the program that writes it")
}

// refused is the failure of a table that has what is not implemented.
func refused(folder, format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "the Iceberg table %s cannot be read: %w", folder, fmt.Errorf(format, args...)).
		WithHint("read an earlier version that does without (source.version), or have its writer make a table that does").BeforeData()
}

// unread is the failure of a file of the metadata that could not be read. One that is gone, or another one now, may
// have been there when the metadata were listed.
func unread(uri string, err error) error {
	var known *failure.Error
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &known) {
		return err
	}
	failed := failure.New(failure.Source, "read the metadata of the Iceberg table, %s: %w", uri, err)
	if isMissing(err) || errors.Is(err, storage.ErrChanged) {
		return failed.WithHint("snapshots that were expired lose their files: run again, to read the newest").Retryable()
	}
	return failed.WithHint("%s", storage.Hint(err))
}

// isMissing says whether a file is not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// unknown is the error of what is not implemented, which is named.
type unknown struct{ what string }

func (e *unknown) Error() string { return e.what }

func notImplemented(format string, args ...any) error {
	return &unknown{fmt.Sprintf(format, args...) + ", which is not implemented"}
}

// explained makes a failure of an error about what stands at a place: refused of what is not implemented, else damaged.
func explained(folder, place string, err error) error {
	var known *failure.Error
	var unknown *unknown
	switch {
	case err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &unknown):
		return refused(folder, "%w", err)
	}
	return damaged(place, "%w", err)
}
