package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau/tableautest"
)

var runID = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{8}$`)

// logged reads the log of one command, of which every line has the one shape.
func logged(t *testing.T, text, name string) []map[string]any {
	t.Helper()
	require.True(t, strings.HasSuffix(text, "\n"), "%q", text)
	var lines []map[string]any
	for line := range strings.Lines(text) {
		assert.Equal(t, []string{"time", "level", "msg"}, keysOf(t, line)[:3], "%s", line)
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields), "%s", line)
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(fields["time"]))
		require.NoError(t, err, "%s", line)
		assert.WithinDuration(t, time.Now(), at, time.Hour)
		assert.Contains(t, []any{"DEBUG", "INFO", "WARN", "ERROR"}, fields["level"])
		assert.NotEmpty(t, fields["msg"])
		assert.Equal(t, name, fields["name"], "%s", line)
		assert.Regexp(t, runID, fields["run"], "%s", line)
		if len(lines) > 0 {
			assert.Equal(t, lines[0]["run"], fields["run"])
		}
		lines = append(lines, fields)
	}
	return lines
}

// keysOf are the keys of an object, in order, none twice.
func keysOf(t *testing.T, line string) (keys []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	_, err := decoder.Token()
	require.NoError(t, err, "%s", line)
	for decoder.More() {
		key, err := decoder.Token()
		require.NoError(t, err, "%s", line)
		assert.NotContains(t, keys, key, "%s", line)
		keys = append(keys, fmt.Sprint(key))
		var value json.RawMessage
		require.NoError(t, decoder.Decode(&value), "%s", line)
	}
	_, err = decoder.Token()
	require.NoError(t, err)
	_, err = decoder.Token()
	require.ErrorIs(t, err, io.EOF)
	return keys
}

// find is the one line with a message.
func find(t *testing.T, lines []map[string]any, message string) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, line := range lines {
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	require.Len(t, found, 1, "%v", lines)
	return found[0]
}

// TestLogsAsJSON reads the logs of commands that end in all ways.
func TestLogsAsJSON(t *testing.T) {
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Tokens: map[string]string{tokenName: tokenSecret}, Folder: t.TempDir(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder := t.TempDir()
	config := "name: orders\nrefresh: {mode: changed}\ntables: [{source: {uri: '" + lake + "'}, rules: [{column: o_totalprice, max: 300000}],\n" +
		"  checks: [{row_count: {min: 1}}]}]\npublish: {server: '" + server.URL + "', site: marketing, allow_http: true}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	run := func(code int, args ...string) []map[string]any {
		t.Helper()
		cmd := program(t, folder, []string{"tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}, append(args, "--log-format", "json")...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
		return logged(t, stderr.String(), "orders")
	}
	ended := func(lines []map[string]any, code int, status any) map[string]any {
		t.Helper()
		end := find(t, lines, "run ended")
		assert.InDelta(t, code, end["exit_code"], 0)
		assert.Equal(t, status, end["status"])
		assert.Contains(t, end, "seconds")
		last := lines[len(lines)-1]
		if code == 0 {
			assert.Equal(t, end, last)
			return end
		}
		assert.Equal(t, end, lines[len(lines)-2])
		assert.Equal(t, "ERROR", last["level"])
		assert.InDelta(t, code, last["exit_code"], 0)
		assert.NotEmpty(t, last["kind"])
		assert.Contains(t, last, "hint")
		return end
	}

	lines := run(0, "run", "orders.yaml", "--log-level", "debug")
	end := ended(lines, 0, "succeeded")
	table := find(t, lines, "rows of a table")
	for _, rows := range []string{"rows_loaded", "rows_rejected"} {
		assert.Positive(t, end[rows])
		assert.Equal(t, end[rows], table[rows])
	}
	assert.Equal(t, table["rows_rejected"], find(t, lines, "rule broken")["rows"])
	assert.Equal(t, true, find(t, lines, "check evaluated")["passed"])
	assert.Equal(t, "published", find(t, lines, "data source")["outcome"])
	assert.Equal(t, "DEBUG", lines[0]["level"], "what others say is debugging")

	lines = run(0, "run", "orders.yaml")
	end = ended(lines, 0, "unchanged")
	assert.InDelta(t, 0, end["units_changed"], 0)
	assert.Equal(t, table["rows_loaded"], end["rows_loaded"])
	ended(run(3, "generate", "orders.yaml", "--set", "tables.0.rejects.max_rows=0"), 3, "rejected")
	lines = run(2, "run", "orders.yaml", "--set", "tables.0.source.select=[none]")
	ended(lines, 2, "failed")
	lines = run(2, "run", "orders.yaml", "--keep-runs", "0")
	ended(lines, 2, nil)
	lines = run(0, "publish", "orders.yaml")
	ended(lines, 0, "succeeded")
	lines = run(4, "publish", "orders.yaml", "--mode", "create")
	ended(lines, 4, "unpublished")
	assert.Equal(t, "failed", find(t, lines, "data source")["outcome"])
	lines = run(2, "run", "orders.yaml", "--set", "tables.0.source.uri=none/*.parquet", "--quiet")
	assert.Len(t, lines, 1)
}
