package convert_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
)

// BenchmarkApply reports the time for one value.
func BenchmarkApply(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	list := func(text func() string) arrow.Array {
		texts := make([]string, 64<<10)
		for i := range texts {
			texts[i] = text()
		}
		return textValues(texts...)
	}
	day := func(layout string) func() string {
		return func() string { return time.Unix(random.Int64N(2e9), 0).UTC().Format(layout) }
	}
	integers := list(func() string { return fmt.Sprint(random.Int64N(1e10)) })
	cases := []struct {
		name   string
		source arrow.Array
		ask    convert.Column
	}{
		{"text to bigint", integers, ask("bigint")},
		{"text to numeric(18,4)", list(func() string { return fmt.Sprintf("%d.%02d", random.IntN(1e6), random.IntN(100)) }), ask("numeric(18,4)")},
		{"text to double", list(func() string { return fmt.Sprint(random.Float64()) }), ask("float8")},
		{"text to date", list(day("2006-01-02")), ask("date")},
		{"text to date by format", list(day("02.01.2006")), convert.Column{Type: "date", Format: "%d.%m.%Y"}},
		{"text to timestamptz", list(day("2006-01-02T15:04:05")), convert.Column{Type: "timestamptz", Timezone: "Europe/Berlin"}},
		{"text to geography", list(func() string { return fmt.Sprintf("POINT(%.6f %.6f)", random.Float64(), random.Float64()) }), ask("geography")},
		{"lists to JSON", jsonLists(random), asJSON},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			c.ask.Source = "c"
			schema := schemaOf(nullable("c", c.source.DataType()))
			converter, err := convert.Compile(schema, "", []convert.Column{c.ask})
			require.NoError(b, err)
			record := array.NewRecord(schema, []arrow.Array{c.source}, -1)
			for b.Loop() {
				_, _, err := converter.Apply(record)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.source.Len()), "ns/value")
		})
	}
}

// jsonLists makes lists of three structures of a number and a text.
func jsonLists(random *rand.Rand) arrow.Array {
	of := arrow.StructOf(nullable("id", p.Int64), nullable("name", b.String))
	lists := array.NewListBuilder(memory.DefaultAllocator, of)
	structs := lists.ValueBuilder().(*array.StructBuilder)
	for range 16 << 10 {
		lists.Append(true)
		for range 3 {
			structs.Append(true)
			structs.FieldBuilder(0).(*array.Int64Builder).Append(random.Int64N(1e6))
			structs.FieldBuilder(1).(*array.StringBuilder).Append("a name of some length")
		}
	}
	return lists.NewArray()
}
