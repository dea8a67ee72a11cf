package hyper_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

// writeDatabase makes a .hyper file by the statements, in which %s is the file's alias.
func writeDatabase(t *testing.T, version hyper.Version, statements ...string) (path string) {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	path = filepath.Join(t.TempDir(), "it's ž.hyper")
	_, err := conn.Exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s WITH VERSION %d", hyperd.QuoteName(path), version))
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, "made"))
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Detach(t.Context(), "made"))
	return path
}

func TestReadCatalogTellsWhatWasMade(t *testing.T) {
	path := writeDatabase(t, 4,
		`CREATE SCHEMA made."Extract"`,
		`CREATE SCHEMA made."empty ""Š"`,
		`CREATE TABLE made."Extract"."Orders" (a INTEGER NOT NULL, "B""c" TEXT COLLATE "en_US_CI" NOT NULL DEFAULT 'it''s',
			ASSUMED PRIMARY KEY (a, "B""c"))`,
		`COMMENT ON COLUMN made."Extract"."Orders".a IS 'it''s "1" ž'`,
		`INSERT INTO made."Extract"."Orders" VALUES (1, 'x'), (2, 'y')`,
		`CREATE TABLE made.public."řádky.1" (y TEXT NOT NULL, x INTEGER NOT NULL, z BIGINT, dropped INTEGER, u SMALLINT,
			ASSUMED UNIQUE (z), ASSUMED UNIQUE (u, z), ASSUMED FOREIGN KEY (x, y) REFERENCES made."Extract"."Orders" (a, "B""c"))`,
		`ALTER TABLE made.public."řádky.1" DROP COLUMN dropped`,
		`CREATE TABLE made.public.types (b BOOLEAN, s SMALLINT, n NUMERIC(38,2), r REAL, d DOUBLE PRECISION, v VARCHAR(5), c1 CHAR(1),
			c3 CHAR(3), y BYTES, da DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL, g tableau.TABGEOGRAPHY, j JSON)`,
	)
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), writeDatabase(t, 2), "another"))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, `al"ias`))

	got, err := hyper.ReadCatalog(t.Context(), conn, `al"ias`)
	require.NoError(t, err)

	assert.Equal(t, hyper.Version(4), got.FormatVersion)
	assert.Regexp(t, `^0\.0\.\d+$`, got.CreatedBy)
	schemas, err := hyper.ReadSchemas(t.Context(), conn, `al"ias`)
	require.NoError(t, err)
	assert.Equal(t, schemas, got.Schemas)
	assert.Equal(t, []string{"public", "Extract", `empty "Š`}, schemas)
	require.Len(t, got.Tables, 3)
	assert.Equal(t, hyper.CatalogTable{
		Schema: "Extract", Name: "Orders", Rows: 2,
		Columns: []hyper.CatalogColumn{
			{Name: "a", SQLType: "INTEGER", Comment: `it's "1" ž`},
			{Name: `B"c`, SQLType: "TEXT", Collation: "en_US_CI", Default: "'it''s'"},
		},
		PrimaryKey: []string{"a", `B"c`}, UniqueKeys: [][]string{}, ForeignKeys: []hyper.ForeignKey{},
	}, got.Tables[0])
	assert.Equal(t, hyper.CatalogTable{
		Schema: "public", Name: "řádky.1",
		Columns: []hyper.CatalogColumn{
			{Name: "y", SQLType: "TEXT"}, {Name: "x", SQLType: "INTEGER"},
			{Name: "z", SQLType: "BIGINT", Nullable: true}, {Name: "u", SQLType: "SMALLINT", Nullable: true},
		},
		PrimaryKey:  []string{},
		UniqueKeys:  [][]string{{"z"}, {"u", "z"}},
		ForeignKeys: []hyper.ForeignKey{{Columns: []string{"x", "y"}, Schema: "Extract", Table: "Orders", To: []string{"a", `B"c`}}},
	}, got.Tables[1])
	var types []string
	for _, column := range got.Tables[2].Columns {
		types = append(types, column.SQLType)
	}
	assert.Equal(t, []string{
		"BOOLEAN", "SMALLINT", "NUMERIC(38,2)", "REAL", "DOUBLE PRECISION", "VARCHAR(5)", "CHAR(1)",
		"CHAR(3)", "BYTES", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "TABGEOGRAPHY", "JSON",
	}, types)
}

func TestReadCatalogOfAnEmptyFile(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), writeDatabase(t, 0), "db"))

	got, err := hyper.ReadCatalog(t.Context(), conn, "db")
	require.NoError(t, err)

	assert.Equal(t, hyper.Version(0), got.FormatVersion)
	assert.Equal(t, []hyper.CatalogTable{}, got.Tables)
}

func TestReadCatalogOfADatabaseThatIsNotAttached(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))

	_, err := hyper.ReadCatalog(t.Context(), conn, "nowhere")

	assert.ErrorContains(t, err, "read the catalog: ")
}

func TestAttachReadOnlyLeavesTheFileAsItIs(t *testing.T) {
	path := writeDatabase(t, 2, `CREATE TABLE made.public.t (a INTEGER)`, `INSERT INTO made.public.t VALUES (7)`)
	long := time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)
	require.NoError(t, os.Chtimes(path, long, long))
	require.NoError(t, os.Chmod(path, 0o400))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))

	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "db"))
	value, err := conn.QueryValue(t.Context(), "SELECT a FROM db.public.t")
	require.NoError(t, err)
	assert.Equal(t, "7", value)
	for _, statement := range []string{
		"INSERT INTO db.public.t VALUES (8)", "DELETE FROM db.public.t", "CREATE TABLE db.public.u (a INTEGER)", "DROP TABLE db.public.t",
		"DROP DATABASE " + hyperd.QuoteName(path),
	} {
		_, err := conn.Exec(t.Context(), statement)
		assert.Error(t, err, statement)
	}
	require.NoError(t, conn.Detach(t.Context(), "db"))

	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, stat.ModTime().Equal(long), "modified %s", stat.ModTime())
}
