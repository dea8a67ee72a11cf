package iceberg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// ReadDeletes reads a file that deletes rows. read is told which file it is, and has its records counted: there must be as many
// rows as the table says.
func ReadDeletes(ctx context.Context, file lake.DeleteFile, read func(info storage.Info, count func(arrow.Record) error) error) error {
	info, err := storage.Stat(ctx, file.URI)
	if err != nil {
		return err
	}
	seen := int64(0)
	err = read(info, func(record arrow.Record) error {
		if seen += record.NumRows(); seen > file.Rows {
			return fmt.Errorf("there are %d and more, and not the %d that the table says", seen, file.Rows)
		}
		return nil
	})
	if err == nil && seen < file.Rows {
		err = fmt.Errorf("there are %d, and not the %d that the table says", seen, file.Rows)
	}
	return err
}

const deletesHint = "a table that lost files cannot be read: restore the file, or read another version of the table (source.version)"

// DeletesFailure is the failure of a file of position or equality deletes, which says itself what to do about it.
func DeletesFailure(ctx context.Context, kind, uri string, err error) error {
	var known *failure.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return err
	}
	failed := failure.New(failure.Source, "the %s deletes in %s: %w", kind, uri, err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged) {
		return failed.WithHint("snapshots that were expired lose their files: run again, to read the newest").Retryable()
	}
	return failed.WithHint(deletesHint)
}
