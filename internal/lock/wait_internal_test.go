package lock

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// Who waits is told for whom, also when somebody else came first, and has the lock when nobody has it any more.
func TestWaiting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	first, err := try(t, path, "first")
	require.NoError(t, err)
	var told []string
	patience := Patience{Until: time.Now().Add(time.Hour), Waiting: func(other Holder) {
		told = append(told, other.RunID)
		assert.NoError(t, first.Release(context.Background()))
		if other.RunID == "first" {
			var err error
			first, err = try(t, path, "second")
			assert.NoError(t, err)
		}
	}}
	third, err := Take(t.Context(), path, "third", storage.UsualLease, patience)
	require.NoError(t, err)
	assert.Equal(t, []string{"first", "second"}, told)
	requireTaken(t, path, "third")
	require.NoError(t, third.Release(t.Context()))
}

// Who has no patience left is told who has the lock.
func TestNoPatienceLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	first, err := try(t, path, "first")
	require.NoError(t, err)
	for _, wait := range []time.Duration{0, -time.Hour, 2 * lookLocal} {
		began := time.Now()
		_, err := Take(t.Context(), path, "second", storage.UsualLease, Patience{Until: began.Add(wait)})
		var taken *TakenError
		require.ErrorAs(t, err, &taken)
		assert.Equal(t, "first", taken.Holder.RunID)
		assert.GreaterOrEqual(t, time.Since(began), wait)
	}
	require.NoError(t, first.Release(t.Context()))
}

func TestHolderInFewWords(t *testing.T) {
	t.Parallel()
	today := time.Now().Add(-time.Minute)
	for want, holder := range map[string]Holder{
		"": {},
		"run R on etl-1, since " + today.UTC().Format("15:04") + " UTC": {RunID: "R", Host: "etl-1", Since: today},
		"run R on etl-1, since 2026-01-02 03:04 UTC":                    {RunID: "R", Host: "etl-1", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	} {
		assert.Equal(t, want, holder.Brief())
	}
}
