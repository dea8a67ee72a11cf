//go:build faults

package pipelines_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

// scene is a run that something happens to.
type scene struct {
	folder string // of the configuration, the output and a copy of the lake
	spool  string
	temp   string // for temporary files
	id     string
	cfg    *config.Config
	stage  atomic.Value // that the run is in
	met    atomic.Bool  // the fault
}

// sceneConfig loads lineitem.
const sceneConfig = `
name: x
spool: {path: %q}
tables:
  - name: lineitem
    source: {uri: lake/*.parquet}
`

// newScene prepares a run with more keys of the table or the configuration. There is a file
// at the output, that failures must leave.
func newScene(t *testing.T, more string) *scene {
	t.Helper()
	hyperd.Shutdown() // that of another test lives in another folder
	s := &scene{folder: t.TempDir(), spool: t.TempDir()}
	var err error
	s.temp, err = os.MkdirTemp("", "f")
	require.NoError(t, err)
	t.Setenv("TMPDIR", s.temp)
	t.Cleanup(hyperd.Shutdown)
	s.id, err = staging.NewRunID()
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(filepath.Join(s.folder, "lake"), os.DirFS(filepath.Join(runtest.SampleLake(t), "lineitem"))))
	s.cfg = runtest.Configure(t, s.folder, fmt.Sprintf(sceneConfig, s.spool)+more)
	if storage.IsLocal(s.cfg.Output.Path) {
		require.NoError(t, os.WriteFile(s.cfg.Output.Path, []byte(runtest.Previous), 0o600))
	}
	return s
}

// at calls do when the run has come to a moment, which must be before it ends.
func (s *scene) at(ctx context.Context, moment func() bool, do func()) {
	for ctx.Err() == nil {
		if moment() {
			do()
			s.met.Store(true)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// staged says whether staging holds a file.
func (s *scene) staged(pattern string) bool {
	found, err := filepath.Glob(filepath.Join(s.folder, ".x.hyperlake-"+s.id, pattern))
	return err == nil && len(found) > 0
}

// play runs the configuration; begun is called once, when the plan is made and hyperd runs.
func (s *scene) play(t *testing.T, begun func(ctx context.Context)) (*report.Report, error) {
	t.Helper()
	runner, err := runners.New(runners.Options{Name: "direct", JobName: s.id})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return pipelines.Run(t.Context(), s.cfg, pipelines.RunOptions{
		ID: s.id, Log: slog.New(slog.DiscardHandler),
		Engine:   runtest.Direct{Runner: runner, Before: sync.OnceFunc(func() { begun(ctx) })}, // not when what is missing is run again
		Progress: func(p report.Progress) { s.stage.Store(p.Stage) },
	})
}

// requireRightOrNothing checks the outcome: the right extract, or a clear failure of one of
// these kinds that left the output as it was; and that nothing is left of either.
func (s *scene) requireRightOrNothing(t *testing.T, record *report.Report, err error, kinds ...failure.Kind) {
	t.Helper()
	if err == nil {
		s.requireRight(t, record)
	} else {
		failed := failure.Of(err, "none")
		assert.Contains(t, kinds, failed.Kind, err)
		assert.NotEmpty(t, failed.Hint, err)
		assert.Equal(t, report.Failed, record.Status)
		kept, err := os.ReadFile(s.cfg.Output.Path)
		require.NoError(t, err)
		assert.Equal(t, runtest.Previous, string(kept))
	}
	s.requireNothingLeft(t)
}

// requireRight compares the extract with the lake as it was at first.
func (s *scene) requireRight(t *testing.T, report *report.Report) {
	t.Helper()
	assert.EqualValues(t, 60175, report.Tables[0].RowsLoaded)
	lake := runtest.SampleLake(t) + "/lineitem/lineitem."
	want := fmt.Sprintf(`SELECT * FROM external(array['%s1.parquet', '%[1]s2.parquet', '%[1]s3.parquet'], format => 'parquet')`, lake)
	const got = `SELECT * FROM x."Extract"."lineitem"`
	for _, difference := range []string{got + " EXCEPT ALL " + want, want + " EXCEPT ALL " + got} {
		assert.Equal(t, "0", runtest.Query(t, runtest.Fetched(t, s.cfg.Output.Path), "SELECT count(*) FROM ("+difference+") d"))
	}
}

// requireNothingLeft checks that no hyperd, spool, staging or temporary file is left. Workers
// may end a moment after the run, and what a failed bundle held goes when it is collected.
func (s *scene) requireNothingLeft(t *testing.T) {
	t.Helper()
	hyperd.Shutdown() // one without a lease lives on for a while
	for _, folder := range []string{s.spool, s.temp} {
		assert.Eventually(t, func() bool {
			runtime.GC()
			return len(filesIn(folder)) == 0
		}, time.Minute, 50*time.Millisecond, "files are left in %s", folder)
		assert.Empty(t, filesIn(folder))
	}
	assert.Empty(t, hyperdsOf(os.Getpid()))
	for _, entry := range filesIn(s.folder) {
		assert.False(t, strings.HasPrefix(entry, "."), "staging is left: %s", entry)
	}
}

// filesIn lists all files in a folder.
func filesIn(folder string) []string {
	var found []string
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, strings.TrimPrefix(path, folder+"/"))
		}
		return nil
	})
	return found
}

// hyperdsOf lists the hyperds that a process has started and that still run.
func hyperdsOf(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, rest, _ := strings.Cut(string(stat), " (")
		name, rest, _ := strings.Cut(rest, ") ")
		fields := strings.Fields(rest)
		if strings.HasPrefix(name, "hyperd") && fields[0] != "Z" && fields[1] == strconv.Itoa(parent) {
			number, _ := strconv.Atoi(pid)
			found = append(found, number)
		}
	}
	return found
}

const (
	moved     = "    repartition: {by: [l_orderkey], shards: 3}\n"
	goOnly    = "validate: {engine: go}\n"
	noRetries = "runner: {retries: 0}\n"
	longCheck = "    checks: [{sql: 'select count(*) > 0 from \"Extract\".\"lineitem\", generate_series(1, 5000)'}]\n"
)

// hyperd dies at any moment.
func TestHyperdIsKilled(t *testing.T) {
	reading := func(s *scene) bool { return s.staged("partials/*.hyper") }
	moving := func(s *scene) bool { return s.staged("spills/*") }
	merging := func(s *scene) bool { return s.staged("extract/*.hyper") }
	checking := func(s *scene) bool { return s.stage.Load() == "check" && len(hyperdsOf(os.Getpid())) == 2 }
	moments := map[string]struct {
		config string
		come   func(s *scene) bool
		ends   bool // the run cannot go on
	}{
		"as it begins":               {"", func(*scene) bool { return true }, false},
		"while it reads":             {"", reading, false},
		"while it is sent rows":      {goOnly, reading, false},
		"while rows are moved":       {moved, moving, false},
		"while moved rows are read":  {moved, reading, false},
		"while partials are merged":  {moved, merging, false},
		"without retries":            {noRetries, reading, true},
		"while checks are evaluated": {longCheck, checking, true},
	}
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, moment.config)
			report, err := s.play(t, func(ctx context.Context) {
				pid := hyperdtest.Acquire(t).PID()
				go s.at(ctx, func() bool { return moment.come(s) }, func() {
					victims := []int{pid}
					if name == "while checks are evaluated" { // by the other one
						victims = slices.DeleteFunc(hyperdsOf(os.Getpid()), func(other int) bool { return other == pid })
					}
					for _, victim := range victims {
						assert.NoError(t, syscall.Kill(victim, syscall.SIGKILL))
					}
				})
			})
			assert.True(t, s.met.Load(), "the run never came to that moment")
			assert.Equal(t, moment.ends, err != nil, err)
			if moment.ends {
				require.ErrorContains(t, err, "(signal: killed)")
			}
			s.requireRightOrNothing(t, report, err, failure.Hyperd)
		})
	}
}

// Files of the lake go away or change while they are read.
func TestTheLakeChangesUnderTheRun(t *testing.T) {
	changes := map[string]func(path string) error{
		"gone":      os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
		"replaced": func(path string) error {
			return os.Rename(strings.Replace(path, "lineitem.3", "lineitem.1", 1), path)
		},
	}
	for change, do := range changes {
		for _, engine := range []string{"", goOnly} {
			t.Run(change+" "+strings.TrimSpace(engine), func(t *testing.T) {
				s := newScene(t, engine)
				report, err := s.play(t, func(ctx context.Context) {
					go s.at(ctx, func() bool { return s.staged("partials/*.hyper") }, func() {
						assert.NoError(t, do(filepath.Join(s.folder, "lake", "lineitem.3.parquet")))
					})
				})
				assert.True(t, s.met.Load(), "the run never came to that moment")
				s.requireRightOrNothing(t, report, err, failure.Source)
			})
		}
	}
}

// limitedVariable is set in the process that tests what happens without room.
const limitedVariable = "HYPERLAKE_TEST_LIMITED"

// limitFiles has no file of this process grow any more, as if its disk were full. A hyperd that
// runs already is not concerned, one that is started later is.
func limitFiles(t *testing.T, most uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: before.Max}))
	t.Cleanup(func() {
		assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		signal.Reset(syscall.SIGXFSZ)
	})
}

// There is no room for segments in the spool, for spills on staging, or for the extract that
// comes from remote staging.
func TestThereIsNoRoom(t *testing.T) {
	if os.Getenv(limitedVariable) == "" { // the limit holds for all that a process writes
		alone := exec.Command(os.Args[0], "-test.run=^TestThereIsNoRoom$", "-test.v")
		alone.Env = append(os.Environ(), limitedVariable+"=1")
		output, err := alone.CombinedOutput()
		require.NoError(t, err, string(output))
		require.Contains(t, string(output), "--- PASS: TestThereIsNoRoom/in_the_spool")
		return
	}
	bucket, _ := storagetest.FakeGCS(t)
	for name, c := range map[string]struct{ config, says string }{
		"in the spool":    {goOnly + noRetries, "write to the spool"},
		"for spills":      {moved, "write spill"},
		"for the extract": {"staging: " + storage.Join(bucket, "stage") + "\n", "file too large"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.config)
			report, err := s.play(t, func(context.Context) { limitFiles(t, 100<<10); s.met.Store(true) })
			require.True(t, s.met.Load())
			require.ErrorContains(t, err, c.says)
			s.requireRightOrNothing(t, report, err, failure.Storage)
		})
	}
}

// Staging fails for a while, or for good.
func TestStagingFails(t *testing.T) {
	faults := map[string]struct {
		fault storagetest.Fault
		ends  bool // the run cannot go on
	}{
		"writes fail for a while":    {storagetest.Fault{On: storagetest.Write, Status: 503, Times: 3}, false},
		"answers to writes are lost": {storagetest.Fault{On: storagetest.Write, Lose: true, Times: 2}, false},
		"reads are cut":              {storagetest.Fault{On: storagetest.Read, Name: "stage", Cut: true, After: 1000, Times: 4}, false},
		"partials are refused":       {storagetest.Fault{On: storagetest.Write, Name: "partials", Status: 403}, true},
		"the extract is refused":     {storagetest.Fault{On: storagetest.Write, Name: "extract", Status: 403}, true},
		"the result is refused":      {storagetest.Fault{On: storagetest.Write, Name: "result", Status: 403}, true},
		"spills cannot be read":      {storagetest.Fault{On: storagetest.Read, Name: "spills", Status: 403}, true},
		"partials cannot be read":    {storagetest.Fault{On: storagetest.Read, Name: "partials", Status: 403}, true},
		"partials are spoiled":       {storagetest.Fault{On: storagetest.Read, Name: "partials", Spoil: true}, true},
	}
	bucket, server := storagetest.FakeGCS(t)
	stage := storage.Join(bucket, "stage")
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, moved+"staging: "+stage+"\n")
			report, err := s.play(t, func(context.Context) { server.Inject(c.fault) })
			server.Heal()
			if !c.ends {
				require.NoError(t, err)
				assert.Empty(t, storagetest.Names(t, stage))
			}
			require.Equal(t, c.ends, err != nil)
			s.requireRightOrNothing(t, report, err, failure.Storage)
		})
	}
}
