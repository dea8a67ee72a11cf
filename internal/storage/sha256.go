package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// SHA256 reads a local file whole, and returns its checksum in hexadecimal and its size in
// bytes. A missing one is fs.ErrNotExist. It ends early when ctx is done, with fs.ErrClosed.
func SHA256(ctx context.Context, path string) (sum string, bytes int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { _ = file.Close() }) // ends the reading
	defer stop()
	hash := sha256.New()
	if bytes, err = io.Copy(watched(ctx, hash, "hash", sizeOf(file)), file); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), bytes, nil
}

// VerifySHA256 reads a local file whole, and fails unless it has that size in bytes and that
// checksum in hexadecimal. It ends early when ctx is done.
func VerifySHA256(ctx context.Context, path string, bytes int64, sum string) error {
	found, size, err := SHA256(ctx, path)
	if err == nil && (size != bytes || found != sum) {
		err = fmt.Errorf("it is not the file that was written: it has %d bytes and the SHA-256 %s, not %d and %s", size, found, bytes, sum)
	}
	return err
}
