package convert

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// ColumnError is what cannot be done that is asked for a column.
type ColumnError struct {
	Source string // the source column
	Err    error
}

func (e *ColumnError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ColumnError) Unwrap() error { return e.Err }

// Compile checks what is asked for against the schema of the source: what cannot be done is
// refused here, with a failure of kind Config or Source that says what to do. standard is for
// the nested columns of which columns say nothing; "" refuses them.
func Compile(schema *arrow.Schema, standard Nested, columns []Column) (*Converter, error) {
	e := expansion{standard: standard, asked: make(map[string]Column, len(columns))}
	for _, c := range columns {
		if _, twice := e.asked[c.Source]; twice {
			return nil, failure.New(failure.Config, "column %q is configured twice", c.Source)
		}
		if err := checkNested(c.Nested); err != nil {
			return nil, err
		}
		e.asked[c.Source] = c
	}
	if err := checkNested(standard); err != nil {
		return nil, err
	}
	for i, field := range schema.Fields() {
		if err := e.add(field, []int{i}); err != nil {
			return nil, err
		}
	}
	if err := e.check(columns); err != nil {
		return nil, err
	}
	return compileLeaves(schema, e)
}

func compileLeaves(schema *arrow.Schema, e expansion) (*Converter, error) {
	c := &Converter{source: schema, shared: true}
	fields := make([]arrow.Field, len(e.leaves))
	for i, leaf := range e.leaves {
		column, err := leaf.compile(e.asked[leaf.field.Name])
		if _, asked := e.asked[leaf.field.Name]; asked && err != nil {
			err = &ColumnError{leaf.field.Name, err}
		}
		if err != nil {
			return nil, err
		}
		c.columns = append(c.columns, column)
		c.shared = c.shared && column.isShared()
		fields[i] = column.field
	}
	metadata := schema.Metadata()
	c.schema = arrow.NewSchema(fields, &metadata)
	return c, nil
}

func checkNested(n Nested) error {
	if n == "" || n == Refuse || n == JSON || n == Flatten {
		return nil
	}
	return failure.New(failure.Config, "nested is %q", n).WithHint("nested is %s, %s or %s", Refuse, JSON, Flatten)
}

// check refuses what does not depend on what becomes of single columns.
func (e *expansion) check(columns []Column) error {
	if err := e.refusal(); err != nil {
		return err
	}
	names := slices.Clone(e.branches)
	for _, leaf := range e.leaves {
		names = append(names, leaf.field.Name)
	}
	for _, c := range columns {
		if slices.Contains(names, c.Source) {
			continue
		}
		missing := failure.New(failure.Config, "there is no column %q to configure", c.Source)
		if near, ok := nearest(c.Source, names); ok {
			return &ColumnError{c.Source, missing.WithHint("did you mean %q?", near)}
		}
		return &ColumnError{
			c.Source, missing.WithHint("the fields of a structure are columns only with nested: flatten; names are case-sensitive"),
		}
	}
	return e.clash()
}

// compile decides what becomes of a leaf.
func (l leaf) compile(asked Column) (mapped, error) {
	if l.json {
		return l.compileJSON(asked)
	}
	asked.Source = l.field.Name
	to, known := standing(l.field)
	if asked.Type != "" {
		var err error
		if to, err = parseType(asked.Type); err != nil {
			return mapped{}, fmt.Errorf("column %q: %w", asked.Source, err)
		}
		known = true
	} else if asked.Format != "" || asked.Timezone != "" {
		return mapped{}, failure.New(failure.Config, "column %q has a format or a timezone but no type", asked.Source).
			WithHint("say what it becomes, such as %s", line(asked.Source, "type: timestamptz"))
	}
	m := mapped{field: l.field, path: l.path}
	if !known && asked.Default == nil {
		return m, nil // the sink says what it thinks of it
	}
	if !known {
		return mapped{}, failure.New(failure.Config, "column %q has type %s, for which there is no default", asked.Source, l.field.Type).
			WithHint("ask for a type, such as %s", line(asked.Source, "type: text"))
	}
	return m.convertTo(to, asked)
}

func (m mapped) convertTo(to target, asked Column) (mapped, error) {
	var err error
	source := m.field
	if asked.Default != nil {
		if m.fill, err = defaultValue(to, asked); err != nil {
			return mapped{}, err
		}
	}
	if m.kernel, err = find(m.field, to, asked); err != nil {
		return mapped{}, err
	}
	if m.kernel != nil {
		m.field.Type, m.field.Metadata = to.arrow, arrow.Metadata{}
		if to.kind == geography {
			m.field.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalGeography})
		}
	}
	m.field.Nullable = asked.Default == nil && m.field.Nullable
	m.reason = "does not convert to " + to.sql
	if to.kind == geography {
		m.reason += " (valid shapes of longitude and latitude in degrees, without height or measure)"
	}
	if isText := to.kind == text && kindOf(source) == wkb; isText || to.kind == geography {
		m.flaw = func(values arrow.Array, row int) flaw { return flawOf(values, row, !isText) }
	}
	if asked.Format != "" {
		m.reason += " by the format " + asked.Format
	}
	return m, nil
}

// compileJSON makes a column of JSON text.
func (l leaf) compileJSON(asked Column) (mapped, error) {
	if asked.Type != "" {
		if to, err := parseType(asked.Type); err != nil || to.kind != text {
			return mapped{}, failure.New(failure.Config, "column %q is stored as JSON text and does not convert to %s", l.field.Name, asked.Type).
				WithHint("leave the type out")
		}
	}
	if err := asked.checkUnused(conversion{}, textTarget); err != nil {
		return mapped{}, err
	}
	m := mapped{path: l.path, reason: reasonOfJSON(l.field)}
	m.field = arrow.Field{Name: l.field.Name, Type: arrow.BinaryTypes.String, Nullable: l.field.Nullable && asked.Default == nil,
		Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalJSON})}
	var err error
	if m.kernel, err = jsonColumn(l.field); err != nil {
		return mapped{}, err
	}
	if asked.Default != nil {
		m.fill, err = defaultValue(textTarget, asked)
	}
	return m, err
}
