package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// mostDrained is how many bytes of an answer that is not used are read, so that its connection can be used again.
const mostDrained = 64 << 10

// waitOut sends a request, which send does once, again and again while it meets what may pass, within the bounds of Retry, and
// not before the service wants it. alive, which may be nil, is called at each answer that asks to wait.
func (r Retry) waitOut(ctx context.Context, alive func(), send func() (*http.Response, error)) (*http.Response, error) {
	var failing time.Time
	for tries := 0; ; tries++ {
		response, err := send()
		if ctx.Err() != nil || !mayPass(response, err) {
			return response, err
		}
		if alive != nil {
			alive()
		}
		if failing.IsZero() {
			failing = time.Now()
		}
		wanted := time.Duration(0)
		if response != nil {
			wanted = RetryAfter(response.Header)
		}
		if time.Since(failing)+wanted > r.Total {
			return response, err
		}
		if response != nil {
			_, _ = io.CopyN(io.Discard, response.Body, mostDrained) // what is wrong with it does not matter
			_ = response.Body.Close()
		}
		if wanted > 0 {
			r.sleep(ctx, wanted, alive)
			continue
		}
		r.pause(ctx, tries)
	}
}

// sleep waits for that long, and says meanwhile that nobody else has to.
func (r Retry) sleep(ctx context.Context, long time.Duration, alive func()) {
	for end := time.Now().Add(long); time.Until(end) > 0 && ctx.Err() == nil; {
		if alive != nil {
			alive()
		}
		select {
		case <-time.After(min(time.Until(end), r.Stall/2)):
		case <-ctx.Done():
		}
	}
}

// unlessSilent sends a request that is answered at once, and ends it where it is not. The context of send ends with it, so that the
// content of the answer must be read, if there is one.
func (r Retry) unlessSilent(ctx context.Context, send func(context.Context) (*http.Response, error)) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(r.Stall, func() { cancel(errStalled) })
	defer silent.Stop()
	response, err := send(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return nil, errStalled // not that of a context, which would be the caller's
	}
	return response, err
}

// newTransport is the usual one, for many requests to one host, and leaves what has a content encoding as it is.
func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 4 * maxRequests
	transport.DisableCompression = true
	return transport
}

// withoutURL keeps the URL of a request out of its error: it may hold a SAS token, or another signature.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// mayPass says whether what became of a request may be different soon.
func mayPass(response *http.Response, err error) bool {
	if err != nil {
		return networkMayRecover(err)
	}
	return statusMayPass(response.StatusCode)
}

func statusMayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func networkMayRecover(err error) bool {
	var refused interface{ NonRetriable() } // credentials, above all
	var known hinted
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &known):
		return known.transient
	case errors.As(err, &refused) || errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch):
		return false
	case errors.As(err, &unknown):
		return !unknown.IsNotFound
	}
	return true
}
