package diff_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/pipelines/diff"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

// extract makes a .hyper file of statements on the database x.
func extract(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.hyper")
	conn, err := hyperdtest.Acquire(t).Connect(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	require.NoError(t, conn.CreateDatabase(t.Context(), path, 2))
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return path
}

func TestExtracts(t *testing.T) {
	const insert = `INSERT INTO x.public.t VALUES (1, 'x'), (2, 'y')`
	base := []string{`CREATE TABLE x.public.t (a INTEGER, b TEXT)`, insert}
	for name, c := range map[string]struct {
		b    []string
		want string // JSON of what differs
	}{
		"equal": {[]string{base[0], `INSERT INTO x.public.t VALUES (2, 'y'), (1, 'x')`}, `[]`},
		"rows": {[]string{base[0], `INSERT INTO x.public.t VALUES (1, 'x'), (3, 'y')`},
			`[{"schema": "public", "name": "t", "rows_a": 2, "rows_b": 2, "rows_only_in_a": 1, "rows_only_in_b": 1,
			"figures": [{"column": "a", "figure": "max", "a": "2", "b": "3"}, {"column": "a", "figure": "sum", "a": "3", "b": "4"}]}]`},
		"nullability": {[]string{`CREATE TABLE x.public.t (a INTEGER NOT NULL, b TEXT)`, insert},
			`[{"schema": "public", "name": "t", "rows_a": 2, "rows_b": 2, "rows_only_in_a": 0, "rows_only_in_b": 0, "columns": [
			{"name": "a", "a": {"type": "INTEGER", "nullable": true, "position": 1}, "b": {"type": "INTEGER", "nullable": false, "position": 1}}]}]`},
		"collation": {[]string{`CREATE TABLE x.public.t (a INTEGER, b TEXT COLLATE "en_US_CI")`, insert},
			`[{"schema": "public", "name": "t", "rows_a": 2, "rows_b": 2, "rows_only_in_a": 0, "rows_only_in_b": 0, "columns": [
			{"name": "b", "a": {"type": "TEXT", "nullable": true, "position": 2}, "b": {"type": "TEXT COLLATE \"en_US_CI\"", "nullable": true, "position": 2}}]}]`},
		"order": {[]string{`CREATE TABLE x.public.t (b TEXT, a INTEGER)`, `INSERT INTO x.public.t VALUES ('x', 1), ('y', 2)`},
			`[{"schema": "public", "name": "t", "rows_a": 2, "rows_b": 2, "rows_only_in_a": 0, "rows_only_in_b": 0, "reordered": true}]`},
		"a column less": {[]string{`CREATE TABLE x.public.t (b TEXT)`, `INSERT INTO x.public.t VALUES ('x'), ('z')`},
			`[{"schema": "public", "name": "t", "rows_a": 2, "rows_b": 2, "rows_only_in_a": 1, "rows_only_in_b": 1, "compared_columns": ["b"],
			"columns": [{"name": "a", "a": {"type": "INTEGER", "nullable": true, "position": 1}, "b": null}],
			"figures": [{"column": "b", "figure": "max", "a": "y", "b": "z"}]}]`},
		"no table": {[]string{`CREATE TABLE x.public.u (a INTEGER)`},
			`[{"schema": "public", "name": "t", "only_in": "a", "rows_a": 2}, {"schema": "public", "name": "u", "only_in": "b", "rows_b": 0}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := diff.Extracts(t.Context(), hyperdtest.Acquire(t), extract(t, base...), extract(t, c.b...))
			require.NoError(t, err)
			text, err := json.Marshal(got.Tables)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, string(text))
			assert.Equal(t, c.want == "[]", got.Equal)
			assert.Equal(t, got.Equal, got.Sentence() == "")
		})
	}
}
