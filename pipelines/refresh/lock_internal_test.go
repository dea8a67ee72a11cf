package refresh

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// take takes a lock, with a wait.
func take(t *testing.T, output, run string, wait time.Duration) (*Lock, error) {
	t.Helper()
	return TakeLock(t.Context(), output, run, LockOptions{Wait: wait})
}

// The second of two runs is told who has the lock, and what to do.
func TestTheSecondRun(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for name, output := range map[string]string{"local": filepath.Join(t.TempDir(), "new", "x.hyper"), "gs": bucket + "/x.hyper"} {
		t.Run(name, func(t *testing.T) {
			first, err := take(t, output, "run1", 0)
			require.NoError(t, err)
			for _, wait := range []time.Duration{0, 300 * time.Millisecond} {
				began := time.Now()
				_, err = take(t, output, "run2", wait)
				failed := failure.Of(err, failure.Engine)
				require.NotNil(t, failed)
				assert.Equal(t, failure.Locked, failed.Kind)
				assert.False(t, failed.Early)
				assert.Contains(t, failed.Message, "(run run1, since ")
				assert.Contains(t, failed.Message, output)
				assert.Contains(t, failed.Hint, "--lock-wait")
				assert.GreaterOrEqual(t, time.Since(began), wait)
				assert.Less(t, time.Since(began), wait+time.Minute)
			}
			require.NoError(t, first.Release(t.Context()))
			second, err := take(t, output, "run2", 0)
			require.NoError(t, err)
			require.NoError(t, second.Release(t.Context()))
		})
	}
}

// A run that waits ends at once when it is interrupted.
func TestAnInterruptedWait(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for name, output := range map[string]string{"local": filepath.Join(t.TempDir(), "x.hyper"), "gs": bucket + "/x.hyper"} {
		t.Run(name, func(t *testing.T) {
			first, err := take(t, output, "run1", 0)
			require.NoError(t, err)
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("interrupted")
			began := time.Now()
			_, err = TakeLock(ctx, output, "run2", LockOptions{Wait: time.Hour, Waiting: func(lock.Holder) { cancel(why) }})
			require.ErrorIs(t, err, why)
			assert.Less(t, time.Since(began), time.Minute)
			require.NoError(t, first.Release(t.Context()))
		})
	}
}

// However a folder is reached, its output has one lock.
func TestOneOutputOfManySpellings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "real", "deep"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(folder, "real"), filepath.Join(folder, "link")))
	first, err := take(t, filepath.Join(folder, "real", "x.hyper"), "run1", 0)
	require.NoError(t, err)
	for _, spelled := range []string{"link/x.hyper", "real/deep/../x.hyper", "real//x.hyper", "./real/x.hyper"} {
		_, err := take(t, folder+"/"+spelled, "run2", 0)
		assert.Equal(t, failure.Locked, failure.Of(err, failure.Engine).Kind, spelled)
	}
	other, err := take(t, filepath.Join(folder, "real", "y.hyper"), "run2", 0)
	require.NoError(t, err, "another output of that folder")
	require.NoError(t, errors.Join(first.Release(t.Context()), other.Release(t.Context())))
}

// Where no lock can be made, the run is told where, and what to do.
func TestNoLock(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 403})
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	for _, output := range []string{bucket + "/x.hyper", filepath.Join(folder, "file", "x.hyper")} {
		_, err := take(t, output, "run", time.Hour)
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed)
		assert.Equal(t, failure.Storage, failed.Kind)
		assert.Contains(t, failed.Message, "lock the output "+output)
		assert.NotEmpty(t, failed.Hint)
	}
}

// A lost lease ends the context of the work, and stays lost.
func TestALostLock(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	terms := storage.LeaseTerms{Expiry: 6 * time.Second, Renewal: time.Hour}
	lost, err := TakeLock(t.Context(), bucket+"/x.hyper", "run1", LockOptions{Lease: terms})
	require.NoError(t, err)
	held, stop := lost.While(t.Context())
	defer stop()
	terms.Renewal = 100 * time.Millisecond
	next, err := TakeLock(t.Context(), bucket+"/x.hyper", "run2", LockOptions{Wait: time.Minute, Lease: terms})
	require.NoError(t, err)
	<-held.Done()
	for _, err := range []error{context.Cause(held), lost.Held()} {
		require.ErrorIs(t, err, storage.ErrLeaseLost)
		failed := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Storage, failed.Kind)
		assert.NotEmpty(t, failed.Hint)
	}
	require.NoError(t, lost.Release(t.Context()))
	require.NoError(t, next.Held(), "its lease was left alone")
	require.NoError(t, next.Release(t.Context()))
}
