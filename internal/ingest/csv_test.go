package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

func csvOf(uri ...string) ingest.CSVOptions { return ingest.CSVOptions{URI: uri, Header: true} }

func TestCSVRows(t *testing.T) {
	long := strings.Repeat("x", 17<<20)
	for name, c := range map[string]struct {
		content string
		change  func(*ingest.CSVOptions)
		rows    [][]string
		rejects []rejectedRow
	}{
		"quotes, delimiters and line ends inside of values": {
			content: "a,b\n\"x, y\",\"he said \"\"no\"\"\"\r\n\"two\r\nlines\",\"\"\"\"\n",
			rows:    [][]string{{"x, y", `he said "no"`}, {"two\r\nlines", `"`}},
		},
		"an empty text is one if it is quoted":    {content: "a,b\n,\"\"\n", rows: [][]string{{null, ""}}},
		"no line end at the end":                  {content: "a,b\nx,", rows: [][]string{{"x", null}}},
		"a quote at the very end":                 {content: "a\n\"x\"", rows: [][]string{{"x"}}},
		"a byte order mark":                       {content: "\xef\xbb\xbfa\nx\n", rows: [][]string{{"x"}}},
		"NUL bytes are text":                      {content: "a\nx\x00y\n", rows: [][]string{{"x\x00y"}}},
		"spaces are kept":                         {content: "a,b\n x ,\t\n", rows: [][]string{{" x ", "\t"}}},
		"an empty line is a row of one value":     {content: "a\nx\n\ny\n", rows: [][]string{{"x"}, {null}, {"y"}}},
		"an empty line is no row of two values":   {content: "a,b\nx,y\n\n\r\nz,z\n\n", rows: [][]string{{"x", "y"}, {"z", "z"}}},
		"only a header":                           {content: "a,b\n"},
		"other marks":                             {content: "a;b\n'x;''y';z\n", change: func(o *ingest.CSVOptions) { o.Delimiter, o.Quote = ";", "'" }, rows: [][]string{{"x;'y", "z"}}},
		"tabs, and no quotes":                     {content: "a\tb\n\"x\ty\"\n", change: func(o *ingest.CSVOptions) { o.Delimiter, o.Quote = "\t", "none" }, rows: [][]string{{`"x`, `y"`}}},
		"names of a file without header":          {content: "x,1\n", change: func(o *ingest.CSVOptions) { o.Header, o.Names = false, []string{"a", "b"} }, rows: [][]string{{"x", "1"}}},
		"other texts are NULL, but not quoted":    {content: "a,b\nNA,\n\"NA\",x\n", change: func(o *ingest.CSVOptions) { o.Null = []string{"NA"} }, rows: [][]string{{null, ""}, {"NA", "x"}}},
		"rows of too few and too many values":     {content: "a,b\nx\n\"1\n2\",y,z\nx,y\n", rows: [][]string{{"x", "y"}}, rejects: []rejectedRow{{2, "", "columns"}, {3, "", "columns"}}},
		"text behind a quote":                     {content: "a,b\n\"x\"y,\"z\nv,w\n", rows: [][]string{{"v", "w"}}, rejects: []rejectedRow{{2, "", "quotes"}}},
		"a quote within a value":                  {content: "a,b\n5\" pipe,1\nv,w\n", rows: [][]string{{"v", "w"}}, rejects: []rejectedRow{{2, "", "quotes"}}},
		"a quote that swallows a line":            {content: "a,b\n1,\"x\n2,\"y\"\n3,z\n", rows: [][]string{{"3", "z"}}, rejects: []rejectedRow{{2, "", "quotes"}}},
		"a carriage return alone":                 {content: "a,b\nx\ry,1\n\"x\ry\",2\nz,3\r", rows: [][]string{{"x\ry", "2"}}, rejects: []rejectedRow{{2, "", "line ends"}, {4, "", "line ends"}}},
		"bytes that are not UTF-8":                {content: "a,b\n\xff,1\nx,2\n", rows: [][]string{{"x", "2"}}, rejects: []rejectedRow{{2, "", "encoding"}}},
		"a value that is too long":                {content: "a,b\n" + long + ",1\nx,2\n", rows: [][]string{{"x", "2"}}, rejects: []rejectedRow{{2, "", "length"}}},
		"a value of lines and quotes, too long":   {content: "a,b\n\"" + strings.Repeat("\"\"\n,", 5<<20) + "\"\r\nx,2\n", rows: [][]string{{"x", "2"}}, rejects: []rejectedRow{{2, "", "length"}}},
		"lines are counted on behind it":          {content: "a,b\n\"" + strings.Repeat("\n", 17<<20) + "\",1\nx\n", rejects: []rejectedRow{{2, "", "length"}, {3 + 17<<20, "", "columns"}}},
		"a long row that is at the end":           {content: "a,b\nx,2\n" + long, rows: [][]string{{"x", "2"}}, rejects: []rejectedRow{{3, "", "length"}}},
		"a long value that is still short enough": {content: "a\n" + long[:15<<20] + "\nx\n", rows: [][]string{{long[:15<<20]}, {"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := csvOf(write(t, "f.csv", c.content))
			if c.change != nil {
				c.change(&o)
			}
			schema := columns("a", arrow.BinaryTypes.String, "b", arrow.BinaryTypes.String)
			if !strings.ContainsAny(strings.SplitN(c.content, "\n", 2)[0], ",;\t") {
				schema = columns("a", arrow.BinaryTypes.String)
			}
			sink := readAs(t, ingest.NewCSV(o), schema)
			require.True(t, reflect.DeepEqual(c.rows, sink.rows), "%.300q", sink.rows) // of values too long to be shown
			require.Equal(t, c.rejects, rejected(sink.rejects))
		})
	}
}

func TestCSVFilesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"a quote that does not end":          {"a,b\nx,1\ny,\"2\nz,3\n", "the row of line 3 has a quoted value that does not end"},
		"a long value that does not end":     {"a\n\"" + strings.Repeat("x", 17<<20), "the row of line 2 has a quoted value that does not end"},
		"an empty file":                      {"", "has no header"},
		"empty lines only":                   {"\n\n", "has no header"},
		"two columns of one name":            {"a,b,a\n", `two columns are named "a"`},
		"a column without name":              {"a,,b\n", "column 2 has no name"},
		"a header that is no text":           {"a,\xff\n", "the header cannot be read"},
		"a header with a flaw":               {"a,b\"\n", "the header cannot be read"},
		"a file whose lines end by CR alone": {"a,b\rx,y\r", "the header cannot be read"},
		"a header that does not end":         {"\"a,b\nx,y\n", "line 1 has a quoted value that does not end"},
		"more columns than tables ever have": {strings.Repeat("a,", 17_000) + "\n", "more than 16384 columns"},
		"compressed data that is none":       {"\x1f\x8bnothing, which is long enough", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			source := ingest.NewCSV(csvOf(write(t, "f.csv", c.content)))
			_, err := source.Columns(t.Context())
			if err == nil {
				_, err = source.Read(t.Context(), columns("a", arrow.BinaryTypes.String), &taken{})
			}
			require.ErrorContains(t, err, c.says)
			require.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
			require.NotEmpty(t, failure.Of(err, failure.Engine).Hint)
		})
	}
}

func TestCSVOptionsThatAreRefused(t *testing.T) {
	for says, o := range map[string]ingest.CSVOptions{
		"names are of files without a header": {Header: true, Names: []string{"a"}},
		"files without a header need names":   {},
		`delimiter "||" is not one ASCII`:     {Header: true, Delimiter: "||"},
		`delimiter "§" is not one ASCII`:      {Header: true, Delimiter: "§"},
		`quote "\n" is not one ASCII`:         {Header: true, Quote: "\n"},
		"delimiter and quote are the same":    {Header: true, Delimiter: "'", Quote: "'"},
		`two columns are named "a"`:           {Names: []string{"a", "a"}},
		`there is no encoding "klingon"`:      {Header: true, Encoding: "klingon"},
		`there is no encoding "iso-2022-kr"`:  {Header: true, Encoding: "iso-2022-kr"},
		`compression is "rar"`:                {Header: true, Compression: "rar"},
	} {
		t.Run(says, func(t *testing.T) {
			_, err := ingest.NewCSV(o).Columns(t.Context())
			require.ErrorContains(t, err, says)
			require.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
		})
	}
}

func TestCSVCompression(t *testing.T) {
	const content = "a,b\nx,1\ny,2\n"
	var zipped bytes.Buffer
	for _, member := range []string{content[:7], content[7:]} { // which is one file
		z := gzip.NewWriter(&zipped)
		_, err := z.Write([]byte(member))
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	z, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	packed := z.EncodeAll([]byte(content), nil)
	want := [][]string{{"x", "1"}, {"y", "2"}}
	for name, stored := range map[string][]byte{"f.csv.gz": zipped.Bytes(), "gzip.csv": zipped.Bytes(), "f.csv.zst": packed, "zstd.csv": packed} {
		_, sink := read(t, ingest.NewCSV(csvOf(write(t, name, string(stored)))))
		require.Equal(t, want, sink.rows, name)
	}
	for name, stored := range map[string][]byte{
		"f.csv.gz": zipped.Bytes()[:zipped.Len()-9], "tail.csv.gz": zipped.Bytes()[:zipped.Len()-3], "empty.csv.gz": {},
		"f.csv.zst": packed[:len(packed)-3], "half.csv.gz": zipped.Bytes()[:zipped.Len()/2+4],
	} {
		source := ingest.NewCSV(csvOf(write(t, name, string(stored))))
		_, err := source.Columns(t.Context())
		if err == nil {
			_, err = source.Read(t.Context(), columns("a", arrow.BinaryTypes.String, "b", arrow.PrimitiveTypes.Int64), &taken{})
		}
		require.ErrorContains(t, err, "is cut off", name)
	}
}

func TestCSVEncodings(t *testing.T) {
	const content = "name,price\nÄpfel,5 €\n"
	want := [][]string{{"Äpfel", "5 €"}}
	for name, encoding := range map[string]interface{ String(string) (string, error) }{
		"windows-1252": charmap.Windows1252.NewEncoder(), "iso-8859-15": charmap.ISO8859_15.NewEncoder(),
		"utf-16":   unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(),
		"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(),
		"UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(),
		"":         unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), // whose mark is seen
	} {
		encoded, err := encoding.String(content)
		require.NoError(t, err)
		o := csvOf(write(t, "f.csv", encoded))
		o.Encoding = name
		schema, sink := read(t, ingest.NewCSV(o))
		require.Equal(t, "name", schema.Field(0).Name, name)
		require.Equal(t, want, sink.rows, name)
	}
	for name, content := range map[string]string{
		"us-ascii": "a\n\xe4\nx\n", "shift_jis": "a\n\x81\nx\n", "utf-16le": "a\x00\n\x00\x00\xd8\n\x00x\x00\n\x00", "iso-8859-7": "a\n\xff\nx\n",
	} {
		o := csvOf(write(t, "f.csv", content))
		o.Encoding = name
		_, sink := read(t, ingest.NewCSV(o))
		require.Equal(t, [][]string{{"x"}}, sink.rows, name)
		require.Equal(t, []rejectedRow{{2, "", "encoding"}}, rejected(sink.rejects), name)
	}
}

func TestCSVFilesOfOneHeader(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"1.csv": "a,b\n1,x\n", "2.csv": "b,a\ny,2\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	pattern := filepath.Join(folder, "*.csv")
	schema, sink := read(t, ingest.NewCSV(csvOf(pattern, filepath.Join(folder, "1.csv"))))
	require.Equal(t, map[string]string{"a": "int64", "b": "utf8"}, types(schema))
	require.Equal(t, [][]string{{"1", "x"}, {"2", "y"}}, sink.rows)

	pinned := columns("b", arrow.BinaryTypes.String, "c", arrow.PrimitiveTypes.Int64)
	require.Equal(t, [][]string{{"x", null}, {"y", null}}, readAs(t, ingest.NewCSV(csvOf(pattern)), pinned).rows)

	require.NoError(t, os.WriteFile(filepath.Join(folder, "3.csv"), []byte("a,c\n"), 0o600))
	_, err := ingest.NewCSV(csvOf(pattern)).Columns(t.Context())
	require.ErrorContains(t, err, `3.csv has other columns than `+filepath.Join(folder, "1.csv")+`: "b" is missing, "c" is more`)
	_, err = ingest.NewCSV(csvOf(filepath.Join(folder, "*.tsv"))).Columns(t.Context())
	require.ErrorContains(t, err, "no file matches")
	require.True(t, failure.Of(err, failure.Engine).Early)
}

func TestCSVThatChangesWhileItIsRead(t *testing.T) {
	path := write(t, "f.csv", "a\n1\n")
	source := ingest.NewCSV(csvOf(path))
	schema, err := source.Columns(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("a\n1\n2\n"), 0o600))
	_, err = source.Read(t.Context(), schema, &taken{})
	require.ErrorContains(t, err, "the file changed after it was listed")

	path = write(t, "g.csv", "a\n"+strings.Repeat("1\n", 1<<20)) // of which only a part is read ahead of the sink
	_, err = ingest.NewCSV(csvOf(path)).Read(t.Context(), columns("a", arrow.PrimitiveTypes.Int64), &changing{path: path})
	require.ErrorContains(t, err, "the file changed after it was listed")
}

// changing is a sink that touches the file that is read.
type changing struct {
	taken
	path string
}

func (c *changing) Batch(context.Context, arrow.Record) error {
	later := time.Now().Add(time.Hour)
	return os.Chtimes(c.path, later, later)
}
