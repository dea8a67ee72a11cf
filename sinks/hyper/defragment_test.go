package hyper_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

func defragment(t *testing.T, input string) (hyper.DefragmentedFile, string) {
	t.Helper()
	frozen(t, input)
	path := filepath.Join(t.TempDir(), "new.hyper")
	done, err := hyper.Defragment(t.Context(), hyperdtest.Acquire(t), input, path, hyper.FileOptions{})
	require.NoError(t, err)
	return done, path
}

func TestDefragmentShrinksAFileOfManySmallWrites(t *testing.T) {
	fragmented := writeDatabase(t, 2, `CREATE TABLE made.public.t (a INTEGER, b TEXT)`)
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	for i := range 60 { // each time the file is closed, the rows become a part of their own
		require.NoError(t, conn.Attach(t.Context(), fragmented, "made"))
		_, err := conn.Exec(t.Context(), fmt.Sprintf(
			`INSERT INTO made.public.t SELECT generate_series, 'row ' || generate_series FROM generate_series(%d, %d)`, i*1000, i*1000+999))
		require.NoError(t, err)
		require.NoError(t, conn.Detach(t.Context(), "made"))
	}

	done, path := defragment(t, fragmented)

	assert.Less(t, sizeOf(t, path), sizeOf(t, fragmented)*3/4)
	assert.EqualValues(t, 60_000, done.Tables[0].Rows)
	assert.Equal(t, "1799970000", ask(t, path, "SELECT sum(a) FROM db.public.t WHERE b = 'row ' || a"))
}

func TestDefragmentShrinksAFileOfDeletedRows(t *testing.T) {
	fragmented := writeDatabase(t, 2, `CREATE TABLE made.public.t (a INTEGER, b TEXT)`,
		`INSERT INTO made.public.t SELECT generate_series, md5(CAST(generate_series AS TEXT)) FROM generate_series(1, 100000)`,
		`DELETE FROM made.public.t WHERE a % 10 <> 0`)

	done, path := defragment(t, fragmented)

	assert.Less(t, sizeOf(t, path), sizeOf(t, fragmented)/2)
	assert.EqualValues(t, 10000, done.Tables[0].Rows)
	assert.Equal(t, "0", ask(t, path, "SELECT count(*) FROM db.public.t WHERE a % 10 <> 0 OR b <> md5(CAST(a AS TEXT))"))
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	stat, err := os.Stat(path)
	require.NoError(t, err)
	return stat.Size()
}

func TestDefragmentKeepsEverything(t *testing.T) {
	for _, version := range []hyper.Version{0, 2, 3, 4} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			statements := append(modelTables(), `INSERT INTO made."Extract"."Or""ders." (a) VALUES (1), (2), (2)`,
				`CREATE TABLE made.public.pg_class (a INTEGER)`)
			if version == 4 {
				statements = append(statements, everyTypeTable(1)...)
			}
			old := writeDatabase(t, version, statements...)

			_, path := defragment(t, old)

			want := readCatalog(t, old)
			assert.Equal(t, version, want.FormatVersion)
			assert.Equal(t, want, readCatalog(t, path))
		})
	}
}

func TestDefragmentOfWideTables(t *testing.T) {
	columns := "c0 INTEGER"
	for i := range 1599 {
		columns += fmt.Sprintf(", c%d INTEGER DEFAULT %d", i+1, i)
	}
	old := writeDatabase(t, 2, fmt.Sprintf("CREATE TABLE made.public.t (%s)", columns), "INSERT INTO made.public.t (c0) VALUES (1)")
	done, path := defragment(t, old)
	assert.Equal(t, 1600, done.Tables[0].Columns)
	assert.Equal(t, "1598", ask(t, path, "SELECT c1599 FROM db.public.t"))
}

func TestDefragmentFailuresLeaveNothing(t *testing.T) {
	whole := manyRows(t, 300_000)
	interrupted, interrupt := context.WithCancel(t.Context())
	afterOne := hyper.FileOptions{TableDone: func(hyper.TableResult) { interrupt() }}
	two := writeDatabase(t, 2, `CREATE TABLE made.public.t AS SELECT 1 AS a`, `CREATE TABLE made.public.u AS SELECT 1 AS a`)
	cases := []struct {
		name    string
		ctx     context.Context
		input   string
		options hyper.FileOptions
		says    string
	}{
		{"damage", t.Context(), damaged(t, whole), hyper.FileOptions{}, "damaged.hyper: "},
		{"no room", t.Context(), whole, hyper.FileOptions{FreeBytes: func(string) (uint64, error) { return 1, nil }}, "has only 1 B free"},
		{"no file", t.Context(), whole + ".gone", hyper.FileOptions{}, "gone"},
		{"an interrupt", interrupted, two, afterOne, "context canceled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			_, err := hyper.Defragment(c.ctx, hyperdtest.Acquire(t), c.input, filepath.Join(folder, "new.hyper"), c.options)
			require.ErrorContains(t, err, c.says)
			left, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestDefragmentKeepsTheRoomOfSystemsThatDoNotTell(t *testing.T) {
	options := hyper.FileOptions{FreeBytes: func(string) (uint64, error) { return 0, os.ErrPermission }}
	_, err := hyper.Defragment(t.Context(), hyperdtest.Acquire(t), manyRows(t, 10), filepath.Join(t.TempDir(), "new.hyper"), options)
	assert.NoError(t, err)
}
