//go:build unix

package hyperd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// stagedVariable makes the test binary play a worker without hyperd: it holds its
// configuration, as JSON.
const stagedVariable = "HYPERD_TEST_STAGED"

// locateStaged prints the path of the hyperd of such a worker.
func locateStaged() int {
	var cfg hyperd.Config
	err := json.Unmarshal([]byte(os.Getenv(stagedVariable)), &cfg)
	if err == nil {
		var path string
		path, err = cfg.Locate(context.Background())
		fmt.Print(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// content is a hyperd for tests of what is copied.
var content = bytes.Repeat([]byte("hyperd"), 100_000)

// workerMachine is a machine without hyperd; it returns the cache folder of its user.
func workerMachine(t *testing.T) string {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", filepath.Join(os.Getenv("HOME"), ".cache"))
	t.Setenv("HYPERD_PATH", "")
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	return cache
}

// staged puts the content on staging.
func staged(t *testing.T, staging string) *hyperd.Staged {
	binary := filepath.Join(t.TempDir(), "hyperd")
	require.NoError(t, os.WriteFile(binary, content, 0o755))
	sum, size, err := storage.SHA256(t.Context(), binary)
	require.NoError(t, err)
	s := &hyperd.Staged{URI: storage.Join(staging, "hyperd", "1-"+sum, "hyperd"), Bytes: size, SHA256: sum, Version: "1"}
	told := 0
	for range 2 {
		require.NoError(t, s.Upload(t.Context(), binary, func(string) { told++ }))
	}
	assert.Equal(t, 1, told, "it is uploaded once")
	return s
}

// onStagings runs a test with a local folder and with a bucket for staging.
func onStagings(t *testing.T, test func(t *testing.T, staging string)) {
	t.Run("local", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "staging")) })
	t.Run("gs", func(t *testing.T) {
		bucket, _ := storagetest.FakeGCS(t)
		test(t, storage.Join(bucket, "staging"))
	})
}

// requireLocated checks that cfg leads to a copy in folder.
func requireLocated(t *testing.T, cfg hyperd.Config, folder string) (path string) {
	path, err := cfg.Locate(t.Context())
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(path, folder+"/"), path)
	copied, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, copied))
	stat, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), stat.Mode().Perm())
	return path
}

func TestAWorkerWithoutHyperdTakesTheStagedOne(t *testing.T) {
	onStagings(t, func(t *testing.T, staging string) {
		cache := workerMachine(t)
		cfg := hyperd.Config{Staged: staged(t, staging)}
		path := requireLocated(t, cfg, cache)

		cfg.Path = "/opt/of/another/machine/hyperd"
		assert.Equal(t, path, requireLocated(t, cfg, cache), "that very file was staged")

		require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), len(content)), 0o755))
		requireLocated(t, cfg, cache) // a damaged copy is replaced
		left, err := os.ReadDir(filepath.Dir(filepath.Dir(path)))
		require.NoError(t, err)
		assert.Len(t, left, 2, "the copy and the lock")
	})
}

func TestAHyperdOfTheWorkersMachineComesFirst(t *testing.T) {
	cache := workerMachine(t)
	cfg := hyperd.Config{Staged: staged(t, t.TempDir())}
	own := filepath.Join(os.Getenv("PATH"), "hyperd")
	require.NoError(t, os.WriteFile(own, nil, 0o755))
	path, err := cfg.Locate(t.Context())
	require.NoError(t, err)
	assert.Equal(t, own, path)

	cfg.Path = own
	path, err = cfg.Locate(t.Context())
	require.NoError(t, err)
	assert.Equal(t, own, path)
	assert.NoDirExists(t, cache)

	t.Setenv("HYPERD_PATH", "/nowhere")
	cfg.Path = ""
	_, err = cfg.Locate(t.Context())
	require.ErrorContains(t, err, "HYPERD_PATH leads to no hyperd")
}

func TestADamagedStagedCopyIsRefused(t *testing.T) {
	onStagings(t, func(t *testing.T, staging string) {
		cache := workerMachine(t)
		s := staged(t, staging)
		store, err := storage.For(s.URI)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), s.URI, bytes.Repeat([]byte("x"), len(content))))
		_, err = hyperd.Config{Staged: s}.Locate(t.Context())
		require.ErrorContains(t, err, s.URI)
		require.ErrorContains(t, err, "hyperd was not found")
		require.ErrorContains(t, err, s.SHA256)
		failed := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Hyperd, failed.Kind)
		assert.Contains(t, failed.Hint, "remove it")
		found, err := filepath.Glob(filepath.Join(cache, "hyperlake", "hyperd", "*", "*"))
		require.NoError(t, err)
		assert.Empty(t, found, "nothing is installed")

		require.NoError(t, store.RemoveAll(t.Context(), s.URI))
		_, err = hyperd.Config{Staged: s}.Locate(t.Context())
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestADamagedStagedCopyIsReplacedByTheNextRun(t *testing.T) {
	damages := map[string][]byte{"local": bytes.Repeat([]byte("x"), len(content)), "gs": content[1:]} // gs:// has checksums of its own
	onStagings(t, func(t *testing.T, staging string) {
		cache := workerMachine(t)
		s := staged(t, staging)
		store, err := storage.For(s.URI)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), s.URI, damages[filepath.Base(t.Name())]))
		staged(t, staging)
		requireLocated(t, hyperd.Config{Staged: s}, cache)
	})
}

func TestWithoutAHomeTheTemporaryFolderIsTheCache(t *testing.T) {
	workerMachine(t)
	t.Setenv("XDG_CACHE_HOME", "/dev/null/cache")
	t.Setenv("HOME", "/dev/null")
	cfg := hyperd.Config{Staged: staged(t, t.TempDir())}
	requireLocated(t, cfg, os.Getenv("TMPDIR"))

	t.Setenv("TMPDIR", "/dev/null")
	_, err := cfg.Locate(t.Context())
	require.ErrorContains(t, err, "no folder to install it into: mkdir /dev/null")
}

func TestWorkersOfAMachineInstallOneCopy(t *testing.T) {
	workerMachine(t)
	bucket, requests := storagetest.FakeGCS(t)
	cfg, err := json.Marshal(hyperd.Config{Staged: staged(t, bucket)})
	require.NoError(t, err)
	t.Setenv(stagedVariable, string(cfg))
	before := requests.Count(storagetest.Read)
	var paths [8]string
	var group sync.WaitGroup
	for i := range paths {
		group.Go(func() {
			output, err := exec.Command(os.Args[0]).CombinedOutput()
			assert.NoError(t, err, string(output))
			paths[i] = string(output)
		})
	}
	group.Wait()
	for _, path := range paths {
		assert.Equal(t, paths[0], path)
	}
	assert.Equal(t, 1, requests.Count(storagetest.Read)-before, "one of them fetched it")
}

func TestRunsStageAtTheSameTime(t *testing.T) {
	onStagings(t, func(t *testing.T, staging string) {
		cache := workerMachine(t)
		var group sync.WaitGroup
		s := make([]*hyperd.Staged, 8)
		for i := range s {
			binary := filepath.Join(t.TempDir(), "hyperd")
			require.NoError(t, os.WriteFile(binary, content, 0o755))
			sum, size, err := storage.SHA256(t.Context(), binary)
			require.NoError(t, err)
			s[i] = &hyperd.Staged{URI: storage.Join(staging, "hyperd", "1-"+sum, "hyperd"), Bytes: size, SHA256: sum, Version: "1"}
			group.Go(func() { assert.NoError(t, s[i].Upload(t.Context(), binary, func(string) {})) })
		}
		group.Wait()
		requireLocated(t, hyperd.Config{Staged: s[0]}, cache)
	})
}

func TestAHyperdThatWorkersCannotRunIsNotStaged(t *testing.T) {
	workerMachine(t)
	script := filepath.Join(t.TempDir(), "hyperd")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	staging := t.TempDir()
	_, err := hyperd.Stage(t.Context(), script, staging, func(string) {})
	require.ErrorContains(t, err, "neither pip nor npm was found", "the pinned release is for workers")
	assert.Equal(t, failure.Hyperd, failure.Of(err, failure.Engine).Kind)
	left, err := os.ReadDir(staging)
	require.NoError(t, err)
	assert.Empty(t, left)
}
