package pipelines_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// On remote storage a night is the same: the extract is known again by its generation, else by its bytes, and fetched once.
func TestNightsOnRemoteStorage(t *testing.T) {
	onEachStore(t, func(t *testing.T, bucket string, faults *storagetest.Faults) {
		n := newNights(t, 5, inFolders)
		place := func(cfg *config.Config) *config.Config {
			cfg.Output.Path = storage.Join(bucket, "out/sales.hyper")
			cfg.Staging = storage.Join(bucket, "stage")
			cfg.Tables[0].Rejects.Path = storage.Join(bucket, "bad")
			return cfg
		}
		night := func(want report.RefreshMode) {
			t.Helper()
			cfg := place(n.configure("changed", 1, ""))
			got, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			assert.Equal(t, want, got.Refresh.Mode, got.Refresh.Reason)
			full := n.configure("full", 1, "")
			all, err := runtest.Run(t, t.Context(), full, nil)
			require.NoError(t, err)
			assert.Equal(t, runtest.ContentsOf(t, full.Output.Path), runtest.ContentsOf(t, runtest.Fetched(t, cfg.Output.Path)))
			assert.Equal(t, runtest.RejectRows(t, full.Tables[0].Rejects.Path), runtest.RejectRows(t, cfg.Tables[0].Rejects.Path))
			assert.Equal(t, accountsOf(all), accountsOf(got))
		}
		night(report.RefreshFull)
		reads := faults.Count(storagetest.Read)
		night(report.RefreshUnchanged)
		t.Log(faults.Count(storagetest.Read)-reads, "reads of a night without changes")
		n.add()
		for _, operation := range []storagetest.Operation{storagetest.Stat, storagetest.Read, storagetest.Write} {
			faults.Inject(storagetest.Fault{On: operation, Status: 503, Times: 2})
		}
		night(report.RefreshChanged)
		n.remove(n.any())
		night(report.RefreshChanged)

		output := storage.Join(bucket, "out/sales.hyper") // written again as it is, it has another generation
		_, err := storage.Upload(t.Context(), runtest.Fetched(t, output), output, storage.Any())
		require.NoError(t, err)
		night(report.RefreshUnchanged)
		require.NoError(t, storage.Put(t.Context(), output, []byte("of somebody else")))
		night(report.RefreshFull)
		require.NoError(t, storage.Put(t.Context(), storage.Join(bucket, "out/sales.hyperlake/last.json"), []byte(`{`)))
		night(report.RefreshFull)

		assert.Empty(t, storagetest.Names(t, storage.Join(bucket, "stage")))
		faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "last.json", Status: 403})
		n.add()
		_, err = runtest.Run(t, t.Context(), place(n.configure("changed", 1, "")), nil)
		require.ErrorContains(t, err, fmt.Sprintf("write the state in %s", storage.Join(bucket, "out/sales.hyperlake")))
		faults.Heal()
		night(report.RefreshChanged)
	})
}
