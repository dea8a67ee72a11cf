package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/net/http/httpguts"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

const (
	// mostPage bounds the bytes of one page, which is in memory as a whole.
	mostPage = 32 << 20

	// defaultHTTPRetry is how long an API may be out of order.
	defaultHTTPRetry = 2 * time.Minute

	// mostRedirects is how often an answer may lead to another address.
	mostRedirects = 10
)

var (
	errNoList  = errors.New("the body is no list, and records does not say where one is in it")
	errTooLong = fmt.Errorf("it has more than %d MB", mostPage>>20)
)

// answer is a good answer of an API.
type answer struct {
	text   []byte
	header http.Header
}

// httpClient sends requests to one API, with its secrets to the host where they belong and to no other.
type httpClient struct {
	options *HTTPOptions
	client  *http.Client
	origin  *url.URL    // where secrets belong
	secret  http.Header // not to be shown
}

func newHTTPClient(options *HTTPOptions, origin *url.URL) (*httpClient, error) {
	c := &httpClient{options: options, origin: origin, secret: http.Header{}}
	for name, variable := range options.HeaderEnv {
		value := options.Getenv(variable)
		switch {
		case value == "":
			return nil, failure.New(failure.Config, "the header %s needs the environment variable %s, which is not set", name, variable)
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, failure.New(failure.Config,
				"the environment variable %s for the header %s has characters that no header can have", variable, name).
				WithHint("look for a line break at its end")
		}
		c.secret.Set(name, value)
	}
	c.client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), CheckRedirect: c.checkRedirect}
	return c, nil
}

// IsHeaderName says whether a request can have a header of that name.
func IsHeaderName(name string) bool { return httpguts.ValidHeaderFieldName(name) }

// checkRedirect takes the secrets away from a request that leads elsewhere, and refuses one that gives up TLS.
func (c *httpClient) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > mostRedirects {
		return backoff.Permanent(errors.New("it leads from one address to the next without an end"))
	}
	if via[len(via)-1].URL.Scheme == "https" && request.URL.Scheme == "http" && !c.options.AllowHTTP {
		return backoff.Permanent(errors.New("it leads to an address without TLS"))
	}
	if request.Method != via[0].Method {
		return backoff.Permanent(errors.New("it leads to an address that is to be asked in another way"))
	}
	if !c.isOrigin(request.URL) {
		for name := range c.secret {
			request.Header.Del(name)
		}
	}
	return nil
}

// isOrigin says whether an address is of the host, the port and the protocol that secrets belong to.
func (c *httpClient) isOrigin(address *url.URL) bool {
	return address.Scheme == c.origin.Scheme && portOf(address) == portOf(c.origin) &&
		strings.EqualFold(address.Hostname(), c.origin.Hostname())
}

func portOf(address *url.URL) string {
	return cmp.Or(address.Port(), map[string]string{"https": "443", "http": "80"}[address.Scheme])
}

// ask sends a request until its answer is good, or bad for good. Failures are of kind Source, and say nothing of what was sent.
func (c *httpClient) ask(ctx context.Context, address *url.URL) (*answer, error) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 30 * time.Second
	result, err := backoff.Retry(ctx, func() (*answer, error) { return c.try(ctx, address) },
		backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(cmp.Or(c.options.Retry, defaultHTTPRetry)),
		backoff.WithNotify(func(err error, wait time.Duration) {
			c.options.Log.WarnContext(ctx, "the API is asked again", "address", show(address), "reason", reasonOf(err),
				"after", wait.Round(time.Millisecond).String())
		}))
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return nil, failure.New(failure.Source, "%s: %w", show(address), refused).WithHint("%s", refused.hint())
	}
	return nil, failure.New(failure.Source, "%s: %w", show(address), err).WithHint("check the address and the network")
}

// reasonOf says why a request is sent again.
func reasonOf(err error) string {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.Error()
	}
	return err.Error()
}

// try sends a request once. An error that is not permanent may pass.
func (c *httpClient) try(ctx context.Context, address *url.URL) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.options.Timeout, DefaultHTTPTimeout))
	defer cancel()
	request, err := c.request(ctx, address)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	response, err := c.client.Do(request)
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return nil, backoff.Permanent(withoutAddress(err))
	}
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostPage+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, refusal(response)
	case err != nil:
		return nil, withoutAddress(err)
	case len(text) > mostPage:
		return nil, backoff.Permanent(errTooLong)
	}
	return &answer{text, response.Header}, nil
}

func (c *httpClient) request(ctx context.Context, address *url.URL) (*http.Request, error) {
	method := cmp.Or(c.options.Method, http.MethodGet)
	var body io.Reader
	if c.options.Body != "" {
		method, body = cmp.Or(c.options.Method, http.MethodPost), bytes.NewReader([]byte(c.options.Body))
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "hyperlake")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.isOrigin(address) {
		for name, values := range c.secret {
			request.Header[name] = slices.Clone(values)
		}
	}
	return request, nil
}

// refusedError is an answer that is not good. Its text has nothing of the answer's, which may repeat what was sent.
type refusedError struct{ status int }

// Error is that of error.
func (e *refusedError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the answer was %d %s", e.status, http.StatusText(e.status)))
}

func (e *refusedError) hint() string {
	switch {
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		return "check what the variables in header_env hold, and what that may read"
	case e.status == http.StatusTooManyRequests:
		return "the API still refuses so many requests: run it later, or ask for larger pages"
	case mayPassLater(e.status):
		return "the API is out of order: run it again later"
	}
	return "check the address, the method and the parameters"
}

// refusal is the error of an answer that is not good: one that may pass, after the time that it asks for, or one that stays.
func refusal(response *http.Response) error {
	err := &refusedError{response.StatusCode}
	if !mayPassLater(response.StatusCode) {
		return backoff.Permanent(err)
	}
	if wait := storage.RetryAfter(response.Header); wait > 0 {
		return errors.Join(err, backoff.RetryAfter(int(wait.Seconds()+1)))
	}
	return err
}

func mayPassLater(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// withoutAddress is the error of a request without the address, which may have secrets in its query.
func withoutAddress(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	return err
}

// show is an address as people may see it: without the query, which may hold a key.
func show(address *url.URL) string {
	return (&url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}).String()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func formatInt(number int64) string { return strconv.FormatInt(number, 10) }
