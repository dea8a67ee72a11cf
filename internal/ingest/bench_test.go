package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hyperlake/internal/ingest"
)

// counted is a sink that only counts.
type counted struct{ rows, rejects atomic.Int64 }

func (c *counted) Batch(_ context.Context, rows arrow.Record) error {
	c.rows.Add(rows.NumRows())
	return nil
}

func (c *counted) Reject(context.Context, ingest.Reject) error {
	c.rejects.Add(1)
	return nil
}

const blockRows = 100_000

// BenchmarkCSV reads 10 million rows of six columns (HYPERLAKE_ROWS for another number), and says how many that are in a second, and how
// much memory the process had at most.
func BenchmarkCSV(b *testing.B) {
	var block bytes.Buffer
	for i := range blockRows {
		fmt.Fprintf(&block, "%d,customer %d,%d.%02d,2026-%02d-%02d,2026-11-30 12:%02d:%02d.%06d,", 7_000_000+i, i%5000, i%900, i%100, i%12+1, i%28+1,
			i%60, i%59, i)
		if i%4 == 0 {
			block.WriteString(`"a note, with ""quotes"" and a comma"`)
		}
		block.WriteByte('\n')
	}
	path, rows := repeated(b, "f.csv", "id,customer,amount,day,at,note\n", block.Bytes())
	benchmarkSource(b, path, rows, func() ingest.Source { return ingest.NewCSV(csvOf(path)) })
}

// BenchmarkJSONL reads as many lines.
func BenchmarkJSONL(b *testing.B) {
	var block bytes.Buffer
	for i := range blockRows {
		fmt.Fprintf(&block, `{"id":%d,"customer":"customer %d","amount":%d.%02d,"day":"2026-%02d-%02d","tags":["a",%d]}`+"\n",
			7_000_000+i, i%5000, i%900, i%100, i%12+1, i%28+1, i%10)
	}
	path, rows := repeated(b, "f.jsonl", "", block.Bytes())
	benchmarkSource(b, path, rows, func() ingest.Source { return ingest.NewJSONL(jsonlOf(path)) })
}

// BenchmarkXLSX reads a sheet of a million rows, or fewer, of six columns.
func BenchmarkXLSX(b *testing.B) {
	rows := min(rowsOfBenchmark(b), 1_000_000)
	book := excelize.NewFile()
	format := "yyyy-mm-dd hh:mm:ss"
	style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
	require.NoError(b, err)
	w, err := book.NewStreamWriter("Sheet1")
	require.NoError(b, err)
	require.NoError(b, w.SetRow("A1", []any{"id", "customer", "amount", "at", "flag", "note"}))
	for i := range rows {
		require.NoError(b, w.SetRow(fmt.Sprint("A", i+2), []any{
			7_000_000 + i, fmt.Sprint("customer ", i%5000), float64(i%90_000) / 100, excelize.Cell{StyleID: style, Value: 46_000 + float64(i)/86_400}, i%2 == 0,
			[]any{nil, "a note"}[i%4/3],
		}))
	}
	require.NoError(b, w.Flush())
	path := filepath.Join(b.TempDir(), "f.xlsx")
	require.NoError(b, book.SaveAs(path))
	require.NoError(b, book.Close())
	benchmarkSource(b, path, rows, func() ingest.Source { return ingest.NewXLSX(xlsxOf(path)) })
}

func repeated(b *testing.B, name, header string, block []byte) (path string, rows int64) {
	b.Helper()
	blocks := max(1, rowsOfBenchmark(b)/blockRows)
	path = filepath.Join(b.TempDir(), name)
	file, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(file)
	_, err = w.WriteString(header)
	require.NoError(b, err)
	for range blocks {
		_, err := w.Write(block)
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, file.Close())
	return path, blocks * blockRows
}

// rowsOfBenchmark is how many rows a benchmark is asked for.
func rowsOfBenchmark(b *testing.B) int64 {
	b.Helper()
	asked := os.Getenv("HYPERLAKE_ROWS")
	if asked == "" {
		return 10_000_000
	}
	n, err := strconv.ParseInt(asked, 10, 64)
	require.NoError(b, err)
	return n
}

func benchmarkSource(b *testing.B, path string, rows int64, open func() ingest.Source) {
	b.Helper()
	stat, err := os.Stat(path)
	require.NoError(b, err)
	b.SetBytes(stat.Size())
	for b.Loop() {
		source := open()
		schema, err := source.Columns(b.Context())
		require.NoError(b, err)
		sink := &counted{}
		said, err := source.Read(b.Context(), schema, sink)
		require.NoError(b, err)
		require.Equal(b, rows, said.Rows)
		require.Equal(b, rows, sink.rows.Load())
		require.Zero(b, sink.rejects.Load())
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	reportPeak(b)
}

// reportPeak says how much memory the process had at most.
func reportPeak(b *testing.B) {
	b.Helper()
	if status, err := os.ReadFile("/proc/self/status"); err == nil { // only Linux says so
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		kib, err := strconv.Atoi(strings.Fields(peak)[0])
		require.NoError(b, err)
		b.ReportMetric(float64(kib)/1024, "peak-MiB")
	}
}
