package storage

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLease(t *testing.T) {
	t.Parallel()
	const expiry = 5 * time.Second // an owner that gets no processor for this long has lost his lease
	uri := filepath.Join(t.TempDir(), "lease")
	take := func(holder string, renewal time.Duration) (*Lease, string, error) {
		l, other, err := TakeLease(t.Context(), uri, []byte(holder), LeaseTerms{expiry, renewal})
		return l, string(other), err
	}
	first, _, err := take("first", 50*time.Millisecond)
	require.NoError(t, err)
	_, other, err := take("second", time.Hour)
	require.ErrorIs(t, err, ErrLeased)
	assert.Equal(t, "first", other)
	assert.Never(t, func() bool { return first.Held() != nil }, expiry+time.Second, 50*time.Millisecond, "it was not renewed")
	require.NoError(t, first.Release(t.Context()))
	assert.NoFileExists(t, uri)

	stopped, _, err := take("stopped", time.Hour)
	require.NoError(t, err)
	var second *Lease
	require.Eventually(t, func() bool {
		second, _, err = take("second", 50*time.Millisecond)
		return err == nil
	}, time.Minute, 20*time.Millisecond, "a lease that is not renewed locks others out")
	require.ErrorIs(t, stopped.Held(), ErrLeaseLost, "whoever comes back is told")
	require.NoError(t, stopped.Release(t.Context()))
	assert.FileExists(t, uri, "that of the second is not given back by the first")
	require.NoError(t, second.Held())
	require.NoError(t, second.Release(t.Context()))
}
