package rejects_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// source is the columns of the table of the tests.
var source = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// ruleNames are those of the table of the tests.
var ruleNames = []string{"text is there", "id is even", "id is small"}

// rejectsOf makes rejects of rows of a file: every row broke "id is even", and every third
// row "id is small" as well.
func rejectsOf(file string, rows ...int64) batch.Rejects {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, source)
	r := batch.Rejects{Origin: batch.Origin{File: file, RowGroup: 2, FirstRow: 100}, Rows: rows}
	for _, row := range rows {
		builder.Field(0).(*array.Int64Builder).Append(row)
		builder.Field(1).(*array.StringBuilder).Append("\xff not UTF-8")
		rules, reasons := []int{1}, []string{"found odd, expected even"}
		if row%3 == 0 {
			rules, reasons = append(rules, 2), append(reasons, "found large, expected small")
		}
		r.Rules, r.Reasons = append(r.Rules, rules), append(r.Reasons, reasons)
	}
	r.Record = builder.NewRecord()
	return r
}

// readBack returns the rows of reject files as records.
func readBack(t *testing.T, uris ...string) []arrow.Record {
	t.Helper()
	var records []arrow.Record
	for _, uri := range uris {
		store, err := storage.For(uri)
		require.NoError(t, err)
		info, err := store.Stat(t.Context(), uri)
		require.NoError(t, err)
		footer, err := parquetread.ReadFooter(t.Context(), info)
		require.NoError(t, err)
		shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
		table := parquetread.Projection{Schema: batch.Schema{Schema: footer.Schema}}
		require.NoError(t, parquetread.ReadShard(t.Context(), shard, table, func(b batch.Batch) error {
			records = append(records, b.Record)
			return nil
		}))
	}
	return records
}

func urisOf(files []rejects.File) []string {
	var uris []string
	for _, file := range files {
		uris = append(uris, file.URI)
	}
	return uris
}

func rowCount(records []arrow.Record) int64 {
	rows := int64(0)
	for _, record := range records {
		rows += record.NumRows()
	}
	return rows
}
