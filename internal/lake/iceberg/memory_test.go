package iceberg_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/lake/iceberg/icebergtest"
)

// manyFiles makes a table of many files, each with bounds of 20 columns and a deletion vector.
func manyFiles(t testing.TB, manifests, each int) string {
	t.Helper()
	m := newMaker(t)
	bounds := make([]object, 20)
	for i := range bounds {
		bounds[i] = object{"key": i, "value": []byte("0123456789abcdef")}
	}
	files, vectors := make([]object, each), make([][]object, manifests)
	list := []object{}
	for i := range manifests {
		for j := range each {
			name := fmt.Sprintf("data/day=2024-01-01/%05d-%05d-7ada949f-9ffa-41ac-9cbd-d921744e3e76-00001.parquet", i, j)
			files[j] = m.Added(name, object{"lower_bounds": bounds, "upper_bounds": bounds})
			vectors[i] = append(vectors[i], m.Added("data/d.puffin", object{
				"content": 1, "file_format": "PUFFIN", "referenced_data_file": m.Path(name), "content_offset": int64(4), "content_size_in_bytes": int64(48), "record_count": int64(1),
			}))
		}
		list = append(list, m.Manifest(fmt.Sprintf("m%d.avro", i), data, files...))
		list = append(list, m.Manifest(fmt.Sprintf("d%d.avro", i), kindOf(0, "deletes", "", 2), vectors[i]...))
	}
	m.List("list.avro", list...)
	m.Metadata("v1.metadata.json", object{"schemas": []object{icebergtest.Schema(0, object{"id": 1, "name": "id", "required": false, "type": "string"})}})
	return m.Folder
}

func TestMemoryOfManyFiles(t *testing.T) { // alone, since it measures
	const manifests, each, most = 20, 1000, 24 << 20
	snapshot, err := iceberg.Open(t.Context(), manyFiles(t, manifests, each), iceberg.Latest())
	require.NoError(t, err)
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	files, peak, began := 0, uint64(0), time.Now()
	err = snapshot.Files(t.Context(), func(string) bool { return true }, func(file lake.File) error {
		assert.True(t, file.HasDeletes())
		if files++; files%5000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, manifests*each, files)
	held := int64(peak) - int64(before.HeapAlloc)
	t.Logf("%d files in %v, %d bytes held", files, time.Since(began), held)
	assert.Less(t, held, int64(most))
}
