package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// deepestBody bounds how deep values lie in each other.
const deepestBody = 1000

var errDeep = fmt.Errorf("its values lie deeper in each other than %d times", deepestBody)

// object is an object of JSON that still knows its text: what is read of it is read there, number by number, whatever an expression did
// to find it.
type object struct {
	text   []byte
	fields map[string]any
}

// decodeBody reads one value of JSON and nothing after it: nil, bool, string, json.Number, []any or *object. Of keys that an object has
// twice, expressions see the last one; its text has both.
func decodeBody(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := decodeValue(decoder, text, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the value that ends at byte %d", decoder.InputOffset())
	}
	return value, nil
}

func decodeValue(decoder *json.Decoder, text []byte, depth int) (any, error) {
	if depth > deepestBody {
		return nil, errDeep
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, endedEarly(err)
	}
	switch token {
	case json.Delim('['):
		return decodeList(decoder, text, depth)
	case json.Delim('{'):
		return decodeObject(decoder, text, depth)
	}
	return token, nil
}

func decodeList(decoder *json.Decoder, text []byte, depth int) ([]any, error) {
	list := []any{}
	for decoder.More() {
		value, err := decodeValue(decoder, text, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := decoder.Token()
	return list, endedEarly(err)
}

func decodeObject(decoder *json.Decoder, text []byte, depth int) (*object, error) {
	start := decoder.InputOffset() - 1
	o := &object{fields: map[string]any{}}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, endedEarly(err)
		}
		value, err := decodeValue(decoder, text, depth+1)
		if err != nil {
			return nil, err
		}
		o.fields[key.(string)] = value // the decoder takes nothing else for a key
	}
	if _, err := decoder.Token(); err != nil {
		return nil, endedEarly(err)
	}
	o.text = text[start:decoder.InputOffset()]
	return o, nil
}

// endedEarly is the error of a text that is cut, and any other as it is.
func endedEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// bodyTypes shows what decodeBody made to expressions.
type bodyTypes struct{ types.Adapter }

// NativeToValue is that of types.Adapter.
func (b bodyTypes) NativeToValue(value any) ref.Val {
	switch value := value.(type) {
	case json.Number:
		return numberValue(value)
	case *object:
		return objectValue{types.NewStringInterfaceMap(b, value.fields), value}
	case []any:
		return types.NewDynamicList(b, value)
	}
	return b.Adapter.NativeToValue(value)
}

// objectValue is a map of an expression that is an object of the body.
type objectValue struct {
	traits.Mapper
	object *object
}

// Value is the object, so that an expression gives back what it was given.
func (v objectValue) Value() any { return v.object }

// numberValue is an integer where the number is written as one that fits, else a double.
func numberValue(number json.Number) ref.Val {
	if whole, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return types.Int(whole)
	}
	if whole, err := strconv.ParseUint(string(number), 10, 64); err == nil {
		return types.Uint(whole)
	}
	double, err := number.Float64()
	if err != nil {
		return types.WrapErr(fmt.Errorf("the number %s is out of range", number))
	}
	return types.Double(double)
}
