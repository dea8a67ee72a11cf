package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// SHA256 reads a local file whole, and returns its checksum in hexadecimal and its size in
// bytes. It ends early when ctx is done.
func SHA256(ctx context.Context, path string) (sum string, bytes int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { _ = file.Close() }) // ends the reading
	defer stop()
	hash := sha256.New()
	if bytes, err = io.Copy(hash, file); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), bytes, nil
}
