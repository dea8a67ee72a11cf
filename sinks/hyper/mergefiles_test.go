package hyper_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

// everyType is what the columns of a table with every type hold, but for NULLs.
var everyType = []struct{ column, value string }{
	{"k INTEGER NOT NULL", "1"},
	{"b BOOLEAN", "true"},
	{"s SMALLINT", "-32768"},
	{"l BIGINT", "9223372036854775807"},
	{"n NUMERIC(18,4)", "-1.5"},
	{"w NUMERIC(38,2)", "123456789012345678901234567890123456.78"},
	{"r REAL", "0.1"},
	{"d DOUBLE PRECISION", "'-0'"},
	{"nan DOUBLE PRECISION", "'NaN'"},
	{"t TEXT", `E'žluť\n\x00'`},
	{`ci TEXT COLLATE "en_US_CI"`, "'Aa'"},
	{"v VARCHAR(5)", "'abc'"},
	{"c CHAR(1)", "'c'"},
	{"c3 CHAR(3)", "'ab'"},
	{"y BYTES", `E'\\x00ff'`},
	{"da DATE", "DATE '0001-01-01'"},
	{"ti TIME", "TIME '23:59:59.999999'"},
	{"ts TIMESTAMP", "TIMESTAMP '2026-01-31 12:00:00.000001'"},
	{"tz TIMESTAMPTZ", "TIMESTAMPTZ '2026-01-31 12:00:00+02'"},
	{"iv INTERVAL", "INTERVAL '1 month 2 days'"},
	{"g tableau.TABGEOGRAPHY", "'point(1 2)'"},
	{"j JSON", `'{"a":  1}'`},
	{"u UUID", "'123e4567-e89b-12d3-a456-426614174000'"},
	{"o OID", "7"},
}

// everyTypeTable makes such a table, with a row of values and a row of NULLs whose keys
// are k and k + 1.
func everyTypeTable(k int) []string {
	var columns, values []string
	for _, c := range everyType {
		columns, values = append(columns, c.column), append(values, c.value)
	}
	values[0] = fmt.Sprint(k)
	return []string{
		fmt.Sprintf("CREATE TABLE made.public.types (%s)", strings.Join(columns, ", ")),
		fmt.Sprintf("INSERT INTO made.public.types VALUES (%s)", strings.Join(values, ", ")),
		fmt.Sprintf("INSERT INTO made.public.types (k) VALUES (%d)", k+1),
	}
}

// modelTables makes two tables with all that columns and keys can have.
func modelTables() []string {
	return []string{
		`CREATE SCHEMA made."Extract"`,
		`CREATE SCHEMA made."empty ""Š"`,
		`CREATE TABLE made."Extract"."Or""ders." (a INTEGER NOT NULL, "B""c" TEXT COLLATE "en_US_CI" NOT NULL DEFAULT 'it''s',
			at TIMESTAMPTZ DEFAULT current_timestamp, n NUMERIC(10,2) DEFAULT 1.5,
			f TEXT DEFAULT lower('it''s "made"."pg_catalog".f'), ASSUMED PRIMARY KEY (a, "B""c"))`,
		`COMMENT ON COLUMN made."Extract"."Or""ders."."B""c" IS 'it''s a "comment" ž'`,
		`CREATE TABLE made.public."řádky.1" (y TEXT NOT NULL, x INTEGER NOT NULL, z BIGINT, u SMALLINT,
			ASSUMED UNIQUE (z), ASSUMED UNIQUE (u, z), ASSUMED FOREIGN KEY (x, y) REFERENCES made."Extract"."Or""ders." (a, "B""c"))`,
		`CREATE TABLE made.public.nothing ()`,
	}
}

// readCatalog describes a file.
func readCatalog(t *testing.T, path string) hyper.Catalog {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "db"))
	catalog, err := hyper.ReadCatalog(t.Context(), conn, "db")
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "db"))
	return catalog
}

// ask runs a query of one value on a file that it knows as db.
func ask(t *testing.T, path, query string) string {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "db"))
	value, err := conn.QueryValue(t.Context(), query)
	require.NoError(t, err, query)
	require.NoError(t, conn.Detach(t.Context(), "db"))
	return value
}

// frozen makes files unwritable, and checks at the end of the test that no byte changed.
func frozen(t *testing.T, paths ...string) {
	t.Helper()
	sum := func(path string) [32]byte {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return sha256.Sum256(content)
	}
	for _, path := range paths {
		before := sum(path)
		require.NoError(t, os.Chmod(path, 0o400))
		t.Cleanup(func() { assert.Equal(t, before, sum(path), path) })
	}
}

func mergeFiles(t *testing.T, options hyper.FileOptions, inputs ...string) (hyper.MergedFile, string) {
	t.Helper()
	frozen(t, inputs...)
	path := filepath.Join(t.TempDir(), "out.hyper")
	merged, err := hyper.MergeFiles(t.Context(), hyperdtest.Acquire(t), inputs, path, options)
	require.NoError(t, err)
	return merged, path
}

// mergeError is that of a merge that must fail and leave nothing.
func mergeError(t *testing.T, options hyper.FileOptions, inputs ...string) error {
	t.Helper()
	frozen(t, inputs...)
	folder := t.TempDir()
	_, err := hyper.MergeFiles(t.Context(), hyperdtest.Acquire(t), inputs, filepath.Join(folder, "out.hyper"), options)
	require.Error(t, err)
	left, readErr := os.ReadDir(folder)
	require.NoError(t, readErr)
	assert.Empty(t, left)
	return err
}

func TestMergeFilesKeepsEverything(t *testing.T) {
	model := func(rows ...string) []string {
		return append(modelTables(), rows...)
	}
	small := writeDatabase(t, 4, append(everyTypeTable(10), model(`INSERT INTO made.public."řádky.1" VALUES ('x', 1, 2, 3)`)...)...)
	large := writeDatabase(t, 4, append(everyTypeTable(20), model(
		`INSERT INTO made."Extract"."Or""ders." (a) VALUES (1), (2), (3)`, `CREATE TABLE made.public.only (a INTEGER)`)...)...)
	other := writeDatabase(t, 2, `CREATE SCHEMA made.more`, `CREATE TABLE made.more.mine (a INTEGER, ASSUMED PRIMARY KEY (a))`,
		`INSERT INTO made.more.mine VALUES (7)`)
	noRows := writeDatabase(t, 3, modelTables()...)
	noTables := writeDatabase(t, 0)

	merged, path := mergeFiles(t, hyper.FileOptions{}, small, noTables, large, other, noRows)

	assert.Equal(t, large, merged.Base)
	assert.Equal(t, large, merged.Inputs[0].Path)
	assert.EqualValues(t, 4, merged.FormatVersion)
	assert.Empty(t, merged.Warnings)
	got, want := readCatalog(t, path), readCatalog(t, large)
	assert.EqualValues(t, 4, got.FormatVersion)
	assert.Equal(t, []string{"public", "Extract", `empty "Š`, "more"}, got.Schemas)
	require.Len(t, got.Tables, 6)
	for i, rows := range []int64{4, 3, 1, 0, 0} {
		want.Tables[i].Rows = rows
		assert.Equal(t, want.Tables[i], got.Tables[i])
	}
	mine := readCatalog(t, other).Tables[0]
	assert.Equal(t, mine, got.Tables[5])
	for _, c := range everyType[1:] {
		name, _, _ := strings.Cut(c.column, " ")
		query := fmt.Sprintf("SELECT string_agg(CAST(%s AS TEXT), ' ~ ') FROM db.public.types", name)
		one := ask(t, small, query)
		assert.Equal(t, one+" ~ "+one, ask(t, path, query), name)
	}
	assert.Equal(t, "10 11 20 21", ask(t, path, "SELECT string_agg(CAST(k AS TEXT), ' ' ORDER BY k) FROM db.public.types"))
}

func TestMergeFilesKeepsDefaultsThatCallFunctions(t *testing.T) {
	_, path := mergeFiles(t, hyper.FileOptions{}, writeDatabase(t, 2, modelTables()...))

	columns := readCatalog(t, path).Tables[0].Columns
	assert.Equal(t, `"lower"('it''s "made"."pg_catalog".f')`, columns[4].Default, "without the alias that hyperd puts before the function")
}

func TestMergeFilesReports(t *testing.T) {
	a := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT 1 AS a`, `CREATE TABLE made.public.e (x INTEGER)`)
	b := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT generate_series AS a FROM generate_series(1, 3)`)
	var told []hyper.TableResult

	merged, _ := mergeFiles(t, hyper.FileOptions{TableDone: func(r hyper.TableResult) { told = append(told, r) }}, a, b)

	want := []hyper.TableResult{
		{Schema: "public", Name: "t", Columns: 1, Rows: 4, Files: 2},
		{Schema: "public", Name: "e", Columns: 1},
	}
	assert.Equal(t, want, merged.Tables)
	assert.Equal(t, want, told)
	assert.Equal(t, b, merged.Base)
}

func TestMergeFilesWithoutRows(t *testing.T) {
	one := writeDatabase(t, 2, modelTables()...)
	merged, path := mergeFiles(t, hyper.FileOptions{}, writeDatabase(t, 3), one)

	assert.Empty(t, merged.Base)
	got, want := readCatalog(t, path), readCatalog(t, one)
	assert.EqualValues(t, 3, got.FormatVersion)
	assert.Equal(t, want.Tables, got.Tables)
	assert.Equal(t, want.Schemas, got.Schemas)
}

func TestMergeFilesDropsTheSchemaThatNoFileHas(t *testing.T) {
	one := writeDatabase(t, 2, `CREATE SCHEMA made.a`, `DROP SCHEMA made.public`)
	_, path := mergeFiles(t, hyper.FileOptions{}, one)
	assert.Equal(t, []string{"a"}, readCatalog(t, path).Schemas)
}

func TestMergeFilesTakesTheHighestFormatVersion(t *testing.T) {
	low := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT generate_series AS a FROM generate_series(1, 9)`)
	high := writeDatabase(t, 3, `CREATE TABLE made.public.w (n NUMERIC(20,1))`)

	merged, path := mergeFiles(t, hyper.FileOptions{}, low, high)

	assert.Empty(t, merged.Base, "the largest has a lower version")
	assert.EqualValues(t, 3, readCatalog(t, path).FormatVersion)
	assert.Equal(t, "45", ask(t, path, "SELECT sum(a) FROM db.public.t"))
}

func TestMergeFilesListsWhatDiffers(t *testing.T) {
	a := writeDatabase(t, 2, `CREATE TABLE made.public.t (x INTEGER, y TEXT, z TEXT COLLATE "en_US", gone DATE, n INTEGER NOT NULL, ASSUMED PRIMARY KEY (x))`)
	b := writeDatabase(t, 2, `CREATE TABLE made.public.t (x BIGINT, y DATE, z TEXT, n INTEGER, "X" INTEGER, ASSUMED PRIMARY KEY (n))`)
	c := writeDatabase(t, 2, `CREATE TABLE made.public.t (x BIGINT, y TEXT, z TEXT COLLATE "en_US", gone DATE, n INTEGER NOT NULL)`)

	err := mergeError(t, hyper.FileOptions{}, a, b, c)

	var schema *hyper.SchemaError
	require.ErrorAs(t, err, &schema)
	form := func(is string, files ...string) hyper.Form { return hyper.Form{Is: is, Files: files} }
	differs := func(column, wider string, forms ...hyper.Form) hyper.Difference {
		return hyper.Difference{Schema: "public", Table: "t", Column: column, Forms: forms, Wider: wider}
	}
	assert.ElementsMatch(t, []string{
		describeDifference(differs("x", "BIGINT", form("INTEGER", a), form("BIGINT", b, c))),
		describeDifference(differs("y", "", form("TEXT", a, c), form("DATE", b))),
		describeDifference(differs("z", "", form(`TEXT COLLATE "en_US"`, a, c), form("TEXT", b))),
		describeDifference(differs("gone", "", form("DATE", a, c), form("missing", b))),
		describeDifference(differs("n", "INTEGER", form("INTEGER NOT NULL", a, c), form("INTEGER", b))),
		describeDifference(differs("X", "", form("missing", a, c), form("INTEGER", b))),
		describeDifference(differs("", "", form(`ASSUMED PRIMARY KEY ("x")`, a), form(`ASSUMED PRIMARY KEY ("n")`, b))),
	}, describeDifferences(schema.Differences))
	failed := failure.Of(err, failure.Engine)
	assert.True(t, failed.Early, "exit code 2")
	assert.NotContains(t, failed.Hint, "--widen")
}

// describeDifference writes a difference down in a way that does not depend on the order
// of files, which are sorted by their random names.
func describeDifference(d hyper.Difference) string {
	forms := map[string]string{}
	for _, form := range d.Forms {
		files := map[string]bool{}
		for _, file := range form.Files {
			files[file] = true
		}
		forms[form.Is] = fmt.Sprint(files)
	}
	return fmt.Sprintf("%s.%s.%s %v %s", d.Schema, d.Table, d.Column, forms, d.Wider)
}

func describeDifferences(differences []hyper.Difference) []string {
	var all []string
	for _, d := range differences {
		all = append(all, describeDifference(d))
	}
	return all
}

func TestMergeFilesWidensWhenAsked(t *testing.T) {
	a := writeDatabase(t, 2, `CREATE TABLE made.public.t (i SMALLINT NOT NULL, l BIGINT, d INTEGER, n NUMERIC(18,0), same TEXT NOT NULL)`,
		`INSERT INTO made.public.t VALUES (-32768, 9223372036854775807, 2147483647, 999999999999999999, 'a'), (1, 1, 1, 1, 'b')`)
	b := writeDatabase(t, 2, `CREATE TABLE made.public.t (same TEXT NOT NULL, n NUMERIC(18,4), d DOUBLE PRECISION, l NUMERIC(18,2), i INTEGER)`,
		`INSERT INTO made.public.t VALUES ('c', 0.0001, 0.1, -0.01, NULL)`)

	err := mergeError(t, hyper.FileOptions{}, a, b)
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "--widen")
	merged, path := mergeFiles(t, hyper.FileOptions{Widen: true}, b, a)

	assert.Empty(t, merged.Base, "no file has the columns of the result")
	got := readCatalog(t, path)
	assert.EqualValues(t, 3, got.FormatVersion)
	assert.Equal(t, []hyper.CatalogColumn{
		{Name: "i", SQLType: "INTEGER", Nullable: true}, {Name: "l", SQLType: "NUMERIC(21,2)", Nullable: true},
		{Name: "d", SQLType: "DOUBLE PRECISION", Nullable: true}, {Name: "n", SQLType: "NUMERIC(22,4)", Nullable: true},
		{Name: "same", SQLType: "TEXT"},
	}, got.Tables[0].Columns)
	assert.Equal(t, "-32768 9223372036854775807.00 2147483647 999999999999999999.0000;1 1.00 1 1.0000;-0.01 0.1 0.0001", ask(t, path,
		"SELECT string_agg(concat_ws(' ', i, l, d, n), ';' ORDER BY same) FROM db.public.t"))
}

func TestMergeFilesWidensAroundABase(t *testing.T) {
	narrow := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT CAST(generate_series AS INTEGER) AS a FROM generate_series(1, 10)`)
	wide := writeDatabase(t, 2, `CREATE TABLE made.public.t (a BIGINT)`, `INSERT INTO made.public.t VALUES (5000000000)`)

	merged, path := mergeFiles(t, hyper.FileOptions{Widen: true}, narrow, wide)

	assert.Equal(t, wide, merged.Base)
	assert.Equal(t, "5000000055", ask(t, path, "SELECT sum(a) FROM db.public.t"))
}

func TestMergeFilesKeepsKeysAndWarnsOfBrokenOnes(t *testing.T) {
	keyed := writeDatabase(t, 2, `CREATE TABLE made.public.t (a INTEGER, b TEXT, ASSUMED PRIMARY KEY (a), ASSUMED UNIQUE (b))`,
		`INSERT INTO made.public.t VALUES (1, NULL)`)
	plain := writeDatabase(t, 2, `CREATE TABLE made.public.t (a INTEGER, b TEXT)`, `INSERT INTO made.public.t VALUES (1, NULL), (2, 'x')`)

	merged, path := mergeFiles(t, hyper.FileOptions{}, plain, keyed)

	assert.Equal(t, keyed, merged.Base, "the larger one has no keys, and not all can be added later")
	table := readCatalog(t, path).Tables[0]
	assert.Equal(t, []string{"a"}, table.PrimaryKey)
	assert.Equal(t, [][]string{{"b"}}, table.UniqueKeys)
	assert.EqualValues(t, 3, table.Rows)
	require.Len(t, merged.Warnings, 1, "NULLs do not repeat each other")
	assert.Contains(t, merged.Warnings[0], `table "public"."t": the assumed key (a) does not hold: 1 rows repeat others`)
}

func TestMergeFilesAddsForeignKeysToTheBase(t *testing.T) {
	tables := []string{`CREATE TABLE made.public.p (a INTEGER, ASSUMED PRIMARY KEY (a))`, `CREATE TABLE made.public.f (a INTEGER)`}
	large := writeDatabase(t, 2, append(tables, `INSERT INTO made.public.f VALUES (1), (2)`)...)
	small := writeDatabase(t, 2, append(tables, `INSERT INTO made.public.f VALUES (3)`,
		`ALTER TABLE made.public.f ADD ASSUMED FOREIGN KEY (a) REFERENCES made.public.p (a)`)...)

	merged, path := mergeFiles(t, hyper.FileOptions{}, large, small)

	assert.Equal(t, large, merged.Base)
	assert.Equal(t, []hyper.ForeignKey{{Columns: []string{"a"}, Schema: "public", Table: "p", To: []string{"a"}}}, readCatalog(t, path).Tables[1].ForeignKeys)
}

func TestMergeFilesChecksTheRoom(t *testing.T) {
	one := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT 1 AS a`)
	options := hyper.FileOptions{FreeBytes: func(string) (uint64, error) { return 1000, nil }}

	err := mergeError(t, options, one)

	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Storage, failed.Kind)
	assert.False(t, failed.Early)
	assert.Regexp(t, `^the new file may need \d+ kB, but .* has only 1\.0 kB free$`, failed.Message)
}

// damaged is a copy of a file of many rows, with noise where the structure of its texts is:
// hyperd refuses it when the texts are read, or, rarely, when the file is opened.
func damaged(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := len(content) / 10; at < len(content)/3; at++ {
		content[at] = 0xde
	}
	bad := filepath.Join(t.TempDir(), "damaged.hyper")
	require.NoError(t, os.WriteFile(bad, content, 0o600))
	return bad
}

// manyRows is a file of some megabytes; with 300,000 rows it is one for [damaged].
func manyRows(t *testing.T, rows int) string {
	return writeDatabase(t, 2, fmt.Sprintf(
		`CREATE TABLE made.public.t AS SELECT generate_series AS a, 'some row ' || generate_series AS b FROM generate_series(1, %d)`, rows))
}

func TestMergeFilesNamesTheDamagedFile(t *testing.T) {
	bad := damaged(t, manyRows(t, 300_000))
	for name, rows := range map[string]int{"the base": 290_000, "another": 310_000} {
		t.Run(name, func(t *testing.T) {
			err := mergeError(t, hyper.FileOptions{}, manyRows(t, rows), bad)
			assert.ErrorContains(t, err, "damaged.hyper: ")
			assert.ErrorContains(t, err, "corrupt")
		})
	}
	t.Run("one that is cut off", func(t *testing.T) {
		whole := manyRows(t, 1000)
		content, err := os.ReadFile(whole)
		require.NoError(t, err)
		cut := filepath.Join(t.TempDir(), "cut.hyper")
		require.NoError(t, os.WriteFile(cut, content[:len(content)/2], 0o600))
		assert.ErrorContains(t, mergeError(t, hyper.FileOptions{}, whole, cut), "cut.hyper: ")
	})
}

func TestMergeFilesOfManyFiles(t *testing.T) {
	one := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT 1 AS a`)
	content, err := os.ReadFile(one)
	require.NoError(t, err)
	inputs := []string{one}
	for i := range 60 {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.hyper", i))
		require.NoError(t, os.WriteFile(path, content, 0o600))
		inputs = append(inputs, path)
	}
	merged, _ := mergeFiles(t, hyper.FileOptions{}, inputs...)
	assert.Equal(t, []hyper.TableResult{{Schema: "public", Name: "t", Columns: 1, Rows: 61, Files: 61}}, merged.Tables)
}
