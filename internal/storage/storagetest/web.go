package storagetest

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Web is a web server on loopback that speaks https, with a certificate that this process trusts once [StartWeb] was called, and others
// trust by SSL_CERT_FILE. It holds files in memory, and serves them as Go's own server does, with ranges and conditions.
type Web struct {
	*Faults
	URL         string // of the folder of all files, without a slash at its end
	Certificate string // path of a file with the certificate, for SSL_CERT_FILE

	mu    sync.Mutex
	files map[string]webFile
	numOf int // files that were made, which is part of their ETags
}

type webFile struct {
	data     []byte
	modified time.Time
	etag     string
}

// StartWeb starts a web server that lives as long as the test.
func StartWeb(t testing.TB) *Web {
	w := &Web{files: map[string]webFile{}}
	var server *httptest.Server
	start := func(handler http.Handler) *httptest.Server {
		server = httptest.NewTLSServer(handler)
		return server
	}
	w.URL, w.Faults = startProxyBy(t, start, webProtocol{}, w)
	w.Certificate = filepath.Join(t.TempDir(), "certificate.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(w.Certificate, text, 0o600))
	trustOnce.Do(func() { require.NoError(t, trust(w.Certificate)) })
	return w
}

var trustOnce sync.Once

// trust has this process trust a certificate, as one does that is started with SSL_CERT_FILE.
func trust(certificate string) error {
	const variable = "SSL_CERT_FILE"
	before, isSet := os.LookupEnv(variable)
	if err := os.Setenv(variable, certificate); err != nil {
		return err
	}
	_, err := x509.SystemCertPool() // which reads what the system trusts, once in a process
	if isSet {
		return errors.Join(err, os.Setenv(variable, before))
	}
	return errors.Join(err, os.Unsetenv(variable))
}

// CreateObject makes a file, without a request.
func (w *Web) CreateObject(name string, data []byte) {
	w.create(name, data, time.Now().Add(-time.Hour), true)
}

// CreateWithoutETag makes a file that was modified at a time, which is all that tells its version.
func (w *Web) CreateWithoutETag(name string, data []byte, modified time.Time) {
	w.create(name, data, modified, false)
}

func (w *Web) create(name string, data []byte, modified time.Time, tagged bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	file := webFile{data: bytes.Clone(data), modified: modified}
	if w.numOf++; tagged {
		file.etag = fmt.Sprintf(`"%x-%d"`, len(data), w.numOf)
	}
	w.files[name] = file
}

// RemoveObject removes a file, without a request.
func (w *Web) RemoveObject(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.files, name)
}

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	file, found := w.files[strings.TrimPrefix(r.URL.Path, "/")]
	w.mu.Unlock()
	switch {
	case r.Method != http.MethodHead && r.Method != http.MethodGet:
		http.Error(out, "only for reading", http.StatusMethodNotAllowed)
		return
	case !found:
		http.NotFound(out, r)
		return
	}
	if file.etag != "" {
		out.Header().Set("ETag", file.etag)
	}
	out.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(out, r, "", file.modified, bytes.NewReader(file.data))
}

// webProtocol is that of web servers.
type webProtocol struct{}

func (webProtocol) classify(r *http.Request) (Operation, string) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch r.Method {
	case http.MethodHead:
		return Stat, name
	case http.MethodGet:
		return Read, name
	}
	return Write, name
}

func (webProtocol) refuse(w http.ResponseWriter, status int, _ string) {
	http.Error(w, http.StatusText(status), status)
}

func (webProtocol) allows(http.ResponseWriter, *http.Request, http.Handler) bool { return true }
