package publish_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/publish"
)

// What a ledger of the first layout tells is not forgotten.
func TestLedgerOfTheFirstLayout(t *testing.T) {
	s := openTries(t, 20, "mode: append")
	s.requireTry("published", publish.Options{})
	_, text := s.Ledger(s.LedgerFolders()[0])
	var now struct {
		Standing struct {
			Updated string `json:"updated"`
		} `json:"standing"`
		Deliveries []struct {
			Content string `json:"content"`
		} `json:"deliveries"`
	}
	require.NoError(t, json.Unmarshal(text, &now))
	path := s.cfg.Output.Path + ".ledger.json"
	for outcome, want := range map[string]string{"published": "unchanged", "pending": "unknown", "unknown": "unknown"} {
		entry := map[string]any{
			"run_id": "old", "content": now.Deliveries[1].Content, "rows": 20, "mode": "append", "server": s.URL, "site": "marketing",
			"project": "Sales/Nightly", "datasource": "Items", "datasource_id": s.id(), "outcome": outcome, "datasource_updated": now.Standing.Updated,
		}
		elsewhere := map[string]any{"run_id": "b", "mode": "overwrite", "server": s.URL, "project": "Other", "datasource": "Items", "outcome": "published"}
		old, err := json.Marshal(map[string]any{"version": 1, "entries": []any{entry, elsewhere}})
		require.NoError(t, err)
		for _, folder := range s.LedgerFolders() {
			require.NoError(t, os.RemoveAll(folder))
		}
		require.NoError(t, os.WriteFile(path, old, 0o600))
		s.requireTry(want, publish.Options{})
		s.requireRows(20)
	}
	for _, folder := range s.LedgerFolders() {
		require.NoError(t, os.RemoveAll(folder))
	}
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err := s.Publish(s.cfg, publish.Options{})
	require.ErrorContains(t, err, "read the ledger "+path)
}

// A copy of the ledger that is lost or old is made good by the other one.
func TestTwoCopiesOfALedger(t *testing.T) {
	s := openTries(t, 20, "mode: append")
	for _, folder := range s.LedgerFolders() {
		path, before := s.Ledger(folder)
		s.requireTry("published", publish.Options{Force: true})
		require.NoError(t, os.WriteFile(path, before, 0o600))
		s.requireTry("unchanged", publish.Options{})
		require.NoError(t, os.RemoveAll(folder))
		s.requireTry("unchanged", publish.Options{})
		s.requireTry("published", publish.Options{Force: true}) // which writes both
	}
}
