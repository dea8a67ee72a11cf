package rejects_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/sinks/rejects"
)

// staged writes files of as many rows as the numbers say.
func staged(t *testing.T, staging string, rows ...int) []rejects.File {
	t.Helper()
	var files []rejects.File
	for i, n := range rows {
		numbers := make([]int64, n)
		bundle, err := rejects.WriteLimited(t.Context(), staging, rejects.Keep{Rules: ruleNames, Write: true},
			1, 1, 1, 1, []batch.Rejects{rejectsOf(fmt.Sprintf("%d.parquet", i), numbers...)})
		require.NoError(t, err)
		files = append(files, bundle.Files...)
	}
	return files
}

// namesIn lists a folder, local or not.
func namesIn(t *testing.T, folder string) []string {
	t.Helper()
	store, err := storage.For(folder)
	require.NoError(t, err)
	found, err := store.Glob(t.Context(), folder+"/**")
	require.NoError(t, err)
	names := []string{}
	for _, info := range found {
		names = append(names, strings.TrimPrefix(info.URI, folder+"/"))
	}
	return names
}

// requireNothingHidden checks that Publish left nothing beside a local folder.
func requireNothingHidden(t *testing.T, folder string) {
	t.Helper()
	hidden, err := filepath.Glob(filepath.Join(filepath.Dir(folder), ".*"))
	require.NoError(t, err)
	require.Empty(t, hidden)
}

// places runs a test for a local folder and for one in an object store, with staging to go with it.
func places(t *testing.T, test func(t *testing.T, staging, folder string)) {
	t.Run("local", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "a", "rejects")
		test(t, t.TempDir(), folder)
		requireNothingHidden(t, folder)
	})
	t.Run("gs", func(t *testing.T) {
		bucket, _ := storagetest.FakeGCS(t)
		test(t, bucket+"/staging", bucket+"/a/rejects")
	})
	t.Run("local to gs", func(t *testing.T) {
		bucket, _ := storagetest.FakeGCS(t)
		test(t, t.TempDir(), bucket+"/rejects")
	})
}

func TestPublishReplacesTheWholeFolder(t *testing.T) {
	places(t, func(t *testing.T, staging, folder string) {
		require.NoError(t, rejects.CheckFolder(t.Context(), folder))
		require.NoError(t, rejects.Publish(t.Context(), staged(t, staging, 1, 2, 3), folder, "run1"))
		names := namesIn(t, folder)
		assert.Equal(t, []string{"part-00000-run1.parquet", "part-00001-run1.parquet", "part-00002-run1.parquet"}, names)

		files := staged(t, staging, 4, 5)
		for range 2 { // it may be repeated
			require.NoError(t, rejects.Publish(t.Context(), files, folder, "run2"))
			names = namesIn(t, folder)
			assert.Equal(t, []string{"part-00000-run2.parquet", "part-00001-run2.parquet"}, names)
			records := readBack(t, folder+"/"+names[0], folder+"/"+names[1])
			assert.EqualValues(t, 9, rowCount(records))
		}
		require.NoError(t, rejects.CheckFolder(t.Context(), folder))
		require.NoError(t, rejects.Publish(t.Context(), nil, folder, "run3"))
		assert.Empty(t, namesIn(t, folder))
		if storage.IsLocal(folder) {
			assert.DirExists(t, folder)
		}
	})
}

func TestPublishOrdersFilesByURI(t *testing.T) {
	t.Parallel()
	files := staged(t, t.TempDir(), 1, 2, 3, 4, 5, 6)
	first, second := filepath.Join(t.TempDir(), "rejects"), filepath.Join(t.TempDir(), "rejects")
	require.NoError(t, rejects.Publish(t.Context(), files, first, "run"))
	files[0], files[5] = files[5], files[0]
	files[2], files[3] = files[3], files[2]
	require.NoError(t, rejects.Publish(t.Context(), files, second, "run"))
	for _, name := range namesIn(t, first) {
		assert.Equal(t, rowCount(readBack(t, filepath.Join(first, name))), rowCount(readBack(t, filepath.Join(second, name))))
	}
}

func TestPublishRefusesFoldersOfOthers(t *testing.T) {
	places(t, func(t *testing.T, staging, folder string) {
		store, err := storage.For(folder)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), folder+"/part-00000-old.parquet", []byte("old")))
		for _, foreign := range []string{"notes.txt", "more/part-00000-run.parquet", "orders.parquet"} {
			require.NoError(t, store.Put(t.Context(), folder+"/"+foreign, []byte("keep me")))
			before := namesIn(t, folder)
			for _, err := range []error{
				rejects.CheckFolder(t.Context(), folder), rejects.Publish(t.Context(), staged(t, staging, 1), folder, "run"),
			} {
				name, _, nested := strings.Cut(foreign, "/")
				if _, local := storage.LocalPath(folder); nested && !local {
					name = foreign
				}
				assertKind(t, err, failure.Storage, fmt.Sprintf("holds %q", name))
				assert.Contains(t, failure.Of(err, "").Hint, "folder of its own")
			}
			assert.Equal(t, before, namesIn(t, folder))
			top, _, _ := strings.Cut(foreign, "/")
			require.NoError(t, store.RemoveAll(t.Context(), folder+"/"+top))
		}
		require.NoError(t, rejects.Publish(t.Context(), staged(t, staging, 1), folder, "run"))
	})
}

func TestPublishToAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	require.NoError(t, os.WriteFile(path, []byte("keep me"), 0o600))
	assertKind(t, rejects.Publish(t.Context(), nil, path, "run"), failure.Storage, "rejects")
	assert.FileExists(t, path)
}

func TestPublishFollowsALink(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // links need a privilege there
	}
	folder := filepath.Join(t.TempDir(), "real")
	require.NoError(t, os.Mkdir(folder, 0o755))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(folder, link))
	require.NoError(t, rejects.Publish(t.Context(), staged(t, t.TempDir(), 1), link, "run"))
	assert.Equal(t, []string{"part-00000-run.parquet"}, namesIn(t, folder))
}

func TestPublishChecksWhatItCopies(t *testing.T) {
	places(t, func(t *testing.T, staging, folder string) {
		require.NoError(t, rejects.Publish(t.Context(), staged(t, staging, 1), folder, "run1"))
		before := namesIn(t, folder)
		for name, spoil := range map[string]func(f *rejects.File){
			"another sum":  func(f *rejects.File) { f.SHA256 = strings.Repeat("0", 64) },
			"another size": func(f *rejects.File) { f.Bytes++ },
			"no file":      func(f *rejects.File) { f.URI += ".gone" },
		} {
			files := staged(t, staging, 1, 2)
			spoil(&files[1])
			for _, run := range []string{"run1", "run2"} { // the run that was there, and a new one
				assertKind(t, rejects.Publish(t.Context(), files, folder, run), failure.Storage, "publish rejects to "+folder)
				assert.Equal(t, before, namesIn(t, folder), name)
			}
		}
	})
}

func TestPublishThatIsCancelled(t *testing.T) {
	places(t, func(t *testing.T, staging, folder string) {
		files := staged(t, staging, 1)
		require.NoError(t, rejects.Publish(t.Context(), files, folder, "run1"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, rejects.Publish(ctx, files, folder, "run2"), context.Canceled)
		assert.Equal(t, []string{"part-00000-run1.parquet"}, namesIn(t, folder))
	})
}

// A part whose writing was not answered any more is not left beside the old ones.
func TestPublishThatIsCancelledAsAPartIsWritten(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := bucket + "/rejects"
	require.NoError(t, rejects.Publish(t.Context(), staged(t, bucket+"/run", 1), folder, "run1"))
	files := staged(t, bucket+"/run", 2, 3)
	ctx, cancel := context.WithCancel(t.Context())
	written := false
	faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "part-00001-run2", Times: 1, Lose: true, Before: func() { written = true; cancel() }})
	require.ErrorIs(t, rejects.Publish(ctx, files, folder, "run2"), context.Canceled)
	assert.True(t, written)
	assert.Equal(t, []string{"part-00000-run1.parquet"}, namesIn(t, folder))
}

// A run that has lost its lock takes back its own rejects, and none of another run.
func TestWithdraw(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := bucket + "/rejects"
	files := staged(t, bucket+"/run", 1, 2)
	require.NoError(t, rejects.Publish(t.Context(), files, folder, "run1"))
	require.NoError(t, rejects.Withdraw(t.Context(), folder, "run2"))
	assert.Equal(t, []string{"part-00000-run1.parquet", "part-00001-run1.parquet"}, namesIn(t, folder))
	require.NoError(t, rejects.Withdraw(t.Context(), folder, "run1"))
	require.NoError(t, rejects.Withdraw(t.Context(), folder, "run1"))
	assert.Empty(t, namesIn(t, folder))
}

func TestFaultsOfGCSWhilePublishing(t *testing.T) {
	for name, c := range map[string]struct {
		fault storagetest.Fault
		after []string // what is there after the error
	}{
		"listing":  {storagetest.Fault{On: storagetest.List, Status: http.StatusForbidden}, []string{"part-00000-run1.parquet"}},
		"reading":  {storagetest.Fault{On: storagetest.Read, Skip: 1, Status: http.StatusForbidden}, []string{"part-00000-run1.parquet"}},
		"writing":  {storagetest.Fault{On: storagetest.Write, Skip: 1, Status: http.StatusForbidden}, []string{"part-00000-run1.parquet"}},
		"spoiling": {storagetest.Fault{On: storagetest.Read, Spoil: true}, []string{"part-00000-run1.parquet"}},
		"removing": {storagetest.Fault{On: storagetest.Delete, Status: http.StatusForbidden},
			[]string{"part-00000-run1.parquet", "part-00000-run2.parquet", "part-00001-run2.parquet"}},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			folder := bucket + "/rejects"
			require.NoError(t, rejects.Publish(t.Context(), staged(t, bucket+"/run", 1), folder, "run1"))
			files := staged(t, bucket+"/run", 2, 3)
			faults.Inject(c.fault)
			err := rejects.Publish(t.Context(), files, folder, "run2")
			faults.Heal()
			assertKind(t, err, failure.Storage, folder)
			assert.Equal(t, c.after, namesIn(t, folder))

			require.NoError(t, rejects.Publish(t.Context(), files, folder, "run2"))
			assert.Equal(t, []string{"part-00000-run2.parquet", "part-00001-run2.parquet"}, namesIn(t, folder))
		})
	}
}

func TestPublishRemovesWhatDeadRunsLeft(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	folder := filepath.Join(parent, "rejects")
	leave := func(name string, age time.Duration) string {
		path := filepath.Join(parent, name)
		require.NoError(t, os.MkdirAll(filepath.Join(path, "new"), 0o755))
		old := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, old, old))
		return path
	}
	dead := leave(".rejects.hyperlake-rejects-dead", time.Hour)
	same := leave(".rejects.hyperlake-rejects-run", 0)
	young := leave(".rejects.hyperlake-rejects-young", 0)
	alive := leave(".rejects.hyperlake-rejects-alive", time.Hour)
	other := leave(".others.hyperlake-rejects-dead", time.Hour)
	lock := flock.New(filepath.Join(alive, "lock"))
	locked, err := lock.TryLock()
	require.NoError(t, err)
	require.True(t, locked)
	defer lock.Close()
	require.NoError(t, rejects.Publish(t.Context(), staged(t, t.TempDir(), 1), folder, "run"))
	assert.NoDirExists(t, dead)
	assert.NoDirExists(t, same)
	assert.DirExists(t, young)
	assert.DirExists(t, alive)
	assert.DirExists(t, other)
}

// TestReadersSeeOneSetOrTheOther looks at a folder all the time while it is replaced.
func TestReadersSeeOneSetOrTheOther(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // elsewhere there is a moment without any
	}
	folder := filepath.Join(t.TempDir(), "rejects")
	files := staged(t, t.TempDir(), 1, 1, 1)
	require.NoError(t, rejects.Publish(t.Context(), files, folder, "run"))
	var stop atomic.Bool
	odd := make(chan error, 1)
	go func() {
		defer close(odd)
		for !stop.Load() {
			if _, err := os.Stat(folder); err != nil {
				odd <- err
				return
			}
		}
	}()
	for i := range 20 {
		require.NoError(t, rejects.Publish(t.Context(), files, folder, fmt.Sprintf("run%d", i)))
	}
	stop.Store(true)
	assert.NoError(t, <-odd)
}
