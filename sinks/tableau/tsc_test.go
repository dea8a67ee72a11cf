//go:build tsc

package tableau_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau/tableautest"
)

// Tableau's own Python client works with the fake server, so that the fake is not merely
// our idea of the protocol. pip fetches it once, into the user's cache.
func TestTableauServerClient(t *testing.T) {
	b := newBench(t, tableautest.Config{
		Workbooks: []string{"Sales/Nightly/Book"}, Flows: []string{"Sales/Clean"}, Tasks: []string{"task-1"},
	})
	small, more := items(t, "(1, 'one')", "(2, 'two')"), items(t, "(3, 'three')")
	keys := hyperFile(t, `CREATE SCHEMA "%s"."Extract"`, `CREATE TABLE "%s"."Extract"."Extract" ("id" BIGINT NOT NULL)`,
		`INSERT INTO "%s"."Extract"."Extract" VALUES (2)`)
	large, folder := plainFile(t, megabyte(5)), t.TempDir()

	command := exec.CommandContext(t.Context(), python(t), "testdata/tsc.py", b.URL, small, more, large, keys, folder)
	command.Env = append(os.Environ(), "TSC_FILESIZE_LIMIT_MB=4", "TSC_CHUNK_SIZE_MB=2")
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))

	stored := map[string]tableautest.Stored{}
	for _, d := range b.Datasources("marketing") {
		stored[d.Name] = d
	}
	require.Len(t, stored, 2)
	assert.Equal(t, []string{"1 one", "3 three", "3 three"}, rows(t, filepath.Join(folder, "changed.hyper")),
		"appended once, inserted once, one deleted")
	assert.Equal(t, sum(t, small), sum(t, filepath.Join(folder, "current.hyper")))
	assert.Equal(t, sum(t, small), sum(t, stored["Small items"].Path))
	assert.Equal(t, sum(t, large), sum(t, stored["Large"].Path))
	assert.Len(t, b.sent(http.MethodPut, "/fileUploads"), 3+3) // of the large file; one for each of three payloads
	assert.Equal(t, []string{"workbook Book", "flow Clean", "task task-1"}, b.Refreshed("marketing"))
	assert.Len(t, b.sent(http.MethodPost, "/auth/signout"), 1)
}

// python returns an interpreter that has the client.
func python(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(cache, "hyperlake", "tableauserverclient-0.42")
	interpreter, base := filepath.Join(folder, "bin", "python"), "python3"
	if runtime.GOOS == "windows" {
		interpreter, base = filepath.Join(folder, "Scripts", "python.exe"), "python"
	}
	if exec.Command(interpreter, "-c", "import tableauserverclient").Run() == nil {
		return interpreter
	}
	for _, arguments := range [][]string{
		{base, "-m", "venv", "--clear", folder},
		{interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", "testdata/requirements.txt"},
	} {
		output, err := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	return interpreter
}
