package tableau_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

const (
	tokenName   = "nightly"
	tokenSecret = "s3cr3t/of+the==token"
)

// bench is a fake server, a client of it, and what the client logged.
type bench struct {
	*tableautest.Server
	client  *tableau.Client
	project tableau.Project
	log     *lockedBuffer
	waits   *waits
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// waits records how long the client would have waited, and waits a part of it.
type waits struct {
	mu   sync.Mutex
	all  []time.Duration
	part time.Duration
}

func (w *waits) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.all = append(w.all, d)
	part := w.part
	w.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d / part):
		return nil
	}
}

func (w *waits) taken() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.all...)
}

// newBench starts a server whose client has found the project Sales/Nightly.
func newBench(t *testing.T, config tableautest.Config) *bench {
	t.Helper()
	config.Sites = []string{"marketing"}
	config.Projects = []string{"Sales/Nightly", "Sales/Daily", "Other"}
	config.Tokens = map[string]string{tokenName: tokenSecret}
	config.Folder = t.TempDir()
	server, err := tableautest.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	b := &bench{Server: server, log: &lockedBuffer{}, waits: &waits{part: 200}}
	b.client = b.newClient()
	b.project, err = b.client.FindProject(t.Context(), "Sales/Nightly")
	require.NoError(t, err)
	return b
}

func (b *bench) newClient() *tableau.Client {
	client := &tableau.Client{
		Server: b.URL, Site: "marketing", AllowHTTP: true,
		Credentials: tableau.PersonalAccessToken{Name: tokenName, Secret: tableau.NewSecret(tokenSecret)},
		Log:         slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	client.Pause = b.waits.pause
	return client
}

// makeLarge has the client send files from 4 MB on in chunks of 3 MB.
func (b *bench) makeLarge() {
	b.client.ChunkBytes = megabyte(3)
	b.client.SetLargeFrom(megabyte(4))
}

func (b *bench) publication(file string, mode tableau.Mode) tableau.Publication {
	return tableau.Publication{File: file, Name: "Line items", ProjectID: b.project.ID, Mode: mode}
}

// stored returns the one data source of the site.
func (b *bench) stored(t *testing.T) tableautest.Stored {
	t.Helper()
	all := b.Datasources("marketing")
	require.Len(t, all, 1)
	return all[0]
}

// sent returns the requests of a method with that text in their path.
func (b *bench) sent(method, path string) []tableautest.Request {
	var found []tableautest.Request
	for _, request := range b.Requests() {
		if request.Method == method && strings.Contains(request.Path, path) {
			found = append(found, request)
		}
	}
	return found
}

// plainFile writes a file of that many bytes, which is no .hyper file.
func plainFile(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ünïcode näme.hyper")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	for at := int64(0); at < size; at += 1 << 20 { // sparse, but every megabyte differs
		_, err := file.WriteAt([]byte(fmt.Sprintf("megabyte %d", at)), at)
		require.NoError(t, err)
	}
	require.NoError(t, file.Truncate(size))
	return path
}

func sum(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	require.NoError(t, err)
	return hex.EncodeToString(hash.Sum(nil))
}

// hyperFile makes a .hyper file with the statements, in which %s stands for the database.
func hyperFile(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.hyper")
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	alias := "a" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err := conn.Exec(t.Context(), "CREATE DATABASE "+hyperd.QuoteName(path))
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, alias))
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), strings.ReplaceAll(statement, "%s", alias))
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Detach(t.Context(), alias))
	return path
}

// items makes a .hyper file with the table Extract.Extract (id, name) of such rows.
func items(t *testing.T, rows ...string) string {
	t.Helper()
	statements := []string{
		`CREATE SCHEMA "%s"."Extract"`,
		`CREATE TABLE "%s"."Extract"."Extract" ("id" BIGINT NOT NULL, "name" TEXT)`,
	}
	if len(rows) > 0 {
		statements = append(statements, `INSERT INTO "%s"."Extract"."Extract" VALUES `+strings.Join(rows, ", "))
	}
	return hyperFile(t, statements...)
}

// rows reads the table Extract.Extract (id, name) of a .hyper file in the order of ids.
func rows(t *testing.T, path string) []string {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "x"))
	var found []string
	err := conn.Query(t.Context(), `SELECT "id", "name" FROM "x"."Extract"."Extract" ORDER BY 1, 2`, func(_ []hyperd.Field, values [][]byte) error {
		found = append(found, string(values[0])+" "+string(values[1]))
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return found
}

func megabyte(n int64) int64 { return n << 20 }
