package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
)

// An environment that lacks something ends a run soon, with words about it, or does not
// keep it from its end.
func TestEnvironmentsOfRuns(t *testing.T) {
	t.Parallel()
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	lake, err := filepath.Abs("../../testdata/lake/lineitem/*.parquet")
	require.NoError(t, err)
	deep := strings.Repeat("/"+strings.Repeat("d", 199), 20)
	cases := map[string]struct {
		shell string // before the run
		set   string // one override
		env   []string
		code  int
		says  string
	}{
		"few files":              {shell: "ulimit -n 20", code: 2, says: "may have 20 files open at a time (ulimit -n), but 64 are needed at least; raise the limit"},
		"few files but for more": {shell: "ulimit -Sn 20"},
		"a long output":          {set: "output.path=%s" + deep + "/x.hyper", code: 1, says: "file name too long; take a shorter path"},
		"a long staging":         {set: "staging=%s" + deep, code: 1, says: "file name too long; take a shorter path"},
		"a long folder for temporary files": {env: []string{"TMPDIR=%s" + deep}, code: 1,
			says: "file name too long; take a shorter path"},
		"a relative folder for temporary files": {env: []string{"TMPDIR=."}},
		"no home":                               {env: []string{"HOME=", "XDG_CACHE_HOME="}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, err := os.MkdirTemp("", "l")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(folder) })
			config := fmt.Sprintf("name: x\ntables: [{name: lineitem, source: {uri: %q}}]\n", lake)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(config), 0o600))
			set := "name=x"
			if c.set != "" {
				set = fmt.Sprintf(c.set, folder)
			}
			script := fmt.Sprintf("%s\nexec %q generate x.yaml --quiet --set %q", c.shell, os.Args[0], set)
			cmd := exec.Command("bash", "-ec", script)
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath, "TMPDIR="+folder)
			for _, variable := range c.env {
				cmd.Env = append(cmd.Env, strings.ReplaceAll(variable, "%s", folder))
			}
			began := time.Now()
			output, err := cmd.CombinedOutput()
			assert.Less(t, time.Since(began), time.Minute)
			assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), "%v: %s", err, output)
			lines := strings.Split(strings.TrimSpace(string(output)), "\n")
			assert.Contains(t, lines[len(lines)-1], c.says)
		})
	}
}
