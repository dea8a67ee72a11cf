package ingest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// made is a source of batches that are given again and again. Its first column is new in each: a number.
type made struct {
	fields  []arrow.Field
	rows    int64 // of a batch
	batches int64
	rest    [][]arrow.Array // columns behind the first one
}

var madeFields = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "customer", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "note", Type: arrow.BinaryTypes.String, Nullable: true},
}

const (
	madeRows    = 1 << 16 // of a batch
	madeBatches = 16
)

func newMade(rows int64) *made {
	m := &made{fields: madeFields, rows: madeRows, batches: max(1, rows/madeRows)}
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 2000)
	for i := range words {
		words[i] = strconv.FormatUint(random.Uint64()>>(20+random.Uint64()%24), 36)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(madeFields[1:], nil))
	for range madeBatches {
		for i := range madeRows {
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprint("customer ", random.IntN(5000)))
			b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(random.Int64N(9_000_000)))
			b.Field(2).(*array.Date32Builder).Append(arrow.Date32(20000 + random.IntN(365)))
			b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(1764460800_000000 + int64(i)*1_234_567 + random.Int64N(1_000_000)))
			if i%4 == 0 {
				text := words[random.IntN(len(words))]
				for range 5 {
					text += " " + words[random.IntN(len(words))]
				}
				b.Field(4).(*array.StringBuilder).Append(text)
			} else {
				b.Field(4).AppendNull()
			}
		}
		m.rest = append(m.rest, b.NewRecord().Columns())
	}
	return m
}

func (m *made) Columns(context.Context) (*arrow.Schema, error) {
	return arrow.NewSchema(m.fields, nil), nil
}

func (m *made) Read(ctx context.Context, schema *arrow.Schema, sink ingest.Sink) (ingest.Said, error) {
	for i := range m.batches {
		ids := array.NewInt64Builder(memory.DefaultAllocator)
		for j := range m.rows {
			ids.Append(i*m.rows + j)
		}
		rows := array.NewRecord(schema, append([]arrow.Array{ids.NewArray()}, m.rest[i%int64(len(m.rest))]...), m.rows)
		if err := sink.Batch(ctx, rows); err != nil {
			return ingest.Said{}, err
		}
	}
	return ingest.Said{Rows: m.batches * m.rows, By: "itself"}, nil
}

func (m *made) Close() error { return nil }

// BenchmarkWrite writes as many rows as BenchmarkCSV reads, and of the same columns.
func BenchmarkWrite(b *testing.B) { benchmarkWrite(b, newMade(rowsOfBenchmark(b))) }

// BenchmarkWriteWide writes 2 GB of texts of a kilobyte in 300 columns.
func BenchmarkWriteWide(b *testing.B) {
	const columns, rows = 300, 50
	source := &made{fields: usualFields[:1:1], rows: rows, batches: 2 << 30 / (columns * rows << 10)}
	random := rand.New(rand.NewPCG(1, 2))
	var texts []arrow.Array
	for range 100 {
		builder := array.NewStringBuilder(memory.DefaultAllocator)
		for range rows {
			text := ""
			for len(text) < 1000 {
				text += strconv.FormatUint(random.Uint64()%100_000_000, 36) + " "
			}
			builder.Append(text)
		}
		texts = append(texts, builder.NewArray())
		source.rest = append(source.rest, make([]arrow.Array, columns))
	}
	for i := range columns {
		source.fields = append(source.fields, arrow.Field{Name: fmt.Sprint("text", i), Type: arrow.BinaryTypes.String})
	}
	for i, batch := range source.rest {
		for j := range batch {
			batch[j] = texts[(i+j)%len(texts)]
		}
	}
	benchmarkWrite(b, source)
}

// benchmarkWrite says how much processor time a source takes until it is in the lake, and how many megabytes the files have.
func benchmarkWrite(b *testing.B, source ingest.Source) {
	b.Helper()
	folder, before := filepath.Join(b.TempDir(), "lake"), processor(b)
	for b.Loop() {
		account, err := ingest.Run(b.Context(), entryOf(folder, "run1"), source, ingest.Surroundings{})
		require.NoError(b, err)
		b.ReportMetric(float64(account.Bytes)/(1<<20), "MiB")
	}
	b.ReportMetric((processor(b)-before)/float64(b.N), "processor-s")
	reportPeak(b)
}

// processor is the processor time of this process in seconds; 0 where the system does not say.
func processor(b *testing.B) float64 {
	b.Helper()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	seconds := 0.0
	for _, field := range strings.Fields(rest)[11:13] { // of the program, and of the system for it
		ticks, err := strconv.ParseFloat(field, 64)
		require.NoError(b, err)
		seconds += ticks / 100
	}
	return seconds
}
