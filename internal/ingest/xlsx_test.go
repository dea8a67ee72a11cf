package ingest_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/internal/xlsx/xlsxtest"
)

func xlsxOf(uri ...string) ingest.XLSXOptions { return ingest.XLSXOptions{URI: uri} }

// texts are cells of texts, and of errors where they begin with #.
func texts(values ...string) string {
	cells := ""
	for _, value := range values {
		kind := "str"
		if strings.HasPrefix(value, "#") {
			kind = "e"
		}
		cells += fmt.Sprintf(`<c t="%s"><v>%s</v></c>`, kind, value)
	}
	return "<row>" + cells + "</row>"
}

func TestXLSXRows(t *testing.T) {
	long := "<row>" + strings.Repeat(`<c t="str"><v>`+strings.Repeat("x", 1<<20)+`</v></c>`, 17) + "</row>"
	for name, c := range map[string]struct {
		rows    string
		change  func(*ingest.XLSXOptions)
		strict  bool // column b is a number
		want    [][]string
		rejects []rejectedRow
	}{
		"texts, and cells that are empty":     {rows: texts("a", "b") + texts("x") + "<row><c/>" + texts("y")[5:], want: [][]string{{"x", null}, {null, "y"}}},
		"only a header":                       {rows: texts("a", "b", "", "") + "<row/>"},
		"rows without anything are none":      {rows: texts("a", "b") + `<row/><row r="7"><c/><c t="str"><v/></c></row>` + texts("x", "y") + `<row r="99"><c s="1"/></row>`, want: [][]string{{"x", "y"}}},
		"an empty text is one in text":        {rows: texts("a", "b") + texts("", "y"), want: [][]string{{"", "y"}}},
		"an empty text is NULL in numbers":    {rows: texts("a", "b") + texts("x", ""), strict: true, want: [][]string{{"x", null}}},
		"a header further down":               {rows: texts("Prices") + "<row/>" + texts("a", "b") + texts("x", "y"), change: func(o *ingest.XLSXOptions) { o.Header = 3 }, want: [][]string{{"x", "y"}}},
		"names of a sheet without header":     {rows: texts("x", "y"), change: func(o *ingest.XLSXOptions) { o.Names = []string{"a", "b"} }, want: [][]string{{"x", "y"}}},
		"texts and errors that are NULL":      {rows: texts("a", "b") + texts("x", "#N/A") + texts("n/a", "y") + texts("x", "#REF!"), change: func(o *ingest.XLSXOptions) { o.Null = []string{"#N/A", "n/a"} }, want: [][]string{{"x", null}, {null, "y"}}, rejects: []rejectedRow{{4, "b", "error"}}},
		"a formula without result":            {rows: texts("a", "b") + "<row><c><f>1+1</f></c>" + texts("y")[5:], rejects: []rejectedRow{{2, "a", "formula"}}},
		"a value that does not fit":           {rows: texts("a", "b") + texts("x", "y") + texts("x", "7"), strict: true, want: [][]string{{"x", "7"}}, rejects: []rejectedRow{{2, "b", "type bigint"}}},
		"a row that is wider than the header": {rows: texts("a", "b") + texts("x", "y", "", "z") + texts("x", "y", "", "") + texts("x", "y", "#N/A"), want: [][]string{{"x", "y"}}, rejects: []rejectedRow{{2, "", "columns"}, {4, "", "columns"}}},
		"a row that is too long":              {rows: texts("a", "b") + long + texts("x", "y"), want: [][]string{{"x", "y"}}, rejects: []rejectedRow{{2, "", "length"}}},
		"an error in a column that is left":   {rows: texts("a", "b", "c") + texts("x", "y", "#N/A"), want: [][]string{{"x", "y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := xlsxOf(write(t, "f.xlsx", string(xlsxtest.Book{Rows: c.rows}.Bytes(t))))
			if c.change != nil {
				c.change(&o)
			}
			schema := columns("a", arrow.BinaryTypes.String, "b", arrow.BinaryTypes.String)
			if c.strict {
				schema = columns("a", arrow.BinaryTypes.String, "b", arrow.PrimitiveTypes.Int64)
			}
			sink := readAs(t, ingest.NewXLSX(o), schema)
			require.Equal(t, c.want, sink.rows)
			require.Equal(t, c.rejects, rejected(sink.rejects))
		})
	}
}

func TestXLSXTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.xlsx")
	book := excelize.NewFile()
	day, clock := "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
	dayStyle, err := book.NewStyle(&excelize.Style{CustomNumFmt: &day})
	require.NoError(t, err)
	clockStyle, err := book.NewStyle(&excelize.Style{CustomNumFmt: &clock})
	require.NoError(t, err)
	rows := [][]any{
		{"whole", "price", "flag", "day", "moment", "code", "mixed", "text day", "late", "none", "days and numbers"},
		{1, 1.1, true, 45000, 45000, "007", 1, "2026-01-31", 45000, nil, 45000},
		{-70000000000, 2, false, nil, 45000.5, "12", "x", nil, 45000.5, nil, 7},
	}
	for i, row := range rows {
		require.NoError(t, book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	require.NoError(t, book.SetCellStyle("Sheet1", "D2", "D3", dayStyle))
	require.NoError(t, book.SetCellStyle("Sheet1", "E2", "E3", clockStyle))
	require.NoError(t, book.SetCellStyle("Sheet1", "I2", "I3", dayStyle))
	require.NoError(t, book.SetCellStyle("Sheet1", "K2", "K2", dayStyle))
	require.NoError(t, book.SaveAs(path))
	require.NoError(t, book.Close())

	schema, sink := read(t, ingest.NewXLSX(xlsxOf(path)))
	require.Equal(t, map[string]string{
		"whole": "int64", "price": "float64", "flag": "bool", "day": "date32", "moment": "timestamp[us]", "code": "utf8", "mixed": "utf8",
		"text day": "date32", "late": "timestamp[us]", "none": "utf8", "days and numbers": "utf8",
	}, types(schema))
	require.Empty(t, sink.rejects)
	require.Equal(t, [][]string{
		{"1", "1.1", "true", "2023-03-15", "2023-03-15 00:00:00Z", "007", "1", "2026-01-31", "2023-03-15 00:00:00Z", null, "2023-03-15"},
		{"-70000000000", "2", "false", null, "2023-03-15 12:00:00Z", "12", "x", null, "2023-03-15 12:00:00Z", null, "7"},
	}, sink.rows)

	// whoever knows better says so: digits are those of the file
	sink = readAs(t, ingest.NewXLSX(xlsxOf(path)), columns("price", &arrow.Decimal128Type{Precision: 10, Scale: 2}, "whole", arrow.BinaryTypes.String))
	require.Equal(t, [][]string{{"1.1", "1"}, {"2", "-70000000000"}}, sink.rows)
}

func TestXLSXFilesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		rows, says string
		change     func(*ingest.XLSXOptions)
	}{
		"an empty sheet":          {"", `sheet "Data" has no header: row 1 is empty`, nil},
		"a header that is empty":  {"<row><c/></row>" + texts("x"), `has no header: row 1 is empty`, nil},
		"a header that is passed": {`<row r="3"/>`, `has no header: row 2 is empty`, func(o *ingest.XLSXOptions) { o.Header = 2 }},
		"two columns of one name": {texts("a", "b", "a"), `has two columns named "a", at A1 and C1`, nil},
		"a column without name":   {texts("a", "", "c"), "has a column without a name at B1", nil},
		"no name at the left":     {`<row><c r="C1" t="str"><v>c</v></c></row>`, "has a column without a name at A1", nil},
		"an error as a name":      {texts("a", "#REF!"), "cannot be read: at B1, the cell holds the error #REF!", nil},
		"rows of errors":          {texts("a") + texts("#N/A") + texts("#N/A") + texts("x"), "2 of the first 3 rows cannot be read; of line 2", nil},
		"no such sheet":           {texts("a"), `there is no sheet "Dato"`, func(o *ingest.XLSXOptions) { o.Sheet = "Dato" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := xlsxOf(write(t, "f.xlsx", string(xlsxtest.Book{Rows: c.rows}.Bytes(t))))
			if c.change != nil {
				c.change(&o)
			}
			_, err := ingest.NewXLSX(o).Columns(t.Context())
			failed := requireKind(t, err, failure.Source)
			require.ErrorContains(t, err, c.says)
			require.NotEmpty(t, failed.Hint)
			require.True(t, failed.Early)
		})
	}
	for says, o := range map[string]ingest.XLSXOptions{
		"names are of sheets without a header": {Header: 1, Names: []string{"a"}},
		"header is -1, which is no row":        {Header: -1},
		`two columns are named "a"`:            {Names: []string{"a", "a"}},
		"names has more than 16384 columns":    {Names: make([]string, 20_000)},
	} {
		_, err := ingest.NewXLSX(o).Columns(t.Context())
		require.ErrorContains(t, requireKind(t, err, failure.Config), says)
	}
}

func TestXLSXFilesOfOneHeader(t *testing.T) {
	folder := t.TempDir()
	put := func(name, rows string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), xlsxtest.Book{Rows: rows}.Bytes(t), 0o600))
	}
	put("1.xlsx", texts("a", "b")+texts("x", "y"))
	put("2.xlsx", texts("b", "a")+texts("v", "u"))
	pattern := filepath.Join(folder, "*.xlsx")
	_, sink := read(t, ingest.NewXLSX(xlsxOf(pattern)))
	require.Equal(t, [][]string{{"x", "y"}, {"u", "v"}}, sink.rows)
	pinned := columns("b", arrow.BinaryTypes.String, "c", arrow.PrimitiveTypes.Int64)
	require.Equal(t, [][]string{{"y", null}, {"v", null}}, readAs(t, ingest.NewXLSX(xlsxOf(pattern)), pinned).rows)

	put("3.xlsx", texts("a", "c"))
	_, err := ingest.NewXLSX(xlsxOf(pattern)).Columns(t.Context())
	require.ErrorContains(t, err, `3.xlsx has other columns than `+filepath.Join(folder, "1.xlsx")+`: "b" is missing, "c" is more`)
}

// A workbook elsewhere is copied to this machine while it is read, and no longer.
func TestXLSXOnStorage(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	bucket, _ := storagetest.FakeGCS(t)
	store, err := storage.For(bucket)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), bucket+"/drop/f.xlsx", xlsxtest.Book{Rows: texts("a") + texts("x")}.Bytes(t)))
	_, sink := read(t, ingest.NewXLSX(xlsxOf(bucket+"/drop/*.xlsx")))
	require.Equal(t, [][]string{{"x"}}, sink.rows)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "hyperlake-ingest-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestXLSXThatChangesWhileItIsRead(t *testing.T) {
	path := write(t, "f.xlsx", string(xlsxtest.Book{Rows: texts("a") + texts("x")}.Bytes(t)))
	source := ingest.NewXLSX(xlsxOf(path))
	schema, err := source.Columns(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, xlsxtest.Book{Rows: texts("a") + texts("x") + texts("y")}.Bytes(t), 0o600))
	_, err = source.Read(t.Context(), schema, &taken{})
	require.ErrorContains(t, err, "the file changed after it was listed")

	rows := texts("a") + strings.Repeat(texts("x"), 300_000) // of which only a part is read ahead of the sink
	path = write(t, "g.xlsx", string(xlsxtest.Book{Rows: rows}.Bytes(t)))
	_, err = ingest.NewXLSX(xlsxOf(path)).Read(t.Context(), columns("a", arrow.BinaryTypes.String), &changing{path: path})
	require.ErrorContains(t, err, "the file changed after it was listed")
}

// Random values come back from what excelize writes of them.
func TestXLSXThatExcelizeWrote(t *testing.T) {
	pieces := []string{"a", " ", "\n", "ä", "😀", "<", "&", `"`, "_x000D_", "\t", "7"}
	start := time.Date(1900, time.March, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(10) {
		draw := rand.New(rand.NewPCG(seed, 20))
		book := excelize.NewFile()
		format := "yyyy-mm-dd hh:mm:ss.000"
		style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
		require.NoError(t, err)
		w, err := book.NewStreamWriter("Sheet1")
		require.NoError(t, err)
		require.NoError(t, w.SetRow("A1", []any{"text", "number", "moment", "flag"}))
		var want [][]string
		for row := range 200 {
			text := "="
			for range draw.IntN(6) {
				text += pieces[draw.IntN(len(pieces))]
			}
			number := math.Round(draw.NormFloat64()*1e8) / 100 // excelize writes 15 digits
			moment := start.Add(time.Duration(draw.Int64N(200*365*24*3600)) * time.Second)
			flag := draw.IntN(2) == 0
			require.NoError(t, w.SetRow(fmt.Sprintf("A%d", row+2), []any{text, number, excelize.Cell{StyleID: style, Value: moment}, flag}))
			want = append(want, []string{text, fmt.Sprint(number), moment.Format("2006-01-02 15:04:05Z"), fmt.Sprint(flag)})
		}
		require.NoError(t, w.Flush())
		path := filepath.Join(t.TempDir(), "f.xlsx")
		require.NoError(t, book.SaveAs(path))
		require.NoError(t, book.Close())
		schema, sink := read(t, ingest.NewXLSX(xlsxOf(path)))
		require.Equal(t, map[string]string{"text": "utf8", "number": "float64", "moment": "timestamp[us]", "flag": "bool"}, types(schema))
		for i, row := range sink.rows {
			var back float64
			_, err := fmt.Sscan(row[1], &back)
			require.NoError(t, err)
			row[1] = fmt.Sprint(back)
			require.Equal(t, want[i], row, "seed %d, row %d", seed, i)
		}
		require.Len(t, sink.rows, len(want))
	}
}

// FuzzXLSX reads whatever XML stands in the parts of a workbook: it is refused, or its rows and rejects are as many as it says.
func FuzzXLSX(f *testing.F) {
	for _, rows := range []string{
		texts("a", "b") + texts("x", "#N/A"), `<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="5"><c r="A5" s="1"><v>45000.5</v></c></row>`,
		`<row><c t="inlineStr"><is><r><t>a</t></r></is></c></row><row><c><f>1</f></c></row><row><c t="b"><v>1</v></c><c><v>1E5</v></c></row>`,
		`<row><c t="str"><v>_xD83D_</v></c></row></sheetData><sheetData>`,
	} {
		f.Add(rows, "<si><t>a</t></si>", "yyyy-mm-dd;@")
	}
	f.Fuzz(func(t *testing.T, rows, shared, format string) {
		path := filepath.Join(t.TempDir(), "f.xlsx")
		require.NoError(t, os.WriteFile(path, xlsxtest.Book{Rows: rows, Strings: shared, Formats: []string{format}, Stored: true}.Bytes(t), 0o600))
		source := ingest.NewXLSX(xlsxOf(path))
		schema, err := source.Columns(t.Context())
		sink := &counted{}
		var said ingest.Said
		if err == nil {
			said, err = source.Read(t.Context(), schema, sink)
		}
		if err != nil {
			require.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind, "%v", err)
			return
		}
		require.Equal(t, said.Rows, sink.rows.Load()+sink.rejects.Load())
	})
}

// FuzzXLSXFile reads whatever bytes a file has.
func FuzzXLSXFile(f *testing.F) {
	for _, name := range []string{"openpyxl.xlsx", "xlsxwriter-1904.xlsx", "python-all.csv"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "f.xlsx")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		if _, err := ingest.NewXLSX(xlsxOf(path)).Columns(t.Context()); err != nil {
			require.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind, "%v", err)
		}
	})
}
