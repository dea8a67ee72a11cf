package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// lakeColumns is the columns of the files of a table, by name, in the order in which they
// turn up. Those that a table does not need may differ from file to file.
type lakeColumns []LakeColumn

// LakeColumn is a column of the files of a table, in all forms in which they have it.
type LakeColumn struct {
	found   parquetread.FoundColumn
	field   arrow.Field // that holds the values of all files, if there is one
	Fits    bool        // there is one
	Doubled bool        // a file has several columns of the name
	isKey   bool        // names of folders have it, too
}

// at is the index of a column; -1 if there is none of the name.
func (l lakeColumns) at(name string) int {
	return slices.IndexFunc(l, func(c LakeColumn) bool { return c.found.Field.Name == name })
}

// columnsOf unifies the columns of files. What is asked for columns settles as what they are
// read that no type of their own holds.
func columnsOf(footers []parquetread.Footer, asked map[string]config.ColumnConfig) lakeColumns {
	var columns lakeColumns
	index := map[string]int{}
	for _, found := range parquetread.FindColumns(footers) {
		if at, known := index[found.Field.Name]; known {
			columns[at].Doubled = true
			continue
		}
		index[found.Field.Name] = len(columns)
		columns = append(columns, unified(found, asked))
	}
	return columns
}

func unified(found parquetread.FoundColumn, asked map[string]config.ColumnConfig) LakeColumn {
	carried := func(path string, field arrow.Field) bool {
		return convert.Carries(field, conversion(path, asked[path]))
	}
	c := LakeColumn{found: found, field: found.Forms[0].Field, Fits: true}
	for _, form := range found.Forms[1:] {
		if form.IsMissing() {
			c.field.Nullable = true
			continue
		}
		wide, ok := parquetread.Unify(c.field, form.Field, carried)
		if !ok {
			c.Fits = false
			break
		}
		c.field = wide
	}
	c.field.Nullable = c.field.Nullable || found.Field.Nullable
	return c
}

// fields are the columns as a source has them.
func (l lakeColumns) fields() []arrow.Field {
	fields := make([]arrow.Field, len(l))
	for i, c := range l {
		fields[i] = c.field
	}
	return fields
}

// maxDriftListed is how many columns that differ one message can hold.
const maxDriftListed = 20

// check refuses needed columns that differ, or that a file has several times. Notes say
// what becomes of those that differ and may, because of onDrift or of a type that they are given.
func (l lakeColumns) check(needed []string, onDrift config.OnDrift, asked map[string]config.ColumnConfig) (notes []string, err error) {
	var drift []string
	hint := "set source.on_drift: union to widen types and fill with NULL where that loses nothing, " +
		"or choose with source.uri or source.select what belongs together"
	for _, c := range l {
		name := c.found.Field.Name
		switch {
		case !slices.Contains(needed, name):
		case c.Doubled:
			return nil, failure.New(failure.Source, "a file has two columns named %q (first found in %s)", name, c.found.Forms[0].FirstFile).
				WithHint("rename one of them in the files").BeforeData()
		case !c.found.Drifts():
		case onDrift == config.OnDriftFail && (!c.Fits || !c.isEverywhere() || asked[name].Type == ""):
			drift = append(drift, c.found.String())
			if !c.Fits {
				hint = c.wayOut(asked[name])
			}
		case !c.Fits:
			return nil, failure.New(failure.Source, "the files differ: %s; none of these types holds the values of the others", c.found).
				WithHint("%s", c.wayOut(asked[name])).BeforeData()
		default:
			notes = append(notes, c.Outcome())
		}
	}
	if len(drift) == 0 {
		return notes, nil
	}
	if more := len(drift) - maxDriftListed; more > 0 {
		drift = append(drift[:maxDriftListed], fmt.Sprintf("and %d more columns, which `hyperlake inspect` lists", more))
	}
	return nil, failure.New(failure.Source, "the files differ: %s", strings.Join(drift, "; ")).WithHint("%s", hint).BeforeData()
}

// isEverywhere says whether no file lacks the column.
func (c LakeColumn) isEverywhere() bool {
	return !slices.ContainsFunc(c.found.Forms, parquetread.Form.IsMissing)
}

// wayOut is a hint for a column of which no type holds the values of all files: what is missing to
// the type that it is given, or a type that they convert to, if there is one.
func (c LakeColumn) wayOut(asked config.ColumnConfig) string {
	const alike = "make the files alike, or choose with source.uri or source.select what belongs together"
	name := config.MapKey(c.found.Field.Name)
	zoned := conversion(c.found.Field.Name, asked)
	zoned.Timezone = "UTC"
	switch {
	case c.carriedTo(zoned):
		return fmt.Sprintf("say of which time zone its local times are, such as columns: {%s: {type: %s, timezone: %s}}; or %s",
			name, asked.Type, zoned.Timezone, alike)
	case c.carriedTo(convert.Column{Type: "text"}):
		return fmt.Sprintf("give it a type that its values convert to, such as columns: {%s: {type: text}}; or %s", name, alike)
	}
	return alike
}

// carriedTo says whether the values of all files convert to what is asked for.
func (c LakeColumn) carriedTo(asked convert.Column) bool {
	return !slices.ContainsFunc(c.found.Forms, func(form parquetread.Form) bool {
		return !form.IsMissing() && !convert.Carries(form.Field, asked)
	})
}

// losesNanos says whether nanoseconds of a form are not in the field for all.
func (c LakeColumn) losesNanos() bool {
	return !holds(c.field, inNanos) && c.field.Type.ID() != arrow.STRING &&
		slices.ContainsFunc(c.found.Forms, func(form parquetread.Form) bool {
			return !form.IsMissing() && (holds(form.Field, inNanos) || holds(form.Field, isInt96))
		})
}

// Outcome says how files differ in a column, and what becomes of it.
func (c LakeColumn) Outcome() string {
	var result []string
	if last := c.found.Forms[len(c.found.Forms)-1]; last.IsMissing() && c.isKey {
		result = append(result, "taken from the names of folders where it is missing")
	} else if last.IsMissing() {
		result = append(result, "NULL where it is missing")
	}
	if len(c.found.Forms) > 2 || len(result) == 0 {
		result = append(result, "read as "+parquetread.Form{Field: c.field}.Type())
	}
	if c.losesNanos() {
		result = append(result, "nanoseconds cut down to microseconds")
	}
	return fmt.Sprintf("%s: %s", c.found, strings.Join(result, ", "))
}
