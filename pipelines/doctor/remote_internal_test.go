package doctor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// heedlessStore writes whatever the condition, as services do that do not know the header.
type heedlessStore struct {
	storage.Store
	heeds func(storage.Condition) bool
}

func (h heedlessStore) Create(ctx context.Context, uri string, condition storage.Condition) (storage.Writer, error) {
	if !h.heeds(condition) {
		condition = storage.Any()
	}
	return h.Store.Create(ctx, uri, condition)
}

func TestALockNeedsConditions(t *testing.T) {
	t.Parallel()
	server := storagetest.StartGCS(t)
	store := storage.NewGCS(storage.ObjectsOptions{Endpoint: server.URL})
	written, skew, err := tryLock(t.Context(), store, server.Bucket+"/lock")
	require.NoError(t, err)
	assert.True(t, written)
	assert.Less(t, skew.Abs(), mostSkew)
	for name, heeds := range map[string]func(storage.Condition) bool{
		"If-None-Match": func(storage.Condition) bool { return false },
		"If-Match":      func(c storage.Condition) bool { return c == storage.IfAbsent() },
	} {
		written, _, err := tryLock(t.Context(), heedlessStore{store, heeds}, server.Bucket+"/"+name)
		require.ErrorContains(t, err, "this storage ignores "+name+",")
		assert.True(t, written)
		assert.Contains(t, failure.Of(err, failure.Engine).Hint, "honours conditions")
	}
}

func TestClocksAreCompared(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 21, 2, 15, 0, 500e6, time.UTC)
	ended := began.Add(3 * time.Second)
	for _, c := range []struct {
		made time.Time
		want time.Duration
		says string
	}{
		{began.Truncate(time.Second), 0, "0s slow"},
		{ended.Add(400 * time.Millisecond), 0, "0s slow"},
		{began.Add(-time.Minute), time.Minute, "1m0s fast"},
		{ended.Add(time.Hour), -time.Hour, "1h0m0s slow"},
	} {
		got := ahead(began, ended, c.made)
		assert.Equal(t, c.want, got)
		assert.Equal(t, c.says, saySkew(got))
	}
}
