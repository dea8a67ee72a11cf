package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
)

// Nested says what becomes of a nested column: a list, a map or a structure.
type Nested string

// The ways to treat nested columns, besides [JSON]. On a source, "" is Refuse; on a column,
// it is what the source asks for.
const (
	Refuse  Nested = "error"
	Flatten Nested = "flatten" // the fields of structures become columns a.b; lists and maps are refused
)

// leaf is a column in the making, named by its path.
type leaf struct {
	field arrow.Field // of the source; nullable if anything on the path is
	path  []int
	json  bool
}

// expansion turns the columns of a source into leaves.
type expansion struct {
	standard Nested // of the source
	asked    map[string]Column
	leaves   []leaf
	refused  []arrow.Field // nested, and nothing accepts them
	branches []string      // the structures that were flattened
}

// add adds the leaves of a field.
func (e *expansion) add(field arrow.Field, path []int) error {
	asked := e.asked[field.Name]
	if kindOf(field) != nested {
		if asked.Nested != "" {
			return failure.New(failure.Config, "column %q has the flat type %s: nested has no meaning for it", field.Name, field.Type).
				WithHint("leave nested out")
		}
		e.leaves = append(e.leaves, leaf{field: field, path: path})
		return nil
	}
	structure, isStructure := structureOf(field.Type)
	how := asked.Nested
	if how == "" {
		if how = e.standard; len(path) > 1 && isStructure {
			how = Flatten
		}
	}
	switch {
	case how == JSON:
		e.leaves = append(e.leaves, leaf{field: field, path: path, json: true})
	case how == Flatten && isStructure:
		return e.flatten(field, structure, path)
	case how == Flatten && asked.Nested == Flatten:
		return failure.New(failure.Config, "column %q is a %s, which cannot be flattened", field.Name, nestedName(field.Type)).
			WithHint("store it as JSON text with %s", line(field.Name, "nested: json"))
	default:
		e.refused = append(e.refused, field)
	}
	return nil
}

// flatten adds the fields of a structure.
func (e *expansion) flatten(field arrow.Field, structure *arrow.StructType, path []int) error {
	asked := e.asked[field.Name]
	if asked.Type != "" || asked.Format != "" || asked.Timezone != "" || asked.Default != nil {
		return failure.New(failure.Config, "column %q is flattened and has no values of its own", field.Name).
			WithHint("write what you ask for under the names of its fields, such as %q", field.Name+"."+firstField(structure))
	}
	if structure.NumFields() == 0 {
		return failure.New(failure.Source, "column %q is a structure without fields, of which flattening leaves nothing", field.Name).
			WithHint("store it as JSON text with %s", line(field.Name, "nested: json")).BeforeData()
	}
	e.branches = append(e.branches, field.Name)
	for i, inner := range structure.Fields() {
		if field.Nullable && inner.Type.ID() == arrow.RUN_END_ENCODED { // runs have no NULLs of their own
			return failure.New(failure.Source, "field %q of column %q is run-end encoded and cannot be flattened", inner.Name, field.Name).
				WithHint("store the column as JSON text with %s", line(field.Name, "nested: json")).BeforeData()
		}
		inner.Name = field.Name + "." + inner.Name
		inner.Nullable = inner.Nullable || field.Nullable
		if err := e.add(inner, append(slices.Clip(path), i)); err != nil {
			return err
		}
	}
	return nil
}

func firstField(structure *arrow.StructType) string {
	if structure.NumFields() == 0 {
		return ""
	}
	return structure.Field(0).Name
}

// structureOf is the structure that flattening can take apart.
func structureOf(t arrow.DataType) (*arrow.StructType, bool) {
	if extension, ok := t.(arrow.ExtensionType); ok {
		t = extension.StorageType()
	}
	structure, ok := t.(*arrow.StructType)
	return structure, ok
}

func nestedName(t arrow.DataType) string {
	switch plainType(t).(type) {
	case *arrow.MapType:
		return "map"
	case *arrow.StructType:
		return "structure"
	case arrow.ListLikeType:
		return "list"
	}
	return plainType(t).Name()
}

// refusal names all nested columns that nothing accepts, and the line that would.
func (e *expansion) refusal() error {
	if len(e.refused) == 0 {
		return nil
	}
	var names, lines []string
	structures := false
	for _, field := range e.refused {
		_, isStructure := structureOf(field.Type)
		structures = structures || isStructure
		names = append(names, fmt.Sprintf("%q (%s)", field.Name, nestedName(field.Type)))
		lines = append(lines, key(field.Name)+": {nested: json}")
	}
	flatten := ""
	if structures {
		flatten = "; nested: flatten makes columns of the fields of a structure"
	}
	what := "columns are"
	if len(names) == 1 {
		what = "column is"
	}
	return failure.New(failure.Source, "hyperd stores only flat columns, and %d %s nested: %s", len(names), what, strings.Join(names, ", ")).
		WithHint("store them as JSON text with columns: {%s}%s; or leave them out with source.select",
			strings.Join(lines, ", "), flatten).BeforeData()
}

// clash refuses two columns of one name.
func (e *expansion) clash() error {
	seen := map[string]bool{}
	for _, leaf := range e.leaves {
		name := leaf.field.Name
		if !seen[name] {
			seen[name] = true
			continue
		}
		return failure.New(failure.Source, "there are two columns named %q", name).
			WithHint("if flattening made one of them, store that structure as JSON text with nested: json; else rename one in the lake").BeforeData()
	}
	return nil
}

// line is the configuration that asks for something of a column.
func line(name, what string) string { return fmt.Sprintf("columns: {%s: {%s}}", key(name), what) }

var (
	plainKey    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
	reservedKey = regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n)$`)
)

// key is a name as a key of YAML.
func key(name string) string {
	if plainKey.MatchString(name) && !reservedKey.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}
