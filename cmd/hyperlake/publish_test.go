package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/sinks/tableau/tableautest"
)

// program is the program with an environment of its own.
func program(t *testing.T, folder string, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath), environment...)
	return cmd
}

// TestSecretsAreNeverWritten looks for secrets and session tokens in everything that runs
// wrote: both streams at level debug, and every file.
func TestSecretsAreNeverWritten(t *testing.T) {
	const appSecret = "the+value/of an app's secret=="
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Tokens: map[string]string{tokenName: tokenSecret},
		AppSecrets: map[string]string{"secret-id": appSecret}, Folder: t.TempDir(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder, outside := t.TempDir(), t.TempDir()
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}}]\n" +
		"publish: {server: '" + server.URL + "', site: marketing, allow_http: true, as_job: true}\nhyperd: {log_dir: '" + folder + "'}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	secretFile := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secretFile, []byte(tokenSecret+"\n"), 0o600))
	token := []string{"tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}
	fromFile := []string{"TAB_PAT_NAME=" + tokenName, "TAB_SECRET_ID_FILE=" + secretFile}
	app := []string{"tab_app_client_id=client", "tab_app_secret_id=secret-id", "tab_app_secret_value=" + appSecret, "tab_app_user=me"}

	steps := []struct {
		name        string
		environment []string
		args        []string
		code        int
		fault       tableautest.Fault
	}{
		{"run", token, []string{"run", "orders.yaml", "--report", "report.json", "--log-format", "json"}, 0, tableautest.Fault{}},
		{"a token in a file", fromFile, []string{"publish", "orders.yaml", "--json"}, 0, tableautest.Fault{}},
		{"an app", app, []string{"publish", "orders.yaml"}, 0, tableautest.Fault{}},
		{"expired", token, []string{"publish", "orders.yaml"}, 0, tableautest.Fault{Method: "POST", Path: "/datasources", ExpireToken: true}},
		{"redirected", token, []string{"publish", "orders.yaml", "--report", "redirected.json"}, 4,
			tableautest.Fault{Method: "POST", Path: "/datasources", Status: 307, Location: "http://localhost:1/elsewhere"}},
		{"refused", append(token[:1:1], "tab_secret_id=wrong"+tokenSecret), []string{"run", "orders.yaml", "--report", "refused.json"}, 4, tableautest.Fault{}},
	}
	var written bytes.Buffer
	for _, step := range steps {
		if step.fault != (tableautest.Fault{}) {
			server.Inject(step.fault)
		}
		cmd := program(t, folder, step.environment, append(step.args, "--log-level", "debug")...)
		cmd.Stdout, cmd.Stderr = &written, &written
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, step.code, cmd.ProcessState.ExitCode(), "%s: %s", step.name, written.String())
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		written.Write(content)
		return err
	}))
	secrets := map[string]string{"the secret": tokenSecret, "the app's secret": appSecret}
	for _, request := range server.Requests() {
		if auth := request.Header.Get("X-Tableau-Auth"); auth != "" {
			secrets["session token "+auth[:4]] = auth
		}
	}
	assert.Greater(t, len(secrets), 5, "sessions of several runs")
	assert.Contains(t, written.String(), "request", "requests are logged at level debug")
	for name, secret := range secrets {
		assert.False(t, bytes.Contains(written.Bytes(), []byte(secret)), "%s was written", name)
	}
}
