package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/runtest"
)

// What APIs and databases are signed in to with stands in no log, report or file, and no program gets it that is not to have it.
func TestSecretsOfIngestsAreNeverWritten(t *testing.T) {
	const apiSecret, crmSecret, databaseSecret = "the+key/of <an> API==", "t0ken of the CRM", "p4ssword+of/the&database"
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("X-Api-Key"))
		if r.URL.Path == "/careless" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"you sent": %q, "to": %q}`, r.Header.Get("X-Api-Key"), r.URL)
			return
		}
		_, _ = fmt.Fprint(w, `[{"id": 1}]`)
	}))
	t.Cleanup(server.Close)
	folder := t.TempDir()
	config := fmt.Sprintf(`name: secrets
ingest:
  - {name: api, to: lake/api, http: {url: "%[1]s/items?key=in-the-query", header_env: {X-Api-Key: API_KEY}}}
  - {name: crm, to: lake/crm, command: {run: [sh, -c, 'env >&2; test -n "$CRM_TOKEN" && echo "{}"'], environment: [CRM_TOKEN_NAME]}}
  - {name: careless, to: lake/careless, http: {url: "%[1]s/careless?key=in-the-query", header_env: {X-Api-Key: API_KEY}}}
  - {name: database, to: lake/database, postgres: {url_env: PG_URL, query: select 1}}
tables: [{source: {uri: lake/api}}]
`, server.URL)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "secrets.yaml"), []byte(config), 0o600))
	environment := []string{
		"API_KEY=" + apiSecret, "CRM_TOKEN=" + crmSecret, "PG_URL=host=127.0.0.1 port=1 user=me password='" + databaseSecret + "' sslmode=disable",
	}
	var written bytes.Buffer
	for only, code := range map[string]int{"api": 0, "crm": 1, "careless": 1, "database": 1} {
		cmd := program(t, folder, environment, "ingest", "secrets.yaml", "--only", only, "--report", only+".json", "--log-level", "debug")
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), "%s: %s", only, said.String())
		written.Write(said.Bytes())
	}
	assert.Equal(t, []string{apiSecret, apiSecret}, seen)
	assert.Contains(t, written.String(), "PATH=", "what the program says is in the log")
	read := 0
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "secrets.yaml" {
			return err
		}
		read++
		content, err := os.ReadFile(path)
		written.Write(content)
		return err
	}))
	assert.Greater(t, read, 5, "reports, rows, and what is known of them")
	runtest.RequireHidden(t, written.Bytes(), "HOME=", map[string]string{
		"the key of the API": apiSecret, "the token that is not passed on": crmSecret, "the password": databaseSecret, "a key in the query": "in-the-query",
	})
}
