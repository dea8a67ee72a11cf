package storage_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// filled is a store of files of a web server that tests fill by another way.
type filled struct {
	storage.Store
	*storagetest.Web
}

func (f filled) name(uri string) string {
	name, err := url.PathUnescape(strings.TrimPrefix(uri, f.URL+"/"))
	if err != nil {
		panic(err)
	}
	return name
}

// Put makes a file behind the server.
func (f filled) Put(_ context.Context, uri string, data []byte) error {
	f.CreateObject(f.name(uri), data)
	return nil
}

// RemoveAll removes a file behind the server.
func (f filled) RemoveAll(_ context.Context, uri string) error {
	f.RemoveObject(f.name(uri))
	return nil
}

// startWeb returns a web server, and clients of it with small limits.
func startWeb(t *testing.T) objectStore {
	server := storagetest.StartWeb(t)
	return objectStore{
		objectServer: server, scheme: "https://", bucket: server.URL, status: "check the network and the server",
		clients: newClients(time.Second, func(retry storage.Retry) storage.Store {
			return filled{storage.NewWeb(storage.ObjectsOptions{Retry: retry, ReadAhead: 2 << 20}), server}
		}),
	}
}

func TestWeb(t *testing.T) {
	t.Parallel()
	storagetest.RunReads(t, func(t *testing.T) (storage.Store, string) {
		server := startWeb(t)
		return server.patient, server.bucket + "/some/folder"
	})
}

func TestWebFiles(t *testing.T) {
	t.Parallel()
	runObjectReads(t, startWeb)
}

func TestWebReaderLeavesNothingRunning(t *testing.T) { testReaderLeavesNothingRunning(t, startWeb) }

// One file is found by its name, and by no other; what is around it nobody asks for.
func TestWebFindsOneFile(t *testing.T) {
	t.Parallel()
	server := startWeb(t)
	for _, name := range []string{"lake/a.parquet", "lake/_b č+%.parquet", "top.parquet"} {
		server.CreateObject(name, []byte(name))
		uri := server.bucket + "/" + (&url.URL{Path: name}).EscapedPath()
		for _, spelled := range []string{uri, strings.Replace(uri, "https://", "HTTPS://", 1), strings.ReplaceAll(uri, "%20", " ")} {
			found, marks, err := server.patient.Search(t.Context(), spelled, []string{"_delta_log/", "metadata/*.json"})
			require.NoError(t, err, spelled)
			require.Len(t, found, 1, spelled)
			assert.Empty(t, marks)
			assert.Equal(t, uri, found[0].URI)
			assert.EqualValues(t, len(name), found[0].Size)
			info, err := server.patient.Stat(t.Context(), spelled)
			require.NoError(t, err)
			assert.Equal(t, found[0].Version, info.Version)
			assert.True(t, info.Modified.Equal(found[0].Modified))
			got, err := server.patient.Get(t.Context(), spelled)
			require.NoError(t, err)
			assert.Equal(t, name, string(got))
		}
	}
	assert.Equal(t, 18, server.Count(storagetest.Stat), "one request for each question")
	for _, name := range []string{"lake", "lake/", "lake/missing.parquet"} {
		_, err := server.patient.Stat(t.Context(), server.bucket+"/"+name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		listed, err := server.patient.List(t.Context(), server.bucket+"/"+name)
		require.NoError(t, err)
		assert.Empty(t, listed)
	}
	found, err := server.patient.Glob(t.Context(), server.bucket+"/lake/missing.parquet")
	require.NoError(t, err)
	assert.Empty(t, found)
}

// What may be a secret, or no file, is refused before anybody is asked. The secret is not repeated.
func TestWebRefusesAddresses(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://me:s3cr3t@example.com/a.parquet":          "no user or password",
		"https://example.com/a.parquet?X-Amz-Sig=s3cr3t":   "a signature behind it is a secret",
		"https://example.com/a.parquet#s3cr3t":             "no ? and no #",
		"https://example.com?sig=s3cr3t":                   "no ? and no #",
		"https://example.com/lake/*.parquet":               "a web server lists no files",
		"https://example.com/lake/[ab].parquet":            "a web server lists no files",
		"https://example.com/lake/{a,b}.parquet":           "a web server lists no files",
		`https://example.com/lake/\*.parquet`:              "a web server lists no files",
		"https://example.com/lake/":                        "this is a folder",
		"https://example.com":                              "this is a folder",
		"https:///a.parquet":                               "the host is missing",
		"https://example.com:x/a.parquet":                  "invalid port",
		"https://example.com/a%zz":                         "invalid URL escape",
		"http://me:s3cr3t@example.com/a.parquet":           "use https://",
		"https://one.blob.core.windows.net/c/a?sig=s3cr3t": "AZURE_STORAGE_SAS_TOKEN",
	} {
		err := storage.Check(uri)
		require.ErrorContains(t, err, want, uri)
		assert.NotContains(t, err.Error(), "s3cr3t", uri)
	}
	for uri, isWeb := range map[string]bool{
		"https://example.com/a b%20c.parquet": true, "https://example.com:8443/a": true, "https://blob.core.windows.net.example.com/c/a": true,
		"https://one.blob.core.windows.net/c/a": false, "https://ONE.dfs.core.windows.net/c/a": false, "s3://b/a": false, "/a": false,
	} {
		require.NoError(t, storage.Check(uri), uri)
		assert.Equal(t, isWeb, storage.ReadOnly(uri), uri)
	}
}

func TestWebIsOnlyRead(t *testing.T) {
	t.Parallel()
	server := startWeb(t)
	server.CreateObject("a", []byte("a"))
	store := storage.NewWeb(storage.ObjectsOptions{Retry: patience})
	uri := server.bucket + "/a"
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	for name, attempt := range map[string]func() error{
		"Put":       func() error { return store.Put(t.Context(), uri, nil) },
		"Create":    func() error { _, err := store.Create(t.Context(), uri, storage.Any()); return err },
		"RemoveAll": func() error { return store.RemoveAll(t.Context(), uri) },
		"Copy":      func() error { _, err := storage.Copy(t.Context(), info, uri, storage.Any()); return err },
	} {
		err := attempt()
		require.ErrorContains(t, err, "a web server is only read from", name)
		require.ErrorContains(t, err, uri, name)
		assert.Contains(t, storage.Hint(err), "s3://", name)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, storage.Download(t.Context(), info, copied))
}

// Without a strong ETag, the time of modification and the size are the version.
func TestWebFileWithoutETag(t *testing.T) {
	t.Parallel()
	server := storagetest.StartWeb(t)
	store := storage.NewWeb(storage.ObjectsOptions{Retry: patience})
	uri, at := server.URL+"/a", time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC)
	for name, replace := range map[string]func(){
		"later":         func() { server.CreateWithoutETag("a", []byte("new"), at.Add(time.Second)) },
		"earlier":       func() { server.CreateWithoutETag("a", []byte("new"), at.Add(-time.Hour)) },
		"another size":  func() { server.CreateWithoutETag("a", []byte("other"), at) },
		"with an ETag":  func() { server.CreateObject("a", []byte("new")) },
		"without a way": func() { server.RemoveObject("a") },
	} {
		server.CreateWithoutETag("a", []byte("old"), at)
		info, err := store.Stat(t.Context(), uri)
		require.NoError(t, err)
		assert.Equal(t, "Mon, 30 Nov 2026 01:02:03 GMT, 3 bytes", info.Version)
		p := make([]byte, 3)
		_, err = open(t, store, info).ReadAt(p, 0)
		require.NoError(t, err)
		assert.Equal(t, "old", string(p))
		replace()
		_, err = open(t, store, info).ReadAt(p[:2], 1)
		if name == "without a way" {
			require.ErrorIs(t, err, fs.ErrNotExist)
			continue
		}
		require.ErrorIs(t, err, storage.ErrChanged, name)
	}
}

// startOdd starts a server that answers as handle says, and has the one file /a of ten bytes.
func startOdd(t *testing.T, handle http.HandlerFunc) (uri string) {
	t.Helper()
	storagetest.StartWeb(t) // which has the certificate trusted
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	return server.URL + "/a"
}

func TestWebRefusesServersThatCannotServeParquet(t *testing.T) {
	t.Parallel()
	const ten = "0123456789"
	serve := func(w http.ResponseWriter, r *http.Request, header ...string) {
		w.Header().Set("ETag", `"1"`)
		for i := 0; i < len(header); i += 2 {
			if w.Header().Set(header[i], header[i+1]); header[i+1] == "" {
				w.Header().Del(header[i])
			}
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(ten))
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   string
	}{
		"no ranges": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			serve(w, r)
		}, "requests for a part of a file (ranges)"},
		"says so": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Content-Length", "10")
				w.Header().Set("Accept-Ranges", "none")
			}
		}, "requests for a part of a file (ranges)"},
		"no length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.(http.Flusher).Flush()
		}, "how long the file is"},
		"no version":   {func(w http.ResponseWriter, r *http.Request) { serve(w, r, "ETag", "") }, "which version of the file it has"},
		"weak version": {func(w http.ResponseWriter, r *http.Request) { serve(w, r, "ETag", `W/"1"`) }, "which version of the file it has"},
		"compressed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			serve(w, r, "Content-Encoding", "gzip")
		}, "content encoding"},
		"no HEAD": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
		}, "405 Method Not Allowed when asked what the file is (HEAD)"},
		"another range": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				r.Header.Set("Range", "bytes=0-1")
			}
			serve(w, r)
		}, "asked for bytes from 4"},
		"another version than was asked for": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-Match") // which not all servers know
			tag := `"1"`
			if r.Header.Get("Range") != "" {
				tag = `"2"`
			}
			serve(w, r, "ETag", tag)
		}, "the file changed after it was listed"},
		"a sign-on": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "401 Unauthorized"},
		"a choice":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMultipleChoices) }, "300 Multiple Choices"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uri := startOdd(t, c.handle)
			store := storage.NewWeb(storage.ObjectsOptions{Retry: patience})
			info, err := store.Stat(t.Context(), uri)
			if err == nil {
				_, err = open(t, store, info).ReadAt(make([]byte, 3), 4)
			}
			require.ErrorContains(t, err, uri)
			require.ErrorContains(t, err, c.want)
			assert.NotEmpty(t, storage.Hint(err))
		})
	}
}

// A server that sends more than it was asked for, or for ever, is not listened to for longer than that.
func TestWebReadsNoMoreThanItAskedFor(t *testing.T) {
	t.Parallel()
	uri := startOdd(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "10")
			return
		}
		w.Header().Set("Content-Range", "bytes 2-4/10")
		w.WriteHeader(http.StatusPartialContent)
		for range 1000 {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				return
			}
		}
	})
	store := storage.NewWeb(storage.ObjectsOptions{Retry: patience})
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	p := make([]byte, 3)
	_, err = open(t, store, info).ReadAt(p, 2)
	require.NoError(t, err)
	assert.Equal(t, "xxx", string(p))
	_, err = store.Get(t.Context(), uri)
	require.Error(t, err)
}

// Where a file is elsewhere, it is read there: by https, and with nothing of the request before but what was asked for.
func TestWebFollowsRedirects(t *testing.T) {
	t.Parallel()
	want := noise(100_000)
	files := storagetest.StartWeb(t)
	files.CreateObject("real", want)
	var asked []http.Header
	lead := func(to string) string {
		return startOdd(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	}
	noting := startOdd(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Clone())
		http.Redirect(w, r, files.URL+"/real", http.StatusTemporaryRedirect)
	})
	store := storage.NewWeb(storage.ObjectsOptions{Retry: patience})
	uri := lead(noting + "?signature=s3cr3t")
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	got, err := io.ReadAll(io.NewSectionReader(open(t, store, info), 0, info.Size))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	require.NotEmpty(t, asked)
	for _, header := range asked {
		assert.Empty(t, header.Get("Referer"))
		assert.Empty(t, header.Get("Authorization"))
		assert.Empty(t, header.Get("Cookie"))
	}
	assert.Equal(t, info.Version, asked[len(asked)-1].Get("If-Match"))

	plain := httptest.NewServer(files)
	t.Cleanup(plain.Close)
	var ring string
	ring = startOdd(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, ring+"?s3cr3t", http.StatusFound) })
	for to, said := range map[string]string{
		plain.URL + "/real?s3cr3t":                                      "not https://",
		strings.Replace(files.URL, "://", "://me:s3cr3t@", 1) + "/real": "with a user",
		ring: "more than 5 times",
		"https://127.0.0.1:1/real?signature=s3cr3t": "did not recover",
	} {
		impatient := storage.NewWeb(storage.ObjectsOptions{Retry: impatience})
		_, err := impatient.Stat(t.Context(), lead(to))
		require.ErrorContains(t, err, said, to)
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.NotEmpty(t, storage.Hint(err))
	}
}

func TestWebExplainsWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	storagetest.StartWeb(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	other := httptest.NewTLSServer(http.NotFoundHandler()) // the certificate is for 127.0.0.1 and example.com
	t.Cleanup(other.Close)
	store := storage.NewWeb(storage.ObjectsOptions{Retry: impatience})
	for uri, c := range map[string]struct{ said, hint string }{
		strings.Replace(plain.URL, "http:", "https:", 1) + "/a":        {"the server speaks http, not https", "port"},
		strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + "/a": {"certificate", "SSL_CERT_FILE"},
		"https://nobody.invalid/a":                                     {"there is no host nobody.invalid", "resolves the name"},
	} {
		start := time.Now()
		_, err := store.Glob(t.Context(), uri)
		require.ErrorContains(t, err, c.said, uri)
		assert.Contains(t, storage.Hint(err), c.hint, uri)
		assert.False(t, failure.Of(err, failure.Storage).Retry, uri)
		assert.Less(t, time.Since(start), soon)
	}
}

func TestWebWaitsOutTrouble(t *testing.T) {
	t.Parallel()
	server := startWeb(t)
	uri := server.bucket + "/a"
	server.CreateObject("a", noise(1000))
	for _, operation := range []storagetest.Operation{storagetest.Stat, storagetest.Read} {
		attempt := func(store storage.Store) error {
			if operation == storagetest.Stat {
				_, err := store.Glob(t.Context(), uri)
				return err
			}
			_, err := store.Get(t.Context(), uri)
			return err
		}
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusInternalServerError} {
			server.Inject(storagetest.Fault{On: operation, Times: 1, Status: status})
		}
		server.Inject(storagetest.Fault{On: operation, Times: 1, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}})
		server.Inject(storagetest.Fault{On: operation, Times: 1, Pause: time.Minute})
		start := time.Now()
		require.NoError(t, attempt(server.alert), operation)
		assert.GreaterOrEqual(t, time.Since(start), time.Second, operation)
		server.Heal()
		for said, fault := range map[string]storagetest.Fault{
			"503": {Status: http.StatusServiceUnavailable}, "did not recover": {Pause: time.Minute}, "permission denied": {Status: http.StatusForbidden},
		} {
			fault.On = operation
			server.Inject(fault)
			client := server.impatient
			if fault.Pause > 0 {
				client = server.hasty
			}
			err := attempt(client)
			require.ErrorContains(t, err, said, operation)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, fault.Status != http.StatusForbidden, failure.Of(err, failure.Storage).Retry, fmt.Sprint(operation, said))
			server.Heal()
		}
	}
}
