package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// numbers is a source of rows of two columns, id and text, which tells lies if it is asked to.
type numbers struct {
	from, rows int64
	batch      int64
	rejects    int64 // rows besides
	lie        int64 // is added to what it says
	err        error // at its end
	fields     []arrow.Field
	readers    int // that give batches at the same time
	closed     bool
}

var usualFields = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
}

func (n *numbers) Columns(context.Context) (*arrow.Schema, error) {
	if n.fields == nil {
		n.fields = usualFields
	}
	return arrow.NewSchema(n.fields, nil), nil
}

func (n *numbers) Read(ctx context.Context, schema *arrow.Schema, sink ingest.Sink) (ingest.Said, error) {
	if n.batch == 0 {
		n.batch = 1000
	}
	starts := make(chan int64)
	var readers sync.WaitGroup
	errs := make([]error, max(n.readers, 1))
	for i := range errs {
		readers.Go(func() {
			for start := range starts {
				if errs[i] == nil {
					errs[i] = n.give(ctx, schema, sink, start)
				}
			}
		})
	}
	for start := int64(0); start < n.rows; start += n.batch {
		starts <- start
	}
	close(starts)
	readers.Wait()
	err := errors.Join(errs...)
	for i := int64(0); i < n.rejects && err == nil; i++ {
		err = sink.Reject(ctx, ingest.Reject{
			File: "numbers.csv", Line: i + 1, Column: "id", Rule: "type bigint", Reason: "is no whole number", Values: map[string]string{"id": "\xffx"},
		})
	}
	return ingest.Said{Rows: n.rows + n.rejects + n.lie, By: "the source itself"}, errors.Join(err, n.err)
}

// give gives one batch.
func (n *numbers) give(ctx context.Context, schema *arrow.Schema, sink ingest.Sink, start int64) error {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for i := start; i < min(start+n.batch, n.rows); i++ {
		for j := range schema.Fields() {
			switch column := builder.Field(j).(type) {
			case *array.Int64Builder:
				column.Append(n.from + i)
			case *array.Int32Builder:
				column.Append(int32(n.from + i))
			case *array.StringBuilder:
				column.Append(fmt.Sprint("row ", n.from+i))
			default:
				return fmt.Errorf("no values of %T", column)
			}
		}
	}
	record := builder.NewRecord()
	defer record.Release()
	return sink.Batch(ctx, record)
}

func (n *numbers) Close() error { n.closed = true; return nil }

func entryOf(folder, run string) ingest.Entry {
	return ingest.Entry{Name: "numbers", RunID: run, Source: "numbers.csv", To: folder, Pinned: folder}
}

// rowsIn are the ids of all rows of a folder, sorted, as a run of the pipeline finds its files.
func rowsIn(t *testing.T, folder string) []int64 {
	t.Helper()
	files, _, err := lake.Find(t.Context(), storage.Join(storage.EscapeGlob(folder), "**", "*.parquet"))
	require.NoError(t, err)
	var ids []int64
	for _, file := range files {
		require.NoError(t, parquetread.ReadColumns(t.Context(), file, []string{"id"}, func(rows arrow.Record) error {
			ids = append(ids, rows.Column(0).(*array.Int64).Int64Values()...)
			return nil
		}))
	}
	slices.Sort(ids)
	return ids
}

func sequence(from, rows int64) []int64 {
	var ids []int64
	for i := range rows {
		ids = append(ids, from+i)
	}
	return ids
}

func requireKind(t *testing.T, err error, kind failure.Kind) *failure.Error {
	t.Helper()
	require.Error(t, err)
	failed := failure.Of(err, failure.Engine)
	require.Equal(t, kind, failed.Kind, "%v", err)
	return failed
}

// namesIn are the names of all files below a folder, whatever they begin with, sorted.
func namesIn(t *testing.T, folder string) []string {
	t.Helper()
	store, err := storage.For(folder)
	require.NoError(t, err)
	files, err := store.List(t.Context(), folder)
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, file.URI[len(folder)+1:])
	}
	slices.Sort(names)
	return names
}
