package parquetread

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
)

// FoundColumn is a column of several files, and the forms in which they have it.
type FoundColumn struct {
	Field arrow.Field // of the first file that has it; nullable if it is in any
	Forms []Form      // as they turn up; that of files which lack the column comes last
}

// Form is one of the forms that a column has in several files.
type Form struct {
	Field     arrow.Field // without a type where the column is missing
	Files     int
	FirstFile string // URI
}

// IsMissing says whether the form is that of files which lack the column.
func (f Form) IsMissing() bool { return f.Field.Type == nil }

// Type is the form's type for people, with the logical type where Arrow's says less; empty
// where the column is missing.
func (f Form) Type() string {
	logical := batch.LogicalType(f.Field)
	switch {
	case f.IsMissing():
		return ""
	case logical != "":
		return fmt.Sprintf("%s (%s)", f.Field.Type, logical)
	}
	return f.Field.Type.String()
}

// Drifts says whether the files have the column in more than one form.
func (c FoundColumn) Drifts() bool { return len(c.Forms) > 1 }

// String says for people how the files differ, and names one file for each form.
func (c FoundColumn) String() string {
	forms := make([]string, len(c.Forms))
	for i, form := range c.Forms {
		kind, files := form.Type(), "files"
		if form.IsMissing() {
			kind = "missing"
		}
		if form.Files == 1 {
			files = "file"
		}
		forms[i] = fmt.Sprintf("%s in %d %s (first %s)", kind, form.Files, files, form.FirstFile)
	}
	return fmt.Sprintf("column %q is %s", c.Field.Name, strings.Join(forms, ", "))
}

// FindColumns lists the columns of files by name, in the order in which they turn up. A
// name that a file has several times is listed as often.
func FindColumns(footers []Footer) []FoundColumn {
	var found []*FoundColumn
	byKey := map[columnKey]*FoundColumn{}
	schemas := distinctSchemas(footers)
	for _, s := range schemas {
		for key, field := range keyed(s.schema) {
			column, ok := byKey[key]
			if !ok {
				column = &FoundColumn{Field: field}
				byKey[key] = column
				found = append(found, column)
			}
			column.add(Form{Field: field, Files: s.files, FirstFile: s.firstFile})
		}
	}
	for key, column := range byKey {
		for _, s := range schemas {
			if !s.has(key) {
				column.add(Form{Files: s.files, FirstFile: s.firstFile})
			}
		}
	}
	columns := make([]FoundColumn, len(found))
	for i, column := range found {
		columns[i] = *column
		columns[i].Field = column.Forms[0].Field
		for _, form := range column.Forms {
			columns[i].Field.Nullable = columns[i].Field.Nullable || form.Field.Nullable
		}
	}
	return columns
}

// add counts files that have the column in a form. Whether values may be NULL, and the order
// of the fields of structures, make no other form; nor does the name of a list's items, on
// which writers do not agree.
func (c *FoundColumn) add(form Form) {
	for i, known := range c.Forms {
		if formOf(known.Field) != formOf(form.Field) {
			continue
		}
		c.Forms[i].Files += form.Files
		if form.IsMissing() {
			return
		}
		if wide, ok := Unify(known.Field, form.Field, nil); ok {
			c.Forms[i].Field = wide
		}
		return
	}
	c.Forms = append(c.Forms, form)
}

// formOf tells the types of fields apart.
func formOf(field arrow.Field) string {
	var parts []string
	switch t := field.Type.(type) {
	case nil:
		return ""
	case *arrow.StructType:
		for _, child := range t.Fields() {
			parts = append(parts, fmt.Sprintf("%q:%s", child.Name, formOf(child)))
		}
		slices.Sort(parts)
	case *arrow.ListType:
		parts = []string{formOf(t.ElemField())}
	case *arrow.MapType:
		parts = []string{formOf(t.KeyField()), formOf(t.ItemField())}
	default:
		parts = []string{t.String()}
	}
	return fmt.Sprintf("%s %s %s", field.Type.ID(), parts, field.Metadata)
}

// distinctSchema is a schema and the files that have it.
type distinctSchema struct {
	schema    *arrow.Schema
	files     int
	firstFile string
}

// distinctSchemas lists schemas in the order in which they turn up. Files whose schemas
// are one object, as those of [ReadFooters] are when they are alike, count together.
func distinctSchemas(footers []Footer) []*distinctSchema {
	var schemas []*distinctSchema
	known := map[*arrow.Schema]*distinctSchema{}
	for _, footer := range footers {
		s, ok := known[footer.Schema]
		if !ok {
			s = &distinctSchema{schema: footer.Schema, firstFile: footer.Info.URI}
			known[footer.Schema] = s
			schemas = append(schemas, s)
		}
		s.files++
	}
	return schemas
}

func (s *distinctSchema) has(key columnKey) bool {
	return len(s.schema.FieldIndices(key.name)) > key.nth
}

// columnKey tells columns apart, also those of one name in a file.
type columnKey struct {
	name string
	nth  int
}

// keyed iterates over the columns of a file.
func keyed(schema *arrow.Schema) iter.Seq2[columnKey, arrow.Field] {
	return func(yield func(columnKey, arrow.Field) bool) {
		seen := map[string]int{}
		for _, field := range schema.Fields() {
			key := columnKey{field.Name, seen[field.Name]}
			seen[field.Name]++
			if !yield(key, field) {
				return
			}
		}
	}
}
