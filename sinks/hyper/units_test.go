package hyper_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

const unitTable = `CREATE TABLE made.public.t (id INTEGER, "dt" DATE, "re'g" TEXT, ok BOOLEAN, at TIMESTAMP, n SMALLINT, h INTEGER)`

const (
	unitRows = `INSERT INTO made.public.t VALUES
		(1, DATE '2026-01-01', 'it''s', true, TIMESTAMP '2026-01-01 00:00:00', 1, 7),
		(2, DATE '2026-01-01', 'it''s', true, TIMESTAMP '2026-01-01 00:00:00', 1, 7),
		(3, DATE '2026-01-01', '', false, TIMESTAMP '2026-01-01 00:00:01', 2, 7),`
	lastUnit = ` (4, NULL, NULL, NULL, NULL, NULL, 7)`
)

func readUnits(t *testing.T, path string, columns ...string) map[string]hyper.UnitContent {
	t.Helper()
	frozen(t, path)
	content, err := hyper.ReadLayout(t.Context(), hyperdtest.Acquire(t), path)
	require.NoError(t, err)
	units, err := content.ReadUnits(t.Context(), hyperdtest.Acquire(t), path, "public", "t", columns, 10)
	require.NoError(t, err)
	hash, err := content.Hash(everyTable)
	require.NoError(t, err)
	assert.Equal(t, contentHash(t, path), hash, "the rows of all units are those of the table")
	return units
}

// What one unit holds says nothing of another, and rows in another order are the same.
func TestReadUnits(t *testing.T) {
	columns := []string{"dt", "re'g", "ok", "at", "n"}
	before := readUnits(t, writeDatabase(t, 2, unitTable, unitRows+lastUnit), columns...)
	const (
		first  = `["2026-01-01","it's","true","2026-01-01 00:00:00","1"]`
		second = `["2026-01-01","","false","2026-01-01 00:00:01","2"]`
		none   = `[null,null,null,null,null]`
	)
	require.Len(t, before, 3)
	assert.EqualValues(t, 2, before[first].Rows, before)
	assert.EqualValues(t, 1, before[second].Rows)
	assert.EqualValues(t, 1, before[none].Rows)

	after := readUnits(t, writeDatabase(t, 2, unitTable, unitRows+` (5, NULL, NULL, NULL, NULL, NULL, 8)`), columns...)
	assert.Equal(t, before[first], after[first])
	assert.Equal(t, before[second], after[second])
	assert.NotEqual(t, before[none].Checksum, after[none].Checksum)

	path := writeDatabase(t, 2, unitTable, unitRows+lastUnit)
	content, err := hyper.ReadLayout(t.Context(), hyperdtest.Acquire(t), path)
	require.NoError(t, err)
	_, err = content.ReadUnits(t.Context(), hyperdtest.Acquire(t), path, "public", "t", columns, 2)
	require.ErrorIs(t, err, hyper.ErrManyUnits)
	assert.Empty(t, readUnits(t, writeDatabase(t, 2, unitTable), columns...))
}

func TestExtractUnits(t *testing.T) {
	columns := []string{"dt", "re'g", "ok", "at", "n"}
	input := writeDatabase(t, 2, unitTable, unitRows+lastUnit)
	units := readUnits(t, input, columns...)
	delete(units, `[null,null,null,null,null]`)
	var all []string
	for key := range units {
		all = append(all, key)
		rows, part := extractParts(t, input, hyper.Selection{Schema: "public", Name: "t", UnitColumns: columns, Units: []string{key}})
		assert.Equal(t, units[key].Rows, rows)
		assert.Equal(t, map[string]hyper.UnitContent{key: units[key]}, readUnits(t, part, columns...))
	}
	_, part := extractParts(t, input, hyper.Selection{Schema: "public", Name: "t", UnitColumns: columns, Units: all})
	assert.Equal(t, units, readUnits(t, part, columns...))

	for name, wrong := range map[string]hyper.Selection{
		"NULL":           {UnitColumns: []string{"dt"}, Units: []string{`[null]`}},
		"few values":     {UnitColumns: columns, Units: []string{`["2026-01-01"]`}},
		"no key":         {UnitColumns: columns, Units: []string{`nope`}},
		"another column": {UnitColumns: []string{"nope"}, Units: []string{`["1"]`}},
	} {
		wrong.Schema, wrong.Name = "public", "t"
		path := filepath.Join(t.TempDir(), "x.hyper")
		_, err := hyper.Extract(t.Context(), hyperdtest.Acquire(t), input, path, []hyper.Selection{wrong})
		require.Error(t, err, name)
		assert.NoFileExists(t, path)
	}
}
