package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// program is the program with an environment of its own.
func program(t *testing.T, folder string, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath,
		"XDG_STATE_HOME="+filepath.Join(folder, ".state")), environment...)
	return cmd
}

// careless is a server in front of another whose errors repeat the header, and the body as
// it is and as it was meant, of the request. It keeps the tokens that connected apps sign.
type careless struct {
	*httptest.Server
	mu     sync.Mutex
	signed []string
}

func newCareless(t *testing.T, address string) *careless {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	c := &careless{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		if found := regexp.MustCompile(`jwt="([^"]+)"`).FindSubmatch(body); found != nil {
			c.mu.Lock()
			c.signed = append(c.signed, string(found[1]))
			c.mu.Unlock()
		}
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = target.Scheme, target.Host, ""
		out.Body = io.NopCloser(bytes.NewReader(body))
		reply, err := http.DefaultTransport.RoundTrip(out)
		if !assert.NoError(t, err) {
			return
		}
		defer reply.Body.Close()
		content, err := io.ReadAll(reply.Body)
		assert.NoError(t, err)
		if reply.StatusCode >= http.StatusBadRequest {
			var said strings.Builder
			fmt.Fprint(&said, "<detail>")
			for _, text := range []string{fmt.Sprint(r.Header), string(body), html.UnescapeString(string(body))} {
				assert.NoError(t, xml.EscapeText(&said, []byte(text)))
			}
			content = bytes.ReplaceAll(content, []byte("<detail>"), []byte(said.String()))
		}
		w.WriteHeader(reply.StatusCode)
		_, _ = w.Write(content)
	}))
	t.Cleanup(c.Close)
	return c
}

// TestSecretsAreNeverWritten looks for secrets and session tokens in everything that runs
// wrote: both streams at level debug, and every file.
func TestSecretsAreNeverWritten(t *testing.T) {
	const appSecret = "the+value/of <an> app's & secret=="
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Tokens: map[string]string{tokenName: tokenSecret},
		AppSecrets: map[string]string{"secret-id": appSecret}, Folder: t.TempDir(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	careless := newCareless(t, server.URL)
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder, outside := t.TempDir(), t.TempDir()
	heard := newAudience()
	t.Cleanup(heard.Close)
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}}]\n" +
		"publish: {server: '" + server.URL + "', site: marketing, allow_http: true, as_job: true}\nhyperd: {log_dir: '" + folder + "'}\n" +
		"notify: [{url_env: HOOK_USUAL}, {url_env: HOOK_ILL}, {ping_env: HOOK_SWITCH}, {command: [sh, -c, env; cat]}]\n"
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
		{"repeated by the server", token, []string{"publish", "orders.yaml", "--server", careless.URL, "--report", "repeated.json"}, 4,
			tableautest.Fault{Method: "POST", Path: "/datasources", Status: 400, Code: "400011"}},
		{"repeated by an ill server", app, []string{"publish", "orders.yaml", "--server", careless.URL, "--log-format", "json"}, 0,
			tableautest.Fault{Method: "GET", Path: "/projects", Status: 500, Code: "500000"}},
		{"repeated at the sign-in", append(token[:1:1], "tab_secret_id=wrong"+tokenSecret), []string{"publish", "orders.yaml", "--server", careless.URL}, 4,
			tableautest.Fault{}},
		{"an app repeated at the sign-in", append(app[:2:2], "tab_app_secret_value=wrong"+appSecret, "tab_app_user=me"),
			[]string{"publish", "orders.yaml", "--server", careless.URL}, 4, tableautest.Fault{}},
		{"refused", append(token[:1:1], "tab_secret_id=wrong"+tokenSecret), []string{"run", "orders.yaml", "--report", "refused.json"}, 4, tableautest.Fault{}},
	}
	var written bytes.Buffer
	for _, step := range steps {
		if step.fault.Path != "" {
			server.Inject(step.fault)
		}
		cmd := program(t, folder, append(heard.environment(), step.environment...), append(step.args, "--log-level", "debug")...)
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
	told, sent := heard.take()
	assert.Contains(t, told, "ill:failure,4", "and repeated the address")
	written.WriteString(sent)
	secrets := map[string]string{"the secret": tokenSecret, "the app's secret": appSecret, "an address": hookSecret}
	for _, request := range server.Requests() {
		if auth := request.Header.Get("X-Tableau-Auth"); auth != "" {
			secrets["session token "+auth[:4]] = auth
		}
	}
	assert.Greater(t, len(secrets), 5, "sessions of several runs")
	assert.Contains(t, written.String(), "request", "requests are logged at level debug")
	require.NotEmpty(t, careless.signed)
	for i, token := range careless.signed {
		secrets[fmt.Sprint("signed token ", i)] = token
	}
	runtest.RequireHidden(t, written.Bytes(), "[redacted]", secrets) // of the careless server
}

// An append whose reply is lost may have been executed: the program says so with exit code
// 4, does not send it again, and names the command that finishes the work.
func TestAppendOfUnknownOutcomeIsFinishedByItsCommand(t *testing.T) {
	server, err := tableautest.Start(tableautest.Config{Projects: []string{"Sales/Nightly"}, Folder: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder := t.TempDir()
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}}]\npublish: {project: Sales/Nightly, datasource: All orders, allow_http: true}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	environment := []string{"tab_site_url=" + server.URL, "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}
	try := func(code int, args ...string) string {
		cmd := program(t, folder, environment, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
		return stderr.String()
	}
	appends := func() (n int) {
		for _, request := range server.Requests() {
			if strings.Contains(request.Path, "append=true") {
				n++
			}
		}
		return n
	}
	try(0, "run", "orders.yaml")
	try(0, "generate", "orders.yaml", "--set", "output.path=new.hyper", "--set", "tables.0.source.where=o_orderkey < 100")
	server.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseRequest: true})
	said := try(4, "publish", "new.hyper", "--allow-http", "--project", "Sales/Nightly", "--datasource", "All orders", "--mode", "append", "--timeout", "3s")
	assert.Contains(t, said, "(outcome: unknown)")
	assert.Equal(t, 1, appends())
	command := regexp.MustCompile("send them with `hyperlake ([^`]+)`\n$").FindStringSubmatch(said)
	require.NotNil(t, command, said)
	args := strings.Split(strings.ReplaceAll(command[1], "'All orders'", "All\x00orders"), " ")
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "\x00", " ")
	}
	assert.Contains(t, try(4, args[:len(args)-1]...), "nobody knows whether the same rows", "without --force")
	assert.Equal(t, 1, appends())
	assert.Contains(t, try(0, args...), "published: Sales/Nightly/All orders on ")
	assert.Equal(t, 2, appends())
	assert.Contains(t, try(0, args[:len(args)-1]...), "unchanged: Sales/Nightly/All orders on ")
	assert.Equal(t, 2, appends())
}

// A process that is killed while it publishes leaves no lock, and the next one publishes.
func TestKilledWhilePublishing(t *testing.T) {
	server, err := tableautest.Start(tableautest.Config{Folder: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder := t.TempDir()
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}}]\npublish: {allow_http: true}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	environment := []string{"tab_site_url=" + server.URL, "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret,
		"XDG_STATE_HOME=" + folder}
	output, err := program(t, folder, environment, "generate", "orders.yaml").CombinedOutput()
	require.NoError(t, err, string(output))

	server.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Delay: time.Minute})
	killed := program(t, folder, environment, "publish", "orders.yaml")
	require.NoError(t, killed.Start())
	t.Cleanup(func() { _ = killed.Process.Kill() })
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(server.Requests(), func(r tableautest.Request) bool {
			return r.Method == http.MethodPost && strings.Contains(r.Path, "/datasources")
		})
	}, time.Minute, 5*time.Millisecond)
	locks := func() []string {
		found, err := filepath.Glob(filepath.Join(folder, "*", "publications", "*.lock"))
		require.NoError(t, err)
		return found
	}
	assert.Len(t, locks(), 2, "one in the state of the configuration, one in that of the user")
	output, err = program(t, folder, environment, "publish", "orders.yaml").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), fmt.Sprintf("hyperlake: process %d on ", killed.Process.Pid))

	require.NoError(t, killed.Process.Kill())
	require.Error(t, killed.Wait())
	require.Eventually(t, func() bool {
		hidden, err := filepath.Glob(filepath.Join(folder, ".*"))
		return err == nil && len(locks())+len(hidden) == 0
	}, time.Minute, 10*time.Millisecond, "something stays")
	output, err = program(t, folder, environment, "publish", "orders.yaml").CombinedOutput()
	require.NoError(t, err, string(output))
}
