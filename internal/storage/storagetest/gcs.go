package storagetest

import (
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/stretchr/testify/require"
)

const bucket = "lake"

// GCS is an object store that speaks the protocol of Google Cloud Storage on loopback,
// and holds everything in memory. It is fake-gcs-server behind a server of our own, which
// counts requests, injects [Faults], and honours what the former does not: the condition
// of a deletion and of a copy.
//
// It differs from the service in that listings have no delay limits or quotas, and that
// the checksum of an upload in several requests is not verified.
type GCS struct {
	*Faults
	URL    string // for STORAGE_EMULATOR_HOST, here or in another process
	Bucket string // URI of a bucket, empty at first

	fake *fakestorage.Server
}

// StartGCS starts an object store that lives as long as the test.
func StartGCS(t testing.TB) *GCS {
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	require.NoError(t, err)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	t.Cleanup(fake.Stop)
	url, faults := startProxy(t, gcsProtocol{}, fake.HTTPHandler())
	return &GCS{Faults: faults, URL: url, Bucket: "gs://" + bucket, fake: fake}
}

// CreateObject makes an object without a request, whatever its name.
func (g *GCS) CreateObject(name string, data []byte) { g.CreateObjectAt(name, data, time.Now()) }

// CreateObjectAt makes an object as if that had been at another time.
func (g *GCS) CreateObjectAt(name string, data []byte, created time.Time) {
	g.fake.CreateObject(fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: name, Created: created}, Content: data,
	})
}

// FakeGCS starts an object store and makes gs:// lead there for the rest of the test, in
// this process and in those that it starts. A test that runs in parallel with others uses
// [StartGCS] and storage.NewGCS instead.
func FakeGCS(t testing.TB) (bucketURI string, faults *Faults) {
	server := StartGCS(t)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	return server.Bucket, server.Faults
}
