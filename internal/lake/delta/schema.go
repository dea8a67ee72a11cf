package delta

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/lake"
)

// maxNesting bounds the depth of types in types.
const maxNesting = 50

// unknownTypeError is the error of a type that is not implemented.
type unknownTypeError struct{ column, what string }

func (e *unknownTypeError) Error() string { return fmt.Sprintf("column %q: %s", e.column, e.what) }

// schemaType is a type in a schema: the name of a simple one, or a description.
type schemaType struct {
	name string // of a simple type

	Type         string          `json:"type"`
	Fields       []schemaField   `json:"fields"`
	Element      *schemaType     `json:"elementType"`
	ContainsNull bool            `json:"containsNull"`
	Key          *schemaType     `json:"keyType"`
	Value        *schemaType     `json:"valueType"`
	ValueNull    bool            `json:"valueContainsNull"`
	Class        json.RawMessage `json:"class"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *schemaType) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &t.name)
	}
	type plain schemaType
	return json.Unmarshal(raw, (*plain)(t))
}

// schemaField is a column, or a field of a structure.
type schemaField struct {
	Name     string                     `json:"name"`
	Type     *schemaType                `json:"type"`
	Nullable *bool                      `json:"nullable"`
	Metadata map[string]json.RawMessage `json:"metadata"`
}

// schemaReader makes columns of a schema.
type schemaReader struct {
	isMapped bool            // columns have ids, and names of their own in files
	floats   map[string]bool // stored names of columns that were of type float
}

// columns reads the schema of a table, and says which columns, by their stored names, were of type float before. A type
// that is not implemented is an *unknownTypeError; all other errors mean that the schema is damaged.
func (m *metadata) columns(isMapped bool) (columns []lake.Column, floats map[string]bool, err error) {
	root := schemaType{Type: "struct"} // which a table without a schema has: some writers begin with such a one
	if err := json.Unmarshal([]byte(m.Schema), &root); err != nil && m.Schema != "" {
		return nil, nil, fmt.Errorf("its schema is damaged: %w", err)
	}
	if root.Type != "struct" {
		return nil, nil, errors.New("its schema is damaged: it is no structure")
	}
	r := schemaReader{isMapped, map[string]bool{}}
	if columns, err = r.fields(root.Fields, "", 0); err != nil {
		return nil, nil, err
	}
	for _, name := range m.Partition {
		at := slices.IndexFunc(columns, func(c lake.Column) bool { return c.Name == name })
		switch {
		case at < 0:
			return nil, nil, fmt.Errorf("it is partitioned by %q, which is no column", name)
		case columns[at].Partition || len(columns[at].Fields) > 0:
			return nil, nil, fmt.Errorf("it cannot be partitioned by column %q, nested or named twice", name)
		}
		columns[at].Partition = true
	}
	return columns, r.floats, nil
}

// fields makes columns of those of a structure, whose path ends in a dot unless it is the table.
func (r schemaReader) fields(fields []schemaField, path string, depth int) ([]lake.Column, error) {
	columns := make([]lake.Column, len(fields))
	names, stored := map[string]bool{}, map[string]bool{}
	for i, field := range fields {
		column, err := r.field(field, path, depth)
		if err != nil {
			return nil, err
		}
		if names[column.Name] || stored[column.Stored] {
			return nil, fmt.Errorf("column %q is there twice", path+field.Name)
		}
		names[column.Name], stored[column.Stored], columns[i] = true, true, column
	}
	return columns, nil
}

func (r schemaReader) field(field schemaField, path string, depth int) (lake.Column, error) {
	path += field.Name
	if field.Type == nil {
		return lake.Column{}, fmt.Errorf("column %q has no type", path)
	}
	column := lake.Column{Name: field.Name, Stored: field.Name, Nullable: field.Nullable == nil || *field.Nullable}
	var nested map[string]int32
	if r.isMapped {
		if err := errors.Join(
			read(field.Metadata, "delta.columnMapping.id", &column.ID),
			read(field.Metadata, "delta.columnMapping.physicalName", &column.Stored),
		); err != nil || column.ID == 0 || column.Stored == "" || field.Metadata["delta.columnMapping.physicalName"] == nil {
			return lake.Column{}, errors.Join(fmt.Errorf("column %q has no id or no name in files", path), err)
		}
		if err := read(field.Metadata, "delta.columnMapping.nested.ids", &nested); err != nil {
			return lake.Column{}, fmt.Errorf("column %q: %w", path, err)
		}
	}
	if err := checkChanges(path, field); err != nil {
		return lake.Column{}, err
	}
	if depth == 0 && wasFloat(field) {
		r.floats[column.Stored] = true
	}
	err := r.complete(&column, field.Type, typePlace{path, column.Stored, nested}, depth)
	return column, err
}

// read reads an entry of metadata, if it is there.
func read(metadata map[string]json.RawMessage, key string, into any) error {
	raw, ok := metadata[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// typePlace is where a type stands in a column.
type typePlace struct {
	path   string           // for people
	stored string           // the path from the nearest field that has metadata, in stored names
	ids    map[string]int32 // what that metadata says of elements, keys and values, by such paths
}

// part is the place of the element of a list, or of the key or the value of a map.
func (p typePlace) part(name string) typePlace {
	return typePlace{p.path + "." + name, p.stored + "." + name, p.ids}
}

// complete gives a column its type and the fields in it.
func (r schemaReader) complete(column *lake.Column, t *schemaType, at typePlace, depth int) error {
	if depth > maxNesting {
		return &unknownTypeError{at.path, fmt.Sprintf("types in types, more than %d deep, are not implemented", maxNesting)}
	}
	var err error
	switch {
	case t.name != "":
		column.Type, err = simpleType(t.name, at.path)
	case t.Type == "struct":
		var fields []lake.Column
		if fields, err = r.fields(t.Fields, at.path+".", depth+1); err == nil {
			column.MakeStruct(fields)
		}
	case t.Type == "array" && t.Element != nil:
		var element lake.Column
		if element, err = r.part("element", t.Element, t.ContainsNull, at, depth); err == nil {
			column.MakeList(element)
		}
	case t.Type == "map" && t.Key != nil && t.Value != nil:
		err = r.mapping(column, t, at, depth)
	case t.Type == "" || t.Type == "array" || t.Type == "map":
		err = fmt.Errorf("the type of column %q is damaged", at.path)
	default:
		err = &unknownTypeError{at.path, fmt.Sprintf("the type %q is not implemented", t.Type)}
	}
	return err
}

// part makes the element of a list, or the key or the value of a map.
func (r schemaReader) part(name string, t *schemaType, nullable bool, at typePlace, depth int) (lake.Column, error) {
	at = at.part(name)
	part := lake.Column{ID: at.ids[at.stored], Name: name, Stored: name, Nullable: nullable}
	err := r.complete(&part, t, at, depth+1)
	return part, err
}

func (r schemaReader) mapping(column *lake.Column, t *schemaType, at typePlace, depth int) error {
	key, err := r.part("key", t.Key, false, at, depth)
	if err != nil {
		return err
	}
	value, err := r.part("value", t.Value, t.ValueNull, at, depth)
	if err != nil {
		return err
	}
	column.MakeMap(key, value)
	return nil
}

// simpleTypes are those without parameters.
var simpleTypes = map[string]arrow.DataType{
	"string":        arrow.BinaryTypes.String,
	"long":          arrow.PrimitiveTypes.Int64,
	"integer":       arrow.PrimitiveTypes.Int32,
	"short":         arrow.PrimitiveTypes.Int16,
	"byte":          arrow.PrimitiveTypes.Int8,
	"float":         arrow.PrimitiveTypes.Float32,
	"double":        arrow.PrimitiveTypes.Float64,
	"boolean":       arrow.FixedWidthTypes.Boolean,
	"binary":        arrow.BinaryTypes.Binary,
	"date":          arrow.FixedWidthTypes.Date32,
	"timestamp":     &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
	"timestamp_ntz": &arrow.TimestampType{Unit: arrow.Microsecond},
	"void":          arrow.Null,
}

// simpleType is the type of that name.
func simpleType(name, path string) (arrow.DataType, error) {
	if known, ok := simpleTypes[name]; ok {
		return known, nil
	}
	if decimal, ok := decimalType(name); ok {
		return decimal, nil
	}
	if strings.HasPrefix(name, "decimal") {
		return nil, fmt.Errorf("column %q has the type %q, which cannot be", path, name)
	}
	return nil, &unknownTypeError{path, fmt.Sprintf("the type %q is not implemented", name)}
}
