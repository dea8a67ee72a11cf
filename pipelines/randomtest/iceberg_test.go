package randomtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// icebergTable is what makes an Iceberg table of a lake: what its metadata say beside its files.
type icebergTable struct {
	columns []column // in the table's order, those by which it is partitioned among them
	ids     map[string]int
	gone    int    // files that were removed
	stale   bool   // rows of files were deleted before the files were added
	shared  bool   // files of a partition share a file of deletes
	named   bool   // the format is
	later   bool   // there is a version after the one that is read
	glob    string // behind the folder
}

// icebergFile is how the table has a file.
type icebergFile struct {
	every, from int  // rows are deleted whose numbers, divided by every, leave from; none if every is 0
	rotated     bool // its columns stand under each other's names
	nameless    bool // its columns have no ids, which those of files with nested columns never have here
	reused      bool // it has a column that was dropped, under the name of one that was added since
	hasKeys     bool // it has the columns by which it is partitioned, too
	isWhole     bool // it is from before the table was partitioned
	isBounded   bool // the metadata say what its values are
	manifest    int
}

// deletes says whether the table has deleted a row.
func (f icebergFile) deletes(row int) bool { return f.every > 0 && row%f.every == f.from }

// smaller are files that lack one part.
func (f icebergFile) smaller() []icebergFile {
	var files []icebergFile
	with := func(has bool, change func(f *icebergFile)) {
		if has {
			changed := f
			change(&changed)
			files = append(files, changed)
		}
	}
	with(f.every > 0, func(f *icebergFile) { f.every = 0 })
	with(f.rotated, func(f *icebergFile) { f.rotated = false })
	with(f.nameless, func(f *icebergFile) { f.nameless = false })
	with(f.reused, func(f *icebergFile) { f.reused = false })
	with(f.hasKeys, func(f *icebergFile) { f.hasKeys = false })
	with(f.isWhole, func(f *icebergFile) { f.isWhole = false })
	with(f.isBounded, func(f *icebergFile) { f.isBounded = false })
	with(f.manifest > 0, func(f *icebergFile) { f.manifest = 0 })
	return files
}

// fieldsIn is by what the id of a column is multiplied to have those of the fields in it.
const fieldsIn = 100

// icebergType is a type in the schema of an Iceberg table, or nil where it has none; id is that of the column or field.
func icebergType(k *kind, id int) any {
	switch {
	case k.element != nil:
		return map[string]any{"type": "list", "element-id": id * fieldsIn, "element": icebergType(k.element, id*fieldsIn), "element-required": false}
	case k.class == nests:
		var fields []any
		for i, f := range k.fields {
			fields = append(fields, map[string]any{"id": id*fieldsIn + i, "name": f.name, "required": false, "type": icebergType(f.kind, id*fieldsIn+i)})
		}
		return map[string]any{"type": "struct", "fields": fields}
	case k.class == decimals:
		t := k.arrow.(*arrow.Decimal128Type)
		return fmt.Sprintf("decimal(%d, %d)", t.Precision, t.Scale)
	}
	for name, known := range map[string]arrow.DataType{
		"boolean": arrow.FixedWidthTypes.Boolean, "int": arrow.PrimitiveTypes.Int32, "long": arrow.PrimitiveTypes.Int64, "float": arrow.PrimitiveTypes.Float32,
		"double": arrow.PrimitiveTypes.Float64, "string": arrow.BinaryTypes.String, "binary": arrow.BinaryTypes.Binary, "date": arrow.FixedWidthTypes.Date32,
		"time": arrow.FixedWidthTypes.Time64us, "timestamp": microKind.arrow, "timestamptz": microZoneKind.arrow, "fixed[3]": fixedKind.arrow,
	} {
		if arrow.TypeEqual(k.arrow, known) {
			return name
		}
	}
	return nil
}

func isIceberg(k *kind) bool { return icebergType(k, 1) != nil }

// icebergKinds are those of some kinds that an Iceberg table has.
func icebergKinds(kinds []*kind) []*kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k *kind) bool { return !isIceberg(k) })
}

// icebergNarrower are kinds of files that have values of a kind of a table.
func icebergNarrower(k *kind) []*kind {
	kinds := []*kind{int32Kind, float32Kind}
	if k.class == decimals {
		scale := k.arrow.(*arrow.Decimal128Type).Scale
		kinds = append(kinds, decimalKind(max(scale+1, 4), scale)) // which has all that is drawn
	}
	return kinds
}

// makeIceberg makes an Iceberg table of a lake whose files have the same columns.
func (l *lake) makeIceberg(r *dice) {
	d := &icebergTable{
		gone: r.IntN(2), stale: chance(r, 30), shared: chance(r, 50), named: chance(r, 30), later: chance(r, 20),
		glob: pick(r, "", "", "/", "/**/*.parquet", "/*.parquet"), ids: map[string]int{},
	}
	d.columns = l.drawTableColumns(r, isIceberg)
	for i, c := range d.columns {
		d.ids[c.name] = i + 1
	}
	l.table = d
	isPlain := r.plain && chance(r, 60) // in what hyperd reads
	keepsRows := isPlain || chance(r, 30)
	for _, f := range l.files {
		f.iceberg = icebergFile{
			rotated: chance(r, 20), reused: chance(r, 20), hasKeys: chance(r, 50), isWhole: chance(r, 15) && !isPlain, isBounded: chance(r, 70), manifest: r.IntN(2),
			nameless: chance(r, 15) && !isPlain,
		}
		if chance(r, 50) && !keepsRows {
			f.iceberg.every = 1 + r.IntN(5)
			f.iceberg.from = r.IntN(f.iceberg.every)
		}
		f.evolve(r, d.columns, icebergNarrower)
	}
}

func (d *icebergTable) tableColumns() []column { return d.columns }

func (d *icebergTable) removedFiles() []*file { return nil }

func (d *icebergTable) without(name string, _ []string) tableFormat {
	out := *d
	out.columns = withoutColumn(d.columns, name)
	return &out
}

func (d *icebergTable) writeSource(line func(format string, args ...any), folder string) {
	line("      uri: %s%s", folder, d.glob)
	if d.named {
		line("      format: iceberg")
	}
	if d.later {
		line("      version: %d", snapshotID)
	}
}

func (d *icebergTable) describe() string {
	var text strings.Builder
	fmt.Fprintf(&text, "    an Iceberg table of which %d files were removed; old deletes: %v; shared ones: %v; a version after it: %v\n", d.gone, d.stale, d.shared, d.later)
	for _, c := range d.columns {
		fmt.Fprintf(&text, "      %d %q %v, required %v\n", d.ids[c.name], c.name, c.kind, c.required)
	}
	return text.String()
}

func (d *icebergTable) smaller() []tableFormat {
	var tables []tableFormat
	with := func(has bool, change func(d *icebergTable)) {
		if has {
			changed := *d
			change(&changed)
			tables = append(tables, &changed)
		}
	}
	with(d.gone > 0, func(d *icebergTable) { d.gone = 0 })
	with(d.stale, func(d *icebergTable) { d.stale = false })
	with(d.shared, func(d *icebergTable) { d.shared = false })
	with(d.later, func(d *icebergTable) { d.later = false })
	with(d.glob != "", func(d *icebergTable) { d.glob = "" })
	with(d.named, func(d *icebergTable) { d.named = false })
	return tables
}

// isNameless says whether the columns of a file have no ids: arrow-go does not write those of nested ones.
func (f *file) isNameless() bool {
	return f.iceberg.nameless || slices.ContainsFunc(f.columns, func(c column) bool { return c.kind.class == nests })
}

// droppedID is that of a column which the table does not have any more.
const droppedID = 99

// stored has ids, and the names that columns had then.
func (d *icebergTable) stored(l lake, f *file) arrow.Record {
	var fields []arrow.Field
	var columns []arrow.Array
	add := func(c column, values func(row int) any) {
		field := arrow.Field{Name: c.name, Type: c.kind.arrow, Nullable: !c.required}
		if !f.isNameless() {
			field = withID(field, d.ids[c.name])
		}
		builder := array.NewBuilder(memory.DefaultAllocator, field.Type)
		for row := range f.rows {
			appendTo(builder, values(row))
		}
		fields, columns = append(fields, field), append(columns, builder.NewArray())
	}
	for i, c := range f.columns {
		add(c, func(row int) any { return f.rows[row][i] })
	}
	for i, key := range l.keys {
		at := slices.IndexFunc(d.columns, func(c column) bool { return c.name == key })
		if at < 0 || !f.iceberg.hasKeys && !f.iceberg.isWhole {
			continue
		}
		add(d.columns[at], func(int) any {
			if f.folders[i] == nil {
				return nil
			}
			return keyOf(d.columns[at].kind, *f.folders[i])
		})
	}
	if f.iceberg.rotated && !f.isNameless() {
		first := fields[0].Name
		for i := range fields[1:] {
			fields[i].Name = fields[i+1].Name
		}
		fields[len(fields)-1].Name = first
	}
	if name, ok := d.added(l, f); ok && f.iceberg.reused && !f.iceberg.rotated && !f.isNameless() {
		field := arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
		builder := array.NewStringBuilder(memory.DefaultAllocator)
		for range f.rows {
			builder.Append("dropped")
		}
		fields, columns = append(fields, withID(field, droppedID)), append(columns, builder.NewArray())
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(len(f.rows)))
}

// added is a column that the file lacks.
func (d *icebergTable) added(l lake, f *file) (string, bool) {
	for _, c := range d.columns {
		if f.index(c.name) < 0 && !slices.Contains(l.keys, c.name) {
			return c.name, true
		}
	}
	return "", false
}

// withID gives a field an id as files of Parquet have it.
func withID(field arrow.Field, id int) arrow.Field {
	field.Metadata = arrow.MetadataFrom(map[string]string{"PARQUET:field_id": strconv.Itoa(id)})
	return field
}
