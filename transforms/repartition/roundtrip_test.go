package repartition_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/repartition"
)

// Every row arrives exactly once, with every value bit by bit as it was, rows with equal
// values at one target, and tallies that add up to those of the sources and agree with the
// rows at every target: whatever the type, the way, the bundles and the memory.
func TestRowsArriveOnceAndUnchanged(t *testing.T) {
	type way struct {
		table  repartition.Moves
		schema *arrow.Schema
	}
	ways := []way{
		{repartition.Moves{Shards: 3}, everything()},
		{repartition.Moves{By: []string{"utf8", "float64", "decimal(38, 4)"}, Shards: 20}, everything()},
	}
	for i, dt := range flatTypes {
		schema := columnsOf(dt, nestedTypes[i%len(nestedTypes)])
		ways = append(ways, way{repartition.Moves{By: []string{dt.String()}, Shards: 4}, schema})
		if split := (repartition.Moves{SplitBy: dt.String()}); split.Check(schema) == nil {
			ways = append(ways, way{split, schema})
		}
	}
	for i, way := range ways {
		table, schema := way.table, way.schema
		t.Run(fmt.Sprintf("%d %s%v", i, table.SplitBy, table.By), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, uint64(i)))
			require.NoError(t, table.Check(schema))
			params := repartition.Params{
				Staging: t.TempDir(), Tables: []repartition.Moves{table}, BufferBytes: pick[int64](r, 10_000, 1<<20),
			}
			want := map[string][]string{} // by id
			var sources batch.Tally
			var parts []repartition.Part
			for range 3 {
				var bundle []batch.Batch
				for range 1 + r.IntN(3) {
					first := int64(len(want))
					b := batchOf(0, randomRecord(t, r, schema, first, r.IntN(150)), first)
					for row := range int(b.Record.NumRows()) {
						want[cell(b.Record.Column(0), row)] = line(b.Record, row)
					}
					sources.Add(b.Tally)
					bundle = append(bundle, b)
				}
				parts = append(parts, spilled(t, params, bundle...)...)
			}
			checkArrived(t, schema, table, readAll(t, parts), want, sources)
		})
	}
}

func checkArrived(t *testing.T, schema *arrow.Schema, table repartition.Moves, got []batch.Batch, want map[string][]string, sources batch.Tally) {
	t.Helper()
	targets := map[string]batch.Target{} // by the values that decide
	var arrived batch.Tally
	for _, b := range got {
		require.True(t, schema.Equal(b.Record.Schema()), "metadata included")
		require.EqualValues(t, b.Record.NumRows(), b.Tally.Left())
		arrived.Add(b.Tally)
		for row := range int(b.Record.NumRows()) {
			id := cell(b.Record.Column(0), row)
			for i, value := range line(b.Record, row) {
				require.Equal(t, want[id][i], value, "row %s, column %s", id, b.Record.ColumnName(i))
			}
			delete(want, id)
			if key := decisive(table, b.Record, row); key != "" {
				target, known := targets[key]
				require.True(t, !known || target == b.Target, "%s is at %v and %v", key, target, b.Target)
				targets[key] = b.Target
			}
		}
	}
	assert.Empty(t, want, "rows that did not arrive")
	assert.Equal(t, sources, arrived)
}

// decisive is the values that decide where a row goes, as hyperd distinguishes them; empty
// if none do.
func decisive(table repartition.Moves, record arrow.Record, row int) string {
	var all []string
	for _, name := range append(slices.Clone(table.By), table.SplitBy) {
		if name != "" {
			all = append(all, distinct(record.Column(record.Schema().FieldIndices(name)[0]), row))
		}
	}
	return strings.Join(all, " | ")
}

func distinct(column arrow.Array, row int) string {
	if column.IsNull(row) {
		return "null"
	}
	number := func(f float64) string {
		if f == 0 {
			return "0"
		}
		return fmt.Sprint(f) // NaN is NaN
	}
	switch c := column.(type) {
	case *array.Float16:
		return number(float64(c.Value(row).Float32()))
	case *array.Float32:
		return number(float64(c.Value(row)))
	case *array.Float64:
		return number(c.Value(row))
	}
	return cell(column, row)
}

// A target gets the rows of a value and of no other one.
func TestSplitByMakesATargetForEachValue(t *testing.T) {
	t.Parallel()
	for _, dt := range flatTypes {
		schema := columnsOf(dt)
		table := repartition.Moves{SplitBy: dt.String()}
		if table.Check(schema) != nil {
			continue
		}
		values := map[string]map[string]bool{} // by target
		record := randomRecord(t, rand.New(rand.NewPCG(1, 1)), schema, 0, 300)
		parts := spilled(t, repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{table}}, batchOf(0, record, 0))
		for _, b := range readAll(t, parts) {
			for row := range int(b.Record.NumRows()) {
				if values[b.Target.Name] == nil {
					values[b.Target.Name] = map[string]bool{}
				}
				values[b.Target.Name][decisive(table, b.Record, row)] = true
			}
		}
		for name, of := range values {
			if dt.ID() != arrow.TIMESTAMP { // two nanoseconds may be one microsecond
				assert.Len(t, of, 1, "%s: %s", dt, name)
			}
			assert.NotEmpty(t, name)
		}
		assert.Len(t, parts, len(values))
	}
}

func TestColumnsThatOnlyDecideStayBehind(t *testing.T) {
	t.Parallel()
	schema := everything()
	table := repartition.Moves{By: []string{"int32"}, Shards: 2, Columns: []string{"utf8", "id"}}
	require.NoError(t, table.Check(schema))
	record := randomRecord(t, rand.New(rand.NewPCG(1, 1)), schema, 0, 50)
	parts := spilled(t, repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{table}}, batchOf(0, record, 0))
	rows := int64(0)
	for _, b := range readAll(t, parts) {
		assert.Equal(t, "utf8", b.Record.ColumnName(0))
		assert.Equal(t, "id", b.Record.ColumnName(1))
		rows += b.Record.NumRows()
	}
	assert.EqualValues(t, 50, rows)
}

// The order of rows in a target does not depend on that in which a runner delivers parts,
// and a part that is delivered twice is read once.
func TestPartsAreReadInOneOrder(t *testing.T) {
	t.Parallel()
	schema := everything()
	r := rand.New(rand.NewPCG(1, 1))
	params := repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{Shards: 1}}}
	var parts []repartition.Part
	for bundle := range 4 {
		first := int64(1000 * bundle)
		parts = append(parts, spilled(t, params, batchOf(0, randomRecord(t, r, schema, first, 20), first))...)
	}
	parts = append(parts, parts[2])
	for range 5 {
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var ids []int64
		for _, b := range readAll(t, parts) {
			ids = append(ids, b.Record.Column(0).(*array.Int64).Int64Values()...)
		}
		assert.Len(t, ids, 80)
		assert.IsIncreasing(t, ids)
	}
}
