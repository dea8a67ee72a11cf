package publish

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func ledgerAttempt(runID string) *ledgerEntry {
	return &ledgerEntry{RunID: runID, Mode: "append", Datasource: "Items", Outcome: pending, Started: time.Now().UTC()}
}

// Where no lock holds others off, a ledger is only written over what was read.
func TestLedgerOfTwoProcesses(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for name, extract := range map[string]string{
		"remote": storage.Join(bucket, "items.hyper"), "local": filepath.Join(t.TempDir(), "items.hyper"),
	} {
		t.Run(name, func(t *testing.T) {
			open := func() *ledger {
				l, err := openLedger(t.Context(), extract)
				require.NoError(t, err)
				return l
			}
			first, second := open(), open()
			mine := ledgerAttempt("first")
			require.NoError(t, first.begin(t.Context(), mine))

			err := second.begin(t.Context(), ledgerAttempt("second"))
			require.ErrorContains(t, err, "another process is publishing with the ledger")
			assert.Equal(t, failure.Publish, failure.Of(err, failure.Engine).Kind)

			third, later := open(), ledgerAttempt("third")
			require.NoError(t, third.begin(t.Context(), later))
			require.NoError(t, first.end(t.Context(), mine, published), "what happened is recorded in any case")
			require.NoError(t, third.end(t.Context(), later, failed))
			var found []string
			for _, entry := range open().Entries {
				found = append(found, entry.RunID+" "+string(entry.Outcome))
			}
			assert.Equal(t, []string{"first published", "third failed"}, found)
		})
	}
}

// A link in the place of the lock is no way to have another file emptied.
func TestALockIsNoLink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, victim := filepath.Join(folder, "items.hyper.ledger.json"), filepath.Join(folder, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(victim, path+lockSuffix))
	_, err := lockLedger(path, "run")
	require.ErrorContains(t, err, "lock the ledger")
	kept, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))
}

// Whoever had the lock before removes its file, which others may have opened by then.
func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "items.hyper.ledger.json")
	isCurrent := func(l *ledgerLock) bool {
		current, err := l.isCurrent()
		require.NoError(t, err)
		return current
	}
	first, err := lockLedger(path, "first")
	require.NoError(t, err)
	assert.True(t, isCurrent(first))
	_, err = lockLedger(path, "second")
	require.ErrorContains(t, err, "(run first, since ")

	require.NoError(t, os.Remove(path+lockSuffix))
	assert.False(t, isCurrent(first), "its file is gone")
	second, err := lockLedger(path, "second")
	require.NoError(t, err)
	assert.False(t, isCurrent(first), "its file is another one")
	assert.True(t, isCurrent(second))
	require.NoError(t, second.unlock())
	assert.NoFileExists(t, path+lockSuffix)
	require.NoError(t, first.unlock())

	_, err = lockLedger(filepath.Join(path, "no", "folder"), "run")
	require.ErrorContains(t, err, "lock the ledger ")
}
