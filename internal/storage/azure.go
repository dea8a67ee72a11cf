package storage

import (
	"context"
	"crypto/md5" //nolint:gosec // it finds damage, and keeps nobody out
	"fmt"
	"io/fs"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// azure is the blob storage of Azure, with the accounts, keys and tokens that the environment has, else with whoever the process
// is (see [azidentity.DefaultAzureCredential]).
//
// A version is the ETag of a blob, which the service serves as long as nobody writes the blob, and then never again. Snapshots,
// older versions and what was deleted softly are neither listed nor read nor removed.
type azure struct {
	options   ObjectsOptions
	transport *http.Client

	mostListed *int32 // blobs in one answer; nil is as many as the service likes, which are 5000

	mu      sync.Mutex
	clients map[azureAccount]azureClient
}

// NewAzure returns a Store for az://, abfss:// and https:// that differs from that of [For] in its options, and shares no
// connections with it. Its endpoint is a connection string, instead of that of AZURE_STORAGE_CONNECTION_STRING.
func NewAzure(options ObjectsOptions) *Objects {
	options = options.filled()
	service := &azure{options: options, transport: &http.Client{Transport: newTransport()}, clients: map[azureAccount]azureClient{}}
	return &Objects{service: service, options: options}
}

// container returns the client of a container.
func (a *azure) container(ctx context.Context, bucket string) (*container.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	account, container, err := a.account(bucket)
	if err != nil {
		return nil, err
	}
	client, err := a.connected(account)
	if err != nil {
		return nil, err
	}
	return client.NewContainerClient(container), nil
}

// blob returns the client of a blob.
func (a *azure) blob(ctx context.Context, p address) (*blockblob.Client, error) {
	container, err := a.container(ctx, p.bucket)
	if err != nil {
		return nil, err
	}
	return container.NewBlockBlobClient(p.name), nil
}

// page asks for the metadata as well, which tell folders.
func (a *azure) page(ctx context.Context, bucket string, asked query, token string) (page []entry, next string, err error) {
	in, err := a.container(ctx, bucket)
	if err != nil {
		return nil, "", err
	}
	var marker *string
	if token != "" {
		marker = &token
	}
	include := container.ListBlobsInclude{Metadata: true}
	if !asked.flat {
		pager := in.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
			Prefix: &asked.prefix, Marker: marker, Include: include, MaxResults: a.mostListed,
		})
		found, err := pager.NextPage(ctx)
		if err != nil {
			return nil, "", err
		}
		return azureEntries(found.Segment.BlobItems), valueOf(found.NextMarker), nil
	}
	pager := in.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{
		Prefix: &asked.prefix, Marker: marker, Include: include, MaxResults: a.mostListed,
	})
	found, err := pager.NextPage(ctx)
	if err != nil {
		return nil, "", err
	}
	page = azureEntries(found.Segment.BlobItems)
	for _, folder := range found.Segment.BlobPrefixes {
		page = append(page, entry{folder: valueOf(folder.Name)})
	}
	sort.Slice(page, func(i, j int) bool { return page[i].name+page[i].folder < page[j].name+page[j].folder })
	return page, valueOf(found.NextMarker), nil
}

func azureEntries(items []*container.BlobItem) []entry {
	var entries []entry
	for _, item := range items {
		found := entry{name: valueOf(item.Name), isFolder: valueOf(metadata(item.Metadata, folderKey)) == "true"}
		if about := item.Properties; about != nil {
			found.size, found.modified, found.version = valueOf(about.ContentLength), valueOf(about.LastModified), versionOf((*string)(about.ETag))
		}
		entries = append(entries, found)
	}
	return entries
}

const (
	azureWriteKey = "hyperlake_write" // metadata by which a Writer knows its own blob again; their keys are identifiers
	folderKey     = "hdi_isfolder"    // metadata of a blob that stands for a folder

	directoryIsNotEmpty = bloberror.Code("DirectoryIsNotEmpty") // of accounts with directories
)

// metadata is a value of a blob's metadata. The case of keys is not kept on their way.
func metadata(all map[string]*string, key string) *string {
	for found, value := range all {
		if strings.EqualFold(found, key) {
			return value
		}
	}
	return nil
}

// onlyIf is the condition that a version stands there.
func onlyIf(version string) *blob.AccessConditions {
	tag := azcore.ETag(`"` + version + `"`)
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &tag}}
}

// valueOf is what a pointer of the library points to; it leaves out what the service did not say.
func valueOf[T any](pointer *T) (value T) {
	if pointer != nil {
		value = *pointer
	}
	return value
}

func (a *azure) attributes(ctx context.Context, p address) (entry, error) {
	found, _, err := a.describe(ctx, p)
	return found, err
}

// describe describes a blob, and returns the mark of who wrote it.
func (a *azure) describe(ctx context.Context, p address) (found entry, mark string, err error) {
	client, err := a.blob(ctx, p)
	if err != nil {
		return entry{}, "", err
	}
	about, err := client.GetProperties(ctx, nil)
	if err != nil {
		return entry{}, "", err
	}
	found = entry{
		name: p.name, size: valueOf(about.ContentLength), modified: valueOf(about.LastModified), version: versionOf((*string)(about.ETag)),
		isFolder: valueOf(metadata(about.Metadata, folderKey)) == "true",
	}
	return found, valueOf(metadata(about.Metadata, azureWriteKey)), nil
}

// connect reads a version by the condition that it stands there. One that does not is not found: the service says so of a blob
// that is gone, too.
func (a *azure) connect(ctx context.Context, p address, version string, start, end int64, alive func()) (*answer, error) {
	client, err := a.blob(ctx, p)
	if err != nil {
		return nil, err
	}
	options := &blob.DownloadStreamOptions{}
	if version != "" {
		options.AccessConditions = onlyIf(version)
	}
	switch {
	case end != wholeObject:
		options.Range = blob.HTTPRange{Offset: start, Count: end - start}
	case start > 0:
		options.Range = blob.HTTPRange{Offset: start}
	}
	got, err := client.DownloadStream(context.WithValue(ctx, aliveKey{}, alive), options)
	if wasRefused(err) {
		return nil, fmt.Errorf("the version is gone: %w", fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	found := &answer{ReadCloser: cutting{got.Body}, version: versionOf((*string)(got.ETag)), size: -1}
	if options.Range == (blob.HTTPRange{}) {
		found.size = valueOf(got.ContentLength)
		if len(got.ContentMD5) > 0 {
			found.sum, found.kept = md5.New(), got.ContentMD5 //nolint:gosec // see above
		}
	}
	return found, nil
}

// remove looks again where the version is not there: the answer to an earlier try may have been lost. A folder may have another
// version after each change of what was in it.
func (a *azure) remove(ctx context.Context, p address, version string) error {
	client, err := a.blob(ctx, p)
	if err != nil {
		return err
	}
	if version == "" {
		if _, err = client.Delete(ctx, nil); bloberror.HasCode(err, directoryIsNotEmpty) {
			err = nil
		}
		return err
	}
	_, err = client.Delete(ctx, &blob.DeleteOptions{AccessConditions: onlyIf(version)})
	if !wasRefused(err) {
		return err
	}
	if _, failed := client.GetProperties(ctx, nil); failed != nil {
		return failed
	}
	return err
}

// asInfo describes what a request wrote.
func asInfo(uri string, size int64, tag *azcore.ETag, modified *time.Time) Info {
	return Info{URI: uri, Size: size, Modified: valueOf(modified).UTC(), Version: versionOf((*string)(tag))}
}
