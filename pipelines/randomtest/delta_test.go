package randomtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// deltaNarrower are kinds of files that have values of a kind of a table.
func deltaNarrower(*kind) []*kind {
	return []*kind{int8Kind, int16Kind, int32Kind, float32Kind, decimalKind(5, 2), decimalKind(18, 2)}
}

// deltaKinds are those of some kinds that a Delta table has.
func deltaKinds(kinds []*kind) []*kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k *kind) bool { return deltaType(k) == nil })
}

// makeDelta makes a Delta table of a lake whose files have the same columns.
func (l *lake) makeDelta(r *dice) {
	d := &deltaTable{commits: 1 + r.IntN(4), later: chance(r, 20), named: chance(r, 30), glob: pick(r, "", "", "/", "/**/*.parquet", "/*.parquet")}
	d.columns = l.drawTableColumns(r, func(*kind) bool { return true })
	l.table = d
	d.grows = d.commits > 1 && !d.columns[len(d.columns)-1].required && !slices.Contains(l.keys, d.columns[len(d.columns)-1].name)
	for _, f := range l.files {
		f.delta = deltaFile{commit: r.IntN(d.commits), again: chance(r, 10), said: pick(r, nothing, rowsOnly, bounded, bounded, bounded), rounded: chance(r, 30)}
		f.evolve(r, d.columns, deltaNarrower)
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

func (d *deltaTable) tableColumns() []column { return d.columns }

func (d *deltaTable) removedFiles() []*file { return d.removed }

func (d *deltaTable) stored(_ lake, f *file) arrow.Record { return f.record() }

func (d *deltaTable) without(name string, keys []string) tableFormat {
	out := *d
	out.columns = withoutColumn(d.columns, name)
	out.grows = d.grows && len(out.columns) == len(d.columns)
	out.removed = lake{keys: keys, files: d.removed}.without(name).files
	return &out
}

func (d *deltaTable) writeSource(line func(format string, args ...any), folder string) {
	line("      uri: %s%s", folder, d.glob)
	if d.named {
		line("      format: delta")
	}
	if d.later {
		line("      version: %d", d.commits-1)
	}
}

func (d *deltaTable) describe() string {
	var text strings.Builder
	fmt.Fprintf(&text, "    a Delta table of %d commits, with %d removed files; a column comes last: %v; a version after it: %v\n",
		d.commits, len(d.removed), d.grows, d.later)
	for _, c := range d.columns {
		fmt.Fprintf(&text, "      %q %v, required %v\n", c.name, c.kind, c.required)
	}
	return text.String()
}

func (d *deltaTable) smaller() []tableFormat {
	var tables []tableFormat
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
