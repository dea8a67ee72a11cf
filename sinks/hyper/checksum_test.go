package hyper

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
)

func TestChecksumSeesEveryDifferenceButOrder(t *testing.T) {
	cases := []struct {
		columns       string
		one, another  string // rows
		equalChecksum bool
	}{
		{"a INTEGER", "(1), (2), (2)", "(2), (1), (2)", true},
		{"a INTEGER", "(1), (2), (2)", "(1), (1), (2)", false},
		{"a INTEGER", "(1), (2)", "(1), (2), (2)", false},
		{"a INTEGER, b INTEGER", "(1, 2), (3, 4)", "(1, 4), (3, 2)", false},
		{"a INTEGER", "(NULL)", "(0)", false},
		{"a TEXT", "(NULL)", "('')", false},
		{"a TEXT", "(NULL)", "('~')", false},
		{"a TEXT, b TEXT", "('a|', 'b')", "('a', '|b')", false},
		{"a TEXT, b TEXT", "('a|1:b', 'c')", "('a', 'b|1:c')", false},
		{`a TEXT COLLATE "en_US_CI"`, "('a')", "('A')", false},
		{"a TEXT", "('a')", "('a ')", false},
		{"a TEXT", "('é')", "(E'e\u0301')", false},
		{"a DOUBLE PRECISION", "('0')", "('-0')", false},
		{"a DOUBLE PRECISION", "(0.3)", "(0.30000000000000004)", false},
		{"a DOUBLE PRECISION", "('NaN')", "('Infinity')", false},
		{"a REAL", "(16777216)", "(16777217.9)", false},
		{"a NUMERIC(38,2)", "(123456789012345678901234567890123456.78)", "(123456789012345678901234567890123456.79)", false},
		{"a BYTES", `(E'\\x00')`, `(E'\\x0000')`, false},
		{"a TIMESTAMP", "('2026-01-01 00:00:00.000001')", "('2026-01-01 00:00:00')", false},
		{"a TIMESTAMPTZ", "('2026-01-01 00:00:00+00')", "('2026-01-01 01:00:00+01')", true},
		{"a INTERVAL", "('1 month')", "('30 days')", false},
		{"a JSON", `('{"a":1}')`, `('{"a": 1}')`, false},
		{"a tableau.TABGEOGRAPHY", "('point(1 2)')", "('point(1 2.0000001)')", false},
		{"a INTEGER", "(NULL)", "(NULL)", true},
	}
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	path := filepath.Join(t.TempDir(), "t.hyper")
	layout := Layout{Version: 4}
	require.NoError(t, layout.create(t.Context(), conn, path, "db"))
	for _, setting := range checksumSettings {
		_, err := conn.Exec(t.Context(), setting)
		require.NoError(t, err)
	}
	sum := func(i int, columns, rows string) string {
		name := fmt.Sprintf("t%d_%d", i, len(rows))
		for _, statement := range []string{
			fmt.Sprintf("DROP TABLE IF EXISTS db.public.%s", name),
			fmt.Sprintf("CREATE TABLE db.public.%s (%s)", name, columns),
			fmt.Sprintf("INSERT INTO db.public.%s VALUES %s", name, rows),
		} {
			_, err := conn.Exec(t.Context(), statement)
			require.NoError(t, err, statement)
		}
		catalog, err := ReadCatalog(t.Context(), conn, "db")
		require.NoError(t, err)
		table, ok := catalog.find("public", name)
		require.True(t, ok)
		sum, err := checksum(t.Context(), conn, "db", table)
		require.NoError(t, err)
		return sum
	}
	for i, c := range cases {
		one, another := sum(i, c.columns, c.one), sum(i, c.columns, c.another)
		assert.Equal(t, c.equalChecksum, one == another, "%s: %s and %s", c.columns, c.one, c.another)
		assert.Len(t, strings.Split(one, "-"), checksumLanes)
	}
}

func TestChecksumOfNothing(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	layout := Layout{Version: 2, Tables: []Table{{Schema: "public", Name: "t", Columns: []Column{{Name: "a", SQLType: "TEXT"}}}}}
	require.NoError(t, layout.create(t.Context(), conn, filepath.Join(t.TempDir(), "t.hyper"), "db"))
	for _, columns := range [][]CatalogColumn{{{Name: "a", SQLType: "TEXT"}}, {}} {
		sum, err := checksum(t.Context(), conn, "db", CatalogTable{Schema: "public", Name: "t", Columns: columns})
		require.NoError(t, err)
		assert.Equal(t, "0-0-0-0", sum)
	}
}

func TestWiderType(t *testing.T) {
	cases := []struct{ a, b, wider string }{
		{"TEXT", "TEXT", "TEXT"},
		{"SMALLINT", "BIGINT", "BIGINT"},
		{"INTEGER", "SMALLINT", "INTEGER"},
		{"SMALLINT", "REAL", "REAL"},
		{"INTEGER", "REAL", "DOUBLE PRECISION"},
		{"INTEGER", "DOUBLE PRECISION", "DOUBLE PRECISION"},
		{"REAL", "DOUBLE PRECISION", "DOUBLE PRECISION"},
		{"SMALLINT", "NUMERIC(3,2)", "NUMERIC(7,2)"},
		{"BIGINT", "NUMERIC(38,0)", "NUMERIC(38,0)"},
		{"NUMERIC(10,2)", "NUMERIC(12,2)", "NUMERIC(12,2)"},
		{"NUMERIC(10,2)", "NUMERIC(10,4)", "NUMERIC(12,4)"},
		{"BIGINT", "DOUBLE PRECISION", ""},
		{"BIGINT", "NUMERIC(38,30)", ""},
		{"NUMERIC(38,0)", "NUMERIC(38,1)", ""},
		{"NUMERIC(5,2)", "DOUBLE PRECISION", ""},
		{"DATE", "TIMESTAMP", ""},
		{"VARCHAR(3)", "TEXT", ""},
		{"BOOLEAN", "INTEGER", ""},
	}
	for _, c := range cases {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			wider, ok := widerType(pair[0], pair[1])
			assert.Equal(t, c.wider != "", ok, pair)
			if ok {
				assert.Equal(t, c.wider, wider, pair)
			}
		}
	}
}
