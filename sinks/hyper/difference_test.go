package hyper_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

func figure(column, name, a, b string) hyper.Figure {
	figure := hyper.Figure{Column: column, Figure: name}
	if a != "" {
		figure.A = &a
	}
	if b != "" {
		figure.B = &b
	}
	return figure
}

func TestDifferences(t *testing.T) {
	const create = `CREATE TABLE made.public.t (a INTEGER, b TEXT, n NUMERIC(18,2))`
	base := writeDatabase(t, 2, create, `INSERT INTO made.public.t VALUES (1, 'x', 0.10), (2, NULL, 5.00), (2, NULL, 5.00)`)
	for name, c := range map[string]struct {
		other        []string
		onlyA, onlyB int64
		compared     []string
		figures      []hyper.Figure
	}{
		"equal, in another order": {[]string{`CREATE TABLE made.public.t (n NUMERIC(18,2), b TEXT, a INTEGER)`,
			`INSERT INTO made.public.t VALUES (5.00, NULL, 2), (0.10, 'x', 1), (5.00, NULL, 2)`}, 0, 0, []string{"a", "b", "n"}, nil},
		"one more often": {[]string{create, `INSERT INTO made.public.t VALUES (1, 'x', 0.10), (1, 'x', 0.10), (2, NULL, 5.00)`}, 1, 1, []string{"a", "b", "n"},
			[]hyper.Figure{figure("a", "sum", "5", "4"), figure("b", "nulls", "2", "1"), figure("n", "sum", "10.10", "5.20")}},
		"a value": {[]string{create, `INSERT INTO made.public.t VALUES (1, 'x', 0.10), (2, NULL, 5.00), (2147483647, '~', 5.01)`}, 1, 1, []string{"a", "b", "n"},
			[]hyper.Figure{figure("a", "max", "2", "2147483647"), figure("a", "sum", "5", "2147483650"), figure("b", "nulls", "2", "1"), figure("b", "max", "x", "~"),
				figure("n", "max", "5.00", "5.01"), figure("n", "sum", "10.10", "10.11")}},
		"no rows": {[]string{create}, 3, 0, []string{"a", "b", "n"}, []hyper.Figure{
			figure("a", "min", "1", ""), figure("a", "max", "2", ""), figure("a", "sum", "5", ""), figure("b", "nulls", "2", "0"), figure("b", "min", "x", ""),
			figure("b", "max", "x", ""), figure("n", "min", "0.10", ""), figure("n", "max", "5.00", ""), figure("n", "sum", "10.10", "")}},
		"another type": {[]string{`CREATE TABLE made.public.t (a BIGINT, b TEXT, n NUMERIC(18,2), m TEXT)`,
			`INSERT INTO made.public.t VALUES (7, 'x', 0.10, ''), (2, NULL, 5.00, ''), (2, NULL, 5.00, '')`}, 0, 0, []string{"b", "n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hyper.Differences(t.Context(), hyperdtest.Acquire(t), base, writeDatabase(t, 2, c.other...))
			require.NoError(t, err)
			require.Len(t, got, 1)
			assert.Equal(t, c.compared, got[0].Compared)
			assert.Equal(t, []int64{c.onlyA, c.onlyB}, []int64{*got[0].OnlyA, *got[0].OnlyB})
			assert.Equal(t, c.figures, got[0].Figures)
		})
	}
	t.Run("itself", func(t *testing.T) {
		got, err := hyper.Differences(t.Context(), hyperdtest.Acquire(t), base, base)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Zero(t, *got[0].OnlyA+*got[0].OnlyB)
	})
	t.Run("tables", func(t *testing.T) {
		got, err := hyper.Differences(t.Context(), hyperdtest.Acquire(t), base, writeDatabase(t, 2, `CREATE TABLE made.public.u (a INTEGER)`, `CREATE TABLE made.public."T" (a INTEGER)`))
		require.NoError(t, err)
		require.Len(t, got, 3)
		assert.Nil(t, got[0].B)
		assert.Nil(t, got[0].OnlyA)
		assert.Nil(t, got[1].A)
		assert.Nil(t, got[2].A)
	})
	t.Run("no file", func(t *testing.T) {
		_, err := hyper.Differences(t.Context(), hyperdtest.Acquire(t), base, base+"x")
		require.ErrorContains(t, err, "x")
	})
}

// Every type of a column can be compared, and sums do not overflow.
func TestDifferencesOfTypes(t *testing.T) {
	const create = `CREATE TABLE made.public.t (i SMALLINT, b BIGINT, w NUMERIC(38,2), n NUMERIC(26,6), d DOUBLE PRECISION, r REAL, o BOOLEAN, y BYTES,
		v INTERVAL, t TIME, z TIMESTAMPTZ, c CHAR(3), j JSON, g TABLEAU.TABGEOGRAPHY)`
	const values = `INSERT INTO made.public.t SELECT 32767, 9223372036854775807, CAST('999999999999999999999999999999999999.25' AS NUMERIC(38,2)),
		CAST('99999999999999999999.5' AS NUMERIC(26,6)), CAST('NaN' AS DOUBLE PRECISION), CAST(1.1 AS REAL), true, CAST('ab' AS BYTES),
		INTERVAL '1 day', TIME '10:00:00', TIMESTAMPTZ '2026-01-01 00:00:00+00', 'ab', CAST('{"a": 1}' AS JSON), NULL`
	a := writeDatabase(t, 4, create, values, values)
	got, err := hyper.Differences(t.Context(), hyperdtest.Acquire(t), a, writeDatabase(t, 4, create, values, values))
	require.NoError(t, err)
	assert.Zero(t, *got[0].OnlyA+*got[0].OnlyB)
	got, err = hyper.Differences(t.Context(), hyperdtest.Acquire(t), a, writeDatabase(t, 4, create, values))
	require.NoError(t, err)
	assert.EqualValues(t, 1, *got[0].OnlyA)
	assert.EqualValues(t, 0, *got[0].OnlyB)
	assert.Equal(t, []hyper.Figure{
		figure("i", "sum", "65534", "32767"), figure("b", "sum", "18446744073709551614", "9223372036854775807"),
		figure("n", "sum", "199999999999999999999.000000", "99999999999999999999.500000"), figure("g", "nulls", "2", "1"),
	}, got[0].Figures)
}
