package plan

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/validate"
)

// mapping is how the columns of a source become the columns of a table.
type mapping struct {
	source *arrow.Schema    // the columns to read
	table  validate.Ruleset // what becomes of their rows
	mapped *arrow.Schema    // the columns that rules and where see
	loaded []string         // those of them to store, in this order

	conditions []condition // which make up where
	window     *window     // which one of them is; nil if none is
}

// newMapping decides which columns of a source are read, and checks what the
// configuration says about them.
func newMapping(source *arrow.Schema, cfg config.TableConfig, run *config.Config) (*mapping, error) {
	m := &mapping{table: validate.Ruleset{
		Nested: cfg.Source.Nested, Columns: conversions(cfg.Columns), Where: cfg.Source.Where, Rules: allRules(cfg), Today: run.Date,
	}}
	visible := visibleColumns(source, cfg)
	all, err := compile(m.table, visible)
	if err != nil {
		return nil, err
	}
	if err := m.addCondition(cfg.Source.Where, cfg.Source.Where, all.Schema()); err != nil {
		return nil, err
	}
	if err := m.addWindow(run, all.Schema()); err != nil {
		return nil, err
	}
	m.table.Where = allOf(m.conditions)
	if all, err = compile(m.table, visible); err != nil {
		return nil, err
	}
	if !all.UsesToday() {
		m.table.Today = time.Time{}
	}
	if err := checkFlattened(all.Schema(), cfg.Columns); err != nil {
		return nil, err
	}
	if m.loaded, err = loadedColumns(all.Schema(), cfg.Source.Select); err != nil {
		return nil, err
	}
	needed := slices.Concat(m.loaded, all.Columns())
	m.mapped = all.Schema()
	m.source = sourcesOf(visible, needed)
	m.table.Columns = slices.DeleteFunc(AskedOf(m.table.Columns, visible, m.source), func(c convert.Column) bool {
		return !slices.ContainsFunc(needed, func(name string) bool { return within(name, c.Source) }) // of a field that nobody wants
	})
	return m, nil
}

// checkFlattened refuses what would come to nothing for a structure that became several columns.
func checkFlattened(mapped *arrow.Schema, columns map[string]config.ColumnConfig) error {
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if c := columns[name]; (c.Rename != "" || c.Nullable != nil) && !mapped.HasField(name) {
			return failure.New(failure.Config, "column %q is flattened, and is no column of the extract any more", name).
				WithHint("write rename and nullable under the names of its fields, such as %q", firstWithin(mapped, name))
		}
	}
	return nil
}

// firstWithin is the first field of a flattened column.
func firstWithin(mapped *arrow.Schema, column string) string {
	for _, field := range mapped.Fields() {
		if within(field.Name, column) {
			return field.Name
		}
	}
	return column
}

// compile is that of package validate, with failures of the configuration: one for each part of
// it that is wrong.
func compile(table validate.Ruleset, source *arrow.Schema) (*validate.Validator, error) {
	validator, err := validate.Compile(table, source)
	parts := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	for i, part := range parts {
		var known *failure.Error
		if part != nil && !errors.As(part, &known) {
			parts[i] = failure.New(failure.Config, "%w", part)
		}
	}
	return validator, failure.Join(failure.Config, parts...)
}

// sourceNames are the names of the columns to read.
func (m *mapping) sourceNames() []string {
	var names []string
	for _, field := range m.source.Fields() {
		names = append(names, field.Name)
	}
	return names
}

// field is a mapped column.
func (m *mapping) field(name string) arrow.Field {
	found, _ := m.mapped.FieldsByName(name)
	return found[0]
}

// describe says for people what a column is made of, and how.
func (m *mapping) describe(column *hyper.Column) {
	top := topLevel(m.source, column.Source)
	found, _ := m.source.FieldsByName(top)
	made, _ := m.mapped.FieldsByName(column.Source)
	from := found[0]
	defer warn(column, from)
	if top == column.Source && arrow.TypeEqual(from.Type, made[0].Type) {
		return
	}
	column.SourceType = from.Type.String()
	switch _, isNested := from.Type.(arrow.NestedType); {
	case top != column.Source:
		column.Conversion = hyper.Flatten
	case isNested:
		column.Conversion = hyper.JSONText
	default:
		column.Conversion = hyper.AsAsked
	}
}

// conversions is what the configuration asks for columns, in the order of their names.
func conversions(columns map[string]config.ColumnConfig) []convert.Column {
	var asked []convert.Column
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		asked = append(asked, conversion(name, columns[name]))
	}
	return asked
}

// conversion is what a configuration asks for the column of a name.
func conversion(name string, c config.ColumnConfig) convert.Column {
	return convert.Column{Source: name, Nested: c.Nested, Type: c.Type, Format: c.Format, Timezone: c.Timezone, Default: c.Default}
}

// allRules is the rules of a table and those that its columns call for.
func allRules(t config.TableConfig) []validate.Rule {
	rules := slices.Clone(t.Rules)
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		if nullable := t.Columns[name].Nullable; nullable != nil && !*nullable {
			rules = append(rules, validate.Rule{Column: name, NotNull: true, OnFail: validate.Reject})
		}
	}
	return rules
}

// visibleColumns leaves out columns that nobody asked for, if they cannot be mapped as they
// are, so that they stop no one who does not want them, or if they only say why rows were
// rejected.
func visibleColumns(source *arrow.Schema, cfg config.TableConfig) *arrow.Schema {
	var fields []arrow.Field
	added := rejects.AddedTo(source)
	for _, field := range source.Fields() {
		wanted := asksFor(cfg.Source, field.Name) || configures(cfg, field.Name)
		_, err := MapAlone(field, cfg.Source.Nested)
		isLeftOut := slices.Contains(added, field.Name) || err != nil && len(cfg.Source.Select) > 0
		if wanted || !isLeftOut {
			fields = append(fields, field)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// asksFor says whether select names a column or a field of it.
func asksFor(s config.SourceConfig, column string) bool {
	return slices.ContainsFunc(s.Select, func(name string) bool { return within(name, column) })
}

// configures says whether columns names a column or a field of it.
func configures(t config.TableConfig, column string) bool {
	for name := range t.Columns {
		if within(name, column) {
			return true
		}
	}
	return false
}

// within says whether a name is that of a column or of a field below it.
func within(name, column string) bool {
	return name == column || strings.HasPrefix(name, column+".")
}

// loadedColumns are the mapped columns that select names, or all; a structure that became
// several columns stands for them.
func loadedColumns(mapped *arrow.Schema, selected []string) ([]string, error) {
	var all, loaded []string
	for _, field := range mapped.Fields() {
		all = append(all, field.Name)
	}
	if len(selected) == 0 {
		return all, nil
	}
	for _, name := range selected {
		found := false
		for _, column := range all {
			if mapped.HasField(name) && column != name || !within(column, name) {
				continue
			}
			found = true
			if !slices.Contains(loaded, column) {
				loaded = append(loaded, column)
			}
		}
		if !found {
			return nil, noSuchColumn(name, all)
		}
	}
	return loaded, nil
}

// noSuchColumn is the error for a column that the configuration names and no file has.
func noSuchColumn(name string, names []string) error {
	e := failure.New(failure.Source, "there is no column %q in the files", name).BeforeData()
	if near, ok := words.Nearest(name, names); ok {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("`hyperlake inspect` lists the columns of files")
}

// sourcesOf are the source columns that mapped columns are made of, in their order.
func sourcesOf(source *arrow.Schema, mapped []string) *arrow.Schema {
	var fields []arrow.Field
	seen := map[string]bool{}
	for _, name := range mapped {
		top := topLevel(source, name)
		if found, ok := source.FieldsByName(top); ok && !seen[top] {
			seen[top] = true
			fields = append(fields, found[0])
		}
	}
	return arrow.NewSchema(fields, nil)
}

// AskedOf is what is asked of columns, as far as some of all source columns are concerned.
func AskedOf(asked []convert.Column, all, some *arrow.Schema) []convert.Column {
	var kept []convert.Column
	for _, c := range asked {
		if some.HasField(topLevel(all, c.Source)) {
			kept = append(kept, c)
		}
	}
	return kept
}

// topLevel is the name of the source column that a mapped column is made of: its own, or
// of a flattened one the start of it.
func topLevel(source *arrow.Schema, name string) string {
	for top := name; ; {
		if source.HasField(top) {
			return top
		}
		dot := strings.LastIndexByte(top, '.')
		if dot < 0 {
			return name
		}
		top = top[:dot]
	}
}

// MapField says what a column of the lake becomes in an extract when the configuration
// asks for nothing. It fails as [MapAlone] does, and with one of kind Config where hyperd keeps the name for
// itself.
func MapField(field arrow.Field) (hyper.Column, error) {
	column, err := MapAlone(field, convert.Refuse)
	if err != nil {
		return column, err
	}
	return column, hyper.CheckNames([]hyper.Column{column})
}

// MapAlone is the column that a field becomes where the configuration says no more than how nested
// ones are stored. It fails with one of kind Source where hyperd has no type for it.
func MapAlone(field arrow.Field, nested convert.Nested) (hyper.Column, error) {
	mapped, err := convert.Compile(arrow.NewSchema([]arrow.Field{field}, nil), nested, nil)
	if err != nil {
		return hyper.Column{}, err
	}
	column, err := hyper.MapField(mapped.Schema().Field(0), hyper.FormatChoice{})
	if err == nil {
		warn(&column, field)
	}
	return column, err
}
