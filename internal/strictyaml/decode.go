package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// Decoder fills Go values from Nodes. It takes the keys from the yaml tags of
// struct fields, as the library's own decoder does, and differs from it in what users
// see: all that is wrong, in the order of the document and in the words of the
// configuration; text is taken as written (1.10 stays 1.10); and a value is never
// converted silently.
//
// A struct with such tags is a mapping. Any other type may read a scalar by itself, as an
// [encoding.TextUnmarshaler], from the library's nodes, or through readers; a list that
// has a reader may be a single scalar. When the error of a type starts with "must", the
// message goes on from the key.
type Decoder struct {
	Places  map[string]Place // of every value that was set, by path
	Readers map[reflect.Type]TextReader

	// Broken are the keys whose values are not what the document says, for something is wrong with them: of a key that nobody knows,
	// those that it may have been meant to be.
	Broken []string
}

// TextReader reads a value of one type from the text of a scalar.
type TextReader func(text string) (any, error)

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// Decode fills dst from a node that has a value. All that is wrong is one failure of kind Config, and what is not stays filled; a
// type of dst that it cannot fill is an error of the program, without a kind.
func (d *Decoder) Decode(n *Node, dst reflect.Value, path string) error {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		return d.Decode(n, dst.Elem(), path)
	}
	d.Places[path] = n.At
	text := d.isText(dst.Type())
	if n.Kind == brokenNode && (!text || n.typed == "") {
		return d.wrong(path, about(path, n.err))
	}
	switch {
	case text && (n.Kind != listNode || dst.Kind() != reflect.Slice):
		return d.decodeText(n, dst, path)
	case IsMapping(dst.Type()):
		return d.decodeStruct(n, dst, path)
	case readsNodes(dst):
		return d.decodeByType(n, dst, path)
	}
	switch dst.Kind() {
	case reflect.Map:
		return d.decodeMap(n, dst, path)
	case reflect.Slice:
		return d.decodeList(n, dst, path)
	case reflect.Int:
		return d.decodeInt(n, dst, path)
	case reflect.Bool:
		return d.decodeBool(n, dst, path)
	default:
		return fmt.Errorf("%s: values of type %s have no form in a configuration", path, dst.Type())
	}
}

// wrong notes that the value of a key is not what the document says.
func (d *Decoder) wrong(key string, err error) error {
	if err != nil {
		d.Broken = append(d.Broken, key)
	}
	return err
}

// refuse is what is wrong with the value of a key.
func (d *Decoder) refuse(at Place, key, format string, args ...any) error {
	return d.wrong(key, KeyProblem(at, key, format, args...))
}

// IsMapping says whether a type is a struct that takes keys.
func IsMapping(t reflect.Type) bool { return t.Kind() == reflect.Struct && len(KeysOf(t)) > 0 }

// isSection says whether a type is a mapping or a list of mappings.
func isSection(t reflect.Type) bool {
	return IsMapping(t) || t.Kind() == reflect.Map || t.Kind() == reflect.Slice && IsMapping(t.Elem())
}

// isText says whether a type takes any scalar as text.
func (d *Decoder) isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || d.Readers[t] != nil || reflect.PointerTo(t).Implements(textUnmarshaler)
}

// readsNodes says whether a value reads the library's nodes. One that reads the text of
// the YAML instead could take the value of a variable for structure.
func readsNodes(dst reflect.Value) bool {
	switch dst.Addr().Interface().(type) {
	case yaml.NodeUnmarshaler, yaml.NodeUnmarshalerContext, yaml.InterfaceUnmarshaler, yaml.InterfaceUnmarshalerContext:
		return true
	default:
		return false
	}
}

// decodeByType turns a panic in the type, or in the library, into an error.
func (d *Decoder) decodeByType(n *Node, dst reflect.Value, path string) (err error) {
	if n.scalar == nil {
		return d.refuse(n.At, path, "%s must be a single value, not %s", path, n.Describe())
	}
	defer func() {
		if r := recover(); r != nil {
			err = d.refuse(n.At, path, "%s cannot be read: %v", path, r)
		}
	}()
	return d.refusal(n, path, yaml.NodeToValue(n.scalar, dst.Addr().Interface()))
}

// refusal is the error of a type that did not accept a value.
func (d *Decoder) refusal(n *Node, path string, err error) error {
	if err == nil {
		return nil
	}
	if strings.HasPrefix(err.Error(), "must ") {
		return d.refuse(n.At, path, "%s %v", path, err)
	}
	return d.refuse(n.At, path, "%s: %v", path, err)
}

func (d *Decoder) decodeText(n *Node, dst reflect.Value, path string) error {
	text, ok := n.asText()
	if !ok && dst.Kind() == reflect.Slice {
		return d.refuse(n.At, path, "%s must be text or a list, not %s", path, n.Describe())
	}
	if !ok {
		return d.refuse(n.At, path, "%s must be text, not %s", path, n.Describe())
	}
	if read := d.Readers[dst.Type()]; read != nil {
		value, err := read(text)
		if err == nil {
			dst.Set(reflect.ValueOf(value))
		}
		return d.refusal(n, path, err)
	}
	if unmarshaler, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return d.refusal(n, path, unmarshaler.UnmarshalText([]byte(text)))
	}
	dst.SetString(text)
	return nil
}

// asText returns a scalar as it was written. A value of the command line that is not
// quoted is text as it was typed, even where YAML has another meaning for it: a glob that
// starts with *, a name with " #" or ": " in it.
func (n *Node) asText() (string, bool) {
	if n.typed != "" && !n.quoted {
		return n.typed, true
	}
	switch n.Kind {
	case textNode, numberNode, boolNode:
		return n.text, true
	default:
		return "", false
	}
}

func (d *Decoder) decodeInt(n *Node, dst reflect.Value, path string) error {
	number, err := strconv.Atoi(n.text)
	if n.Kind != numberNode || err != nil {
		return d.refuse(n.At, path, "%s must be a whole number, not %s", path, n.Describe())
	}
	dst.SetInt(int64(number))
	return nil
}

func (d *Decoder) decodeBool(n *Node, dst reflect.Value, path string) error {
	if n.Kind != boolNode {
		return d.refuse(n.At, path, "%s must be true or false, not %s", path, n.Describe())
	}
	dst.SetBool(strings.EqualFold(n.text, "true"))
	return nil
}

func (d *Decoder) decodeList(n *Node, dst reflect.Value, path string) error {
	if n.Kind != listNode {
		return d.refuse(n.At, path, "%s must be a list, not %s; start each entry with \"- \"", path, n.Describe())
	}
	var wrong []error
	list := reflect.MakeSlice(dst.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if item.Kind == nullNode {
			wrong = append(wrong, d.refuse(item.At, at, "%s has no value; give it one, or remove the entry", at))
			continue
		}
		wrong = append(wrong, d.Decode(item, list.Index(i), at))
	}
	dst.Set(list)
	return failure.Join(failure.Config, wrong...)
}

func (d *Decoder) decodeMap(n *Node, dst reflect.Value, path string) error {
	if n.Kind != MappingNode {
		return d.refuse(n.At, path, "%s must be a mapping (key: value), not %s", path, n.Describe())
	}
	var wrong []error
	mapping := reflect.MakeMapWithSize(dst.Type(), len(n.entries))
	for _, e := range n.entries {
		value := reflect.New(dst.Type().Elem()).Elem()
		wrong = append(wrong, d.decodeEntry(e, value, path))
		mapping.SetMapIndex(reflect.ValueOf(e.key).Convert(dst.Type().Key()), value)
	}
	dst.Set(mapping)
	return failure.Join(failure.Config, wrong...)
}

func (d *Decoder) decodeStruct(n *Node, dst reflect.Value, path string) error {
	if n.Kind != MappingNode {
		return d.refuse(n.At, path, "%s must be a mapping with the keys %s, not %s", path, strings.Join(KeysOf(dst.Type()), ", "), n.Describe())
	}
	var wrong []error
	for _, e := range n.entries {
		field, found := FieldOf(dst.Type(), e.key)
		if !found {
			wrong = append(wrong, d.unknownKey(e, dst, path))
			continue
		}
		wrong = append(wrong, d.decodeEntry(e, dst.FieldByIndex(field.Index), path))
	}
	return failure.Join(failure.Config, wrong...)
}

// decodeEntry decodes the value of a key. A section (a mapping, or a list of mappings)
// may be empty, for its lines may all be comments; any other value is missing then.
func (d *Decoder) decodeEntry(e *yamlEntry, dst reflect.Value, path string) error {
	key := JoinKey(path, e.key)
	switch {
	case e.value.Kind != nullNode:
		return d.Decode(e.value, dst, key)
	case isSection(dst.Type()):
		return nil
	default:
		return d.refuse(e.at, key, "%s has no value; give it one, or remove the key", key)
	}
}

// KeyRefuser is a mapping that says of keys which it does not have why that is so.
type KeyRefuser interface {
	// RefuseKey returns a sentence with what to do; isKnown is false for keys about which there is nothing to say.
	RefuseKey(key string) (why string, isKnown bool)
}

// unknownKey says what a key may have been meant to be: what the mapping says of it, the same one further inside, else
// a similar one in the same mapping.
func (d *Decoder) unknownKey(e *yamlEntry, dst reflect.Value, path string) error {
	key, t := JoinKey(path, e.key), dst.Type()
	if refuser, ok := dst.Interface().(KeyRefuser); ok {
		if why, isKnown := refuser.RefuseKey(e.key); isKnown {
			d.Broken = append(d.Broken, key)
			return KeyProblem(e.at, key, "%s", why)
		}
	}
	if inside := findInside(t, e.key); len(inside) > 0 {
		for _, meant := range inside {
			d.Broken = append(d.Broken, JoinKey(path, meant))
		}
		return KeyProblem(e.at, key, "unknown key %q; did you mean %s?", e.key, strings.Join(inside, " or "))
	}
	keys := KeysOf(t)
	if near, ok := words.Nearest(e.key, keys); ok {
		d.Broken = append(d.Broken, JoinKey(path, near))
		return KeyProblem(e.at, key, "unknown key %s; did you mean %q?", words.Shorten(e.key), near)
	}
	return KeyProblem(e.at, key, "unknown key %s; the keys here are %s", words.Shorten(e.key), strings.Join(keys, ", "))
}

// findInside returns the paths below t, in the order of the fields, that end with key.
func findInside(t reflect.Type, key string) []string {
	var found []string
	for i := range t.NumField() {
		name, inner := keyOf(t.Field(i)), t.Field(i).Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if name != "" && inner.Kind() == reflect.Struct {
			if _, ok := FieldOf(inner, key); ok {
				found = append(found, name+"."+key)
			}
		}
	}
	return found
}

// FieldOf returns the field of a struct that a key stands for.
func FieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if keyOf(t.Field(i)) == key {
			return t.Field(i), key != ""
		}
	}
	return reflect.StructField{}, false
}

// KeysOf returns the keys that a struct accepts, in the order of its fields.
func KeysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// keyOf returns the key of a field; empty when it is not part of the configuration.
func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	if key == "-" {
		return ""
	}
	return key
}
