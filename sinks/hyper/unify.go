package hyper

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/hyperd"
)

// Form is one of the forms that something has in several files.
type Form struct {
	Is    string   `json:"is"` // such as INTEGER NOT NULL
	Files []string `json:"files"`
}

// Difference is something that files do not agree on.
type Difference struct {
	Schema string `json:"schema"`
	Table  string `json:"table"`
	Column string `json:"column,omitempty"` // empty where the primary key differs
	Forms  []Form `json:"forms"`            // at least two
	Wider  string `json:"wider,omitempty"`  // what widening makes of them, if it can
}

// String says on one line what differs where.
func (d Difference) String() string {
	forms := make([]string, len(d.Forms))
	for i, form := range d.Forms {
		forms[i] = form.Is + " in " + filepath.Base(form.Files[0])
		if more := len(form.Files) - 1; more > 0 {
			forms[i] += fmt.Sprintf(" and %d more", more)
		}
	}
	what := hyperd.QuoteName(d.Schema, d.Table)
	if d.Column != "" {
		what += "." + hyperd.QuoteName(d.Column)
	}
	return what + ": " + strings.Join(forms, ", ")
}

// SchemaError says that files cannot be merged as they are.
type SchemaError struct {
	Differences []Difference // at least one
}

func (e *SchemaError) Error() string {
	text := "the schemas differ: " + e.Differences[0].String()
	if more := len(e.Differences) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// widens says whether widening would resolve all differences.
func (e *SchemaError) widens() bool {
	return !slices.ContainsFunc(e.Differences, func(d Difference) bool { return d.Wider == "" })
}

// missing is the form of a column in a file that does not have it.
const missing = "missing"

// unifier makes one catalog of those of several files.
type unifier struct {
	widen       bool
	merged      Catalog
	differences []Difference
}

// unify describes the file that several are merged into; the first ones decide what does
// not touch the values: the order of tables and columns, defaults and comments. Without
// widen, columns must be alike. The error is a *SchemaError.
func unify(files []InputFile, widen bool) (Catalog, error) {
	u := unifier{widen: widen}
	for _, file := range files {
		u.merged.FormatVersion = max(u.merged.FormatVersion, file.catalog.FormatVersion)
		for _, schema := range file.catalog.Schemas {
			if !slices.Contains(u.merged.Schemas, schema) {
				u.merged.Schemas = append(u.merged.Schemas, schema)
			}
		}
		for _, table := range file.catalog.Tables {
			if _, seen := u.merged.find(table.Schema, table.Name); !seen {
				u.merged.Tables = append(u.merged.Tables, u.table(table, files))
			}
		}
	}
	if len(u.differences) > 0 {
		return Catalog{}, &SchemaError{u.differences}
	}
	return u.merged, nil
}

// table unifies the tables of one name; first is the first of them.
func (u *unifier) table(first CatalogTable, files []InputFile) CatalogTable {
	t := first
	t.Rows, t.Columns = 0, slices.Clone(first.Columns)
	t.UniqueKeys, t.ForeignKeys = slices.Clone(first.UniqueKeys), slices.Clone(first.ForeignKeys)
	var names []string // of the columns of all files
	for _, file := range files {
		other, ok := file.catalog.find(t.Schema, t.Name)
		if !ok {
			continue
		}
		t.Rows += other.Rows
		t.addKeys(other)
		for _, c := range other.Columns {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	for _, name := range names {
		column := u.column(t, name, files)
		if i := slices.IndexFunc(t.Columns, func(c CatalogColumn) bool { return c.Name == name }); i >= 0 {
			t.Columns[i] = column
		}
		u.merged.FormatVersion = max(u.merged.FormatVersion, storedSince(column.SQLType))
	}
	u.comparePrimaryKeys(t, files)
	return t
}

// addKeys adds the keys that only the other table has.
func (t *CatalogTable) addKeys(other CatalogTable) {
	if len(t.PrimaryKey) == 0 {
		t.PrimaryKey = other.PrimaryKey
	}
	for _, key := range other.UniqueKeys {
		if !slices.ContainsFunc(t.UniqueKeys, func(k []string) bool { return slices.Equal(k, key) }) {
			t.UniqueKeys = append(t.UniqueKeys, key)
		}
	}
	for _, key := range other.ForeignKeys {
		if !slices.ContainsFunc(t.ForeignKeys, key.equal) {
			t.ForeignKeys = append(t.ForeignKeys, key)
		}
	}
}

// column unifies the columns of one name.
func (u *unifier) column(table CatalogTable, name string, files []InputFile) CatalogColumn {
	var forms forms
	var merged CatalogColumn
	fits := true
	for _, file := range files {
		other, ok := file.catalog.find(table.Schema, table.Name)
		if !ok {
			continue
		}
		i := slices.IndexFunc(other.Columns, func(c CatalogColumn) bool { return c.Name == name })
		switch {
		case i < 0:
			forms.add(missing, file.Path)
			fits = false
		case merged.Name == "":
			merged = other.Columns[i]
			forms.add(merged.form(), file.Path)
		default:
			forms.add(other.Columns[i].form(), file.Path)
			fits = merged.widen(other.Columns[i]) && fits
		}
	}
	if len(forms) > 1 && (!u.widen || !fits) {
		difference := Difference{Schema: table.Schema, Table: table.Name, Column: name, Forms: forms}
		if fits {
			difference.Wider = merged.form()
		}
		u.differences = append(u.differences, difference)
	}
	return merged
}

// widen makes the column hold the values of another one, too, and says whether it can.
func (c *CatalogColumn) widen(other CatalogColumn) bool {
	wider, ok := widerType(c.SQLType, other.SQLType)
	if !ok || c.Collation != other.Collation {
		return false
	}
	c.SQLType, c.Nullable = wider, c.Nullable || other.Nullable
	return true
}

// comparePrimaryKeys finds primary keys that exclude each other. Files without one accept
// that of the others.
func (u *unifier) comparePrimaryKeys(table CatalogTable, files []InputFile) {
	var forms forms
	for _, file := range files {
		if other, _ := file.catalog.find(table.Schema, table.Name); len(other.PrimaryKey) > 0 {
			forms.add("ASSUMED PRIMARY KEY ("+quoteNames(other.PrimaryKey)+")", file.Path)
		}
	}
	if len(forms) > 1 {
		u.differences = append(u.differences, Difference{Schema: table.Schema, Table: table.Name, Forms: forms})
	}
}

// forms are the different forms of one thing, in the order of their appearance.
type forms []Form

func (f *forms) add(is, file string) {
	for i := range *f {
		if (*f)[i].Is == is {
			(*f)[i].Files = append((*f)[i].Files, file)
			return
		}
	}
	*f = append(*f, Form{Is: is, Files: []string{file}})
}
