package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/runners/engine"
)

// unlucky is the engine, and fails after each job as it is told, until it is told no more.
type unlucky struct {
	t        *testing.T
	failures []error
	jobs     int
	read     []int64 // rows that each job read
}

func (u *unlucky) Name() string                { return "direct" }
func (u *unlucky) Check(context.Context) error { return nil }
func (u *unlucky) Remote() bool                { return false }

func (u *unlucky) Run(ctx context.Context, job engine.Job) error {
	id, err := staging.NewRunID()
	require.NoError(u.t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(u.t, err)
	counted := int64(0)
	progress := job.Progress
	job.Progress = func(counts map[string]int64) {
		counted = counts["rows_read"]
		progress(counts)
	}
	err = runner.Run(ctx, job)
	u.read = append(u.read, counted)
	u.jobs++
	if err == nil && u.jobs <= len(u.failures) {
		return u.failures[u.jobs-1]
	}
	return err
}

// resume runs a configuration, with what an earlier run left if resumed names one.
func resume(t *testing.T, cfg *config.Config, engine *unlucky, resumed string) (*report.Report, error) {
	id, err := staging.NewRunID()
	require.NoError(t, err)
	if resumed != "" {
		resumed, err = staging.FindRun(t.Context(), cfg, resumed)
		require.NoError(t, err)
	}
	return pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Resume: resumed, Engine: engine, Log: slog.New(slog.DiscardHandler)})
}

// resumeConfig has deferred files (engine: auto) or materialised ones, rejects, several
// workers. A check that fails leaves all partials.
func resumeConfig(engine, staging, check string) string {
	return fmt.Sprintf(`
name: sales
staging: %q
output: {path: x.hyper}
runner: {parallelism: 3}
validate: {engine: %s}
tables:
  - source: {uri: lake/*.parquet, where: "id >= 100"}
    rules: [{column: id, max: 14000}, {column: tenant, not_null: true, on_fail: warn}]
    rejects: {path: rejects}
    checks: [{sql: %q}]
`, staging, engine, check)
}

const (
	sound  = `select count(*) > 0 from "Extract"."Extract"`
	broken = `select count(*) = 0 from "Extract"."Extract"`
)

func TestAFailedRunIsResumed(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for _, engine := range []string{"auto", "go"} {
		for name, runFolder := range map[string]string{"local": "stage", "remote": storage.Join(bucket, "stage-"+engine)} {
			t.Run(engine+" "+name, func(t *testing.T) {
				folder := t.TempDir()
				runtest.SalesLake(t, folder)
				const other = "  - {name: orders, source: {uri: \"%LAKE%/orders/*.parquet\"}}\n"
				plain := runtest.Configure(t, folder, resumeConfig(engine, runFolder, sound)+other)
				whole, err := resume(t, plain, &unlucky{t: t}, "")
				require.NoError(t, err)
				want, wantRejects := runtest.ContentsOf(t, plain.Output.Path), runtest.RejectRows(t, filepath.Join(folder, "rejects"))
				require.NotEmpty(t, wantRejects)
				assert.Empty(t, storagetest.Names(t, plain.Staging))
				require.NoError(t, os.Remove(plain.Output.Path))

				failed, err := resume(t, runtest.Configure(t, folder, resumeConfig(engine, runFolder, broken)+other), &unlucky{t: t}, "")
				require.Error(t, err)
				require.NotNil(t, failed.Resumable)
				assert.Equal(t, whole.Partials, failed.Resumable.Partials)
				left := storagetest.Names(t, plain.Staging)
				assert.Contains(t, left, storage.Join(plain.Staging, failed.RunID, "run.json"))
				assert.Contains(t, strings.Join(left, " "), "/extract/")
				notes, err := staging.RunNotes(plain, failed.RunID, "")
				require.NoError(t, err)
				ended, err := staging.RunEnded(t.Context(), func(name string) string { return notes[name] })
				require.NoError(t, err)
				assert.True(t, ended, "and it says so")

				cfg := runtest.Configure(t, folder, resumeConfig(engine, runFolder, sound)+other)
				lucky := &unlucky{t: t}
				report, err := resume(t, cfg, lucky, "last")
				require.NoError(t, err)
				assert.Equal(t, failed.Resumable, report.Reused)
				assert.True(t, report.Reused.Merged)
				assert.Zero(t, lucky.jobs, "nothing is read or merged again")
				runtest.RequireSameAccount(t, whole, report)
				assert.Equal(t, whole.Tables[1].RowsLoaded, report.Tables[1].RowsLoaded)
				runtest.RequireRows(t, want, runtest.ContentsOf(t, cfg.Output.Path))
				assert.Equal(t, wantRejects, runtest.RejectRows(t, filepath.Join(folder, "rejects")))
				assert.Empty(t, storagetest.Names(t, cfg.Staging), "staging is gone")
			})
		}
	}
}

// changes are what may happen between a run and the one that resumes it.
func TestOnlyWhatIsUnchangedIsReused(t *testing.T) {
	partials := func(folder string) []string {
		found, err := filepath.Glob(filepath.Join(folder, "stage", "*", "partials", "*.hyper"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found
	}
	folder, failed, restore := failedRun(t)
	for name, test := range map[string]struct {
		change func(t *testing.T, folder string)
		more   string // of the first table
		reused func(all, now int) bool
	}{
		"nothing":            {nil, "", func(all, now int) bool { return now == all }},
		"a rule":             {nil, "    primary_key: [id]\n", func(_, now int) bool { return now == 0 }},
		"a file's age":       {func(t *testing.T, folder string) { touch(t, lakeFile(t, folder)) }, "", func(all, now int) bool { return now > 0 && now < all }},
		"a file less":        {func(t *testing.T, folder string) { require.NoError(t, os.Remove(lakeFile(t, folder))) }, "", func(all, now int) bool { return now > 0 && now < all }},
		"a file more":        {func(t *testing.T, folder string) { duplicate(t, lakeFile(t, folder)) }, "", func(all, now int) bool { return now == all }},
		"a partial is short": {func(t *testing.T, folder string) { require.NoError(t, os.Truncate(partials(folder)[0], 100)) }, "", func(all, now int) bool { return now == all-1 }},
		"a partial is gone":  {func(t *testing.T, folder string) { require.NoError(t, os.Remove(partials(folder)[0])) }, "", func(all, now int) bool { return now == all-1 }},
		"a bit of a partial": {func(t *testing.T, folder string) { damage(t, partials(folder)[0]) }, "", func(all, now int) bool { return now == all-1 }},
		"an entry is gone":   {removeAnEntry, "", func(all, now int) bool { return now == all-1 }},
	} {
		t.Run(name, func(t *testing.T) {
			restore()
			removeExtracts(t, folder) // which would do without all partials
			if test.change != nil {
				test.change(t, folder)
			}
			text := strings.Replace(resumeConfig("go", "stage", sound), "    checks:", test.more+"    checks:", 1)
			cfg := runtest.Configure(t, folder, text)
			report, err := resume(t, cfg, &unlucky{t: t}, failed.RunID)
			require.NoError(t, err)
			assert.True(t, test.reused(failed.Resumable.Partials, report.Reused.Partials), "%d of %d partials were reused", report.Reused.Partials, failed.Resumable.Partials)
			assert.Equal(t, report.Reused.Partials == 0, slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.HasPrefix(w, "nothing of run ") }))

			anew := runtest.Configure(t, folder, strings.Replace(text, "x.hyper", "anew.hyper", 1))
			whole, err := resume(t, anew, &unlucky{t: t}, "")
			require.NoError(t, err)
			assert.Equal(t, accountOf(whole), accountOf(report))
			runtest.RequireRows(t, runtest.ContentsOf(t, anew.Output.Path), runtest.ContentsOf(t, cfg.Output.Path))
		})
	}
}

// failedRun is a run of [resumeConfig] that failed in the end: its folder, its report, and what
// makes the folder again what it was then.
func failedRun(t *testing.T) (folder string, failed *report.Report, restore func()) {
	t.Helper()
	folder = t.TempDir()
	runtest.SalesLake(t, folder)
	failed, err := resume(t, runtest.Configure(t, folder, resumeConfig("go", "stage", broken)), &unlucky{t: t}, "")
	require.Error(t, err)
	require.NotNil(t, failed.Resumable)
	require.True(t, failed.Resumable.Merged)
	kept := t.TempDir()
	copyFolder(t, folder, kept)
	return folder, failed, func() {
		require.NoError(t, os.RemoveAll(folder))
		copyFolder(t, kept, folder)
	}
}

// copyFolder copies all that a folder holds, as old as it is.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	require.NoError(t, filepath.WalkDir(from, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Chtimes(to+strings.TrimPrefix(path, from), info.ModTime(), info.ModTime())
	}))
}

// extracts are those that a run left on staging.
func extracts(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "stage", "*", "extract", "*.hyper"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func removeExtracts(t *testing.T, folder string) {
	t.Helper()
	for _, path := range extracts(t, folder) {
		require.NoError(t, os.Remove(path))
	}
}

// A merged extract is used again as long as all that it was made of is as it was.
func TestAMergedExtractIsReused(t *testing.T) {
	folder, failed, restore := failedRun(t)
	for name, test := range map[string]struct {
		change func(t *testing.T, folder string)
		more   string // of the configuration
		jobs   int    // that are run
	}{
		"nothing changed":          {nil, "", 0},
		"a threshold changed":      {nil, "on_empty: allow\n", 0},
		"the extract is gone":      {removeExtracts, "", 1},
		"a bit of the extract":     {func(t *testing.T, folder string) { damage(t, extracts(t, folder)[0]) }, "", 1},
		"a file is older":          {func(t *testing.T, folder string) { touch(t, lakeFile(t, folder)) }, "", 1},
		"a file more":              {func(t *testing.T, folder string) { duplicate(t, lakeFile(t, folder)) }, "", 1},
		"partials are not merged":  {nil, "output: {path: x.hyper, merge: none}\n", 1},
		"the format of the output": {nil, "output: {path: x.hyper, format_version: 4}\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			restore()
			if test.change != nil {
				test.change(t, folder)
			}
			text := resumeConfig("go", "stage", sound)
			if strings.Contains(test.more, "output") {
				text = strings.Replace(text, "output: {path: x.hyper}\n", "", 1)
			}
			if strings.Contains(test.more, "none") {
				text, _, _ = strings.Cut(text, "    checks:")
			}
			engine := &unlucky{t: t}
			report, err := resume(t, runtest.Configure(t, folder, text+test.more), engine, "last")
			require.NoError(t, err)
			assert.Equal(t, test.jobs, engine.jobs)
			assert.Equal(t, test.jobs == 0, report.Reused.Merged)
			if test.jobs == 0 {
				assert.Equal(t, accountOf(failed), accountOf(report))
			}
		})
	}
}

// accountOf is what became of the rows of the first table.
func accountOf(report *report.Report) []any {
	table := report.Tables[0]
	return []any{table.RowsInFiles, table.RowsRead, table.RowsFiltered, table.RowsRejected, table.RowsLoaded, table.Rules, table.Samples}
}

func lakeFile(t *testing.T, folder string) string {
	found, err := filepath.Glob(filepath.Join(folder, "lake", "*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found[0]
}

func touch(t *testing.T, path string) {
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(path, later, later))
}

func duplicate(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "zz.parquet"), data, 0o644))
}

func damage(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

// removeAnEntry removes what the manifest says of one partial.
func removeAnEntry(t *testing.T, folder string) {
	found, err := filepath.Glob(filepath.Join(folder, "stage", "*", "manifest", "*.json"))
	require.NoError(t, err)
	for _, path := range found {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var entry struct{ Partial json.RawMessage }
		require.NoError(t, json.Unmarshal(data, &entry))
		if entry.Partial != nil {
			require.NoError(t, os.Remove(path))
			return
		}
	}
	require.Fail(t, "no entry of a partial")
}

func TestWhatCannotBeResumed(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, resumeConfig("go", "stage", sound))
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "stage", "20260131T235959Z-1a2b3c4d"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "stage", "20260131T235959Z-1a2b3c4d", "run.json"), []byte(`{"version":1,"name":"other"}`), 0o644))
	for which, message := range map[string]string{
		"last":                      `has no run of "sales" that could be resumed`,
		"first":                     `--resume takes last or the id of a run`,
		"../20260131T235959Z":       `--resume takes last or the id of a run`,
		"20260131T235959Z-00000000": "left nothing on staging",
		"20260131T235959Z-1a2b3c4d": `was of the configuration "other", not of "sales"`,
	} {
		_, err := staging.FindRun(t.Context(), cfg, which)
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed, which)
		assert.Contains(t, failed.Message, message)
		assert.True(t, failed.Early)
	}
	cfg.Staging = ""
	_, err := staging.FindRun(t.Context(), cfg, "last")
	require.ErrorContains(t, err, "--resume needs a configuration with staging")
}

// A run that is still going on has the lock of its output.
func TestARunThatLivesIsNotResumed(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, resumeConfig("go", "stage", sound))
	var other error
	_, err := runtest.Run(t, t.Context(), cfg, func() {
		_, other = resume(t, cfg, &unlucky{t: t}, "last")
	})
	require.NoError(t, err)
	require.ErrorContains(t, other, "has the lock of the output")
}

func TestFailedWorkIsRunAgain(t *testing.T) {
	passing := failure.New(failure.Hyperd, "hyperd is gone").Retryable()
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	plain, whole := runtest.Sales(t, folder, 2, "")
	want := runtest.ContentsOf(t, plain.Output.Path)
	for name, test := range map[string]struct {
		failures []error
		retries  int
		jobs     int // that are run
		succeeds bool
	}{
		"once":                 {[]error{passing}, 2, 2, true},
		"as often as allowed":  {[]error{passing, passing}, 2, 3, true},
		"too often":            {[]error{passing, passing, passing, passing}, 2, 3, false}, // whatever is finished in between
		"on a full disk":       {[]error{failure.New(failure.Hyperd, "hyperd is gone").Retryable().OnFullDisk()}, 2, 1, false},
		"not at all":           {[]error{passing}, 0, 1, false},
		"not worth it":         {[]error{failure.New(failure.Data, "a row is bad")}, 2, 1, false},
		"of an unknown nature": {[]error{errors.New("who knows")}, 2, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(plain.Output.Path))
			cfg := runtest.Configure(t, folder, strings.Replace(fmt.Sprintf(runtest.SalesConfig, 2), "{parallelism: 2}", fmt.Sprintf("{parallelism: 2, retries: %d}", test.retries), 1))
			engine := &unlucky{t: t, failures: test.failures}
			report, err := resume(t, cfg, engine, "")
			assert.Equal(t, test.jobs, engine.jobs)
			if !test.succeeds {
				require.ErrorIs(t, err, test.failures[0])
				runtest.RequireOnly(t, folder, "config.yaml", "lake")
				return
			}
			require.NoError(t, err)
			for _, read := range engine.read[1:] {
				assert.Zero(t, read, "what was finished is not made again")
			}
			runtest.RequireSameAccount(t, whole, report)
			runtest.RequireRows(t, want, runtest.ContentsOf(t, cfg.Output.Path))
			runtest.RequireOnly(t, folder, "config.yaml", "lake", "sales.hyper")
		})
	}
}
