package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/cli"
	"hyperlake/internal/hyperd"
)

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// makeHyper makes a .hyper file of the name by statements that know it as "new".
func makeHyper(t *testing.T, name string, version int, statements ...string) (path string) {
	t.Helper()
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	defer lease.Release()
	conn, err := lease.Connect(t.Context())
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close(t.Context())) }()
	path = filepath.Join(t.TempDir(), name)
	_, err = conn.Exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s WITH VERSION %d", hyperd.QuoteName(path), version))
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, "new"))
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Detach(t.Context(), "new"))
	return path
}

func TestSQLRefusesFilesThatAreNone(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644))
	}
	whole, err := os.ReadFile(makeHyper(t, "whole.hyper", 2, "CREATE TABLE new.public.t AS SELECT 1 AS a"))
	require.NoError(t, err)
	write("empty.hyper", "")
	write("text.hyper", "a,b\n")
	write("cut.hyper", string(whole[:len(whole)/2]))
	t.Chdir(folder)
	for name, want := range map[string]outcome{
		"none.hyper":  {2, "", "hyperlake: there is no file none.hyper; check the path\n"},
		".":           {2, "", "hyperlake: . is a folder, not a .hyper file; name a file in it\n"},
		"empty.hyper": {1, "", "hyperlake: empty.hyper is empty (0 bytes): not a .hyper file; build the file again\n"},
	} {
		assert.Equal(t, want, run(t, "", "sql", name, "select 1"), name)
	}
	got := run(t, "", "sql", "text.hyper", "select 1")
	assert.Equal(t, 1, got.code)
	assert.Regexp(t, `^hyperlake: open text.hyper: .*not a valid database \(hyperd error 42809\); check the path: this is not a .hyper file\n$`, got.stderr)
	got = run(t, "", "sql", "cut.hyper", "select 1")
	assert.Equal(t, 1, got.code)
	assert.Regexp(t, `^hyperlake: open cut.hyper: .*file is truncated \(hyperd error XX001\); build the file again\n$`, got.stderr)
}

func TestSQLWithoutHyperd(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)
	t.Setenv("HYPERD_PATH", filepath.Join(t.TempDir(), "nowhere"))

	got := run(t, "", "sql", path, "select 1")

	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, "HYPERD_PATH leads to no hyperd")
}

func TestSQLWhileAnotherProgramWrites(t *testing.T) {
	path := makeHyper(t, "a.hyper", 2)
	lock := flock.New(path) // as hyperd does
	require.NoError(t, lock.Lock())
	defer func() { assert.NoError(t, lock.Unlock()) }()

	got := run(t, "", "sql", path, "select 1")

	assert.Equal(t, 1, got.code)
	assert.Regexp(t, "locked by another process.*; wait until the program that writes to the file has closed it, or work on a copy\n$", got.stderr)
}
