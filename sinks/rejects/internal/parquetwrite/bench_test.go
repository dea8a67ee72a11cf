package parquetwrite_test

import (
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/rejects/internal/parquetwrite"
)

func BenchmarkWriteRowGroup(b *testing.B) {
	schema := arrow.NewSchema(leaves()[:24], nil)
	record := randomRecord(schema, 20_000, 1)
	w, err := parquetwrite.New(io.Discard, schema)
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, w.WriteRowGroup([]arrow.Record{record}))
	}
	require.NoError(b, w.Close())
	b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "rows/s")
}
