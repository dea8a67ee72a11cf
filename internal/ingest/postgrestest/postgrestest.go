// Package postgrestest gives tests a real PostgreSQL server of their own, of the programs that this machine has. A test that
// needs it fails where they are missing: it is never skipped.
package postgrestest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Password is that of the user postgres.
const Password = "s3cr3t/pa:ss@word"

// startTime is how long a loaded machine may need.
const startTime = 2 * time.Minute

// Server is a running server on the loopback interface. Safe for concurrent use.
type Server struct {
	Port   int
	folder string
	stop   func()
	names  atomic.Int64
}

// Start starts a server in a folder of its own, until the test ends or [Server.Kill]. Settings are further ones, as in
// log_statement=all.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	folder, err := os.MkdirTemp(scratch(), "postgres")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	password := filepath.Join(folder, "password")
	require.NoError(t, os.WriteFile(password, []byte(Password), 0o600))
	owner := newOwner(t, folder, password)
	server := &Server{Port: freePort(t), folder: folder}

	initdb := exec.Command(program(t, "initdb"), "-D", filepath.Join(folder, "data"), "-U", "postgres", "-A", "scram-sha-256",
		"--pwfile", password, "-E", "UTF8", "--locale=C", "--no-sync")
	owner.own(initdb)
	output, err := initdb.CombinedOutput()
	require.NoError(t, err, string(output))

	arguments := []string{"-D", filepath.Join(folder, "data"), "-p", strconv.Itoa(server.Port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}
	server.run(t, owner, arguments)
	require.Eventually(t, func() bool {
		conn, err := pgconn.Connect(t.Context(), server.URL("postgres"))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	}, startTime, 50*time.Millisecond, "the server does not start: see %s", server.log())
	return server
}

// run starts the server under a shell that stops it when this process ends, however it ends.
func (s *Server) run(t testing.TB, owner owner, arguments []string) {
	t.Helper()
	const untilStdinEnds = `"$@" & server=$!; read -r _; kill -QUIT $server; wait $server`
	command := exec.Command("sh", append([]string{"-c", untilStdinEnds, "sh", program(t, "postgres")}, arguments...)...)
	owner.own(command)
	log, err := os.Create(filepath.Join(s.folder, "log"))
	require.NoError(t, err)
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	stdin, err := command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	s.stop = func() {
		_ = stdin.Close()
		<-ended
	}
	t.Cleanup(s.stop)
}

func (s *Server) log() string {
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return string(text)
}

// Kill ends the server at once, as a machine that fails does.
func (s *Server) Kill() { s.stop() }

// Certify has the server offer TLS with a certificate and its key, both in PEM, from the next connection on.
func (s *Server) Certify(t testing.TB, certificate, key []byte) {
	t.Helper()
	var files []string
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		file := filepath.Join(s.folder, "data", name)
		require.NoError(t, os.WriteFile(file, content, 0o600))
		files = append(files, file)
	}
	newOwner(t, files...)
	database := &Database{Server: s, Name: "postgres"}
	before := database.Query(t, "SELECT pg_conf_load_time()")[0][0]
	database.Exec(t, "ALTER SYSTEM SET ssl = on")
	database.Exec(t, "SELECT pg_reload_conf()")
	require.Eventually(t, func() bool {
		return database.Query(t, "SELECT pg_conf_load_time()")[0][0] != before && database.Query(t, "SHOW ssl")[0][0] == "on"
	}, startTime, 50*time.Millisecond, "the server does not offer TLS: see %s", s.log())
}

// URL is how a database is reached, the password included.
func (s *Server) URL(database string) string { return URL(s.Port, database) }

// URL is how a database is reached at another port, such as that of a [Proxy].
func URL(port int, database string) string {
	user := url.UserPassword("postgres", Password)
	address := url.URL{Scheme: "postgres", User: user, Host: fmt.Sprintf("127.0.0.1:%d", port), Path: "/" + database}
	return address.String() + "?sslmode=disable"
}

// Database makes an empty database, in which statements were run. The words of the options are those of CREATE DATABASE.
func (s *Server) Database(t testing.TB, options string, statements ...string) *Database {
	t.Helper()
	name := fmt.Sprintf("test%d", s.names.Add(1))
	(&Database{Server: s, Name: "postgres"}).Exec(t, "CREATE DATABASE "+name+" TEMPLATE template0 "+options)
	database := &Database{Server: s, Name: name}
	for _, statement := range statements {
		database.Exec(t, statement)
	}
	return database
}

// Database is one of a server. Safe for concurrent use: every statement has a connection of its own.
type Database struct {
	*Server
	Name string
}

// URL is how it is reached, the password included.
func (d *Database) URL() string { return d.Server.URL(d.Name) }

// Exec runs statements.
func (d *Database) Exec(t testing.TB, sql string) {
	t.Helper()
	_, err := d.Try(t.Context(), sql)
	require.NoError(t, err, sql)
}

// Query runs a query, and returns the texts of its rows; NULL is "NULL".
func (d *Database) Query(t testing.TB, sql string) [][]string {
	t.Helper()
	results, err := d.Try(t.Context(), sql)
	require.NoError(t, err, sql)
	var rows [][]string
	for _, row := range results[len(results)-1].Rows {
		texts := make([]string, len(row))
		for i, value := range row {
			if texts[i] = string(value); value == nil {
				texts[i] = "NULL"
			}
		}
		rows = append(rows, texts)
	}
	return rows
}

// Try runs statements that may fail.
func (d *Database) Try(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	conn, err := pgconn.Connect(ctx, d.URL()+"&client_encoding=UTF8")
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return conn.Exec(ctx, sql).ReadAll()
}

// program finds a program of PostgreSQL, where Debian and others put it.
func program(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/", "/opt/homebrew/opt/postgresql*/bin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	require.Fail(t, "the tests need the program "+name+" of PostgreSQL: install the package postgresql")
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
