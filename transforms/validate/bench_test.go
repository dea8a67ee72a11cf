package validate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/validate"
)

var lineitem = arrow.NewSchema([]arrow.Field{
	{Name: "l_orderkey", Type: arrow.PrimitiveTypes.Int64},
	{Name: "l_partkey", Type: arrow.PrimitiveTypes.Int64},
	{Name: "l_suppkey", Type: arrow.PrimitiveTypes.Int64},
	{Name: "l_linenumber", Type: arrow.PrimitiveTypes.Int32},
	{Name: "l_quantity", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
	{Name: "l_extendedprice", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
	{Name: "l_discount", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
	{Name: "l_tax", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
	{Name: "l_returnflag", Type: arrow.BinaryTypes.String},
	{Name: "l_linestatus", Type: arrow.BinaryTypes.String},
	{Name: "l_shipdate", Type: arrow.FixedWidthTypes.Date32},
	{Name: "l_commitdate", Type: arrow.FixedWidthTypes.Date32},
	{Name: "l_receiptdate", Type: arrow.FixedWidthTypes.Date32},
	{Name: "l_shipinstruct", Type: arrow.BinaryTypes.String},
	{Name: "l_shipmode", Type: arrow.BinaryTypes.String},
	{Name: "l_comment", Type: arrow.BinaryTypes.String},
}, nil)

// fiveRules are rules as people write them for lineitem.
const fiveRules = `
- {column: l_orderkey, not_null: true}
- {column: l_quantity, min: 1, max: 50}
- {column: l_returnflag, in: [A, N, R]}
- {column: l_shipmode, matches: "^[A-Z]{3,5}( [A-Z]+)?$"}
- {expr: l_shipdate <= l_receiptdate}
`

// lineitemBatch has rows of which about bad of a million break one of the five rules.
func lineitemBatch(bad int) batch.Batch {
	random := rand.New(rand.NewPCG(1, 2))
	builder := array.NewRecordBuilder(memory.DefaultAllocator, lineitem)
	for range batch.MaxRows {
		broken := random.IntN(1_000_000) < bad
		for i, f := range lineitem.Fields() {
			switch b := builder.Field(i).(type) {
			case *array.Int64Builder:
				b.Append(random.Int64N(6_000_000))
			case *array.Int32Builder:
				b.Append(1 + random.Int32N(7))
			case *array.Date32Builder:
				day := 8036 + random.Int32N(2500)
				if f.Name == "l_receiptdate" { // of goods that were sent before
					day += 2500
				}
				b.Append(arrow.Date32(day))
			case *array.Decimal128Builder:
				n := 100 + 100*random.Int64N(50)
				if broken && f.Name == "l_quantity" {
					n = -1
				}
				b.Append(decimal128.FromI64(n))
			case *array.StringBuilder:
				b.Append(lineitemText(random, f.Name))
			}
		}
	}
	return batch.Batch{Record: builder.NewRecord(), Tally: batch.Tally{Read: batch.MaxRows}}
}

func lineitemText(random *rand.Rand, column string) string {
	texts := map[string][]string{
		"l_returnflag":   {"A", "N", "R"},
		"l_linestatus":   {"F", "O"},
		"l_shipinstruct": {"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"},
		"l_shipmode":     {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"},
		"l_comment":      {"egular courts above the", "ly final dependencies: slyly bold ", "riously. regular, express dep"},
	}[column]
	return texts[random.IntN(len(texts))]
}

func BenchmarkFiveRules(b *testing.B) {
	for _, bad := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("%.1f%%bad", float64(bad)/10_000), func(b *testing.B) { benchmarkRules(b, fiveRules, lineitemBatch(bad)) })
	}
}

func BenchmarkConditions(b *testing.B) {
	in := lineitemBatch(0)
	for _, condition := range []struct{ name, rules string }{
		{"none", "[]"}, // what the others pay, too: that text is UTF-8
		{"not_null", "- {column: l_orderkey, not_null: true}\n"},
		{"range", "- {column: l_quantity, min: 1, max: 50}\n"},
		{"set", "- {column: l_returnflag, in: [A, N, R]}\n"},
		{"large set", "- {column: l_returnflag, in: [A, N, R" + strings.Repeat(", x", 100) + "]}\n"},
		{"max_length", "- {column: l_comment, max_length: 44}\n"},
		{"min_length", "- {column: l_shipmode, min_length: 3}\n"},
		{"matches, short", "- {column: l_shipmode, matches: \"^[A-Z]{3,5}( [A-Z]+)?$\"}\n"},
		{"matches, long", "- {column: l_comment, matches: \"^[ -~]*$\"}\n"},
		{"matches, anywhere", "- {column: l_comment, matches: \"ula|nal|ousl\"}\n"},
		{"expr", "- {expr: l_shipdate <= l_receiptdate}\n"},
	} {
		b.Run(condition.name, func(b *testing.B) { benchmarkRules(b, condition.rules, in) })
	}
}

func benchmarkRules(b *testing.B, rules string, in batch.Batch) {
	v, err := validate.Compile(validate.Ruleset{Rules: parseRules(b, rules)}, lineitem)
	require.NoError(b, err)
	for b.Loop() {
		if _, _, err := v.Apply(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.MaxRows, "ns/row")
}
