package hyper

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
)

// drawnNights is a table of a model: the rows of each unit, by the unit's values.
type drawnNights struct {
	*rand.Rand
	name  string
	units map[string][]int
	last  int // number of the last row
}

// drawnLayout is two tables of numbered rows that have units by two columns.
func drawnLayout() Layout {
	columns := []Column{{Name: "a", SQLType: "TEXT", Nullable: true}, {Name: "n", SQLType: "BIGINT"}, {Name: "b", SQLType: "DATE", Nullable: true}}
	return Layout{Version: MinVersion, Tables: []Table{
		{Schema: "Extract", Name: "t", Columns: columns, PrimaryKey: []string{"n"}}, {Schema: "Extract", Name: "u", Columns: columns},
	}}
}

// unit draws the values of a unit, some of which are nearly the same.
func (d *drawnNights) unit() string {
	texts := []string{"NULL", "''", "'a'", "'A'", "'a '", "'it''s'", `'"\'`, `E'\x00'`}
	days := []string{"NULL", "DATE '2026-11-01'", "DATE '2026-11-02'"}
	return texts[d.IntN(len(texts))] + ", " + days[d.IntN(len(days))]
}

// rowsOf draws rows for a unit.
func (d *drawnNights) rowsOf() []int {
	var rows []int
	for range d.IntN(4) * d.IntN(300) {
		d.last++
		rows = append(rows, d.last)
	}
	return rows
}

// night changes units, and returns the patch that does the same, and what loads the rows that come.
func (d *drawnNights) night() (patch TablePatch, load []string) {
	patch = TablePatch{Columns: []string{"a", "b"}, Whole: d.IntN(8) == 0}
	changed := map[string]bool{}
	for range d.IntN(6) {
		changed[d.unit()] = true
	}
	var before map[string][]int
	if before = d.units; patch.Whole {
		before, d.units = nil, map[string][]int{}
	}
	for unit := range changed {
		rows := d.rowsOf()
		text, day, _ := strings.Cut(unit, ", ")
		patch.Units = append(patch.Units, PatchedUnit{Values: []string{text, day}, Before: int64(len(before[unit])), After: int64(len(rows))})
		d.units[unit] = rows
		if len(rows) > 0 {
			load = append(load, d.insertSQL(unit, rows))
		}
	}
	for _, rows := range d.units {
		patch.Rows += int64(len(rows))
	}
	return patch, load
}

func (d *drawnNights) insertSQL(unit string, rows []int) string {
	text, day, _ := strings.Cut(unit, ", ")
	return fmt.Sprintf(`INSERT INTO made."Extract"."%s" SELECT CAST(%s AS TEXT), generate_series, CAST(%s AS DATE) FROM generate_series(%d, %d)`,
		d.name, text, day, rows[0], rows[len(rows)-1])
}

// requireIn checks that a file has the rows of the model, and each in its unit.
func (d *drawnNights) requireIn(t *testing.T, path string) {
	t.Helper()
	var all []string
	for _, unit := range slices.Sorted(maps.Keys(d.units)) {
		text, day, _ := strings.Cut(unit, ", ")
		rows := d.units[unit]
		if len(rows) == 0 {
			continue
		}
		all = append(all, fmt.Sprintf("(a IS NOT DISTINCT FROM %s AND b IS NOT DISTINCT FROM CAST(%s AS DATE) AND n BETWEEN %d AND %d)",
			text, day, rows[0], rows[len(rows)-1]))
	}
	var rows int
	for _, of := range d.units {
		rows += len(of)
	}
	all = append(all, "false")
	got := value(t, path, fmt.Sprintf(`SELECT concat(count(*), ' ', count(DISTINCT n), ' ', count(*) FILTER (WHERE %s)) FROM x."Extract"."%s"`,
		strings.Join(all, " OR "), d.name))
	require.Equal(t, fmt.Sprintf("%d %[1]d %[1]d", rows), got)
}

// Nights of random changes against a model, by copies and anew; some nights the state is wrong.
func TestPatchOverDrawnNights(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	layout := drawnLayout()
	tables := []*drawnNights{{Rand: random, name: "t", units: map[string][]int{}}, {Rand: random, name: "u", units: map[string][]int{}}}
	current := built(t, layout)
	for night := range 12 {
		p := Patch{Layout: layout, Base: current, Anew: random.IntN(4) == 0}
		var loads []string
		for _, table := range tables {
			patch, load := table.night()
			p.Tables, loads = append(p.Tables, patch), append(loads, load...)
		}
		if len(loads) > 0 || random.IntN(2) == 0 {
			p.Added = built(t, layout, loads...)
		}
		next := filepath.Join(t.TempDir(), fmt.Sprintf("%d.hyper", night))
		if wrong := &p.Tables[random.IntN(2)]; len(wrong.Units) > 0 && !wrong.Whole {
			wrong.Units[0].Before++
			_, err := p.Make(t.Context(), hyperdtest.Acquire(t), next, FileOptions{})
			require.ErrorIs(t, err, ErrBase)
			require.Equal(t, failure.Hyperd, failure.Of(err, failure.Engine).Kind)
			wrong.Units[0].Before--
		}
		file, err := p.Make(t.Context(), hyperdtest.Acquire(t), next, FileOptions{})
		require.NoError(t, err)
		for i, table := range tables {
			assert.Equal(t, p.Tables[i].Rows, file.Tables[i].Rows)
			table.requireIn(t, next)
		}
		current = next
	}
}
