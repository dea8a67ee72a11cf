package parquetread

import (
	"context"

	"hyperlake/internal/batch"
)

// QueuedBatches is how many batches wait for emit.
const QueuedBatches = queuedBatches

// HasShortChunks says whether a writer of that name left bytes out of sizes.
var HasShortChunks = hasShortChunks

// IsOrdered says whether the first of two values is not above the second one.
var IsOrdered = isOrdered

// ReadShardWith is ReadShard with a number of decoders and of bytes to read ahead.
func ReadShardWith(ctx context.Context, shard Shard, table Projection, decoders, readAhead int, emit func(batch.Batch) error) error {
	s := usual()
	s.decoders, s.readAhead = decoders, readAhead
	return readShard(ctx, shard, table, emit, s)
}

// ReadShardWithin is ReadShard with memory for a number of bytes of pages, and with batches and turns of
// other sizes.
func ReadShardWithin(ctx context.Context, shard Shard, table Projection, held, batchBytes int64, emit func(batch.Batch) error) error {
	s := usual()
	s.held, s.batch, s.turn = held, batchBytes, 2*batchBytes
	return readShard(ctx, shard, table, emit, s)
}
