package storage

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"sync"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
)

const (
	gcsScheme = "gs"
	pageSize  = 1000 // objects in one answer; the service's own limit

	// emulatorVariable names a server to use instead of Google's. The library reads it too.
	emulatorVariable = "STORAGE_EMULATOR_HOST"
)

// google is Google Cloud Storage, with the application default credentials of the process.
//
// A read names the generation that was listed. A bucket that keeps old versions still
// serves that one after the object was replaced; any other answers that it is gone,
// which is [ErrChanged].
type google struct {
	options ObjectsOptions

	mu      sync.Mutex
	clients map[string]*gcs.Client // by endpoint
}

// NewGCS returns a Store for gs:// that differs from that of [For] in its options, and shares no
// connections with it. The endpoint that it would use otherwise is that of STORAGE_EMULATOR_HOST, if it is set, else Google's.
func NewGCS(options ObjectsOptions) *Objects {
	options = options.filled()
	return &Objects{service: &google{options: options, clients: map[string]*gcs.Client{}}, options: options}
}

// client returns the client of the endpoint that is set now. Making one fails without
// credentials, and is tried again at the next use.
func (g *google) client(ctx context.Context) (*gcs.Client, error) {
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

func (g *google) locate(uri string) (address, error) {
	return locateIn(gcsScheme, uri, "gs://bucket/name")
}

func (g *google) uri(p address) string { return p.uri(gcsScheme) }

// object returns the handle of an object. Handles that are derived from one handle share its settings of retries:
// whoever changes these needs one of his own.
func (g *google) object(ctx context.Context, p address) (*gcs.ObjectHandle, error) {
	client, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	return client.Bucket(p.bucket).Object(p.name), nil
}

// page asks for the attributes that an entry needs.
func (g *google) page(ctx context.Context, bucket string, asked query, token string) (page []entry, next string, err error) {
	client, err := g.client(ctx)
	if err != nil {
		return nil, "", err
	}
	query := &gcs.Query{Prefix: asked.prefix, Projection: gcs.ProjectionNoACL}
	if asked.flat {
		query.Delimiter = "/"
	}
	if err := query.SetAttrSelection([]string{"Name", "Size", "Created", "Generation"}); err != nil {
		return nil, "", err
	}
	var found []*gcs.ObjectAttrs
	next, err = iterator.NewPager(client.Bucket(bucket).Objects(ctx, query), pageSize, token).NextPage(&found)
	for _, attrs := range found {
		page = append(page, gcsEntry(attrs))
	}
	return page, next, err
}

func (g *google) attributes(ctx context.Context, p address) (entry, error) {
	object, err := g.object(ctx, p)
	if err != nil {
		return entry{}, err
	}
	attrs, err := object.Attrs(ctx)
	if err != nil {
		return entry{}, err
	}
	return gcsEntry(attrs), nil
}

func gcsEntry(attrs *gcs.ObjectAttrs) entry {
	if attrs.Prefix != "" {
		return entry{folder: attrs.Prefix}
	}
	return entry{name: attrs.Name, size: attrs.Size, modified: attrs.Created, version: strconv.FormatInt(attrs.Generation, 10)}
}

// generation is the number of a version.
func generation(version string) (int64, error) {
	number, err := strconv.ParseInt(version, 10, 64)
	if err != nil || number <= 0 {
		return 0, fmt.Errorf("%q is no generation of an object", version)
	}
	return number, nil
}

// connect has the library go on where a connection was cut.
func (g *google) connect(ctx context.Context, p address, version string, start, end int64, alive func()) (*answer, error) {
	object, err := g.object(ctx, p)
	if err != nil {
		return nil, err
	}
	if version != "" {
		number, err := generation(version)
		if err != nil {
			return nil, err
		}
		object = object.Generation(number)
	}
	object = object.Retryer(gcs.WithErrorFunc(func(err error) bool {
		alive()
		return gcs.ShouldRetry(err)
	}))
	length := int64(-1)
	if end != wholeObject {
		length = end - start
	}
	reader, err := object.NewRangeReader(ctx, start, length)
	if err != nil {
		return nil, err
	}
	if reader.Attrs.Decompressed || reader.Attrs.ContentEncoding == "gzip" {
		_ = reader.Close() // nobody reads it
		return nil, errEncoded
	}
	found := &answer{ReadCloser: reader, version: strconv.FormatInt(reader.Attrs.Generation, 10), size: reader.Attrs.Size}
	if sum := reader.Attrs.CRC32C; sum != 0 {
		found.sum, found.kept = crc32.New(castagnoli), binary.BigEndian.AppendUint32(nil, sum)
	}
	return found, nil
}

func (g *google) remove(ctx context.Context, p address, version string) error {
	number, err := generation(version)
	if err != nil {
		return err
	}
	object, err := g.object(ctx, p)
	if err != nil {
		return err
	}
	return object.If(gcs.Conditions{GenerationMatch: number}).Delete(ctx)
}
