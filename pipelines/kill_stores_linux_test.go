//go:build faults || stores

package pipelines_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/enginetest"
)

// killedNights is how many nights there are, of all kinds of output together.
const killedNights = 5

// storedNights are nights whose lake, staging, output, rejects and state are where it was drawn, by runs that are killed.
type storedNights struct {
	t      *testing.T
	random *rand.Rand
	folder string                         // of the configuration, with the lake as it should be
	places map[string]string              // of lake, stage, out, bad and state
	stores map[string]*storagetest.Faults // by their buckets
	next   int64                          // row
	killed map[string]int                 // runs, by the request at which they died
}

// openStoredNights draws places: the output is on a kind of storage, all others are there, on another one, or local.
func openStoredNights(t *testing.T, seed uint64, kinds map[string]func(testing.TB) (string, *storagetest.Faults), output string) *storedNights {
	n := &storedNights{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), folder: t.TempDir(),
		places: map[string]string{}, stores: map[string]*storagetest.Faults{}, killed: map[string]int{},
	}
	roots := []string{n.folder}
	for _, scheme := range slices.Sorted(maps.Keys(kinds)) {
		bucket, faults := kinds[scheme](t)
		n.stores[bucket] = faults
		roots = append(roots, bucket)
		if scheme == output {
			n.places["out"] = bucket + "/out"
		}
	}
	for _, what := range []string{"lake", "stage", "bad", "state"} {
		n.places[what] = roots[n.random.IntN(len(roots))] + "/" + what
	}
	for output == "s3" && strings.HasPrefix(n.places["stage"], "s3:") { // which copies the extract by itself: there would be no uploads
		n.places["stage"] = roots[n.random.IntN(len(roots))] + "/stage"
	}
	t.Log(n.places)
	for day := range 5 {
		n.write(day)
	}
	return n
}

// write makes the file of a day, or another in place of it.
func (n *storedNights) write(day int) {
	n.t.Helper()
	name := fmt.Sprintf("day=%d/a.parquet", day)
	path := filepath.Join(n.folder, "lake", name)
	n.next += 100_000
	writeWide(n.t, path, n.next)
	if !storage.IsLocal(n.places["lake"]) {
		_, err := storage.Upload(n.t.Context(), path, storage.Join(n.places["lake"], name), storage.Any())
		require.NoError(n.t, err)
	}
}

const storedNightsConfig = `name: sales
refresh: {mode: %s}
output: {path: %q}
staging: %q
state: %q
tables:
  - source: {uri: %q}
    rules: [{expr: "c1 %% 10 != 0"}]
    rejects: {path: %q}
`

// configure is the configuration of a night, or of a full build of the same lake, all of which is local.
func (n *storedNights) configure(mode string) (cfg *config.Config, folder string) {
	places, folder := n.places, n.folder
	if mode == "full" {
		folder, places = n.t.TempDir(), map[string]string{"lake": filepath.Join(n.folder, "lake")}
		for _, what := range []string{"out", "stage", "state", "bad"} {
			places[what] = filepath.Join(folder, what)
		}
	}
	return runtest.Configure(n.t, folder, fmt.Sprintf(storedNightsConfig, mode, places["out"]+"/sales.hyper", places["stage"], places["state"],
		places["lake"]+"/**/*.parquet", places["bad"])), folder
}

// killMoments are requests at which runs are killed.
var killMoments = []storagetest.Fault{
	{On: storagetest.Write, Name: "out/sales.hyper", Skip: 2}, // in the middle of an upload
	{On: storagetest.Complete, Name: "out/sales.hyper"},
	{On: storagetest.Write, Name: "out/sales.hyper"},
	{On: storagetest.Write, Name: ".lock"},
	{On: storagetest.Write, Name: "state/"},
	{On: storagetest.Write, Name: "stage/"},
	{On: storagetest.Write, Name: "bad/"},
	{On: storagetest.Read, Name: "lake/"},
	{On: storagetest.Delete},
	{On: storagetest.List},
}

// draw draws a moment, of a request that there may be.
func (n *storedNights) draw() storagetest.Fault {
	for {
		moment := killMoments[n.random.IntN(len(killMoments))]
		if what, _, _ := strings.Cut(moment.Name, "/"); !storage.IsLocal(n.places[what]) || n.places[what] == "" {
			return moment
		}
	}
}

// kill starts a run that is killed at a request, before or after that is carried out, if it comes to it.
func (n *storedNights) kill(moment storagetest.Fault) {
	n.t.Helper()
	run, err := staging.NewRunID()
	require.NoError(n.t, err)
	started, died := make(chan struct{}), make(chan struct{})
	var o *owner
	kill := sync.OnceFunc(func() {
		<-started
		_ = o.cmd.Process.Kill()
		<-died
	})
	what := fmt.Sprintf("%s %s", moment.On, moment.Name)
	if n.random.IntN(2) == 0 && moment.On != storagetest.Read {
		moment.Status, what = 503, what+", not carried out"
	}
	moment.Times, moment.Before = 1, kill
	for _, faults := range n.stores {
		faults.Inject(moment)
	}
	o = startOwner(n.t, n.folder, "", run)
	close(started)
	_, _ = io.Copy(io.Discard, o.out) // until it has ended
	err = o.cmd.Wait()
	close(died)
	for _, faults := range n.stores {
		faults.Heal()
	}
	if err == nil {
		what = "none: there was no " + what
	}
	n.killed[what]++
	n.t.Log("killed at", what)
}

// recover has the next run wait for the lock of the dead one, and holds what it makes against a full build.
func (n *storedNights) recover() {
	n.t.Helper()
	cfg, _ := n.configure("changed")
	began := time.Now()
	got, err := runLocked(n.t, cfg, refresh.LockOptions{Lease: shortLease, Wait: 2 * time.Minute}, nil)
	require.NoError(n.t, err)
	n.t.Log("  ", got.Refresh.Mode, got.Refresh.Reason, time.Since(began).Round(time.Millisecond))
	full, folder := n.configure("full")
	all, err := runtest.Run(n.t, n.t.Context(), full, nil)
	require.NoError(n.t, err)
	for _, table := range got.Tables {
		for i, sample := range table.Samples {
			table.Samples[i].File = n.asLocal(sample.File)
		}
	}
	assert.Equal(n.t, accountsOf(all), accountsOf(got))
	assert.True(n.t, slices.Equal(runtest.ContentsOf(n.t, full.Output.Path), runtest.ContentsOf(n.t, runtest.Fetched(n.t, cfg.Output.Path))), "the extracts differ")
	rejected := runtest.RejectRows(n.t, n.places["bad"])
	for i, row := range rejected {
		rejected[i] = n.asLocal(row)
	}
	assert.ElementsMatch(n.t, runtest.RejectRows(n.t, filepath.Join(folder, "bad")), rejected)
}

// asLocal has a text name files of the lake as if it were local.
func (n *storedNights) asLocal(text string) string {
	return strings.ReplaceAll(text, n.places["lake"], filepath.Join(n.folder, "lake"))
}

// clean removes what dead runs have left, and checks that nothing of them stays, and no lock.
func (n *storedNights) clean() (uploads int) {
	n.t.Helper()
	cfg, _ := n.configure("changed")
	cleaned, err := staging.Clean(n.t.Context(), cfg, staging.CleanOptions{OlderThan: 1})
	require.NoError(n.t, err)
	for _, c := range cleaned {
		assert.Contains(n.t, []staging.CleanOutcome{staging.CleanRemoved, staging.CleanYoung}, c.Outcome, c.Path)
		if c.Upload {
			uploads++
		}
	}
	for bucket := range n.stores {
		left, err := storage.FindUnfinished(n.t.Context(), bucket+"/")
		require.NoError(n.t, err)
		assert.Empty(n.t, left, "uploads stay")
	}
	for _, what := range []string{"stage", "out"} {
		for _, name := range filesAt(n.t, n.places[what]) {
			local := storage.IsLocal(n.places[what]) // where a folder is young for a minute
			assert.True(n.t, local || what == "out" && name == "sales.hyper", "%s stays in %s", name, what)
		}
	}
	return uploads
}

// Wherever a night is killed whose lake, staging, output, rejects and state are on object storage, in whatever mixture, the next one
// makes all right, as soon as the lock of the dead run has expired, and `clean` leaves nothing of it, also no upload.
func TestNightsOnStorageThatAreKilled(t *testing.T) {
	kinds := maps.Clone(stores)
	if len(kinds) > 1 {
		delete(kinds, "gs") // which is alone where there are no others
	}
	for output := range kinds {
		t.Run(output, func(t *testing.T) {
			enginetest.EachSequence(t, 1, func(t *testing.T, seed uint64) { killStoredNights(t, seed, kinds, output) })
		})
	}
}

func killStoredNights(t *testing.T, seed uint64, kinds map[string]func(testing.TB) (string, *storagetest.Faults), output string) {
	n := openStoredNights(t, seed, kinds, output)
	cfg, _ := n.configure("changed")
	_, err := runLocked(t, cfg, refresh.LockOptions{Lease: shortLease}, nil)
	require.NoError(t, err)
	uploads, moment := 0, killMoments[0]
	for range killedNights / len(kinds) {
		n.write(n.random.IntN(5))
		n.kill(moment)
		n.recover()
		uploads += n.clean()
		moment = n.draw()
	}
	t.Log(n.killed, uploads, "uploads were left")
	if output == "s3" {
		assert.Positive(t, uploads, "an upload was killed")
	}
	dead := 0
	for what, times := range n.killed {
		if !strings.HasPrefix(what, "none") {
			dead += times
		}
	}
	assert.Positive(t, dead)
}
