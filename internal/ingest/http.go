package ingest

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// Defaults of [HTTPOptions].
const (
	DefaultMaxPages    = 10_000
	DefaultHTTPTimeout = 2 * time.Minute
)

// HTTPOptions say how an API is read that answers with JSON.
type HTTPOptions struct {
	URL       string            // of the first page
	Method    string            // GET or POST; empty is GET, or POST where there is a Body
	Body      string            // of each request, JSON
	HeaderEnv map[string]string // headers by name, each with the environment variable that has its value; they go to the first host only
	Records   string            // CEL over body: the list of records; empty where the body itself is it
	Next      string            // CEL over body: the address of the next page, or parameters by name; or NextLink; else Page says it
	Page      *PageOptions      // pages by number or offset, until one has no records
	MaxPages  int64             // more are a failure; 0 is DefaultMaxPages
	Timeout   time.Duration     // of one try of a request; 0 is DefaultHTTPTimeout
	Nested    string            // json or flatten, as of JSONLOptions
	AllowHTTP bool              // an address without TLS may be used, also with secrets

	Getenv func(string) string // the environment
	Log    *slog.Logger        // is told of requests that are sent again
	Retry  time.Duration       // without an answer that is good until one gives up; 0 is two minutes
}

// PageOptions say which parameter of the query counts pages or rows.
type PageOptions struct {
	Parameter string
	Start     int64 // of the first page
	Step      int64 // from one page to the next; 0 is 1
}

// at is the parameter's value for a page, from 1.
func (p *PageOptions) at(page int64) int64 { return p.Start + (page-1)*max(p.Step, 1) }

// httpSource reads an API. What Columns has read of it stays for Read.
type httpSource struct {
	options HTTPOptions
	prepare func() error // before anything else
	client  *httpClient
	address *url.URL        // of the first page
	records *bodyExpression // nil where the body is the list
	pages   pages
	began   bool            // the first page was asked for
	first   [][]byte        // its records
	failed  error           // or why there are none
	seen    map[string]bool // keys of the sample
}

// NewHTTP returns the source that an API is. It sends nothing yet. An address, an expression or an environment that cannot be used is the
// error of the source's methods, of kind Config.
func NewHTTP(options HTTPOptions) Source {
	s := &httpSource{options: options}
	s.options.MaxPages = cmp.Or(options.MaxPages, DefaultMaxPages)
	s.prepare = sync.OnceValue(s.check)
	return s
}

// check makes what requests need of the options.
func (s *httpSource) check() (err error) {
	if s.address, err = s.checkedAddress(); err != nil {
		return err
	}
	if s.client, err = newHTTPClient(&s.options, s.address); err != nil {
		return err
	}
	s.pages = pages{options: &s.options, current: s.address, number: 1, seen: map[string]bool{s.address.String(): true}}
	if s.options.Records != "" {
		if s.records, err = compileBody(s.options.Records); err != nil {
			return failure.New(failure.Config, "records: %w", err)
		}
	}
	if s.options.Next != "" && s.options.Next != NextLink {
		if s.pages.next, err = compileBody(s.options.Next); err != nil {
			return failure.New(failure.Config, "next: %w", err)
		}
	}
	return nil
}

// checkedAddress is that of the first page.
func (s *httpSource) checkedAddress() (*url.URL, error) {
	address, err := url.Parse(s.options.URL)
	switch {
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return nil, failure.New(failure.Config, "url is no address of the web").WithHint("write it as https://host/path")
	case address.User != nil:
		return nil, failure.New(failure.Config, "url has a password in it").
			WithHint("name the variable with a header of its own in header_env: {Authorization: VARIABLE}")
	case address.Scheme == "http" && len(s.options.HeaderEnv) > 0 && !s.options.AllowHTTP && !isLoopback(address.Hostname()):
		return nil, failure.New(failure.Config, "everybody on the way to %s could read the headers: it has no TLS", address.Host).
			WithHint("use https, or set allow_http: true")
	}
	if page := s.options.Page; page != nil {
		address = withParameters(address, map[string]string{page.Parameter: formatInt(page.Start)})
	}
	return address, nil
}

// readPage reads the current page, and goes on to the next. It returns the texts of the records, and its number.
func (s *httpSource) readPage(ctx context.Context) (records [][]byte, number int64, err error) {
	number = s.pages.number
	where := show(s.pages.current)
	answer, err := s.client.ask(ctx, s.pages.current)
	if err != nil {
		return nil, number, err
	}
	body, err := decodeBody(answer.text)
	if err != nil {
		return nil, number, failure.New(failure.Source, "%s, page %d is no JSON: %w", where, number, err).
			WithHint("look at what the address answers with; an API that is down often sends a page of text")
	}
	list, err := s.list(ctx, body)
	if err != nil {
		return nil, number, failure.New(failure.Source, "%s, page %d: records: %w", where, number, err).
			WithHint("records has to be the list in the body, such as body.items")
	}
	for _, value := range list {
		record := []byte("null") // which is no record either
		if found, isObject := value.(*object); isObject {
			record = found.text
		}
		records = append(records, record)
	}
	return records, number, s.pages.follow(ctx, answer, body, len(records))
}

// list are the records in a body.
func (s *httpSource) list(ctx context.Context, body any) ([]any, error) {
	if s.records != nil {
		return s.records.records(ctx, body)
	}
	list, isList := body.([]any)
	if !isList {
		return nil, errNoList
	}
	return list, nil
}

// Close implements [Source].
func (s *httpSource) Close() error {
	if s.client != nil {
		s.client.client.CloseIdleConnections()
	}
	return nil
}

// Columns implements [Source]: it reads the first page, and infers types from that.
func (s *httpSource) Columns(ctx context.Context) (*arrow.Schema, error) {
	records, err := s.firstPage(ctx)
	if err != nil {
		return nil, err
	}
	sample := newTexts(0)
	keys := &sampledKeys{texts: sample, index: map[string]int{}}
	reader := newJSONRowReader(s.flattens(), "record", keys, sample)
	for _, record := range records[:min(len(records), sampleRows)] {
		reader.add(s.options.URL, 1, record)
	}
	if len(keys.names) > maxFields {
		return nil, failure.New(failure.Source, "the records have more than %d keys", maxFields).
			WithHint("keys that are data, such as dates, belong in an object: use nested: json").BeforeData()
	}
	if err := sample.checkReadable("records has to be a list of JSON objects"); err != nil {
		return nil, err
	}
	s.seen = keys.seen()
	return keys.infer(s.flattens())
}

func (s *httpSource) flattens() bool { return s.options.Nested == nestedFlatten }

// firstPage are the records of the first page, which is asked for once.
func (s *httpSource) firstPage(ctx context.Context) ([][]byte, error) {
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if !s.began {
		s.began = true
		s.first, _, s.failed = s.readPage(ctx)
	}
	return s.first, s.failed
}

// Read implements [Source].
func (s *httpSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	reader, err := newTextReader(schema)
	if err != nil {
		return Said{}, err
	}
	records, err := s.firstPage(ctx)
	if err != nil {
		return Said{}, err
	}
	s.first = nil
	keys := newPinnedKeys(schema, s.seen)
	said := Said{}
	err = deliver(ctx, sink, func(give func(func() (delivery, error)) error) error {
		for page := int64(1); ; {
			var err error
			said.Rows += int64(len(records))
			for chunk := range chunksOf(records, show(s.address)) {
				number := page
				if err := give(func() (delivery, error) { return chunk.convertPage(reader, keys, s.flattens(), number) }); err != nil {
					return err
				}
			}
			said.By = "the records of " + words.Count(page, "page")
			if s.pages.current == nil {
				return nil
			}
			if records, page, err = s.readPage(ctx); err != nil {
				return err
			}
		}
	})
	return said, err
}

// chunksOf are the records of a page, in chunks that are bounded.
func chunksOf(records [][]byte, address string) iter.Seq[jsonChunk] {
	return func(yield func(jsonChunk) bool) {
		chunk := jsonChunk{file: address, unit: "record"}
		for _, record := range records {
			start := len(chunk.text)
			chunk.text = append(chunk.text, record...)
			chunk.lines = append(chunk.lines, jsonLine{number: 1, start: start, end: len(chunk.text), tooLong: len(record) > maxRow})
			if len(chunk.text) < chunkBytes && len(chunk.lines) < chunkRows {
				continue
			}
			if !yield(chunk) {
				return
			}
			chunk.text, chunk.lines = nil, nil
		}
		if len(chunk.lines) > 0 {
			yield(chunk)
		}
	}
}

// convertPage makes rows of records of a page.
func (c jsonChunk) convertPage(reader *textReader, keys pinnedKeys, flatten bool, page int64) (delivery, error) {
	made, err := c.convert(reader, keys, flatten)
	for i := range made.rejects {
		made.rejects[i].Line, made.rejects[i].Page = 0, page
	}
	return made, err
}
