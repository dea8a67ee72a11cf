package runtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// Tenants are the values that the sales are split by; the last is NULL.
var Tenants = []string{"north", "North", "a/b c", "", "ü", "NULL"}

// SalesRows is how many rows [SalesLake] has.
const SalesRows = 5 * 3000

// SalesLake writes files of sales, in no order: id, day, amount with NaN and -0, and a tenant; all
// but the id may be NULL.
func SalesLake(t *testing.T, folder string) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: Int64Type}, Field("day", arrow.FixedWidthTypes.Date32),
		Field("amount", arrow.PrimitiveTypes.Float64), Field("tenant", TextType),
	}, nil)
	random := rand.New(rand.NewPCG(1, 2))
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "lake"), 0o755))
	for file := range 5 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range SalesRows / 5 {
			b.Field(0).(*array.Int64Builder).Append(int64(file*SalesRows/5 + i))
			appendSale(b, random)
		}
		out, err := os.Create(filepath.Join(folder, "lake", fmt.Sprintf("%d.parquet", file)))
		require.NoError(t, err)
		w, err := pqarrow.NewFileWriter(schema, out,
			parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(1000)), pqarrow.DefaultWriterProps())
		require.NoError(t, err)
		require.NoError(t, w.Write(b.NewRecord()))
		require.NoError(t, w.Close())
	}
}

func appendSale(b *array.RecordBuilder, random *rand.Rand) {
	if day := random.IntN(400); day < 380 {
		b.Field(1).(*array.Date32Builder).Append(arrow.Date32(20_000 + day))
	} else {
		b.Field(1).AppendNull()
	}
	amounts := []float64{math.NaN(), math.Copysign(0, -1), 0, math.Inf(1), math.Inf(-1)}
	switch pick := random.IntN(100); {
	case pick < 3:
		b.Field(2).AppendNull()
	case pick < 20:
		b.Field(2).(*array.Float64Builder).Append(amounts[random.IntN(len(amounts))])
	default:
		b.Field(2).(*array.Float64Builder).Append(random.NormFloat64() * 1000)
	}
	if tenant := Tenants[random.IntN(len(Tenants))]; tenant == "NULL" {
		b.Field(3).AppendNull()
	} else {
		b.Field(3).(*array.StringBuilder).Append(tenant)
	}
}

// SalesConfig is a configuration of [SalesLake], to be formatted with a number of workers.
const SalesConfig = `
name: sales
runner: {parallelism: %d}
tables:
  - source: {uri: lake/*.parquet, where: "id >= 100"}
    columns: {day: {rename: sold}}
    rules:
      - {column: id, max: 14000}
      - {column: tenant, not_null: true, on_fail: warn}
    checks: [{sql: 'select count(*) > 0 from "Extract"."Extract"'}]
`

// Sales runs the configuration with more keys of the table.
func Sales(t *testing.T, folder string, workers int, more string) (*config.Config, *report.Report) {
	t.Helper()
	cfg := Configure(t, folder, fmt.Sprintf(SalesConfig, workers)+more)
	report, err := Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	return cfg, report
}

// RequireSameAccount compares the accounts of the one table of two runs.
func RequireSameAccount(t *testing.T, want, got *report.Report) {
	t.Helper()
	a, b := want.Tables[0], got.Tables[0]
	require.Equal(t,
		[]int64{a.RowsRead, a.RowsFiltered, a.RowsRejected, a.RowsLoaded},
		[]int64{b.RowsRead, b.RowsFiltered, b.RowsRejected, b.RowsLoaded})
	require.Equal(t, a.Rules, b.Rules)
	require.EqualValues(t, SalesRows, b.RowsInFiles)
}

// RequireRows compares the rows of extracts, and shows where they begin to differ. Of 0 and
// -0 hyperd keeps the one that came first into a block, so that they are taken for the same.
func RequireRows(t *testing.T, want, got []string) {
	t.Helper()
	require.Len(t, got, len(want))
	zero := strings.NewReplacer("|-0|", "|0|")
	for i := range want {
		require.Equal(t, zero.Replace(want[i]), zero.Replace(got[i]), "row %d", i)
	}
}
