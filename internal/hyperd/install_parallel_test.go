//go:build unix

package hyperd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childVariable makes a process that runs these tests install instead, from the wheel
// that it names.
const childVariable = "HYPERD_TEST_INSTALL_WHEEL"

func init() {
	wheel := os.Getenv(childVariable)
	if wheel == "" {
		return
	}
	installed, err := installChild(wheel)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("already there:", installed.AlreadyThere)
	os.Exit(0)
}

func installChild(wheel string) (Installed, error) {
	cache, err := cacheFolder()
	if err != nil {
		return Installed{}, err
	}
	sum, err := checksum(context.Background(), wheel, "sha256:")
	if err != nil {
		return Installed{}, err
	}
	return testInstaller(cache, sum, "").install(context.Background())
}

func TestCancelEndsTheToolWithItsChildren(t *testing.T) {
	s := newShop(t)
	started := filepath.Join(t.TempDir(), "started")
	// The child holds the output open: the installation could not end before it.
	s.tool(t, "pip", fmt.Sprintf("touch \"$TMPDIR/half\"; sleep 30 & touch '%s'; wait", started))
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	var cancelled time.Time
	go func() {
		for _, err := os.Stat(started); err != nil && ctx.Err() == nil; _, err = os.Stat(started) {
			time.Sleep(5 * time.Millisecond)
		}
		cancelled = time.Now()
		cancel(stop)
	}()
	_, err := s.installer.install(ctx)
	require.ErrorIs(t, err, stop)
	assert.Less(t, time.Since(cancelled), killDelay)
	s.assertNothingLeft(t)
	s.assertNotInstalled(t)
}

func TestCancelEndsTheWaitForAnotherInstallation(t *testing.T) {
	s := newShop(t)
	require.NoError(t, os.MkdirAll(s.cache, 0o755))
	unlock, err := lockCache(t.Context(), s.cache, s.progress)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.installer.install(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, []string{"waiting for another installation of hyperd to end"}, s.told)
	require.NoError(t, unlock())
}

func TestInstallAtTheSameTime(t *testing.T) {
	const goroutines, processes = 8, 3
	s := newShop(t)
	s.tool(t, "pip", "sleep 0.2\n"+s.fetching(s.wheel))
	self, err := os.Executable()
	require.NoError(t, err)

	var fetched, there int
	var mu sync.Mutex
	count := func(alreadyThere bool) {
		mu.Lock()
		defer mu.Unlock()
		if alreadyThere {
			there++
		} else {
			fetched++
		}
	}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			installed, err := s.installer.install(t.Context())
			assert.NoError(t, err)
			count(installed.AlreadyThere)
		})
	}
	for range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), childVariable+"="+s.wheel)
			output, err := cmd.CombinedOutput()
			assert.NoError(t, err, string(output))
			count(strings.Contains(string(output), "already there: true"))
		})
	}
	all.Wait()

	assert.Equal(t, 1, fetched)
	assert.Equal(t, goroutines+processes-1, there)
	calls, err := os.ReadFile(s.calls)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(calls), "\n"), "it was fetched once")
	assertBinary(t, filepath.Join(s.cache, "0.0.2", "hyperd"))
	s.assertNothingLeft(t)
}
