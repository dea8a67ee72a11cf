package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openTerminal makes a terminal: the end of who sits there, and that of programs.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, terminal, err := pty.Open()
	require.NoError(t, err)
	return master, terminal
}

// onTerminal is what a terminal gets of a program that prints there.
func onTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	master, terminal := openTerminal(t)
	defer master.Close()
	cmd.Stdout, cmd.Stderr = terminal, terminal
	require.NoError(t, cmd.Start())
	require.NoError(t, terminal.Close())
	var got strings.Builder
	part := make([]byte, 4096)
	for {
		n, err := master.Read(part)
		got.Write(part[:n])
		if err != nil { // nobody has the terminal any more
			break
		}
	}
	_ = cmd.Wait() // some are to fail
	return got.String()
}

// What stands in names, values and errors is shown on a terminal, not obeyed.
func TestATerminalObeysNoData(t *testing.T) {
	folder := t.TempDir()
	orders, err := filepath.Abs("../../testdata/lake/orders/orders.1.parquet")
	require.NoError(t, err)
	const hostile, shown = "\x1b]0;evil\x07\u009b2J", `\x1b]0;evil\a\u009b2J`
	lake := filepath.Join(folder, hostile)
	require.NoError(t, os.Mkdir(lake, 0o755))
	content, err := os.ReadFile(orders)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(lake, "a.parquet"), content, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(lake, "b.parquet"), []byte("this is no Parquet file at all"), 0o600))
	config := fmt.Sprintf("name: x\ntables: [{source: {uri: %q}}]\n", filepath.Join(lake, "a.parquet"))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(config), 0o600))
	require.NoError(t, program(t, folder, nil, "generate", "x.yaml").Run())
	query := `select chr(27) || ']0;evil' || chr(7) || chr(155) || '2J' as a`
	for _, args := range [][]string{
		{"generate", "x.yaml"}, {"generate", "x.yaml", "--log-format", "json"}, {"plan", "x.yaml"}, {"doctor", "x.yaml"}, {"clean", "x.yaml"}, {"inspect", lake},
		{"inspect", filepath.Join(lake, "b.parquet")}, {"sql", "x.hyper", query}, {"sql", "x.hyper", query, "--csv"}, {"sql", "x.hyper", query, "--json"},
		{"sql", "x.hyper", `select 1 as "` + hostile + `"`, "--csv"}, {"sql", hostile, "select 1"}, {"sql", "x.hyper", hostile}, {hostile}, {"init", lake + "/a.parquet"},
	} {
		got := onTerminal(t, program(t, folder, nil, args...))
		for _, obeyed := range []string{"\x1b]", "\x07", "\u009b"} {
			assert.NotContains(t, got, obeyed, args)
		}
	}
	got := onTerminal(t, program(t, folder, nil, "sql", "x.hyper", query, "--csv"))
	assert.Equal(t, "a\r\n"+shown+"\r\n", got)
	piped, err := program(t, folder, nil, "sql", "x.hyper", query, "--csv").Output()
	require.NoError(t, err)
	assert.Equal(t, "a\n"+hostile+"\n", string(piped), "as it is where it is not for a terminal")
	failed, err := program(t, folder, nil, "sql", hostile, "select 1").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(failed), shown+" is a folder", "the last line is for people everywhere")
}
