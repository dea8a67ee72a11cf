package randomtest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

// lake is the files of a table.
type lake struct {
	keys  []string // of the folders
	files []*file
	table tableFormat // nil: the files are loose

	origin *origin // of the only file; nil: it is there before the run
}

// file is one file of a lake.
type file struct {
	name      string
	folders   []*string // by key of the lake: the value, nil for NULL
	columns   []column
	rows      [][]any // by row and column
	groupRows int64   // of a row group, at most
	form      form
	delta     deltaFile
	iceberg   icebergFile
}

// column is one of a file.
type column struct {
	name     string
	kind     *kind
	required bool // declared to have no NULL
}

// form is how a file is stored.
type form struct {
	codec                         compress.Compression
	pagesV2, dictionary, integers bool // integers: decimals are stored as such where they fit
	statistics                    bool
}

func (f form) String() string {
	return fmt.Sprintf("%v, pages of version %d, dictionary %v, decimals as integers %v, statistics %v", f.codec, 1+unit(f.pagesV2), f.dictionary, f.integers, f.statistics)
}

func drawForm(r *dice) form {
	return form{
		codec:   pick(r, compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd),
		pagesV2: chance(r, 50), dictionary: chance(r, 60), integers: chance(r, 30), statistics: chance(r, 80),
	}
}

// path is that of the file below the lake.
func (f *file) path(keys []string) string {
	var parts []string
	for i, value := range f.folders {
		text := "__HIVE_DEFAULT_PARTITION__"
		if value != nil {
			text = escape(*value)
		}
		parts = append(parts, escape(keys[i])+"="+text)
	}
	return filepath.Join(append(parts, f.name)...)
}

// escape spells a text as a part of the name of a folder.
func escape(text string) string {
	text = url.PathEscape(text)
	return strings.NewReplacer("=", "%3D", "*", "%2A", "%20", " ", "%3A", ":").Replace(text)
}

// index is where a column stands in the file, or -1.
func (f *file) index(name string) int {
	return slices.IndexFunc(f.columns, func(c column) bool { return c.name == name })
}

// inOrder is the files by their names, in which order they are read.
func (l lake) inOrder(root string) []*file {
	files := slices.Clone(l.files)
	slices.SortFunc(files, func(a, b *file) int {
		return strings.Compare(filepath.Join(root, a.path(l.keys)), filepath.Join(root, b.path(l.keys)))
	})
	return files
}

// write makes the files below a folder, which will be in another place than where they are written.
func (l lake) write(t testing.TB, root, place string) {
	files := l.files
	if l.table != nil {
		files = slices.Concat(files, l.table.removedFiles())
		defer l.table.writeMetadata(t, l, root, place)
	}
	for _, f := range files {
		path := filepath.Join(root, f.path(l.keys))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		out, err := os.Create(path)
		require.NoError(t, err)
		record := f.record()
		if l.table != nil {
			record = l.table.stored(l, f)
		}
		w, err := pqarrow.NewFileWriter(record.Schema(), out, f.form.properties(f.groupRows), pqarrow.DefaultWriterProps())
		require.NoError(t, err)
		require.NoError(t, w.Write(record))
		require.NoError(t, w.Close())
	}
}

func (f form) properties(groupRows int64) *parquet.WriterProperties {
	version := parquet.DataPageV1
	if f.pagesV2 {
		version = parquet.DataPageV2
	}
	return parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(groupRows), parquet.WithCompression(f.codec), parquet.WithDataPageVersion(version),
		parquet.WithDictionaryDefault(f.dictionary), parquet.WithStats(f.statistics), parquet.WithStoreDecimalAsInteger(f.integers))
}

func (f *file) schema() *arrow.Schema {
	var fields []arrow.Field
	for _, c := range f.columns {
		fields = append(fields, arrow.Field{Name: c.name, Type: c.kind.arrow, Nullable: !c.required})
	}
	return arrow.NewSchema(fields, nil)
}

func (f *file) record() arrow.Record {
	var columns []arrow.Array
	for i, c := range f.columns {
		builder := array.NewBuilder(memory.DefaultAllocator, c.kind.arrow)
		for _, row := range f.rows {
			appendTo(builder, row[i])
		}
		columns = append(columns, builder.NewArray())
	}
	return array.NewRecord(f.schema(), columns, int64(len(f.rows)))
}

// groupOf is the row group that a row is in.
func (f *file) groupOf(row int) int { return int(int64(row) / f.groupRows) }

// without is the lake without a column or a key.
func (l lake) without(name string) lake {
	out := lake{keys: slices.Clone(l.keys), origin: l.origin}
	key := slices.Index(out.keys, name)
	if key >= 0 {
		out.keys = slices.Delete(out.keys, key, key+1)
	}
	if l.table != nil {
		out.table = l.table.without(name, l.keys)
	}
	for _, f := range l.files {
		smaller := *f
		smaller.folders = slices.Clone(f.folders)
		if key >= 0 {
			smaller.folders = slices.Delete(smaller.folders, key, key+1)
		}
		if at := f.index(name); at >= 0 {
			smaller.columns = slices.Delete(slices.Clone(f.columns), at, at+1)
			smaller.rows = nil
			for _, row := range f.rows {
				smaller.rows = append(smaller.rows, slices.Delete(slices.Clone(row), at, at+1))
			}
		}
		out.files = append(out.files, &smaller)
	}
	return out
}

// largeRows is how many rows a file with keys needs at least for hyperd to read it.
const largeRows = 33_000

// drawLake draws the files of a table.
func drawLake(r *dice, kinds []*kind) lake {
	names := drawNames(r, 2+r.IntN(6), columnNames)
	var l lake
	large := r.plain && chance(r, 8)
	if chance(r, 50) && !r.plain || large {
		l.keys = drawKeys(r, names[:1+r.IntN(min(2, len(names)-1))])
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(l.keys, name) })
	}
	var columns []column
	for _, name := range names {
		columns = append(columns, column{name: name, kind: pick(r, kinds...), required: chance(r, 20)})
		if last := &columns[len(columns)-1]; last.kind.class == none {
			last.required = false
		}
	}
	keyTexts := make([][]string, len(l.keys))
	for i := range l.keys {
		keyTexts[i] = pick(r, [][]string{{"1", "-20", "300"}, {"01", "2"}, {"2026-01-31", "2026-02-01"}, {"a", "b c", "ü/ö", "50%", "x=y", "1"}, {"2026-01-31", "7"}}...)
	}
	files := 1 + r.IntN(4)
	if large {
		files = 1 + r.IntN(2)
	}
	for i := range files {
		f := &file{name: fmt.Sprintf("f%d%s.parquet", i, pick(r, "", "", " x", "[y]", "ü", "#")), columns: slices.Clone(columns), groupRows: pick[int64](r, 1, 2, 3, 5, 1000), form: drawForm(r)}
		for j := range l.keys {
			var value *string
			if text := pick(r, keyTexts[j]...); !chance(r, 15) {
				value = &text
			}
			f.folders = append(f.folders, value)
		}
		r.Shuffle(len(f.columns), func(i, j int) {
			if chance(r, 10) {
				f.columns[i], f.columns[j] = f.columns[j], f.columns[i]
			}
		})
		f.fill(r, pick(r, 0, 1, 2, 5, 8, 12, 20))
		if large && len(f.rows) > 0 {
			f.rows = slices.Repeat(f.rows, 1+largeRows/len(f.rows))
			f.groupRows = pick[int64](r, 1000, 20_000, 100_000)
		}
		l.files = append(l.files, f)
	}
	return l
}

// drawKeys leaves out what cannot be the start of the name of a folder that is read.
func drawKeys(r *dice, names []string) []string {
	keys := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(escape(name)) > 200 || strings.ContainsAny(name[:1], "._") })
	if len(keys) == 0 {
		return []string{pick(r, "day", "region")}
	}
	return keys
}

// fill draws the rows of a file. Some columns are NULL in all of them.
func (f *file) fill(r *dice, rows int) {
	nulls := make([]int, len(f.columns)) // percent
	for i := range nulls {
		nulls[i] = pick(r, 0, 10, 30, 30, 100)
	}
	f.rows = nil
	for range rows {
		row := make([]any, len(f.columns))
		for i, c := range f.columns {
			if c.required || !chance(r, nulls[i]) {
				row[i] = c.kind.draw(r)
			}
		}
		f.rows = append(f.rows, row)
	}
}
