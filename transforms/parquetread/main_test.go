package parquetread_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

func stat(t testing.TB, path string) storage.Info {
	info, err := storage.Local{}.Stat(context.Background(), path)
	require.NoError(t, err)
	return info
}

func fixture(name string) string { return filepath.Join("testdata", name+".parquet") }

// store writes a file of its own for a test.
func store(t testing.TB, data []byte) string {
	path := filepath.Join(t.TempDir(), "file.parquet")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func footerOf(t testing.TB, path string) parquetread.Footer {
	footer, err := parquetread.ReadFooter(context.Background(), stat(t, path))
	require.NoError(t, err)
	return footer
}

// allOf asks for the whole of some files, of which the first gives the columns.
func allOf(t testing.TB, paths ...string) (parquetread.Shard, parquetread.Projection) {
	var shard parquetread.Shard
	var table parquetread.Projection
	for i, path := range paths {
		footer := footerOf(t, path)
		shard.Files = append(shard.Files, parquetread.FileRef{Info: footer.Info, RowGroups: footer.RowGroups})
		if i == 0 {
			table = tableOf(footer)
		}
	}
	return shard, table
}

// tableOf asks for columns of a file as it has them, or for all.
func tableOf(footer parquetread.Footer, names ...string) parquetread.Projection {
	var fields []arrow.Field
	for _, name := range names {
		found, _ := footer.Schema.FieldsByName(name)
		fields = append(fields, found...)
	}
	if len(names) == 0 {
		fields = footer.Schema.Fields()
	}
	return parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema(fields, nil)}}
}

// readAll returns all batches of a shard.
func readAll(shard parquetread.Shard, table parquetread.Projection) ([]batch.Batch, error) {
	var batches []batch.Batch
	err := parquetread.ReadShard(context.Background(), shard, table, func(b batch.Batch) error {
		batches = append(batches, b)
		return nil
	})
	return batches, err
}

// readFile returns all batches of a file.
func readFile(t testing.TB, path string) []batch.Batch {
	batches, err := readAll(allOf(t, path))
	require.NoError(t, err)
	return batches
}

// texts returns each value of a column of some batches as text, "(null)" for nulls.
func texts(batches []batch.Batch, name string) []string {
	var result []string
	for _, b := range batches {
		for _, index := range b.Record.Schema().FieldIndices(name) {
			column := b.Record.Column(index)
			for row := range column.Len() {
				result = append(result, text(column, row))
			}
		}
	}
	return result
}

// text is a value in a form that shows everything that its type can hold.
func text(column arrow.Array, row int) string {
	if column.IsNull(row) {
		return "(null)"
	}
	switch column := column.(type) {
	case *array.Timestamp: // its own text stops at the range of nanoseconds
		return fmt.Sprintf("%d%s", column.Value(row), column.DataType().(*arrow.TimestampType).Unit)
	case *array.Binary:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.FixedSizeBinary:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.Decimal128:
		return column.Value(row).ToString(column.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		return column.Value(row).ToString(column.DataType().(*arrow.Decimal256Type).Scale)
	}
	return column.ValueStr(row)
}

// rowsOf counts the rows of batches.
func rowsOf(batches []batch.Batch) int64 {
	rows := int64(0)
	for _, b := range batches {
		rows += b.Record.NumRows()
	}
	return rows
}
