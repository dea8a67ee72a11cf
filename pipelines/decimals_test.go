package pipelines_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/parquet"
	pqfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/runtest"
)

// decimalColumn is how a writer stores decimals of two places.
type decimalColumn struct {
	physical  parquet.Type
	bytes     int // of FIXED_LEN_BYTE_ARRAY
	precision int32
}

// writeDecimals writes a file of a column d of unscaled numbers, some of which have more digits than
// the type, with the row's number n beside.
func writeDecimals(t *testing.T, path string, column decimalColumn, unscaled []int64) {
	t.Helper()
	var out bytes.Buffer
	numbers, err := schema.NewPrimitiveNode("n", parquet.Repetitions.Required, parquet.Types.Int32, -1, -1)
	require.NoError(t, err)
	decimals, err := schema.NewPrimitiveNodeLogical("d", parquet.Repetitions.Required,
		schema.NewDecimalLogicalType(column.precision, 2), column.physical, column.bytes, -1)
	require.NoError(t, err)
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{numbers, decimals}, -1)
	require.NoError(t, err)
	w := pqfile.NewParquetWriter(&out, root)
	group := w.AppendRowGroup()
	for range 2 {
		chunk, err := group.NextColumn()
		require.NoError(t, err)
		require.NoError(t, writeNumbers(chunk, column.bytes, unscaled))
		require.NoError(t, chunk.Close())
	}
	require.NoError(t, group.Close())
	require.NoError(t, w.Close())
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
}

// writeNumbers writes numbers to the column d, and their positions to the column n.
func writeNumbers(chunk pqfile.ColumnChunkWriter, width int, unscaled []int64) (err error) {
	var fixed []parquet.FixedLenByteArray
	var variable []parquet.ByteArray
	positions, narrow := make([]int32, len(unscaled)), make([]int32, len(unscaled))
	for i, n := range unscaled {
		positions[i], narrow[i] = int32(i), int32(n)
		sign := byte(n >> 63)
		long := binary.BigEndian.AppendUint64(bytes.Repeat([]byte{sign}, 24), uint64(n))
		fixed = append(fixed, long[len(long)-max(width, 1):])
		variable = append(variable, long[len(long)-8-i%3:])
	}
	switch w := chunk.(type) {
	case *pqfile.Int32ColumnChunkWriter:
		if chunk.Descr().Name() == "n" {
			narrow = positions
		}
		_, err = w.WriteBatch(narrow, nil, nil)
	case *pqfile.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(unscaled, nil, nil)
	case *pqfile.FixedLenByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(fixed, nil, nil)
	case *pqfile.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(variable, nil, nil)
	}
	return err
}

// Numbers of more digits than their column has are rejects, whoever reads the file.
func TestDecimalsOfTooManyDigits(t *testing.T) {
	t.Parallel()
	fixed := parquet.Types.FixedLenByteArray
	for name, column := range map[string]decimalColumn{
		"int32": {parquet.Types.Int32, -1, 5}, "int64": {parquet.Types.Int64, -1, 5}, "bytes": {parquet.Types.ByteArray, -1, 5},
		"fixed 8": {fixed, 8, 5}, "fixed 9": {fixed, 9, 5}, "fixed 16": {fixed, 16, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lake := t.TempDir()
			writeDecimals(t, filepath.Join(lake, "a.parquet"), column, []int64{-99999, 99999, 0, 100000, 12345678, -100000, 5})
			writeDecimals(t, filepath.Join(lake, "b.parquet"), column, []int64{1, -1})
			source := fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s/*.parquet'}\n    rejects: {path: rejects}\n", lake)
			plan := runtest.RequireSame(t, source)
			isPlain := column.physical != parquet.Types.ByteArray && column.bytes <= 8
			assert.Equal(t, isPlain, plan.Deferred == 2, plan.Materialised)

			folder := t.TempDir()
			cfg := runtest.Configure(t, folder, source)
			report, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"-0.01", "-999.99", "0.00", "0.01", "0.05", "999.99"}, decimalsIn(t, cfg))
			rejects := runtest.RejectRows(t, cfg.Tables[0].Rejects.Path)
			require.Len(t, rejects, 3)
			for i, found := range []string{"1000.00", "123456.78", "-1000.00"} {
				assert.Contains(t, rejects[i], fmt.Sprintf(`"_row":%d`, 3+i))
				assert.Contains(t, rejects[i], "found "+found+", expected ")
			}
			assert.Equal(t, "d can be stored", report.Tables[0].Rules[0].Name)
		})
	}
}

func decimalsIn(t *testing.T, cfg *config.Config) []string {
	return runtest.RowsIn(t, cfg.Output.Path, `SELECT d FROM x."Extract"."Extract" ORDER BY CAST(d AS TEXT)`)
}

// Rules, where and what is asked of the column go together with it.
func TestDecimalsOfTooManyDigitsAndTheRest(t *testing.T) {
	t.Parallel()
	lake := t.TempDir()
	writeDecimals(t, filepath.Join(lake, "a.parquet"), decimalColumn{parquet.Types.Int32, -1, 5}, []int64{-99999, 99999, 0, 100000, 12345678, -100000, 5})
	for name, rest := range map[string]string{
		"rules":        "}\n    rules: [{column: d, max: 900}, {expr: 'd > 1.0 || n < 5'}]\n    rejects: {path: rejects}\n",
		"only warned":  "}\n    rules: [{column: d, max: 900, on_fail: warn}]\n    rejects: {path: rejects}\n",
		"where":        ", where: 'd < 10.0'}\n    rejects: {path: rejects}\n",
		"counted":      "}\n",
		"a new name":   "}\n    columns: {d: {rename: amount}}\n    rejects: {path: rejects}\n",
		"not selected": ", select: [n]}\n    rules: [{column: d, max: 900}]\n    rejects: {path: rejects}\n",
		"wider":        "}\n    columns: {d: {type: 'numeric(12,3)'}}\n    rejects: {path: rejects}\n",
		"text":         "}\n    columns: {d: {type: text}}\n    rejects: {path: rejects}\n",
		"sorted":       "}\n    repartition: {by: [n], shards: 2}\n    rejects: {path: rejects}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtest.RequireSame(t, fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s/*.parquet'%s", lake, rest))
		})
	}
}

// A file whose decimals are wider than those of another has the same column; what fits it is kept.
func TestDecimalsOfTooManyDigitsInAUnion(t *testing.T) {
	t.Parallel()
	lake := t.TempDir()
	writeDecimals(t, filepath.Join(lake, "a.parquet"), decimalColumn{parquet.Types.Int32, -1, 5}, []int64{12345678})
	writeDecimals(t, filepath.Join(lake, "b.parquet"), decimalColumn{parquet.Types.Int32, -1, 7}, []int64{1234567, 12345678})
	config := fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s/*.parquet', on_drift: union}\n    rejects: {path: rejects}\n", lake)
	runtest.RequireSame(t, config)
	cfg := runtest.Configure(t, t.TempDir(), config)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"12345.67"}, decimalsIn(t, cfg))
}

// Reject files keep decimals in more bytes than their digits need, which hyperd would misread.
func TestRejectedDecimalsAreASource(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeDecimals(t, filepath.Join(folder, "lake", "a.parquet"), decimalColumn{parquet.Types.Int64, -1, 9}, []int64{5, -1, 100001})
	cfg := runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet}\n    rules: [{column: d, max: 0}]\n    rejects: {path: rejects}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	_, err = runtest.Run(t, t.Context(), runtest.Configure(t, folder, "name: again\ntables:\n  - source: {uri: rejects/*.parquet}\n"), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"0.05", "1000.01"}, runtest.RowsIn(t, filepath.Join(folder, "again.hyper"), `SELECT d FROM x."Extract"."Extract" ORDER BY 1`))
}
