package convert

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// JSON is how nested values are written as JSON text, without white space:
//
//	boolean             true, false
//	integer, decimal    a number with all its digits: 12345678901234567890, 1.50
//	float               the shortest number that reads back as the same float; "NaN",
//	                    "Infinity" and "-Infinity" as text
//	text, UUID          text; what JSON must escape is escaped, nothing else
//	bytes               text in base64 with padding
//	date, time          text by ISO 8601
//	timestamp           text by RFC 3339, in UTC with Z; without Z if it is a local time
//	interval, duration  text by ISO 8601: P1M2DT3.5S
//	list                a list
//	structure           an object with the fields in their order
//	map with text keys  an object with the entries in their order
//	other map           a list of {"key":…,"value":…}
//	NULL                null; the NULL of a whole column stays NULL
//
// An object would lose values of equal names, and cannot have the name NULL: structures and
// maps with such names are written like other maps. Text that is not UTF-8 and times that are not within
// a day do not convert.
const JSON Nested = "json"

// jsonColumn is the kernel for a nested column.
func jsonColumn(field arrow.Field) (kernel, error) {
	if what := unwritable(field); what != "" {
		return nil, failure.New(failure.Source, "column %q holds %s, which cannot be written as JSON", field.Name, what).
			WithHint("leave the column out with source.select").BeforeData()
	}
	return func(in arrow.Array) (arrow.Array, []int, error) {
		source, err := cellsOf(in)
		if err != nil {
			return nil, nil, err
		}
		write, err := jsonWriter(source.values, field)
		if err != nil {
			return nil, nil, err
		}
		return toBytes(arrow.BinaryTypes.String, func(arrow.Array) appender { return write })(in)
	}, nil
}

// unwritable finds what has no JSON form inside a field, if anything.
func unwritable(field arrow.Field) string {
	t := plainType(field.Type)
	inner, isNested := t.(arrow.NestedType)
	switch {
	case !utf8.ValidString(field.Name):
		return fmt.Sprintf("a field named %q, which is not UTF-8", field.Name)
	case arrow.IsUnion(t.ID()) || !isNested && kindsByType[t.ID()] == unsupported:
		return t.String()
	case !isNested:
		return ""
	}
	for _, field := range inner.Fields() {
		if what := unwritable(field); what != "" {
			return what
		}
	}
	return ""
}

// reasonOfJSON says what values of a nested column do not convert.
func reasonOfJSON(field arrow.Field) string {
	what := "text that is not UTF-8"
	if holds(field, timeOfDay) {
		const times = "a time that is not within a day"
		if !holds(field, text) {
			what = times
		} else {
			what += " or " + times
		}
	}
	return "holds " + what + ", which JSON cannot hold"
}

// holds says whether values of a kind are inside a field.
func holds(field arrow.Field, of kind) bool {
	if inner, isNested := plainType(field.Type).(arrow.NestedType); isNested {
		return slices.ContainsFunc(inner.Fields(), func(field arrow.Field) bool { return holds(field, of) })
	}
	return kindOf(field) == of
}

// jsonValue appends the values of an array of any kind, NULLs as null.
func jsonValue(in arrow.Array, field arrow.Field) (appender, error) {
	source, err := cellsOf(in)
	if err != nil {
		return nil, err
	}
	write, err := jsonWriter(source.values, field)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, row int) ([]byte, bool) {
		at := source.at(row)
		if at == null {
			return append(dst, "null"...), true
		}
		return write(dst, at)
	}, nil
}

// jsonWriter appends the values of a plain array that are not NULL.
func jsonWriter(values arrow.Array, field arrow.Field) (appender, error) {
	switch v := values.(type) {
	case *array.Map:
		return jsonMap(v)
	case array.ListLike:
		return jsonList(v)
	case *array.Struct:
		return jsonStruct(v)
	}
	of := kindOf(field)
	if batch.LogicalType(field) == batch.LogicalInt96 { // which means UTC, though its type does not say so
		of = instant
	}
	switch of {
	case unsupported, nested:
		return nil, fmt.Errorf("%s cannot be written as JSON", values.DataType())
	case text:
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return appendQuoted(dst, get(at)) }, nil
	case blob, wkb:
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return appendBase64(dst, get(at)), true }, nil
	case boolean, integral, decimal:
		return standardText(values, of), nil
	case float:
		return jsonFloat(values), nil
	default:
		return quoted(standardText(values, of)), nil
	}
}

// quoted puts quotes around text without characters to escape.
func quoted(write appender) appender {
	return func(dst []byte, at int) ([]byte, bool) {
		dst, ok := write(append(dst, '"'), at)
		return append(dst, '"'), ok
	}
}

func jsonFloat(values arrow.Array) appender {
	get, bits := floats(values)
	return func(dst []byte, at int) ([]byte, bool) {
		f := get(at)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(appendFloat(append(dst, '"'), f, bits), '"'), true
		}
		return appendFloat(dst, f, bits), true
	}
}

func jsonList(list array.ListLike) (appender, error) {
	element := list.DataType().(arrow.ListLikeType).ElemField()
	write, err := jsonValue(list.ListValues(), element)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, at int) ([]byte, bool) {
		start, end := list.ValueOffsets(at)
		dst = append(dst, '[')
		for i := start; i < end; i++ {
			if i > start {
				dst = append(dst, ',')
			}
			var ok bool
			if dst, ok = write(dst, int(i)); !ok {
				return nil, false
			}
		}
		return append(dst, ']'), true
	}, nil
}

func jsonStruct(values *array.Struct) (appender, error) {
	t := values.DataType().(*arrow.StructType)
	writers := make([]appender, t.NumFields())
	names := make([][]byte, t.NumFields())
	unique := true
	for i, field := range t.Fields() {
		var err error
		if writers[i], err = jsonValue(values.Field(i), field); err != nil {
			return nil, err
		}
		names[i], _ = appendQuoted(nil, field.Name)
		unique = unique && !slices.ContainsFunc(t.Fields()[:i], func(other arrow.Field) bool { return other.Name == field.Name })
	}
	if !unique {
		return jsonPairs(names, writers), nil
	}
	return func(dst []byte, at int) ([]byte, bool) {
		dst = append(dst, '{')
		for i, write := range writers {
			if i > 0 {
				dst = append(dst, ',')
			}
			var ok bool
			if dst, ok = write(append(append(dst, names[i]...), ':'), at); !ok {
				return nil, false
			}
		}
		return append(dst, '}'), true
	}, nil
}
