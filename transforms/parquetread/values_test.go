package parquetread_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

// dump is what testdata/dump.py says about a file.
type dump struct {
	Error   string
	Rows    int64
	Columns []dumpedColumn
}

// dumpedColumn is the values of a column, each as JSON.
type dumpedColumn struct {
	name   string
	values []json.RawMessage
}

func (c *dumpedColumn) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&c.name, &c.values})
}

func readDump(t testing.TB, path string) dump {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var d dump
	require.NoError(t, json.Unmarshal(data, &d))
	return d
}

// requireDumped compares batches with all columns of a dump, value by value.
func requireDumped(t *testing.T, want dump, batches []batch.Batch) {
	t.Helper()
	require.Equal(t, want.Rows, rowsOf(batches))
	row := 0
	for _, b := range batches {
		require.Equal(t, len(want.Columns), int(b.Record.NumCols()))
		for i, column := range b.Record.Columns() {
			require.Equal(t, want.Columns[i].name, b.Record.ColumnName(i))
			for j := range column.Len() {
				requireValue(t, want.Columns[i], row+j, canonical(t, column, j))
			}
		}
		row += int(b.Record.NumRows())
	}
}

func requireValue(t *testing.T, want dumpedColumn, row int, got any) {
	t.Helper()
	text, err := json.Marshal(got)
	require.NoError(t, err)
	if bytes.Equal(want.values[row], text) {
		return
	}
	require.Equal(t, decoded(t, want.values[row]), decoded(t, text), "column %q, row %d", want.name, row)
}

// decoded is JSON without the liberties that its writers have. Numbers keep their digits.
func decoded(t *testing.T, text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value))
	return value
}

// canonical is a value in the form of testdata/dump.py.
func canonical(t testing.TB, column arrow.Array, row int) any {
	if column.IsNull(row) {
		return nil
	}
	switch column := column.(type) {
	case *array.Null: // whose IsNull says no
		return nil
	case *array.Struct:
		fields := make([]any, column.NumField())
		for i := range fields {
			fields[i] = canonical(t, column.Field(i), row)
		}
		return fields
	case array.ListLike: // maps among them
		start, end := column.ValueOffsets(row)
		items := make([]any, 0, end-start)
		for i := start; i < end; i++ {
			items = append(items, canonical(t, column.ListValues(), int(i)))
		}
		return items
	}
	return canonicalLeaf(t, column, row)
}

func canonicalLeaf(t testing.TB, column arrow.Array, row int) any {
	switch column := column.(type) {
	case *array.Boolean:
		return column.Value(row)
	case *array.Int8:
		return column.Value(row)
	case *array.Int16:
		return column.Value(row)
	case *array.Int32:
		return column.Value(row)
	case *array.Int64:
		return column.Value(row)
	case *array.Uint8:
		return column.Value(row)
	case *array.Uint16:
		return column.Value(row)
	case *array.Uint32:
		return column.Value(row)
	case *array.Uint64:
		return column.Value(row)
	case *array.Float16:
		return int16(column.Value(row).Uint16())
	case *array.Float32:
		return int32(math.Float32bits(column.Value(row)))
	case *array.Float64:
		return int64(math.Float64bits(column.Value(row)))
	case *array.Date32:
		return column.Value(row)
	case *array.Time32:
		return column.Value(row)
	case *array.Time64:
		return column.Value(row)
	case *array.Timestamp:
		return column.Value(row)
	case *array.Duration:
		return column.Value(row)
	case *array.Decimal128, *array.Decimal256, *array.Binary, *array.FixedSizeBinary:
		return text(column, row)
	case *array.String:
		if value := column.Value(row); !utf8.ValidString(value) {
			return fmt.Sprintf("0x%x", value)
		}
		return column.Value(row)
	}
	assert.Fail(t, "no canonical form", "%s", column.DataType())
	return nil
}
