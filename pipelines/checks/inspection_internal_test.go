package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
)

// Each query costs some of what all columns of its table do: with one for each of thousands
// of columns, the time would grow with their square.
func TestWideTablesAreAskedForManyBoundsAtOnce(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 1, boundsAtOnce(16), "what hyperd knows of its blocks answers")
	for _, columns := range []int{201, 1000, 5000} {
		assert.GreaterOrEqual(t, boundsAtOnce(columns), 100)
	}
}

// How many different values there are is counted exactly, whatever the type and the order of rows, or it is not told.
func TestDistinctValues(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	types := map[string]string{ // by what makes them of a number k
		"BIGINT": "k", "INTEGER": "CAST(k AS INTEGER)", "SMALLINT": "CAST(k AS SMALLINT)", "DOUBLE PRECISION": "k / 3.0e0", "NUMERIC(18,2)": "CAST(k AS NUMERIC(18,2))",
		"DATE": "DATE '2026-01-01' + CAST(k AS INTEGER)", "TIMESTAMP": "TIMESTAMP '2026-01-01 00:00:00' + CAST(k AS INTEGER) * INTERVAL '1 minute'",
		"TEXT": "'customer ' || CAST(k AS TEXT)", "BOOLEAN": "k % 2 = 0", "BYTES": "CAST(CAST(k AS TEXT) AS BYTES)", "INTERVAL": "CAST(k AS INTEGER) * INTERVAL '1 day'",
	}
	names := slices.Sorted(maps.Keys(types))
	for name, c := range map[string]struct {
		rows, distinct int64
		k              string // of the row i
	}{
		"none": {0, 0, "i"}, "unique": {distinctRows, distinctRows, "i"}, "few": {distinctRows, 7, "i % 7"}, "skewed": {distinctRows, 100, "least(i, 100)"},
		"not sorted": {distinctRows, 5003, "(i * 2654435761) % 5003"}, "too many rows": {distinctRows + 1, -1, "i"},
	} {
		var made []string
		table := &plan.TablePlan{}
		table.Schema, table.Name = "pg_temp", "t"
		for i, sqlType := range names {
			made = append(made, fmt.Sprintf("CASE WHEN i = 0 THEN NULL ELSE %s END AS c%d", types[sqlType], i))
			table.Columns = append(table.Columns, hyper.Column{Name: fmt.Sprintf("c%d", i), SQLType: sqlType})
		}
		_, err := conn.Exec(t.Context(), fmt.Sprintf(`CREATE TEMPORARY TABLE t AS SELECT %s FROM (SELECT i, %s AS k FROM generate_series(1, %d) AS g(i)) AS numbers`,
			strings.Join(made, ", "), c.k, c.rows))
		require.NoError(t, err, name)
		columns, err := describeColumns(t.Context(), conn, table, nil)
		require.NoError(t, err, name)
		for i, column := range columns {
			want := &c.distinct
			if two := min(c.distinct, 2); names[i] == "BOOLEAN" && c.distinct >= 0 {
				want = &two
			}
			if c.distinct < 0 || names[i] == "INTERVAL" {
				want = nil
			}
			assert.Equal(t, want, column.Distinct, "%s: %s", name, names[i])
		}
		_, err = conn.Exec(t.Context(), "DROP TABLE pg_temp.t")
		require.NoError(t, err)
	}
}
