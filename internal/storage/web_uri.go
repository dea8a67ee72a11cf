package storage

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// locateWeb finds what a URL names on a web server: the host, with its port if that is none of https, is the bucket, and the name is the
// path, escaped in the one way of [url.URL.EscapedPath]. What may hold a secret is refused, and not repeated.
func locateWeb(uri string) (address, error) {
	scheme, rest, _ := strings.Cut(uri, "://")
	host, _, _ := strings.Cut(rest, "/")
	switch {
	case !strings.EqualFold(scheme, httpsScheme):
		return address{}, fmt.Errorf("%s: not an https:// URL", uri)
	case strings.Contains(host, "@"):
		return address{}, errors.New("a URL https:// holds no user or password: no credentials are sent to web servers")
	case strings.ContainsAny(rest, "?#"):
		return address{}, errors.New("a URL https:// has no ? and no #: a signature behind it is a secret, and a pattern needs a server that " +
			"lists files; name one file, or use s3://, gs:// or az:// with credentials of the environment")
	case strings.ContainsAny(rest, `*[]{}\`):
		return address{}, fmt.Errorf("%s: a web server lists no files, so that no pattern can be looked for: name each file "+
			"(%%2A, %%5B, %%7B stand for * [ { in a name), or use s3://, gs:// or az://", uri)
	}
	at, err := url.Parse(httpsScheme + "://" + rest)
	if err != nil {
		return address{}, fmt.Errorf("%s: %w", uri, withoutURL(err))
	}
	if at.Hostname() == "" {
		return address{}, fmt.Errorf("%s: the host is missing: use https://HOST/PATH", uri)
	}
	return address{strings.TrimSuffix(strings.ToLower(at.Host), ":443"), strings.TrimPrefix(at.EscapedPath(), "/")}, nil
}

// isAccountURL says whether a URL is of Azure's storage.
func isAccountURL(uri string) bool {
	_, rest, _ := strings.Cut(uri, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return azureHost.MatchString(strings.ToLower(rest))
}
