package tableau

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hyperlake/internal/trace"
)

const (
	tokenHeader   = "X-Tableau-Auth"
	userAgent     = "hyperlake"
	maxReplyBytes = 64 << 20
	maxRedirects  = 5
)

// call is a request of the API in a form that can be sent again.
type call struct {
	action string // for messages: what it does
	method string
	path   string // below /api/VERSION; {site} stands for the id of the site
	query  url.Values
	header http.Header
	body   *body // nil: empty
	// repeatable says that sending it again is harmless when the first outcome is unknown.
	repeatable bool
	changes    bool          // it changes a data source: that it may have been executed matters
	timeout    time.Duration // of one try, without the time its bytes need; 0: the Client's
	// receive, if it is not nil, takes the body of a reply of success in the place of XML. Each try calls it anew.
	receive func(io.Reader) error
}

// body is what a request sends.
type body struct {
	contentType string
	size        int64
	open        func() io.ReadCloser // from the start; each reader is used once
	// failed returns why the last opened reader could not be read, which is not the network's fault.
	failed func() error
}

func xmlBody(content []byte) *body {
	return &body{
		contentType: "text/xml",
		size:        int64(len(content)),
		open:        func() io.ReadCloser { return io.NopCloser(bytes.NewReader(content)) },
		failed:      func() error { return nil },
	}
}

// do sends a call as the signed-in user, with the retries of retry.go, and with one new
// sign-in when the token is not accepted. What a later try is told does not undo an earlier
// one: the failure of a change that an earlier try may have made is a *doubtedError.
func (c *Client) do(ctx context.Context, call call) (*response, error) {
	var doubt error
	reply, err := c.doTrying(ctx, call, func(failed error) {
		if doubt == nil && inDoubt(failed) {
			doubt = failed
		}
	})
	if err != nil && doubt != nil && !inDoubt(err) {
		err = &doubtedError{err: err, doubt: doubt}
	}
	return reply, err
}

// doTrying is do, but tells of each failure instead of remembering it.
func (c *Client) doTrying(ctx context.Context, call call, failed func(error)) (*response, error) {
	retries, renewed := retries{repeatable: call.repeatable}, false
	for {
		s, err := c.session(ctx)
		if err != nil {
			return nil, err
		}
		reply, err := c.try(ctx, s, call)
		if err == nil {
			return reply, nil
		}
		failed(err)
		if IsUnauthorized(err) && !renewed {
			renewed = true
			if err := c.renew(ctx, s); err != nil {
				return nil, err
			}
			continue
		}
		if err := c.backOff(ctx, err, retries.next); err != nil {
			return nil, err
		}
	}
}

// doUnsigned is do for the calls that need no token.
func (c *Client) doUnsigned(ctx context.Context, s *session, call call) (*response, error) {
	retries := retries{repeatable: call.repeatable}
	for {
		reply, err := c.try(ctx, s, call)
		if err == nil {
			return reply, nil
		}
		if err := c.backOff(ctx, err, retries.next); err != nil {
			return nil, err
		}
	}
}

// backOff waits as long as next says before what failed is tried again; it returns why it
// must not be.
func (c *Client) backOff(ctx context.Context, failed error, next func(error) (time.Duration, bool)) error {
	wait, again := next(failed)
	if !again || ctx.Err() != nil {
		return failed
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return failed
	}
	c.log().Warn("request to Tableau failed, trying again", "error", failed.Error(), "wait", wait.String())
	if err := c.Wait(ctx, wait); err != nil {
		return fmt.Errorf("%w; before: %w", err, failed)
	}
	return nil
}

// try sends a call once, following redirects that stay at the server.
func (c *Client) try(ctx context.Context, s *session, call call) (*response, error) {
	target := s.url(call)
	for hop := 0; ; hop++ {
		started := time.Now()
		asking, span := trace.StartRequest(ctx, call.method+" "+call.template(), call.attributes(target)...)
		reply, err := c.exchange(asking, s, call, target)
		endRequest(span, reply, err)
		c.log().Debug("request to Tableau", "method", call.method, "path", c.scrub(target.Path),
			"seconds", time.Since(started).Seconds(), "ok", err == nil)
		var redirect *redirectError
		if !errors.As(err, &redirect) {
			return reply, err
		}
		if hop == maxRedirects {
			return nil, c.failed(call, target, &Error{err: fmt.Errorf("more than %d redirects", maxRedirects), Hint: addressHint})
		}
		if target, err = c.follow(s, call, target, redirect.location); err != nil {
			return nil, err
		}
	}
}

// exchange sends one request and reads its reply. It fails with an *Error or, when the
// reply is a redirect, with a *redirectError.
func (c *Client) exchange(ctx context.Context, s *session, call call, target *url.URL) (*response, error) {
	bounded, patience := patient(ctx, c.timeoutOf(call))
	defer patience.stop()
	request, err := newRequest(bounded, s, call, target)
	if err != nil {
		return nil, c.failed(call, target, &Error{err: err, Hint: addressHint})
	}
	raw, err := c.transport.Do(request)
	if err != nil {
		return nil, c.lost(ctx, call, target, err)
	}
	defer raw.Body.Close()
	switch {
	case raw.StatusCode/100 == 3:
		return nil, &redirectError{location: raw.Header.Get("Location")}
	case call.receive != nil && raw.StatusCode/100 == 2:
		return c.stream(ctx, call, target, raw, patience)
	}
	content, err := io.ReadAll(io.LimitReader(raw.Body, maxReplyBytes))
	if err != nil && raw.StatusCode/100 == 2 { // the status of a refusal says enough
		return nil, c.lost(ctx, call, target, fmt.Errorf("the reply of status %d broke off: %w", raw.StatusCode, err))
	}
	return c.read(call, target, raw, content)
}

func (c *Client) timeoutOf(call call) time.Duration {
	timeout := call.timeout
	if timeout == 0 {
		timeout = c.requestTimeout()
	}
	if call.body != nil {
		timeout += time.Duration(call.body.size/slowestUpload) * time.Second
	}
	return timeout
}

func newRequest(ctx context.Context, s *session, call call, target *url.URL) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for key, values := range call.header {
		request.Header[key] = values
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "application/xml")
	if !s.token.IsZero() {
		request.Header.Set(tokenHeader, s.token.Reveal())
	}
	if call.body == nil {
		return request, nil
	}
	request.Header.Set("Content-Type", call.body.contentType)
	request.ContentLength = call.body.size
	request.Body = call.body.open()
	request.GetBody = func() (io.ReadCloser, error) { return call.body.open(), nil }
	return request, nil
}

// read makes a response, or an *Error, of a reply that arrived whole.
func (c *Client) read(call call, target *url.URL, raw *http.Response, content []byte) (*response, error) {
	reply := &response{}
	parseErr := xml.Unmarshal(content, reply)
	if raw.StatusCode/100 == 2 {
		reply.status, reply.target = raw.StatusCode, target
		reply.date, _ = http.ParseTime(raw.Header.Get("Date"))
		if parseErr != nil && len(bytes.TrimSpace(content)) > 0 {
			return nil, c.failed(call, target, &Error{
				Status: raw.StatusCode, garbled: true, err: errors.New("the reply is not Tableau's"),
				Hint: addressHint,
			})
		}
		return reply, nil
	}
	failed := &Error{Status: raw.StatusCode, RetryAfter: retryAfter(raw.Header, time.Now())}
	if parseErr == nil && reply.Error != nil {
		failed.Code = c.scrub(reply.Error.Code)
		failed.Summary, failed.Detail = c.scrub(oneLine(reply.Error.Summary)), c.scrub(oneLine(reply.Error.Detail))
	}
	var sent int64
	if call.body != nil {
		sent = call.body.size
	}
	failed.Hint = hintFor(raw.StatusCode, failed.Code, sent)
	c.tellOfWait(failed)
	return nil, c.failed(call, target, failed)
}

// incomplete is the failure of a call whose reply lacks what it is about.
func (c *Client) incomplete(call call, reply *response, what string) error {
	return c.failed(call, reply.target, &Error{Status: reply.status, garbled: true, err: errors.New(what), Hint: addressHint})
}

// lost makes an *Error of a request that had no whole reply.
func (c *Client) lost(ctx context.Context, call call, target *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which Error has
	}
	if call.body != nil {
		if readErr := call.body.failed(); readErr != nil {
			return c.failed(call, target, &Error{err: readErr, Hint: "see that nothing changes the file while it is sent"})
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var dial *net.OpError
	unsent := errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect")
	failed := c.failed(call, target, &Error{err: err, network: true, unsent: unsent})
	failed.Hint = "check the network and the server's address, then repeat it"
	if isCertificateError(err) {
		failed.network = false
		failed.Hint = "the server's certificate is not trusted; name the authority that signed it in ca_file"
	}
	return failed
}

// failed completes an error of a call.
func (c *Client) failed(call call, target *url.URL, e *Error) *Error {
	e.Action, e.Method, e.Path, e.changes = call.action, call.method, c.scrub(target.RequestURI()), call.changes
	if e.err != nil {
		if text := e.err.Error(); c.scrub(text) != text {
			e.err = errors.New(c.scrub(text))
		}
	}
	return e
}

// url is where a call goes.
func (s *session) url(call call) *url.URL {
	target := *s.base
	target.RawPath = s.base.EscapedPath() + "/api/" + s.version.String() + strings.ReplaceAll(call.path, "{site}", url.PathEscape(s.siteID))
	target.Path, _ = url.PathUnescape(target.RawPath) // it was escaped here
	target.RawQuery = call.query.Encode()
	return &target
}
