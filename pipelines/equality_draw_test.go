package pipelines_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

// The fields of the tables that are drawn here, by their ids. Every row has a number of its own, by which it is known again.
const (
	idField     = 1 // grows from int to long
	wordField   = 2 // is renamed from k to word
	floatField  = 3 // grows from float to double
	priceField  = 4 // a decimal that gets more digits
	partsField  = 5 // a structure
	insideField = 6 // in it
	besideField = 7 // in it, and not compared
	goneField   = 8 // is dropped
	newField    = 9 // follows that under the same name
	groupField  = 10
	rowField    = 11
)

// byGone is the partition spec by the column that was dropped.
const byGone = 3

// keyFields are those that equality deletes may compare, with the values that they have.
var keyFields = map[int32][]string{
	idField: {"1", "2", "3", "-4"}, wordField: {"", "a", "b", "é"}, floatField: {"0", "-0", "1.5", "NaN"}, priceField: {"1.25", "0.00", "-3.10"},
	insideField: {"1", "2"}, goneField: {"x", "y"}, newField: {"x", "z"}, groupField: {"a", "b"},
}

// equalSchemas are the versions of the schema.
var equalSchemas = [][]icebergtest.Object{
	{equalColumn(idField, "id", "int"), equalColumn(wordField, "k", "string"), equalColumn(floatField, "f", "float"), equalColumn(priceField, "d", "decimal(9, 2)"),
		equalParts, equalColumn(goneField, "x", "string"), equalColumn(groupField, "p", "string"), equalColumn(rowField, "row", "long")},
	{equalColumn(idField, "id", "long"), equalColumn(goneField, "x", "string"), equalColumn(wordField, "word", "string"), equalColumn(floatField, "f", "double"),
		equalColumn(priceField, "d", "decimal(12, 2)"), equalParts, equalColumn(groupField, "p", "string"), equalColumn(rowField, "row", "long")},
	{equalColumn(idField, "id", "long"), equalColumn(wordField, "word", "string"), equalColumn(floatField, "f", "double"), equalColumn(priceField, "d", "decimal(12, 2)"),
		equalParts, equalColumn(groupField, "p", "string"), equalColumn(rowField, "row", "long"), equalColumn(newField, "x", "string")},
}

// equalLists is a version of the schema that no file was written with.
var equalLists = equalColumn(20, "l", icebergtest.Object{"type": "list", "element-id": 21, "element": "int", "element-required": false})

var equalParts = equalColumn(partsField, "s", icebergtest.Object{"type": "struct", "fields": []icebergtest.Object{
	equalColumn(insideField, "a", "int"), equalColumn(besideField, "b", "int"),
}})

func equalColumn(id int32, name string, of any) icebergtest.Object {
	return icebergtest.Object{"id": id, "name": name, "required": false, "type": of}
}

// equalRow is a row: texts of its values, by the ids of fields. NULL is not there.
type equalRow map[int32]string

// equals says whether two rows have the same values of fields. What is in a structure that is NULL is not what is NULL in one.
func (r equalRow) equals(other equalRow, fields []int32) bool {
	for _, id := range fields {
		if id == insideField && r[partsField] != other[partsField] {
			return false
		}
		value, isValue := r[id]
		also, isAlso := other[id]
		if isValue != isAlso || value != also {
			return false
		}
	}
	return true
}

// equalFile is a file of data, or one that deletes rows.
type equalFile struct {
	number    int // of all files
	path      string
	sequence  int
	spec      int // 0 has no partitions, 1 is by p, 2 was; or byGone
	group     *string
	rows      []equalRow
	fields    []int32       // compared ones of equality deletes
	positions map[int][]int // rows by the index of their data file
}

// appliesTo says whether a file that deletes rows is for a file of data.
func (f equalFile) appliesTo(data equalFile) bool {
	samePlace := f.spec == data.spec && (f.spec != 1 || (f.group == nil) == (data.group == nil) && (f.group == nil || *f.group == *data.group))
	if f.fields != nil {
		return f.sequence > data.sequence && (f.spec != 1 || samePlace)
	}
	return f.sequence >= data.sequence && samePlace
}

// equalTable draws a table.
type equalTable struct {
	testing.TB
	*rand.Rand
	seed    uint64
	folder  string
	data    []equalFile
	deletes []equalFile
	list    []icebergtest.Object
	rows    int
}

// newEqualTable is a table without files.
func newEqualTable(t testing.TB, seed uint64) *equalTable {
	d := &equalTable{TB: t, Rand: rand.New(rand.NewPCG(seed, 7)), seed: seed, folder: filepath.Join(t.TempDir(), "lake")}
	require.NoError(t, os.MkdirAll(filepath.Join(d.folder, "metadata"), 0o755))
	return d
}

// drawEqualTable draws a table and writes it.
func drawEqualTable(t testing.TB, seed uint64) *equalTable {
	d := newEqualTable(t, seed)
	schema, partitioned := 0, d.IntN(3) == 0
	sequence := 1
	for number := range 4 + d.IntN(8) {
		sequence += d.IntN(2) // files of a commit have the same
		schema = min(schema+d.IntN(2), len(equalSchemas)-1)
		f := equalFile{number: number, sequence: sequence, spec: d.IntN(3)}
		if partitioned {
			f.spec = 1
		}
		if group := d.value(groupField); f.spec == 1 {
			f.group = group
		}
		switch {
		case len(d.data) == 0 || d.IntN(3) == 0:
			d.addData(f, schema)
		case d.IntN(3) == 0:
			d.addPositions(f)
		default:
			d.addValues(f, schema)
		}
	}
	d.metadata()
	return d
}

// value draws a value of a field; nil is NULL.
func (d *equalTable) value(id int32) *string {
	values := keyFields[id]
	if at := d.IntN(len(values) + 1); at < len(values) {
		return &values[at]
	}
	return nil
}

// row draws a row of a version of the schema.
func (d *equalTable) row(schema int, group *string) equalRow {
	r := equalRow{rowField: strconv.Itoa(d.rows)}
	d.rows++
	for _, c := range equalSchemas[schema] {
		id := c["id"].(int32)
		if value := d.valueOr(id, group); value != nil {
			r[id] = *value
		}
	}
	if d.IntN(4) > 0 {
		r[partsField] = "is there"
		if value := d.value(insideField); value != nil {
			r[insideField] = *value
		}
	}
	return r
}

func (d *equalTable) valueOr(id int32, group *string) *string {
	switch {
	case id == groupField && group != nil:
		return group
	case keyFields[id] != nil:
		return d.value(id)
	}
	return nil
}

func (d *equalTable) addData(f equalFile, schema int) {
	f.path = fmt.Sprintf("data/%d.parquet", f.number)
	withIDs := schema == len(equalSchemas)-1 || d.IntN(2) == 0
	for range 1 + d.IntN(12) {
		row := d.row(schema, f.group)
		if f.spec == 1 && f.group == nil {
			delete(row, groupField)
		}
		if withIDs {
			delete(row, partsField)
			delete(row, insideField)
		}
		f.rows = append(f.rows, row)
	}
	columns := equalSchemas[schema]
	if f.spec == 1 && d.IntN(2) == 0 { // the partition says it
		columns = without(columns, groupField)
	}
	d.keep(f, columns, withIDs)
}

// keep adds a file of data that has these columns.
func (d *equalTable) keep(f equalFile, columns []icebergtest.Object, withIDs bool) {
	d.write(f, columns, withIDs)
	d.data = append(d.data, f)
	d.add(f, "data", icebergtest.Object{"content": 0})
}

// without are columns but for the one of an id.
func without(columns []icebergtest.Object, id int32) []icebergtest.Object {
	return slices.DeleteFunc(slices.Clone(columns), func(c icebergtest.Object) bool { return c["id"] == id })
}

// addValues adds a file of equality deletes: of rows that there are, mostly.
func (d *equalTable) addValues(f equalFile, schema int) {
	f.path = fmt.Sprintf("data/%d-equal.parquet", f.number)
	var known, top []int32
	for _, c := range equalSchemas[schema] {
		top = append(top, c["id"].(int32))
	}
	for _, id := range slices.Sorted(maps.Keys(keyFields)) {
		if slices.Contains(top, id) || id == insideField {
			known = append(known, id)
		}
	}
	usual := rand.New(rand.NewPCG(d.seed, d.Uint64N(2))) // several files compare the same
	usual.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	f.fields = known[:1+usual.IntN(3)]
	if usual.IntN(3) == 0 {
		f.fields = []int32{groupField}
	}
	withIDs := !slices.Contains(f.fields, insideField)
	if !withIDs {
		f.fields = slices.DeleteFunc(f.fields, func(id int32) bool { return id == newField })
	}
	for range 1 + d.IntN(5) {
		file := d.data[d.IntN(len(d.data))]
		f.rows = append(f.rows, file.rows[d.IntN(len(file.rows))])
	}
	columns := slices.DeleteFunc(slices.Clone(equalSchemas[schema]), func(c icebergtest.Object) bool {
		id := c["id"].(int32)
		isKey := slices.Contains(f.fields, id) || id == partsField && slices.Contains(f.fields, insideField)
		return !isKey && id != rowField
	})
	d.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	d.keepValues(f, columns, withIDs)
}

// keepValues adds a file of equality deletes that has these columns.
func (d *equalTable) keepValues(f equalFile, columns []icebergtest.Object, withIDs bool) {
	d.write(f, columns, withIDs)
	d.deletes = append(d.deletes, f)
	d.add(f, "deletes", icebergtest.Object{"content": 2, "equality_ids": f.fields})
}

// addPositions adds a file of position deletes, of rows of several files.
func (d *equalTable) addPositions(f equalFile) {
	f.path, f.positions = fmt.Sprintf("data/%d-positions.parquet", f.number), map[int][]int{}
	var paths []string
	var at []int64
	for i, file := range d.data {
		for row := range file.rows {
			if d.IntN(4) == 0 {
				f.positions[i] = append(f.positions[i], row)
				paths, at = append(paths, filepath.Join(d.folder, file.path)), append(at, int64(row))
			}
		}
	}
	named, rows := array.NewStringBuilder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	named.AppendValues(paths, nil)
	rows.AppendValues(at, nil)
	columns := arrow.NewSchema([]arrow.Field{{Name: "file_path", Type: arrow.BinaryTypes.String}, {Name: "pos", Type: arrow.PrimitiveTypes.Int64}}, nil)
	d.writeRecord(f.path, array.NewRecord(columns, []arrow.Array{named.NewArray(), rows.NewArray()}, int64(len(at))))
	d.deletes = append(d.deletes, f)
	d.add(f, "deletes", icebergtest.Object{"content": 1, "record_count": len(at)})
}

// isDeleted says whether a row of a data file is deleted, by the specification.
func (d *equalTable) isDeleted(file, row int) bool {
	return slices.ContainsFunc(d.deletes, func(f equalFile) bool {
		if !f.appliesTo(d.data[file]) {
			return false
		}
		return slices.Contains(f.positions[file], row) || f.fields != nil && slices.ContainsFunc(f.rows, func(r equalRow) bool {
			return r.equals(d.data[file].rows[row], f.fields)
		})
	})
}

// left are the numbers of the rows that are left, of those that a condition keeps, and how many are not.
func (d *equalTable) left(keeps func(equalRow) bool) (left []string, deleted int64) {
	left = []string{}
	for i, file := range d.data {
		for at, row := range file.rows {
			switch {
			case d.isDeleted(i, at):
				deleted++
			case keeps(row):
				left = append(left, row[rowField])
			}
		}
	}
	slices.Sort(left)
	return left, deleted
}
