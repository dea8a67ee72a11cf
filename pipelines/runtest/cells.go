package runtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// CellsIn reads what a query gives of an extract: the names of its columns, and by row and column the texts that hyperd has for values,
// with all digits of floats; nil for NULL.
func CellsIn(t *testing.T, path, sql string) (names []string, rows [][]*string) {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	_, err := conn.Exec(t.Context(), "SET extra_float_digits = 3")
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	err = conn.QueryResults(t.Context(), sql, func(fields []hyperd.Field) error {
		for _, field := range fields {
			names = append(names, field.Name)
		}
		return nil
	}, func(_ []hyperd.Field, values [][]byte) error {
		row := make([]*string, len(values))
		for i, value := range values {
			if value != nil {
				row[i] = new(string(value))
			}
		}
		rows = append(rows, row)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return names, rows
}
