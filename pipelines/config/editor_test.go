//go:build editors

package config_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

// languageServerVersion is what npm fetches; it is the server behind editors, such as that of the extension YAML of VS Code.
const languageServerVersion = "1.25.0"

// editor speaks to a language server as editors do.
type editor struct {
	to   io.Writer
	from *bufio.Reader
	last int
}

// message is one of the protocol of language servers.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      any             `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

func startEditor(t *testing.T) *editor {
	folder := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-save", "--no-audit", "--no-fund", "yaml-language-server@"+languageServerVersion)
	install.Dir = folder
	output, err := install.CombinedOutput()
	require.NoError(t, err, string(output))
	server := exec.CommandContext(t.Context(), filepath.Join(folder, "node_modules", ".bin", "yaml-language-server"), "--stdio")
	to, err := server.StdinPipe()
	require.NoError(t, err)
	from, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	e := &editor{to: to, from: bufio.NewReader(from)}
	e.ask(t, "initialize", `{"processId": null, "rootUri": null, "capabilities": {"workspace": {"configuration": true}}}`)
	e.send(t, message{Method: "initialized", Params: json.RawMessage(`{}`)})
	return e
}

func (e *editor) send(t *testing.T, m message) {
	m.Version = "2.0"
	text, err := json.Marshal(m)
	require.NoError(t, err)
	_, err = fmt.Fprintf(e.to, "Content-Length: %d\r\n\r\n%s", len(text), text)
	require.NoError(t, err)
}

// read is the next message that is not a question of the server's, which it answers.
func (e *editor) read(t *testing.T) message {
	for {
		header, err := textproto.NewReader(e.from).ReadMIMEHeader()
		require.NoError(t, err)
		length, err := strconv.Atoi(header.Get("Content-Length"))
		require.NoError(t, err)
		text := make([]byte, length)
		_, err = io.ReadFull(e.from, text)
		require.NoError(t, err)
		var m message
		require.NoError(t, json.Unmarshal(text, &m))
		switch {
		case m.Method == "workspace/configuration":
			settings := `{"validate": true, "completion": true, "hover": true, "schemaStore": {"enable": false}}`
			e.send(t, message{ID: m.ID, Result: json.RawMessage("[" + settings + strings.Repeat(", {}", 3) + "]")})
		case m.Method != "" && m.ID != nil:
			e.send(t, message{ID: m.ID, Result: json.RawMessage("null")})
		default:
			return m
		}
	}
}

// ask waits for the answer to a question.
func (e *editor) ask(t *testing.T, method, params string) string {
	e.last++
	e.send(t, message{ID: e.last, Method: method, Params: json.RawMessage(params)})
	for {
		if m := e.read(t); m.Method == "" && fmt.Sprint(m.ID) == strconv.Itoa(e.last) {
			return string(m.Result)
		}
	}
}

// open is what the server says of a file: line, column and message.
func (e *editor) open(t *testing.T, path string) []string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	document, err := json.Marshal(map[string]any{"textDocument": map[string]any{
		"uri": "file://" + path, "languageId": "yaml", "version": 1, "text": string(text),
	}})
	require.NoError(t, err)
	e.send(t, message{Method: "textDocument/didOpen", Params: document})
	for {
		m := e.read(t)
		var said struct {
			URI         string
			Diagnostics []struct {
				Range   struct{ Start struct{ Line, Character int } }
				Message string
			}
		}
		if m.Method != "textDocument/publishDiagnostics" || json.Unmarshal(m.Params, &said) != nil || said.URI != "file://"+path {
			continue
		}
		found := []string{}
		for _, d := range said.Diagnostics {
			found = append(found, fmt.Sprintf("%d:%d: %s", d.Range.Start.Line+1, d.Range.Start.Character+1, d.Message))
		}
		return found
	}
}

// TestEditors: the real server of editors takes the schema, finds nothing in good files, says what is wrong in bad ones, and completes.
func TestEditors(t *testing.T) {
	e := startEditor(t)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, config.SchemaFile), []byte(config.Schema), 0o600))
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte("# yaml-language-server: $schema="+config.SchemaFile+"\n"+text), 0o600))
		return path
	}
	for _, name := range []string{"minimal", "full", "set", "split", "text"} {
		text, err := os.ReadFile(filepath.Join(configFolder, name+".yaml"))
		require.NoError(t, err)
		assert.Empty(t, e.open(t, write(name+".yaml", string(text))), name)
	}
	assert.Empty(t, e.open(t, write("variables.yaml", "name: n\non_empty: ${A}\nrunner:\n  parallelism: ${B}\n  retries: ${C}\n"+
		"tables: [{source: {uri: \"${D}\"}, rules: [{column: a, not_null: \"${E}\"}]}]\n")))
	assert.ElementsMatch(t, []string{
		"3:1: Property tabels is not allowed.",
		`4:11: Value is not accepted. Valid values: "fail", "allow".`,
		"5:23: must be auto, or a number of workers, or hold a ${VARIABLE}",
		"7:22: Property formt is not allowed.",
		"8:43: must be true or false, or hold a ${VARIABLE}",
		`9:5: Missing property "source".`,
	}, e.open(t, write("bad.yaml", "name: x\ntabels: []\non_empty: no\nrunner: {parallelism: many}\ntables:\n"+
		"  - source: {uri: a, formt: x}\n    rules: [{column: a, max: 1, not_null: maybe}]\n  - {}\n")))

	path := write("new.yaml", "name: n\non_empty: \ntables: [{source: {uri: a}}]\n")
	e.open(t, path)
	at := func(line, column int) string {
		return fmt.Sprintf(`{"textDocument": {"uri": %q}, "position": {"line": %d, "character": %d}}`, "file://"+path, line, column)
	}
	completed := e.ask(t, "textDocument/completion", at(2, 10))
	assert.Contains(t, completed, `"label":"allow"`)
	assert.Contains(t, e.ask(t, "textDocument/hover", at(1, 2)), "names the run, the report and the default output")
}
