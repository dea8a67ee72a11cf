package hyper_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

func everyTable(string, string) bool { return true }

func contentHash(t *testing.T, path string) string {
	t.Helper()
	frozen(t, path)
	content, err := hyper.ReadContent(t.Context(), hyperdtest.Acquire(t), path)
	require.NoError(t, err)
	hash, err := content.Hash(everyTable)
	require.NoError(t, err)
	return hash
}

func TestContentHash(t *testing.T) {
	const create = `CREATE TABLE made.public.t (a INTEGER, b TEXT)`
	same := contentHash(t, writeDatabase(t, 2, create, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL)`))
	cases := map[string]struct {
		statements []string
		equal      bool
	}{
		"rows in another order": {[]string{create, `INSERT INTO made.public.t VALUES (2, NULL)`, `INSERT INTO made.public.t VALUES (1, 'x')`}, true},
		"a row twice":           {[]string{create, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL), (2, NULL)`}, false},
		"empty text":            {[]string{create, `INSERT INTO made.public.t VALUES (1, 'x'), (2, '')`}, false},
		"another type":          {[]string{`CREATE TABLE made.public.t (a BIGINT, b TEXT)`, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL)`}, false},
		"a key": {[]string{
			`CREATE TABLE made.public.t (a INTEGER, b TEXT, ASSUMED PRIMARY KEY (a))`, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL)`,
		}, false},
		"another table": {[]string{create, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL)`, `CREATE TABLE made.public.u (a INTEGER)`}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.equal, same == contentHash(t, writeDatabase(t, 2, c.statements...)))
		})
	}
}

func extractParts(t *testing.T, input string, selections ...hyper.Selection) (int64, string) {
	t.Helper()
	frozen(t, input)
	path := filepath.Join(t.TempDir(), "part.hyper")
	rows, err := hyper.Extract(t.Context(), hyperdtest.Acquire(t), input, path, selections)
	require.NoError(t, err)
	return rows, path
}

func TestExtractBucketsHoldEveryRowOnce(t *testing.T) {
	input := writeDatabase(t, 2, `CREATE TABLE made.public.t (h INTEGER, "hh" TEXT)`, // names that a bucket's could have
		`INSERT INTO made.public.t SELECT generate_series % 900, NULL FROM generate_series(1, 1000)`)
	sums := map[string]int{}
	var total int64
	for from := 0; from < hyper.Buckets; from += hyper.Buckets / 4 {
		rows, path := extractParts(t, input, hyper.Selection{Schema: "public", Name: "t", From: from, To: from + hyper.Buckets/4})
		assert.InDelta(t, 250, rows, 60)
		total += rows
		sums[ask(t, path, "SELECT CAST(sum(h) AS TEXT) || ' ' || count(*) FROM db.public.t")]++
	}
	assert.EqualValues(t, 1000, total)
	assert.Len(t, sums, 4, "the parts differ")
}

func TestExtractKeepsKeysWithinTheSelection(t *testing.T) {
	input := writeDatabase(t, 3,
		`CREATE TABLE made.public.dims (id INTEGER NOT NULL, name TEXT, ASSUMED PRIMARY KEY (id))`,
		`CREATE TABLE made.public.facts (id INTEGER, amount INTEGER)`,
		`ALTER TABLE made.public.facts ADD ASSUMED FOREIGN KEY (id) REFERENCES made.public.dims (id)`,
		`INSERT INTO made.public.facts VALUES (1, 2), (1, 3), (NULL, 4)`)
	_, both := extractParts(t, input, hyper.Selection{Schema: "public", Name: "facts"}, hyper.Selection{Schema: "public", Name: "dims"})
	catalog := readCatalog(t, both)
	assert.EqualValues(t, 3, catalog.FormatVersion)
	assert.Len(t, catalog.Tables[0].ForeignKeys, 1)
	assert.Equal(t, []string{"id"}, catalog.Tables[1].PrimaryKey)

	_, alone := extractParts(t, input, hyper.Selection{Schema: "public", Name: "facts"})
	catalog = readCatalog(t, alone)
	require.Len(t, catalog.Tables, 1)
	assert.Empty(t, catalog.Tables[0].ForeignKeys)

	rows, keys := extractParts(t, input, hyper.Selection{Schema: "public", Name: "facts", Columns: []string{"id"}})
	assert.EqualValues(t, 2, rows, "1 and NULL")
	assert.Equal(t, "id", readCatalog(t, keys).Tables[0].Columns[0].Name)

	_, err := hyper.Extract(t.Context(), hyperdtest.Acquire(t), input, filepath.Join(t.TempDir(), "x.hyper"), []hyper.Selection{{Schema: "public", Name: "none"}})
	require.ErrorContains(t, err, fmt.Sprintf("the file has no table %q.%q", "public", "none"))
}
