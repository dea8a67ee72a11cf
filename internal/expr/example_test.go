package expr_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
)

func Example() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "quantity", Type: arrow.PrimitiveTypes.Int64},
		{Name: "shipped", Type: arrow.FixedWidthTypes.Date32},
	}, nil)
	program, err := expr.Compile(`shipped >= date('2026-01-01') && quantity > 10`, schema, time.Time{})
	if err != nil {
		fmt.Println(err)
		return
	}
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[
		{"quantity": 11, "shipped": "2026-01-31"},
		{"quantity": 11, "shipped": null},
		{"quantity": 9, "shipped": null}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	truth, err := program.Eval(record)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("true %03b, NULL %03b, from row 2 to row 0\n", truth.True, truth.Null)

	quantities, _, err := array.FromJSON(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, strings.NewReader(`[1, 10]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("read a row group of at most 10:", program.MayBeTrue(func(column string) expr.Range {
		if column == "quantity" {
			return expr.Range{Bounds: quantities, Nulls: expr.NoNulls}
		}
		return expr.Range{}
	}))
	// Output:
	// true [001], NULL [010], from row 2 to row 0
	// read a row group of at most 10: false
}

func ExampleCompile_problem() {
	schema := arrow.NewSchema([]arrow.Field{{Name: "l_shipdate", Type: arrow.FixedWidthTypes.Date32}}, nil)
	_, err := expr.Compile(`l_shipdate > '2026-01-01'`, schema, time.Time{})
	problem := failure.Of(err, failure.Config)
	fmt.Println(problem.Message)
	fmt.Println(problem.Hint)
	// Output:
	// character 12: > compares date with text
	// write date(…) around the text
}
