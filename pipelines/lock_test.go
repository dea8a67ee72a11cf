package pipelines_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/runners/engine"
)

// numbersTo is a configuration of a lake of these numbers, in a folder of its own, to an output and rejects that it may share.
func numbersTo(t *testing.T, output, rejects string, numbers ...int64) *config.Config {
	t.Helper()
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), numbers...)
	return runtest.Configure(t, folder, "name: numbers\noutput: {path: "+output+"}\ntables:\n  - source: {uri: lake/*.parquet}\n"+
		"    rules: [{column: n, min: 0}]\n    rejects: {path: "+rejects+"}\n")
}

// runLocked runs a configuration with options of the lock; before, if not nil, is called when the plan is made.
func runLocked(t *testing.T, cfg *config.Config, lock refresh.LockOptions, before func()) (*report.Report, error) {
	t.Helper()
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	return pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
		ID: id, Engine: runtest.Direct{Runner: runner, Before: before}, Log: slog.New(slog.DiscardHandler), Lock: lock,
	})
}

// requireLocked checks that a run was refused since another one has the lock.
func requireLocked(t *testing.T, record *report.Report, err error) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, failure.Locked, failure.Of(err, failure.Engine).Kind, err)
	assert.Equal(t, report.Failed, record.Status)
	assert.Equal(t, failure.Locked, record.Error.Kind)
	assert.Empty(t, record.Stages, "it did not even plan")
}

// lockPlaces are places of outputs and rejects.
func lockPlaces(t *testing.T) map[string]string {
	bucket, _ := storagetest.FakeGCS(t)
	return map[string]string{"local": filepath.Join(t.TempDir(), "out"), "gs": bucket + "/out"}
}

// filesAt lists what is at a place, hidden or not.
func filesAt(t *testing.T, place string) []string {
	t.Helper()
	store, err := storage.For(place)
	require.NoError(t, err)
	found, err := store.List(t.Context(), place)
	require.NoError(t, err)
	var names []string
	for _, info := range found {
		names = append(names, filepath.ToSlash(info.URI)[len(filepath.ToSlash(place))+1:])
	}
	return runtest.WithoutStates(names)
}

// Of two runs at the same time, from different configurations, the second is refused, and the first goes on as if
// there had been none.
func TestTwoRunsToOneOutput(t *testing.T) {
	for name, place := range lockPlaces(t) {
		t.Run(name, func(t *testing.T) {
			first := numbersTo(t, place+"/x.hyper", place+"/bad", 1, 2, 3, -1)
			second := numbersTo(t, place+"/x.hyper", place+"/bad", 7, -8, -9)
			refused := false
			_, err := runLocked(t, first, refresh.LockOptions{}, sync.OnceFunc(func() {
				record, err := runLocked(t, second, refresh.LockOptions{Wait: 100 * time.Millisecond}, nil)
				requireLocked(t, record, err)
				refused = true
			}))
			require.NoError(t, err)
			require.True(t, refused)
			assert.Equal(t, []string{"1", "2", "3"}, runtest.RowsIn(t, runtest.Fetched(t, first.Output.Path), runtest.ExtractRows))
			assert.Len(t, runtest.RejectRows(t, place+"/bad"), 1)

			_, err = runLocked(t, second, refresh.LockOptions{}, nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"7"}, runtest.RowsIn(t, runtest.Fetched(t, first.Output.Path), runtest.ExtractRows))
			assert.Len(t, filesAt(t, place), 2, "the extract and one file of rejects: %v", filesAt(t, place))
		})
	}
}

// A run that waits comes after the other one.
func TestARunThatWaits(t *testing.T) {
	for name, place := range lockPlaces(t) {
		t.Run(name, func(t *testing.T) {
			first := numbersTo(t, place+"/x.hyper", place+"/bad", 1, 2, 3)
			second := numbersTo(t, place+"/x.hyper", place+"/bad", 7)
			var waited sync.WaitGroup
			var secondErr error
			_, err := runLocked(t, first, refresh.LockOptions{}, sync.OnceFunc(func() {
				waited.Go(func() { _, secondErr = runLocked(t, second, refresh.LockOptions{Wait: time.Minute}, nil) })
			}))
			require.NoError(t, err)
			waited.Wait()
			require.NoError(t, secondErr)
			assert.Equal(t, []string{"7"}, runtest.RowsIn(t, runtest.Fetched(t, first.Output.Path), runtest.ExtractRows))
		})
	}
}

// Whatever a run ends with, its lock and the folder that was made for it go.
func TestTheLockGoesWithTheRun(t *testing.T) {
	for name, place := range lockPlaces(t) {
		t.Run(name, func(t *testing.T) {
			cfg := numbersTo(t, place+"/x.hyper", place+"/bad", -1, -2)
			cfg.Tables[0].Rejects.Path = ""
			_, err := runLocked(t, cfg, refresh.LockOptions{}, nil)
			require.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
			require.NoError(t, os.RemoveAll(filepath.Join(filepath.Dir(cfg.Tables[0].Source.URI[0]), "a.parquet")))
			_, err = runLocked(t, cfg, refresh.LockOptions{}, nil)
			require.Error(t, err)
			assert.Empty(t, filesAt(t, place))
			if storage.IsLocal(place) {
				runtest.RequireOnly(t, place)
			}
		})
	}
}

// untilEnd is an engine that calls begun and then waits for the end of its context.
type untilEnd struct {
	engine.Engine
	begun func()
}

func (e untilEnd) Run(ctx context.Context, _ engine.Job) error {
	e.begun()
	<-ctx.Done()
	return ctx.Err()
}

// A run whose lease somebody else has taken ends at once, and leaves the output and the lease.
func TestALostLeaseEndsTheRun(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	cfg := numbersTo(t, bucket+"/x.hyper", bucket+"/bad", 1, 2, -3)
	require.NoError(t, storage.Put(t.Context(), bucket+"/x.hyper", []byte(runtest.Previous)))
	runner, err := runners.New(runners.Options{Name: "direct", JobName: "x"})
	require.NoError(t, err)
	record, err := pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
		ID: "run", Log: slog.New(slog.DiscardHandler),
		Lock: refresh.LockOptions{Lease: storage.LeaseTerms{Expiry: time.Minute, Renewal: 50 * time.Millisecond}},
		Engine: untilEnd{runner, func() {
			assert.NoError(t, storage.Put(t.Context(), bucket+"/.x.hyper.lock", []byte(`{"run_id": "other"}`)))
		}},
	})
	require.ErrorIs(t, err, storage.ErrLeaseLost)
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Storage, failed.Kind)
	assert.NotEmpty(t, failed.Hint)
	assert.Equal(t, report.Failed, record.Status)
	assert.ElementsMatch(t, []string{".x.hyper.lock", "x.hyper"}, filesAt(t, bucket))
	data, err := os.ReadFile(runtest.Fetched(t, bucket+"/x.hyper"))
	require.NoError(t, err)
	assert.Equal(t, runtest.Previous, string(data))
}
