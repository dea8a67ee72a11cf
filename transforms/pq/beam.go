package parquetread

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

func init() {
	register.DoFn4x1[context.Context, int, func(*Shard) bool, func(batch.Batch), error](&readFn{})
	register.Emitter1[batch.Batch]()
	register.Iter1[Shard]()
	beam.RegisterCoder(reflect.TypeOf((*Shard)(nil)).Elem(), encodeShard, decodeShard)
}

func encodeShard(s Shard) ([]byte, error) { return json.Marshal(s) }

func decodeShard(data []byte) (Shard, error) {
	var s Shard
	err := json.Unmarshal(data, &s)
	return s, err
}

var rowsRead = beam.NewCounter("hyperlake", "rows_read")

// Read spreads a PCollection<KV<int, Shard>> over the workers by key and turns it into a
// PCollection<batch.Batch>. Only the references cross the shuffle.
func Read(s beam.Scope, shards beam.PCollection, tables []Table) beam.PCollection {
	s = s.Scope("parquetread.Read")
	return beam.ParDo(s, &readFn{Tables: tables}, beam.GroupByKey(s, shards))
}

type readFn struct {
	Tables []Table
}

// ProcessElement reads the shards of one key, which is one shard.
func (fn *readFn) ProcessElement(ctx context.Context, _ int, shards func(*Shard) bool, emit func(batch.Batch)) error {
	for shard := (Shard{}); shards(&shard); shard = (Shard{}) {
		err := ReadShard(ctx, shard, fn.Tables[shard.Table], func(b batch.Batch) error {
			rowsRead.Inc(ctx, b.Tally.Read)
			emit(b)
			return nil
		})
		if err != nil {
			return failure.Encode(err, failure.Source)
		}
	}
	return nil
}
