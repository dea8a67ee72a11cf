package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// limits bound memory, and the size of files.
type limits struct {
	groupRows  int64 // of a row group
	groupBytes int64 // of a row group, as it is written
	fileRows   int64
	fileBytes  int64
}

// defaultLimits are what users get.
var defaultLimits = limits{groupRows: 1 << 20, groupBytes: 128 << 20, fileRows: 4 << 20, fileBytes: 512 << 20}

// partFile is a Parquet file that is being written. It is not safe for concurrent use.
type partFile struct {
	uri     string
	target  storage.Writer
	sum     hash.Hash
	bytes   int64
	err     error // the first of target; nothing is written after it
	parquet rowsWriter
	rows    int64
}

// newPartFile starts a file for rows that are like the first ones. The caller ends it, by commit or abort.
func newPartFile(ctx context.Context, uri string, first arrow.Record, isPrivate bool, most limits) (*partFile, error) {
	create := storage.CreatePrivate
	if !isPrivate {
		create = func(ctx context.Context, uri string, condition storage.Condition) (storage.Writer, error) {
			store, err := storage.For(uri)
			if err != nil {
				return nil, err
			}
			return store.Create(ctx, uri, condition)
		}
	}
	f := &partFile{uri: uri, sum: sha256.New()}
	var err error
	if f.target, err = create(ctx, uri, storage.IfAbsent()); err != nil {
		return nil, f.fail(err)
	}
	properties := parquet.NewWriterProperties(append(encodings(first),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithMaxRowGroupLength(most.groupRows),
		parquet.WithStats(true),
		parquet.WithStoreDecimalAsInteger(true),
		parquet.WithCreatedBy("hyperlake"),
	)...)
	f.parquet, err = newRowsWriter(first.Schema(), f, properties)
	if err = errors.Join(err, f.err); err != nil {
		f.target.Abort()
		return nil, f.fail(err)
	}
	return f, nil
}

// Write takes the bytes of the file. It keeps an error to itself until [partFile.add] or commit return it: at some places, the Arrow
// module panics at one, and at others drops it.
func (f *partFile) Write(p []byte) (int, error) {
	if f.err == nil {
		var n int
		n, f.err = f.target.Write(p)
		f.bytes += int64(n)
		f.sum.Write(p[:n])
	}
	return len(p), nil
}

// add writes rows, in a new row group if the one before is large enough.
func (f *partFile) add(rows arrow.Record, most limits) error {
	if f.parquet.RowGroupTotalBytesWritten() >= most.groupBytes { // rows are counted by whoever writes them
		f.parquet.NewBufferedRowGroup()
	}
	err := f.parquet.WriteBuffered(rows)
	f.rows += rows.NumRows()
	return f.fail(errors.Join(err, f.err))
}

// commit makes the file visible. It is ended then, also after an error.
func (f *partFile) commit(ctx context.Context) error {
	defer f.target.Abort()
	if err := errors.Join(f.parquet.Close(), f.err); err != nil {
		return f.fail(err)
	}
	info, err := f.target.Commit()
	if err == nil {
		err = verify(ctx, info, f.rows)
	}
	return f.fail(err)
}

func (f *partFile) abort() { f.target.Abort() }

func (f *partFile) sha256() string { return hex.EncodeToString(f.sum.Sum(nil)) }

func (f *partFile) fail(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Storage, "write %s: %w", f.uri, err).WithHint("%s", storage.Hint(err))
}

// verify reads the footer of a file that is in place, and holds it against the rows that were written.
func verify(ctx context.Context, info storage.Info, rows int64) error {
	store, err := storage.For(info.URI)
	if err != nil {
		return err
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return err
	}
	defer reader.Close()
	footer, err := file.NewParquetReader(io.NewSectionReader(reader, 0, reader.Size()),
		file.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		return fmt.Errorf("read the footer back: %w", err)
	}
	if found := footer.NumRows(); found != rows {
		return fmt.Errorf("its footer says %d rows, but %d were written", found, rows)
	}
	return nil
}
