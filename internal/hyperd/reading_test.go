package hyperd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"select 1", "SELECT 1;", " ;; (select 1) ; -- the end", "-- first\rselect 1", "/* no */ select 1 /* copy */",
		"with a as (select 1) select * from a", "((with a as (select 1) select * from a))", "values (1)", "table t",
		"select 'external(1)', E'\\'external(''', $$external('x')$$, $a$ $$; external( $a$ as \"external\"",
		`select external, "external" from t`, `select 'a;b' as "c;d" /* ; */`, "select externally('x'), \"external \"('x')",
		"select count(*) filter (where a > 0) from t", `select E'\\', '(', "(""", $$($$, 'it''s (', e'\'(' -- (`,
		"select 1 -- external('x')", "select $1", "select U&'external(' from t",
	} {
		assert.NoError(t, hyperd.CheckQuery(query, false), query)
		assert.NoError(t, hyperd.CheckQuery(query, true), query)
	}
	const begins, calls = "a query begins with SELECT or WITH, but this begins with ", "the query calls "
	for query, want := range map[string]string{
		"":                             "the query is empty",
		" ;\n-- nothing":               "the query is empty",
		"/* select 1":                  "the query is empty",
		"copy t to '/tmp/a'":           begins + "copy",
		"COPY (select 1) to '/tmp/a'":  begins + "COPY",
		"; attach database \"a\" as b": begins + "attach",
		"/* /* */ drop table t /* */":  begins + "drop", // comments are not nested
		"-- \rdrop table t":            begins + "drop",
		"explain select 1":             begins + "explain",
		"\"select\" 1":                 begins + `"select"`,
		"\vselect 1":                   begins + "\v",
		"select 1; select 2":           "there are several statements where one query is expected",
		"select 1; -- and\n drop table t; select '":      "there are several statements where one query is expected",
		"select 'a' ; copy t to 'b'":                     "there are several statements where one query is expected",
		"select (1":                                      "a ( is not closed",
		"select ((count(*))":                             "a ( is not closed",
		"select ((1":                                     "2 ( are not closed",
		"select 1) + (2":                                 "a ) has no ( before it",
		"select 'it''s":                                  `what begins with "'it''s" is not closed`,
		`select e'\'`:                                    `what begins with "e'\\'" is not closed`,
		`select "a""`:                                    `what begins with "\"a\"\"" is not closed`,
		"select $a$ $$":                                  `what begins with "$a$ $$" is not closed`,
		"select set_config('a', 'b', false)":             calls + "set_config(…), which is not for queries",
		"select tableau.dumpsqlast('a')":                 calls + "dumpsqlast(…), which is not for queries",
		`select * from U&"\0065xternal"('a')`:            calls + `U&"\0065xternal"(…), which is not for queries`,
		"select * from external(stdin, format => 'csv')": "the query reads stdin, which is not sent to hyperd",
		"select * from External /* */ ( /**/ STDIN , descriptor)": "the query reads stdin, which is not sent to hyperd",
	} {
		assert.EqualError(t, hyperd.CheckQuery(query, false), want, query)
		assert.EqualError(t, hyperd.CheckQuery(query, true), want, query)
	}
	for _, query := range []string{
		"select * from external('a')", "select * from EXTERNAL\n(array['a'])", "select * from \"external\"('a')", "select * from pg_catalog.external('a')",
		"select * from external/**/('a')", "select * from external--\r('a')", "with a as (select * from external('a')) select 1", "select 1 in (table external('a'))",
		"select * from s3_location('a')", "select * from GCS_LOCATION('a')", "select '\\', external('a') --'", "select $$'$$, external('a') --'",
		"select e'\\'', external('a') --'", `select 1 as "a""b'", external('a') --'`,
	} {
		assert.ErrorContains(t, hyperd.CheckQuery(query, false), "(…), which reads other files", query)
		assert.NoError(t, hyperd.CheckQuery(query, true), query)
	}
}

func FuzzCheckQuery(f *testing.F) {
	f.Add("select 'a', \"b\", $$c$$ -- d\n from external('e')")
	f.Fuzz(func(t *testing.T, sql string) {
		var b strings.Builder
		for _, text := range hyperd.Tokens(sql) {
			b.WriteString(text)
		}
		assert.Equal(t, sql, b.String(), "nothing is lost")
		_ = hyperd.CheckQuery(sql, false)
	})
}

// readingHyperd is a session with a hyperd that is kept to reading, in which a file is open.
func readingHyperd(t *testing.T, reading hyperd.Reading, path string) *hyperd.Conn {
	manager := hyperd.NewManager(time.Minute)
	t.Cleanup(manager.Shutdown)
	lease, err := manager.Acquire(t.Context(), hyperd.Config{Reading: reading, Settings: map[string]string{
		"external_file_root": filepath.Dir(path), "restrict-external-file-root": "false", "storage_providers": "{}",
	}})
	require.NoError(t, err)
	conn := hyperdtest.Connect(t, lease)
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "file"))
	return conn
}

// hyperd itself keeps to reading, whatever it is asked to do.
func TestAReadingHyperdTouchesNothingElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.hyper")
	writer := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	for _, statement := range []string{
		"CREATE DATABASE " + hyperd.QuoteName(path),
		"ATTACH DATABASE " + hyperd.QuoteName(path) + " AS new",
		"CREATE TABLE new.public.t AS SELECT 1 AS a",
		fmt.Sprintf("COPY (SELECT 7 AS a) TO '%s/a.parquet' WITH (FORMAT parquet)", folder),
		"DETACH DATABASE new",
	} {
		_, err := writer.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a.csv"), []byte("7"), 0o600))
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	writes := []string{
		"CREATE DATABASE %q", "CREATE DATABASE %[1]q FROM %[2]q", "ATTACH DATABASE %[2]q AS again",
		"INSERT INTO file.public.t VALUES (2)", "WITH x AS (SELECT 2 AS a) INSERT INTO file.public.t SELECT a FROM x", "DROP TABLE file.public.t", "CREATE TABLE file.public.u (a INT)", "SELECT 1 AS a INTO file.public.u",
		"DROP DATABASE %[2]q",
	}
	attached := append(writes,
		"COPY (SELECT 1 AS a) TO '%[1]s' WITH (FORMAT csv)", "COPY (SELECT 1 AS a) TO '%[1]s' WITH (FORMAT hyper)",
		"SELECT * FROM external('%[3]s/a.parquet')", "SELECT * FROM external('file://%[3]s/a.parquet')", "SELECT * FROM external(ARRAY['%[3]s/a.parquet'])",
		"SELECT * FROM external('%[3]s/a.csv', COLUMNS => DESCRIPTOR(a INT), FORMAT => 'csv')", "SELECT * FROM external('%[3]s', FORMAT => 'iceberg')",
		"CREATE TEMPORARY EXTERNAL TABLE x FOR '%[3]s/a.parquet'", "COPY file.public.t FROM '%[3]s/a.csv' WITH (FORMAT csv)",
		"SELECT * FROM external('/etc/passwd', COLUMNS => DESCRIPTOR(a TEXT), FORMAT => 'csv')", "SELECT * FROM external('/proc/self/environ', COLUMNS => DESCRIPTOR(a TEXT), FORMAT => 'csv')",
		"SELECT * FROM external('s3://bucket/a.parquet')", "SELECT * FROM external(s3_location('s3://bucket/a.parquet', 'a', 'b', 'us-east-1'), FORMAT => 'parquet')",
		"SELECT * FROM external(gcs_location('gs://bucket/a.parquet', 'a'), FORMAT => 'parquet')", "SELECT * FROM external(http_location('http://127.0.0.1:1/a.parquet'), FORMAT => 'parquet')",
	)
	for reading, statements := range map[hyperd.Reading][]string{hyperd.OnlyReading: writes, hyperd.OnlyAttached: attached} {
		conn := readingHyperd(t, reading, path)
		for _, statement := range statements {
			made := filepath.Join(folder, "made")
			statement = strings.NewReplacer("%q", hyperd.QuoteName(made), "%[1]q", hyperd.QuoteName(made), "%[2]q", hyperd.QuoteName(path),
				"%[1]s", made, "%[3]s", folder).Replace(statement)
			_, err := conn.Exec(t.Context(), statement)
			for tries := 0; err != nil && !hyperd.IsAnswer(err) && tries < 3; tries++ { // now and then, hyperd dies of what it refuses
				conn = readingHyperd(t, reading, path)
				_, err = conn.Exec(t.Context(), statement)
			}
			require.True(t, hyperd.IsAnswer(err), "%s: %v", statement, err)
			require.NoFileExists(t, made, statement)
		}
		sum, err := conn.QueryValue(t.Context(), "SELECT sum(a) FROM file.public.t")
		require.NoError(t, err)
		assert.Equal(t, "1", sum)
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after, "the file changed")
	value, err := readingHyperd(t, hyperd.OnlyReading, path).QueryValue(t.Context(), fmt.Sprintf("SELECT a FROM external('%s/a.parquet')", folder))
	require.NoError(t, err)
	assert.Equal(t, "7", value)
}
