package convert_test

import (
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
)

// extension is an Arrow extension type of any name.
type extension struct {
	arrow.ExtensionBase
	name string
}

type extensionArray struct{ array.ExtensionArrayBase }

func (*extension) ArrayType() reflect.Type { return reflect.TypeFor[extensionArray]() }
func (e *extension) ExtensionName() string { return e.name }
func (e *extension) String() string        { return e.name }
func (*extension) Serialize() string       { return "" }

func (e *extension) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return &extension{arrow.ExtensionBase{Storage: storage}, e.name}, nil
}

func (e *extension) ExtensionEquals(other arrow.ExtensionType) bool {
	return e.name == other.ExtensionName() && arrow.TypeEqual(e.StorageType(), other.StorageType())
}

func extended(name string, storage arrow.Array) arrow.Array {
	of := &extension{arrow.ExtensionBase{Storage: storage.DataType()}, name}
	return array.NewExtensionArrayWithStorage(of, storage)
}

func dictionary(t *testing.T, indices string, words arrow.Array) arrow.Array {
	t.Helper()
	of := &arrow.DictionaryType{IndexType: p.Int8, ValueType: words.DataType()}
	return array.NewDictionaryArray(of, values(t, p.Int8, indices), words)
}

// TestEncodedSources converts values that are not stored row by row.
func TestEncodedSources(t *testing.T) {
	t.Parallel()
	words := textValues("1", "x", "3")
	coded := dictionary(t, `[2, 1, null, 0, 2]`, words)
	_, out, failed := column(t, nullable("c", coded.DataType()), coded, ask("bigint"))
	assert.Equal(t, []string{"3", "(null)", "(null)", "1", "3"}, printed(out))
	assert.Equal(t, []int{1}, failed)

	runs := array.NewRunEndEncodedArray(values(t, p.Int32, `[2, 3, 5]`), words, 5, 0)
	_, out, failed = column(t, nullable("c", runs.DataType()), runs, ask("bigint"))
	assert.Equal(t, []string{"1", "1", "(null)", "3", "3"}, printed(out))
	assert.Equal(t, []int{2}, failed)

	_, out, _ = column(t, nullable("c", runs.DataType()), array.NewSlice(runs, 1, 4), ask("text"))
	assert.Equal(t, runs.DataType(), out.DataType(), "text stays as it is")

	views := array.NewStringViewBuilder(memory.DefaultAllocator)
	views.AppendValues([]string{"1", "a text that is longer than a view"}, nil)
	_, out, failed = column(t, nullable("c", arrow.BinaryTypes.StringView), views.NewArray(), ask("bigint"))
	assert.Equal(t, []string{"1", "(null)"}, printed(out))
	assert.Equal(t, []int{1}, failed)

	nothing := dictionary(t, `[0, null]`, array.NewNull(1))
	_, out, failed = column(t, nullable("c", nothing.DataType()), nothing, ask("bigint"))
	assert.Equal(t, []string{"(null)", "(null)"}, printed(out))
	assert.Empty(t, failed)
}

func TestEncodedSourcesWithDefaults(t *testing.T) {
	t.Parallel()
	yes, nine := "yes", "9"
	coded := dictionary(t, `[0, null]`, values(t, w.Boolean, `[false]`))
	_, out, _ := column(t, nullable("c", coded.DataType()), coded, convert.Column{Default: &yes})
	assert.Equal(t, []string{"false", "true"}, printed(out))

	spans := values(t, &arrow.DurationType{Unit: arrow.Nanosecond}, `["-1ns", "1500ns", null]`)
	_, out, _ = column(t, nullable("c", spans.DataType()), spans, convert.Column{Default: &nine})
	assert.Equal(t, []string{"-1", "1", "9"}, printed(out))
}

func TestDamagedDictionaries(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]convert.Column{"bigint": ask("bigint"), "json": asJSON} {
		for _, index := range []string{"[0, 3]", "[0, -2]"} {
			source := dictionary(t, index, textValues("1", "2", "3"))
			if name == "json" {
				of := arrow.StructOf(nullable("a", source.DataType()))
				source = array.NewStructData(array.NewData(of, 2, []*memory.Buffer{nil}, []arrow.ArrayData{source.Data()}, 0, 0))
			}
			ask.Source = "c"
			schema := schemaOf(nullable("c", source.DataType()))
			converter, err := convert.Compile(schema, "", []convert.Column{ask})
			require.NoError(t, err)
			_, _, err = converter.Apply(array.NewRecord(schema, []arrow.Array{source}, -1))
			require.ErrorContains(t, err, `column "c": row 1 refers to value`)
		}
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	ids := extended("arrow.uuid", values(t, &arrow.FixedSizeBinaryType{ByteWidth: 16}, `["ABEiM0RVZneImaq7zN3u/w==", null]`))
	_, out, _ := column(t, nullable("c", ids.DataType()), ids, ask("bytes"))
	assert.Equal(t, []string{"ABEiM0RVZneImaq7zN3u/w==", "(null)"}, printed(out))
	_, out, _ = column(t, nullable("c", ids.DataType()), ids, ask("text"))
	assert.Same(t, ids, out, "the sink writes it as text")

	numbers := extended("a.number", textValues("1", "2"))
	_, out, _ = column(t, nullable("c", numbers.DataType()), numbers, ask("int"))
	assert.Equal(t, []string{"1", "2"}, printed(out))

	inner := arrow.StructOf(nullable("x", p.Int64))
	points := extended("a.point", values(t, inner, `[{"x": 1}, null]`))
	schema := schemaOf(nullable("c", points.DataType()))
	mapped, _ := apply(t, schema, convert.Flatten, nil, points)
	assert.Equal(t, []string{"1", "(null)"}, printed(mapped.Column(0)))
	mapped, _ = apply(t, schema, convert.JSON, nil, points)
	assert.Equal(t, []string{`{"x":1}`, "(null)"}, printed(mapped.Column(0)))
}

// TestFlattenEncodedFields keeps the NULLs of a structure in fields without a bitmap of NULLs.
func TestFlattenEncodedFields(t *testing.T) {
	t.Parallel()
	coded := dictionary(t, `[0, 1, null]`, textValues("a", "b"))
	runs := array.NewRunEndEncodedArray(values(t, p.Int32, `[3]`), textValues("r"), 3, 0)
	structure := func(field arrow.Array) arrow.Array {
		of := arrow.StructOf(nullable("f", field.DataType()))
		valid := memory.NewBufferBytes([]byte{0b110})
		return array.NewStructData(array.NewData(of, 3, []*memory.Buffer{valid}, []arrow.ArrayData{field.Data()}, 1, 0))
	}
	source := structure(coded)
	mapped, _ := apply(t, schemaOf(nullable("c", source.DataType())), convert.Flatten, nil, source)
	assert.Equal(t, []string{"(null)", "b", "(null)"}, printed(mapped.Column(0)))

	nothing := structure(array.NewNull(3))
	mapped, _ = apply(t, schemaOf(nullable("c", nothing.DataType())), convert.Flatten, nil, nothing)
	assert.Equal(t, []string{"(null)", "(null)", "(null)"}, printed(mapped.Column(0)))

	_, err := convert.Compile(schemaOf(nullable("c", structure(runs).DataType())), convert.Flatten, nil)
	requireRefused(t, err, `field "f" of column "c" is run-end encoded`, "columns: {c: {nested: json}}")
	mapped, _ = apply(t, schemaOf(nullable("c", structure(runs).DataType())), convert.JSON, nil, structure(runs))
	assert.Equal(t, []string{"(null)", `{"f":"r"}`, `{"f":"r"}`}, printed(mapped.Column(0)))
}
