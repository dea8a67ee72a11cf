package pipelines_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
)

// warningsOf is what the plan of the files of a folder's lake warns of, by column.
func warningsOf(t *testing.T, folder, rest string) map[string]string {
	t.Helper()
	plan, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet, "+rest))
	require.NoError(t, err)
	warnings := map[string]string{}
	for _, warning := range plan.Warnings {
		_, said, _ := strings.Cut(warning, ", column ")
		column, words, _ := strings.Cut(said, ": ")
		warnings[column] = words
	}
	return warnings
}

// A plan says which columns lose their nanoseconds.
func TestNanosecondsAreFlooredAloud(t *testing.T) {
	folder := t.TempDir()
	nanos := &arrow.TimestampType{Unit: arrow.Nanosecond}
	inner := arrow.StructOf(runtest.Field("t", nanos), runtest.Field("u", arrow.FixedWidthTypes.Timestamp_us))
	fields := []arrow.Field{
		runtest.Field("a", nanos), runtest.Field("b", arrow.FixedWidthTypes.Timestamp_ns), runtest.Field("c", arrow.FixedWidthTypes.Time64ns), runtest.Field("d", arrow.FixedWidthTypes.Timestamp_us),
		runtest.Field("asked", nanos), runtest.Field("text", nanos), runtest.Field("s", inner), runtest.Field("json", inner),
	}
	schema := arrow.NewSchema(fields, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"a": "2026-01-01 00:00:00.000000999"}]`))
	require.NoError(t, err)
	writeRecord(t, filepath.Join(folder, "lake", "f.parquet"), record)
	sayings := warningsOf(t, folder, "nested: json}\n    columns: {asked: {type: timestamptz, timezone: UTC}, text: {type: text}, s: {nested: flatten}}\n")
	const says = "nanoseconds, which it can hold, are cut down to microseconds"
	assert.Equal(t, map[string]string{"a": says, "b": says, "c": says, "asked": says, "s.t": says}, sayings)

	sparkFile(t, filepath.Join(folder, "other", "lake"), "int96_kolkata")
	assert.Equal(t, map[string]string{"t": says}, warningsOf(t, filepath.Join(folder, "other"), "select: [t]}\n"))

	runtest.WriteTable(t, filepath.Join(folder, "lake", "g.parquet"), `[{"a": "2026-01-01 00:00:00"}]`, runtest.Field("a", &arrow.TimestampType{Unit: arrow.Microsecond}))
	plan := runtest.PlanOf(t, runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet, select: [a], on_drift: union}\n"))
	require.Len(t, plan.Drift, 1)
	assert.Contains(t, plan.Drift[0], "read as timestamp[us], nanoseconds cut down to microseconds")
}

// A VARIANT is loaded as the bytes that it is stored in, and not in silence.
func TestVariantsAreReadAsTheyAreStored(t *testing.T) {
	folder := t.TempDir()
	variant := runtest.Field("v", arrow.StructOf(runtest.Field("metadata", arrow.BinaryTypes.Binary), runtest.Field("value", arrow.BinaryTypes.Binary)))
	variant.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalUnknown})
	outer := runtest.Field("o", arrow.StructOf(runtest.Field("n", runtest.Int64Type), variant))
	schema := arrow.NewSchema([]arrow.Field{runtest.Field("id", runtest.Int64Type), variant, outer}, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema,
		strings.NewReader(`[{"id": 1, "v": {"metadata": "AQAA", "value": "DAE="}, "o": {"n": 1, "v": {"metadata": "AQAA", "value": "DAE="}}}]`))
	require.NoError(t, err)
	writeRecord(t, filepath.Join(folder, "lake", "f.parquet"), record)
	said := warningsOf(t, folder, "nested: json}\n")
	for _, column := range []string{"v", "o"} {
		assert.Contains(t, said[column], "VARIANT")
	}
	said = warningsOf(t, folder, "nested: flatten}\n")
	for _, column := range []string{"v.metadata", "v.value", "o.v.metadata", "o.v.value"} {
		assert.Contains(t, said[column], "VARIANT")
	}
	assert.Len(t, said, 4)
	assert.Empty(t, warningsOf(t, folder, "select: [id], nested: json}\n"))
	rows, report := loaded(t, folder, ", nested: json, select: [id, v]", "")
	assert.Equal(t, []string{`1|{"metadata":"AQAA","value":"DAE="}`}, rows)
	assert.Len(t, report.Warnings, 1)
}
