package delta

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// damaged is the failure of a log that is not as the protocol wants it; place is the URI of a file, or the folder.
func damaged(place, format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "the log of the Delta table is damaged: %s: %w", place, fmt.Errorf(format, args...)).
		WithHint("read an earlier version (source.version), or mend the table with the program that writes it")
}

// refused is the failure of a table that has what is not implemented.
func refused(folder, format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "the Delta table %s cannot be read: %w", folder, fmt.Errorf(format, args...)).
		WithHint("read an earlier version that does without (source.version), or have its writer make a table that does").BeforeData()
}

// unread is the failure of a file of the log that could not be read. One that is gone, or another one now, was
// there when the log was listed.
func unread(uri string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	failed := failure.New(failure.Source, "read the log of the Delta table, %s: %w", uri, err)
	var known *failure.Error
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged):
		return failed.WithHint("the log was cleaned up meanwhile: run again, to read the newest").Retryable()
	case errors.As(err, &known):
		return err
	}
	return failed.WithHint("%s", storage.Hint(err))
}

// isMissing says whether a file is not there any more.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
