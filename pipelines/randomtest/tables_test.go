package randomtest

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// tableFormat makes a table of a table format of the files of a lake.
type tableFormat interface {
	tableColumns() []column // in the table's order, those by which it is partitioned among them
	removedFiles() []*file  // that were in the table, and are not any more
	without(name string, keys []string) tableFormat
	smaller() []tableFormat // that lack one part
	describe() string       // in words

	// writeSource writes what a source in a folder is.
	writeSource(line func(format string, args ...any), folder string)

	// stored is a file as the table has it.
	stored(l lake, f *file) arrow.Record

	// writeMetadata writes what makes the table of files that are in place. recorded is where it will be then.
	writeMetadata(t testing.TB, l lake, root, recorded string)
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

// drawTableColumns draws of which kinds the keys of a lake are, with values for its files, and the columns of a table of it, which are
// those of its files beside.
func (l *lake) drawTableColumns(r *dice, isKey func(*kind) bool) []column {
	columns := slices.Clone(l.files[0].columns)
	for i, key := range l.keys {
		drawn := pick(r, keyTexts...)
		for !isKey(drawn.kind) {
			drawn = pick(r, keyTexts...)
		}
		for _, f := range l.files {
			if f.folders[i] = nil; !chance(r, 15) {
				f.folders[i] = new(pick(r, drawn.texts...))
			}
		}
		columns = slices.Insert(columns, r.IntN(len(columns)+1), column{name: key, kind: drawn.kind})
	}
	return columns
}

// sourceColumns are the columns of the table.
func (l lake) sourceColumns() []sourceColumn {
	var columns []sourceColumn
	for _, c := range l.table.tableColumns() {
		isKey := slices.Contains(l.keys, c.name)
		columns = append(columns, sourceColumn{name: c.name, kind: c.kind, nullable: !c.required, isKey: isKey, top: c.name, field: -1})
	}
	return columns
}

func withoutColumn(columns []column, name string) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.name == name })
}

// evolve makes a file one of another time: it lacks columns that were added since, has narrower types, or says otherwise
// whether values may be NULL.
func (f *file) evolve(r *dice, table []column, kinds func(*kind) []*kind) {
	for at := len(f.columns) - 1; at >= 0; at-- {
		c := &f.columns[at]
		switch {
		case chance(r, 8) && !c.required && len(f.columns) > 1:
			*f = *lake{files: []*file{f}}.without(c.name).files[0]
		case chance(r, 8) && !r.plain:
			c.kind = pick(r, narrower(c.kind, kinds(c.kind))...)
			f.fill(r, len(f.rows))
		case chance(r, 10):
			c.required = !slices.ContainsFunc(f.rows, func(row []any) bool { return row[at] == nil })
		case chance(r, 10):
			c.required = false
		}
	}
	for _, c := range table {
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

// narrower are those of some kinds that files may have of a kind of a table, itself among them.
func narrower(k *kind, kinds []*kind) []*kind {
	found := []*kind{k}
	for _, other := range kinds {
		if wide, ok := union(k, other); ok && arrow.TypeEqual(wide.arrow, k.arrow) && (k.class == other.class) {
			found = append(found, other)
		}
	}
	return found
}
