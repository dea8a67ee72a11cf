package xlsx_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/xlsx"
	"hyperlake/internal/xlsx/xlsxtest"
)

// told are the rows of a sheet as lines of cells such as "2: A=text:x".
func told(t *testing.T, file []byte, sheet string) ([]string, error) {
	t.Helper()
	book, err := xlsx.Open(t.Context(), bytes.NewReader(file), int64(len(file)), "f.xlsx")
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, book.Close()) }()
	rows, err := book.Sheet(sheet)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, rows.Close()) }()
	var lines []string
	for {
		row, err := rows.Next()
		if err != nil || row == nil {
			return lines, err
		}
		line := fmt.Sprint(row.Number, ":")
		for _, cell := range row.Cells {
			kind := []string{"text", "number", "boolean", "moment", "flaw"}[cell.Kind]
			line += fmt.Sprintf(" %s=%s:%.200s%s", xlsx.ColumnName(cell.Column), kind, cell.Text, cell.Flaw.Rule)
		}
		if row.TooLong {
			line += " too long"
		}
		lines = append(lines, line)
	}
}

// inRow is the cells in a row.
func inRow(cells string) string { return "<row>" + cells + "</row>" }

func TestCells(t *testing.T) {
	const strings = `<si><t>shared</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t xml:space="preserve">ch </t></r><rPh sb="0" eb="1"><t>no</t></rPh></si><si/>`
	for name, c := range map[string]struct{ cells, told string }{
		"a shared text":                      {`<c t="s"><v>0</v></c>`, "A=text:shared"},
		"a rich text, without how it sounds": {`<c t="s"><v> 1 </v></c>`, "A=text:rich "},
		"a text that is empty":               {`<c t="s"><v>2</v></c>`, "A=text:"},
		"an inline text":                     {`<c t="inlineStr"><is><t> a </t><t>b</t></is></c>`, "A=text: a b"},
		"a rich inline text":                 {`<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>`, "A=text:ab"},
		"markup in a text":                   {`<c t="inlineStr"><is><t>&lt;b&gt;&amp;&#228;<![CDATA[<]]><!-- no --></t></is></c>`, "A=text:<b>&ä<"},
		"escapes":                            {`<c t="inlineStr"><is><t>a_x000D__x005F_x000D__xD83D__xDE00__xD83D__x00zz_x0_</t></is></c>`, "A=text:a\r_x000D_😀_xD83D__x00zz_x0_"},
		"the text of a formula":              {`<c t="str"><f>"a"</f><v>a</v></c>`, "A=text:a"},
		"the empty text of a formula":        {`<c t="str"><f>""</f><v></v></c>`, "A=text:"},
		"the number of a formula":            {`<c><f>1+1</f><v>2</v></c>`, "A=number:2"},
		"a formula without result":           {`<c><f>1+1</f></c>`, "A=flaw:formula"},
		"a formula of which it is empty":     {`<c><f>1+1</f><v/></c>`, "A=flaw:formula"},
		"a text of a formula, without it":    {`<c t="str"><f>1+1</f></c>`, "A=flaw:formula"},
		"a formula that is shared":           {`<c><f t="shared" si="0"/><v>7</v></c>`, "A=number:7"},
		"true":                               {`<c t="b"><v>1</v></c>`, "A=boolean:true"},
		"false":                              {`<c t="b"><v>0</v></c>`, "A=boolean:false"},
		"a boolean that is none":             {`<c t="b"><v>2</v></c>`, "A=flaw:cell"},
		"an error":                           {`<c t="e"><v>#DIV/0!</v></c>`, "A=flaw:#DIV/0!error"},
		"a date in ISO 8601":                 {`<c t="d"><v>2026-01-31T12:00:00</v></c>`, "A=moment:2026-01-31T12:00:00"},
		"a cell of a type that is none":      {`<c t="x"><v>1</v></c>`, "A=flaw:cell"},
		"empty cells":                        {`<c/><c s="1"/><c><v/></c><c t="s"/><c t="n"><v>1</v></c>`, "E=number:1"},
		"cells that say where they are":      {`<c r="B1"><v>1</v></c><c><v>2</v></c><c r="xfd1"><v>3</v></c>`, "B=number:1 C=number:2 XFD=number:3"},
		"other elements in a cell":           {`<c><extLst><ext><v>9</v></ext></extLst><v>1</v></c>`, "A=number:1"},
		"digits as they are":                 {`<c><v>0.10</v></c><c><v>-1E-3</v></c><c><v>9007199254740993</v></c><c><v>12345678901234567890.5</v></c>`, "A=number:0.10 B=number:-1E-3 C=number:9007199254740993 D=number:12345678901234567890.5"},
		"digits of Excel":                    {`<c><v>1.1000000000000001</v></c><c><v>0.30000000000000004</v></c><c><v>1.1000000000000001E-7</v></c><c><v>-4.3499999999999996</v></c>`, "A=number:1.1 B=number:0.30000000000000004 C=number:1.1E-07 D=number:-4.35"},
		"what is no number":                  {`<c><v>NaN</v></c><c><v>1,5</v></c><c><v>0x10</v></c><c><v>1_0</v></c><c><v>.</v></c><c><v>1e</v></c>`, "A=flaw:number B=flaw:number C=flaw:number D=flaw:number E=flaw:number F=flaw:number"},
		"a style that is a date":             {`<c s="1"><v>45000</v></c><c s="2"><v>45000</v></c>`, "A=moment:2023-03-15 B=number:45000"},
		"a text of a style that is a date":   {`<c s="1" t="str"><v>45000</v></c>`, "A=text:45000"},
		"a prefix before every name":         {`<x:c xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:v>1</x:v></x:c>`, "A=number:1"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, err := told(t, xlsxtest.Book{Rows: inRow(c.cells), Strings: strings, Formats: []string{"dd.mm.yyyy", `0.00" days"`}}.Bytes(t), "")
			require.NoError(t, err)
			require.Equal(t, []string{"1: " + c.told}, lines)
		})
	}
}

func TestMoments(t *testing.T) {
	formats := []string{"yyyy-mm-dd", "h:mm", "m/d/yy h:mm", "[h]:mm:ss"}
	const flaw = "flaw:date"
	for number, c := range map[string]struct{ day, clock, both, length string }{
		"0":                    {flaw, "00:00:00", flaw, "00:00:00"},
		"1":                    {"1900-01-01", "1900-01-01 00:00:00", "1900-01-01 00:00:00", "24:00:00"},
		"59":                   {"1900-02-28", "1900-02-28 00:00:00", "1900-02-28 00:00:00", "1416:00:00"},
		"60":                   {flaw, flaw, flaw, "1440:00:00"},
		"61":                   {"1900-03-01", "1900-03-01 00:00:00", "1900-03-01 00:00:00", "1464:00:00"},
		"0.5":                  {flaw, "12:00:00", flaw, "12:00:00"},
		"45000.25":             {"2023-03-15 06:00:00", "2023-03-15 06:00:00", "2023-03-15 06:00:00", "1080006:00:00"},
		"2958465":              {"9999-12-31", "9999-12-31 00:00:00", "9999-12-31 00:00:00", "71003160:00:00"},
		"2958466":              {flaw, flaw, flaw, "71003184:00:00"},
		"-1.5":                 {flaw, flaw, flaw, "-36:00:00"},
		"1E999":                {flaw, flaw, flaw, flaw},
		"1E-999999999":         {flaw, "00:00:00", flaw, "00:00:00"},
		"4.500025E4":           {"2023-03-15 06:00:00", "2023-03-15 06:00:00", "2023-03-15 06:00:00", "1080006:00:00"},
		"36525.99998842592":    {"1999-12-31 23:59:59", "1999-12-31 23:59:59", "1999-12-31 23:59:59", "876623:59:59"},                              // XlsxWriter, 16 digits
		"36525.9999884259":     {"1999-12-31 23:59:59", "1999-12-31 23:59:59", "1999-12-31 23:59:59", "876623:59:59"},                              // LibreOffice, 15 digits
		"36525.999988425923":   {"1999-12-31 23:59:59", "1999-12-31 23:59:59", "1999-12-31 23:59:59", "876623:59:59"},                              // Excel, 17 digits
		"36525.999999999996":   {"2000-01-01", "2000-01-01 00:00:00", "2000-01-01 00:00:00", "876624:00:00"},                                       // the next day, but for an ulp
		"46053.524268391207":   {"2026-01-31 12:34:56.789000", "2026-01-31 12:34:56.789000", "2026-01-31 12:34:56.789000", "1105284:34:56.789000"}, // milliseconds
		"46053.524268391218":   {"2026-01-31 12:34:56.789001", "2026-01-31 12:34:56.789001", "2026-01-31 12:34:56.789001", "1105284:34:56.789001"}, // and a microsecond
		"0.1234":               {flaw, "02:57:41.760000", flaw, "02:57:41.760000"},
		"0.020844907407407406": {flaw, "00:30:01", flaw, "00:30:01"},
	} {
		cells := ""
		for style := range formats {
			cells += fmt.Sprintf(`<c s="%d"><v>%s</v></c>`, style+1, number)
		}
		lines, err := told(t, xlsxtest.Book{Rows: inRow(cells), Formats: formats}.Bytes(t), "")
		require.NoError(t, err)
		want := "1:"
		for i, text := range []string{c.day, c.clock, c.both, c.length} {
			if text != flaw {
				text = "moment:" + text
			}
			want += " " + xlsx.ColumnName(i) + "=" + text
		}
		require.Equal(t, []string{want}, lines, number)
	}
	lines, err := told(t, xlsxtest.Book{Rows: inRow(`<c s="1"><v>0</v></c><c s="1"><v>60</v></c><c s="2"><v>0.5</v></c><c s="1"><v>2957003</v></c><c s="1"><v>2957004</v></c>`),
		Formats: formats, From1904: true}.Bytes(t), "")
	require.NoError(t, err)
	require.Equal(t, []string{"1: A=moment:1904-01-01 B=moment:1904-03-01 C=moment:12:00:00 D=moment:9999-12-31 E=flaw:date"}, lines)
}

func TestRows(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		rows string
		told []string
	}{
		"none":                     {"", nil},
		"rows without numbers":     {`<row/><row r="5"><c><v>1</v></c></row><row><c r="A6"><v>2</v></c></row>`, []string{"1:", "5: A=number:1", "6: A=number:2"}},
		"rows beyond those of all": {`<row r="9000000000"><c><v>1</v></c></row>`, []string{"9000000000: A=number:1"}},
		"a row that is too long": {inRow(strings.Repeat(`<c t="inlineStr"><is><t>`+long+`</t></is></c>`, 17)) + inRow("<c><v>1</v></c>"),
			[]string{"1: too long", "2: A=number:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			lines, err := told(t, xlsxtest.Book{Rows: c.rows}.Bytes(t), "data")
			require.NoError(t, err)
			require.Equal(t, c.told, lines)
		})
	}
}

// refused requires a failure with a hint.
func refused(t *testing.T, err error, says string) {
	t.Helper()
	require.ErrorContains(t, err, says)
	failed := failure.Of(err, failure.Engine)
	require.Equal(t, failure.Source, failed.Kind)
	require.NotEmpty(t, failed.Hint)
	require.Contains(t, failed.Message, "f.xlsx")
}

func TestDamagedSheets(t *testing.T) {
	whole := xlsxtest.SheetOf(inRow("<c><v>1</v></c>"))
	for says, part := range map[string]string{
		"sheet1.xml is damaged: it has no rows":                                       `<worksheet/>`,
		"is damaged: it has rows in two places":                                       strings.Replace(whole, "</sheetData>", "</sheetData><sheetData/>", 1),
		"is damaged: a row of another number than from 3 on follows row 2":            xlsxtest.SheetOf(`<row r="2"/><row r="2"/>`),
		"is damaged: a row of another number than from 1 on":                          xlsxtest.SheetOf(`<row r="-4"/>`),
		`is damaged: a cell of row 1 is not where it may be: "A1"`:                    xlsxtest.SheetOf(inRow(`<c r="B1"/><c r="A1"/>`)),
		`is damaged: a cell of row 1 is not where it may be: "A2"`:                    xlsxtest.SheetOf(inRow(`<c r="A2"/>`)),
		`is damaged: a cell of row 1 is not where it may be: "XFE1"`:                  xlsxtest.SheetOf(inRow(`<c r="XFE1"/>`)),
		`is damaged: a cell of row 1 is not where it may be: "AAAAAAAAAAAAAAAAAAAA"`:  xlsxtest.SheetOf(inRow(`<c r="` + strings.Repeat("A", 1000) + `1"/>`)),
		"is damaged: row 1 has more than 16384 columns":                               xlsxtest.SheetOf(inRow(strings.Repeat("<c/>", 17_000))),
		"is damaged: a cell of row 1 has a text that the workbook does not have":      xlsxtest.SheetOf(inRow(`<c t="s"><v>0</v></c>`)),
		"is damaged: a cell of row 1 has a style that the workbook does not have":     xlsxtest.SheetOf(inRow(`<c s="7"><v>0</v></c>`)),
		"is damaged: XML syntax error on line 1: unexpected EOF":                      whole[:len(whole)-30],
		"is damaged: XML syntax error on line 1: element <worksheet> closed by </x>":  strings.Replace(whole, "</worksheet>", "</x>", 1),
		"is damaged: XML syntax error on line 1: invalid character entity &boom;":     xlsxtest.SheetOf(inRow(`<c t="str"><v>&boom;</v></c>`)),
		"is damaged: its elements stand too deep in each other":                       xlsxtest.SheetOf(strings.Repeat("<a>", 5_000)),
		"is damaged: it is larger than any that spreadsheet programs write":           xlsxtest.SheetOf(inRow(`<c t="str"><v>` + strings.Repeat("x", 5<<20))),
		"damaged: it is larger than any that spreadsheet programs write":              xlsxtest.SheetOf(`<row ` + strings.Repeat("x", 5<<20)),
		"is damaged: XML syntax error on line 1: invalid UTF-8":                       xlsxtest.SheetOf(inRow("<c t=\"str\"><v>\xff</v></c>")),
		"sheet1.xml is damaged: XML syntax error on line 1: illegal character code U": xlsxtest.SheetOf(inRow("<c t=\"str\"><v>\x01</v></c>")),
	} {
		t.Run(says, func(t *testing.T) {
			_, err := told(t, xlsxtest.Book{Parts: map[string]string{xlsxtest.Sheet: part}}.Bytes(t), "")
			refused(t, err, says)
		})
	}
}

func TestFilesThatAreNoWorkbooks(t *testing.T) {
	compound := func(entry string) string {
		file := make([]byte, 4096)
		copy(file, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
		file[30], file[48] = 9, 2 // sectors of 512 bytes, of which the third is the directory
		for i, c := range []byte(entry) {
			file[3*512+128+2*i] = c
		}
		return string(file)
	}
	book := string(xlsxtest.Book{}.Bytes(t))
	flagged := strings.ReplaceAll(strings.ReplaceAll(book, "PK\x03\x04\x14\x00\x08", "PK\x03\x04\x14\x00\x09"), "PK\x01\x02\x14\x00\x14\x00\x08", "PK\x01\x02\x14\x00\x14\x00\x09")
	parts := func(parts map[string]string) string { return string(xlsxtest.Book{Parts: parts}.Bytes(t)) }
	for name, c := range map[string]struct{ file, says string }{
		"an empty file":            {"", "it is no Excel workbook"},
		"text":                     {"a,b\n1,2\n", "it is no Excel workbook"},
		"an old workbook":          {compound("Workbook"), "it is an old binary workbook (.xls)"},
		"one with a password":      {compound("EncryptedPackage"), "it needs a password"},
		"an old one that is short": {compound("")[:100], "it is cut off, or no Excel workbook"},
		"a zip with a password":    {flagged, "it needs a password"},
		"a binary workbook":        {parts(map[string]string{xlsxtest.Relations: `<Relationships><Relationship Type="http://x/officeDocument" Target="xl/workbook.bin"/></Relationships>`}), "it is a binary workbook (.xlsb)"},
		"another zip":              {parts(map[string]string{xlsxtest.Relations: ""}), "it is no Excel workbook"},
		"one without its workbook": {parts(map[string]string{xlsxtest.Workbook: ""}), "it is no Excel workbook"},
		"one without its sheet":    {parts(map[string]string{xlsxtest.Sheet: ""}), "its part xl/worksheets/sheet1.xml is damaged: it is missing"},
		"one part twice":           {parts(map[string]string{"XL/WORKBOOK.xml": "<x/>"}), "it has two parts named \"xl/workbook.xml\""},
		"one that is cut off":      {book[:len(book)-9], "it is damaged or cut off"},
		"a directory beyond all":   {manyParts(t), "it is damaged or cut off"},
		"a large workbook part":    {parts(map[string]string{xlsxtest.Workbook: `<workbook>` + strings.Repeat("<!--"+strings.Repeat("x", 3<<20)+"-->", 6) + `</workbook>`}), "xl/workbook.xml is damaged: it is larger than any"},
		"sheets without end":       {parts(map[string]string{xlsxtest.Workbook: `<workbook>` + strings.Repeat("<sheet/>", 20_000) + `</workbook>`}), "xl/workbook.xml is damaged: it has too many sheets"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := told(t, []byte(c.file), "")
			refused(t, err, c.says)
		})
	}
}

// manyParts is a workbook with a directory of more than 4 MiB.
func manyParts(t *testing.T) string {
	parts := map[string]string{}
	for i := range 100 {
		parts[fmt.Sprintf("xl/%060000d.xml", i)] = "x"
	}
	return string(xlsxtest.Book{Parts: parts}.Bytes(t))
}

// Bytes that were changed are seen by the checksum, also where the XML can still be read.
func TestChecksums(t *testing.T) {
	file := storedBook(t, "<c><v>12345</v></c>")
	_, err := told(t, file, "")
	require.NoError(t, err)
	changed := bytes.Replace(file, []byte("12345"), []byte("12346"), 1)
	_, err = told(t, changed, "")
	refused(t, err, "sheet1.xml is damaged: zip: checksum error")
}

// storedBook is a workbook whose parts are not compressed.
func storedBook(t *testing.T, cells string) []byte {
	t.Helper()
	return xlsxtest.Book{Rows: inRow(cells), Stored: true}.Bytes(t)
}

func TestSheetsByName(t *testing.T) {
	const workbook = `<workbook xmlns:r="http://r"><sheets><sheet name="Hidden" r:id="r1" state="veryHidden"/><sheet name="Chart" r:id="r4"/>
		<sheet name="Data" r:id="r2"/><sheet name="Über" r:id="r3" state="visible"/></sheets></workbook>`
	relations := `<Relationships>`
	parts := map[string]string{xlsxtest.Workbook: workbook, xlsxtest.Sheet: ""}
	for i, name := range []string{"Hidden", "Data", "Über"} {
		relations += fmt.Sprintf(`<Relationship Id="r%d" Type="http://x/worksheet" Target="./sheets/../s%d.xml"/>`, i+1, i+1)
		parts[fmt.Sprintf(`xl\S%d.xml`, i+1)] = xlsxtest.SheetOf(inRow(`<c t="str"><v>` + name + `</v></c>`))
	}
	parts[xlsxtest.WorkbookRelations] = relations + `<Relationship Id="r4" Type="http://x/chartsheet" Target="c.xml"/></Relationships>`
	file := xlsxtest.Book{Parts: parts}.Bytes(t)
	for asked, want := range map[string]string{"": "Data", "Hidden": "Hidden", "über": "Über", "DATA": "Data"} {
		lines, err := told(t, file, asked)
		require.NoError(t, err)
		require.Equal(t, []string{"1: A=text:" + want}, lines)
	}
	_, err := told(t, file, "Chart")
	refused(t, err, `the sheet "Chart" has no cells`)
	_, err = told(t, file, "Date")
	refused(t, err, `there is no sheet "Date"`)
	require.Equal(t, `did you mean "Data"?`, failure.Of(err, failure.Engine).Hint)
	_, err = told(t, file, "Totals")
	require.Equal(t, `it has "Hidden", "Data", "Über"`, failure.Of(err, failure.Engine).Hint)
	parts[xlsxtest.Workbook] = strings.NewReplacer(`"visible"`, `"hidden"`, `"r2"`, `"r4"`).Replace(workbook)
	_, err = told(t, xlsxtest.Book{Parts: parts}.Bytes(t), "")
	refused(t, err, "no sheet with cells is visible")
}

// An error of the storage is not told as one of the file.
func TestStorageThatFails(t *testing.T) {
	dead := errors.New("the line is dead")
	_, err := xlsx.Open(t.Context(), readerAt(func([]byte, int64) (int, error) { return 0, dead }), 1000, "f.xlsx")
	require.ErrorIs(t, err, dead)
	require.Equal(t, failure.Engine, failure.Of(err, failure.Engine).Kind)
}

type readerAt func(to []byte, at int64) (int, error)

func (r readerAt) ReadAt(to []byte, at int64) (int, error) { return r(to, at) }
