package storage_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// Of a listing of many pages: how many there are, how many names each has, of which the first is that of a file of Parquet.
const manyPages, namesOfPage = 2_100, 20

// pagesOf are the answers of one service, as it writes them.
type pagesOf struct {
	token             string // parameter that asks for a page
	head, item, folds string // before the items, of one item, and after them, with what stands for the next page
	open              func(url string) *storage.Objects
	bucket            string
}

var (
	pagesOfGCS = pagesOf{
		"pageToken", `{"kind": "storage#objects", "items": [`,
		`{"name": "%s", "size": "1", "generation": "1", "timeCreated": "2026-11-30T00:00:00Z"}`, `], "nextPageToken": "%s"}`,
		func(url string) *storage.Objects {
			return storage.NewGCS(storage.ObjectsOptions{Endpoint: url, Retry: patience})
		}, "gs://lake",
	}
	pagesOfS3 = pagesOf{
		"continuation-token", `<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated>`,
		`<Contents><Key>%s</Key><Size>1</Size><ETag>"1"</ETag><LastModified>2026-11-30T00:00:00Z</LastModified></Contents>`,
		`<NextContinuationToken>%s</NextContinuationToken></ListBucketResult>`,
		func(url string) *storage.Objects {
			return storage.NewS3(storage.ObjectsOptions{Endpoint: url, Retry: patience})
		}, "s3://lake",
	}
	pagesOfAzure = pagesOf{
		"marker", `<?xml version="1.0"?><EnumerationResults><Blobs>`,
		`<Blob><Name>%s</Name><Properties><Content-Length>1</Content-Length><Etag>1</Etag>` +
			`<Last-Modified>Mon, 30 Nov 2026 00:00:00 GMT</Last-Modified></Properties></Blob>`,
		`</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`,
		func(url string) *storage.Objects {
			key := base64.StdEncoding.EncodeToString([]byte("key"))
			return storage.NewAzure(storage.ObjectsOptions{Endpoint: "AccountName=one;AccountKey=" + key + ";BlobEndpoint=" + url, Retry: patience})
		}, "az://lake",
	}
)

// start serves a listing. next says which page follows one, none if it is negative.
func (p pagesOf) start(t *testing.T, next func(page int) int) (*storage.Objects, *atomic.Int64) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		page, _ := strconv.Atoi(r.URL.Query().Get(p.token))
		items := make([]string, namesOfPage)
		for i := range items {
			kind := "text"
			if i == 0 {
				kind = "parquet"
			}
			items[i] = fmt.Sprintf(p.item, fmt.Sprintf("many/%s/%06d-%02d.%s", strings.Repeat("x", 150), page, i, kind))
		}
		separator, following := "", ""
		if strings.HasPrefix(p.head, "{") {
			separator = ","
		}
		if page := next(page); page >= 0 {
			following = strconv.Itoa(page)
		}
		head, end := p.head, fmt.Sprintf(p.folds, following)
		if following == "" {
			head = strings.Replace(head, ">true<", ">false<", 1)
		}
		_, _ = fmt.Fprint(w, head, strings.Join(items, separator), end) // the client may have gone
	}))
	t.Cleanup(server.Close)
	return p.open(server.URL), &requests
}

func listings() map[string]pagesOf {
	return map[string]pagesOf{"GCS": pagesOfGCS, "S3": pagesOfS3, "Azure": pagesOfAzure}
}

// Whatever does not match is forgotten with its page. No other test may run meanwhile, for it looks at the memory of all.
func TestListingsOfManyPages(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for name, service := range listings() {
		t.Run(name, func(t *testing.T) {
			var memory [2]uint64
			store, requests := service.start(t, func(page int) int {
				if at := map[int]int{100: 0, manyPages - 1: 1}; page == 100 || page == manyPages-1 {
					var now runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&now)
					memory[at[page]] = now.HeapAlloc
				}
				if page == manyPages-1 {
					return -1
				}
				return page + 1
			})
			found, err := store.Glob(t.Context(), service.bucket+"/many/*/*.parquet")
			require.NoError(t, err)
			require.Len(t, found, manyPages)
			for page, info := range found {
				require.True(t, strings.HasSuffix(info.URI, fmt.Sprintf("/%06d-00.parquet", page)), info.URI)
			}
			assert.EqualValues(t, manyPages, requests.Load())
			const all = manyPages * namesOfPage * 150 // what the names take alone
			assert.Less(t, int64(memory[1])-int64(memory[0]), int64(all/2))
		})
	}
}

// A service that lists in circles is found out.
func TestListingsThatGoRound(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for name, service := range listings() {
		for kind, back := range map[string]int{"one page": 150, "fifty pages": 101, "all": 1} {
			t.Run(name+", "+kind, func(t *testing.T) {
				store, requests := service.start(t, func(page int) int {
					if page == 150 {
						return back
					}
					return page + 1
				})
				_, err := store.Glob(t.Context(), service.bucket+"/many/*/*.parquet")
				require.ErrorContains(t, err, "lists the same page again and again")
				require.ErrorContains(t, err, service.bucket)
				assert.NotEmpty(t, storage.Hint(err))
				assert.Less(t, requests.Load(), int64(1000))
			})
		}
	}
}
