package parquetread

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/nested"
)

// Footer is what the footer of a file says.
type Footer struct {
	Info      storage.Info
	Schema    *arrow.Schema // all columns of the file; nested ones have nested types
	RowGroups []RowGroup
	Rows      int64

	contents *contents // nil when it was forgotten
	summary  *summary  // what is kept of it
	plain    []bool    // by column: IsPlain
	stored   []string  // by column: Stored; nil if all are stored under their names
	zoneless []string  // columns that CheckZones refuses
}

// IsHollow says whether the file has neither columns nor rows, as programs write a table that
// nothing was put into.
func (f Footer) IsHollow() bool { return f.Schema.NumFields() == 0 && f.Rows == 0 }

// Stored is the name under which the file stores a column that it has, by the name of the column.
func (f Footer) Stored(column string) string {
	at := f.Schema.FieldIndices(column)
	if len(at) != 1 || f.stored == nil {
		return column
	}
	return f.stored[at[0]]
}

// footerReaders is how many footers ReadFooters reads at once.
const footerReaders = 16

// FooterOptions are those of [ReadFooters].
type FooterOptions struct {
	// IsWanted says of which columns Chunk will know all; of the others it knows the bytes only, so that memory does
	// not grow much with the number of files. nil wants everything.
	IsWanted func(column string) bool

	// Mapping is that of the table. All that footers say is in its names.
	Mapping *Mapping
}

// ReadFooters reads the footers of all files, several at once, and keeps their order.
// Footers with equal schemas share one. It fails as ReadFooter does, with the first error that comes up, and where
// files are not as the mapping says.
func ReadFooters(ctx context.Context, files []storage.Info, o FooterOptions) ([]Footer, error) {
	names, err := o.Mapping.compile()
	if err != nil {
		return nil, err
	}
	footers := make([]Footer, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(footerReaders)
	var known schemaCache
	for i, file := range files {
		group.Go(func() (err error) {
			if footers[i], err = readFooter(ctx, file, names); err != nil {
				return err
			}
			known.intern(&footers[i])
			if o.IsWanted != nil {
				footers[i].summarize(o.IsWanted)
			}
			return nil
		})
	}
	return footers, group.Wait()
}

// ReadFooter reads and checks the footer of a file, and nothing else of it. Errors are
// failure.Errors of kind source that name the file, except those of ctx. It is safe for
// concurrent use.
func ReadFooter(ctx context.Context, info storage.Info) (Footer, error) {
	return readFooter(ctx, info, nil)
}

func readFooter(ctx context.Context, info storage.Info, names *mappedNode) (Footer, error) {
	var footer Footer
	err := guard(func() error {
		file, err := openFile(ctx, info, names)
		if err != nil {
			return err
		}
		file.meta.Compact()
		kept := file.contents // and not the rest of the file
		footer = Footer{Info: info, Schema: file.schema, RowGroups: file.rowGroups(), Rows: file.rows, contents: &kept}
		footer.plain, footer.zoneless = kept.plainColumns(file.schema), kept.zonelessColumns(file.schema)
		footer.stored = kept.root.storedNames()
		return file.reader.Close()
	})
	return footer, fileError(info.URI, err)
}

// file is an open file with its footer.
type file struct {
	contents
	uri    string
	reader storage.Reader
	schema *arrow.Schema
	rows   int64 // in all row groups
	end    int64 // of what comes before the footer, in bytes
}

// contents is what a footer says about columns and row groups.
type contents struct {
	meta     *format.FileMetaData
	root     node
	calendar calendar
}

// openFile opens a file and reads its footer, which speaks of columns by the names that a table gives them; nil leaves
// them as they are.
func openFile(ctx context.Context, info storage.Info, names *mappedNode) (*file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	store, err := storage.For(info.URI)
	if err != nil {
		return nil, err
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	f := &file{uri: info.URI, reader: reader}
	if err := guard(func() error { return f.readFooter(names) }); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return f, nil
}

func (f *file) readFooter(names *mappedNode) error {
	raw, err := readTail(f.reader)
	if err != nil {
		return err
	}
	if f.meta, err = format.ParseFileMetaData(raw); err != nil {
		return err
	}
	if f.root, err = buildTree(f.meta.Schema); err != nil {
		return err
	}
	if err := f.check(int64(len(raw))); err != nil {
		return err
	}
	embedded := embeddedFields(f.meta.KeyValues)
	f.root.restoreLogicalTypes(embedded)
	f.calendar = calendarOf(f.meta.KeyValues)
	f.root.setCalendar(f.calendar)
	if names != nil {
		if err := names.rename(&f.root, f.meta.Schema); err != nil {
			return err
		}
	}
	f.schema = arrowSchema(f.root, embedded)
	f.meta.KeyValues = nil // an embedded schema can be most of a footer
	return nil
}

// check compares the parts of a footer of the given size with each other and with the file.
func (f *file) check(footerSize int64) error {
	if f.meta.IsEncrypted {
		return errEncrypted
	}
	leaves, rows := 0, int64(0)
	if len(f.root.children) > 0 {
		leaves = f.root.leaves()
	}
	f.end = f.reader.Size() - trailer - footerSize
	for i, group := range f.meta.RowGroups {
		if group.Rows < 0 || len(group.Columns) != leaves {
			return fmt.Errorf("the footer is damaged: row group %d has %d rows and %d of %d columns", i, group.Rows, len(group.Columns), leaves)
		}
		rows += group.Rows
		for _, chunk := range group.Columns {
			if err := checkChunk(chunk, f.end); err != nil && group.Rows > 0 {
				return fmt.Errorf("row group %d: %w", i, err)
			}
		}
	}
	// Some writers say 0 where there are rows. Any other number is a promise, of no row less and none twice.
	if rows < 0 || f.meta.Rows != 0 && rows != f.meta.Rows {
		return fmt.Errorf("the footer is damaged: %d rows in the row groups, %d in the file", rows, f.meta.Rows)
	}
	if len(f.root.children) == 0 && rows > 0 {
		return errors.New("the file has rows, but no columns")
	}
	f.rows = rows
	return nil
}

// checkChunk checks that the pages of a chunk are where a file can have them.
func checkChunk(chunk format.ColumnChunk, end int64) error {
	start := chunkStart(chunk)
	switch {
	case chunk.IsEncrypted:
		return errEncrypted
	case !chunk.HasMetaData:
		return errors.New("the footer is damaged: a column is not described")
	case chunk.FilePath != "":
		return fmt.Errorf("the data is in another file, %q", chunk.FilePath)
	case start < int64(len(magic)) || chunk.CompressedSize < 0 || chunk.UncompressedSize < 0 || chunk.CompressedSize > end-start:
		return fmt.Errorf("the file is cut off or damaged: a column of %d bytes at %d does not fit the file", chunk.CompressedSize, start)
	}
	return nil
}

// dictionaryHeader is how many bytes the header of a dictionary page takes at most.
const dictionaryHeader = 100

// hasShortChunks says whether a writer left the header of the dictionary page out of the
// sizes in the footer: parquet-mr did before version 1.2.9, of 2013, when it did not always
// tell its version.
func hasShortChunks(createdBy string) bool {
	name, version, _ := strings.Cut(createdBy, " version ")
	if name != "parquet-mr" {
		return false
	}
	var major, minor, patch int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); n < 3 {
		return true
	}
	return major < 1 || major == 1 && (minor < 2 || minor == 2 && patch < 9)
}

// chunkStart is the offset of the first page of a chunk.
func chunkStart(chunk format.ColumnChunk) int64 {
	if chunk.DictionaryOffset > 0 && chunk.DictionaryOffset < chunk.DataOffset {
		return chunk.DictionaryOffset
	}
	return chunk.DataOffset
}

func (f *file) rowGroups() []RowGroup {
	groups := make([]RowGroup, len(f.meta.RowGroups))
	first := int64(0)
	for i, group := range f.meta.RowGroups {
		groups[i] = RowGroup{Index: i, Rows: group.Rows, FirstRow: first}
		for _, chunk := range group.Columns {
			groups[i].Bytes += chunk.CompressedSize
		}
		first += group.Rows
	}
	return groups
}

// chunkOf describes the pages of a leaf in a row group. A leaf that nothing repeats has a
// value in every row.
func (f *file) chunkOf(leaf nested.Field, group RowGroup) (column.Chunk, error) {
	chunk := f.meta.RowGroups[group.Index].Columns[leaf.Chunk]
	isRepeated := len(leaf.Column.Repeated) > 0
	if chunk.Physical != leaf.Column.Physical || chunk.Values < group.Rows || chunk.Values > group.Rows && !isRepeated {
		return column.Chunk{}, fmt.Errorf("the footer is damaged: %d values of %s in a column of %s with %d rows",
			chunk.Values, chunk.Physical, leaf.Column.Physical, group.Rows)
	}
	start, length := chunkStart(chunk), chunk.CompressedSize
	if hasShortChunks(f.meta.CreatedBy) {
		length = min(length+dictionaryHeader, f.end-start)
	}
	return column.Chunk{
		Codec: chunk.Codec, Offset: start, Length: length,
		Uncompressed: chunk.UncompressedSize, Rows: group.Rows, Values: chunk.Values, Data: chunk.DataOffset,
	}, nil
}
