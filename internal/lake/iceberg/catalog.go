package iceberg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/failure"
)

// Catalog is a table in a REST catalog.
type Catalog struct {
	URI       string // of the catalog, to which /v1 is added
	Table     string // with its namespaces before it, separated by dots
	Warehouse string // of the catalog; may be empty
	Token     string // may be empty; it is in no error, and goes to the host of URI alone
}

const (
	catalogTimeout   = time.Minute
	maxAnswer        = maxMetadata
	namespaceDivider = "\x1f"
)

// Locate asks the catalog where the metadata file of the table is, which [Open] takes as the place. Other settings that
// the catalog has for the table, such as passwords of its storage, are not used.
//
// Failures are of kind Source, known before any data was read; those that may pass, as of a server that is down, may be
// retried. An error of ctx is returned as it is.
func (c Catalog) Locate(ctx context.Context) (place string, err error) {
	names := strings.Split(c.Table, ".")
	if len(names) < 2 || slices.Contains(names, "") {
		return "", failure.New(failure.Source, "the table %q of the catalog %s has no namespace", c.Table, c.place()).
			WithHint("name it as NAMESPACE.TABLE").BeforeData()
	}
	var config struct {
		Defaults  map[string]string `json:"defaults"`
		Overrides map[string]string `json:"overrides"`
	}
	query := url.Values{}
	if c.Warehouse != "" {
		query.Set("warehouse", c.Warehouse)
	}
	if err := c.get(ctx, &config, query, "config"); err != nil {
		return "", err
	}
	prefix := config.Overrides["prefix"]
	if prefix == "" {
		prefix = config.Defaults["prefix"]
	}
	last := len(names) - 1
	parts := []string{"namespaces", strings.Join(names[:last], namespaceDivider), "tables", names[last]}
	if prefix != "" {
		parts = append(strings.Split(prefix, "/"), parts...)
	}
	var table struct {
		Location string `json:"metadata-location"`
	}
	if err := c.get(ctx, &table, url.Values{"snapshots": {"refs"}}, parts...); err != nil {
		return "", err
	}
	place, err = canonical(table.Location)
	if err != nil || place == "" || !isMetadataFile(place) {
		return "", c.failed("it says that the metadata file of %s is %q, which is none", c.Table, table.Location)
	}
	return place, nil
}

// place names the catalog for people, without what may be secret in its URI.
func (c Catalog) place() string {
	at, err := url.Parse(c.URI)
	if err != nil {
		return "whose URI is none"
	}
	return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
}

func (c Catalog) failed(format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "the catalog %s: %w", c.place(), fmt.Errorf(format, args...)).BeforeData()
}

// get asks for what stands below /v1 at the parts of a path.
func (c Catalog) get(ctx context.Context, into any, query url.Values, parts ...string) error {
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	uri := strings.TrimRight(c.URI, "/") + "/v1/" + strings.Join(parts, "/")
	if len(query) > 0 {
		uri += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil || request.URL.Host == "" || request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		return c.failed("its URI is none that can be asked").WithHint("check the catalog's uri: it begins with https:// or http://")
	}
	request.Header.Set("Accept", "application/json")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := http.Client{Timeout: catalogTimeout, CheckRedirect: sameHost}
	answer, err := client.Do(request)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		var inner *url.Error
		if errors.As(err, &inner) { // whose words have the whole URI
			err = inner.Err
		}
		failed := c.failed("%w", err).WithHint("check the catalog's uri, and whether it can be reached from here")
		if errors.Is(err, errRedirect) {
			return failed
		}
		return failed.Retryable()
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return c.refusal(answer)
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return c.failed("its answer is no JSON as a catalog gives it: %w", err).WithHint("check the catalog's uri")
	}
	return nil
}

var errRedirect = errors.New("it sends us to another host, which is not followed")

const maxRedirects = 5

// sameHost follows redirects within a host.
func sameHost(request *http.Request, via []*http.Request) error {
	first := via[0].URL
	if request.URL.Host != first.Host || request.URL.Scheme != first.Scheme || len(via) > maxRedirects {
		return errRedirect
	}
	return nil
}

// refusal is the failure of an answer that is none.
func (c Catalog) refusal(answer *http.Response) error {
	failed := c.failed("it answers %s when asked for %s", answer.Status, c.Table)
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return failed.WithHint("check the token of the catalog, and whether it may read the table")
	case code == http.StatusNotFound:
		return failed.WithHint("check the catalog's uri and table: it is NAMESPACE.TABLE")
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return failed.Retryable()
	}
	return failed
}
