package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/option"
)

const (
	gcsScheme = "gs"

	// emulatorVariable names a server to use instead of Google's. The library reads it too.
	emulatorVariable = "STORAGE_EMULATOR_HOST"
)

// GCSOptions adjust a [GCS]. The zero value is what users get.
type GCSOptions struct {
	Endpoint  string // base URL of an emulator; "" is that of STORAGE_EMULATOR_HOST, if it is set, else Google's
	Retry     Retry  // how long transient errors are waited out
	ReadAhead int64  // bytes that one Reader holds; 0 is 32 MiB (see [Reader.Prepare])
	Chunk     int    // bytes that one Writer holds, and sends at once; 0 is 8 MiB
}

// GCS is Google Cloud Storage, with the application default credentials of the process.
// Nothing is sent before the first use.
//
// A read names the generation that was listed. A bucket that keeps old versions still
// serves that one after the object was replaced; any other answers that it is gone,
// which is [ErrChanged].
type GCS struct {
	options GCSOptions

	mu      sync.Mutex
	clients map[string]*gcs.Client // by endpoint
}

var _ Store = (*GCS)(nil)

// NewGCS returns a Store that differs from that of [For] in its options, and shares no
// connections with it.
func NewGCS(options GCSOptions) *GCS {
	if options.Retry == (Retry{}) {
		options.Retry = DefaultRetry()
	}
	if options.ReadAhead == 0 {
		options.ReadAhead = 32 << 20
	}
	if options.Chunk == 0 {
		options.Chunk = 8 << 20
	}
	return &GCS{options: options, clients: map[string]*gcs.Client{}}
}

// client returns the client of the endpoint that is set now. Making one fails without
// credentials, and is tried again at the next use.
func (g *GCS) client(ctx context.Context) (*gcs.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	endpoint := g.options.Endpoint
	options := []option.ClientOption{gcs.WithJSONReads(), option.WithUserAgent("hyperlake")}
	if endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint+"/storage/v1/"), option.WithoutAuthentication())
	} else {
		endpoint = os.Getenv(emulatorVariable)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if client, found := g.clients[endpoint]; found {
		return client, nil
	}
	client, err := gcs.NewClient(context.WithoutCancel(ctx), options...) // it outlives this call
	if err != nil {
		return nil, noCredentials(err)
	}
	client.SetRetry(g.options.Retry.options()...)
	g.clients[endpoint] = client
	return client, nil
}

// splitURI returns the bucket and the name of an object.
func splitURI(uri string) (bucket, name string, err error) {
	path, ok := strings.CutPrefix(uri, gcsScheme+"://")
	if !ok {
		return "", "", fmt.Errorf("%s: not a gs:// URI", uri)
	}
	bucket, name, _ = strings.Cut(path, "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%s: the name of the bucket is missing: use gs://bucket/name", uri)
	}
	return bucket, name, nil
}

// bucket returns the bucket of uri, and the name of the object in it.
func (g *GCS) bucket(ctx context.Context, uri string) (*gcs.BucketHandle, string, error) {
	bucket, name, err := splitURI(uri)
	if err != nil {
		return nil, "", err
	}
	client, err := g.client(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", uri, err)
	}
	return client.Bucket(bucket), name, nil
}

// file returns the bucket of uri, and the name of the object in it, which must not be that
// of a folder.
//
// Handles that are derived from one handle of an object share its settings of retries.
// Whoever changes these needs a handle of its own, so the bucket is what is passed on.
func (g *GCS) file(ctx context.Context, uri string) (*gcs.BucketHandle, string, error) {
	bucket, name, err := g.bucket(ctx, uri)
	if err == nil && (name == "" || strings.HasSuffix(name, "/")) {
		err = fmt.Errorf("%s: this is a folder, not a file", uri)
	}
	return bucket, name, err
}

// Stat implements [Store].
func (g *GCS) Stat(ctx context.Context, uri string) (Info, error) {
	bucket, name, err := g.bucket(ctx, uri)
	if err != nil {
		return Info{}, err
	}
	if name != "" && !strings.HasSuffix(name, "/") {
		info, err := g.attributes(ctx, uri, bucket.Object(name))
		if !errors.Is(err, fs.ErrNotExist) {
			return info, err
		}
		name += "/"
	}
	found := name == "" // a bucket is a folder, even an empty one
	query := &gcs.Query{Prefix: name}
	err = g.list(ctx, uri, bucket, query, func(*gcs.ObjectAttrs) bool {
		found = true
		return false
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", uri, fs.ErrNotExist)
	}
	if err != nil {
		return Info{}, err
	}
	return Info{URI: uri, Folder: true}, nil
}

// attributes describes one object.
func (g *GCS) attributes(ctx context.Context, uri string, object *gcs.ObjectHandle) (Info, error) {
	limited, cancel := context.WithTimeout(ctx, g.options.Retry.limit())
	defer cancel()
	attrs, err := object.Attrs(limited)
	if err != nil {
		return Info{}, g.explain(ctx, uri, err)
	}
	return gcsInfo(uri, attrs), nil
}

func gcsInfo(uri string, attrs *gcs.ObjectAttrs) Info {
	return Info{URI: uri, Size: attrs.Size, Modified: attrs.Created.UTC(), Generation: attrs.Generation}
}

// Open implements [Store]. The Reader keeps at most ReadAhead bytes, or 256 KiB for each
// range that is prepared, if that is more.
func (g *GCS) Open(ctx context.Context, info Info) (Reader, error) {
	if info.Generation == 0 {
		return nil, fmt.Errorf("%s: its generation is not known: list it first", info.URI)
	}
	bucket, name, err := g.file(ctx, info.URI)
	if err != nil {
		return nil, err
	}
	return newGCSReader(ctx, g, bucket, name, info), nil
}

// Get implements [Store]. The bytes have the checksum that is kept with the object.
func (g *GCS) Get(ctx context.Context, uri string) ([]byte, error) {
	bucket, name, err := g.file(ctx, uri)
	if err != nil {
		return nil, err
	}
	whole := newBody(ctx, g.options.Retry, bucket.Object(name), 0, wholeObject)
	defer whole.Close()
	data, err := io.ReadAll(whole)
	return data, g.explain(ctx, uri, err)
}
