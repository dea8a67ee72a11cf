package repartition_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/repartition"
)

// orderLines is a batch of the shape of TPC-H lineitem: 16 columns, about 170 bytes a row.
func orderLines(rows int) arrow.Record {
	r := rand.New(rand.NewPCG(1, 2))
	var fields []arrow.Field
	var columns []arrow.Array
	add := func(name string, builder array.Builder, appendOne func()) {
		for range rows {
			appendOne()
		}
		column := builder.NewArray()
		fields = append(fields, arrow.Field{Name: name, Type: column.DataType()})
		columns = append(columns, column)
	}
	for _, name := range []string{"orderkey", "partkey", "suppkey"} {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		add(name, b, func() { b.Append(r.Int64N(200_000)) })
	}
	line := array.NewInt32Builder(memory.DefaultAllocator)
	add("linenumber", line, func() { line.Append(r.Int32N(7)) })
	for _, name := range []string{"quantity", "price", "discount", "tax"} {
		b := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 15, Scale: 2})
		add(name, b, func() { b.Append(decimal128.FromI64(r.Int64N(5000))) })
	}
	for _, name := range []string{"shipdate", "commitdate", "receiptdate"} {
		b := array.NewDate32Builder(memory.DefaultAllocator)
		add(name, b, func() { b.Append(arrow.Date32(8000 + r.Int32N(2500))) })
	}
	for name, words := range map[string][]string{
		"returnflag": {"A", "N", "R"}, "status": {"F", "O"}, "mode": {"AIR", "REG AIR", "RAIL", "SHIP", "TRUCK"}, "instruct": {"NONE", "COLLECT COD", "DELIVER IN PERSON"},
	} {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		add(name, b, func() { b.Append(pick(r, words...)) })
	}
	comment := array.NewStringBuilder(memory.DefaultAllocator)
	words := []string{"furiously ", "deposits ", "carefully ", "ironic ", "packages ", "sleep "}
	add("comment", comment, func() { comment.Append(pick(r, words...) + pick(r, words...) + pick(r, words...)) })
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

const benchBatches = 12

func tables() map[string]repartition.Moves {
	return map[string]repartition.Moves{
		"hash_8":     {By: []string{"orderkey"}, Shards: 8},
		"hash_256":   {By: []string{"orderkey"}, Shards: 256},
		"deal_8":     {Shards: 8},
		"split_5":    {SplitBy: "mode"},
		"split_2500": {SplitBy: "shipdate"},
	}
}

func BenchmarkSpill(b *testing.B) {
	record := orderLines(batch.MaxRows)
	for name, table := range tables() {
		b.Run(name, func(b *testing.B) {
			params := repartition.Params{Staging: b.TempDir(), Tables: []repartition.Moves{table}}
			bytes := int64(0)
			for b.Loop() {
				w := repartition.NewWriter(params)
				for i := range benchBatches {
					origin := batch.Origin{File: fmt.Sprint(i)}
					require.NoError(b, w.Add(context.Background(), batch.Batch{Record: record, Origin: origin, Tally: batch.Tally{Read: record.NumRows()}}))
				}
				_, err := w.Finish(context.Background())
				require.NoError(b, err)
				bytes = w.Bytes()
			}
			report(b, bytes)
		})
	}
}

func BenchmarkRead(b *testing.B) {
	record := orderLines(batch.MaxRows)
	for name, table := range tables() {
		b.Run(name, func(b *testing.B) {
			w := repartition.NewWriter(repartition.Params{Staging: b.TempDir(), Tables: []repartition.Moves{table}})
			for range benchBatches {
				require.NoError(b, w.Add(context.Background(), batch.Batch{Record: record, Tally: batch.Tally{Read: record.NumRows()}}))
			}
			parts, err := w.Finish(context.Background())
			require.NoError(b, err)
			for b.Loop() {
				readAll(b, parts)
			}
			report(b, w.Bytes())
		})
	}
}

// report gives rows and stored bytes per second.
func report(b *testing.B, bytes int64) {
	b.Helper()
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(benchBatches*batch.MaxRows/seconds, "rows/s")
	b.ReportMetric(float64(bytes)/seconds/1e6, "MB/s")
	b.ReportMetric(float64(bytes)/(benchBatches*batch.MaxRows), "bytes/row")
}
