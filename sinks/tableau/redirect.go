package tableau

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// redirectError is a reply that sends the client elsewhere.
type redirectError struct{ location string }

func (e *redirectError) Error() string { return "redirected" }

// follow decides where a redirected call goes. net/http would turn a POST into a GET and
// send the token along to any host. Here a request goes on unchanged, and never leaves
// the server: the one change of address that is accepted is that of the same host from
// http to https, before a token exists.
func (c *Client) follow(s *session, call call, from *url.URL, location string) (*url.URL, error) {
	refuse := func(format string, args ...any) error {
		failed := c.failed(call, from, &Error{err: fmt.Errorf(format, args...)})
		failed.Hint = "set the server's address to where it redirects to, if you trust that"
		return failed
	}
	if location == "" {
		return nil, refuse("a redirect without a target")
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, refuse("a redirect to something that is not an address")
	}
	sameHost := strings.EqualFold(from.Hostname(), to.Hostname())
	switch {
	case from.Scheme == to.Scheme && strings.EqualFold(from.Host, to.Host):
	case from.Scheme == "https" && to.Scheme != "https":
		return nil, refuse("a redirect from https to %s, which is not followed", to.Scheme)
	case sameHost && from.Scheme == "http" && to.Scheme == "https" && s.token.IsZero():
		s.base = &url.URL{Scheme: to.Scheme, Host: to.Host, Path: s.base.Path}
	default:
		return nil, refuse("a redirect to another server (%s://%s), which is not followed", to.Scheme, to.Host)
	}
	to.User = nil
	return to, nil
}

// isCertificateError says whether TLS failed because the server is not trusted.
func isCertificateError(err error) bool {
	var untrusted *tls.CertificateVerificationError
	return errors.As(err, &untrusted)
}
