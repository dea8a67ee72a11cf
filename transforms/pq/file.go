package parquetread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

const (
	arrowSchemaKey = "ARROW:schema"

	// pageBuffer is how much of a column chunk is read at once.
	pageBuffer = 256 << 10
)

// openedFile is a Parquet file that is open for reading. Its row groups may be read
// concurrently.
type openedFile struct {
	info    storage.Info
	source  storage.Reader
	parquet *file.Reader
	arrow   *pqarrow.FileReader
	schema  *arrow.Schema // as the rest of the program sees the columns
}

// open opens one version of a file and reads its footer.
func open(ctx context.Context, info storage.Info) (opened *openedFile, err error) {
	store, err := storage.For(info.URI)
	if err != nil {
		return nil, failure.New(failure.Source, "%w", err)
	}
	if info.Size == 0 {
		return nil, failure.New(failure.Source, "file %s is empty: not even a Parquet footer is there", info.URI).
			WithHint("write it again, or remove it from the lake")
	}
	source, err := store.Open(ctx, info)
	if err != nil {
		return nil, openFailure(info, err)
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the Parquet library gave up: %v", cause)
		}
		if err != nil {
			opened, err = nil, errors.Join(corrupt(info, err), source.Close())
		}
	}()
	opened = &openedFile{info: info, source: source}
	return opened, opened.readFooter()
}

func openFailure(info storage.Info, err error) error {
	switch {
	case errors.Is(err, storage.ErrChanged):
		return failure.New(failure.Source, "%w", err).WithHint("run it again when nothing writes to the lake")
	case errors.Is(err, fs.ErrNotExist):
		return failure.New(failure.Source, "file %s went away after it was listed: %w", info.URI, err).
			WithHint("run it again when nothing writes to the lake")
	default:
		return failure.New(failure.Source, "open file %s: %w", info.URI, err).Retryable()
	}
}

// corrupt says that a file cannot be read as Parquet.
func corrupt(info storage.Info, err error) error {
	var ours *failure.Error
	if errors.As(err, &ours) {
		return err
	}
	return failure.New(failure.Source, "file %s is not readable as Parquet: %w", info.URI, err).
		WithHint("write it again, or remove it from the lake")
}

func (f *openedFile) readFooter() error {
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled = true
	properties.BufferSize = pageBuffer
	section := io.NewSectionReader(f.source, 0, f.source.Size())
	reader, err := file.NewParquetReader(section, file.WithReadProps(properties))
	if err != nil {
		return err
	}
	f.parquet = reader
	meta := reader.MetaData()
	_ = meta.WriterVersion() // fills a cache that row groups would otherwise race for

	// The embedded Arrow schema is read here, for what the Parquet types cannot say, and
	// kept from the library, which fails on types it does not know.
	var embedded string
	for _, pair := range meta.KeyValueMetadata() {
		if pair.Key == arrowSchemaKey {
			embedded = pair.GetValue()
			pair.Key = arrowSchemaKey + ".applied"
		}
	}
	f.arrow, err = pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	f.schema, err = columnSchema(f.arrow.Manifest, meta.Schema, embedded)
	return err
}

// close closes the file. Nothing was written, so that no error matters.
func (f *openedFile) close() { _ = f.source.Close() }
