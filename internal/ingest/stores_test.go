package ingest_test

import (
	"testing"

	"hyperlake/internal/storage/storagetest"
)

// stores are the kinds of remote storage that this process can start, by their schemes.
var stores = map[string]func(testing.TB) (bucketURI string, faults *storagetest.Faults){"gs": storagetest.FakeGCS}

// onEachStore runs a test on each kind of remote storage.
func onEachStore(t *testing.T, test func(t *testing.T, bucket string, faults *storagetest.Faults)) {
	for scheme, start := range stores {
		t.Run(scheme, func(t *testing.T) {
			bucket, faults := start(t)
			test(t, bucket, faults)
		})
	}
}
