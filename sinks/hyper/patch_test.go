package hyper

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
)

// built is a file of a layout, in which statements know it as made.
func built(t testing.TB, layout Layout, statements ...string) string {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	path := filepath.Join(t.TempDir(), "built.hyper")
	require.NoError(t, layout.create(t.Context(), conn, path, "made"))
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Detach(t.Context(), "made"))
	return path
}

// made patches a base, which stays as it is, by a copy and anew, which must hold the same.
func made(t testing.TB, p Patch) (File, string) {
	anew := p
	anew.Anew = true
	file, path := madeOnce(t, p)
	other, otherPath := madeOnce(t, anew)
	assert.Equal(t, file.Tables, other.Tables)
	contents := [2]Content{}
	for i, path := range []string{path, otherPath} {
		copied := path + ".copy" // which hyperd may hold for a moment
		require.NoError(t, copyFile(t.Context(), path, copied))
		var err error
		contents[i], err = ReadContent(t.Context(), hyperdtest.Acquire(t), copied)
		require.NoError(t, err)
	}
	assert.Equal(t, contents[0], contents[1])
	return file, path
}

func madeOnce(t testing.TB, p Patch) (File, string) {
	before, _, err := storage.SHA256(t.Context(), p.Base)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "next.hyper")
	file, err := p.Make(t.Context(), hyperdtest.Acquire(t), path, FileOptions{})
	require.NoError(t, err)
	after, bytes, err := storage.SHA256(t.Context(), p.Base)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Equal(t, path, file.Path)
	assert.NotZero(t, bytes)
	return file, path
}

// patchLayout is customers and their orders, by country and day.
func patchLayout() Layout {
	return Layout{Version: MinVersion, Tables: []Table{
		{
			Schema: "Extract", Name: `it's "customers"`, PrimaryKey: []string{"n"},
			Columns: []Column{{Name: "n", SQLType: "INTEGER"}, {Name: "country", SQLType: "TEXT", Nullable: true}},
		}, {
			Schema: "Extract", Name: "orders",
			Columns: []Column{
				{Name: "day", SQLType: "DATE", Nullable: true}, {Name: "n", SQLType: "INTEGER"},
				{Name: `co"untry`, SQLType: "TEXT", Nullable: true},
			},
			ForeignKeys: []ForeignKey{{Columns: []string{"n"}, Schema: "Extract", Table: `it's "customers"`, To: []string{"n"}}},
		},
	}}
}

const (
	customersMade = `made."Extract"."it's ""customers"""`
	ordersMade    = `made."Extract"."orders"`
	customersAre  = `SELECT string_agg(n || ' ' || coalesce(country, '~'), ', ' ORDER BY n) FROM x."Extract"."it's ""customers"""`
	ordersAre     = `SELECT string_agg(concat(n, ' ', coalesce(CAST(day AS TEXT), '~'), ' ', coalesce("co""untry", '~')), ', ' ORDER BY n, day, "co""untry")
		FROM x."Extract"."orders"`
)

// patchBase is such a file, with what a layout does not say.
func patchBase(t testing.TB) string {
	return built(t, patchLayout(),
		"COMMENT ON COLUMN "+customersMade+`.country IS 'it''s home'`,
		"INSERT INTO "+customersMade+` VALUES (1, 'CZ'), (2, 'cz'), (3, NULL), (4, 'CZ ')`,
		"INSERT INTO "+ordersMade+` VALUES (DATE '2026-11-01', 1, 'CZ'), (DATE '2026-11-01', 2, 'CZ'), (DATE '2026-11-01', 3, NULL),
			(NULL, 4, 'CZ'), (NULL, 5, NULL), (DATE '2026-11-02', 6, 'CZ')`)
}

// orderUnits are what patches know orders by.
var orderUnits = []string{"day", `co"untry`}

func TestPatchReplacesUnits(t *testing.T) {
	base := patchBase(t)
	added := built(t, patchLayout(), "INSERT INTO "+ordersMade+` VALUES (DATE '2026-11-01', 20, 'CZ'), (NULL, 30, NULL), (NULL, 31, NULL),
		(DATE '2026-11-03', 40, 'it''s')`)
	file, path := made(t, Patch{Layout: patchLayout(), Base: base, Added: added, Tables: []TablePatch{
		{Rows: 4},
		{Columns: orderUnits, Rows: 6, Units: []PatchedUnit{
			{Values: []string{"DATE '2026-11-01'", "'CZ'"}, Before: 2, After: 1},    // changed
			{Values: []string{"DATE '2026-11-02'", "'CZ'"}, Before: 1, After: 0},    // gone
			{Values: []string{"NULL", "NULL"}, Before: 1, After: 2},                 // changed
			{Values: []string{"DATE '2026-11-03'", "'it''s'"}, Before: 0, After: 1}, // new
			{Values: []string{"DATE '2026-11-09'", "NULL"}},                         // empty before and after
		}},
	}})
	assert.Equal(t, []Contents{{Rows: 4}, {Rows: 6}}, file.Tables)
	assert.Equal(t, "1 CZ, 2 cz, 3 ~, 4 CZ ", value(t, path, customersAre))
	assert.Equal(t, "3 2026-11-01 ~, 4 ~ CZ, 20 2026-11-01 CZ, 30 ~ ~, 31 ~ ~, 40 2026-11-03 it's", value(t, path, ordersAre))
}

// All that a catalog tells stays, also of tables whose rows all go, and of those that lead there.
func TestPatchOfWholeTables(t *testing.T) {
	base := patchBase(t)
	added := built(t, patchLayout(),
		"INSERT INTO "+customersMade+` VALUES (7, 'CZ'), (8, NULL), (9, 'cz')`, "INSERT INTO "+ordersMade+` VALUES (NULL, 30, NULL)`)
	want := catalogOf(t, base)
	units := []PatchedUnit{{Values: []string{"NULL"}, After: 1}, {Values: []string{"'CZ'"}, After: 1}, {Values: []string{"'cz'"}, After: 1}}
	cases := map[string]struct {
		added  string
		tables []TablePatch
	}{
		"one":               {added, []TablePatch{{Whole: true, Columns: []string{"country"}, Units: units, Rows: 3}, {Rows: 7}}},
		"the other":         {added, []TablePatch{{Rows: 7}, {Whole: true, Rows: 1}}},
		"both":              {added, []TablePatch{{Whole: true, Rows: 3}, {Whole: true, Rows: 1}}},
		"none":              {added, []TablePatch{{Rows: 7}, {Rows: 7}}},
		"one is empty then": {"", []TablePatch{{Whole: true}, {Rows: 6}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file, path := made(t, Patch{Layout: patchLayout(), Base: base, Added: c.added, Tables: c.tables})
			rows := [][]string{
				{"1 CZ", "2 cz", "3 ~", "4 CZ "},
				{"1 2026-11-01 CZ", "2 2026-11-01 CZ", "3 2026-11-01 ~", "4 ~ CZ", "5 ~ ~", "6 2026-11-02 CZ"},
			}
			for i, come := range [][]string{{"7 CZ", "8 ~", "9 cz"}, {"30 ~ ~"}} {
				if c.tables[i].Whole {
					rows[i] = nil
				}
				if c.added != "" {
					rows[i] = append(rows[i], come...)
				}
			}
			assert.Equal(t, strings.Join(rows[0], ", "), value(t, path, customersAre))
			assert.Equal(t, strings.Join(rows[1], ", "), value(t, path, ordersAre))
			got := catalogOf(t, path)
			for i := range got.Tables {
				assert.Equal(t, file.Tables[i].Rows, got.Tables[i].Rows)
				got.Tables[i].Rows = want.Tables[i].Rows
			}
			assert.Equal(t, want, got)
		})
	}
}

func catalogOf(t testing.TB, path string) Catalog {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	file, err := openInput(t.Context(), conn, path, "x")
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return file.catalog
}

// unitTypes are types of columns that make units, with values that are alike but not the same.
var unitTypes = map[string][]string{
	"TEXT": {
		`''`, `' '`, `'a'`, `'A'`, `'a '`, `' a'`, `'á'`, `E'a\u0301'`, `'it''s'`, `'"'`, `'\'`, `'$1'`, `'%s'`, `'NULL'`, `'01'`, `'1'`,
		`E'\x00'`, `E'a\x00'`, `E'\n'`, `'ß'`, `'ss'`,
	},
	"BIGINT":      {"CAST('-9223372036854775808' AS BIGINT)", "CAST('9223372036854775807' AS BIGINT)", "CAST('0' AS BIGINT)", "1"},
	"SMALLINT":    {"CAST('-32768' AS SMALLINT)", "CAST('1' AS SMALLINT)"},
	"BOOLEAN":     {"TRUE", "FALSE"},
	"DATE":        {"DATE '0001-01-01'", "DATE '2026-02-28'", "DATE '2026-03-01'", "DATE '9999-12-31'"},
	"TIMESTAMP":   {"TIMESTAMP '2026-01-31 12:00:00.000001'", "TIMESTAMP '2026-01-31 12:00:00.000000'"},
	"TIMESTAMPTZ": {"TIMESTAMPTZ '2026-10-25 00:30:00.000000+00'", "TIMESTAMPTZ '2026-10-25 01:30:00.000000+00'"},
	"NUMERIC(38,10)": {
		"CAST('9999999999999999999999999999.9999999999' AS NUMERIC(38,10))", "CAST('9999999999999999999999999999.9999999998' AS NUMERIC(38,10))",
	},
	"NUMERIC(18,4)": {"CAST('1.5' AS NUMERIC(18,4))", "CAST('-1.5' AS NUMERIC(18,4))", "CAST('0' AS NUMERIC(18,4))"},
	"DOUBLE PRECISION": {
		"CAST('NaN' AS DOUBLE PRECISION)", "CAST('0.1' AS DOUBLE PRECISION)", "CAST('5e-324' AS DOUBLE PRECISION)",
		"CAST(CAST('0.1' AS DOUBLE PRECISION) AS REAL)",
	},
	"BYTES": {`CAST('\x00' AS BYTES)`, `CAST('\x' AS BYTES)`, `CAST('\x0000' AS BYTES)`, `CAST('\x61' AS BYTES)`},
}

// Each value is taken for itself only, alone or beside another column. A table for each type has a row of each value.
func TestPatchKnowsUnitsByExactValues(t *testing.T) {
	layout := Layout{Version: wideNumericVersion}
	var loads []string
	var all [][]string
	for sqlType, values := range unitTypes {
		layout.Tables = append(layout.Tables, Table{Schema: "Extract", Name: sqlType, Columns: []Column{
			{Name: "n", SQLType: "INTEGER"}, {Name: "u", SQLType: sqlType, Nullable: true}, {Name: "v", SQLType: sqlType, Nullable: true},
		}})
		values = append([]string{"NULL"}, values...)
		all = append(all, values)
		var rows []string
		for i, v := range values {
			rows = append(rows, fmt.Sprintf("(%d, CAST(%s AS %s), CAST(%s AS %[3]s))", i, v, sqlType, values[(i+1)%len(values)]))
		}
		loads = append(loads, fmt.Sprintf(`INSERT INTO made."Extract"."%s" VALUES %s`, sqlType, strings.Join(rows, ", ")))
	}
	base := built(t, layout, loads...)
	for i := range len(unitTypes["TEXT"]) + 1 { // which has most
		p := Patch{Layout: layout, Base: base, Anew: i%3 == 0}
		for _, values := range all {
			if i >= len(values) {
				p.Tables = append(p.Tables, TablePatch{Rows: int64(len(values))})
				continue
			}
			at, next := i, (i+1)%len(values)
			one := TablePatch{Columns: []string{"u"}, Units: []PatchedUnit{{Values: []string{values[at]}, Before: 1}}, Rows: int64(len(values) - 1)}
			if i%2 == 0 {
				one.Columns, one.Units[0].Values = []string{"v", "u"}, []string{values[next], values[at]}
			}
			p.Tables = append(p.Tables, one)
		}
		_, path := madeOnce(t, p)
		var asked, want []string
		for k, table := range layout.Tables {
			rows, gone := len(all[k]), i
			if i >= rows {
				gone = 0 // none
			}
			asked = append(asked, fmt.Sprintf(`(SELECT concat(sum(n), ' of %s, ') FROM x."Extract"."%[1]s")`, table.Name))
			want = append(want, fmt.Sprintf("%d of %s, ", rows*(rows-1)/2-gone, table.Name))
		}
		assert.Equal(t, strings.Join(want, ""), value(t, path, "SELECT concat("+strings.Join(asked, ", ")+")"), i)
	}
}

// Lists of units are longer than a statement may be.
func TestPatchOfManyUnits(t *testing.T) {
	const units, each = 20_000, 3
	layout := Layout{Version: MinVersion, Tables: []Table{{Schema: "Extract", Name: "t", Columns: []Column{
		{Name: "n", SQLType: "INTEGER"}, {Name: "u", SQLType: "TEXT"},
	}}}}
	all := built(t, layout, fmt.Sprintf(`INSERT INTO made."Extract"."t" SELECT generate_series, concat('unit ', generate_series / %d, repeat('''', 100))
		FROM generate_series(0, %d)`, each, units*each-1))
	unit := func(i int, before, after int64) PatchedUnit {
		return PatchedUnit{Values: []string{fmt.Sprintf("'unit %d%s'", i, strings.Repeat("'", 200))}, Before: before, After: after}
	}
	less := TablePatch{Columns: []string{"u"}, Rows: units / 2 * each}
	more := TablePatch{Columns: []string{"u"}, Rows: units * each}
	for i := range units {
		if i%2 == 0 {
			less.Units = append(less.Units, unit(i, each, 0))
			more.Units = append(more.Units, unit(i, 0, each))
		} else {
			more.Units = append(more.Units, unit(i, each, each))
		}
	}
	_, path := made(t, Patch{Layout: layout, Base: all, Tables: []TablePatch{less}})
	assert.Equal(t, "0", value(t, path, fmt.Sprintf(`SELECT count(*) FROM x."Extract"."t" WHERE n / %d %% 2 = 0`, each)))
	_, path = made(t, Patch{Layout: layout, Base: path, Added: all, Tables: []TablePatch{more}})
	assert.Equal(t, "60000 60000", value(t, path, `SELECT count(*) || ' ' || count(DISTINCT n) FROM x."Extract"."t"`))
}
