package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"hyperlake/internal/environment"
	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// IngestHTTP says which API is asked, and how its pages follow each other.
type IngestHTTP struct {
	// URL is the address of the first page. Required.
	URL string `yaml:"url"`

	// Method is GET or POST. Default: GET, or POST where there is a body.
	Method HTTPMethod `yaml:"method" json:",omitempty"`

	// Body is sent with each request, as JSON. Default: none.
	Body string `yaml:"body" json:",omitempty"`

	// HeaderEnv names headers, each with the variable of the environment that holds its value. They go to the host of the address only.
	HeaderEnv map[string]string `yaml:"header_env" json:",omitempty"`

	// Records is an expression over body, the answer: the list of records, such as body.items. Default: the answer is that list.
	Records string `yaml:"records" json:",omitempty"`

	// Next is an expression over body: the address of the next page, or parameters of the query by name, such as
	// {"cursor": body.cursor}; null or empty at the last page. Or link: the header Link says it. Default: there is one page.
	Next string `yaml:"next" json:",omitempty"`

	// Page counts pages or rows in a parameter of the query, until a page has no records. Default: next says what follows.
	Page *IngestPage `yaml:"page" json:",omitempty"`

	// MaxPages is how many pages there may be; more are a failure. Default: 10000.
	MaxPages int `yaml:"max_pages" json:",omitempty"`

	// Timeout bounds how long one request takes. Default: 2m.
	Timeout Span `yaml:"timeout" json:",omitzero"`

	// Nested says what becomes of objects and lists in records: json or flatten. Default: json.
	Nested NestedText `yaml:"nested" json:",omitempty"`

	// AllowHTTP permits addresses without TLS, where everybody on the way can read what is sent. Default: only this machine's own.
	AllowHTTP bool `yaml:"allow_http" json:",omitempty"`
}

// IngestPage says which parameter of the query counts pages or rows.
type IngestPage struct {
	// Parameter is its name. Required.
	Parameter string `yaml:"parameter"`

	// Start is its value for the first page. Default: 0.
	Start int `yaml:"start" json:",omitempty"`

	// Step is by how much it grows from one page to the next: 1 where it counts pages, their size where it counts rows. Default: 1.
	Step int `yaml:"step" json:",omitempty"`
}

// HTTPMethod is how an API is asked.
type HTTPMethod string

// The ways in which it can be.
const (
	HTTPGet  HTTPMethod = "GET"
	HTTPPost HTTPMethod = "POST"
)

// UnmarshalText reads the word as a configuration gives it.
func (m *HTTPMethod) UnmarshalText(text []byte) error { return words.OneOf(m, text, HTTPGet, HTTPPost) }

// RefuseKey says why secrets do not stand in a configuration.
func (IngestHTTP) RefuseKey(key string) (why string, isKnown bool) {
	switch key {
	case "header", "headers", "token", "auth", "authorization", "password", "api_key":
		return fmt.Sprintf("%s has no place in a configuration, for it is or holds a secret; put the whole value of the header into a "+
			"variable of the environment, and name that: header_env: {Authorization: API_TOKEN}", key), true
	}
	return "", false
}

func (c *Config) checkHTTP(key string, asked *IngestHTTP) error {
	var wrong []error
	address, err := url.Parse(asked.URL)
	switch at := key + ".url"; {
	case asked.URL == "":
		wrong = append(wrong, c.Problem(at, "%s is missing; give the address of the first page, such as url: https://example.com/items", at))
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		wrong = append(wrong, c.Problem(at, "%s must be an address such as https://example.com/items", at))
	case address.User != nil:
		wrong = append(wrong, c.Problem(at, "%s must not hold a password; name the variable with a header of its own in header_env", at))
	}
	if page := asked.Page; page != nil {
		switch at := key + ".page"; {
		case page.Parameter == "":
			wrong = append(wrong, c.Problem(at, "%s.parameter is missing; name the parameter of the query that counts", at))
		case asked.Next != "":
			wrong = append(wrong, c.Problem(at, "%s and next both say what follows a page; remove one", at))
		case c.Written(at+".step") && page.Step < 1:
			wrong = append(wrong, c.Problem(at+".step", "%s.step must be at least 1", at))
		}
	}
	for name, text := range map[string]string{key + ".records": asked.Records, key + ".next": asked.Next} {
		if text == "" || text == ingest.NextLink {
			continue
		}
		if err := ingest.CheckBodyExpression(text); err != nil {
			wrong = append(wrong, c.Problem(name, "%s: %v", name, err))
		}
	}
	if at := key + ".max_pages"; c.Written(at) && asked.MaxPages < 1 {
		wrong = append(wrong, c.Problem(at, "%s must be at least 1", at))
	}
	if at := key + ".body"; asked.Body != "" && asked.Method == HTTPGet {
		wrong = append(wrong, c.Problem(at, "%s has no meaning with the method GET; remove one", at))
	}
	wrong = append(wrong, c.checkSpanOfTime(key+".timeout", asked.Timeout), c.checkHeaders(key+".header_env", asked.HeaderEnv))
	return failure.Join(failure.Config, wrong...)
}

// checkHeaders checks names of headers and variables. Wrong ones are not repeated: they may be what belongs into the variable.
func (c *Config) checkHeaders(key string, headers map[string]string) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at := strictyaml.JoinKey(key, name)
		switch variable := headers[name]; {
		case !ingest.IsHeaderName(name):
			wrong = append(wrong, c.Problem(key, "%s has a name that is none of a header", key))
		case !environmentName.MatchString(variable):
			wrong = append(wrong, c.Problem(at, "%s must be the name of a variable of the environment, made of letters, digits and _, "+
				"and not the value itself", at))
		case environment.IsInherited(variable):
			wrong = append(wrong, c.Problem(at, "%s names %s, which the programs get that a run starts, but headers are secrets; "+
				"take another name", at, variable))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkSpanOfTime refuses spans that are no length of time, such as months.
func (c *Config) checkSpanOfTime(key string, span Span) error {
	if span.Months > 0 {
		return c.Problem(key, "%s must be a time such as 90s, 10m or 2h", key)
	}
	return nil
}

// setHTTPDefaults fills in what is left out.
func (h *IngestHTTP) setHTTPDefaults() {
	h.Nested = cmp.Or(h.Nested, NestedJSON)
	h.MaxPages = cmp.Or(h.MaxPages, ingest.DefaultMaxPages)
	if h.Method == "" && strings.TrimSpace(h.Body) != "" {
		h.Method = HTTPPost
	}
	h.Method = cmp.Or(h.Method, HTTPGet)
}
