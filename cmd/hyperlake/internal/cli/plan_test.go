package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// planned is a configuration of two tables in the working folder, with their lake.
func planned(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	writeParquet(t, "lake/a.parquet",
		arrow.Field{Name: "key", Type: arrow.PrimitiveTypes.Uint64},
		arrow.Field{Name: "span", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
		arrow.Field{Name: "plain", Type: arrow.PrimitiveTypes.Int32})
	writeParquet(t, "lake/b.parquet",
		arrow.Field{Name: "plain", Type: arrow.PrimitiveTypes.Int32, Nullable: true})
	require.NoError(t, os.WriteFile("plan.yaml", []byte(`
name: planned
tables:
  - source: {uri: lake/a.parquet}
    rules:
      - {column: key, min: 1}
      - {name: plain is small, column: plain, max: 10}
  - name: other
    source: {uri: lake/b.parquet}
`), 0o644))
	t.Setenv("HYPERD_PATH", "/nowhere") // a plan needs none
}

func TestPlanPrintsWhatARunWouldDo(t *testing.T) {
	planned(t)

	got := run(t, "", "plan", "plan.yaml")

	require.Equal(t, 0, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	output, err := filepath.Abs("planned.hyper")
	require.NoError(t, err)
	assert.Regexp(t, `^planned: 2 tables in \Q`+output+`\E
format version 3: column "key" is NUMERIC\(20,0\)
2 shards

"Extract"\."Extract": 1 file, 1 row group, 1 row, \d+ bytes
 column │ source type │ SQL type      │ nullable │ conversion
────────┼─────────────┼───────────────┼──────────┼────────────
 key    │ uint64      │ NUMERIC\(20,0\) │ no       │ repack
 span   │ time64\[us\]  │ TIME          │ yes      │
 plain  │ int32       │ INTEGER       │ no       │
hyperd reads 0 of 1 file itself
not read by hyperd: rule "key >= 1" has no SQL form
2 rules: key >= 1, plain is small

"Extract"\."other": 1 file, 1 row group, 1 row, \d+ bytes
 column │ source type │ SQL type │ nullable
────────┼─────────────┼──────────┼──────────
 plain  │ int32       │ INTEGER  │ yes
hyperd reads 1 of 1 file itself
$`, got.stdout)
	assert.NoFileExists(t, output)
}

func TestPlanPrintsJSON(t *testing.T) {
	planned(t)

	got := run(t, "", "plan", "plan.yaml", "--json")

	require.Equal(t, 0, got.code, got.stderr)
	var plan map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &plan))
	assert.Equal(t, "planned", plan["name"])
	assert.EqualValues(t, 3, plan["format_version"])
	assert.EqualValues(t, 2, plan["shards"])
	assert.Len(t, plan["tables"], 2)
}

func TestPlanFailsAsARunWould(t *testing.T) {
	planned(t)

	got := run(t, "", "plan", "plan.yaml", "--set", "output.format_version=2")
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, `column "key" is NUMERIC(20,0), which needs format version 3`)

	got = run(t, "", "plan")
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, "hyperlake plan takes a configuration file")
}
