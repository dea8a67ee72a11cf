//go:build unix

package pipelines_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

// remote is the engine in this process, which says that its workers are elsewhere.
type remote struct{ *runners.Runner }

func (remote) Remote() bool { return true }

// runRemote runs a configuration for such workers, and returns what it logged.
func runRemote(t *testing.T, cfg *config.Config) (log string, err error) {
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	var logged bytes.Buffer
	_, err = pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Engine: remote{runner}, Log: slog.New(slog.NewTextHandler(&logged, nil))})
	return logged.String(), err
}

// A run whose hyperd cannot be put on staging has not started a job.
func TestAHyperdThatCannotBeStagedEndsTheRun(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "stage/hyperd/", Status: 403})
	cfg := runtest.Configure(t, t.TempDir(), runtest.RemoteConfig("%LAKE%", "x.hyper", storage.Join(bucket, "stage"), 1))
	_, err := runRemote(t, cfg)
	require.ErrorContains(t, err, "put hyperd for workers on staging: gs://")
	assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
	assert.NoFileExists(t, cfg.Output.Path)
	assert.Empty(t, storagetest.Names(t, storage.Join(bucket, "stage")))
}

// Workers may have a hyperd of their own: a driver that has none for them says so, and goes on.
func TestADriverWithoutAHyperdForWorkersWarns(t *testing.T) {
	found, err := hyperd.Find("")
	require.NoError(t, err)
	folder := t.TempDir()
	script := filepath.Join(folder, "hyperd")
	require.NoError(t, os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\nexec %s \"$@\"\n", found), 0o755))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CACHE_HOME"))
	t.Setenv("PATH", t.TempDir())
	cfg := runtest.Configure(t, folder, runtest.RemoteConfig("%LAKE%", "x.hyper", "stage", 1)+"hyperd: {path: "+script+"}\n")
	log, err := runRemote(t, cfg)
	require.NoError(t, err)
	assert.Contains(t, log, "there is no hyperd for workers on staging")
	assert.Contains(t, log, "neither pip nor npm was found")
	assert.FileExists(t, cfg.Output.Path)
}
