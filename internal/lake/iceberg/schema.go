package iceberg

import (
	"encoding/json"
	"errors"
	"fmt"

	"hyperlake/internal/lake"
)

const (
	maxNesting = 50         // types in types
	maxFieldID = 2147483447 // above it are columns that no table has
)

// schemaEntry is a schema in a metadata file.
type schemaEntry struct {
	ID     int32        `json:"schema-id"`
	Fields []fieldEntry `json:"fields"`
}

// fieldEntry is a column, or a field of a structure.
type fieldEntry struct {
	ID       int32           `json:"id"`
	Name     *string         `json:"name"`
	Required bool            `json:"required"`
	Type     *typeEntry      `json:"type"`
	Initial  json.RawMessage `json:"initial-default"`
}

// typeEntry is a type in a schema: the name of a simple one, or a description.
type typeEntry struct {
	name string // of a simple type

	Type            string       `json:"type"`
	Fields          []fieldEntry `json:"fields"`
	ElementID       int32        `json:"element-id"`
	Element         *typeEntry   `json:"element"`
	ElementRequired bool         `json:"element-required"`
	KeyID           int32        `json:"key-id"`
	Key             *typeEntry   `json:"key"`
	ValueID         int32        `json:"value-id"`
	Value           *typeEntry   `json:"value"`
	ValueRequired   bool         `json:"value-required"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *typeEntry) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &t.name)
	}
	type plain typeEntry
	return json.Unmarshal(raw, (*plain)(t))
}

// schemaOf is the schema of an id.
func (m *metadata) schemaOf(id int32) ([]fieldEntry, error) {
	for _, schema := range m.Schemas {
		if schema.ID == id {
			return schema.Fields, nil
		}
	}
	return nil, fmt.Errorf("its schema %d is not among its schemas", id)
}

// columns makes columns of a schema. What is not implemented is an *unknown, all other errors mean that the
// schema is damaged.
func (m *metadata) columns(fields []fieldEntry) ([]lake.Column, error) {
	r := schemaReader{map[int32]string{}}
	columns, err := r.fields(fields, "", 0)
	if err != nil {
		return nil, err
	}
	return columns, m.checkChanges(columns)
}

// schemaReader makes columns of a schema.
type schemaReader struct {
	seen map[int32]string // paths of fields by their ids
}

// fields makes columns of those of a structure, whose path ends in a dot unless it is the table.
func (r schemaReader) fields(fields []fieldEntry, path string, depth int) ([]lake.Column, error) {
	columns := make([]lake.Column, len(fields))
	names := map[string]bool{}
	for i, field := range fields {
		if field.Name == nil || field.Type == nil {
			return nil, fmt.Errorf("a column in %q has no name or no type", path)
		}
		at := path + *field.Name
		if names[*field.Name] {
			return nil, fmt.Errorf("column %q is there twice", at)
		}
		names[*field.Name] = true
		if len(field.Initial) > 0 && string(field.Initial) != "null" {
			return nil, notImplemented("column %q has an initial default for files that lack it", at)
		}
		var err error
		if columns[i], err = r.column(*field.Name, at, field.ID, field.Type, !field.Required, depth); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// column makes a column, or a field in one, at a path.
func (r schemaReader) column(name, path string, id int32, t *typeEntry, nullable bool, depth int) (lake.Column, error) {
	c := lake.Column{ID: id, Name: name, Stored: name, Nullable: nullable}
	other, isTaken := r.seen[id]
	switch {
	case t == nil:
		return c, fmt.Errorf("column %q has no type", path)
	case depth > maxNesting:
		return c, notImplemented("column %q has types in types, more than %d deep", path, maxNesting)
	case isTaken:
		return c, fmt.Errorf("columns %q and %q have the same id %d", other, path, id)
	case id == 0:
		return c, notImplemented("column %q has the field id 0", path)
	case id < 0 || id > maxFieldID:
		return c, fmt.Errorf("column %q has the field id %d", path, id)
	}
	r.seen[id] = path
	return c, r.complete(&c, t, path, depth)
}

// complete gives a column its type and the fields in it.
func (r schemaReader) complete(c *lake.Column, t *typeEntry, path string, depth int) error {
	var err error
	switch {
	case t.name != "":
		c.Type, c.Logical, err = simpleType(t.name, path)
	case t.Type == "struct":
		var fields []lake.Column
		if fields, err = r.fields(t.Fields, path+".", depth+1); err == nil {
			c.MakeStruct(fields)
		}
	case t.Type == "list":
		var element lake.Column
		if element, err = r.column("element", path+".element", t.ElementID, t.Element, !t.ElementRequired, depth+1); err == nil {
			c.MakeList(element)
		}
	case t.Type == "map":
		err = r.pairs(c, t, path, depth)
	case t.Type == "":
		err = fmt.Errorf("the type of column %q is damaged", path)
	default:
		err = notImplemented("column %q has the type %q", path, t.Type)
	}
	return err
}

// pairs completes a column that is a map.
func (r schemaReader) pairs(c *lake.Column, t *typeEntry, path string, depth int) error {
	key, err := r.column("key", path+".key", t.KeyID, t.Key, false, depth+1)
	if err != nil {
		return err
	}
	value, err := r.column("value", path+".value", t.ValueID, t.Value, !t.ValueRequired, depth+1)
	if err != nil {
		return err
	}
	c.MakeMap(key, value)
	return nil
}

// checkChanges refuses columns of which files may have values that are not those of a narrower type: the specification
// lets integers, floats and decimals grow, which readers see by the files, and dates become times.
func (m *metadata) checkChanges(columns []lake.Column) error {
	types := map[int32]lake.Column{}
	visit(columns, func(c lake.Column) { types[c.ID] = c })
	for _, schema := range m.Schemas {
		r := schemaReader{map[int32]string{}}
		then, err := r.fields(withoutDefaults(schema.Fields), "", 0)
		var unknown *unknown
		if errors.As(err, &unknown) {
			continue // of a version that cannot be read
		}
		if err != nil {
			return fmt.Errorf("its schema %d: %w", schema.ID, err)
		}
		visit(then, func(c lake.Column) {
			now, ok := types[c.ID]
			if ok && err == nil && !grows(c.Type, now.Type) && !grows(now.Type, c.Type) { // in a version before or after this one
				err = notImplemented("column %q is of the type %s in one version, and %s in another", now.Name, c.Type, now.Type)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutDefaults are fields as if none had an initial default.
func withoutDefaults(fields []fieldEntry) []fieldEntry {
	plain := make([]fieldEntry, len(fields))
	for i, field := range fields {
		field.Initial = nil
		plain[i] = field
	}
	return plain
}

// visit visits columns and all fields in them.
func visit(columns []lake.Column, see func(lake.Column)) {
	for _, c := range columns {
		see(c)
		visit(c.Fields, see)
	}
}
