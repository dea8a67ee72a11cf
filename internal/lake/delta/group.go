package delta

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// group is a structure of a record of a checkpoint. Fields that it lacks are NULL, as the protocol wants
// it. What has another type than is asked for is noted as a failure. A group without values is one in which all
// is NULL.
type group struct {
	path   string // for people
	values *array.Struct
	fields map[string]arrow.Array
	groups map[string]group
	failed *groupFailure
}

// groupFailure is the first thing that was wrong in a group and those in it.
type groupFailure struct{ err error }

func newGroup(path string, values *array.Struct) group {
	return group{path, values, map[string]arrow.Array{}, map[string]group{}, &groupFailure{}}.filled()
}

func (g group) filled() group {
	for i, field := range g.values.DataType().(*arrow.StructType).Fields() {
		g.fields[field.Name] = g.values.Field(i)
		if inner, ok := g.values.Field(i).(*array.Struct); ok {
			g.groups[field.Name] = group{
				g.path + "." + field.Name, inner, map[string]arrow.Array{}, map[string]group{}, g.failed,
			}.filled()
		}
	}
	return g
}

// fail notes that a field has a type that it cannot have.
func (g group) fail(name string, values arrow.Array) {
	if g.failed.err == nil {
		g.failed.err = fmt.Errorf("its column %q is %s", g.path+"."+name, values.DataType())
	}
}

// group is a structure in the group.
func (g group) group(name string) group {
	inner, ok := g.groups[name]
	if values := g.fields[name]; !ok && values != nil && values.DataType().ID() != arrow.NULL {
		g.fail(name, values)
	}
	if !ok {
		return group{failed: g.failed}
	}
	return inner
}

// has says whether the group is there in a row.
func (g group) has(row int) bool { return g.values != nil && g.values.IsValid(row) }

// hasValue says whether a field is there in a row.
func (g group) hasValue(name string, row int) bool {
	values := g.fields[name]
	return g.has(row) && values != nil && values.DataType().ID() != arrow.NULL && values.IsValid(row)
}

// text is a field of text; "" where it is NULL.
func (g group) text(name string, row int) string {
	if !g.hasValue(name, row) {
		return ""
	}
	text, ok := textAt(g.fields[name], row)
	if !ok {
		g.fail(name, g.fields[name])
	}
	return text
}

func textAt(values arrow.Array, row int) (string, bool) {
	switch v := values.(type) {
	case *array.String:
		return strings.Clone(v.Value(row)), true // which does not hold the record
	case *array.Binary: // by writers that do not say that it is text
		return string(v.Value(row)), true
	}
	return "", false
}

// integer is a field of integers; 0 where it is NULL.
func (g group) integer(name string, row int) int64 {
	if !g.hasValue(name, row) {
		return 0
	}
	switch v := g.fields[name].(type) {
	case *array.Int64:
		return v.Value(row)
	case *array.Int32:
		return int64(v.Value(row))
	}
	g.fail(name, g.fields[name])
	return 0
}

// list is a field of lists of texts; nil where it is NULL.
func (g group) list(name string, row int) []string {
	if !g.hasValue(name, row) {
		return nil
	}
	lists, ok := g.fields[name].(*array.List)
	if !ok {
		g.fail(name, g.fields[name])
		return nil
	}
	start, end := lists.ValueOffsets(row)
	texts := make([]string, 0, end-start)
	for i := start; i < end; i++ {
		text, ok := textAt(lists.ListValues(), int(i))
		if !ok {
			g.fail(name, lists)
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// texts is a field of maps of texts; nil where it is NULL.
func (g group) texts(name string, row int) map[string]*string {
	if !g.hasValue(name, row) {
		return nil
	}
	pairs, ok := g.fields[name].(*array.Map)
	if !ok {
		g.fail(name, g.fields[name])
		return nil
	}
	start, end := pairs.ValueOffsets(row)
	texts := make(map[string]*string, end-start)
	for i := int(start); i < int(end); i++ {
		key, ok := textAt(pairs.Keys(), i)
		if !ok {
			g.fail(name, pairs)
			return nil
		}
		if pairs.Items().IsNull(i) {
			texts[key] = nil
			continue
		}
		value, ok := textAt(pairs.Items(), i)
		if !ok {
			g.fail(name, pairs)
			return nil
		}
		texts[key] = &value
	}
	return texts
}

// valueTexts are the fields of a structure of simple values, as the protocol writes partition values.
func (g group) valueTexts(row int) map[string]*string {
	texts := map[string]*string{}
	for name := range g.fields {
		if !g.hasValue(name, row) {
			texts[name] = nil
			continue
		}
		text, ok := valueText(g.fields[name], row)
		if !ok {
			g.fail(name, g.fields[name])
			continue
		}
		texts[name] = &text
	}
	return texts
}

// valueText writes a simple value as the log writes it. Times have a Z, also where the column is in no zone.
func valueText(values arrow.Array, row int) (string, bool) {
	switch v := values.(type) {
	case *array.Boolean:
		return strconv.FormatBool(v.Value(row)), true
	case *array.Float32:
		return strconv.FormatFloat(float64(v.Value(row)), 'g', -1, 32), true
	case *array.Float64:
		return strconv.FormatFloat(v.Value(row), 'g', -1, 64), true
	case *array.Date32:
		return v.Value(row).ToTime().Format("2006-01-02"), true
	case *array.Timestamp:
		return v.Value(row).ToTime(v.DataType().(*arrow.TimestampType).Unit).UTC().Format(momentLayout + "Z"), true
	case *array.Decimal128:
		return v.Value(row).ToString(v.DataType().(*arrow.Decimal128Type).Scale), true
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64:
		return v.ValueStr(row), true
	}
	return textAt(values, row)
}
