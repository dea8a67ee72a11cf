package storage_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
)

// regions is a service whose buckets are in regions of their own, and have whatever object is asked for.
type regions struct {
	of    map[string]string                                           // by bucket
	tells func(w http.ResponseWriter, r *http.Request, region string) // answers a request for another region

	mu      sync.Mutex
	refused map[string]int // requests for another region, by bucket
	served  map[string]int
}

// signedFor is the region that a request was signed for.
func signedFor(r *http.Request) string {
	parts := strings.Split(r.Header.Get("Authorization"), "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

func (s *regions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	region, isRight := s.of[bucket], s.of[bucket] == signedFor(r)
	if isRight {
		s.served[bucket]++
	} else {
		s.refused[bucket]++
	}
	s.mu.Unlock()
	switch {
	case !isRight:
		_, _ = io.Copy(io.Discard, r.Body) // else the connection is cut as well
		s.tells(w, r, region)
	case name == "" && r.Method == http.MethodGet:
		_, _ = fmt.Fprint(w, `<ListBucketResult><Contents><Key>a.parquet</Key><Size>4</Size><ETag>"1"</ETag></Contents></ListBucketResult>`)
	case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
		_, _ = fmt.Fprint(w, `<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`)
	case r.Method == http.MethodPost:
		_, _ = fmt.Fprint(w, `<CompleteMultipartUploadResult><ETag>"2"</ETag></CompleteMultipartUploadResult>`)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		_, _ = fmt.Fprint(w, `<CopyPartResult><ETag>"1"</ETag></CopyPartResult>`)
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		_, _ = io.Copy(io.Discard, r.Body) // the client sees whether all came
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", "4")
		switch r.Method {
		case http.MethodGet:
			_, _ = fmt.Fprint(w, "text")
		case http.MethodPut:
			w.Header().Del("Content-Length")
		}
	}
}

// redirects is the usual answer: it names the region.
func redirects(w http.ResponseWriter, _ *http.Request, region string) {
	w.Header().Set("X-Amz-Bucket-Region", region)
	w.WriteHeader(http.StatusMovedPermanently)
	_, _ = fmt.Fprint(w, `<Error><Code>PermanentRedirect</Code></Error>`)
}

// complains is an answer that names no region, but to the question for it.
func complains(w http.ResponseWriter, r *http.Request, region string) {
	if r.Method == http.MethodHead && strings.Count(r.URL.Path, "/") == 1 {
		w.Header().Set("X-Amz-Bucket-Region", region)
	}
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprint(w, `<Error><Code>AuthorizationHeaderMalformed</Code></Error>`)
}

// badRequest is the answer to a HEAD, which has no content.
func badRequest(w http.ResponseWriter, _ *http.Request, region string) {
	w.Header().Set("X-Amz-Bucket-Region", region)
	w.WriteHeader(http.StatusBadRequest)
}

func startRegions(t *testing.T, tells func(http.ResponseWriter, *http.Request, string)) (*regions, *storage.Objects) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "us-west-2")
	server := &regions{
		of:    map[string]string{"near": "us-west-2", "far": "eu-west-3", "farther": "ap-southeast-2", "nowhere": "evil.example.com/"},
		tells: tells, refused: map[string]int{}, served: map[string]int{},
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	return server, storage.NewS3(storage.ObjectsOptions{Endpoint: listening.URL, Retry: patience, Chunk: 5 << 20})
}

// Buckets of several regions are read and written in one run: the first request to each finds out where it is.
func TestS3BucketsOfSeveralRegions(t *testing.T) {
	for name, tells := range map[string]func(http.ResponseWriter, *http.Request, string){
		"redirected": redirects, "complained": complains, "a bad request": badRequest,
	} {
		for first, ask := range map[string]func(store *storage.Objects, bucket string) error{
			"list": func(s *storage.Objects, bucket string) error { _, err := s.Glob(t.Context(), bucket+"/*"); return err },
			"stat": func(s *storage.Objects, bucket string) error {
				_, err := s.Stat(t.Context(), bucket+"/a.parquet")
				return err
			},
			"read": func(s *storage.Objects, bucket string) error {
				_, err := s.Get(t.Context(), bucket+"/a.parquet")
				return err
			},
			"write": func(s *storage.Objects, bucket string) error { return s.Put(t.Context(), bucket+"/b", []byte("text")) },
			"upload": func(s *storage.Objects, bucket string) error {
				return s.Put(t.Context(), bucket+"/b", make([]byte, 11<<20))
			},
			"remove": func(s *storage.Objects, bucket string) error { return s.RemoveAll(t.Context(), bucket+"/a.parquet") },
		} {
			if name == "complained" && first == "stat" {
				continue // no content, so no code: that is the bad request
			}
			t.Run(name+" "+first, func(t *testing.T) {
				server, store := startRegions(t, tells)
				for _, bucket := range []string{"near", "far", "farther", "near", "far"} {
					require.NoError(t, ask(store, "s3://"+bucket), bucket)
				}
				assert.Zero(t, server.refused["near"])
				for _, bucket := range []string{"far", "farther"} {
					assert.LessOrEqual(t, server.refused[bucket], 2, "once, and perhaps once for the question where it is")
					assert.Positive(t, server.served[bucket])
				}
			})
		}
	}
}

func TestS3RequestsAtOnceFindTheRegion(t *testing.T) {
	server, store := startRegions(t, badRequest)
	var group errgroup.Group
	for range 20 {
		group.Go(func() error { _, err := store.Stat(t.Context(), "s3://far/a.parquet"); return err })
	}
	require.NoError(t, group.Wait())
	assert.Equal(t, 20, server.served["far"])
}

// What is told as a region becomes part of the name of a host, and has to look like one.
func TestS3DoesNotFollowToNoRegion(t *testing.T) {
	server, store := startRegions(t, redirects)
	_, err := store.Glob(t.Context(), "s3://nowhere/*")
	require.ErrorContains(t, err, "the bucket nowhere is in another region")
	assert.Equal(t, 1, server.refused["nowhere"])
	server.of["far"] = "us-west-9"
	_, err = store.Glob(t.Context(), "s3://far/*")
	require.NoError(t, err)
	server.of["far"] = "us-west-10" // each bucket is followed once a request
	server.tells = func(w http.ResponseWriter, r *http.Request, _ string) { redirects(w, r, "us-west-11") }
	_, err = store.Glob(t.Context(), "s3://far/*")
	require.ErrorContains(t, err, "the bucket far is in another region")
	assert.Contains(t, storage.Hint(err), "AWS_REGION=us-west-11")
}
