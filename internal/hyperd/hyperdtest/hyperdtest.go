// Package hyperdtest gives tests the real hyperd. A test that needs it fails where it is
// missing: it is never skipped.
package hyperdtest

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
)

// Main runs the tests of a package with a folder of their own for temporary files, and
// then stops hyperd and removes the folder; for use in TestMain.
func Main(run func() int) {
	scratch, err := os.MkdirTemp("", "hl")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = os.Setenv("TMPDIR", scratch)
	code := run()
	hyperd.Shutdown()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// Acquire takes a lease on the hyperd of the test process, with default settings, until
// the test ends.
func Acquire(t testing.TB) *hyperd.Lease {
	t.Helper()
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	t.Cleanup(lease.Release)
	return lease
}

// Connect opens a session that ends with the test.
func Connect(t testing.TB, lease *hyperd.Lease) *hyperd.Conn {
	t.Helper()
	conn, err := lease.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}
