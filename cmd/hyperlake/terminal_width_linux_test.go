package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau/tableautest"
)

// printedAt is what a terminal of that width gets of a program, line by line, without what was drawn and erased again.
func printedAt(t *testing.T, width int, cmd *exec.Cmd) []string {
	t.Helper()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: 24})
	require.NoError(t, err)
	defer terminal.Close()
	printed, _ := io.ReadAll(terminal) // until nobody has the terminal any more
	_ = cmd.Wait()                     // some are to fail
	lines := strings.Split(strings.TrimSuffix(string(printed), "\r\n"), "\r\n")
	for i, line := range lines {
		lines[i] = line[strings.LastIndexByte(line, '\r')+1:]
	}
	return lines
}

// isTooWide says whether a line is wider than the terminal. One that holds a word for which there is no room in any line may be, if it
// is not part of a table.
func isTooWide(line string, width int) bool {
	plain := ansi.Strip(line)
	tooLong := func(word string) bool { return ansi.StringWidth(word) > width/2 }
	return ansi.StringWidth(plain) > width && (strings.Contains(plain, "│") || !slices.ContainsFunc(strings.Fields(plain), tooLong))
}

// nights are configurations in a folder whose runs have left all that commands make tables of, and the environment of these commands.
func nights(t *testing.T) (folder string, environment []string) {
	t.Helper()
	server, err := tableautest.Start(tableautest.Config{Tokens: map[string]string{tokenName: tokenSecret}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	environment = []string{"TERM=xterm", "tab_site_url=" + server.URL, "tab_site_id=", "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}
	folder = t.TempDir()
	lake, err := filepath.Abs("../../testdata/lake")
	require.NoError(t, err)
	config := fmt.Sprintf(`name: nightly
staging: stage
tables:
  - name: lineitem
    source: {uri: %q}
    columns: {l_comment: {rename: what the customer said when the order was placed}}
    rules:
      - {column: l_shipdate, min: "1992-02-10"}
      - {name: received after it was shipped, expr: "l_shipdate <= l_receiptdate", on_fail: warn}
    rejects: {path: rejects}
    checks:
      - {name: there are more than a thousand rows with a discount, sql: 'select count(*) > 1000 from "Extract"."lineitem" where l_discount > 0'}
  - name: orders
    source: {uri: %q}
    datasource: Orders of all regions
publish: {datasource: Items of all orders, mode: overwrite, allow_http: true}
`, filepath.Join(lake, "lineitem/*.parquet"), filepath.Join(lake, "orders/*.parquet"))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "nightly.yaml"), []byte(config), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "several"), 0o755))
	broken := strings.ReplaceAll(config, `min: "1992-02-10"`, "max: 10")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "several", "a configuration that is wrong in one place.yaml"), []byte(broken), 0o600))
	good := strings.ReplaceAll(config, "staging: stage\n", "")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "several", "good.yaml"), []byte(good), 0o600))
	for _, args := range [][]string{
		{"run", "nightly.yaml", "--report", "first.json"},
		{"run", "nightly.yaml", "--report", "second.json", "--set", `tables[1].source.where="o_orderkey < 100"`},
		{"generate", "nightly.yaml", "--set", "tables[0].source.where=\"l_orderkey > 100\"", "--set", "output.path=other.hyper"},
	} {
		output, err := program(t, folder, environment, args...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	output, err := program(t, folder, environment, "run", "nightly.yaml", "--set", "tables[0].rejects.max_rows=1").CombinedOutput()
	require.Error(t, err, "%s", output)
	return folder, environment
}

// Nothing that a command tells people is wider than their terminal.
func TestTablesAreNoWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	folder, environment := nights(t)
	for width, colour := range map[int]string{80: "CLICOLOR=1", 40: "NO_COLOR=1"} {
		for _, args := range tableCommands(t) {
			lines := printedAt(t, width, program(t, folder, append(environment, colour), args...))
			assert.NotEmpty(t, lines)
			for _, line := range lines {
				assert.False(t, isTooWide(line, width), "%s at %d: %q", args[0], width, line)
				if colour == "NO_COLOR=1" {
					assert.NotContains(t, line, "\x1b[3", args)
				}
			}
		}
	}
	checkWidths(t, func(more ...string) *exec.Cmd {
		return program(t, folder, append(environment, more...), "history", "nightly.yaml")
	})
}

// tableCommands are command lines that print tables or long sentences of nights.
func tableCommands(t *testing.T) [][]string {
	t.Helper()
	var wide []string
	for i := range 60 {
		wide = append(wide, fmt.Sprintf("l_comment as comment_%d", i))
	}
	lake, err := filepath.Abs("../../testdata/lake/lineitem")
	require.NoError(t, err)
	return [][]string{
		{"plan", "nightly.yaml"}, {"history", "nightly.yaml"}, {"rejects", "nightly.yaml", "--values"}, {"clean", "nightly.yaml", "--dry-run"},
		{"inspect", "nightly.hyper"}, {"inspect", lake}, {"report", "first.json"}, {"doctor", "nightly.yaml"},
		{"diff", "first.json", "second.json"}, {"diff", "nightly.hyper", "other.hyper"}, {"publish", "nightly.yaml", "--revisions"},
		{"validate", "several"}, {"run", "several"}, {"generate", "nightly.yaml", "--set", "output.path=third.hyper"},
		{"merge", "-o", "merged.hyper", "nightly.hyper", "other.hyper"}, {"defrag", "nightly.hyper"},
		{"sql", "nightly.hyper", `select * from "Extract"."lineitem" limit 3`}, {"sql", "nightly.hyper", `select repeat('日本 👩‍👧 ', 60) as text`},
		{"sql", "nightly.hyper", "select " + strings.Join(wide, ", ") + ` from "Extract"."lineitem" limit 2`},
		{"sql", "nightly.hyper", `select l_orderkey, repeat('x', 300) from "Extract"."lineitem" limit 2`},
		{"sql", "nightly.hyper", "select a mistake"}, {"run", "nightly.yaml", "--set", "tables[0].rejects.max_rows=1"},
	}
}

// checkWidths checks that COLUMNS says how wide lines are where somebody sets it, that a terminal that does not say how wide it is has 80
// cells, and that pipes get all, and no colours unless somebody wants these.
func checkWidths(t *testing.T, history func(more ...string) *exec.Cmd) {
	t.Helper()
	const note = "left out for want of room"
	atMost := func(lines []string) (most int) {
		for _, line := range lines {
			most = max(most, ansi.StringWidth(line))
		}
		return most
	}
	assert.NotContains(t, strings.Join(printedAt(t, 200, history()), " "), note)
	assert.Contains(t, strings.Join(printedAt(t, 200, history("COLUMNS=80")), " "), note)
	assert.LessOrEqual(t, atMost(printedAt(t, 200, history("COLUMNS=80"))), 80)
	assert.LessOrEqual(t, atMost(printedAt(t, 0, history())), 80)
	assert.NotContains(t, strings.Join(printedAt(t, 80, history("COLUMNS=200")), " "), note)

	piped, err := history("COLUMNS=40").Output()
	require.NoError(t, err)
	assert.NotContains(t, string(piped), note)
	assert.NotContains(t, string(piped), "\x1b")
	first, _, _ := strings.Cut(string(piped), "\n")
	assert.Contains(t, first, "began (UTC)")
	assert.Contains(t, first, "size")
	coloured, err := history("CLICOLOR_FORCE=1").Output()
	require.NoError(t, err)
	assert.Contains(t, string(coloured), "\x1b[32msucceeded\x1b[0m")
	assert.Contains(t, string(coloured), "\x1b[33mrejected\x1b[0m")
}
