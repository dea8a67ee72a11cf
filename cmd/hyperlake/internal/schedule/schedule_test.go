package schedule_test

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/schedule"
	"hyperlake/internal/failure"
)

// usual is a night as most are.
func usual() schedule.Night {
	return schedule.Night{
		Name: "orders", Program: "/usr/local/bin/hyperlake", Config: "/srv/etl/orders.yaml", Folder: "/srv/etl",
		Flags: []string{"--lock-wait", "30m", "--var", "REGION=emea"}, At: 150, Zone: "Europe/Berlin",
		Spread: 10 * time.Minute, Deadline: 12 * time.Hour, Publishes: true, Image: "registry.example.com/hyperlake:1.0", User: "etl",
	}
}

// reading is a night that needs more of the environment than Tableau's token.
func reading() schedule.Night {
	night := usual()
	night.Variables = []string{"TEAM_URL", "videos_key"}
	return night
}

// hostileWords are arguments with everything in them that some platform would take for its own.
var hostileWords = []string{
	"", " ", "a b", " a", "a ", "it's", `"quoted"`, `'`, `''`, `"`, `""`, `\`, `\\`, `a\`, `a\\b`, `\"`, `\n`, `\x41`, `\045`, `'\''`, "$HOME", "${HOME}", "$$", "$$HOME",
	"$(HOME)", "$$(HOME)", "$(id)", "`id`", "$", "%", "%%", "%h", "%n %", "100%", `\%`, "${date}", "${{ github.token }}", "${{", "}}", "{{ x }}", "{% raw %}", "{# x #}",
	"{", "}", "{{", "<a>", "&amp;", "]]>", "<!--", "-->", "#", "a #b", ";", `\;`, "; rm", "a;b", "a&b", "a|b", "a>b", "*", "?", "[a]", "{a,b}", "~", "~root", "!x", "!!", "=x", "@x",
	"-x", "--", ": a", "a: b", "- a", "null", "yes", "1e3", "é", "名前", "🦆", "a\u00a0b", "x^y", "/d", "tests.sh", "=",
}

// hostile is a night that holds them all; those that a platform refuses are left out.
func hostile(platform string) schedule.Night {
	night := usual()
	night.Name, night.Days = `Café "Größe" & 100% $HOME it's {{ x }} ${{ y }}`, schedule.Days{time.Monday, time.Sunday}
	night.Program = `/opt/my "tools"/it's/100% {{ x }}/hyperlake`
	night.Config, night.Folder = "/srv/my $HOME/${{ é }}/orders.yaml", "/srv/a b/50% {{ x }} <&> $HOME"
	night.Flags = []string{"--lock-wait", "30m", "--var"}
	if platform == "systemd" {
		night.Program = "/opt/my & <tools>/100% {{ x }} ;é/hyperlake"
	}
	for i, word := range hostileWords {
		switch {
		case platform == "windows" && strings.Count(word, "%") > 1:
		case platform == schedule.Cron && i%2 == 1: // of which a line holds no more
		default:
			night.Flags = append(night.Flags, word)
		}
	}
	return night
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, platform := range schedule.Platforms() {
		few := usual()
		few.Name, few.Days, few.Zone, few.Publishes = "Orders of the week", schedule.Days{time.Monday, time.Friday}, "UTC", false
		if schedule.InContainer(platform) {
			few.Program, few.Config = schedule.ProgramInImage, schedule.ConfigInPod
		}
		for name, night := range map[string]schedule.Night{"": usual(), "-few": few, "-hostile": hostile(platform), "-variables": reading()} {
			files, err := schedule.Write(platform, night)
			require.NoError(t, err)
			for _, file := range files {
				golden := filepath.Join("testdata", "golden", platform+name+filepath.Ext(file.Name))
				if os.Getenv("UPDATE_GOLDEN") != "" {
					require.NoError(t, os.WriteFile(golden, []byte(file.Text), 0o600))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				assert.Equal(t, string(want), file.Text, golden)
				assert.Equal(t, night.ID()+filepath.Ext(file.Name), file.Name)
			}
			again, err := schedule.Write(platform, night)
			require.NoError(t, err)
			assert.Equal(t, files, again, "the same night gives the same text")
		}
	}
}

// argv is what the platform has the system start, by the rules of the platform as they are told again here; those of systemd, Kubernetes,
// Airflow and GitHub are also asked themselves, see TestSchedulers.
var argv = map[string]func(t *testing.T, text string) []string{
	"systemd": func(t *testing.T, text string) []string {
		line := after(t, text, "\nExecStart=")
		var words []string
		for len(line) > 0 {
			require.Equal(t, byte('"'), line[0], line)
			var word strings.Builder
			i := 1
			for ; line[i] != '"'; i++ {
				if line[i] == '\\' {
					i++
					require.Contains(t, `\"`, line[i:i+1])
				}
				word.WriteByte(line[i])
			}
			words = append(words, strings.NewReplacer("%%", "%", "$$", "$").Replace(word.String()))
			line = strings.TrimPrefix(line[i+1:], " ")
		}
		return words
	},
	"cron": func(t *testing.T, text string) []string {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		last := lines[len(lines)-1]
		assert.NotContains(t, last, "%", "which cron takes for the end of a line")
		command := strings.SplitN(last, " ", 6)[5]
		command = command[strings.Index(command, " && exec ")+len(" && "):]
		return shellArguments(t, command)
	},
	"launchd": func(t *testing.T, text string) []string {
		var list struct {
			Array []struct {
				Strings []string `xml:"string"`
			} `xml:"dict>array"`
		}
		require.NoError(t, xml.Unmarshal([]byte(text), &list))
		words := list.Array[0].Strings
		assert.Equal(t, []string{"/bin/sh", "-c"}, words[:2])
		home := t.TempDir()
		program := filepath.Join(home, "program")
		require.NoError(t, os.MkdirAll(filepath.Join(home, "Library", "Logs"), 0o700))
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nprintf '%s\\000' \"$@\"\n"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(home, "security"), []byte("#!/bin/sh\necho \"'secret'\"\n"), 0o700))
		run := exec.Command("/bin/sh", append([]string{"-c", words[2], words[3], program}, words[5:]...)...)
		run.Env = []string{"HOME=" + home, "PATH=" + home}
		require.NoError(t, run.Run())
		logs, err := filepath.Glob(filepath.Join(home, "Library", "Logs", "*"))
		require.NoError(t, err)
		out, err := os.ReadFile(logs[0])
		require.NoError(t, err)
		return append(words[4:5], strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")...)
	},
	"windows": func(t *testing.T, text string) []string {
		task := windowsTask(t, text)
		return append([]string{task.Command}, commandLineToArgv(task.Arguments)...)
	},
	"k8s": func(t *testing.T, text string) []string {
		var job struct {
			Spec struct {
				JobTemplate struct {
					Spec struct {
						Template struct {
							Spec struct {
								Containers []struct{ Command, Args []string }
							}
						}
					}
				} `yaml:"jobTemplate"`
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &job))
		container := job.Spec.JobTemplate.Spec.Template.Spec.Containers[0]
		words := append(container.Command, container.Args...)
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, "$$", "$")
		}
		return words
	},
	"airflow": func(t *testing.T, text string) []string {
		command := unquoted(t, strings.TrimSuffix(after(t, text, "bash_command="), ","))
		return shellArguments(t, strings.ReplaceAll(command, `{{ "{" }}`, "{"))
	},
	"github": func(t *testing.T, text string) []string {
		command := unquoted(t, after(t, text, "- run: "))
		return shellArguments(t, "exec "+strings.ReplaceAll(command, "${{ '${{' }}", "${{"))
	},
}

func TestCommandsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, platform := range schedule.Platforms() {
		for _, night := range []schedule.Night{usual(), hostile(platform), reading()} {
			files, err := schedule.Write(platform, night)
			require.NoError(t, err, platform)
			assert.Equal(t, night.Command(), argv[platform](t, files[0].Text), platform)
		}
	}
}

// after is the rest of the line behind a text.
func after(t *testing.T, text, mark string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, mark)
	require.True(t, ok, "%s in %s", mark, text)
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// unquoted is a scalar of YAML.
func unquoted(t *testing.T, literal string) (text string) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(literal), &text), literal)
	return text
}

// shellArguments are the words that a shell makes of a command that begins with exec.
func shellArguments(t *testing.T, command string) []string {
	t.Helper()
	command, ok := strings.CutPrefix(command, "exec ")
	require.True(t, ok, command)
	out, err := exec.Command("sh", "-c", `printf '%s\000' `+command).Output()
	require.NoError(t, err, command)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		platform, want string
		change         func(*schedule.Night)
	}{
		{"at", "is no platform that is known; use one of systemd, cron, launchd, windows, k8s, airflow, github", func(*schedule.Night) {}},
		{"systemd", "it takes no $, quotes or backslashes in the path of a program", func(n *schedule.Night) { n.Program = "/opt/it's/hyperlake" }},
		{"systemd", "it takes no $, quotes or backslashes in the path of a program", func(n *schedule.Night) { n.Program = "/opt/$x/hyperlake" }},
		{"systemd", "ends in a backslash or a blank", func(n *schedule.Night) { n.Folder = `/srv/x\` }},
		{"cron", "cron takes no line of more than about 900", func(n *schedule.Night) { n.Flags = []string{"--var", strings.Repeat("x", 900)} }},
		{"cron", "is no name of a variable of the environment", func(n *schedule.Night) { n.Variables = []string{"A B"} }},
		{"windows", "may replace %PATH% in", func(n *schedule.Night) { n.Flags = []string{"--var", "a=50%PATH%"} }},
		{"windows", "may replace $(Arg0) in", func(n *schedule.Night) { n.Flags = []string{"--var", "a=$(Arg0)"} }},
		{"windows", "may replace %TEMP% in", func(n *schedule.Night) { n.Folder = `C:\%TEMP%` }},
	} {
		night := usual()
		c.change(&night)
		_, err := schedule.Write(c.platform, night)
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed, c.want)
		assert.Equal(t, failure.Usage, failed.Kind)
		assert.Contains(t, failed.Sentence(), c.want)
		assert.NotEmpty(t, failed.Hint)
	}
}

// TestCharactersThatNobodySees are refused wherever they are: a line break would be a line of somebody else's.
func TestCharactersThatNobodySees(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a\nb", "a\rb", "a\x00b", "\t", "\x1b[0m", "\u0085", "\u2028", "\u202e", "\u200b", "\xff", "\ufeff"} {
		for _, change := range []func(*schedule.Night){
			func(n *schedule.Night) { n.Name = bad }, func(n *schedule.Night) { n.Program = bad }, func(n *schedule.Night) { n.Config = bad },
			func(n *schedule.Night) { n.Flags = []string{bad} }, func(n *schedule.Night) { n.Folder = bad }, func(n *schedule.Night) { n.Image = bad },
			func(n *schedule.Night) { n.User = bad }, func(n *schedule.Night) { n.Zone = bad },
		} {
			for _, platform := range schedule.Platforms() {
				night := usual()
				change(&night)
				_, err := schedule.Write(platform, night)
				require.ErrorContains(t, err, "holds characters that cannot be seen", "%q for %s", bad, platform)
			}
		}
	}
}

// FuzzCommands has every platform run any word.
func FuzzCommands(f *testing.F) {
	for _, word := range hostileWords {
		f.Add(word, word)
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		night := usual()
		night.Flags = []string{"--var", one, other}
		for _, platform := range schedule.Platforms() {
			files, err := schedule.Write(platform, night)
			if err != nil {
				assert.Equal(t, failure.Usage, failure.Of(err, failure.Engine).Kind)
				continue
			}
			assert.Equal(t, night.Command(), argv[platform](t, files[0].Text), platform)
		}
	})
}
