package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/guard"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/sinks/tableau/tableautest"
)

// The test binary is the program, too: in scripts, and where this variable is set.
const programVariable = "HYPERLAKE_TEST_PROGRAM"

// isolate, where the tests need it, has them run where nobody reaches what they start.
var isolate = func() {}

func TestMain(m *testing.M) {
	guard.Main() // a guard has nothing of the environment that says so
	if os.Getenv(programVariable) != "" {
		main()
		os.Exit(0) // of a worker
	}
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") != "hyperlake" { // as scripts call it
		isolate()
	}
	testscript.Main(m, map[string]func(){"hyperlake": main})
}

// TestScripts runs the command lines of testdata/scripts, each in a folder of its own.
func TestScripts(t *testing.T) {
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	lake, err := filepath.Abs("../../testdata")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/scripts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HYPERD_PATH", hyperdPath)
			env.Setenv("TESTDATA", lake)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
			startAudience(env)
			return startFake(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "backdate": backdate, "lock": takeLock, "stored": copyStored, "told": compareTold,
		},
		RequireExplicitExec: true,
	})
}

// The token that scripts publish with.
const (
	tokenName   = "nightly"
	tokenSecret = "s3cr3t/of+the==token"
)

// fakeServer is the key of the fake server of a script.
type fakeServer struct{}

// startFake starts a fake Tableau Server for a script, and names it in the environment.
func startFake(env *testscript.Env) error {
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Projects: []string{"Sales/Nightly"}, Tokens: map[string]string{tokenName: tokenSecret},
		Users: []string{"nightly", "anna"}, Workbooks: []string{"Sales/Nightly/Orders"},
	})
	if err != nil {
		return err
	}
	env.Defer(func() { _ = server.Close() })
	env.Values[fakeServer{}] = server
	for name, value := range map[string]string{
		"tab_site_url": server.URL, "tab_site_id": "marketing", "tab_pat_name": tokenName, "tab_secret_id": tokenSecret,
	} {
		env.Setenv(name, value)
	}
	return nil
}

// copyStored copies what the fake server keeps of a data source: stored NAME FILE
func copyStored(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: stored NAME FILE")
	}
	server, ok := ts.Value(fakeServer{}).(*tableautest.Server)
	if !ok {
		ts.Fatalf("no server was started")
	}
	for _, found := range server.Datasources("marketing") {
		if found.Name == args[0] {
			content, err := os.ReadFile(found.Path)
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), content, 0o600))
			return
		}
	}
	ts.Fatalf("there is no data source %s", args[0])
}

// exits runs a program and checks its exit code: exits 2 hyperlake generate …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s ended with exit code %d, not %d", fmt.Sprint(args[1:]), got, want)
	}
}

// takeLock has a lock taken by a run of that id, to the end of the script or for a time: lock FILE RUN [TIME]
func takeLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lock FILE RUN [TIME]")
	}
	path := ts.MkAbs(args[0])
	if locked, err := filepath.Glob(strings.TrimSuffix(path, ".lock")); err == nil && len(locked) == 1 {
		path = locked[0] + ".lock"
	}
	taken, err := lock.Try(context.Background(), path, args[1], storage.UsualLease)
	ts.Check(err)
	release := sync.OnceFunc(func() { _ = taken.Release(context.Background()) })
	ts.Defer(release)
	if len(args) > 2 {
		span, err := time.ParseDuration(args[2])
		ts.Check(err)
		time.AfterFunc(span, release)
	}
}

// backdate has files and folders look two days old, with all they hold: backdate PATH…
func backdate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: backdate PATH…")
	}
	for _, arg := range args {
		ts.Check(makeOld(ts.MkAbs(arg)))
	}
}

// makeOld has a file or folder look two days old, with all it holds.
func makeOld(path string) error {
	then := time.Now().Add(-48 * time.Hour)
	return filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, then, then))
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func foundHyperd(t *testing.T) string {
	path, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	return path
}
