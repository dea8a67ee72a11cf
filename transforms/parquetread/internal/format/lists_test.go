package format

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Footers that are all claims take about as much memory as they have bytes.
func TestListsThatClaimMuch(t *testing.T) {
	const size = 1 << 20
	list := func(field byte, count uint64) []byte {
		return binary.AppendUvarint([]byte{field<<4 | byte(kindList), 15<<4 | byte(kindStruct)}, count)
	}
	group := append([]byte{4<<4 | byte(kindList), 1<<4 | byte(kindStruct)}, list(1, size)...)
	for name, head := range map[string][]byte{
		"a schema": list(2, size), "row groups": list(4, size), "columns": group, "orders": list(7, size),
		"a schema of empty names": list(2, size/3), "a list without end": list(2, 1<<62),
	} {
		data := append(bytes.Clone(head), make([]byte, size)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseFileMetaData(data)
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size), name)
	}
}
