package output

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Stands says whether a file is there with that size in bytes and that checksum, in hexadecimal. A remote one of that version,
// if it is not empty, is taken for it; any other is read. Errors are of kind Storage.
func Stands(ctx context.Context, uri string, bytes int64, sum string, version string) (bool, error) {
	store, err := storage.For(uri)
	if err != nil {
		return false, failure.New(failure.Config, "%w", err)
	}
	info, err := store.Stat(ctx, uri)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, Unread(uri, err)
	case info.Folder || info.Size != bytes:
		return false, nil
	case version != "" && info.Version == version:
		return true, nil
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return false, Unread(uri, err)
	}
	defer reader.Close()
	hash := sha256.New()
	if _, err := reader.WriteTo(hash); err != nil {
		return false, Unread(uri, err)
	}
	return hex.EncodeToString(hash.Sum(nil)) == sum, nil
}

// Unread is the failure, of kind Storage, of an output that cannot be read.
func Unread(uri string, err error) error {
	return failure.New(failure.Storage, "read the output %s: %w", uri, err).WithHint("%s", storage.Hint(err))
}
