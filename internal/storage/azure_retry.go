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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// waiting sends a request again that met what may pass, within the bounds of Retry, and not before the service wants it. It is not
// the library's policy, which counts tries and does not know of time.
type waiting struct{ retry Retry }

// aliveKey is that of a function in a context, which is called at each answer that asks to wait.
type aliveKey struct{}

// Do implements policy.Policy.
func (w waiting) Do(request *policy.Request) (*http.Response, error) {
	ctx := request.Raw().Context()
	alive, _ := ctx.Value(aliveKey{}).(func())
	var failing time.Time
	for tries := 0; ; tries++ {
		if err := request.RewindBody(); err != nil {
			return nil, err
		}
		response, err := w.try(request, alive != nil)
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
			wanted = retryAfter(response.Header)
		}
		if time.Since(failing)+wanted > w.retry.Total {
			return response, err
		}
		if response != nil {
			_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be used again
			_ = response.Body.Close()
		}
		if wanted > 0 {
			w.sleep(ctx, wanted, alive)
			continue
		}
		w.retry.pause(ctx, tries)
	}
}

// try sends a request once. What is answered at once must not be silent for long; who reads or writes much looks after that himself.
func (w waiting) try(request *policy.Request, reads bool) (*http.Response, error) {
	ctx := request.Raw().Context()
	if reads || request.Raw().Method == http.MethodPut {
		response, err := request.Clone(ctx).Next()
		return response, withoutURL(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(w.retry.Stall, func() { cancel(errStalled) })
	defer silent.Stop()
	response, err := request.Clone(ctx).Next()
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return nil, errStalled // not that of a context, which would be the caller's
	}
	return response, withoutURL(err)
}

// sleep waits for that long, and says meanwhile that nobody else has to.
func (w waiting) sleep(ctx context.Context, long time.Duration, alive func()) {
	for end := time.Now().Add(long); time.Until(end) > 0 && ctx.Err() == nil; {
		if alive != nil {
			alive()
		}
		select {
		case <-time.After(min(time.Until(end), w.retry.Stall/2)):
		case <-ctx.Done():
		}
	}
}

// withoutURL keeps the URL of a request out of its error: it may hold a SAS token.
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
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &refused) || errors.As(err, &certificate):
		return false
	case errors.As(err, &unknown):
		return !unknown.IsNotFound
	}
	return true
}
