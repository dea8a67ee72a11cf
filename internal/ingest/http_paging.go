package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"

	"hyperlake/internal/failure"
)

// NextLink is the Next of an API that names the following page in the header Link, with the relation next (RFC 8288).
const NextLink = "link"

// interruptEvery is after how many steps of a loop an expression looks whether its context has ended.
const interruptEvery = 1000

// bodyExpression is an expression over the body of an answer.
type bodyExpression struct {
	text    string
	program cel.Program
}

// CheckBodyExpression says what is wrong with an expression over the variable body, as far as that can be known without an answer.
func CheckBodyExpression(text string) error {
	_, err := compileBody(text)
	return err
}

func compileBody(text string) (*bodyExpression, error) {
	env, err := cel.NewEnv(cel.Variable("body", cel.DynType), cel.OptionalTypes(), ext.Strings(),
		cel.CustomTypeAdapter(bodyTypes{types.DefaultTypeAdapter}))
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("%s, at character %d", strings.TrimSuffix(first.Message, " (in container '')"), first.Location.Column()+1)
	}
	program, err := env.Program(checked, cel.InterruptCheckFrequency(interruptEvery))
	return &bodyExpression{text, program}, err
}

// eval is the value for a body of decodeBody.
func (e *bodyExpression) eval(ctx context.Context, body any) (ref.Val, error) {
	value, _, err := e.program.ContextEval(ctx, map[string]any{"body": body})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.text, err)
	}
	return value, nil
}

// records are the elements of the list that an expression finds in a body.
func (e *bodyExpression) records(ctx context.Context, body any) ([]any, error) {
	value, err := e.eval(ctx, body)
	if err != nil {
		return nil, err
	}
	list, isList := value.(traits.Lister)
	if !isList {
		return nil, fmt.Errorf("%s is of type %s and no list", e.text, value.Type().TypeName())
	}
	var found []any
	for elements := list.Iterator(); elements.HasNext() == types.True; {
		found = append(found, elements.Next().Value())
	}
	return found, nil
}

// pages walks through the pages of an API. It is for one goroutine.
type pages struct {
	options *HTTPOptions
	next    *bodyExpression // nil where no expression says what follows
	current *url.URL        // nil after the last page
	number  int64           // of the current page, from 1
	seen    map[string]bool // addresses so far, where the API names them
	last    [sha256.Size]byte
}

// follow goes on to what follows the page that was read: its answer, its body, and how many records it has. It fails where the API leads
// in a circle, or to more pages than are allowed.
func (p *pages) follow(ctx context.Context, answer *answer, body any, records int) error {
	sum := sha256.Sum256(answer.text)
	following, err := p.following(ctx, answer, body, records)
	if err != nil {
		return err
	}
	if following == nil {
		p.current = nil
		return nil
	}
	again := p.options.Page != nil && p.number > 1 && records > 0 && sum == p.last // it does not look at the parameter
	if p.options.Page == nil {
		again = p.seen[following.String()]
		p.seen[following.String()] = true
	}
	if again {
		return failure.New(failure.Source, "%s: page %d leads back to a page that was read", show(p.current), p.number).
			WithHint("check next and page: the API repeats itself, and would never end")
	}
	if p.number >= p.options.MaxPages {
		return failure.New(failure.Source, "%s has more than %d pages", show(p.current), p.options.MaxPages).
			WithHint("raise max_pages, or ask for less: nothing of it was kept")
	}
	p.current, p.last = following, sum
	p.number++
	return nil
}

// following is the address of the next page, or nil.
func (p *pages) following(ctx context.Context, answer *answer, body any, records int) (*url.URL, error) {
	switch {
	case p.options.Page != nil:
		if records == 0 {
			return nil, nil
		}
		return withParameters(p.current, map[string]string{p.options.Page.Parameter: strconv.FormatInt(p.options.Page.at(p.number+1), 10)}), nil
	case p.options.Next == NextLink:
		address, err := nextLink(answer.header.Values("Link"))
		if err != nil {
			return nil, failure.New(failure.Source, "%s, page %d: %w", show(p.current), p.number, err)
		}
		return p.resolve(address)
	case p.next != nil:
		return p.named(ctx, body)
	}
	return nil, nil
}

// named is the next page as the body names it: an address, or parameters of the query by name.
func (p *pages) named(ctx context.Context, body any) (*url.URL, error) {
	value, err := p.next.eval(ctx, body)
	if err != nil {
		return nil, failure.New(failure.Source, "%s, page %d: next: %w", show(p.current), p.number, err).
			WithHint("where the last page lacks the key, write body.?next.orValue(\"\")")
	}
	switch value := value.(type) {
	case types.Null:
		return nil, nil
	case types.String:
		return p.resolve(string(value))
	case traits.Mapper:
		parameters, err := asParameters(value)
		if err != nil || len(parameters) == 0 {
			return nil, p.unusable(err)
		}
		return withParameters(p.current, parameters), nil
	}
	return nil, p.unusable(fmt.Errorf("it is of type %s, and neither an address nor a map of parameters nor null", value.Type().TypeName()))
}

func (p *pages) unusable(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Source, "%s, page %d: next: %w", show(p.current), p.number, err)
}

// asParameters are the entries of a map that are neither null nor empty.
func asParameters(value traits.Mapper) (map[string]string, error) {
	parameters := map[string]string{}
	for keys := value.Iterator(); keys.HasNext() == types.True; {
		key := keys.Next()
		entry := value.Get(key)
		if entry == types.NullValue || entry == types.String("") {
			continue
		}
		name, isText := key.(types.String)
		text, canBeText := entry.ConvertToType(types.StringType).(types.String)
		if !isText || !canBeText {
			return nil, errors.New("it is a map, but not of texts and numbers")
		}
		parameters[string(name)] = string(text)
	}
	return parameters, nil
}

// withParameters is an address with other parameters of its query.
func withParameters(address *url.URL, parameters map[string]string) *url.URL {
	changed := *address
	query := changed.Query()
	for name, value := range parameters {
		query.Set(name, value)
	}
	changed.RawQuery = query.Encode()
	return &changed
}

// resolve is an address as it stands in an answer to the current one; an empty one is the end.
func (p *pages) resolve(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	next, err := p.current.Parse(address)
	if err != nil || next.Host == "" || next.Scheme != "https" && next.Scheme != "http" {
		return nil, failure.New(failure.Source, "%s, page %d: the address of the next page is none of the web", show(p.current), p.number)
	}
	if p.current.Scheme == "https" && next.Scheme == "http" && !p.options.AllowHTTP {
		return nil, failure.New(failure.Source, "%s, page %d: the next page is to be asked for without TLS", show(p.current), p.number).
			WithHint("set allow_http: true if everybody on the way may read it")
	}
	return next, nil
}
