package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sampleLake = "../../../../testdata/lake"

// twoTables is a file with all that inspect shows.
var twoTables = []string{
	`CREATE SCHEMA new."Extract"`,
	`CREATE TABLE new."Extract".orders (o_orderkey BIGINT NOT NULL, "Clerk ""Č""" TEXT COLLATE "en_US_CI",
		ASSUMED PRIMARY KEY (o_orderkey), ASSUMED UNIQUE ("Clerk ""Č"""))`,
	`INSERT INTO new."Extract".orders SELECT n, 'x' FROM generate_series(1, 1200) AS s(n)`,
	`CREATE TABLE new.public.lineitem (l_orderkey BIGINT, l_tax NUMERIC(12,2),
		ASSUMED FOREIGN KEY (l_orderkey) REFERENCES new."Extract".orders (o_orderkey))`,
}

func TestInspectPrintsAHyperFile(t *testing.T) {
	path := makeHyper(t, "two.hyper", 2, twoTables...)

	got := run(t, "", "inspect", path)

	require.Equal(t, 0, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	head, tables, _ := strings.Cut(got.stdout, "\n\n")
	assert.Regexp(t, `^.*two\.hyper: format version 2, 2 tables, \d+ kB \([\d,]+ bytes\), made by hyperd 0\.0\.\d+$`, head)
	assert.Equal(t, `"Extract"."orders": 1,200 rows
 column     │ type   │ nullable │ collation
────────────┼────────┼──────────┼───────────
 o_orderkey │ BIGINT │ no       │
 Clerk "Č"  │ TEXT   │ yes      │ en_US_CI
assumed primary key ("o_orderkey")
assumed unique ("Clerk ""Č""")

"public"."lineitem": 0 rows
 column     │ type          │ nullable
────────────┼───────────────┼──────────
 l_orderkey │ BIGINT        │ yes
 l_tax      │ NUMERIC(12,2) │ yes
assumed foreign key ("l_orderkey") references "Extract"."orders" ("o_orderkey")
`, tables)
}

func TestInspectPrintsAHyperFileAsJSON(t *testing.T) {
	made := makeHyper(t, "two.hyper", 2, twoTables...)
	other := filepath.Join(filepath.Dir(made), "known by its content")
	require.NoError(t, os.Rename(made, other))

	got := run(t, "", "inspect", other, "--json")

	require.Equal(t, 0, got.code, got.stderr)
	assert.Regexp(t, `"path": ".*/known by its content",\n  "kind": "hyper",\n  "bytes": \d+,\n  "format_version": 2,\n  "created_by": "0\.0\.\d+",`, got.stdout)
	_, tables, _ := strings.Cut(got.stdout, `"tables": `)
	assert.JSONEq(t, `[
		{"schema": "Extract", "name": "orders", "rows": 1200,
		 "columns": [
			{"name": "o_orderkey", "sql_type": "BIGINT", "nullable": false},
			{"name": "Clerk \"Č\"", "sql_type": "TEXT", "nullable": true, "collation": "en_US_CI"}],
		 "primary_key": ["o_orderkey"], "unique_keys": [["Clerk \"Č\""]], "foreign_keys": []},
		{"schema": "public", "name": "lineitem", "rows": 0,
		 "columns": [
			{"name": "l_orderkey", "sql_type": "BIGINT", "nullable": true},
			{"name": "l_tax", "sql_type": "NUMERIC(12,2)", "nullable": true}],
		 "primary_key": [], "unique_keys": [],
		 "foreign_keys": [{"columns": ["l_orderkey"], "schema": "Extract", "table": "orders", "to": ["o_orderkey"]}]}
	]`, strings.TrimSuffix(tables, "}\n"))
}

func TestInspectPrintsAFolderOfParquet(t *testing.T) {
	got := run(t, "", "inspect", sampleLake+"/lineitem")

	assert.Equal(t, outcome{0, sampleLake + `/lineitem: 3 Parquet files, 6 row groups, 60,175 rows, 2.2 MB (2,237,193 bytes)

 column          │ Arrow type     │ SQL type      │ nullable │ codec  │ stored
─────────────────┼────────────────┼───────────────┼──────────┼────────┼────────
 l_orderkey      │ int64          │ BIGINT        │ no       │ SNAPPY │ 124 kB
 l_partkey       │ int64          │ BIGINT        │ no       │ SNAPPY │ 131 kB
 l_suppkey       │ int64          │ BIGINT        │ no       │ SNAPPY │  56 kB
 l_linenumber    │ int32          │ INTEGER       │ no       │ SNAPPY │  17 kB
 l_quantity      │ decimal(15, 2) │ NUMERIC(15,2) │ no       │ SNAPPY │  47 kB
 l_extendedprice │ decimal(15, 2) │ NUMERIC(15,2) │ no       │ SNAPPY │ 388 kB
 l_discount      │ decimal(15, 2) │ NUMERIC(15,2) │ no       │ SNAPPY │  31 kB
 l_tax           │ decimal(15, 2) │ NUMERIC(15,2) │ no       │ SNAPPY │  31 kB
 l_returnflag    │ utf8           │ TEXT          │ no       │ SNAPPY │  15 kB
 l_linestatus    │ utf8           │ TEXT          │ no       │ SNAPPY │ 9.8 kB
 l_shipdate      │ date32         │ DATE          │ no       │ SNAPPY │ 149 kB
 l_commitdate    │ date32         │ DATE          │ no       │ SNAPPY │ 148 kB
 l_receiptdate   │ date32         │ DATE          │ no       │ SNAPPY │ 149 kB
 l_shipinstruct  │ utf8           │ TEXT          │ no       │ SNAPPY │  16 kB
 l_shipmode      │ utf8           │ TEXT          │ no       │ SNAPPY │  23 kB
 l_comment       │ utf8           │ TEXT          │ no       │ SNAPPY │ 878 kB
`, ""}, got)
}

func TestInspectFindsTheSameFilesByGlobAndFile(t *testing.T) {
	for _, path := range []string{sampleLake + "/orders", sampleLake + "/**/orders.?.parquet", sampleLake + "/orders/orders.1.parquet"} {
		got := run(t, "", "inspect", path)

		require.Equal(t, 0, got.code, got.stderr)
		assert.Contains(t, got.stdout, path+": 1 Parquet file, 2 row groups, 15,000 rows, ")
	}
}

func TestInspectFolderWhoseNameLooksLikeAGlob(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "[a-c] {x,y}")
	writeParquet(t, filepath.Join(folder, "deep", "a.parquet"), arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64})

	got := run(t, "", "inspect", folder)

	assert.Equal(t, 0, got.code, got.stderr)
	assert.Contains(t, got.stdout, ": 1 Parquet file, ")
}

// writeParquet writes a file with one row of NULLs and zeros.
func writeParquet(t *testing.T, path string, fields ...arrow.Field) {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, column := range builder.Fields() {
		column.AppendEmptyValue()
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(builder.NewRecord()))
	require.NoError(t, w.Close())
}

// driftingLake has files that differ, and types that are converted or refused.
func driftingLake(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	same := arrow.Field{Name: "same", Type: arrow.PrimitiveTypes.Uint64}
	list := arrow.Field{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true}
	number := func(nullable bool, of arrow.DataType) arrow.Field {
		return arrow.Field{Name: "n", Type: of, Nullable: nullable}
	}
	writeParquet(t, "lake/a.parquet", same, number(false, arrow.PrimitiveTypes.Int32), list)
	writeParquet(t, "lake/b.parquet", number(true, arrow.PrimitiveTypes.Int32), list, same)
	writeParquet(t, "lake/c.parquet", same, number(false, arrow.PrimitiveTypes.Int64), list)
	writeParquet(t, "lake/d.parquet", same, list, arrow.Field{Name: "late", Type: arrow.PrimitiveTypes.Float32})
	writeParquet(t, "lake/_hidden.parquet", arrow.Field{Name: "hidden", Type: arrow.PrimitiveTypes.Int32})
}

func TestInspectShowsDriftAndConversions(t *testing.T) {
	driftingLake(t)

	got := run(t, "", "inspect", "lake")

	require.Equal(t, 0, got.code, got.stderr)
	head, rest, _ := strings.Cut(got.stdout, "\n\n")
	assert.Regexp(t, `^lake: 4 Parquet files, 4 row groups, 4 rows, `, head)
	assert.Equal(t, ` column │ Arrow type                     │ SQL type         │ nullable │ conversion │ codec        │ stored
────────┼────────────────────────────────┼──────────────────┼──────────┼────────────┼──────────────┼────────
 same   │ uint64                         │ NUMERIC(20,0)    │ no       │ repack     │ UNCOMPRESSED │  272 B
 n      │ int32                          │ INTEGER          │ yes      │            │ UNCOMPRESSED │  230 B
 list   │ list<element: int64, nullable> │ -                │ yes      │            │ UNCOMPRESSED │  360 B
 late   │ float32                        │ DOUBLE PRECISION │ no       │ widen      │ UNCOMPRESSED │   68 B

cannot be stored as it is: hyperd stores only flat columns, and 1 column is nested: "list" (list); store them as JSON text with columns: {list: {nested: json}}; or leave them out with source.select
drift: column "n" is int32 in 2 files (first lake/a.parquet), int64 in 1 file (first lake/c.parquet), missing in 1 file (first lake/d.parquet)
drift: column "late" is float32 in 1 file (first lake/d.parquet), missing in 3 files (first lake/a.parquet)
`, rest)
}

func TestInspectShowsDriftAsJSON(t *testing.T) {
	driftingLake(t)

	got := run(t, "", "inspect", "lake", "--json")

	require.Equal(t, 0, got.code, got.stderr)
	assert.Regexp(t, `^{\n  "path": "lake",\n  "kind": "parquet",\n  "files": 4,\n  "row_groups": 4,\n  "rows": 4,\n  "bytes": \d+,\n  "columns": \[`, got.stdout)
	assert.Contains(t, got.stdout, `    {
      "name": "same",
      "arrow_type": "uint64",
      "sql_type": "NUMERIC(20,0)",
      "nullable": false,
      "nulls": 0,
      "bytes": 272,
      "codecs": [
        "UNCOMPRESSED"
      ],
      "conversion": "repack"
    },
`)
	_, drift, _ := strings.Cut(got.stdout, `"drift": `)
	assert.JSONEq(t, `[
		{"column": "n", "variants": [
			{"type": "int32", "files": 2, "first_file": "lake/a.parquet"},
			{"type": "int64", "files": 1, "first_file": "lake/c.parquet"},
			{"type": "", "files": 1, "first_file": "lake/d.parquet"}]},
		{"column": "late", "variants": [
			{"type": "float32", "files": 1, "first_file": "lake/d.parquet"},
			{"type": "", "files": 3, "first_file": "lake/a.parquet"}]}
	]`, strings.TrimSuffix(drift, "}\n"))
}

func TestInspectErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("folder", 0o755))
	require.NoError(t, os.WriteFile("empty.parquet", nil, 0o644))
	require.NoError(t, os.WriteFile("text.hyper", []byte("no"), 0o644))
	for path, want := range map[string]outcome{
		"none":      {2, "", "hyperlake: there is no file or folder none; check the path\n"},
		"none/*":    {2, "", "hyperlake: no files match none/*; check the path; files whose names start with _ or . are not matched\n"},
		"folder":    {2, "", "hyperlake: no files match folder/**/*.parquet; check the path; files whose names start with _ or . are not matched\n"},
		"s4://lake": {2, "", "hyperlake: s4://lake: storage of scheme \"s4\" is not supported: use a local path, gs://bucket/name, s3://bucket/key, az://container/name or https://host/path\n"},
	} {
		assert.Equal(t, want, run(t, "", "inspect", path), path)
	}
	got := run(t, "", "inspect", "text.hyper")
	assert.Equal(t, 1, got.code)
	assert.Regexp(t, `^hyperlake: open text.hyper: .*not a valid database \(hyperd error 42809\); check the path: this is not a .hyper file\n$`, got.stderr)
	got = run(t, "", "inspect", "empty.parquet")
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, "hyperlake: file empty.parquet")
}
