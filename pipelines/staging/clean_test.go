package staging_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
)

const (
	oldRun   = "20200101T000000Z-00000001"
	youngRun = "20200101T000000Z-00000002"
	aliveRun = "20200101T000000Z-00000003"
)

// leave makes a folder with files of that age, each holding four bytes.
func leave(t *testing.T, folder string, age time.Duration, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("1234"), 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Chtimes(folder, time.Time{}, time.Now().Add(-age)))
}

// hold locks a folder as its run does.
func hold(t *testing.T, folder string) {
	t.Helper()
	lock := flock.New(filepath.Join(folder, "lock"))
	locked, err := lock.TryLock()
	require.NoError(t, err)
	require.True(t, locked)
	t.Cleanup(func() { assert.NoError(t, lock.Close()) })
}

func clean(t *testing.T, cfg *config.Config, options staging.CleanOptions) map[string]staging.Cleaned {
	t.Helper()
	if options.OlderThan == 0 {
		options.OlderThan = 24 * time.Hour
	}
	all, err := staging.Clean(t.Context(), cfg, options)
	require.NoError(t, err)
	byPath := map[string]staging.Cleaned{}
	for _, cleaned := range all {
		byPath[cleaned.Path] = cleaned
	}
	require.Len(t, byPath, len(all))
	return byPath
}

// outcomes are those of folders below parent, by their names.
func outcomes(t *testing.T, parent string, cleaned map[string]staging.Cleaned) map[string]staging.CleanOutcome {
	t.Helper()
	found := map[string]staging.CleanOutcome{}
	for path, c := range cleaned {
		require.Equal(t, parent, filepath.Dir(path))
		found[filepath.Base(path)] = c.Outcome
	}
	return found
}

func TestCleanRemovesWhatIsDeadAndOldAndNothingElse(t *testing.T) {
	runFolder := t.TempDir()
	leave(t, filepath.Join(runFolder, oldRun), 48*time.Hour, "lock", "partials/a.hyper", ".hidden")
	leave(t, filepath.Join(runFolder, youngRun), 48*time.Hour, "lock", "partials/a.hyper")
	leave(t, filepath.Join(runFolder, youngRun, "partials"), time.Hour, "b.hyper") // the newest file counts
	leave(t, filepath.Join(runFolder, aliveRun), 48*time.Hour, "lock", "partials/a.hyper")
	hold(t, filepath.Join(runFolder, aliveRun))
	leave(t, filepath.Join(runFolder, "20200101T000000Z-00000004"), 48*time.Hour) // no lock, no file
	others := []string{"notes", oldRun + "-copy", "x" + oldRun, "20200101T000000Z-0000000G", "20200101-00000001", "." + oldRun}
	for _, name := range others {
		leave(t, filepath.Join(runFolder, name), 48*time.Hour, "lock", "a")
	}
	leave(t, runFolder, 48*time.Hour, "20200101T000000Z-00000005")                                                           // a file
	require.NoError(t, os.Symlink(filepath.Join(runFolder, "notes"), filepath.Join(runFolder, "20200101T000000Z-00000006"))) // a link

	want := map[string]staging.CleanOutcome{
		oldRun: staging.CleanWouldRemove, youngRun: staging.CleanYoung, aliveRun: staging.CleanAlive,
		"20200101T000000Z-00000004": staging.CleanWouldRemove,
	}
	cfg := &config.Config{Staging: runFolder}
	dry := clean(t, cfg, staging.CleanOptions{DryRun: true})
	assert.Equal(t, want, outcomes(t, runFolder, dry))
	assert.Equal(t, 3, dry[filepath.Join(runFolder, oldRun)].Files)
	assert.EqualValues(t, 12, dry[filepath.Join(runFolder, oldRun)].Bytes)
	assert.WithinDuration(t, time.Now().Add(-time.Hour), dry[filepath.Join(runFolder, youngRun)].Modified, time.Minute)
	assert.FileExists(t, filepath.Join(runFolder, oldRun, "partials", "a.hyper"))
	assert.NoFileExists(t, filepath.Join(runFolder, "20200101T000000Z-00000004", "lock"), "a dry run writes nothing")

	want[oldRun], want["20200101T000000Z-00000004"] = staging.CleanRemoved, staging.CleanRemoved
	assert.Equal(t, want, outcomes(t, runFolder, clean(t, cfg, staging.CleanOptions{})))
	runtest.RequireOnly(t, runFolder, append(others, youngRun, aliveRun, "20200101T000000Z-00000005", "20200101T000000Z-00000006")...)
	assert.FileExists(t, filepath.Join(runFolder, "notes", "a"))

	delete(want, oldRun)
	delete(want, "20200101T000000Z-00000004")
	want[youngRun] = staging.CleanRemoved
	assert.Equal(t, want, outcomes(t, runFolder, clean(t, cfg, staging.CleanOptions{OlderThan: 30 * time.Minute})))
}

// A run that begins has a folder before it has the lock, and nobody else may have it then.
func TestCleanDoesNotTouchTheLockOfARunThatBegins(t *testing.T) {
	t.Parallel()
	runFolder := t.TempDir()
	leave(t, filepath.Join(runFolder, oldRun), 50*time.Second)
	leave(t, filepath.Join(runFolder, aliveRun), 50*time.Second, "lock")
	hold(t, filepath.Join(runFolder, aliveRun))
	leave(t, filepath.Join(runFolder, youngRun), 70*time.Second, "lock")
	want := map[string]staging.CleanOutcome{
		oldRun: staging.CleanYoung, aliveRun: staging.CleanYoung, youngRun: staging.CleanRemoved,
	}
	cleaned := clean(t, &config.Config{Staging: runFolder}, staging.CleanOptions{OlderThan: time.Millisecond})
	assert.Equal(t, want, outcomes(t, runFolder, cleaned))
}

func TestCleanLooksBesideTheOutput(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{".x.hyperlake-" + oldRun, ".y.hyperlake-" + oldRun, ".x.hyperlake-rejects", oldRun} {
		leave(t, filepath.Join(folder, name), 48*time.Hour, "a")
	}
	cfg := &config.Config{Output: config.OutputConfig{Path: filepath.Join(folder, "x.hyper")}}
	cleaned := clean(t, cfg, staging.CleanOptions{})
	require.Len(t, cleaned, 1)
	found := cleaned[filepath.Join(folder, ".x.hyperlake-"+oldRun)]
	assert.Equal(t, staging.CleanRemoved, found.Outcome)
	assert.Equal(t, "x", found.Name)
	assert.Equal(t, oldRun, found.RunID)
	runtest.RequireOnly(t, folder, ".y.hyperlake-"+oldRun, ".x.hyperlake-rejects", oldRun)
}

func TestCleanNamesTheRun(t *testing.T) {
	t.Parallel()
	runFolder := t.TempDir()
	for id, text := range map[string]string{oldRun: `{"version":1,"name":"nightly"}`, youngRun: `{"name":`, aliveRun: ""} {
		leave(t, filepath.Join(runFolder, id), 0, "a", "deep/run.json")
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(runFolder, id, "run.json"), []byte(text), 0o600))
		}
	}
	cleaned := clean(t, &config.Config{Staging: runFolder}, staging.CleanOptions{})
	assert.Equal(t, "nightly", cleaned[filepath.Join(runFolder, oldRun)].Name)
	assert.Empty(t, cleaned[filepath.Join(runFolder, youngRun)].Name)
	assert.Empty(t, cleaned[filepath.Join(runFolder, aliveRun)].Name)
}

func TestCleanOnRemoteStaging(t *testing.T) {
	server := storagetest.StartGCS(t)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	old := time.Now().Add(-48 * time.Hour)
	server.CreateObjectAt("staging/"+oldRun+"/partials/a.hyper", []byte("1234"), old)
	server.CreateObjectAt("staging/"+oldRun+"/partials/_b", []byte("1234"), old)
	server.CreateObjectAt("staging/"+oldRun+"/run.json", []byte(`{"name":"nightly"}`), old)
	server.CreateObjectAt("staging/"+youngRun+"/a", []byte("1234"), old)
	server.CreateObjectAt("staging/"+youngRun+"/b", []byte("1234"), time.Now())
	server.CreateObjectAt("staging/"+oldRun+"-copy/a", []byte("1234"), old)
	server.CreateObjectAt("staging/deep/"+oldRun+"/a", []byte("1234"), old)
	server.CreateObjectAt(oldRun+"/a", []byte("1234"), old)

	runFolder := server.Bucket + "/staging"
	cleaned := clean(t, &config.Config{Staging: runFolder}, staging.CleanOptions{})
	require.Len(t, cleaned, 2)
	found := cleaned[storage.Join(runFolder, oldRun)]
	assert.Equal(t, staging.CleanRemoved, found.Outcome)
	assert.Equal(t, "nightly", found.Name)
	assert.Equal(t, 3, found.Files)
	assert.Equal(t, staging.CleanYoung, cleaned[storage.Join(runFolder, youngRun)].Outcome)
	assert.Equal(t, []string{
		"gs://lake/" + oldRun + "/a", "gs://lake/staging/" + oldRun + "-copy/a",
		"gs://lake/staging/" + youngRun + "/a", "gs://lake/staging/" + youngRun + "/b", "gs://lake/staging/deep/" + oldRun + "/a",
	}, storagetest.Names(t, server.Bucket))
}

func TestCleanPassesOverARunThatEndsMeanwhile(t *testing.T) {
	server := storagetest.StartGCS(t)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	server.CreateObjectAt("staging/"+oldRun+"/a", nil, time.Now())
	runFolder := server.Bucket + "/staging"
	server.Inject(storagetest.Fault{On: storagetest.Stat, Name: oldRun, Times: 1, Before: func() {
		store, err := storage.For(runFolder)
		assert.NoError(t, err)
		assert.NoError(t, store.RemoveAll(t.Context(), runFolder))
	}})
	assert.Empty(t, clean(t, &config.Config{Staging: runFolder}, staging.CleanOptions{}))
}

func TestCleanGoesOnAfterAFailure(t *testing.T) {
	server := storagetest.StartGCS(t)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	old := time.Now().Add(-48 * time.Hour)
	server.CreateObjectAt("staging/"+oldRun+"/stuck", nil, old)
	server.CreateObjectAt("staging/"+youngRun+"/a", nil, old)
	server.Inject(storagetest.Fault{On: storagetest.Delete, Name: "stuck", Status: 403})

	cfg := &config.Config{Staging: server.Bucket + "/staging"}
	all, err := staging.Clean(t.Context(), cfg, staging.CleanOptions{OlderThan: time.Hour})
	require.ErrorContains(t, err, "remove gs://lake/staging/"+oldRun)
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Storage, failed.Kind)
	assert.Contains(t, failed.Hint, "Storage Object User")
	require.Len(t, all, 2)
	assert.Equal(t, staging.CleanFailed, all[0].Outcome)
	assert.Contains(t, all[0].Error, "stuck")
	assert.Equal(t, staging.CleanRemoved, all[1].Outcome)

	temp := t.TempDir()
	leave(t, filepath.Join(temp, "hyperlake-1"), 48*time.Hour, "lock")
	all, err = staging.Clean(t.Context(), &config.Config{Staging: "gs://nobody/staging"},
		staging.CleanOptions{OlderThan: time.Hour, Scratch: []string{temp}})
	require.ErrorContains(t, err, "the bucket nobody does not exist")
	require.Len(t, all, 1)
	assert.Equal(t, staging.CleanRemoved, all[0].Outcome)
}

func TestCleanRemovesTemporaryFilesOfDeadProcesses(t *testing.T) {
	temp := t.TempDir()
	living, err := scratch.Make(temp, "spool-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, living.Remove()) })
	leave(t, living.Path, 48*time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(living.Path, scratch.LockName), time.Time{}, time.Now().Add(-48*time.Hour)))
	leave(t, filepath.Join(temp, "hyperlake-spool-1"), 48*time.Hour, "lock", "segment-1")
	leave(t, filepath.Join(temp, "hyperlake-2"), time.Hour, "lock", "a")
	leave(t, filepath.Join(temp, "hyperlake-3"), 48*time.Hour, "a") // nothing tells whose it is
	leave(t, filepath.Join(temp, "hyperlake-4"), 48*time.Hour, "lock")
	t.Setenv("TMPDIR", filepath.Join(temp, "hyperlake-4")) // our own

	options := staging.CleanOptions{Scratch: []string{temp, filepath.Join(temp, "missing")}}
	assert.Equal(t, map[string]staging.CleanOutcome{
		filepath.Base(living.Path): staging.CleanAlive, "hyperlake-spool-1": staging.CleanRemoved, "hyperlake-2": staging.CleanYoung,
	}, outcomes(t, temp, clean(t, &config.Config{}, options)))
	runtest.RequireOnly(t, temp, filepath.Base(living.Path), "hyperlake-2", "hyperlake-3", "hyperlake-4")
}
