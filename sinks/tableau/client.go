package tableau

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Limits and defaults of [Client].
const (
	MaxChunkBytes     = 64 << 20 // the server takes no larger chunk
	DefaultChunkBytes = 32 << 20
	// DefaultPayloadLimit is the server's limit for the payload of a data update, unless
	// its administrator changed it.
	DefaultPayloadLimit = 100_000_000

	// singleRequestBytes is the size from which the server wants a file in chunks. Smaller files
	// go in one request, unless ChunkBytes is set below them.
	singleRequestBytes = 64 << 20

	defaultRequestTimeout = 2 * time.Minute
	defaultJobTimeout     = 3 * time.Hour
	syncPublishTimeout    = 30 * time.Minute
	// slowestUpload is the rate, in bytes a second, below which an upload is given up.
	slowestUpload = 64 << 10
)

// Client speaks to one site of one server as one user. Fill it before its first use and
// leave it then; its methods are safe for concurrent use. Concurrent use needs one Client:
// two sessions with one personal access token end each other.
type Client struct {
	// Server is the address, such as https://example.online.tableau.com.
	Server string
	// Site is the contentUrl of the site, as in the browser's address after /site/.
	// Empty is the default site, which Tableau Cloud does not have.
	Site string
	// Credentials are used at the first request that needs them.
	Credentials Credentials
	// APIVersion pins the version of the REST API, such as 3.21. Empty: the newest that
	// both the server and this package know.
	APIVersion string

	// HTTP sends the requests. Redirects are handled by the Client whatever it says.
	// Nil: a transport of its own, which uses the proxies of the environment.
	HTTP *http.Client
	// CAFile names a PEM file of certificate authorities that are trusted besides those
	// of the system. It needs HTTP to be nil.
	CAFile string
	// AllowHTTP permits addresses without TLS, where everybody on the way reads the token.
	AllowHTTP bool

	// ChunkBytes is the most bytes of a file in one request, at most MaxChunkBytes: larger files
	// are sent in chunks of that size. 0: files from 64 MB on are sent in chunks of DefaultChunkBytes.
	ChunkBytes int64
	// RequestTimeout bounds one try of a request, without the time that its bytes need;
	// 0 is two minutes. A publication that is not a job has at least 30 minutes.
	RequestTimeout time.Duration
	// JobTimeout bounds how long a job is waited for; 0 is three hours.
	JobTimeout time.Duration
	// PayloadLimit is the most bytes of the payload of a data update; 0 is
	// DefaultPayloadLimit. See [Client.MostPayload].
	PayloadLimit int64
	// BusyWait bounds how long a change waits in all while somebody else is changing the data source; 0 is about
	// two minutes, and below 0 it does not wait. An append never waits, since it might be its own
	// request, sent twice by a proxy, that it would wait for.
	BusyWait time.Duration
	// DownloadLimit is the most bytes of a download, packed or unpacked; 0 is DefaultDownloadLimit.
	DownloadLimit int64

	// Log is told of requests (debug) and of retries (warn). Nil: nobody is.
	Log *slog.Logger
	// Pause waits between tries, and between questions for the state of a job, unless the context ends.
	// Nil: as long as it is told.
	Pause func(context.Context, time.Duration) error

	setup     sync.Once
	setupErr  error
	transport *http.Client
	origin    *url.URL // of the server, with the path in front of /api
	largeFrom int64    // bytes from which a file is large: sent in chunks, and published as a job

	signing sync.Mutex // held while signing in
	state   sync.Mutex // guards what follows
	current *session
	spoken  []Secret // secrets and tokens so far, as they may stand in the server's texts
}

// Check says what is wrong with the fields of the client, without the network: an address
// that is none or that AllowHTTP does not permit, a CAFile that cannot be used. Every other
// method begins with it. Failures are *[Error]; one without Credentials is not found.
func (c *Client) Check() error { return c.prepare() }

// Address is the server's, in the one form that all its spellings in Server have: with its
// scheme, the host in lower case, and no slash at the end. It is empty where Check fails.
func (c *Client) Address() string {
	if c.prepare() != nil {
		return ""
	}
	return c.origin.String()
}

// prepare makes the transport and checks the fields, once.
func (c *Client) prepare() error {
	c.setup.Do(func() { c.setupErr = c.prepareOnce() })
	return c.setupErr
}

func (c *Client) prepareOnce() error {
	if c.largeFrom == 0 {
		c.largeFrom = singleRequestBytes
	}
	if c.ChunkBytes < 0 || c.ChunkBytes > MaxChunkBytes {
		return misuse("set up the client", "set a smaller chunk_bytes", "chunks may have from 1 to %d bytes, not %d", MaxChunkBytes, c.ChunkBytes)
	}
	var err error
	if c.origin, err = parseServer(c.Server, c.AllowHTTP); err != nil {
		return err
	}
	if err := c.checkPinned(); err != nil {
		return err
	}
	base := c.HTTP
	if base == nil {
		roundTripper, err := newTransport(c.CAFile)
		if err != nil {
			return err
		}
		base = &http.Client{Transport: roundTripper}
	} else if c.CAFile != "" {
		return misuse("set up the client", "add the authorities to the HTTP client", "CAFile has no effect on an injected HTTP client")
	}
	own := *base
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.transport = &own
	return nil
}

// parseServer reads the address of a server. Messages never repeat the address whole: a
// password may stand in it.
func parseServer(server string, allowHTTP bool) (*url.URL, error) {
	fail := func(reason, hint string) error { return misuse("read the server's address", hint, "%s", reason) }
	server = trimAround(server)
	if server == "" {
		return nil, fail("there is none", "set publish.server, or tab_site_url, to an address such as https://example.online.tableau.com")
	}
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	parsed, err := url.Parse(server)
	switch {
	case err != nil || parsed.Host == "":
		return nil, fail("it is not an address", "it must look like https://example.online.tableau.com")
	case parsed.User != nil:
		return nil, fail("it holds a user or password", "credentials belong into the environment")
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return nil, fail("it is of another kind", "it must begin with https://")
	case parsed.Scheme == "http" && !allowHTTP:
		return nil, fail("http is not allowed", "use https://; only allow_http: true permits http, where everybody on the way can read the token")
	case parsed.Fragment != "" || parsed.RawQuery != "":
		return nil, fail("it has more than a host", "the name of the site belongs into publish.site")
	}
	return &url.URL{Scheme: parsed.Scheme, Host: strings.ToLower(parsed.Host), Path: strings.TrimRight(parsed.Path, "/")}, nil
}

func newTransport(caFile string) (http.RoundTripper, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          16,
	}
	if caFile == "" {
		return transport, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, &Error{Action: "read the certificate authorities", err: err, Hint: "check ca_file"}
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, misuse("read the certificate authorities", "ca_file names a file in PEM form", "%s holds no certificate", caFile)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return transport, nil
}

func (c *Client) chunkBytes() int64 { return cmp.Or(c.ChunkBytes, DefaultChunkBytes) }

// inChunks says whether a file of that size is more than one request may hold.
func (c *Client) inChunks(size int64) bool {
	return size >= c.largeFrom || c.ChunkBytes > 0 && size > c.ChunkBytes
}

func (c *Client) requestTimeout() time.Duration {
	return cmp.Or(c.RequestTimeout, defaultRequestTimeout)
}

func (c *Client) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// hide remembers a secret, to keep it out of texts that come from outside.
func (c *Client) hide(secret Secret) {
	if secret.IsZero() {
		return
	}
	c.state.Lock()
	defer c.state.Unlock()
	for _, spelling := range spellings(secret.Reveal()) {
		c.spoken = append(c.spoken, NewSecret(spelling))
	}
}

// scrub removes every secret that was sent or received from a text that came from outside.
func (c *Client) scrub(text string) string {
	c.state.Lock()
	defer c.state.Unlock()
	for _, secret := range c.spoken {
		text = strings.ReplaceAll(text, secret.Reveal(), redacted)
	}
	return text
}

// Wait waits as the client does between tries; see [Client.Pause]. It returns why the context ended before.
func (c *Client) Wait(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
