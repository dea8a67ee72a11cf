package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// maxAnswer is how much of an answer is read, of its head and of its body.
	maxAnswer = 64 << 10

	// longestWait is the longest that a server is obeyed which asks to wait.
	longestWait = 15 * time.Second
)

// request is what is sent to a server.
type request struct {
	url         string // a secret
	contentType string
	body        []byte
}

// refusedError is the answer of a server that did not take a message.
type refusedError struct {
	status int
	wait   time.Duration // that it asks for
}

func (e *refusedError) Error() string {
	text := fmt.Sprintf("the server answers %d %s", e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return text + "; is the address still the right one?"
	}
	if e.status < http.StatusBadRequest {
		return text + ", which is not followed; set the variable to the address where it ends"
	}
	return text
}

// deliver sends a request, again if it may then be taken, but not any more once signalled is closed. Errors do not name the address.
func (n *Notifier) deliver(ctx context.Context, signalled <-chan struct{}, r request) error {
	for try := 0; ; try++ {
		err := n.once(ctx, r)
		if err == nil || try == len(n.limits.pauses) {
			return err
		}
		pause := n.limits.pauses[try]
		if !mayPass(err, &pause) {
			return err
		}
		select {
		case <-signalled:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(pause + rand.N(pause/10+1)):
		}
	}
}

// mayPass says whether a request may be taken when it is sent again, and after which pause.
func mayPass(err error, pause *time.Duration) bool {
	var refused *refusedError
	if errors.As(err, &refused) {
		*pause = max(*pause, refused.wait)
		passes := refused.status >= 500 || refused.status == http.StatusTooManyRequests || refused.status == http.StatusRequestTimeout
		return passes && *pause <= longestWait
	}
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &certificate)
}

// once is one try.
func (n *Notifier) once(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeoutCause(ctx, n.limits.try, fmt.Errorf("no answer within %s", n.limits.try))
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return withoutAddress(err)
	}
	sent.Header.Set("Content-Type", r.contentType)
	sent.Header.Set("User-Agent", "hyperlake")
	answer, err := n.client.Do(sent)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return withoutAddress(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // what it says does not matter
	if answer.StatusCode/100 == 2 {
		return nil
	}
	wait, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // 0 for a date, which is not asked for in seconds' matters
	return &refusedError{answer.StatusCode, time.Duration(min(max(wait, 0), 1<<20)) * time.Second}
}

// withoutAddress is an error of the client without the address that it was sent to.
func withoutAddress(err error) error {
	var ofURL *url.Error
	if errors.As(err, &ofURL) {
		return ofURL.Err
	}
	return err
}
