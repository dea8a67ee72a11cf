package randomtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// deltaTable is what makes a Delta table of a lake: what the log says beside its files.
type deltaTable struct {
	columns []column // in the table's order, those by which it is partitioned among them
	commits int
	removed []*file // that were in the table, and are not any more
	grows   bool    // the last column is not there at first
	later   bool    // there is a version after the one that is read
	glob    string  // behind the folder
	named   bool    // the format is
}

// deltaFile is what the log says of a file.
type deltaFile struct {
	commit  int  // that adds it
	gone    int  // that removes it, if it is removed
	again   bool // the last commit adds it again, with what is said of it
	onDisk  bool // though it is removed
	said    said
	rounded bool // decimals are made doubles first, as delta-rs does
}

// said is what is said of the values in a file.
type said int

const (
	nothing said = iota
	rowsOnly
	bounded
)

// deltaType is the name of a type in the schema of a Delta table, or nil where it has none.
func deltaType(k *kind) any {
	switch {
	case k.element != nil:
		return map[string]any{"type": "array", "elementType": deltaType(k.element), "containsNull": true}
	case k.class == nests:
		return map[string]any{"type": "struct", "fields": deltaFields(k.fields)}
	case k.class == decimals:
		t := k.arrow.(*arrow.Decimal128Type)
		return "decimal(" + strconv.Itoa(int(t.Precision)) + "," + strconv.Itoa(int(t.Scale)) + ")"
	case arrow.TypeEqual(k.arrow, microKind.arrow):
		return "timestamp_ntz"
	case arrow.TypeEqual(k.arrow, microZoneKind.arrow):
		return "timestamp"
	}
	for name, known := range map[string]*kind{
		"boolean": boolKind, "byte": int8Kind, "short": int16Kind, "integer": int32Kind, "long": int64Kind, "float": float32Kind,
		"double": float64Kind, "string": textKind, "binary": blobKind, "date": dateKind,
	} {
		if arrow.TypeEqual(k.arrow, known.arrow) {
			return name
		}
	}
	return nil
}

// deltaFields are columns in the schema of a Delta table.
func deltaFields(columns []column) []any {
	var fields []any
	for _, c := range columns {
		fields = append(fields, map[string]any{"name": c.name, "type": deltaType(c.kind), "nullable": !c.required, "metadata": map[string]any{}})
	}
	return fields
}

// deltaKinds are those of some kinds that a Delta table has.
func deltaKinds(kinds []*kind) []*kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k *kind) bool { return deltaType(k) == nil })
}

// keyTexts are values of partition columns, as Delta writes them, and their kinds.
var keyTexts = []struct {
	kind  *kind
	texts []string
}{
	{int8Kind, []string{"1", "-20", "100"}},
	{int32Kind, []string{"1", "-20", "300"}},
	{int64Kind, []string{"9007199254740993", "-1", "7"}},
	{dateKind, []string{"2026-01-31", "2026-02-01", "1969-12-31"}},
	{textKind, []string{"a", "b c", "ü/ö", "50%", "x=y", "1", "2026-01-31", "%20"}},
	{boolKind, []string{"true", "false"}},
	{decimalKind(9, 2), []string{"1.50", "-0.01", "1234567.00"}},
	{float64Kind, []string{"0.5", "-1.0", "1.0E10", "0.1"}},
	{microKind, []string{"2026-01-31 12:00:00", "1969-12-31 23:59:59.123456"}},
	{microZoneKind, []string{"2026-01-31T12:00:00.000000Z", "1969-12-31T23:59:59.123456Z"}},
}

// keyOf is the value that a text of a partition column means.
func keyOf(k *kind, text string) any {
	switch k.class {
	case booleans:
		return text == "true"
	case integers, decimals:
		return number(text)
	case floats:
		f, _ := strconv.ParseFloat(text, 64)
		return f
	case days:
		t, _ := time.Parse(time.DateOnly, text)
		return day(math.Floor(float64(t.Unix()) / 86_400))
	case locals, instants:
		layout := "2006-01-02 15:04:05"
		if k.class == instants {
			layout = time.RFC3339
		}
		t, _ := time.Parse(layout, text)
		return moment{t.Unix(), int64(t.Nanosecond())}
	}
	return text
}

// makeDelta makes a Delta table of a lake whose files have the same columns.
func (l *lake) makeDelta(r *dice) {
	d := &deltaTable{commits: 1 + r.IntN(4), later: chance(r, 20), named: chance(r, 30), glob: pick(r, "", "", "/", "/**/*.parquet", "/*.parquet")}
	d.columns = slices.Clone(l.files[0].columns)
	for i, key := range l.keys {
		drawn := pick(r, keyTexts...)
		for _, f := range l.files {
			if f.folders[i] = nil; !chance(r, 15) {
				f.folders[i] = new(pick(r, drawn.texts...))
			}
		}
		d.columns = slices.Insert(d.columns, r.IntN(len(d.columns)+1), column{name: key, kind: drawn.kind})
	}
	l.delta = d
	d.grows = d.commits > 1 && !d.columns[len(d.columns)-1].required && !slices.Contains(l.keys, d.columns[len(d.columns)-1].name)
	for _, f := range l.files {
		f.delta = deltaFile{commit: r.IntN(d.commits), again: chance(r, 10), said: pick(r, nothing, rowsOnly, bounded, bounded, bounded), rounded: chance(r, 30)}
		f.evolve(r, d)
	}
	for range r.IntN(3) {
		if d.commits == 1 {
			break
		}
		f := *pick(r, l.files...)
		f.name = "old " + strconv.Itoa(len(d.removed)) + f.name
		f.delta.gone = 1 + r.IntN(d.commits-1)
		f.delta.commit, f.delta.onDisk = r.IntN(f.delta.gone), chance(r, 50)
		d.removed = append(d.removed, &f)
	}
}

// without is the table without a column.
func (d *deltaTable) without(name string) *deltaTable {
	out := *d
	out.columns = slices.DeleteFunc(slices.Clone(d.columns), func(c column) bool { return c.name == name })
	out.grows = d.grows && len(out.columns) == len(d.columns)
	return &out
}

// sourceColumns are the columns of the table.
func (l lake) sourceColumns() []sourceColumn {
	var columns []sourceColumn
	for _, c := range l.delta.columns {
		isKey := slices.Contains(l.keys, c.name)
		columns = append(columns, sourceColumn{name: c.name, kind: c.kind, nullable: !c.required, isKey: isKey, top: c.name, field: -1})
	}
	return columns
}

// evolve makes a file one of another time: it lacks columns that were added since, has narrower types, or says otherwise
// whether values may be NULL.
func (f *file) evolve(r *dice, d *deltaTable) {
	for at := len(f.columns) - 1; at >= 0; at-- {
		c := &f.columns[at]
		switch {
		case chance(r, 8) && !c.required && len(f.columns) > 1:
			*f = *lake{files: []*file{f}}.without(c.name).files[0]
		case chance(r, 8) && !r.plain:
			c.kind = pick(r, narrower(c.kind)...)
			f.fill(r, len(f.rows))
		case chance(r, 10):
			c.required = !slices.ContainsFunc(f.rows, func(row []any) bool { return row[at] == nil })
		case chance(r, 10):
			c.required = false
		}
	}
	for _, c := range d.columns {
		if at := f.index(c.name); at >= 0 && c.required {
			f.withoutNull(r, at)
		}
	}
}

// withoutNull gives a column values where it has none.
func (f *file) withoutNull(r *dice, at int) {
	for _, row := range f.rows {
		if row[at] == nil {
			row[at] = f.columns[at].kind.draw(r)
		}
	}
}

// narrower are kinds of files that have values of a kind of a table, itself among them.
func narrower(k *kind) []*kind {
	found := []*kind{k}
	for _, other := range []*kind{int8Kind, int16Kind, int32Kind, float32Kind, decimalKind(5, 2), decimalKind(18, 2)} {
		if wide, ok := union(k, other); ok && arrow.TypeEqual(wide.arrow, k.arrow) && (k.class == other.class) {
			found = append(found, other)
		}
	}
	return found
}

// write writes what a source is.
func (d *deltaTable) write(line func(format string, args ...any), index int) {
	line("      uri: %s%s", folder(index), d.glob)
	if d.named {
		line("      format: delta")
	}
	if d.later {
		line("      version: %d", d.commits-1)
	}
}

// describe is the table in words.
func (d *deltaTable) describe() string {
	var text strings.Builder
	fmt.Fprintf(&text, "    a Delta table of %d commits, with %d removed files; a column comes last: %v; a version after it: %v\n",
		d.commits, len(d.removed), d.grows, d.later)
	for _, c := range d.columns {
		fmt.Fprintf(&text, "      %q %v, required %v\n", c.name, c.kind, c.required)
	}
	return text.String()
}

// smaller are tables that lack one part.
func (d *deltaTable) smaller() []*deltaTable {
	var tables []*deltaTable
	with := func(has bool, change func(d *deltaTable)) {
		if has {
			changed := *d
			change(&changed)
			tables = append(tables, &changed)
		}
	}
	with(len(d.removed) > 0, func(d *deltaTable) { d.removed = nil })
	with(d.grows, func(d *deltaTable) { d.grows = false })
	with(d.later, func(d *deltaTable) { d.later = false })
	with(d.glob != "", func(d *deltaTable) { d.glob = "" })
	with(d.named, func(d *deltaTable) { d.named = false })
	return tables
}
