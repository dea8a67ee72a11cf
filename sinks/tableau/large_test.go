package tableau_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// The test runs alone: it measures what the whole process allocates, client and server.
// HYPERLAKE_LARGE_MB makes the file larger.
func TestLargeUploadInConstantMemory(t *testing.T) {
	size := int64(300)
	if text := os.Getenv("HYPERLAKE_LARGE_MB"); text != "" {
		var err error
		size, err = strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
	}
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, megabyte(size))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := b.client.Publish(t.Context(), b.publication(file, tableau.Create))
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))

	allocated := int64(after.TotalAlloc - before.TotalAlloc)
	t.Logf("%d MB sent; allocated in all %d KB; heap taken from the system %d KB more", size, allocated>>10, int64(after.HeapSys-before.HeapSys)>>10)
	assert.Less(t, allocated, megabyte(16), "memory grows with the file")
}
