package validate_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/runners/direct/directtest"
	"hyperlake/transforms/validate"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

func init() {
	beam.RegisterFunction(describeGood)
	beam.RegisterFunction(describeRejects)
}

func describeGood(b batch.Batch) string {
	return fmt.Sprintf("%d %v %+v %v", b.Table, b.Origin, b.Tally, b.Record.Column(0))
}

func describeRejects(r batch.Rejects) string {
	return fmt.Sprintf("%d %v %v %v %v", r.Table, r.Origin, r.Rows, r.Rules, r.Record.Column(0))
}

func pipelineTables(t testing.TB) []validate.Ruleset {
	return []validate.Ruleset{
		{Rules: parseRules(t, "- {column: n, min: 0, max: 9.5}\n- {column: n, not_null: true, on_fail: warn}\n")},
		{Rules: parseRules(t, "- {column: s, in: [a, b]}\n")},
	}
}

func pipelineBatches(t testing.TB) []any {
	make := func(table int, file string, first int64, dt arrow.DataType, name, values string) batch.Batch {
		arr := column(t, dt, values)
		return batch.Batch{
			Table: table, Origin: batch.Origin{File: file, FirstRow: first},
			Tally: batch.Tally{Read: int64(arr.Len())}, Record: record(name, arr),
		}
	}
	return []any{
		make(0, "a", 0, arrow.PrimitiveTypes.Int64, "n", `[1, 10, null, -1]`),
		make(1, "b", 0, arrow.BinaryTypes.String, "s", `["a", "b"]`),
		make(0, "c", 7, arrow.PrimitiveTypes.Int16, "n", `[9, 10]`), // the same column as another type
		make(1, "d", 5, arrow.BinaryTypes.String, "s", `["c"]`),
	}
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	result, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		good, rejects := validate.Rules(s, beam.Create(s, pipelineBatches(t)...), pipelineTables(t))
		return []beam.PCollection{beam.ParDo(s, describeGood, good), beam.ParDo(s, describeRejects, rejects)}
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"0 file a, row group 0, row 0 {Read:4 Filtered:0 Rejected:2 Failed:[2 1 0] Deleted:0 Doubtful:0 Units:[]} [1 (null)]",
		"0 file c, row group 0, row 7 {Read:2 Filtered:0 Rejected:1 Failed:[1 0 0] Deleted:0 Doubtful:0 Units:[]} [9]",
		"1 file b, row group 0, row 0 {Read:2 Filtered:0 Rejected:0 Failed:[0 0] Deleted:0 Doubtful:0 Units:[]} [\"a\" \"b\"]",
		"1 file d, row group 0, row 5 {Read:1 Filtered:0 Rejected:1 Failed:[1 0] Deleted:0 Doubtful:0 Units:[]} []",
	}, result.Lines[0])
	assert.Equal(t, []string{
		"0 file a, row group 0, row 0 [1 3] [[0] [0]] [10 -1]",
		"0 file c, row group 0, row 7 [8] [[0]] [10]",
		"1 file d, row group 0, row 5 [5] [[0]] [\"c\"]",
	}, result.Lines[1])
	assert.EqualValues(t, 4, result.Counts["rows_rejected"])
}

func TestFailuresCrossThePipeline(t *testing.T) {
	t.Parallel()
	tables := pipelineTables(t)
	failing := []validate.Ruleset{{Rules: parseRules(t, "- {column: n, max: 9, on_fail: fail}\n")}, tables[1]}
	misfit := []validate.Ruleset{{Rules: parseRules(t, "- {column: m, max: 9}\n")}, tables[1]}
	for _, test := range []struct {
		tables []validate.Ruleset
		kind   failure.Kind
		want   string
	}{
		{failing, failure.Data, `rule "n <= 9" is broken: column n, file a, row group 0, row 1`},
		{misfit, failure.Data, `file a, row group 0, row 0: rule "m <= 9": there is no column m; did you mean n?`},
		{tables[:1], failure.Engine, "a batch is of table 1, but the run has 1 tables"},
	} {
		_, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
			validate.Rules(s, beam.Create(s, pipelineBatches(t)...), test.tables)
			return nil
		})
		require.Error(t, err)
		got, ok := failure.Decode(err.Error())
		require.True(t, ok, err)
		assert.Equal(t, test.kind, got.Kind)
		assert.Contains(t, got.Message, test.want)
	}
}
