package runtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// CellsIn reads what a query gives of an extract, by row and column: the texts that hyperd has for values, with all digits of floats;
// nil for NULL.
func CellsIn(t *testing.T, path, sql string) (rows [][]*string) {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	_, err := conn.Exec(t.Context(), "SET extra_float_digits = 3")
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	err = conn.Query(t.Context(), sql, func(_ []hyperd.Field, values [][]byte) error {
		row := make([]*string, len(values))
		for i, value := range values {
			if value != nil {
				text := string(value)
				row[i] = &text
			}
		}
		rows = append(rows, row)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return rows
}
