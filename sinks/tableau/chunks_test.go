package tableau_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// throughProxy has the client reach its server through a proxy that refuses larger requests.
func throughProxy(t *testing.T, b *bench, limit int64) *tableau.Client {
	t.Helper()
	target, err := url.Parse(b.URL)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			http.Error(w, "<html>413 Request Entity Too Large</html>", http.StatusRequestEntityTooLarge)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	client := b.newClient()
	client.Server = proxy.URL
	return client
}

// TestHintForTooLargeRequests follows the hint until the file arrives: each time with a client
// that has the chunk_bytes of the hint.
func TestHintForTooLargeRequests(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`set publish\.chunk_bytes to less than the limit, such as (\d+)([km])$`)
	for name, limit := range map[string]int64{"a little": megabyte(8), "a lot": megabyte(1) / 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			file := plainFile(t, megabyte(9))
			b.client = throughProxy(t, b, limit)
			_, failed := b.client.Publish(t.Context(), b.publication(file, tableau.Create))
			require.Error(t, failed, "in one request")
			for tries := 0; failed != nil && tries < 10; tries++ {
				found := said.FindStringSubmatch(tableau.Hint(failed))
				require.NotNil(t, found, tableau.Hint(failed))
				size, err := strconv.ParseInt(found[1], 10, 64)
				require.NoError(t, err)
				again := b.newClient()
				again.Server, again.ChunkBytes = b.client.Server, size<<map[string]int{"k": 10, "m": 20}[found[2]]
				_, failed = again.Publish(t.Context(), b.publication(file, tableau.Create))
			}
			require.NoError(t, failed)
			assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
		})
	}
}

func TestProxyThatTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	client := throughProxy(t, b, 0)
	client.APIVersion = "3.28"
	_, err := client.FindProject(t.Context(), "")
	assert.Contains(t, tableau.Hint(err), "have the limit raised")
}

// TestChunkBytesBoundsRequests sends files around the limits, and counts in how many requests.
func TestChunkBytesBoundsRequests(t *testing.T) {
	t.Parallel()
	const mode = tableau.Overwrite
	for name, test := range map[string]struct {
		chunk, size int64
		chunks      int // 0: in one request
		job         bool
	}{
		"not set, below 64 MB": {0, megabyte(64) - 1, 0, false},
		"not set, 64 MB":       {0, megabyte(64), 2, true},
		"as large as a chunk":  {megabyte(2), megabyte(2), 0, false},
		"a byte more":          {megabyte(2), megabyte(2) + 1, 2, false},
		"64 MB of 64 MB":       {megabyte(64), megabyte(64), 1, true},
		"less than a megabyte": {megabyte(1) / 4, megabyte(1), 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			b.client = b.newClient()
			b.client.ChunkBytes = test.chunk
			published, err := b.client.Publish(t.Context(), b.publication(plainFile(t, test.size), mode))
			require.NoError(t, err)
			assert.Len(t, b.sent(http.MethodPut, "/fileUploads"), test.chunks)
			assert.Equal(t, test.job, published.JobID != "", "as_job: auto goes by the size of the file")
			assert.Equal(t, test.size, b.stored(t).Size)
		})
	}
}
