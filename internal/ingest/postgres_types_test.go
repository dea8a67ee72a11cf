//go:build postgres

package ingest_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/ingest/postgrestest"
)

// asPostgres writes a value of Arrow as PostgreSQL would: with floats as their bits.
func asPostgres(column arrow.Array, i int) string {
	if column.IsNull(i) {
		return "NULL"
	}
	switch column := column.(type) {
	case *array.Float32:
		return fmt.Sprintf("%08x", math.Float32bits(column.Value(i)))
	case *array.Float64:
		return fmt.Sprintf("%016x", math.Float64bits(column.Value(i)))
	case *array.Binary:
		return `\x` + hex.EncodeToString(column.Value(i))
	case *array.Date32:
		day := time.Unix(int64(column.Value(i))*24*60*60, 0).UTC()
		return fmt.Sprintf("%04d-%s", day.Year(), day.Format("01-02"))
	case *array.Time64:
		return time.UnixMicro(int64(column.Value(i))).UTC().Format("15:04:05.999999")
	case *array.Timestamp:
		zone := ""
		if column.DataType().(*arrow.TimestampType).TimeZone == "UTC" {
			zone = "+00"
		}
		moment := time.UnixMicro(int64(column.Value(i))).UTC()
		return fmt.Sprintf("%04d-%s", moment.Year(), moment.Format("01-02 15:04:05.999999")) + zone
	case *array.Decimal128:
		return column.Value(i).ToString(column.DataType().(*arrow.Decimal128Type).Scale)
	}
	return column.ValueStr(i)
}

// bits has the server write a float as [asPostgres] does.
const (
	float4Bits = "encode(float4send(v), 'hex')"
	float8Bits = "encode(float8send(v), 'hex')"
)

// postgresTypeCases are values that readers stumble over. What is shown is the server's text of them.
var postgresTypeCases = []struct {
	kind    string
	arrow   arrow.DataType
	values  []string // as SQL without the cast
	shown   string   // SQL; default v::text
	rejects []string // values whose rows are rejected
	rule    string
}{
	{kind: "bool", arrow: arrow.FixedWidthTypes.Boolean, values: []string{"'t'", "'f'"}},
	{kind: "int2", arrow: arrow.PrimitiveTypes.Int16, values: []string{"-32768", "32767", "0"}},
	{kind: "int4", arrow: arrow.PrimitiveTypes.Int32, values: []string{"-2147483648", "2147483647", "-1"}},
	{kind: "int8", arrow: arrow.PrimitiveTypes.Int64, values: []string{"-9223372036854775808", "9223372036854775807", "9007199254740993"}},
	{kind: "oid", arrow: arrow.PrimitiveTypes.Int64, values: []string{"0", "4294967295"}},
	{kind: "float4", arrow: arrow.PrimitiveTypes.Float32, shown: float4Bits,
		values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "1e-45", "3.4028235e38"}},
	{kind: "float8", arrow: arrow.PrimitiveTypes.Float64, shown: float8Bits,
		values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "5e-324", "1.7976931348623157e308"}},
	{kind: "numeric(38,10)", arrow: &arrow.Decimal128Type{Precision: 38, Scale: 10}, rejects: []string{"'NaN'"}, rule: "type numeric",
		values: []string{"9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999", "0.0000000001", "-0.0000000001", "0", "10000", "100000000", "0.0001", "12345678.00009"}},
	{kind: "numeric(38,0)", arrow: &arrow.Decimal128Type{Precision: 38}, values: []string{"99999999999999999999999999999999999999", "-1", "10", "1000000000000000000000"}},
	{kind: "numeric(38,38)", arrow: &arrow.Decimal128Type{Precision: 38, Scale: 38}, values: []string{"0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"}},
	{kind: "numeric(4,2)", arrow: &arrow.Decimal128Type{Precision: 4, Scale: 2}, values: []string{"99.99", "-99.99", "0.01", "1.1"}},
	{kind: "numeric(3,-2)", arrow: &arrow.Decimal128Type{Precision: 5}, values: []string{"99900", "-12345", "49", "50"}},
	{kind: "numeric(3,5)", arrow: &arrow.Decimal128Type{Precision: 5, Scale: 5}, values: []string{"0.00999", "-0.00001"}},
	{kind: "numeric", arrow: arrow.BinaryTypes.String, rejects: []string{"'NaN'", "'Infinity'", "'-Infinity'"}, rule: "type numeric",
		values: []string{"0", "0.0", "1e1000", "-1e-1000", "1.10", "123456789012345678901234567890.000100", "1e40", "0.00001234", "-10000.0001"}},
	{kind: "text", arrow: arrow.BinaryTypes.String, values: []string{"''", "'NULL'", `'"'`, `'\N'`, "E'a\\nb\\tc\\r'", "'Größe 日本 🎉'", "repeat('x', 100000)", "E'\\x7f\\x01'"}},
	{kind: "varchar(5)", arrow: arrow.BinaryTypes.String, values: []string{"'ab   '", "''"}},
	{kind: "char(5)", arrow: arrow.BinaryTypes.String, values: []string{"'ab'", "''"}, shown: "textin(bpcharout(v))"},
	{kind: `"char"`, arrow: arrow.BinaryTypes.String, values: []string{"'a'", "''", `'\377'`}},
	{kind: "name", arrow: arrow.BinaryTypes.String, values: []string{"'pg_class'"}},
	{kind: "bytea", arrow: arrow.BinaryTypes.Binary, values: []string{`'\x'`, `'\x00ff0a5c'`}},
	{kind: "date", arrow: arrow.FixedWidthTypes.Date32, rule: "type date",
		values:  []string{"'0001-01-01'", "'1582-10-10'", "'1969-12-31'", "'1970-01-01'", "'2000-02-29'", "'9999-12-31'", "'10000-01-01'", "'294276-12-31'"},
		rejects: []string{"'infinity'", "'-infinity'", "'0001-12-31 BC'", "'4713-01-01 BC'", "'294277-01-01'", "'5874897-12-31'"}},
	{kind: "time", arrow: arrow.FixedWidthTypes.Time64us, values: []string{"'00:00'", "'23:59:59.999999'", "'12:00:00.5'"}, rejects: []string{"'24:00'"}, rule: "type time without time zone"},
	{kind: "timetz", arrow: arrow.BinaryTypes.String, values: []string{"'12:00:00.000001+15:59:59'", "'00:00-08'"}},
	{kind: "timestamp", arrow: &arrow.TimestampType{Unit: arrow.Microsecond}, rule: "type timestamp without time zone",
		values:  []string{"'0001-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'", "'2000-01-01 00:00:00.000001'", "'294246-12-31 23:59:59.999999'", "'1900-06-01 12:00:00.1'"},
		rejects: []string{"'infinity'", "'-infinity'", "'0001-12-31 23:59:59.999999 BC'", "'294276-12-31 23:59:59.999999'"}},
	{kind: "timestamptz", arrow: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, rule: "type timestamp with time zone",
		values:  []string{"'0001-01-01 00:00:00+00'", "'2026-03-29 02:30:00 Europe/Berlin'", "'2026-10-25 02:30:00.123456+02'", "'1883-11-18 12:00 America/New_York'"},
		rejects: []string{"'infinity'", "'0001-01-01 00:00:00+01'"}},
	{kind: "interval", arrow: arrow.BinaryTypes.String, values: []string{"'1 year -2 mons 3 days 04:05:06.000007'", "'0'", "'-178000000 years'", "'-00:00:00.000001'"}},
	{kind: "uuid", arrow: arrow.BinaryTypes.String, values: []string{"'00000000-0000-0000-0000-000000000000'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
	{kind: "json", arrow: arrow.BinaryTypes.String, values: []string{`'{"a": 1, "a":  1e400}'`, `'null'`, `'"\u0000"'`}},
	{kind: "jsonb", arrow: arrow.BinaryTypes.String, values: []string{`'{"b": [1.10, 12345678901234567890123], "a": "ü"}'`, `'null'`}},
	{kind: "xml", arrow: arrow.BinaryTypes.String, values: []string{"'<a>ü &lt;</a>'", `'<?xml version="1.0"?><a/>'`}},
	{kind: "inet", arrow: arrow.BinaryTypes.String, shown: "textin(inet_out(v))", values: []string{"'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "'::ffff:1.2.3.4'", "'2001:db8::/32'"}},
	{kind: "cidr", arrow: arrow.BinaryTypes.String, values: []string{"'10.0.0.0/8'", "'::1/128'"}},
	{kind: "macaddr", arrow: arrow.BinaryTypes.String, values: []string{"'08:00:2b:01:02:03'"}},
	{kind: "macaddr8", arrow: arrow.BinaryTypes.String, values: []string{"'08:00:2b:01:02:03:04:05'"}},
	{kind: "bit(3)", arrow: arrow.BinaryTypes.String, values: []string{"B'101'", "B'000'"}},
	{kind: "varbit", arrow: arrow.BinaryTypes.String, values: []string{"B''", "B'1010101010101'"}},
	{kind: "int4range", arrow: arrow.BinaryTypes.String, values: []string{"'[1,5)'", "'empty'", "'(,)'"}},
	{kind: "nummultirange", arrow: arrow.BinaryTypes.String, values: []string{"'{[1.5,2),(3,)}'", "'{}'"}},
	{kind: "int4[]", arrow: arrow.BinaryTypes.String, shown: "to_json(v)::text", values: []string{"'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[2:3]={7,8}'"}},
	{kind: "int2vector", arrow: arrow.BinaryTypes.String, shown: "to_json(v)::text", values: []string{"'1 2'"}},
	{kind: "text[]", arrow: arrow.BinaryTypes.String, shown: "to_json(v)::text", values: []string{`'{"a\"b","",NULL,"NULL"}'`}},
	{kind: "numeric(5,2)[]", arrow: arrow.BinaryTypes.String, shown: "to_json(v)::text", values: []string{"'{1.10,NaN}'"}},
}

// testPostgresTypes holds what arrives against what the server prints.
func testPostgresTypes(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	for _, c := range postgresTypeCases {
		shown := c.shown
		if shown == "" {
			shown = "v::text"
		}
		rows := []string{"(0, NULL::" + c.kind + ")"}
		for i, value := range append(c.values, c.rejects...) {
			rows = append(rows, fmt.Sprintf("(%d, (%s)::%s)", i+1, value, c.kind))
		}
		// Values of VALUES have no type modifiers: those of a table have.
		database.Exec(t, "DROP TABLE IF EXISTS t; CREATE TABLE t (n int, v "+c.kind+"); INSERT INTO t VALUES "+strings.Join(rows, ", "))
		sink := &postgresSink{}
		require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "SELECT * FROM t ORDER BY n"}, sink), c.kind)
		printed := database.Query(t, "SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'; SELECT n, "+shown+" FROM t ORDER BY n")
		assert.Equal(t, printed[:1+len(c.values)], sink.rows, c.kind)
		require.Len(t, sink.rejects, len(c.rejects), c.kind)
		for i, row := range printed[1+len(c.values):] {
			reject := sink.rejects[i]
			assert.Equal(t, map[string]string{"n": row[0], "v": row[1]}, reject.Values)
			assert.Equal(t, [3]string{strconv.Itoa(len(c.values) + i + 2), "v", c.rule}, [3]string{reject.Key, reject.Column, reject.Rule})
			assert.NotEmpty(t, reject.Reason)
			if strings.ContainsAny(row[1], "0123456789") {
				assert.NotContains(t, reject.Reason, row[1], "reasons are without values")
			}
		}
		assert.Equal(t, c.arrow, postgresColumns(t, database, "TABLE t").Field(1).Type, c.kind)
	}
}

// postgresColumns are the columns of a query.
func postgresColumns(t *testing.T, database *postgrestest.Database, query string) *arrow.Schema {
	t.Helper()
	t.Setenv("POSTGRES_OF_TEST", database.URL())
	source := ingest.NewPostgres(ingest.PostgresOptions{URLEnv: "POSTGRES_OF_TEST", Query: query})
	defer func() { assert.NoError(t, source.Close()) }()
	schema, err := source.Columns(t.Context())
	require.NoError(t, err, query)
	return schema
}

// testPostgresUserTypes reads types that users make.
func testPostgresUserTypes(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", `CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('so so', '"', 'ü');
		CREATE DOMAIN s.cents AS numeric(10,2) CHECK (VALUE > 0); CREATE DOMAIN s.deeper AS s.cents; CREATE DOMAIN s.list AS int[];
		CREATE TYPE s.point AS (x s.cents, "y ""z""" text, at timestamptz, moods s.mood[]);
		CREATE TYPE s.span AS RANGE (subtype = float8);
		CREATE TABLE t (mood s.mood, deeper s.deeper, list s.list, point s.point, points s.point[], span s.span, row s.list[]);
		INSERT INTO t VALUES ('so so', 1.50, '{1,2}', (2.00, 'a"b', '2026-01-01 00:00+02', '{"so so","\"",ü}'), ARRAY[(0.10, NULL, NULL, NULL)::s.point], '[0.1,2]', ARRAY['{1}'::s.list]), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	sink := &postgresSink{}
	require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE t"}, sink))
	require.Len(t, sink.rows, 2)
	assert.Equal(t, []string{
		"so so", "1.50", "[1,2]", `{"x":2.00,"y \"z\"":"a\"b","at":"2025-12-31T22:00:00+00:00","moods":["so so","\"","ü"]}`,
		`[{"x":0.10,"y \"z\"":null,"at":null,"moods":null}]`, "[0.1,2]", "[[1]]",
	}, sink.rows[0])
	assert.Equal(t, &arrow.Decimal128Type{Precision: 10, Scale: 2}, postgresColumns(t, database, "TABLE t").Field(1).Type)
}

// testPostgresRefusedTypes has types without an exact form.
func testPostgresRefusedTypes(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", "CREATE EXTENSION hstore; CREATE TYPE pay AS (amount money)")
	for query, says := range map[string]string{
		"SELECT 1::money AS m":                      `the column "m" is money, which has no exact form in a lake; write "m"::numeric AS "m" in the query`,
		"SELECT ARRAY[1::money] AS m":               `the column "m" is money[], in which money has no exact form`,
		"SELECT ROW(1)::pay AS m":                   `the column "m" is pay, in which money has no exact form`,
		"SELECT ROW(1, 2) AS m":                     `the column "m" is record`,
		"SELECT 'a=>1'::hstore AS h":                `the column "h" is hstore, which has no exact form in a lake; write "h"::text AS "h" in the query`,
		"SELECT point(1, 2) AS p":                   `the column "p" is point`,
		"SELECT 1::numeric(50,2) AS n":              `the column "n" is numeric(50,2), which has more than 38 digits`,
		"SELECT 'pg_class'::regclass AS r":          `the column "r" is regclass`,
		"SELECT 1::money AS a, point(1, 2) AS b":    `the column "a" is money`,
		"SELECT 1 AS a, 2 AS a":                     `two columns of the query are named "a"`,
		"SELECT count(*), count(*) FROM (SELECT) x": `two columns of the query are named "count"`,
	} {
		err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query}, &postgresSink{})
		require.Error(t, err, query)
		failed := failure.Of(err, failure.Engine)
		assert.Contains(t, failed.Sentence(), says)
		assert.Equal(t, failure.Config, failed.Kind)
		assert.True(t, failed.Early, query)
		if strings.Contains(query, "AS a, point") {
			assert.Len(t, failed.More, 1, "all that is wrong is told at once")
		}
	}
}

// testPostgresRefusedQueries has queries that are none, or more than one, or write.
func testPostgresRefusedQueries(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", "CREATE TABLE t AS SELECT 1 AS a", "CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING a'")
	for _, query := range []string{
		"", ";", "-- nothing", "select 1) to stdout; drop table t; --", "select 1) as q; drop table t; --", "select 1; drop table t", "drop table t",
		"delete from t returning a", "with gone as (delete from t returning a) select * from gone", "insert into t values (2) returning a",
		"select a into u from t", "copy t to stdout", "show server_version", "explain select 1", "begin", "commit", "rollback", "execute x",
		"select $1::int", "select 1 /*", "select 'a", "select 1 as a) q, (select 2 as b", "select from none", "do $$ begin delete from t; end $$",
		"declare c cursor for select 1", "call write()", "prepare x as select 1", "set transaction read write", "lock t", "vacuum t", "notify x",
		"select a from t for update", "select write() as a", "select nextval('s')", "listen x; select 1",
	} {
		err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query}, &postgresSink{})
		require.Error(t, err, query)
		assert.Equal(t, [][]string{{"1"}}, database.Query(t, "SELECT a FROM t"), query)
	}
	for _, query := range []string{"TABLE t", "VALUES (1)", "SELECT a FROM t -- all", "select a from t;", " ( select a from t ) ;\n", "WITH x AS (SELECT a FROM t) SELECT * FROM x",
		"SELECT a FROM t ORDER BY a LIMIT 1", "SELECT a FROM t /* ; */", "SELECT 1 AS \"a\"\"; drop table t; --\""} {
		sink := &postgresSink{}
		require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query}, sink), query)
		assert.Equal(t, [][]string{{"1"}}, sink.rows, query)
	}
	err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE t", SplitBy: "b"}, &postgresSink{})
	require.ErrorContains(t, err, `the query has no column "b"`)
	err = readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "SELECT a::text FROM t", SplitBy: "a"}, &postgresSink{})
	require.ErrorContains(t, err, `the column "a" is text, which has no ranges`)
}

// testPostgresPinnedTypes reads into types that a configuration or an earlier run chose.
func testPostgresPinnedTypes(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", `CREATE TABLE t (i int2, n numeric, d date, f float4, later int);
		INSERT INTO t VALUES (1, 1.50, '2026-01-31', 0.5, 1), (2, 1.234, 'infinity', 1, 2), (3, 1e30, '2026-02-01', 2, 3), (4, NULL, NULL, NULL, NULL)`)
	t.Setenv("POSTGRES_OF_TEST", database.URL())
	read := func(fields ...arrow.Field) (*postgresSink, error) {
		source := ingest.NewPostgres(ingest.PostgresOptions{URLEnv: "POSTGRES_OF_TEST", Query: "SELECT * FROM t ORDER BY i"})
		defer func() { assert.NoError(t, source.Close()) }()
		sink := &postgresSink{}
		said, err := source.Read(t.Context(), arrow.NewSchema(fields, nil), sink)
		if err == nil {
			assert.EqualValues(t, len(sink.rows)+len(sink.rejects), said.Rows)
		}
		return sink, err
	}
	sink, err := read(arrow.Field{Name: "n", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}}, arrow.Field{Name: "gone", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "d", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "i", Type: arrow.PrimitiveTypes.Int64})
	require.NoError(t, err)
	assert.Equal(t, [][]string{{"1.50", "NULL", "2026-01-31", "1"}, {"NULL", "NULL", "NULL", "4"}}, sink.rows)
	require.Len(t, sink.rejects, 2)
	assert.Equal(t, "it is no numeric(20,2)", sink.rejects[0].Reason)
	assert.Equal(t, map[string]string{"n": "1.234", "d": "infinity", "i": "2"}, sink.rejects[0].Values)

	sink, err = read(arrow.Field{Name: "f", Type: arrow.PrimitiveTypes.Float64}, arrow.Field{Name: "i", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "n", Type: arrow.BinaryTypes.String})
	require.NoError(t, err)
	assert.Equal(t, []string{"3fe0000000000000", "1", "1.50"}, sink.rows[0])
	assert.Len(t, sink.rows, 4)

	for _, field := range []arrow.Field{
		{Name: "later", Type: arrow.PrimitiveTypes.Int16}, {Name: "d", Type: arrow.PrimitiveTypes.Int32}, {Name: "n", Type: arrow.PrimitiveTypes.Float64},
		{Name: "d", Type: &arrow.TimestampType{Unit: arrow.Microsecond}}, {Name: "i", Type: arrow.FixedWidthTypes.Boolean},
	} {
		_, err = read(field)
		require.ErrorContains(t, err, "which is not read as "+field.Type.String())
	}
}
