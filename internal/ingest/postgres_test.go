//go:build postgres

package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/ingest/postgrestest"
)

// patience is how long a loaded machine may need for what must happen.
const postgresPatience = 2 * time.Minute

// postgresSink keeps what it is given. Before a batch it calls meanwhile, if that is set.
type postgresSink struct {
	meanwhile func(ctx context.Context) error

	mu      sync.Mutex
	rows    [][]string // values as text, NULL as "NULL"
	rejects []ingest.Reject
	batches int
}

func (s *postgresSink) Batch(ctx context.Context, rows arrow.Record) error {
	if s.meanwhile != nil {
		if err := s.meanwhile(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for i := range int(rows.NumRows()) {
		row := make([]string, rows.NumCols())
		for j := range row {
			row[j] = asPostgres(rows.Column(j), i)
		}
		s.rows = append(s.rows, row)
	}
	return nil
}

func (s *postgresSink) Reject(_ context.Context, r ingest.Reject) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejects = append(s.rejects, r)
	return nil
}

// readPostgres reads a query of a database with the types that the query has, and holds the counts against each other.
func readPostgres(t *testing.T, url string, options ingest.PostgresOptions, sink *postgresSink) error {
	t.Helper()
	t.Setenv("POSTGRES_OF_TEST", url)
	options.URLEnv = "POSTGRES_OF_TEST"
	source := ingest.NewPostgres(options)
	defer func() { assert.NoError(t, source.Close()) }()
	schema, err := source.Columns(t.Context())
	if err != nil {
		return err
	}
	said, err := source.Read(t.Context(), schema, sink)
	if err == nil {
		assert.Equal(t, ingest.Said{Rows: int64(len(sink.rows) + len(sink.rejects)), By: "the command tags of PostgreSQL"}, said)
	}
	return err
}

// TestPostgres is one test of one server, as starting one takes as long as most of these.
func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t, "max_connections=50")
	for name, test := range map[string]func(*testing.T, *postgrestest.Server){
		"types":            testPostgresTypes,
		"user types":       testPostgresUserTypes,
		"refused types":    testPostgresRefusedTypes,
		"refused queries":  testPostgresRefusedQueries,
		"pinned types":     testPostgresPinnedTypes,
		"ranges":           testPostgresRanges,
		"unstable":         testPostgresUnstable,
		"writers":          testPostgresWriters,
		"truncated":        testPostgresTruncated,
		"altered":          testPostgresAltered,
		"changed":          testPostgresChanged,
		"terminated":       testPostgresTerminated,
		"cancelled":        testPostgresCancelled,
		"timeout":          testPostgresTimeout,
		"cut":              testPostgresCut,
		"encodings":        testPostgresEncodings,
		"secrets":          testPostgresSecrets,
		"long rows":        testPostgresLongRows,
		"errors of values": testPostgresErrorsOfValues,
		"sink fails":       testPostgresSinkFails,
		"skewed":           testPostgresSkewed,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

// testPostgresRanges splits by columns of every type that can be split by, with NULLs and extremes.
func testPostgresRanges(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	for _, c := range []struct{ kind, values string }{
		{"int2", "(-32768), (32767), (0), (NULL), (NULL), (1)"},
		{"int4", "(-2147483648), (2147483647), (NULL), (7), (7)"},
		{"int8", "(-9223372036854775808), (9223372036854775807), (NULL), (0), (-1)"},
		{"int8", "(5), (5), (5)"},
		{"int8", "(NULL), (NULL)"},
		{"int8", "(1), (2), (3)"},
		{"date", "('-infinity'), ('infinity'), ('4713-01-01 BC'), ('5874897-12-31'), (NULL), ('2000-01-01'), ('1969-12-31')"},
		{"date", "('-infinity'), ('infinity'), (NULL)"},
		{"timestamp", "('-infinity'), ('infinity'), ('4713-01-01 BC'), ('294276-12-31 23:59:59.999999'), (NULL), ('2000-01-01 00:00:00.000001')"},
		{"timestamptz", "('-infinity'), ('infinity'), ('0044-03-15 12:00:00.5+00 BC'), ('294276-12-31 00:00+00'), (NULL), ('2026-01-01 00:00+00')"},
	} {
		database.Exec(t, "DROP TABLE IF EXISTS t; CREATE TABLE t (k "+c.kind+"); INSERT INTO t VALUES "+c.values)
		query := `SELECT k AS "split ""by""", k::text AS shown FROM t`
		sink := &postgresSink{}
		require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query, SplitBy: `split "by"`, Parallel: 3}, sink), c.values)
		var got []string
		for _, row := range sink.rows {
			got = append(got, row[1])
		}
		for _, reject := range sink.rejects {
			assert.Equal(t, reject.Key, reject.Values["shown"], "the key of a reject is the value that rows are split by")
			got = append(got, reject.Values["shown"])
		}
		var want []string
		for _, row := range database.Query(t, "SET timezone = 'UTC'; SELECT k::text FROM t") {
			want = append(want, row[0])
		}
		assert.ElementsMatch(t, want, got, c.values)
	}

	database.Exec(t, "TRUNCATE t")
	sink := &postgresSink{}
	require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE t", SplitBy: "k"}, sink))
	assert.Empty(t, sink.rows)
	assert.Zero(t, sink.batches)

	database.Exec(t, "CREATE TABLE many AS SELECT (g::bigint * g) % 100003 AS id, g AS n FROM generate_series(1, 200000) g")
	sink = &postgresSink{}
	require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE many", SplitBy: "id", Parallel: 4}, sink))
	seen := map[string]bool{}
	for _, row := range sink.rows {
		seen[row[1]] = true
	}
	assert.Len(t, seen, 200000)
}

// testPostgresUnstable has a query give other rows every time it is run.
func testPostgresUnstable(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	options := ingest.PostgresOptions{Query: "SELECT g AS id FROM generate_series(1, 100000) g WHERE random() < 0.5", SplitBy: "id"}
	err := readPostgres(t, database.URL(), options, &postgresSink{})
	require.ErrorContains(t, err, "rows by ranges of split_by")
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "leave split_by out")
}

// testPostgresWriters reads while money moves: the sum is that of one instant.
func testPostgresWriters(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", `CREATE TABLE account (id int PRIMARY KEY, amount numeric(20,2) NOT NULL);
		INSERT INTO account SELECT g, 1000 FROM generate_series(1, 20000) g`)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var moved sync.Map
	for w := range 3 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := database.Try(ctx, fmt.Sprintf(`BEGIN; UPDATE account SET amount = amount - 7 WHERE id = %[1]d;
					UPDATE account SET amount = amount + 7 WHERE id = 20001 - %[1]d; DELETE FROM account WHERE id > 20000;
					INSERT INTO account VALUES (20001 + %[2]d, 0); COMMIT`, 1+(n*37+w*1000)%9999, w))
				if err == nil {
					moved.Store(w, n)
				}
			}
		})
	}
	defer writers.Wait()
	defer stop()
	for range 5 {
		sink := &postgresSink{}
		options := ingest.PostgresOptions{Query: "SELECT id, amount FROM account", SplitBy: "id", Parallel: 4}
		require.NoError(t, readPostgres(t, database.URL(), options, sink))
		cents, accounts := int64(0), map[string]bool{}
		for _, row := range sink.rows {
			var units, hundredths int64
			_, err := fmt.Sscanf(row[1], "%d.%d", &units, &hundredths)
			require.NoError(t, err)
			cents += units*100 + hundredths
			accounts[row[0]] = true
		}
		assert.EqualValues(t, 20000*1000*100, cents)
		assert.Len(t, accounts, len(sink.rows), "an account was read twice")
	}
	count := 0
	moved.Range(func(_, _ any) bool { count++; return true })
	assert.Equal(t, 3, count, "nobody wrote meanwhile")
}

// testPostgresTruncated reads a table that others empty and fill in one transaction: it is full at every instant. A snapshot
// that is older than the lock of the table shows it empty.
func testPostgresTruncated(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", "CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 500) g")
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			_, _ = database.Try(ctx, "BEGIN; TRUNCATE t; INSERT INTO t SELECT generate_series(1, 500); COMMIT")
		}
	})
	defer writer.Wait()
	defer stop()
	for _, split := range []string{"", "id", "", "id", "", "id"} {
		sink := &postgresSink{}
		require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE t", SplitBy: split, Parallel: 2}, sink))
		assert.Len(t, sink.rows, 500)
	}
}

// testPostgresAltered has others drop and alter a table that is read: they wait.
func testPostgresAltered(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", "CREATE TABLE t AS SELECT g AS id, repeat('x', 100) AS pad FROM generate_series(1, 300000) g; CREATE VIEW v AS TABLE t")
	var once sync.Once
	sink := &postgresSink{meanwhile: func(ctx context.Context) error {
		once.Do(func() {
			for _, statement := range []string{"DROP TABLE t CASCADE", "TRUNCATE t", "ALTER TABLE t ALTER id TYPE text", "DROP VIEW v"} {
				_, err := database.Try(ctx, "SET lock_timeout = '100ms'; "+statement)
				assert.ErrorContains(t, err, "lock timeout", statement)
			}
		})
		return nil
	}}
	require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "SELECT * FROM v -- all of it;", SplitBy: "id", Parallel: 3}, sink))
	assert.Len(t, sink.rows, 300000)
}

// testPostgresChanged changes a table between planning and reading.
func testPostgresChanged(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", "CREATE TABLE t (a int)")
	t.Setenv("POSTGRES_OF_TEST", database.URL())
	source := ingest.NewPostgres(ingest.PostgresOptions{URLEnv: "POSTGRES_OF_TEST", Query: "TABLE t"})
	defer func() { assert.NoError(t, source.Close()) }()
	schema, err := source.Columns(t.Context())
	require.NoError(t, err)
	database.Exec(t, "ALTER TABLE t ALTER a TYPE bigint")
	_, err = source.Read(t.Context(), schema, &postgresSink{})
	require.ErrorContains(t, err, "changed")
	assert.True(t, failure.Of(err, failure.Engine).Retry)
	require.NoError(t, source.Close())
	database.Exec(t, "DROP TABLE t")
	_, err = source.Read(t.Context(), schema, &postgresSink{})
	require.ErrorContains(t, err, `relation "t" does not exist`)
}

const manyRows = "SELECT g AS id, repeat(md5(g::text), 10) AS pad FROM generate_series(1, 400000) g"

// testPostgresTerminated ends the session of a reader in the middle. Whether the server can still say so depends on what it
// was sending.
func testPostgresTerminated(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	var once sync.Once
	sink := &postgresSink{meanwhile: func(context.Context) error {
		once.Do(func() {
			database.Exec(t, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()")
		})
		return nil
	}}
	err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: manyRows}, sink)
	require.ErrorContains(t, err, "read row ")
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Source, failed.Kind)
	assert.True(t, failed.Retry)
	assert.False(t, failed.Early)
	assert.Less(t, len(sink.rows), 400000)
}

// testPostgresCancelled cancels reading: the server stops as well.
func testPostgresCancelled(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	running := func() string {
		return database.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hyperlake'")[0][0]
	}
	why := errors.New("Ctrl-C")
	for _, query := range []string{"SELECT 1 AS id FROM pg_sleep(600)", manyRows + " CROSS JOIN generate_series(1, 1000)"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		t.Setenv("POSTGRES_OF_TEST", database.URL())
		source := ingest.NewPostgres(ingest.PostgresOptions{URLEnv: "POSTGRES_OF_TEST", Query: query})
		schema, err := source.Columns(ctx)
		require.NoError(t, err)
		ended := make(chan error)
		go func() {
			_, err := source.Read(ctx, schema, &postgresSink{})
			ended <- err
		}()
		require.Eventually(t, func() bool {
			return database.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' AND datname = current_database()")[0][0] == "1"
		}, postgresPatience, 20*time.Millisecond)
		cancel(why)
		require.ErrorIs(t, <-ended, why)
		require.NoError(t, source.Close())
		require.Eventually(t, func() bool { return running() == "0" }, postgresPatience, 20*time.Millisecond)
	}
}

// testPostgresTimeout has the server give up.
func testPostgresTimeout(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	options := ingest.PostgresOptions{Query: "SELECT 1 AS a FROM pg_sleep(600)", Timeout: 2 * time.Second}
	err := readPostgres(t, database.URL(), options, &postgresSink{})
	require.ErrorContains(t, err, "statement timeout (SQLSTATE 57014)")
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "timeout")
}

// testPostgresCut breaks connections after so many bytes.
func testPostgresCut(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	for _, bytes := range []int64{0, 100, 400, 700, 1000, 2000, 3000, 4000, 5000, 6000, 10_000, 100_000, 1_000_000, 100_000_000} {
		for _, split := range []string{"", "id"} {
			proxy := postgrestest.NewProxy(t, server, bytes)
			sink := &postgresSink{}
			options := ingest.PostgresOptions{Query: manyRows, SplitBy: split, Parallel: 3}
			err := readPostgres(t, postgrestest.URL(proxy.Port, database.Name), options, sink)
			require.Error(t, err, "%d bytes", bytes)
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, failure.Source, failed.Kind)
			assert.True(t, failed.Retry, failed.Message)
			assert.NotContains(t, failed.Sentence(), postgrestest.Password)
		}
	}
}

// TestPostgresDies ends the server in the middle.
func TestPostgresDies(t *testing.T) {
	server := postgrestest.Start(t)
	database := server.Database(t, "")
	var once sync.Once
	sink := &postgresSink{meanwhile: func(context.Context) error {
		once.Do(server.Kill)
		return nil
	}}
	err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: manyRows, SplitBy: "id", Parallel: 2}, sink)
	require.Error(t, err)
	assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
	err = readPostgres(t, database.URL(), ingest.PostgresOptions{Query: manyRows}, sink)
	require.ErrorContains(t, err, "connect to postgres://127.0.0.1:")
	assert.True(t, failure.Of(err, failure.Engine).Retry)
}

// testPostgresEncodings reads databases of other encodings.
func testPostgresEncodings(t *testing.T, server *postgrestest.Server) {
	latin := server.Database(t, "ENCODING 'LATIN1'", `CREATE TABLE "prés" ("é" text); INSERT INTO "prés" VALUES ('Größe')`)
	sink := &postgresSink{}
	require.NoError(t, readPostgres(t, latin.URL(), ingest.PostgresOptions{Query: `SELECT "é" FROM "prés"`}, sink))
	assert.Equal(t, [][]string{{"Größe"}}, sink.rows)

	bytes := server.Database(t, "ENCODING 'SQL_ASCII'", `CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'Größe'), (2, E'a\xff'), (3, E'\xc3'), (4, 'b')`)
	sink = &postgresSink{}
	require.NoError(t, readPostgres(t, bytes.URL(), ingest.PostgresOptions{Query: "SELECT * FROM t WHERE v <> 'ü'", SplitBy: "id", Parallel: 1}, sink))
	assert.Equal(t, [][]string{{"1", "Größe"}, {"4", "b"}}, sink.rows)
	require.Len(t, sink.rejects, 2)
	assert.Equal(t, ingest.Reject{
		File: fmt.Sprintf("postgres://127.0.0.1:%d/%s", server.Port, bytes.Name), Key: "2", Column: "v", Rule: "valid utf-8", Reason: "it is not valid UTF-8",
		Values: map[string]string{"id": "2", "v": "a\uFFFD"},
	}, sink.rejects[0])
}

// testPostgresSecrets looks at what errors tell.
func testPostgresSecrets(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	options := ingest.PostgresOptions{Query: "SELECT 1"}
	for _, c := range []struct{ url, says string }{
		{"", "POSTGRES_OF_TEST is not set"},
		{"postgres://u:hush/hush@h/d", "holds no URL"},
		{"postgres://u:hush@h:port/d", "holds no URL"},
		{"host=h password='hush", "holds no URL"},
		{"postgres://u:hush@h/d?sslmode=verify-full&sslrootcert=/none", "holds no URL"},
		{fmt.Sprintf("postgres://postgres:hush@127.0.0.1:%d/%s?sslmode=disable", server.Port, database.Name), "SQLSTATE 28P01"},
		{fmt.Sprintf("postgres://postgres:hush@127.0.0.1:%d/%s?sslmode=require", server.Port, database.Name), "TLS"},
		{server.URL("none"), `database "none" does not exist (SQLSTATE 3D000)`},
	} {
		err := readPostgres(t, c.url, options, &postgresSink{})
		require.ErrorContains(t, err, c.says, c.url)
		sentence := failure.Of(err, failure.Engine).Sentence()
		assert.NotContains(t, sentence, "hush")
		assert.NotContains(t, sentence, postgrestest.Password)
	}

	port := fmt.Sprint(server.Port)
	folder := t.TempDir()
	passwords, services := filepath.Join(folder, "passwords"), filepath.Join(folder, "services")
	escaped := strings.ReplaceAll(postgrestest.Password, ":", `\:`)
	require.NoError(t, os.WriteFile(passwords, []byte("127.0.0.1:"+port+":*:postgres:"+escaped+"\n"), 0o600))
	require.NoError(t, os.WriteFile(services, []byte("[lake]\nhost=127.0.0.1\nport="+port+"\nuser=postgres\ndbname="+database.Name+"\n"), 0o600))
	for name, set := range map[string]map[string]string{
		"the variables of libpq": {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "postgres", "PGPASSWORD": postgrestest.Password, "PGDATABASE": database.Name},
		"a service and .pgpass":  {"PGSERVICEFILE": services, "PGSERVICE": "lake", "PGPASSFILE": passwords},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range set {
				t.Setenv(variable, value)
			}
			source := ingest.NewPostgres(options)
			defer func() { assert.NoError(t, source.Close()) }()
			_, err := source.Columns(t.Context())
			require.NoError(t, err)
		})
	}
}

// testPostgresLongRows reads values that are long, and one that is too long.
func testPostgresLongRows(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	sink := &postgresSink{}
	query := "SELECT g AS n, repeat('ü', g) AS v FROM unnest(ARRAY[1, 10000000, 40000000, 2]) g"
	require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query}, sink))
	require.Len(t, sink.rows, 3)
	assert.Len(t, sink.rows[1][1], 20000000)
	require.Len(t, sink.rejects, 1)
	assert.Equal(t, "row size", sink.rejects[0].Rule)
	assert.Equal(t, "3", sink.rejects[0].Key)
	assert.Len(t, sink.rejects[0].Values["v"], 64<<10)
}

// testPostgresErrorsOfValues has the query fail over a value, which must not be told.
func testPostgresErrorsOfValues(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", `CREATE FUNCTION shout(v text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'value %', v; END $$`)
	for _, query := range []string{
		"SELECT v::int AS n FROM (VALUES ('1'), ('confidential')) AS t(v)",
		`SELECT v::int AS n FROM (VALUES ('1'), ('a "confidential" b')) AS t(v)`,
		"SELECT shout(v) AS n FROM (VALUES ('confidential')) AS t(v)",
	} {
		err := readPostgres(t, database.URL(), ingest.PostgresOptions{Query: query}, &postgresSink{})
		require.ErrorContains(t, err, "SQLSTATE")
		assert.NotContains(t, failure.Of(err, failure.Engine).Sentence(), "confidential")
	}
}

// testPostgresSinkFails has the writer fail: its error comes out, and the server is told to stop.
func testPostgresSinkFails(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "")
	full := errors.New("the disk is full")
	sink := &postgresSink{meanwhile: func(context.Context) error { return full }}
	require.ErrorIs(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: manyRows, SplitBy: "id"}, sink), full)
	require.Eventually(t, func() bool {
		return database.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hyperlake'")[0][0] == "0"
	}, postgresPatience, 20*time.Millisecond)
}
