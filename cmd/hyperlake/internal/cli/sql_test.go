package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allTypes is a table with a value of every type, then one of NULLs.
var allTypes = []string{
	`CREATE SCHEMA new."Extract"`,
	`CREATE TABLE new."Extract"."Extract" (k INTEGER, b BOOLEAN, s SMALLINT, l BIGINT, n NUMERIC(18,4), w NUMERIC(38,2), r REAL,
		d DOUBLE PRECISION, t TEXT, c CHAR(1), c3 CHAR(3), y BYTES, da DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL,
		g tableau.TABGEOGRAPHY, j JSON)`,
	`INSERT INTO new."Extract"."Extract" VALUES (1, true, -32768, 9223372036854775807, -1.5, 123456789012345678901234567890123456.78, 0.1,
		0.1::DOUBLE PRECISION + 0.2::DOUBLE PRECISION, 'žluť <&> "x", y', 'c', 'ab', E'\\x00ff'::BYTES, DATE '2026-01-31', TIME '23:59:59.5',
		TIMESTAMP '2026-01-31 12:00:00.000001', TIMESTAMPTZ '2026-01-31 12:00:00+02', INTERVAL '1 month 2 days', 'point(1 2)', '{"a": 1}')`,
	`INSERT INTO new."Extract"."Extract" (k) VALUES (2)`,
}

const selectAll = `select * from "Extract"."Extract" order by k`

func TestSQLPrintsATable(t *testing.T) {
	path := makeHyper(t, "all.hyper", 4, allTypes...)

	got := run(t, "", "sql", path, `select k, b, s, l, n, r, d, c3, y, j from "Extract"."Extract" order by k`)

	assert.Equal(t, outcome{0, `` +
		` k │ b    │      s │                   l │       n │    r │                   d │ c3    │ y      │ j
───┼──────┼────────┼─────────────────────┼─────────┼──────┼─────────────────────┼───────┼────────┼──────────
 1 │ true │ -32768 │ 9223372036854775807 │ -1.5000 │  0.1 │ 0.30000000000000004 │ "ab " │ \x00ff │ {"a": 1}
 2 │ NULL │   NULL │                NULL │    NULL │ NULL │                NULL │ NULL  │ NULL   │ NULL
`, "(2 rows)\n"}, got)
}

func TestSQLPrintsCSV(t *testing.T) {
	path := makeHyper(t, "all.hyper", 4, allTypes...)

	got := run(t, "", "sql", path, selectAll, "--csv")

	assert.Equal(t, outcome{0, `k,b,s,l,n,w,r,d,t,c,c3,y,da,ti,ts,tz,iv,g,j
1,true,-32768,9223372036854775807,-1.5000,123456789012345678901234567890123456.78,0.1,0.30000000000000004,"žluť <&> ""x"", y",c,"ab ",\x00ff,2026-01-31,23:59:59.5,2026-01-31 12:00:00.000001,2026-01-31 10:00:00+00,P1M2D,POINT(1.0000000 2.0000000),"{""a"": 1}"
2,,,,,,,,,,,,,,,,,,
`, ""}, got)
}

func TestSQLPrintsJSON(t *testing.T) {
	path := makeHyper(t, "all.hyper", 4, allTypes...)

	got := run(t, "", "sql", path, selectAll, "--json")

	assert.Equal(t, outcome{0, `[
{"k":1,"b":true,"s":-32768,"l":9223372036854775807,"n":-1.5000,"w":123456789012345678901234567890123456.78,"r":0.1,"d":0.30000000000000004,"t":"žluť <&> \"x\", y","c":"c","c3":"ab ","y":"\\x00ff","da":"2026-01-31","ti":"23:59:59.5","ts":"2026-01-31T12:00:00.000001","tz":"2026-01-31T10:00:00Z","iv":"P1M2D","g":"POINT(1.0000000 2.0000000)","j":"{\"a\": 1}"},
{"k":2,"b":null,"s":null,"l":null,"n":null,"w":null,"r":null,"d":null,"t":null,"c":null,"c3":null,"y":null,"da":null,"ti":null,"ts":null,"tz":null,"iv":null,"g":null,"j":null}
]
`, ""}, got)
	assert.True(t, json.Valid([]byte(got.stdout)))
}

func TestSQLKeepsExtremesExact(t *testing.T) {
	path := makeHyper(t, "empty.hyper", 2)
	var expressions, values []string
	for i, test := range []struct{ expression, json string }{
		{`'nan'::double precision`, `"NaN"`},
		{`'infinity'::double precision`, `"Infinity"`},
		{`'-infinity'::double precision`, `"-Infinity"`},
		{`5e-324::double precision`, `5e-324`},
		{`1.7976931348623157e308::double precision`, `1.7976931348623157e+308`},
		{`-0.0::double precision`, `-0`},
		{`cast(-9223372036854775807 - 1 as bigint)`, `-9223372036854775808`},
		{`date '0001-01-01' - 1`, `"0001-12-31 BC"`},
		{`timestamp '0001-01-01 00:00:00' - interval '1 second'`, `"0001-12-31 23:59:59 BC"`},
		{`timestamptz '9999-12-31 23:59:59.999999+00'`, `"9999-12-31T23:59:59.999999Z"`},
		{`array['a', null, 'b,c']`, `"[\"a\",NULL,\"b,c\"]"`},
		{`E'\u2028\n\x01'`, `"\u2028\n\u0001"`},
	} {
		expressions = append(expressions, fmt.Sprintf("%s as x%d", test.expression, i))
		values = append(values, fmt.Sprintf(`"x%d":%s`, i, test.json))
	}

	got := run(t, "", "sql", path, "select "+strings.Join(expressions, ", "), "--json")

	assert.Equal(t, outcome{0, "[\n{" + strings.Join(values, ",") + "}\n]\n", ""}, got)
}

func TestSQLShowsWhatIsHardToSee(t *testing.T) {
	path := makeHyper(t, "empty.hyper", 2)
	query := `select * from (values (1, null), (2, ''), (3, 'NULL'), (4, '"'), (5, ' a'), (6, 'a '), (7, E'a\nb'),
		(8, E'\ttab\x1b[31m\r'), (9, '日本語'), (10, E'\u202eright to left'), (11, 'null')) as t (n, "text, or so") order by n`

	got := run(t, "", "sql", path, query)

	assert.Equal(t, outcome{0, `  n │ text, or so
────┼─────────────────────
  1 │ NULL
  2 │ ""
  3 │ "NULL"
  4 │ """"
  5 │ " a"
  6 │ "a "
  7 │ a↵
    │ b
  8 │ \ttab\x1b[31m\r
  9 │ 日本語
 10 │ \u202eright to left
 11 │ null
`, "(11 rows)\n"}, got)

	table := run(t, "", "sql", path, query, "--csv")
	require.Equal(t, 0, table.code)
	records, err := csv.NewReader(strings.NewReader(table.stdout)).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{"n", "text, or so"}, records[0])
	assert.Contains(t, table.stdout, "1,\n2,\"\"\n3,NULL\n4,\"\"\"\"\n")
	assert.Equal(t, []string{"7", "a\nb"}, records[7])
	assert.Equal(t, []string{"8", "\ttab\x1b[31m\r"}, records[8])
}

func TestSQLOfNoRows(t *testing.T) {
	path := makeHyper(t, "empty.hyper", 2)
	const query = "select 1 as a, 'x' as b where false"

	assert.Equal(t, outcome{0, " a │ b\n───┼───\n", "(0 rows)\n"}, run(t, "", "sql", path, query))
	assert.Equal(t, outcome{0, "a,b\n", ""}, run(t, "", "sql", path, query, "--csv"))
	assert.Equal(t, outcome{0, "[]\n", ""}, run(t, "", "sql", path, query, "--json"))
}

func TestSQLFindsTablesByTheirNames(t *testing.T) {
	path := makeHyper(t, `Extract.hyper`, 2,
		`CREATE SCHEMA new."Extract"`, `CREATE SCHEMA new."with ""quotes"" ž"`,
		`CREATE TABLE new."Extract"."Extract" (a INTEGER)`, `INSERT INTO new."Extract"."Extract" VALUES (1)`,
		`CREATE TABLE new."with ""quotes"" ž"."řádky" (a INTEGER)`, `INSERT INTO new."with ""quotes"" ž"."řádky" VALUES (2)`,
		`CREATE TABLE new.public.twice (a INTEGER)`, `INSERT INTO new.public.twice VALUES (3)`,
		`CREATE TABLE new."Extract".twice (a INTEGER)`,
	)
	for table, want := range map[string]string{
		`"Extract"."Extract"`:           "1",
		`"Extract"`:                     "1",
		`"Extract"."Extract"."Extract"`: "1",
		`"řádky"`:                       "2",
		`"with ""quotes"" ž"."řádky"`:   "2",
		`twice`:                         "3",
	} {
		assert.Equal(t, outcome{0, "a\n" + want + "\n", ""}, run(t, "", "sql", path, "select a from "+table, "--csv"), table)
	}
}

func TestSQLReadsTheQueryFromStdin(t *testing.T) {
	path := makeHyper(t, "empty.hyper", 2)

	got := run(t, "-- one\nselect 1 as one; -- and no more\n", "sql", path, "-", "--quiet")

	assert.Equal(t, outcome{0, " one\n─────\n   1\n", ""}, got)
}

func TestSQLNeverChangesTheFile(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2, "CREATE TABLE new.public.t (a INTEGER)", "INSERT INTO new.public.t VALUES (1)")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	long := time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)
	require.NoError(t, os.Chtimes(path, long, long))
	for _, statement := range []string{
		"insert into t values (2)", "update t set a = 2", "delete from t", "drop table t", "create table u (a int)", "alter table t add column b int",
	} {
		first, _, _ := strings.Cut(statement, " ")
		got := run(t, "", "sql", path, statement)

		assert.Equal(t, outcome{2, "", "hyperlake: a query begins with SELECT or WITH, but this begins with " + first +
			"; `hyperlake sql` runs one query, which changes nothing\n"}, got, statement)
	}
	got := run(t, "", "sql", path, "with x as (select 2 as a) insert into t select a from x")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, "`hyperlake sql` never changes the file; build another one\n")
	assert.Equal(t, outcome{0, "a\n1\n", ""}, run(t, "", "sql", path, "select * from t", "--csv"))

	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "the file changed")
	stat, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, stat.ModTime().Equal(long), "modified %s", stat.ModTime())
}

func TestSQLReadsOtherFilesOnlyIfItMay(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)
	orders, err := filepath.Abs(sampleLake + "/orders/orders.1.parquet")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("made.csv", []byte("7\n"), 0o600))
	query := fmt.Sprintf(`select (select count(*) from external('%s')) + (select a from external('made.csv', columns => descriptor(a int), format => 'csv')) as sum`, orders)

	assert.Equal(t, outcome{0, "sum\n15007\n", ""}, run(t, "", "sql", path, query, "--csv", "--allow-external"))
	assert.Equal(t, outcome{2, "", "hyperlake: the query calls external(…), which reads other files; add --allow-external, if the query may read other files\n"},
		run(t, "", "sql", path, query, "--csv"))
	for _, flags := range [][]string{nil, {"--allow-external"}} {
		got := run(t, "", append([]string{"sql", path, "copy (select 7 as a) to 'copied.csv' with (format csv)"}, flags...)...)
		assert.Equal(t, 2, got.code)
		assert.NoFileExists(t, "copied.csv")
	}
}

func TestSQLRefusesTwoJSONKeysOfOneName(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)

	got := run(t, "", "sql", path, "select 1 as a, 2 as b, 3 as a", "--json")

	assert.Equal(t, outcome{2, "", "hyperlake: the result has two columns named \"a\", which a JSON object cannot have; " +
		"give one of them another name with AS\n"}, got)
	assert.Equal(t, outcome{0, "a,b,a\n1,2,3\n", ""}, run(t, "", "sql", path, "select 1 as a, 2 as b, 3 as a", "--csv"))
}

func TestSQLErrors(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2, "CREATE TABLE new.public.t (a INTEGER)")
	const names = "; `hyperlake inspect {path}` lists tables and columns; names that are not all in lower case stand in double quotes"
	for _, test := range []struct {
		query, stderr string
		code          int
	}{
		{"select * from nosuch", `hyperlake: table "nosuch" does not exist: line 1, column 15: select * from nosuch (hyperd error 42P01)` + names, 1},
		{"select *\n  from t where b = 1", `hyperlake: unknown column 'b': line 2, column 16: from t where b = 1 (hyperd error 42703)` + names, 1},
		{"select * from s.t", `hyperlake: schema "s" does not exist: line 1, column 15: select * from s.t (hyperd error 3F000)` + names, 1},
		{"select 1/0", "hyperlake: division by zero (hyperd error 22012)", 1},
		{" \n", "hyperlake: the query is empty", 2},
	} {
		got := run(t, "", "sql", path, test.query)

		assert.Equal(t, outcome{test.code, "", strings.ReplaceAll(test.stderr, "{path}", path) + "\n"}, got)
	}
	got := run(t, "", "sql", path, "select 1; select 2")
	assert.Equal(t, outcome{2, "", "hyperlake: there are several statements where one query is expected; `hyperlake sql` runs one query, which changes nothing\n"}, got)
}

func TestSQLErrorInTheMiddleOfTheResult(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)

	got := run(t, "", "sql", path, "select 1 / (n - 300000) as x from generate_series(1, 600000) as s(n)", "--json")

	assert.Equal(t, 1, got.code)
	assert.Equal(t, "hyperlake: division by zero (hyperd error 22012)\n", got.stderr)
	assert.False(t, json.Valid([]byte(got.stdout)), "a part of the result must not look whole")
}

func TestSQLUsage(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)

	got := run(t, "", "sql", path, "select 1", "--csv", "--json")
	assert.Equal(t, outcome{2, "", "hyperlake: --csv and --json exclude each other\n"}, got)

	got = run(t, "", "sql", path)
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, "usage: hyperlake sql FILE.hyper QUERY")
}
