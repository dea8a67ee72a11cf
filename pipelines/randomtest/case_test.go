package randomtest

import (
	"fmt"
	"slices"
	"strings"
)

// testCase is a configuration and the lake that it is about.
type testCase struct {
	engine      string
	parallelism int // 0: not given
	allowEmpty  bool
	mergeNone   bool
	places      places
	stood       bool // something stands at the output before
	tables      []*table
}

// table is a table of a configuration.
type table struct {
	schema, name string
	lake         lake
	selected     []string
	partitions   string // of source; empty if not given
	onDrift      string
	nested       string // of source
	where        *expression
	asks         []*ask
	rules        []*rule
	moves        *moves
	primaryKey   []string
	keepsRejects bool
	maxRows      *int
	maxRatio     *float64
}

// folder is where the lake of a table is, in its place.
func folder(i int) string { return fmt.Sprintf("%s/t%d", lakes, i) }

// kept is where the rejects of a table are, in their place.
func kept(i int) string { return fmt.Sprintf("%s/t%d", rejects, i) }

// output is where the extract is, in its place.
const output = outputs + "/x.hyper"

// yaml is the configuration.
func (c *testCase) yaml() string {
	var y strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&y, format+"\n", args...) }
	line("name: x")
	if c.allowEmpty {
		line("on_empty: allow")
	}
	var out []string
	if c.places[outputs] != "" {
		out = append(out, "path: "+c.places.at(outputs, output))
	}
	if c.mergeNone {
		out = append(out, "merge: none")
	}
	if len(out) > 0 {
		line("output: {%s}", strings.Join(out, ", "))
	}
	if c.places[stages] != "" {
		line("staging: %s", c.places.at(stages, stages))
	}
	if c.places[states] != "" {
		line("state: %s", c.places.at(states, states))
	}
	if c.parallelism > 0 {
		line("runner: {parallelism: %d}", c.parallelism)
	}
	line("validate: {engine: %s}", c.engine)
	c.writeIngest(line)
	line("tables:")
	for i, t := range c.tables {
		line("  - name: %s", yaml(t.name))
		line("    schema: %s", yaml(t.schema))
		t.write(line, c.places.at(lakes, folder(i)), c.places.at(rejects, kept(i)))
	}
	return y.String()
}

func (t *table) write(line func(format string, args ...any), lake, rejects string) {
	line("    source:")
	if t.lake.table != nil {
		t.lake.table.writeSource(line, lake)
	} else {
		line("      uri: %s/**/*.parquet", lake)
	}
	if len(t.selected) > 0 {
		line("      select: [%s]", joined(t.selected))
	}
	if t.partitions != "" {
		line("      partitions: %s", t.partitions)
	}
	if t.onDrift != "" {
		line("      on_drift: %s", t.onDrift)
	}
	if t.nested != "" {
		line("      nested: %s", t.nested)
	}
	if t.where != nil {
		line("      where: %s", yaml(t.where.text))
	}
	if len(t.asks) > 0 {
		line("    columns:")
		for _, a := range t.asks {
			line("      %s", a.yaml())
		}
	}
	if len(t.rules) > 0 {
		line("    rules:")
		for _, r := range t.rules {
			line("      - %s", r.write())
		}
	}
	if keys := t.rejectKeys(rejects); len(keys) > 0 {
		line("    rejects: {%s}", strings.Join(keys, ", "))
	}
	if t.moves != nil {
		line("    repartition: %s", t.moves.yaml())
	}
	if len(t.primaryKey) > 0 {
		line("    primary_key: [%s]", joined(t.primaryKey))
	}
}

func (t *table) rejectKeys(path string) []string {
	var keys []string
	if t.keepsRejects {
		keys = append(keys, "path: "+path)
	}
	if t.maxRows != nil {
		keys = append(keys, fmt.Sprintf("max_rows: %d", *t.maxRows))
	}
	if t.maxRatio != nil {
		keys = append(keys, fmt.Sprintf("max_ratio: %v", *t.maxRatio))
	}
	return keys
}

func joined(names []string) string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, yaml(name))
	}
	return strings.Join(quoted, ", ")
}

// ask is what is asked of a column; nil if nothing is.
func (t *table) ask(column string) *ask {
	at := slices.IndexFunc(t.asks, func(a *ask) bool { return a.column == column })
	if at < 0 {
		return nil
	}
	return t.asks[at]
}

// without is the table without a column of its lake, and all that is about it.
func (t *table) without(column string) *table {
	out := *t
	out.lake = t.lake.without(column)
	var gone []string
	for _, c := range t.sourceColumns() {
		if c.top == column {
			gone = append(gone, c.name, c.top)
		}
	}
	isGone := func(name string) bool { return slices.Contains(gone, name) }
	out.selected = slices.DeleteFunc(slices.Clone(t.selected), isGone)
	out.primaryKey = slices.DeleteFunc(slices.Clone(t.primaryKey), isGone)
	out.asks = slices.DeleteFunc(slices.Clone(t.asks), func(a *ask) bool { return isGone(a.column) })
	out.rules = slices.DeleteFunc(slices.Clone(t.rules), func(r *rule) bool { return slices.ContainsFunc(r.uses, isGone) })
	if t.where != nil && slices.ContainsFunc(t.where.uses, isGone) {
		out.where = nil
	}
	if t.moves != nil && slices.ContainsFunc(gone, t.moves.uses) {
		out.moves = nil
	}
	return &out
}

// maxDescribed is how many rows of a file are described.
const maxDescribed = 50

// describe is the lake in words.
func (l lake) describe() string {
	var text strings.Builder
	if l.table != nil {
		text.WriteString(l.table.describe())
	}
	for _, f := range l.files {
		fmt.Fprintf(&text, "    %q: %d rows, in row groups of %d (%v) %+v\n", f.path(l.keys), len(f.rows), f.groupRows, f.form, f.iceberg)
		for i, c := range f.columns {
			var cells []string
			for _, row := range f.rows[:min(len(f.rows), maxDescribed)] {
				cells = append(cells, source(row[i]))
			}
			if len(f.rows) > maxDescribed {
				cells = append(cells, "…")
			}
			required := ""
			if c.required {
				required = " required"
			}
			fmt.Fprintf(&text, "      %q %v%s: %s\n", c.name, c.kind, required, strings.Join(cells, " | "))
		}
	}
	return text.String()
}

// String is the case for people who want to repeat it.
func (c *testCase) String() string {
	var text strings.Builder
	text.WriteString(c.yaml())
	if c.stood {
		text.WriteString("  something stands at the output\n")
	}
	for i, t := range c.tables {
		fmt.Fprintf(&text, "  the files in %s:\n%s", folder(i), t.lake.describe())
	}
	return text.String()
}
