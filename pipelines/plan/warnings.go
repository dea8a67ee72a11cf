package plan

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/sinks/hyper"
)

const (
	nanosWarning = "nanoseconds, which it can hold, are cut down to microseconds"

	unknownWarning = "its logical type (such as VARIANT) is not known: it is read as the fields that it is stored in, bytes as base64 in JSON"
)

// warn says of a column what becomes of the field of the lake that it is made of, if that is
// not what it says it is and nothing else was said yet.
func warn(column *hyper.Column, top arrow.Field) {
	path := strings.TrimPrefix(strings.TrimPrefix(column.Source, top.Name), ".")
	field, isUnknown := fieldAt(top, path)
	switch {
	case column.Warning != "":
	case isUnknown || holds(field, isUnknownGroup):
		column.Warning = unknownWarning
	case holds(field, isInt96) || column.Conversion != hyper.JSONText && column.SQLType != "TEXT" && holds(field, inNanos):
		column.Warning = nanosWarning
	}
}

// fieldAt finds a field inside of structures, and whether one of these is of a logical type
// that is not known.
func fieldAt(field arrow.Field, path string) (found arrow.Field, isUnknown bool) {
	structure, ok := field.Type.(*arrow.StructType)
	if !ok || path == "" {
		return field, false
	}
	for _, child := range structure.Fields() {
		if within(path, child.Name) {
			found, isUnknown = fieldAt(child, strings.TrimPrefix(strings.TrimPrefix(path, child.Name), "."))
			return found, isUnknown || isUnknownGroup(field)
		}
	}
	return field, false
}

// holds says whether something is true of a field, or of one inside of it.
func holds(field arrow.Field, is func(arrow.Field) bool) bool {
	if is(field) {
		return true
	}
	if outer, ok := field.Type.(arrow.NestedType); ok {
		for _, child := range outer.Fields() {
			if holds(child, is) {
				return true
			}
		}
	}
	return false
}

func isUnknownGroup(field arrow.Field) bool {
	_, nested := field.Type.(arrow.NestedType)
	return nested && batch.LogicalType(field) == batch.LogicalUnknown
}

func isInt96(field arrow.Field) bool { return batch.LogicalType(field) == batch.LogicalInt96 }

func inNanos(field arrow.Field) bool {
	t, ok := field.Type.(arrow.TemporalWithUnit)
	return ok && t.TimeUnit() == arrow.Nanosecond
}
