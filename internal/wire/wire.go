// Package wire takes values to other workers as JSON: elements of PCollections, and the parameters
// of DoFns.
//
// It promises that what arrives is what was sent, or an error that says why not: Beam has no way of
// its own to serialise an Arrow schema, and drops what it cannot.
package wire

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Element is a type of elements that travel as JSON. Its values do, not pointers to them.
type Element interface{ TravelsAsJSON() }

func init() {
	beam.RegisterCoder(reflect.TypeFor[Element](), encode, decode)
}

func encode(element Element) ([]byte, error) { return json.Marshal(element) }

func decode(t reflect.Type, data []byte) (Element, error) {
	value := reflect.New(t)
	if err := json.Unmarshal(data, value.Interface()); err != nil {
		return nil, fmt.Errorf("decode an element of type %s: %w", t, err)
	}
	return value.Elem().Interface().(Element), nil
}

// Params is the exported field of a DoFn that carries its parameters.
type Params[T any] struct {
	JSON  []byte
	Error string // why there is no JSON
}

// Pack encodes parameters. If they cannot be encoded, [Params.Unpack] says so.
func Pack[T any](params T) Params[T] {
	data, err := json.Marshal(params)
	if err != nil {
		return Params[T]{Error: err.Error()}
	}
	return Params[T]{JSON: data}
}

// Unpack decodes parameters: what the Setup of a DoFn does before anything else. Its error names
// their type.
func (p Params[T]) Unpack() (T, error) {
	var params T
	if p.Error != "" {
		return params, fmt.Errorf("encode %T: %s", params, p.Error)
	}
	if err := json.Unmarshal(p.JSON, &params); err != nil {
		return params, fmt.Errorf("decode %T: %w", params, err)
	}
	return params, nil
}
