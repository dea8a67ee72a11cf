package hyper_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

func TestCompare(t *testing.T) {
	const create = `CREATE TABLE made.public.t (a INTEGER, b TEXT)`
	payload := writeDatabase(t, 2, create, `INSERT INTO made.public.t VALUES (1, 'x'), (2, NULL), (2, NULL)`)
	for name, c := range map[string]struct {
		other string
		want  hyper.Holding
	}{
		"all":       {`(2, NULL), (1, 'x'), (3, ''), (2, NULL)`, hyper.Holding{Rows: 3, Others: 4, Copies: 3, All: true}},
		"twice":     {`(2, NULL), (1, 'x'), (2, NULL), (2, NULL), (1, 'x'), (2, NULL)`, hyper.Holding{Rows: 3, Others: 6, Copies: 6, All: true}},
		"one lacks": {`(2, NULL), (1, 'x')`, hyper.Holding{Rows: 3, Others: 2, Copies: 2}},
		"some":      {`(1, 'x'), (2, '')`, hyper.Holding{Rows: 3, Others: 2, Copies: 1}},
		"none":      {`(1, NULL), (2, '')`, hyper.Holding{Rows: 3, Others: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			other := writeDatabase(t, 2, `CREATE TABLE made.public.u (c DATE, b TEXT, a INTEGER)`,
				`CREATE TEMPORARY TABLE t (a INTEGER, b TEXT)`, `INSERT INTO t VALUES `+c.other, `INSERT INTO made.public.u SELECT NULL, b, a FROM t`, `DROP TABLE t`)
			got, err := hyper.Compare(t.Context(), hyperdtest.Acquire(t), payload, hyper.Selection{Schema: "public", Name: "t"}, other, "public", "u")
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	t.Run("by buckets", func(t *testing.T) {
		var rows int64
		other := writeDatabase(t, 2, create, `INSERT INTO made.public.t VALUES (2, NULL), (1, 'x'), (2, NULL)`)
		for from := 0; from < hyper.Buckets; from += hyper.Buckets / 4 {
			selection := hyper.Selection{Schema: "public", Name: "t", From: from, To: from + hyper.Buckets/4}
			got, err := hyper.Compare(t.Context(), hyperdtest.Acquire(t), payload, selection, other, "public", "t")
			require.NoError(t, err)
			assert.True(t, got.All)
			rows += got.Rows
		}
		assert.EqualValues(t, 3, rows)
	})
	for name, create := range map[string]string{
		"another type": `CREATE TABLE made.public.t (a BIGINT, b TEXT)`, "no such column": `CREATE TABLE made.public.t (a INTEGER)`,
		"no such table": `CREATE TABLE made.public.v (a INTEGER, b TEXT)`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hyper.Compare(t.Context(), hyperdtest.Acquire(t), payload, hyper.Selection{Schema: "public", Name: "t"}, writeDatabase(t, 2, create), "public", "t")
			require.Error(t, err, "what cannot be compared is not missing")
		})
	}
}
