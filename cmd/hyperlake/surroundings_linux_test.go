package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
)

// circumstances are what a run finds on its machine. Every one is that of a shell of its own, with
// mounts of its own, which then becomes the program.
type circumstances struct {
	name        string
	environment []string          // variables to set, as NAME=VALUE, or to take away, as NAME
	setup       string            // shell commands before; $FOLDER is that of the configuration
	config      string            // the path of the configuration, in $FOLDER; orders.yaml if empty
	settings    map[string]string // of the command line

	code int    // 0: the extract is the one of every other run
	says string // in the last line of stderr
}

var surroundings = []circumstances{
	{name: "no HOME", environment: []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}},
	{name: "a HOME that is not there", environment: []string{"HOME=/nowhere", "XDG_CACHE_HOME"}},
	{name: "no PATH", environment: []string{"PATH"}},
	{name: "Turkish", environment: []string{"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}},
	{name: "German numbers", environment: []string{"LC_NUMERIC=de_DE.UTF-8", "LANG=de_DE.ISO-8859-1"}},
	{name: "no language", environment: []string{"LANG=C", "LC_ALL=POSIX"}},
	{name: "a language that is not there", environment: []string{"LC_ALL=xx_YY.NOTHING"}},
	{name: "east of Greenwich", environment: []string{"TZ=Asia/Kathmandu"}},
	{name: "west of Greenwich", environment: []string{"TZ=America/St_Johns"}},
	{name: "a time zone that is not there", environment: []string{"TZ=Nowhere/At_All"}},
	{name: "few files", setup: "ulimit -n 64"},
	{name: "a strict umask", setup: "umask 077"},
	{name: "a lax umask", setup: "umask 000"},
	{name: "no core files, small stack", setup: "ulimit -c 0; ulimit -s 256"},
	{name: "no /dev/shm", setup: `mkdir "$FOLDER/dev"; for name in null zero random urandom; do
	: >"$FOLDER/dev/$name"; mount -o bind "/dev/$name" "$FOLDER/dev/$name"
done; mount -o rbind "$FOLDER/dev" /dev`},
	{name: "/dev/shm is full", setup: "mount -t tmpfs -o size=64k none /dev/shm"},
	{name: "/dev/shm cannot be written", setup: "mount -t tmpfs -o ro none /dev/shm"},
	{name: "a deep TMPDIR", setup: `mkdir -p "$FOLDER/` + strings.Repeat("deep/", 30) + `"; export TMPDIR="$FOLDER/` + strings.Repeat("deep/", 30) + `"`},
	{name: "nothing but standard error", setup: "exec <&- >&-"},
	{name: "standard output ends", setup: "exec </dev/null", settings: map[string]string{"output.path": "deep/er/orders.hyper"}},
	{name: "the lake cannot be written", setup: `mount -o bind "$FOLDER/lake" "$FOLDER/lake" && mount -o remount,bind,ro "$FOLDER/lake"`},
	{name: "odd names of folders", config: "it's \"quoted\" $HOME `x` {a,b} ünïcode\t/orders.yaml"},
	{name: "a folder that looks like an option", config: "--set/orders.yaml"},
	{name: "a long way down", config: strings.Repeat(strings.Repeat("x", 200)+"/", 8) + "orders.yaml"},
	{name: "the folder of the output cannot be written", code: 2, says: "read-only file system",
		setup: `mkdir -p "$FOLDER/out" && mount -t tmpfs -o ro none "$FOLDER/out"`, settings: map[string]string{"output.path": "out/orders.hyper"}},
	{name: "the folder for temporary files cannot be written", code: 1, says: "TMPDIR",
		setup: `mkdir -p "$FOLDER/tmp" && mount -t tmpfs -o ro none "$FOLDER/tmp" && export TMPDIR="$FOLDER/tmp"`},
	{name: "the folder for temporary files is not there", code: 1, says: "TMPDIR", environment: []string{"TMPDIR=/nowhere/at/all"}},
}

// A run gives the same extract whatever machine it finds itself on, or says at once what is missing.
func TestSurroundings(t *testing.T) {
	t.Parallel()
	want := countsOf(t, circumstances{name: "usual"})
	for _, c := range surroundings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.code == 0 {
				assert.Equal(t, want, countsOf(t, c))
				return
			}
			began := time.Now()
			cmd, stderr := c.run(t)
			require.Error(t, cmd.Run())
			assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), stderr)
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			assert.Contains(t, lines[len(lines)-1], c.says)
			assert.Less(t, time.Since(began), time.Minute)
		})
	}
}

// run prepares a run, with a report beside its configuration.
func (c circumstances) run(t *testing.T) (cmd *exec.Cmd, stderr *strings.Builder) {
	folder := folderIn(t, os.TempDir())
	config := filepath.Join(folder, "orders.yaml")
	if c.config != "" {
		config = folder + "/" + c.config
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(config), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "lake"), 0o755))
	samples, err := filepath.Glob("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "lake", filepath.Base(sample)), data, 0o644))
	}
	lake := must(json.Marshal(filepath.Join(folder, "lake", "*.parquet")))
	text := fmt.Sprintf("name: orders\ntables: [{source: {uri: %s}, rules: [{column: o_totalprice, max: 300000}], rejects: {path: rejects}}]\n", lake)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))

	program, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	args := []string{"-ec", c.setup + "\nexec \"$@\"", "sh", program, "generate", "./" + filepath.Base(config), "--report", filepath.Join(folder, "report.json")}
	for key, value := range c.settings {
		args = append(args, "--set", key+"="+value)
	}
	cmd, stderr = exec.Command("/bin/sh", args...), &strings.Builder{}
	cmd.Dir, cmd.Stderr = filepath.Dir(config), stderr
	cmd.Env = changed(append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+foundHyperd(t), "FOLDER="+folder), c.environment)
	cmd.SysProcAttr = ownMounts()
	return cmd, stderr
}

// ownMounts are a mount namespace, of which the machine sees nothing; other users than root need
// a namespace of users for it.
func ownMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// changed is an environment in which variables are set or taken away.
func changed(environment, changes []string) []string {
	for _, change := range changes {
		name, _, set := strings.Cut(change, "=")
		kept := environment[:0:0]
		for _, variable := range environment {
			if !strings.HasPrefix(variable, name+"=") {
				kept = append(kept, variable)
			}
		}
		if environment = kept; set {
			environment = append(environment, change)
		}
	}
	return environment
}

// countsOf runs the program, which must succeed, and returns what does not depend on the machine:
// the counts, and what hyperd says of every column.
func countsOf(t *testing.T, c circumstances) string {
	cmd, stderr := c.run(t)
	require.NoError(t, cmd.Run(), stderr)
	var folder string
	for _, variable := range cmd.Env {
		if value, ok := strings.CutPrefix(variable, "FOLDER="); ok {
			folder = value
		}
	}
	var report report.Report
	require.NoError(t, json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "report.json"))), &report))
	for i := range report.Tables {
		table := &report.Tables[i]
		table.RejectsPath, table.Newest = "", time.Time{} // those of the copy of the lake
		for j := range table.Samples {
			table.Samples[j].File = filepath.Base(table.Samples[j].File)
		}
	}
	return string(must(json.MarshalIndent(report.Tables, "", " ")))
}
