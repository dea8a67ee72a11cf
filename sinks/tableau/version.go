package tableau

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Version is a version of the REST API, or of Tableau Server: 3.28, 2026.1. The zero
// value is no version.
type Version struct{ Major, Minor int }

// Versions that the client depends on.
var (
	newestAPI     = Version{3, 29} // the newest whose schema this package was compared with
	serverInfoAPI = Version{2, 4}  // the oldest with serverInfo, which every later one answers
	tokensAPI     = Version{3, 6}  // personal access tokens
	updatesAPI    = Version{3, 12} // data updates
)

// ParseVersion reads the first two numbers of a version, such as 3.28 or 2026.1.0. Text that does not begin with two
// is an error that quotes it.
func ParseVersion(text string) (Version, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("version %q is not like 3.28", text)
	}
	major, majorErr := strconv.Atoi(parts[0])
	minor, minorErr := strconv.Atoi(parts[1])
	if majorErr != nil || minorErr != nil || major < 0 || minor < 0 {
		return Version{}, fmt.Errorf("version %q is not like 3.28", text)
	}
	return Version{major, minor}, nil
}

// String is the version as addresses have it.
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// IsZero says whether the version is unknown.
func (v Version) IsZero() bool { return v == Version{} }

// Before says whether v is older than other.
func (v Version) Before(other Version) bool {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor)) < 0
}

// ServerInfo is what a server says about itself to everybody.
type ServerInfo struct {
	Product string  // such as 2026.1.0
	Server  Version // its first two numbers; zero if they cannot be read
	API     Version // the newest REST API that it speaks
}

// ServerInfo asks the server for its version; no sign-in is needed. Failures are *Error.
func (c *Client) ServerInfo(ctx context.Context) (ServerInfo, error) {
	if err := c.prepare(); err != nil {
		return ServerInfo{}, err
	}
	return c.serverInfo(ctx, &session{base: c.origin})
}

func (c *Client) serverInfo(ctx context.Context, s *session) (ServerInfo, error) {
	s.version = serverInfoAPI
	call := call{action: "ask the server for its version", method: http.MethodGet, path: "/serverInfo", repeatable: true}
	reply, err := c.doUnsigned(ctx, s, call)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			e.Hint = "check the server's address; Tableau Server before 10.1 is too old"
		}
		return ServerInfo{}, err
	}
	if reply.ServerInfo == nil {
		return ServerInfo{}, c.incomplete(call, reply, "the reply does not tell the version")
	}
	info := ServerInfo{Product: strings.TrimSpace(reply.ServerInfo.ProductVersion)}
	if info.API, err = ParseVersion(reply.ServerInfo.RESTAPIVersion); err != nil {
		hint := "set " + varAPIVersion + " to a version that the server speaks, such as 3.28"
		return ServerInfo{}, c.failed(call, s.url(call), &Error{err: err, Hint: hint})
	}
	info.Server, _ = ParseVersion(info.Product) // a server may call itself what it likes
	return info, nil
}

// negotiate chooses the version of the API: the pinned one, or the newest that the
// server and this package know.
func (c *Client) negotiate(ctx context.Context, s *session) error {
	if c.APIVersion != "" {
		pinned, err := ParseVersion(c.APIVersion)
		if err != nil {
			return &Error{Action: "read " + varAPIVersion, err: err, Hint: "write it like 3.28, or unset it"}
		}
		s.version = pinned
		return nil
	}
	info, err := c.serverInfo(ctx, s)
	if err != nil {
		return err
	}
	s.version = info.API
	if newestAPI.Before(s.version) {
		s.version = newestAPI
	}
	return nil
}
