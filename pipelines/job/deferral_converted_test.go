package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/runtest"
)

// writePlain writes a file of the extremes of all plain types, a fifth of them NULL.
func writePlain(t *testing.T, path string) {
	schema := arrow.NewSchema(plainFields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 200 {
		for c, b := range builder.Fields() {
			if (i*7+c)%5 == 0 {
				b.AppendNull()
			} else {
				appendPlain(b, i)
			}
		}
	}
	w, err := os.Create(path)
	require.NoError(t, err)
	out, err := pqarrow.NewFileWriter(schema, w, parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_LATEST)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, out.Write(builder.NewRecord()))
	require.NoError(t, out.Close())
}

// Conversions that no value fails are made by hyperd as they are here, row by row, and rules and where are about what
// they made.
func TestHyperdAndGoConvertTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	writePlain(t, path)
	for name, rest := range map[string]string{
		"whole numbers": `} columns:
      i8: {type: bigint, rename: eight}
      u8: {type: integer}
      i16: {type: "numeric(18,4)"}
      u16: {type: "numeric(38,33)"}
      i32: {type: double precision, default: "0.1"}
      n: {type: "numeric(38,19)", default: "-1.5"}
`,
		"text": `} columns:
      b: {type: text}
      i8: {type: text}
      i16: {type: text, default: ""}
      i32: {type: text, default: "it's ž"}
      n: {type: text}
      u8: {type: text, default: "NULL"}
      u16: {type: text}
`,
		"booleans": `} columns:
      b: {type: smallint, default: "-7"}
`,
		"defaults": `} columns:
      b: {default: "true"}
      i16: {default: "-32768"}
      i32: {default: "2147483647"}
      n: {default: "-9223372036854775808"}
      f64: {default: "1e-300"}
      s: {default: "a 'b' \\ ž"}
      day: {default: "0001-01-01"}
      us: {default: "9999-12-31T23:59:59.999999"}
`,
		"rules": `, where: "n != '9223372036854775807'"} columns:
      i8: {type: text}
      i32: {type: bigint, default: "5"}
      n: {type: text}
      s: {default: none}
    rules:
      - {column: i8, in: ["-128", "0"]}
      - {column: i32, min: 0}
      - {column: s, not_null: true, max_length: 5, on_fail: warn}
    rejects: {path: rejects}
`,
		"what is not loaded": `, select: [n, d5]} columns:
      i32: {type: text, default: none}
      s: {default: none}
    rules: [{column: i32, max_length: 4}, {column: s, max_length: 4}]
    rejects: {path: rejects}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := runtest.RequireSame(t, fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s'%s", path, strings.Replace(rest, "} columns", "}\n    columns", 1)))
			assert.Equal(t, 1, plan.Deferred, plan.Materialised)
		})
	}
}

// What a value can fail, or what hyperd was not shown to make the same way, stays here, and the plan says so.
func TestConversionsWithoutSQLStayInGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	writePlain(t, path)
	for column, ask := range map[string]string{
		"n": `{type: integer}`, "i32": `{type: "numeric(10,1)"}`, "i8": `{type: boolean}`, "f64": `{default: "-0"}`, "s": `{type: bytes}`, "d5": `{default: "1"}`,
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			plan := runtest.PlanOf(t, runtest.Configure(t, t.TempDir(),
				fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s'}\n    columns: {%s: %s}\n", path, column, ask)))
			assert.Zero(t, plan.Deferred)
			assert.Equal(t, []string{"column " + column + " is converted, which has no SQL form"}, plan.Materialised)
		})
	}
}
