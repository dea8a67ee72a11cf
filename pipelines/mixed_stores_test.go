//go:build stores

package pipelines_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/runtest"
)

// Lake, staging and output are each in a storage of another kind, while requests fail: the extract is the same.
func TestMixedStorage(t *testing.T) {
	local := runtest.Configure(t, t.TempDir(), runtest.RemoteConfig("%LAKE%", "local.hyper", "", 1))
	_, err := runtest.Run(t, t.Context(), local, nil)
	require.NoError(t, err)
	for one, start := range stores {
		for another, startOther := range stores {
			if one == another {
				continue
			}
			t.Run(one+" and "+another, func(t *testing.T) {
				bucket, faults := start(t)
				other, otherFaults := startOther(t)
				runtest.UploadLake(t, bucket)
				for _, staging := range []string{storage.Join(bucket, "stage"), storage.Join(other, "stage")} {
					runInTrouble(t, local.Output.Path, storage.Join(bucket, "lake"), staging, storage.Join(other, "x.hyper"), faults, otherFaults)
					assert.Empty(t, storagetest.Names(t, staging))
				}
			})
		}
	}
}
