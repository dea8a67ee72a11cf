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

// checkPinned says what is wrong with a pinned version of the API.
func (c *Client) checkPinned() error {
	if c.APIVersion == "" {
		return nil
	}
	pinned, err := ParseVersion(c.APIVersion)
	if err != nil {
		return &Error{Action: "read " + varAPIVersion, err: err, Hint: "write it like 3.28, or unset it"}
	}
	if c.Credentials != nil {
		return checkCredentials(c.Credentials, pinned)
	}
	return nil
}

// checkCredentials refuses credentials that a version of the API does not take.
func checkCredentials(credentials Credentials, spoken Version) error {
	if oldest := credentials.oldestAPI(); spoken.Before(oldest) {
		return &Error{
			Action: "sign in", err: fmt.Errorf("the server speaks version %s of the REST API; these credentials need %s", spoken, oldest),
			Hint: "Tableau Server 2019.4 or newer is needed; if " + varAPIVersion + " is set, raise it",
		}
	}
	return nil
}

// CheckUpdates says what is wrong with sending data updates to a server that speaks that
// version of the API; nothing if it takes them.
func CheckUpdates(spoken Version) []Problem {
	if !spoken.Before(updatesAPI) {
		return nil
	}
	return []Problem{{
		Rule:    RuleUpdates,
		Message: fmt.Sprintf("the server speaks version %s of the REST API, and data updates need %s", spoken, updatesAPI),
		Hint: "Tableau Server 2021.2 or newer is needed; if " + varAPIVersion + " is set, raise it; " +
			"or publish the whole table with mode overwrite",
	}}
}

// RuleUpdates is the rule for servers of data updates.
const RuleUpdates Rule = "the server takes data updates"

// Speaks is the version of the API that the client speaks with a server of that kind: the
// pinned one, or the newest that both know.
func (c *Client) Speaks(info ServerInfo) Version {
	if pinned, err := ParseVersion(c.APIVersion); err == nil {
		return pinned
	}
	if newestAPI.Before(info.API) {
		return newestAPI
	}
	return info.API
}

// negotiate chooses the version of the API: the pinned one, or the newest that the
// server and this package know.
func (c *Client) negotiate(ctx context.Context, s *session) error {
	if c.APIVersion != "" {
		s.version = c.Speaks(ServerInfo{})
		return nil
	}
	info, err := c.serverInfo(ctx, s)
	if err == nil {
		s.version = c.Speaks(info)
	}
	return err
}
