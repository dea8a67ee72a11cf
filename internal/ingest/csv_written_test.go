package ingest_test

import (
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// What Python's writer wrote is what its reader reads; testdata/make_csv.py made it. Empty texts are NULL unless they are quoted.
func TestCSVThatPythonWrote(t *testing.T) {
	data, err := os.ReadFile("testdata/python.json")
	require.NoError(t, err)
	var files map[string]struct {
		Delimiter, Quote string
		Rows             [][]string
	}
	require.NoError(t, json.Unmarshal(data, &files))
	require.Len(t, files, 5)
	text := arrow.BinaryTypes.String
	for name, file := range files {
		o := csvOf(filepath.Join("testdata", name))
		o.Delimiter, o.Quote, o.Null = file.Delimiter, file.Quote, []string{}
		sink := readAs(t, ingest.NewCSV(o), columns("a", text, "b", text, "c", text))
		require.Empty(t, sink.rejects)
		require.Equal(t, file.Rows, sink.rows, name)
	}
}

// Random tables come back from what Go's writer makes of them, with every mark and line end.
func TestCSVThatGoWrote(t *testing.T) {
	pieces := []string{`"`, `""`, ",", ";", "'", "\n", " ", "a", "7", "ä", "😀", "\x00", "\ufeff", `\N`, "x\ty"}
	for seed := range uint64(60) {
		draw := rand.New(rand.NewPCG(seed, 20))
		width, names := draw.IntN(4)+2, []string{}
		var fields []any
		for i := range width {
			names = append(names, string(rune('a'+i)))
			fields = append(fields, names[i], arrow.BinaryTypes.String)
		}
		var rows [][]string
		var content strings.Builder
		w := csv.NewWriter(&content)
		o := csvOf()
		w.UseCRLF, o.Null = seed%2 == 0, []string{}
		if seed%3 == 0 {
			w.Comma, o.Delimiter = ';', ";"
		}
		require.NoError(t, w.Write(names))
		for range draw.IntN(300) {
			row := make([]string, width)
			for i := range row {
				for range draw.IntN(5) {
					row[i] += pieces[draw.IntN(len(pieces))]
				}
			}
			require.NoError(t, w.Write(row))
			if w.UseCRLF { // which the writer puts inside of values, too
				for i := range row {
					row[i] = strings.ReplaceAll(row[i], "\n", "\r\n")
				}
			}
			rows = append(rows, row)
		}
		w.Flush()
		o.URI = []string{write(t, "f.csv", content.String())}
		sink := readAs(t, ingest.NewCSV(o), columns(fields...))
		require.Empty(t, sink.rejects, "seed %d", seed)
		require.Equal(t, rows, sink.rows, "seed %d", seed)
	}
}
