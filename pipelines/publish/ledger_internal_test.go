package publish

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
	"hyperlake/pipelines/config"
)

func attempt(runID string) *delivery {
	return &delivery{ID: runID, RunID: runID, Mode: "append", Steps: []*step{{State: planned}}, Started: time.Now().UTC()}
}

// Where no lock holds others off, a ledger is only written over what was read.
func TestLedgerOfTwoProcesses(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	bucket, _ := storagetest.FakeGCS(t)
	for name, extract := range map[string]string{
		"remote": storage.Join(bucket, "items.hyper"), "local": filepath.Join(t.TempDir(), "items.hyper"),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &config.Config{Output: config.OutputConfig{Path: extract}, Publish: &config.PublishConfig{}}
			open := func() *ledger {
				l, err := openLedger(t.Context(), cfg, address{Server: name, ProjectID: "p", Datasource: "Items"}, turn{runID: "run"})
				require.NoError(t, err)
				require.NoError(t, l.unlock(t.Context()))
				l.places = l.places[:1]
				return l
			}
			begin := func(l *ledger, d *delivery) error {
				l.add(d)
				return l.save(t.Context(), d)
			}
			first, second := open(), open()
			mine := attempt("first")
			require.NoError(t, begin(first, mine))

			err := begin(second, attempt("second"))
			require.ErrorContains(t, err, "another process is publishing with the ledger")
			assert.Equal(t, failure.Publish, failure.Of(err, failure.Engine).Kind)

			third, later := open(), attempt("third")
			require.NoError(t, begin(third, later))
			mine.Steps[0].settle(applied, byReply)
			require.NoError(t, first.save(t.Context(), mine), "what happened is recorded in any case")
			later.Steps[0].settle(missing, byReply)
			require.NoError(t, third.save(t.Context(), later))
			var found []string
			for _, d := range open().Deliveries {
				found = append(found, d.RunID+" "+string(d.Steps[0].State))
			}
			assert.Equal(t, []string{"first applied", "third missing"}, found)
		})
	}
}

// One process at a time has a ledger, and others are told which.
func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "items.hyperlake")
	first, err := turn{runID: "first"}.lock(t.Context(), path)
	require.NoError(t, err)
	_, err = turn{runID: "second"}.lock(t.Context(), path)
	require.ErrorContains(t, err, "(run first, since ")
	_, err = turn{runID: "second", until: time.Now().Add(time.Second)}.lock(t.Context(), path)
	require.ErrorContains(t, err, path+" still, after a wait of 1s")
	interrupted, interrupt := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	patient := turn{runID: "second", until: time.Now().Add(time.Hour), waiting: func(string, lock.Holder) { interrupt(why) }}
	_, err = patient.lock(interrupted, path)
	require.ErrorIs(t, err, why)
	require.NoError(t, first.Release(t.Context()))
	assert.NoFileExists(t, path+lockSuffix)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = turn{runID: "run"}.lock(t.Context(), filepath.Join(path, "no", "folder"))
	require.ErrorContains(t, err, "lock the ledger ")
	assert.NotEmpty(t, failure.Of(err, failure.Engine).Hint)
}

// Where the user has no place of his own, the one of the configuration is enough; looking for it writes nothing.
func TestLedgersOfTheUser(t *testing.T) {
	home := t.TempDir()
	for name, c := range map[string]struct{ state, home, want string }{
		"by the standard": {filepath.Join(home, "state"), home, filepath.Join(home, "state", "hyperlake", ledgersFolder)},
		"at home":         {"", home, filepath.Join(home, ".local", "state", "hyperlake", ledgersFolder)},
		"relative":        {"here", home, ""},
		"no home":         {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", c.state)
			t.Setenv("HOME", c.home)
			assert.Equal(t, c.want, userLedgers())
			left, err := os.ReadDir(home)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// A home that cannot be used keeps nobody from publishing.
func TestNoPlaceOfTheUser(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/dev/null/state")
	cfg := &config.Config{Output: config.OutputConfig{Path: filepath.Join(t.TempDir(), "items.hyper")}, Publish: &config.PublishConfig{}}
	l, err := openLedger(t.Context(), cfg, address{Server: "s", ProjectID: "p", Datasource: "Items"}, turn{runID: "run"})
	require.NoError(t, err)
	assert.Len(t, l.places, 1)
	require.NoError(t, l.unlock(t.Context()))
}

func TestRemoteLock(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	uri := storage.Join(bucket, "items.json")
	first, err := turn{runID: "first"}.lock(t.Context(), uri)
	require.NoError(t, err)
	require.NoError(t, first.Held())
	_, err = turn{runID: "second"}.lock(t.Context(), uri)
	require.ErrorContains(t, err, "(run first, since ")
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "wait until it has ended")
	require.NoError(t, first.Release(t.Context()))
	assert.Empty(t, storagetest.Names(t, bucket))
	second, err := turn{runID: "second"}.lock(t.Context(), uri)
	require.NoError(t, err)
	require.NoError(t, second.Release(t.Context()))
}
