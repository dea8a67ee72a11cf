package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// lake is files of the same columns. Rows are cheap to make and hard to compress.
type lake struct {
	name        string
	files, rows int // rows of each file
}

// The lakes have enough rows for memory to be at its peak. One has as many rows as
// another in a thousand times as many files, one has ten times the rows.
var (
	few   = lake{"few", 10, 600_000}
	many  = lake{"many", 10_000, 600}
	large = lake{"large", 10, 6_000_000}
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "price", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}, Nullable: true},
	{Name: "ratio", Type: arrow.PrimitiveTypes.Float64},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
	{Name: "due", Type: arrow.FixedWidthTypes.Date32},
	{Name: "mode", Type: arrow.BinaryTypes.String},
	{Name: "comment", Type: arrow.BinaryTypes.String},
}, nil)

// make writes the files of a lake, unless they are there.
func (l lake) make(folder string) error {
	for i := range l.files {
		path := filepath.Join(folder, fmt.Sprintf("part=%d", i%100), fmt.Sprintf("%d.parquet", i))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := l.writeFile(path, uint64(i)); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file under a temporary name first: one that is there is whole.
func (l lake) writeFile(path string, seed uint64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(1_000_000))
	w, err := pqarrow.NewFileWriter(schema, file, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 1))
	const step = 100_000
	for from := 0; from < l.rows; from += step {
		if err := w.WriteBuffered(rows(random, min(step, l.rows-from))); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func rows(random *rand.Rand, n int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	modes := []string{"AIR", "MAIL", "RAIL", "SHIP", "TRUCK"}
	for range n {
		b.Field(0).(*array.Int64Builder).Append(random.Int64())
		b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(random.Int64N(10_000_000)))
		b.Field(2).(*array.Float64Builder).Append(random.Float64())
		day := arrow.Date32(random.Int32N(20_000))
		b.Field(3).(*array.Date32Builder).Append(day)
		b.Field(4).(*array.Date32Builder).Append(day + arrow.Date32(random.Int32N(100)))
		b.Field(5).(*array.StringBuilder).Append(modes[random.IntN(len(modes))])
		b.Field(6).(*array.StringBuilder).Append(fmt.Sprintf("comment %x", random.Uint64()))
	}
	return b.NewRecord()
}
