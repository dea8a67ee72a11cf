package lock

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func TestBeside(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"gs://bucket/x.hyper":      "gs://bucket/.x.hyper.lock",
		"gs://bucket/a//x.hyper":   "gs://bucket/a//.x.hyper.lock",
		"/data/out/sales.hyper":    "/data/out/.sales.hyper.lock",
		"sales.hyper":              ".sales.hyper.lock",
		"/data/out.d/a b[1].hyper": "/data/out.d/.a b[1].hyper.lock",
	} {
		assert.Equal(t, want, filepath.ToSlash(Beside(filepath.FromSlash(output))), output)
	}
}

// try takes a lock as a run of that name.
func try(t *testing.T, uri, run string) (*Lock, error) {
	t.Helper()
	return Try(t.Context(), uri, run, storage.UsualLease)
}

// requireTaken checks that a lock is found taken, by whom.
func requireTaken(t *testing.T, uri, by string) {
	t.Helper()
	_, err := try(t, uri, "another")
	var taken *TakenError
	require.ErrorAs(t, err, &taken)
	assert.Equal(t, by, taken.Holder.RunID)
	if by != "" {
		assert.Equal(t, os.Getpid(), taken.Holder.Process)
		assert.NotEmpty(t, taken.Holder.Host)
		assert.WithinDuration(t, time.Now(), taken.Holder.Since, time.Minute)
		assert.Contains(t, err.Error(), "(run "+by+", since ")
	}
}

// One has it, others are told who; whoever gives it back leaves nothing.
func TestOneAtATime(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for name, uri := range map[string]string{"local": filepath.Join(t.TempDir(), "new", "x.lock"), "gs": bucket + "/new/x.lock"} {
		t.Run(name, func(t *testing.T) {
			for _, run := range []string{"first", "second"} {
				l, err := try(t, uri, run)
				require.NoError(t, err)
				require.NoError(t, l.Held())
				requireTaken(t, uri, run)
				require.NoError(t, l.Release(t.Context()))
			}
			store, err := storage.For(uri)
			require.NoError(t, err)
			_, err = store.Stat(t.Context(), uri)
			require.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

// Whoever had the lock before removes its file, which others may have opened by then.
func TestOnlyTheFileThatOthersFindCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	isCurrent := func(l *Lock) bool {
		current, err := l.isCurrent()
		require.NoError(t, err)
		return current
	}
	first, err := try(t, path, "first")
	require.NoError(t, err)
	assert.True(t, isCurrent(first))
	require.NoError(t, os.Remove(path))
	assert.False(t, isCurrent(first), "its file is gone")
	second, err := try(t, path, "second")
	require.NoError(t, err)
	assert.False(t, isCurrent(first), "its file is another one")
	assert.True(t, isCurrent(second))
	require.NoError(t, first.Release(t.Context()))
	requireTaken(t, path, "second") // whose file the first one did not remove
	require.NoError(t, second.Release(t.Context()))
	assert.NoFileExists(t, path)
}

// While many take and give back a lock, and its folder goes with it, two never have it.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(folder, "x.lock")
	var having, had atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for had.Load() < 300 {
				l, err := try(t, path, "run")
				var taken *TakenError
				if errors.As(err, &taken) {
					continue
				}
				if !assert.NoError(t, err) {
					return
				}
				assert.EqualValues(t, 1, having.Add(1), "two have it")
				had.Add(1)
				having.Add(-1)
				assert.NoError(t, l.Release(t.Context()))
				_ = os.Remove(folder) // unless another one is there by now
			}
		})
	}
	all.Wait()
}

// What others put in the place of a lock is neither followed nor waited for, nor believed.
func TestWhatOthersPutThere(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	link := filepath.Join(folder, "link.lock")
	require.NoError(t, os.Symlink(victim, link))
	_, err := try(t, link, "run")
	require.Error(t, err)
	kept, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))

	require.Error(t, errorOf(try(t, filepath.Join(victim, "x.lock"), "run")), "a file is no folder")
	require.Error(t, errorOf(try(t, folder, "run")), "a folder is no lock")

	for _, text := range []string{"", "{", `{"run_id": 7}`, `[]`, "\x00\x01"} {
		assert.Equal(t, "another process", readHolder([]byte(text)).String())
	}
}

func errorOf(_ *Lock, err error) error { return err }

// A lease that is not renewed is taken over, and its owner knows.
func TestALeaseIsLost(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	uri := bucket + "/x.lock"
	stopped, err := Try(t.Context(), uri, "stopped", storage.LeaseTerms{Expiry: 6 * time.Second, Renewal: time.Hour})
	require.NoError(t, err)
	var next *Lock
	require.Eventually(t, func() bool {
		next, err = Try(t.Context(), uri, "next", storage.LeaseTerms{Expiry: 6 * time.Second, Renewal: 100 * time.Millisecond})
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	select {
	case <-stopped.Lost():
	case <-time.After(time.Minute):
		t.Fatal("nobody is told that it is lost")
	}
	require.ErrorIs(t, stopped.Held(), storage.ErrLeaseLost)
	require.NoError(t, stopped.Release(t.Context()))
	requireTaken(t, uri, "next") // which the one that lost it did not give back
	require.NoError(t, next.Held())
	require.NoError(t, next.Release(t.Context()))
}
