package tableau_test

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

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// stranger is a server that must not learn anything; it keeps all it hears.
type stranger struct {
	*httptest.Server
	mu    sync.Mutex
	heard strings.Builder
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintln(&s.heard, r.Method, r.URL, r.Header, string(content))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRedirectsToOtherServersAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/serverInfo", "/auth/signin", "/projects", "/datasources", "/fileUploads"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(path, status), func(t *testing.T) {
				t.Parallel()
				b, other := newBench(t, tableautest.Config{}), newStranger(t)
				client := b.newClient()
				client.SetLargeFrom(1)
				b.Inject(tableautest.Fault{Path: path, Status: status, Location: other.URL + "/api/3.28/anything", Times: -1})
				_, err := client.Projects(t.Context())
				if err == nil {
					_, err = client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Overwrite))
				}
				require.ErrorContains(t, err, "a redirect to another server")
				assert.False(t, tableau.IsOutcomeUnknown(err))
				assert.Contains(t, tableau.Hint(err), "where it redirects to")
				other.mu.Lock()
				defer other.mu.Unlock()
				assert.Empty(t, other.heard.String())
			})
		}
	}
}

func TestRedirectsOnTheSameServerKeepTheRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, 100)
	for _, status := range []int{301, 302, 303, 307, 308} {
		path := "/api/3.28/sites/" + siteOf(t, b) + "/datasources?overwrite=true"
		b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: status, Location: path})
		_, err := b.client.Publish(t.Context(), b.publication(file, tableau.Overwrite))
		require.NoError(t, err, status)
		assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
	}
}

func TestRedirectsThatNeverEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.Inject(tableautest.Fault{Path: "/projects", Status: 302, Location: "projects", Times: -1})
	_, err := b.client.Projects(t.Context())
	assert.ErrorContains(t, err, "more than 5 redirects")

	b.Inject(tableautest.Fault{Path: "/connections", Status: 302})
	_, err = b.client.Connections(t.Context(), "x")
	assert.ErrorContains(t, err, "a redirect without a target")
}

func TestSignInFollowsTheSameHostToTLS(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	front := tlsFront(t, b)
	for _, path := range []string{"/serverInfo", "/auth/signin"} {
		client := b.newClient()
		client.HTTP = front.Client()
		b.Inject(tableautest.Fault{Path: path, Status: 301, Location: front.URL + "/api/3.28" + path})
		_, err := client.Projects(t.Context())
		require.NoError(t, err, path)
	}
}

func TestRedirectsFromTLSAreNotFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, b.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(front.Close)
	client := b.newClient()
	client.Server, client.HTTP = front.URL, front.Client()
	before := len(b.Requests())
	assert.ErrorContains(t, client.SignIn(t.Context()), "a redirect from https to http")
	assert.Len(t, b.Requests(), before)
}

// siteOf reads the id of the site from a request.
func siteOf(t *testing.T, b *bench) string {
	t.Helper()
	_, rest, found := strings.Cut(b.sent(http.MethodGet, "/projects")[0].Path, "/sites/")
	require.True(t, found)
	id, _, _ := strings.Cut(rest, "/")
	return id
}
