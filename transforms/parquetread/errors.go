package parquetread

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread/internal/column"
)

// fileError makes the error that a user reads of one that a file caused. A cancelled
// context is nobody's fault and stays as it is.
func fileError(uri string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var known *failure.Error
	if errors.As(err, &known) {
		return err
	}
	return failure.New(failure.Source, "file %s: %w", uri, err).WithHint("%s", hint(err))
}

func hint(err error) string {
	var path *fs.PathError
	known := storage.Hint(err)
	switch {
	case errors.Is(err, storage.ErrChanged):
		return "run again when nothing writes to the lake"
	case errors.Is(err, fs.ErrNotExist):
		return "restore the file, or run again to plan without it"
	case errors.Is(err, errEncrypted):
		return "write the file without encryption, or exclude it from the source's uri"
	case errors.Is(err, column.ErrUnsupported):
		return "write the file again with other settings, or leave the column out by select"
	case errors.Is(err, column.ErrNoZone):
		return zoneHint
	case errors.Is(err, errMapping):
		return mappingHint
	case errors.Is(err, errColumns):
		return "select other columns, or exclude the file from the source's uri"
	case known != "":
		return known
	case errors.As(err, &path):
		return "check that the file can be read"
	}
	return "restore the file, or exclude it from the source's uri"
}

const zoneHint = "read and write the file with Spark 3.3 or later on clocks of the writer's zone, " +
	"or leave the column out with source.select"

var (
	errEncrypted = errors.New("the file is encrypted")
	errColumns   = errors.New("the file has other columns than the table")
)

// guard runs a function on data that was not checked yet, and turns a panic into an error.
func guard(run func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the file is damaged: %v", cause)
		}
	}()
	return run()
}
