package parquetread

import (
	"context"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/trace"
	"hyperlake/internal/wire"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Shard]())
	beam.RegisterDoFn(&readFn{})
	beam.RegisterFunction(VerifyPages)
}

// TravelsAsJSON makes Shard a [wire.Element].
func (Shard) TravelsAsJSON() {}

var (
	rowsRead  = beam.NewCounter("hyperlake", "rows_read")
	bytesRead = beam.NewCounter("hyperlake", "bytes_read")
)

// Read turns shards, a PCollection<Shard>, into a PCollection<batch.Batch>. A shard's Table
// is an index into tables. The shards of one bundle are read one after another.
//
// The counters rows_read and bytes_read of the namespace hyperlake grow with the row
// groups that are read: their rows but for deleted ones, and the bytes of all their columns as stored.
func Read(s beam.Scope, shards beam.PCollection, tables []Projection) beam.PCollection {
	s = s.Scope("parquetread.Read")
	return beam.ParDo(s, &readFn{Params: wire.Pack(tables)}, shards)
}

// readFn reads shards.
type readFn struct {
	Params wire.Params[[]Projection]

	tables []Projection
}

// Setup decodes the tables; a worker calls it before anything else.
func (f *readFn) Setup() (err error) {
	f.tables, err = f.Params.Unpack()
	return err
}

// ProcessElement reads a shard. Its errors carry a failure.Error, of kind engine where it
// was cancelled.
func (f *readFn) ProcessElement(ctx context.Context, shard Shard, emit func(batch.Batch)) error {
	return failure.Encode(f.read(ctx, shard, emit), failure.Engine)
}

func (f *readFn) read(ctx context.Context, shard Shard, emit func(batch.Batch)) error {
	if shard.Table < 0 || shard.Table >= len(f.tables) {
		return failure.New(failure.Engine, "a shard of table %d of %d arrived", shard.Table, len(f.tables))
	}
	sizes := shard.rowGroupBytes()
	reading, span := trace.Start(ctx, "shard",
		attribute.Int("hyperlake.table", shard.Table), attribute.Int("hyperlake.files", len(shard.Files)))
	var rows int64
	err := ReadShard(reading, shard, f.tables[shard.Table], func(b batch.Batch) error {
		rows += b.Tally.Read
		if b.Tally.Read == 0 {
			emit(b)
			return nil
		}
		rowsRead.Inc(ctx, b.Tally.Read)
		place := batch.Origin{File: b.Origin.File, RowGroup: b.Origin.RowGroup}
		bytesRead.Inc(ctx, sizes[place])
		delete(sizes, place)
		emit(b)
		return nil
	})
	span.Note(attribute.Int64("hyperlake.rows", rows))
	span.End(err)
	return err
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
