package config_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

func TestNotifyDefaults(t *testing.T) {
	t.Parallel()
	cfg, message := loadText(t, good+"notify:\n  - {url_env: SLACK_URL}\n  - {ping_env: PING_URL}\n  - {command: [./tell.sh], on: [success]}\n", config.LoadOptions{})
	require.Empty(t, message)
	usual := []config.NotifyEvent{config.NotifyFailure, config.NotifyRecovered}
	folder := cfg.Notify[0].Folder
	assert.True(t, filepath.IsAbs(folder), folder)
	assert.Equal(t, []config.NotifyConfig{
		{URLEnv: "SLACK_URL", Format: config.NotifyAuto, On: usual, Folder: folder},
		{PingEnv: "PING_URL", Folder: folder},
		{Command: []string{"./tell.sh"}, On: []config.NotifyEvent{config.NotifySuccess}, Folder: folder},
	}, cfg.Notify)
	cfg, message = loadText(t, good+"notify: [{url_env: SLACK_URL}]\n", config.LoadOptions{Sets: []string{"notify="}})
	require.Empty(t, message)
	assert.Empty(t, cfg.Notify, "an empty value switches it off")
}

func TestNotifyIsRefused(t *testing.T) {
	t.Parallel()
	const secret = "https://hooks.slack.com/services/T0/B0/secret"
	of := func(entry string) string { return good + "notify:\n  - " + entry + "\n" }
	testBad(t, []badConfig{
		{"an address", of("{url: " + secret + "}"), `x.yaml:4:6: url has no place in a configuration, for such an address is a secret; put it into a variable of the environment, and name that: url_env: NOTIFY_URL`},
		{"an address of a ping", of("{ping: " + secret + "}"), `x.yaml:4:6: ping has no place in a configuration, for such an address is a secret; put it into a variable of the environment, and name that: ping_env: NOTIFY_URL`},
		{"an address as a name", of("{url_env: " + secret + "}"), `x.yaml:4:15: notify[0].url_env must be the name of a variable of the environment, made of letters, digits and _, and not the address itself`},
		{"an address as a ping's name", of("{ping_env: " + secret + "}"), `x.yaml:4:16: notify[0].ping_env must be the name of a variable of the environment, made of letters, digits and _, and not the address itself`},
		{"a variable that programs get", of("{url_env: LC_HOOK}"), `x.yaml:4:15: notify[0].url_env names LC_HOOK, which the programs get that a run starts, but the address is a secret; take another name`},
		{"a variable that pip gets", of("{ping_env: pip_hook}"), `x.yaml:4:16: notify[0].ping_env names pip_hook, which the programs get that a run starts, but the address is a secret; take another name`},
		{"nothing", of("{on: [success]}"), `x.yaml:4:5: notify[0] needs one of url_env, command and ping_env, but has none`},
		{"two", of("{url_env: A, command: [b]}"), `x.yaml:4:5: notify[0] needs one of url_env, command and ping_env, but has url_env and command`},
		{"no program", of("{command: []}"), `x.yaml:4:15: notify[0].command names no program; write it with its arguments, as in command: [./tell.sh, team]`},
		{"an empty program", of(`{command: ["", x]}`), `x.yaml:4:15: notify[0].command names no program; write it with its arguments, as in command: [./tell.sh, team]`},
		{"a NUL", of(`{command: ["a\0"]}`), `x.yaml:4:15: notify[0].command holds a NUL character, which no argument can`},
		{"a format of a command", of("{command: [a], format: slack}"), `x.yaml:4:28: notify[0].format has no meaning beside command; remove it`},
		{"an environment of a webhook", of("{url_env: A, environment: [B]}"), `x.yaml:4:31: notify[0].environment has no meaning beside url_env; remove it`},
		{"a variable that is none", of("{command: [a], environment: [B, c-d]}"), `x.yaml:4:37: notify[0].environment[1] must be the name of a variable, made of letters, digits and _`},
		{"events of a ping", of("{ping_env: A, on: [failure]}"), `x.yaml:4:23: notify[0].on has no meaning beside ping_env: a dead man's switch is told of every run; remove it`},
		{"no events", of("{url_env: A, on: []}"), `x.yaml:4:22: notify[0].on is an empty list; name what is told, or remove the key for [failure, recovered]`},
		{"an event twice", of("{url_env: A, on: [failure, failure]}"), `x.yaml:4:32: notify[0].on names failure twice; remove one`},
		{"an event that is none", of("{url_env: A, on: [failed]}"), `x.yaml:4:23: notify[0].on[0] must be failure, recovered, rejects, unchanged or success, not "failed"`},
		{"a format that is none", of("{url_env: A, format: mail}"), `x.yaml:4:26: notify[0].format must be auto, slack, teams or plain, not "mail"`},
		{"a variable twice", of("{url_env: A}\n  - {url_env: A, on: [success]}"), `x.yaml:5:5: notify[0] and notify[1] name the same variable, so that one place would be told twice; make one entry of them`},
	})
}

// Who is told is known as far as the file can be read at all.
func TestTold(t *testing.T) {
	t.Parallel()
	const notify = "notify: [{url_env: HOOK}]\n"
	cases := []struct {
		name, text string
		opts       config.LoadOptions
		want       config.Told // of which State is without its folder
	}{
		{"all but the tables is right", "name: n\n" + notify + "tables: [{sauce: 1}]\n", config.LoadOptions{}, config.Told{Name: "n", State: "n.hyperlake"}},
		{"a place of its own", "name: n\nstate: s\n" + notify, config.LoadOptions{}, config.Told{Name: "n", State: "s"}},
		{"a date", "name: n\nstate: s-${date}\n" + notify, config.LoadOptions{Date: "2026-11-28"}, config.Told{Name: "n", State: "s-2026-11-28"}},
		{"a date that is none", "name: n\nstate: s-${date}\n" + notify, config.LoadOptions{Date: "soon"}, config.Told{Name: "n"}},
		{"a variable without a value", "name: n\nstate: ${S}\n" + notify, config.LoadOptions{}, config.Told{Name: "n"}},
		{"a state that is none", "name: n\nstate: xx://s\n" + notify, config.LoadOptions{}, config.Told{Name: "n"}},
		{"a setting that is wrong", "name: n\n" + notify, config.LoadOptions{Sets: []string{"name.x=1"}}, config.Told{Name: "n"}},
		{"an output that is none", "name: n\noutput: {path: x.csv}\n" + notify, config.LoadOptions{}, config.Told{Name: "n"}},
		{"no name", notify, config.LoadOptions{}, config.Told{Name: "x"}},
		{"a name that is none", "name: a/b\n" + notify, config.LoadOptions{}, config.Told{Name: "x"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.yaml")
			writeConfig(t, path, c.text)
			_, err := config.Load(path, c.opts)
			require.Error(t, err, "the case is one of files that are refused")
			file, err := config.Read(path)
			require.NoError(t, err)
			got := file.Told(c.opts)
			if assert.Len(t, got.Targets, 1) {
				assert.Equal(t, "HOOK", got.Targets[0].URLEnv)
				assert.Equal(t, filepath.Dir(path), got.Targets[0].Folder)
			}
			assert.Equal(t, c.want.Name, got.Name)
			if c.want.State != "" {
				c.want.State = filepath.Join(filepath.Dir(path), c.want.State)
			}
			assert.Equal(t, c.want.State, got.State)
		})
	}
	for name, text := range map[string]string{
		"a list": "- name\n", "nobody": "name: n\n", "wrong notify": "name: n\nnotify: [{url_env: A, on: [x]}]\n", "a key twice": "name: n\n" + notify + notify,
	} {
		path := filepath.Join(t.TempDir(), "x.yaml")
		writeConfig(t, path, text)
		file, err := config.Read(path)
		require.NoError(t, err, name)
		assert.Empty(t, file.Told(config.LoadOptions{}).Targets, name)
	}
}
