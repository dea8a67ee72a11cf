package ingest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
	"hyperlake/internal/storage/storagetest"
)

// A run on object storage whose process is stopped right after it has seen that it has the lock, wherever that is, and goes on when another
// run has done its work, changes nothing of it: neither the rows, nor what is said of them, nor the pinned types.
func TestAStoppedRunComesBack(t *testing.T) {
	onEachStore(t, func(t *testing.T, bucket string, _ *storagetest.Faults) {
		for _, first := range []bool{true, false} {
			placed := 0
			for step := 1; ; step++ {
				folder := fmt.Sprintf("%s/lake/%t/%d", bucket, first, step)
				if !first {
					_, err := ingest.Run(t.Context(), entryOf(folder, "before"), &numbers{rows: 7}, ingest.Surroundings{})
					require.NoError(t, err)
				}
				asked := 0
				stopped := func() error {
					if asked++; asked == step {
						_, err := ingest.Run(t.Context(), entryOf(folder, "other"), &numbers{from: 50, rows: 9}, ingest.Surroundings{})
						assert.NoError(t, err)
					}
					return nil
				}
				_, err := ingest.Run(t.Context(), entryOf(folder, "stopped"), &numbers{from: 100, rows: 30}, ingest.Surroundings{Held: stopped})
				if asked < step {
					require.NoError(t, err)
					break
				}
				if err == nil {
					placed++ // before the other one began
				}
				assert.Equal(t, sequence(50, 9), rowsIn(t, folder), "step %d", step)
				assert.Equal(t, []string{"_ingest.json", "_schema.json", "ingest-00000-other.parquet"}, namesIn(t, folder), "step %d", step)
			}
			assert.Equal(t, 1, placed, "only one that was stopped as it removed what was there before has come to its end")
		}
	})
}
