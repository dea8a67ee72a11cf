package rejects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/sinks/rejects/internal/parquetwrite"
)

// stagedFile is a reject file that is being written on staging.
type stagedFile struct {
	uri     string
	target  storage.Writer
	sum     hash.Hash
	bytes   int64
	rows    int64
	columns *arrow.Schema
	parquet *parquetwrite.Writer
}

// newStagedFile starts a file of a name that no other attempt has. The caller ends it, by
// commit or abort.
func newStagedFile(ctx context.Context, staging string, columns *arrow.Schema) (*stagedFile, error) {
	f := &stagedFile{
		uri: storage.Join(staging, "rejects", uuid.NewString()+".parquet"), sum: sha256.New(), columns: columns,
	}
	var err error
	if f.target, err = storage.CreatePrivate(ctx, f.uri, storage.IfAbsent()); err != nil {
		return nil, f.fail(err)
	}
	if f.parquet, err = parquetwrite.New(f, columns); err != nil {
		f.target.Abort()
		return nil, f.fail(err)
	}
	return f, nil
}

// Write takes the bytes of the file on their way to staging. Its errors are those of storage.
func (f *stagedFile) Write(p []byte) (int, error) {
	n, err := f.target.Write(p)
	f.bytes += int64(n)
	f.sum.Write(p[:n])
	return n, err
}

func (f *stagedFile) add(records []arrow.Record) error {
	for _, record := range records {
		f.rows += record.NumRows()
	}
	return f.fail(f.parquet.WriteRowGroup(records))
}

// commit makes the file visible. It is ended then, also after an error.
func (f *stagedFile) commit() (File, error) {
	defer f.target.Abort()
	if err := f.parquet.Close(); err != nil {
		return File{}, f.fail(err)
	}
	info, err := f.target.Commit()
	if err != nil {
		return File{}, f.fail(err)
	}
	return File{
		URI: f.uri, Bytes: f.bytes, Rows: f.rows, Version: info.Version, SHA256: hex.EncodeToString(f.sum.Sum(nil)),
	}, nil
}

func (f *stagedFile) abort() { f.target.Abort() }

func (f *stagedFile) fail(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Storage, "write rejects to %s: %w", f.uri, err).WithHint("%s", storage.Hint(err))
}
