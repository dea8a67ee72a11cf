package pipelines_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/pipelines/runtest"
)

// pointWKB is a point in WKB, of a layout of 0, 1 (height), 2 (measure) or 3 (both).
func pointWKB(layout uint32, numbers ...float64) []byte {
	data := binary.LittleEndian.AppendUint32([]byte{1}, 1+1000*layout)
	for _, n := range numbers {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(n))
	}
	return data
}

// writeShapes writes a file of shapes, numbered from 0.
func writeShapes(t *testing.T, path string, shapes ...[]byte) {
	t.Helper()
	geometry := arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalGeometry})
	schema := arrow.NewSchema([]arrow.Field{runtest.Field("id", runtest.Int64Type), {Name: "at", Type: arrow.BinaryTypes.Binary, Nullable: true, Metadata: geometry}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i, shape := range shapes {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.BinaryBuilder).Append(shape)
	}
	writeRecord(t, path, b.NewRecord())
}

// writeRecord writes a file that keeps the metadata of fields, with the logical types that it names.
func writeRecord(t *testing.T, path string, record arrow.Record) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(record.Schema(), file, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
}

// The reject of a shape says what hyperd has no place for.
func TestShapesThatAreRejected(t *testing.T) {
	folder := t.TempDir()
	writeShapes(t, filepath.Join(folder, "lake", "f.parquet"),
		pointWKB(0, 1, 2), pointWKB(1, 1, 2, 3), pointWKB(2, 1, 2, 3), pointWKB(3, 1, 2, 3, 4), pointWKB(0, 1, math.NaN()), pointWKB(0, math.Inf(1), 2),
		pointWKB(0, 1, 200), []byte("no shape"))
	rows, report := loaded(t, folder, "", "    rejects: {path: rejects}\n")
	assert.Equal(t, []string{"0|POINT(1.0000000 2.0000000)"}, rows)
	assert.EqualValues(t, 7, report.Tables[0].RowsRejected)
	rejected := strings.Join(runtest.RejectRows(t, filepath.Join(folder, "rejects")), "\n")
	for _, says := range []string{"height", "measure", "not finite"} {
		assert.Contains(t, rejected, says)
	}
}
