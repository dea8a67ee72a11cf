// Package xlsxtest makes workbooks of the XML of their parts, for tests that need what no spreadsheet program writes.
package xlsxtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Book is the XML within the parts of a workbook of one sheet. What is left out is as spreadsheet programs write it.
type Book struct {
	Rows     string // within sheetData
	Strings  string // within sst
	Formats  []string
	From1904 bool
	Stored   bool // parts are not compressed

	Parts map[string]string // other parts, or others in the place of these, whole; "" for none
}

const (
	main          = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	document      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	relationships = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
)

// Names of parts.
const (
	Relations         = "_rels/.rels"
	Workbook          = "xl/workbook.xml"
	WorkbookRelations = "xl/_rels/workbook.xml.rels"
	Sheet             = "xl/worksheets/sheet1.xml"
	Strings           = "xl/sharedStrings.xml"
	Styles            = "xl/styles.xml"
)

// Bytes are those of the file. Cells of style N, from 1, have the format N.
func (b Book) Bytes(t testing.TB) []byte {
	t.Helper()
	parts := map[string]string{
		Relations: relationships + `<Relationship Id="r" Type="` + document + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		Workbook: fmt.Sprintf(`<workbook %s xmlns:r="%s"><workbookPr date1904="%t"/>`, main, document, b.From1904) +
			`<sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>`,
		WorkbookRelations: relationships + `<Relationship Id="r1" Type="` + document + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="` + document + `/sharedStrings" Target="/xl/sharedStrings.xml"/>` +
			`<Relationship Id="r3" Type="` + document + `/styles" Target="styles.xml"/></Relationships>`,
		Sheet:   SheetOf(b.Rows),
		Strings: `<sst ` + main + `>` + b.Strings + `</sst>`,
		Styles:  b.styles(),
	}
	for name, part := range b.Parts {
		parts[name] = part
		if part == "" {
			delete(parts, name)
		}
	}
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	method := zip.Deflate
	if b.Stored {
		method = zip.Store
	}
	for name, part := range parts {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		require.NoError(t, err)
		_, err = io.WriteString(w, part)
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return file.Bytes()
}

// SheetOf is the XML of a sheet of rows.
func SheetOf(rows string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><worksheet ` + main + `><dimension ref="A1:XFD1048576"/>` +
		`<sheetData>` + rows + `</sheetData></worksheet>`
}

func (b Book) styles() string {
	formats, styles := "", `<xf numFmtId="0"/>`
	for i, code := range b.Formats {
		const first = 164 // that is not of Excel itself
		var escaped bytes.Buffer
		for _, r := range code {
			fmt.Fprintf(&escaped, "&#%d;", r)
		}
		formats += fmt.Sprintf(`<numFmt numFmtId="%d" formatCode="%s"/>`, first+i, escaped.String())
		styles += fmt.Sprintf(`<xf numFmtId="%d"/>`, first+i)
	}
	return `<styleSheet ` + main + `><numFmts>` + formats + `</numFmts><cellXfs>` + styles + `</cellXfs></styleSheet>`
}
