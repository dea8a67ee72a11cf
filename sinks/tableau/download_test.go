package tableau_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	id, folder := made.Datasource.ID, t.TempDir()
	require.NoError(t, b.Append(t.Context(), id, items(t, "(2, 'theirs')")))

	for revision, want := range map[int][]string{0: {"1 one", "2 theirs"}, 1: {"1 one"}} {
		path, err := b.client.Download(t.Context(), id, revision, folder)
		require.NoError(t, err)
		assert.Equal(t, folder, filepath.Dir(path))
		assert.Equal(t, want, rows(t, path))
		require.NoError(t, os.Remove(path))
	}
	assertEmpty(t, folder)

	path, err := b.client.DownloadPackage(t.Context(), id, 1, folder)
	require.NoError(t, err)
	assert.Equal(t, ".tdsx", filepath.Ext(path))
	require.NoError(t, os.Remove(path))

	_, err = b.client.Download(t.Context(), id, 7, folder)
	assert.True(t, tableau.IsNotFound(err), err)
	_, err = b.client.Download(t.Context(), id, 2, folder)
	assert.ErrorContains(t, err, "download revision 2 of the data source "+id)
	b.client.DownloadLimit = 100
	_, err = b.client.Download(t.Context(), id, 0, folder)
	assert.ErrorContains(t, err, "it has more than 100 bytes")
	_, err = b.client.Download(t.Context(), id, 0, filepath.Join(folder, "nowhere"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	assertEmpty(t, folder)
}

func assertEmpty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestDownloadUnderFaults(t *testing.T) {
	t.Parallel()
	content := func(f tableautest.Fault) tableautest.Fault {
		f.Method, f.Path = http.MethodGet, "/content"
		return f
	}
	for name, test := range map[string]struct {
		faults []tableautest.Fault
		tries  int
		fails  string
	}{
		"breaks off again and again": {[]tableautest.Fault{{CutAfter: 10}, {CutAfter: 3000}, {LoseReply: true}}, 4, ""},
		"ill":                        {[]tableautest.Fault{{Status: 503, Times: 2}}, 3, ""},
		"busy":                       {[]tableautest.Fault{{Status: 429, RetryAfter: "3"}}, 2, ""},
		"token ended":                {[]tableautest.Fault{{ExpireToken: true}}, 2, ""},
		"breaks off for good":        {[]tableautest.Fault{{CutAfter: 10, Times: -1}}, 6, "the reply broke off"},
		"refused":                    {[]tableautest.Fault{{Status: 403, Code: "403004"}}, 1, "403004"},
		"a page in its place":        {[]tableautest.Fault{{Status: 200}}, 1, "neither a packaged data source nor a .hyper file"},
		"nothing":                    {[]tableautest.Fault{{Status: 200, Empty: true}}, 1, "neither a packaged data source nor a .hyper file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			file := plainFile(t, megabyte(3))
			made, err := b.client.Publish(t.Context(), b.publication(file, tableau.Create))
			require.NoError(t, err)
			for i, fault := range test.faults {
				test.faults[i] = content(fault)
			}
			b.Inject(test.faults...)
			folder := t.TempDir()
			path, err := b.client.Download(t.Context(), made.Datasource.ID, 0, folder)
			if test.fails == "" {
				require.NoError(t, err)
				assert.Equal(t, sum(t, file), sum(t, path))
				require.NoError(t, os.Remove(path))
			} else {
				assert.ErrorContains(t, err, test.fails)
				assert.NotEmpty(t, tableau.Hint(err))
			}
			assert.Len(t, b.sent(http.MethodGet, "/content"), test.tries)
			assertEmpty(t, folder)
		})
	}
}

// A download may take as long as it likes, but not stand still.
func TestDownloadThatStandsStill(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	behind, err := url.Parse(b.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/content") {
			proxy.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, "Hyper")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(front.Close)
	client := b.newClient()
	client.Server = front.URL
	_, err = client.Projects(t.Context()) // signed in, it has to wait for nothing but the content
	require.NoError(t, err)
	client.RequestTimeout = time.Second
	folder := t.TempDir()
	_, err = client.Download(t.Context(), "some-id", 0, folder)
	require.ErrorContains(t, err, "the reply broke off")
	assert.True(t, tableau.IsTransient(err))
	assertEmpty(t, folder)
}
