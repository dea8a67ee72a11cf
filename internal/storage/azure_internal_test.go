package storage

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The blocks that a blob may have hold as much as is promised, and none is longer than the service takes.
func TestBlocksOfAnAzureBlob(t *testing.T) {
	t.Parallel()
	const chunk, mostBlocks, longestBlock = 8 << 20, 50_000, 4000 << 20
	total := 0
	for blocks := range mostBlocks {
		size := blockSize(chunk, blocks)
		assert.LessOrEqual(t, size, longestBlock)
		total += size
	}
	assert.Greater(t, total, 23<<40/10)
	assert.Equal(t, chunk, blockSize(chunk, blocksOfOneSize-1))
}
