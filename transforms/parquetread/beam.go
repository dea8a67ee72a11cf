package parquetread

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

func init() {
	beam.RegisterCoder(reflect.TypeFor[Shard](), encodeShard, decodeShard)
	register.DoFn4x1[context.Context, int, func(*Shard) bool, func(batch.Batch), error](&readFn{})
	register.Iter1[Shard]()
	register.Emitter1[batch.Batch]()
	beam.RegisterFunction(VerifyPages)
}

func encodeShard(s Shard) ([]byte, error) { return json.Marshal(s) }

func decodeShard(data []byte) (Shard, error) {
	var s Shard
	err := json.Unmarshal(data, &s)
	return s, err
}

var (
	rowsRead  = beam.NewCounter("hyperlake", "rows_read")
	bytesRead = beam.NewCounter("hyperlake", "bytes_read")
)

// Read turns shards, a PCollection<KV<int, Shard>>, into a PCollection<batch.Batch>. A
// shard's Table is an index into tables. The shards of one key are read one after
// another, those of different keys at the same time where the runner can; so it is the
// keys that spread the work over workers.
//
// The counters rows_read and bytes_read of the namespace hyperlake grow with the row
// groups that are read: their rows, and the bytes of all their columns as stored.
func Read(s beam.Scope, shards beam.PCollection, tables []Table) beam.PCollection {
	s = s.Scope("parquetread.Read")
	encoded, err := json.Marshal(tables)
	if err != nil {
		encoded = nil // Setup reports it
	}
	return beam.ParDo(s, &readFn{Encoded: encoded}, beam.GroupByKey(s, shards))
}

// readFn reads the shards of a key. It carries the tables as JSON: Beam has no way of its
// own to serialise an Arrow schema.
type readFn struct {
	Encoded []byte

	tables []Table
}

// Setup decodes the tables; a worker calls it before anything else.
func (f *readFn) Setup() error {
	if err := json.Unmarshal(f.Encoded, &f.tables); err != nil {
		return fmt.Errorf("decode the tables to read: %w", err)
	}
	return nil
}

// ProcessElement reads shards. Its errors carry a failure.Error, of kind engine where it
// was cancelled.
func (f *readFn) ProcessElement(ctx context.Context, _ int, shards func(*Shard) bool, emit func(batch.Batch)) error {
	var shard Shard
	for shards(&shard) {
		if err := f.read(ctx, shard, emit); err != nil {
			return failure.Encode(err, failure.Engine)
		}
		shard = Shard{}
	}
	return nil
}

func (f *readFn) read(ctx context.Context, shard Shard, emit func(batch.Batch)) error {
	if shard.Table < 0 || shard.Table >= len(f.tables) {
		return failure.New(failure.Engine, "a shard of table %d of %d arrived", shard.Table, len(f.tables))
	}
	sizes := shard.rowGroupBytes()
	return ReadShard(ctx, shard, f.tables[shard.Table], func(b batch.Batch) error {
		rowsRead.Inc(ctx, b.Tally.Read)
		place := batch.Origin{File: b.Origin.File, RowGroup: b.Origin.RowGroup}
		bytesRead.Inc(ctx, sizes[place])
		delete(sizes, place)
		emit(b)
		return nil
	})
}

// rowGroupBytes returns the bytes of each row group, by its place.
func (s Shard) rowGroupBytes() map[batch.Origin]int64 {
	sizes := map[batch.Origin]int64{}
	for _, ref := range s.Files {
		for _, group := range ref.RowGroups {
			place := batch.Origin{File: ref.Info.URI, RowGroup: group.Index}
			if ref.Deferred {
				place.RowGroup = 0 // of the one batch
			}
			sizes[place] += group.Bytes
		}
	}
	return sizes
}
