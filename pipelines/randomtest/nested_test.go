package randomtest

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
)

func listKind(element *kind) *kind {
	return &kind{class: nests, arrow: arrow.ListOf(element.arrow), element: element, draw: func(r *dice) any {
		list := []any{}
		for range r.IntN(4) {
			list = append(list, drawNullable(r, element))
		}
		return list
	}}
}

func structKind(fields ...column) *kind {
	var types []arrow.Field
	for _, f := range fields {
		types = append(types, arrow.Field{Name: f.name, Type: f.kind.arrow, Nullable: true})
	}
	return &kind{class: nests, arrow: arrow.StructOf(types...), fields: fields, draw: func(r *dice) any {
		var values structure
		for _, f := range fields {
			values = append(values, drawNullable(r, f.kind))
		}
		return values
	}}
}

func drawNullable(r *dice, k *kind) any {
	if chance(r, 20) {
		return nil
	}
	return k.draw(r)
}

// nestedKinds are what a table cannot hold as it is.
var nestedKinds = []*kind{
	listKind(int64Kind), listKind(textKind), listKind(boolKind),
	structKind(column{name: "x", kind: int64Kind}, column{name: "y z", kind: textKind}),
	structKind(column{name: "x", kind: decimalKind(5, 2)}, column{name: "list", kind: listKind(int64Kind)}),
	structKind(column{name: "x.y", kind: int32Kind}),
}

// jsonKind is text that is made of a nested column.
var jsonKind = &kind{class: jsons, arrow: arrow.BinaryTypes.String, sql: "TEXT"}

// drawNestedAsk draws what is asked of a nested column.
func drawNestedAsk(r *dice, a *ask, k *kind) *ask {
	a.nested = "json"
	if k.fields != nil && !slices.ContainsFunc(k.fields, func(f column) bool { return f.kind.class == nests }) && chance(r, 60) {
		a.nested = "flatten"
	}
	a.keys = []string{"nested: " + a.nested}
	return a
}

// leaves are the columns that a column of the files becomes.
func (t *table) leaves(c sourceColumn) []sourceColumn {
	if c.kind == nil || c.kind.class != nests {
		return []sourceColumn{c}
	}
	mode := t.nested
	if a := t.ask(c.name); a != nil && a.nested != "" {
		mode = a.nested
	}
	switch mode {
	case "json":
		c.kind, c.json = jsonKind, c.kind
	case "flatten":
		var leaves []sourceColumn
		for i, f := range c.kind.fields {
			leaf := c
			leaf.name, leaf.kind, leaf.field, leaf.nullable = c.name+"."+f.name, f.kind, i, true
			leaves = append(leaves, leaf)
		}
		return leaves
	}
	return []sourceColumn{c}
}

// jsonText is a nested value as canonical JSON, or false where that cannot hold it.
func jsonText(v any, k *kind) (string, bool) {
	plain, ok := jsonValue(v, k)
	if !ok {
		return "", false
	}
	text, err := json.Marshal(plain)
	return string(text), err == nil
}

func jsonValue(v any, k *kind) (plain any, ok bool) {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, element := range v {
			one, ok := jsonValue(element, k.element)
			if !ok {
				return nil, false
			}
			list = append(list, one)
		}
		return list, true
	case structure:
		object := map[string]any{}
		for i, f := range k.fields {
			if object[f.name], ok = jsonValue(v[i], f.kind); !ok {
				return nil, false
			}
		}
		return object, true
	case *big.Rat:
		return "number " + v.RatString(), true
	case string:
		return v, utf8.ValidString(v)
	}
	return v, true
}

// canonicalJSON is JSON as [jsonText] has it.
func canonicalJSON(text string) string {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil || decoder.More() {
		return "no JSON: " + strconv.Quote(text)
	}
	canonical, _ := json.Marshal(withNumbers(v))
	return string(canonical)
}

func withNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return "number " + number(v.String()).RatString()
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withNumbers(v[name])
		}
	}
	return v
}
