package expr_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
)

// TestCELAgrees evaluates what is common to this language and to CEL, without NULL, with
// the interpreter of CEL itself: true, false, and failed where CEL has an error.
func TestCELAgrees(t *testing.T) {
	t.Parallel()
	instant := &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}
	schema := schemaOf(t, "i", arrow.PrimitiveTypes.Int64, "j", arrow.PrimitiveTypes.Int64, "u", arrow.PrimitiveTypes.Uint64, "f", arrow.PrimitiveTypes.Float64,
		"s", arrow.BinaryTypes.String, "p", arrow.BinaryTypes.String, "b", arrow.FixedWidthTypes.Boolean, "ts", instant, "bin", arrow.BinaryTypes.Binary)
	env, err := cel.NewEnv(ext.Strings(), cel.CrossTypeNumericComparisons(true),
		cel.Variable("i", cel.IntType), cel.Variable("j", cel.IntType), cel.Variable("u", cel.UintType), cel.Variable("f", cel.DoubleType),
		cel.Variable("s", cel.StringType), cel.Variable("p", cel.StringType), cel.Variable("b", cel.BoolType), cel.Variable("ts", cel.TimestampType), cel.Variable("bin", cel.BytesType))
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(21, 22))
	rows := celRows(random, 60)
	record := celRecord(schema, rows)
	g := celGenerator{generator{random}}
	compared := 0
	for compared < 1500 {
		text := g.condition(random.IntN(4))
		p, err := expr.Compile(text, schema, time.Time{})
		if err != nil { // a constant without a value, which CEL leaves to evaluation
			require.ErrorContains(t, err, "has no value", text)
			continue
		}
		compared++
		checked, issues := env.Compile(text)
		require.NoError(t, issues.Err(), text)
		program, err := env.Program(checked)
		require.NoError(t, err)
		ours, err := p.Eval(record)
		require.NoError(t, err)
		got := letters(t, ours)
		for n, row := range rows {
			want := "X"
			if out, _, err := program.Eval(row); err == nil {
				want = map[bool]string{true: "T", false: "F"}[out.Value().(bool)]
			}
			require.Equal(t, want, got[n:n+1], "%s on %v", text, row)
		}
	}
}

func celRows(random *rand.Rand, n int) []map[string]any {
	pick := func(list ...int64) int64 { return list[random.IntN(len(list))] }
	var rows []map[string]any
	for range n {
		rows = append(rows, map[string]any{
			"i": pick(0, 1, -1, 5, 7, math.MaxInt64, math.MinInt64), "j": pick(0, 1, -1, 2, -3, math.MaxInt64),
			"u": uint64(pick(0, 1, 2, 7, -1)), "f": []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, math.NaN(), math.Inf(1), 1e19}[random.IntN(8)],
			"s": texts[random.IntN(len(texts))], "p": texts[random.IntN(len(texts))], "b": random.IntN(2) == 0, "bin": []byte(texts[random.IntN(len(texts))]),
			"ts": time.Unix(pick(0, -1, 1769817600, 4102444799), pick(0, 1, 999_999_999)).UTC(),
		})
	}
	return rows
}

func celRecord(schema *arrow.Schema, rows []map[string]any) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, row := range rows {
		for i, f := range schema.Fields() {
			switch v := row[f.Name].(type) {
			case int64:
				b.Field(i).(*array.Int64Builder).Append(v)
			case uint64:
				b.Field(i).(*array.Uint64Builder).Append(v)
			case float64:
				b.Field(i).(*array.Float64Builder).Append(v)
			case string:
				b.Field(i).(*array.StringBuilder).Append(v)
			case bool:
				b.Field(i).(*array.BooleanBuilder).Append(v)
			case []byte:
				b.Field(i).(*array.BinaryBuilder).Append(v)
			case time.Time:
				b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixNano()))
			}
		}
	}
	return b.NewRecord()
}

// celGenerator writes random conditions that are valid in both languages.
type celGenerator struct {
	generator
}

func (g celGenerator) condition(depth int) string {
	if depth > 0 {
		switch g.IntN(5) {
		case 0:
			return fmt.Sprintf("(%s && %s)", g.condition(depth-1), g.condition(depth-1))
		case 1:
			return fmt.Sprintf("(%s || %s)", g.condition(depth-1), g.condition(depth-1))
		case 2:
			return fmt.Sprintf("!(%s)", g.condition(depth-1))
		case 3:
			return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), g.condition(depth-1), g.condition(depth-1))
		}
	}
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("%s.%s(%s)", g.text(depth), g.oneOf("startsWith", "endsWith", "contains"), g.text(depth))
	case 1:
		return fmt.Sprintf("%s.matches(%s)", g.text(depth), g.oneOf("'a.c'", "'^$'", "r'\\d'", "'(?i)b'"))
	case 2:
		return fmt.Sprintf("%s %s %s", g.text(depth), g.operator(), g.text(depth))
	case 3:
		return fmt.Sprintf("%s in [0, 7, -1]", g.int(depth))
	case 4:
		return fmt.Sprintf("ts %s timestamp(%s)", g.operator(), g.oneOf("'1970-01-01T00:00:00Z'", "'2026-01-31T00:00:00.000000001Z'", "'2026-01-31T01:00:00+01:00'"))
	case 5:
		return fmt.Sprintf("%s %s %s", g.double(depth), g.operator(), g.double(depth))
	case 6:
		return fmt.Sprintf("(bin + b'x') %s bin", g.operator())
	case 7:
		return fmt.Sprintf("%s %s %s", g.oneOf("u", "(u + 2u)", "(u * u)", "(u - 1u)", "(5u / u)", "(7u % u)"), g.oneOf("<", "<=", ">", ">="), g.oneOf("u", "3u", "i"))
	default:
		return fmt.Sprintf("%s %s %s", g.int(depth), g.operator(), g.int(depth))
	}
}

func (g celGenerator) int(depth int) string {
	if depth <= 0 {
		return g.oneOf("i", "j", "0", "3", "-1")
	}
	switch g.IntN(7) {
	case 0:
		return fmt.Sprintf("size(%s)", g.text(depth-1))
	case 1:
		return fmt.Sprintf("%s.%s(%s)", g.text(depth-1), g.oneOf("indexOf", "lastIndexOf"), g.text(depth-1))
	case 2:
		return fmt.Sprintf("ts.%s()", g.oneOf("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds"))
	case 3:
		return fmt.Sprintf("int(%s)", g.oneOf("ts", "s", "'12'", "i", "u"))
	case 4:
		return "-" + g.oneOf("i", "j")
	default:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), g.oneOf("+", "-", "*", "/"), g.int(depth-1))
	}
}

func (g celGenerator) double(depth int) string {
	if depth <= 0 {
		return g.oneOf("f", "0.5", "1.0")
	}
	return g.oneOf("double(i)", "double(u)", "-f", fmt.Sprintf("(%s %s %s)", g.double(depth-1), g.oneOf("+", "-", "*", "/"), g.double(depth-1)))
}

func (g celGenerator) text(depth int) string {
	if depth <= 0 {
		return g.oneOf("s", "p", "'abc'", "''", "'b'")
	}
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s + %s)", g.text(depth-1), g.text(depth-1))
	case 1:
		return fmt.Sprintf("%s.%s()", g.text(depth-1), g.oneOf("lowerAscii", "upperAscii", "trim"))
	case 2:
		return fmt.Sprintf("%s.substring(%d)", g.text(depth-1), g.IntN(4)-1)
	case 3:
		return fmt.Sprintf("%s.charAt(%d)", g.text(depth-1), g.IntN(4)-1)
	case 4:
		return fmt.Sprintf("%s.replace(%s, %s%s)", g.text(depth-1), g.text(depth-1), g.text(depth-1), g.oneOf("", ", 1", ", -1", ", 0"))
	default:
		return fmt.Sprintf("string(%s)", g.oneOf("i", "u", "b", "s", "ts", "bin"))
	}
}
