package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/runtest"
)

// A table of more columns than one query is about: every column is described as it is.
func TestAWideTable(t *testing.T) {
	const columns = 300
	fields := make([]arrow.Field, columns)
	for i := range fields {
		kind := []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.FixedWidthTypes.Boolean}[i%3]
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: kind, Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range columns {
		switch b := builder.Field(i).(type) {
		case *array.Int64Builder:
			b.AppendValues([]int64{int64(i), int64(-i), 0}, []bool{true, true, i%2 == 0})
		case *array.StringBuilder:
			b.AppendValues([]string{fmt.Sprintf("a%d", i), fmt.Sprintf("z%d", i), "m"}, nil)
		case *array.BooleanBuilder:
			b.AppendValues([]bool{true, false, true}, nil)
		}
	}
	folder := t.TempDir()
	out, err := os.Create(filepath.Join(folder, "wide.parquet"))
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(builder.NewRecord()))
	require.NoError(t, w.Close())

	report, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, "name: x\nreport: {text_values: true}\ntables: [{source: {uri: wide.parquet}}]\n"), nil)
	require.NoError(t, err)
	described := report.Tables[0].Columns
	require.Len(t, described, columns)
	for i, column := range described {
		assert.Equal(t, fields[i].Name, column.Name)
		require.NotNil(t, column.Distinct)
		switch i % 3 {
		case 0:
			assert.EqualValues(t, i%2, column.Nulls, i)
			assert.Equal(t, []string{fmt.Sprint(-i), fmt.Sprint(i)}, []string{column.Min, column.Max}, i)
		case 1:
			assert.EqualValues(t, 3, *column.Distinct, i)
			assert.Equal(t, []string{fmt.Sprintf("a%d", i), fmt.Sprintf("z%d", i)}, []string{column.Min, column.Max}, i)
		case 2:
			assert.EqualValues(t, 2, *column.Distinct, i)
			assert.Empty(t, column.Min+column.Max, i)
		}
	}
}
