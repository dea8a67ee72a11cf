//go:build faults

package pipelines_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
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
	"hyperlake/sinks/tableau/tableautest"
)

// itemsTo is a configuration in a new folder that publishes a lake of items, with rejects, to a place.
func itemsTo(t *testing.T, place string, items ...string) (cfg *config.Config, folder string) {
	t.Helper()
	folder = t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "items.parquet"), "["+strings.Join(items, ",")+"]",
		runtest.Field("id", runtest.Int64Type), runtest.Field("name", runtest.TextType))
	return runtest.Configure(t, folder, "name: items\noutput: {path: "+place+"/items.hyper}\ntables:\n  - source: {uri: lake/*.parquet}\n"+
		"    rules: [{column: id, min: 0}]\n    rejects: {path: "+place+"/bad}\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, mode: overwrite}\n"), folder
}

// visible is all that a run leaves for others: every object but the ledgers, and the rows of the data source.
func visible(t *testing.T, s *runtest.Shop, place string) (found []string) {
	t.Helper()
	for _, name := range filesAt(t, place) {
		if !strings.HasPrefix(name, "items.hyperlake/") {
			info, err := storage.Stat(t.Context(), place+"/"+name)
			require.NoError(t, err)
			found = append(found, fmt.Sprintf("%s %s", name, info.Version))
		}
	}
	return append(found, s.Rows()...)
}

// An owner that is stopped for longer than its lease, and comes back when another run has done its work, writes neither the output nor
// rejects nor the data source, wherever it was.
func TestAnOwnerThatComesBack(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	for name, c := range map[string]struct {
		stage, request string
		skip           int    // requests of that kind before it
		waits          string // another request, that waits until it is stopped
	}{
		"as it plans":                   {stage: "plan"},
		"as it loads":                   {stage: "load"},
		"as it checks":                  {stage: "check"},
		"as it moves":                   {stage: "move"},
		"as it publishes":               {stage: "publish"},
		"while it sends the extract":    {request: "/items.hyper"},
		"while it sends the rejects":    {request: "/bad/"},
		"while it renews its own lease": {request: ".items.hyper.lock", skip: 1, waits: "/items.hyper"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			place := bucket + "/out"
			_, folder := itemsTo(t, place, runtest.Item(1, "first"), runtest.Item(-1, "bad"))
			second, _ := itemsTo(t, place, runtest.Item(2, "second"), runtest.Item(-2, "bad"), runtest.Item(-3, "bad"))
			o := &owner{}
			if c.request != "" { // which fails when it is stopped, so that it would be sent again
				started, stopped := make(chan struct{}), make(chan struct{})
				if c.waits != "" {
					faults.Inject(storagetest.Fault{On: storagetest.Write, Name: c.waits, Times: 1, Status: 503, Before: func() { <-stopped }})
				}
				faults.Inject(storagetest.Fault{On: storagetest.Write, Name: c.request, Skip: c.skip, Times: 1, Status: 503, Before: func() {
					<-started
					assert.NoError(t, o.cmd.Process.Signal(syscall.SIGSTOP))
					close(stopped)
				}})
				o = startOwner(t, folder, c.stage, firstRun)
				close(started)
			} else {
				o = startOwner(t, folder, c.stage, firstRun)
			}
			o.waitUntilStopped(t)
			record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
			requireLocked(t, record, err) // it is not known to be dead yet
			_, err = runLocked(t, second, refresh.LockOptions{Lease: shortLease, Wait: time.Minute}, nil)
			require.NoError(t, err)
			before := visible(t, s, place)

			record = o.goOn(t)
			assert.Equal(t, before, visible(t, s, place))
			require.NotNil(t, record.Error, "it takes its run for good")
			assert.Contains(t, record.Error.Message, storage.ErrLeaseLost.Error())
			assert.Equal(t, []string{"2|second"}, s.Rows())
			assert.Equal(t, []string{"2|second"}, runtest.RowsIn(t, runtest.Fetched(t, place+"/items.hyper"), runtest.ExtractRows))
			assert.Len(t, runtest.RejectRows(t, place+"/bad"), 2)
			want := failure.Storage
			if record.Output.SHA256 != "" { // its extract was in place before it was stopped
				want = failure.Publish
			}
			assert.Equal(t, want, record.Error.Kind)
		})
	}
}

// An ingest that is stopped for longer than its lease, and comes back when another one has done its work, changes nothing of it, wherever
// it was: neither rows, nor what is said of them, nor pinned types, nor rejects.
func TestAnIngestThatComesBack(t *testing.T) {
	const text = `name: ids
ingest: [{to: %[1]s/lake/ids, csv: {uri: drop/ids-*.csv}, columns: {id: {type: bigint}}, rejects: {path: %[1]s/bad}}]
tables: [{source: {uri: %[1]s/lake/ids}}]
`
	for name, request := range map[string]string{
		"while it sends rows": "/ingest-", "while it pins types": "/_schema.json", "while it sends rejects": "bad/",
		"while it says which rows there are": "/_ingest.json",
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			folders := [2]string{t.TempDir(), t.TempDir()}
			for i, folder := range folders {
				dropIDs(t, folder, "a", fmt.Sprint(i+1), "x")
				runtest.Configure(t, folder, fmt.Sprintf(text, bucket))
			}
			o, started := &owner{}, make(chan struct{})
			// The request fails when it is stopped, so that it would be sent again.
			faults.Inject(storagetest.Fault{On: storagetest.Write, Name: request, Times: 1, Status: 503, Before: func() {
				<-started
				assert.NoError(t, o.cmd.Process.Signal(syscall.SIGSTOP))
			}})
			o = startOwner(t, folders[0], "", firstRun)
			close(started)
			o.waitUntilStopped(t)
			second := runtest.Configure(t, folders[1], fmt.Sprintf(text, bucket))
			id, err := staging.NewRunID()
			require.NoError(t, err)
			_, err = pipelines.Ingest(t.Context(), second, pipelines.IngestOptions{
				ID: id, Log: slog.New(slog.DiscardHandler), Lock: refresh.LockOptions{Lease: shortLease, Wait: time.Minute},
			})
			require.NoError(t, err)
			before := visibleIn(t, bucket)

			record := o.goOn(t)
			require.NotNil(t, record.Error, "it takes its run for good")
			assert.Contains(t, record.Error.Message, storage.ErrLeaseLost.Error())
			assert.Equal(t, before, visibleIn(t, bucket))
			rejected := runtest.RejectRows(t, bucket+"/bad")
			require.Len(t, rejected, 1)
			assert.Contains(t, rejected[0], folders[1])
		})
	}
}

// visibleIn are the versions of all objects of a bucket.
func visibleIn(t *testing.T, bucket string) (found []string) {
	t.Helper()
	for _, name := range filesAt(t, bucket) {
		info, err := storage.Stat(t.Context(), bucket+"/"+name)
		require.NoError(t, err)
		found = append(found, fmt.Sprintf("%s %s", name, info.Version))
	}
	return found
}

// The lock of a killed owner is free at once where the system keeps it, and when it has expired elsewhere.
func TestAKilledOwner(t *testing.T) {
	runtest.OpenShop(t, tableautest.Config{})
	for name, place := range lockPlaces(t) {
		t.Run(name, func(t *testing.T) {
			_, folder := itemsTo(t, place, runtest.Item(1, "first"))
			second, _ := itemsTo(t, place, runtest.Item(2, "second"))
			o := startOwner(t, folder, "move", firstRun)
			o.waitUntilStopped(t)
			record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
			requireLocked(t, record, err)
			assert.Contains(t, record.Error.Message, "run "+firstRun)
			require.NoError(t, o.cmd.Process.Kill())
			_ = o.cmd.Wait()

			wait := time.Duration(0)
			if !storage.IsLocal(place) {
				record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
				requireLocked(t, record, err)
				wait = time.Minute
			}
			_, err = runLocked(t, second, refresh.LockOptions{Lease: shortLease, Wait: wait}, nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"2|second"}, runtest.RowsIn(t, runtest.Fetched(t, place+"/items.hyper"), runtest.ExtractRows))
			assert.NotContains(t, filesAt(t, place), ".items.hyper.lock")
		})
	}
}

// Where the system keeps the lock, a stopped owner keeps it however long it is stopped, and goes on when it comes back.
func TestAStoppedLocalOwnerKeepsItsLock(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	place := filepath.Join(t.TempDir(), "out")
	_, folder := itemsTo(t, place, runtest.Item(1, "first"))
	second, _ := itemsTo(t, place, runtest.Item(2, "second"))
	o := startOwner(t, folder, "move", firstRun)
	o.waitUntilStopped(t)
	record, err := runLocked(t, second, refresh.LockOptions{Wait: 2 * time.Second}, nil)
	requireLocked(t, record, err)
	record = o.goOn(t)
	assert.Equal(t, report.Succeeded, record.Status, record.Error)
	assert.Equal(t, []string{"1|first"}, s.Rows())
}
