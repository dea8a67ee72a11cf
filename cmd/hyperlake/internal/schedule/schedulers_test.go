//go:build schedulers

package schedule_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/schedule"
)

// TestSchedulers shows what is written to the platforms themselves: whether they take it, and which command they make of it.
// `make test-schedulers` installs what it needs, and says where that is; testdata/verifiers has the program for Kubernetes.
func TestSchedulers(t *testing.T) {
	each := func(ask func(*testing.T, shown)) func(*testing.T, []shown) {
		return func(t *testing.T, all []shown) {
			for _, one := range all {
				ask(t, one)
			}
		}
	}
	for name, ask := range map[string]func(*testing.T, []shown){
		"systemd": each(askSystemd), "k8s": each(askKubernetes), "github": each(askGitHub), "launchd": each(askPlistlib), "airflow": askAirflow,
	} {
		t.Run(name, func(t *testing.T) {
			few := usual()
			few.Name, few.Days, few.Publishes = "few", schedule.Days{1, 5, 0}, false
			var all []shown
			for _, night := range []schedule.Night{usual(), few, hostile(name)} {
				night.Program, night.Folder = recorder(t, night)
				night.User = "root" // who is everywhere
				files, err := schedule.Write(name, night)
				require.NoError(t, err)
				one := shown{night: night}
				folder := t.TempDir()
				for _, file := range files {
					path := filepath.Join(folder, file.Name)
					require.NoError(t, os.WriteFile(path, []byte(file.Text), 0o600))
					one.paths = append(one.paths, path)
				}
				all = append(all, one)
			}
			ask(t, all)
		})
	}
}

// shown is a night, and the files that were written for it.
type shown struct {
	night schedule.Night
	paths []string
}

// recorder is a program that writes its arguments into a file beside it, in a folder with the names of the night's program and folder.
func recorder(t *testing.T, night schedule.Night) (program, folder string) {
	t.Helper()
	top := t.TempDir()
	program, folder = filepath.Join(top, night.Program), filepath.Join(top, night.Folder)
	for _, made := range []string{folder, filepath.Dir(program)} {
		require.NoError(t, os.MkdirAll(made, 0o700))
	}
	script := "#!/bin/sh\nprintf '%s\\000' \"$PWD\" \"$tab_pat_name\" \"$tab_secret_id\" \"$@\" > \"$0.ran\"\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	return program, folder
}

// output runs a program that must succeed.
func output(t *testing.T, environment []string, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, words strings.Builder
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = &out, &words
	require.NoError(t, command.Run(), "%s\n%s", words.String(), out.String())
	return out.String(), words.String()
}

// installed is the path of what `make test-schedulers` installs.
func installed(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	require.NotEmpty(t, path, "run `make test-schedulers`, which sets %s", variable)
	return path
}

// parsedCommand matches the command that systemd-analyze tells of a unit that it read: words quoted for a shell.
var parsedCommand = regexp.MustCompile(`(?m)^\s*Command Line: (.*)$`)

func askSystemd(t *testing.T, one shown) {
	night, paths := one.night, one.paths
	_, said := output(t, nil, "systemd-analyze", append([]string{"verify"}, paths...)...)
	assert.Empty(t, said)
	said, _ = output(t, []string{"SYSTEMD_LOG_LEVEL=debug"}, "systemd-analyze", "verify", paths[0])
	found := parsedCommand.FindStringSubmatch(said)
	require.NotNil(t, found, said)
	told := found[1]
	for _, bare := range []string{"#", "~", "~root"} { // which it does not quote
		told = strings.ReplaceAll(told, " "+bare+" ", " '"+bare+"' ")
	}
	words := shellArguments(t, "exec "+told)
	for i, word := range words { // variables are put in when it starts, not into the program
		if i > 0 {
			words[i] = strings.ReplaceAll(word, "$$", "$")
		}
	}
	assert.Equal(t, night.Command(), words)
	assert.Contains(t, said, "WorkingDirectory: "+night.Folder+"\n")

	timer, err := os.ReadFile(paths[1])
	require.NoError(t, err)
	out, _ := output(t, []string{"TZ=UTC"}, "systemd-analyze", "calendar", "--base-time=2026-06-30 12:00:00", after(t, string(timer), "OnCalendar="))
	assert.Contains(t, out, " 00:30:00 UTC", "half past two in Berlin, in summer")
}

func askKubernetes(t *testing.T, one shown) {
	night, paths := one.night, one.paths
	out, _ := output(t, nil, installed(t, "KUBERNETES"), paths...)
	var words []string
	require.NoError(t, json.Unmarshal([]byte(out), &words))
	assert.Equal(t, night.Command(), words)
}

func askGitHub(t *testing.T, one shown) {
	workflows := filepath.Join(t.TempDir(), ".github", "workflows")
	require.NoError(t, os.MkdirAll(workflows, 0o700))
	path := filepath.Join(workflows, filepath.Base(one.paths[0]))
	require.NoError(t, os.Rename(one.paths[0], path))
	out, _ := output(t, nil, installed(t, "ACTIONLINT"), "-shellcheck=", "-pyflakes=", path)
	assert.Empty(t, out)
}

func askPlistlib(t *testing.T, one shown) {
	night, paths := one.night, one.paths
	out, _ := output(t, nil, "python3", "-c", "import json, plistlib, sys; json.dump(plistlib.load(open(sys.argv[1], 'rb')), sys.stdout)", paths[0])
	var list struct {
		Label, WorkingDirectory string
		ProgramArguments        []string
		StartCalendarInterval   any
	}
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	assert.Equal(t, night.ID(), list.Label)
	assert.Equal(t, night.Folder, list.WorkingDirectory)
	assert.Equal(t, night.Command(), list.ProgramArguments[4:])
	assert.NotEmpty(t, list.StartCalendarInterval)
}

// askAirflow has Airflow run the nights.
func askAirflow(t *testing.T, all []shown) {
	home := t.TempDir()
	folder := filepath.Join(home, "dags")
	require.NoError(t, os.Mkdir(folder, 0o700))
	environment := []string{"AIRFLOW_HOME=" + home, "AIRFLOW__CORE__DAGS_FOLDER=" + folder, "AIRFLOW__CORE__LOAD_EXAMPLES=False"}
	for _, one := range all {
		require.NoError(t, os.Rename(one.paths[0], filepath.Join(folder, filepath.Base(one.paths[0]))))
		environment = append(environment, "AIRFLOW_CONN_"+strings.ToUpper(one.night.ID())+"=generic://nightly:s3cr3t-t0ken@")
	}
	airflow := filepath.Join(installed(t, "AIRFLOW"), "bin", "airflow")
	output(t, environment, airflow, "db", "migrate")
	output(t, environment, airflow, "dags", "reserialize")
	for _, one := range all[1:] { // each takes Airflow some seconds to begin
		out, words := output(t, environment, airflow, "dags", "test", one.night.ID())
		ran, err := os.ReadFile(one.night.Program + ".ran")
		require.NoError(t, err, words+out)
		want := []string{one.night.Folder, "", ""}
		if one.night.Publishes {
			want = []string{one.night.Folder, "nightly", "s3cr3t-t0ken"}
		}
		assert.NotContains(t, out+words, "s3cr3t-t0ken")
		assert.Equal(t, append(want, one.night.Command()[1:]...), strings.Split(strings.TrimSuffix(string(ran), "\x00"), "\x00"))
	}
}
