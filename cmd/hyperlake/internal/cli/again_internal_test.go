package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shellArguments are the words that a shell makes of a command line, after the first.
func shellArguments(t *testing.T, line string) []string {
	t.Helper()
	script := `hyperlake() { for word in "$@"; do printf '%s\000' "$word"; done; }` + "\n" + line
	out, err := exec.Command("sh", "-c", script).Output()
	require.NoError(t, err, line)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestShellWordsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, word := range []string{
		"", "plain", "a=b", "=ls", "~", "~root/x", "-x", "--", "a b", " ", "it's", `"quoted"`, `'`, `''`, `\`, `\n`, `a\\b`, "$HOME", "${X}", "`id`", "$(id)",
		"*", "?", "[a]", "{a,b}", "a;b", "a&b", "a|b", "<a>", "#", "!x", "a\nb", "\na", "a\n", "%s", "%d\n%", "100%\nx", "a'b\nc", "\t", "\r\n.", "\x1b[31m", "\u202e",
		"\xff\xfe", "é", "名前", "a^b", "x\\\ny", "\u0085",
	} {
		assert.Equal(t, []string{word}, shellArguments(t, "hyperlake "+shellWord(word)), "%q as %s", word, shellWord(word))
		if !strings.HasSuffix(word, "\n") {
			assert.NotContains(t, shellWord(word), "\n", "it stands on the last line")
		}
	}
}

// TestCommandAgain has a shell run the line that repeats a command: it means what the command meant.
func TestCommandAgain(t *testing.T) {
	t.Parallel()
	type meaning struct {
		args, sets, vars, match []string
		runner                  string
		flags                   map[string]string
	}
	read := func(line []string) (meant meaning, again string) {
		err := parsePublish(t, line, func(a *app, flags *publishFlags, args []string) error {
			meant = meaning{args, a.flags.sets, a.flags.vars, flags.match, a.flags.runner, map[string]string{}}
			for _, key := range append(publishKeys, publishSwitches...) {
				if flag := flags.set.Lookup(key.flag); flag.Changed {
					meant.flags[key.flag] = flag.Value.String()
				}
			}
			again = a.commandAgain(flags, args)
			return nil
		})
		require.NoError(t, err, line)
		return meant, again
	}
	for _, line := range [][]string{
		{"orders.yaml"},
		{"my orders.yaml", "it's.hyper", "--set", `publish.datasource="a 'b' c"`, "--set", "publish.match=[a, 'b,c']", "--var", "X=$HOME `id`"},
		{"~/x.yaml", "--project", "~/a", "--datasource", "", "--project-id=-1", "--mode", "=x"},
		{"x.yaml", "--match", `id,"a,b","say ""x""", c`, "--match", "d", "--allow-http=false", "--create-project", "--runner", "flink"},
		{"x.yaml", "--match", `"two` + "\n" + `lines"`, "--set", "name=a\nb", "--datasource", "-x", "--set=-y=1"},
		{"x.yaml", "--match", ""},
	} {
		want, again := read(line)
		got, _ := read(shellArguments(t, again)[1:])
		assert.Equal(t, want, got, again)
	}
	_, again := read([]string{"--", "-x.hyper"})
	assert.Equal(t, "hyperlake publish ./-x.hyper", again, "so that --force can follow")
}
