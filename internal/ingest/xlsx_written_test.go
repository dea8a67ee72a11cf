package ingest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// What openpyxl and XlsxWriter wrote is read as they were told to write it; testdata/make_xlsx.py made it. It has both calendars, texts
// that are shared, inline and rich, hidden rows and columns, a hidden sheet and a chart before the data, and coloured cells far away.
func TestXLSXThatPythonWrote(t *testing.T) {
	data, err := os.ReadFile("testdata/workbooks.json")
	require.NoError(t, err)
	var files map[string]struct {
		Header int64
		Rows   [][]string
	}
	require.NoError(t, json.Unmarshal(data, &files))
	require.Len(t, files, 5)
	for name, file := range files {
		o := ingest.XLSXOptions{URI: []string{filepath.Join("testdata", name)}, Header: file.Header}
		schema, sink := read(t, ingest.NewXLSX(o))
		require.Empty(t, sink.rejects, name)
		found := types(schema)
		require.Equal(t, "float64", found["number"], name)
		require.Equal(t, "date32", found["day"], name)
		require.Equal(t, "timestamp[us]", found["moment"], name)

		var fields []any
		for _, field := range schema.Fields() {
			fields = append(fields, field.Name, arrow.BinaryTypes.String)
		}
		sink = readAs(t, ingest.NewXLSX(o), columns(fields...))
		require.Equal(t, file.Rows, sink.rows, name)
	}
}
