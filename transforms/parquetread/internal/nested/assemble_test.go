package nested

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/column"
)

// leafOf is entries with their levels, and the values of those that have a slot; a value
// of 0 is null.
func leafOf(definitions, repetitions []uint8, values ...int32) column.Leaf {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	for _, value := range values {
		if value == 0 {
			b.AppendNull()
		} else {
			b.Append(value)
		}
	}
	return column.Leaf{Definitions: definitions, Repetitions: repetitions, Values: b.NewArray()}
}

func integer(name string, levels Levels) Field {
	return Field{Arrow: arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32, Nullable: true}, Levels: levels}
}

// pairs is an optional list of optional structs of two optional integers.
func pairs() Field {
	value := Levels{Slot: 2, Value: 4, Repetition: 1}
	item := Field{
		Kind: Struct, Levels: Levels{Slot: 2, Value: 3, Repetition: 1}, Children: []Field{integer("a", value), integer("b", value)},
		Arrow: arrow.Field{Name: "item", Nullable: true, Type: arrow.StructOf(integer("a", value).Arrow, integer("b", value).Arrow)},
	}
	return Field{
		Kind: List, Levels: Levels{Value: 1}, Children: []Field{item},
		Arrow: arrow.Field{Name: "list", Nullable: true, Type: arrow.ListOfField(item.Arrow)},
	}
}

func TestListsOfStructs(t *testing.T) {
	t.Parallel()
	repetitions := []uint8{0, 1, 1, 0, 0, 0}
	got, err := assemble(pairs(), []column.Leaf{
		leafOf([]uint8{4, 3, 2, 1, 0, 4}, repetitions, 1, 0, 0, 2),
		leafOf([]uint8{3, 4, 2, 1, 0, 4}, repetitions, 0, 3, 0, 4),
	})
	require.NoError(t, err)
	require.Equal(t, 4, got.Len())
	var rows []string
	for row := range got.Len() {
		rows = append(rows, got.ValueStr(row))
	}
	assert.Equal(t, []string{`[{"a":1,"b":null},{"a":null,"b":3},null]`, `[]`, "(null)", `[{"a":2,"b":4}]`}, rows)
}

func TestLeavesThatDisagree(t *testing.T) {
	t.Parallel()
	first := leafOf([]uint8{4, 4, 1}, []uint8{0, 1, 0}, 1, 2)
	for name, second := range map[string]column.Leaf{
		"an item less":    leafOf([]uint8{4, 1}, []uint8{0, 0}, 1),
		"an item more":    leafOf([]uint8{4, 4, 4, 1}, []uint8{0, 1, 1, 0}, 1, 2, 3),
		"a row more":      leafOf([]uint8{4, 4, 1, 1}, []uint8{0, 1, 0, 0}, 1, 2),
		"another row":     leafOf([]uint8{4, 1, 4}, []uint8{0, 0, 0}, 1, 2),
		"a null list":     leafOf([]uint8{4, 4, 0}, []uint8{0, 1, 0}, 1, 2),
		"a null struct":   leafOf([]uint8{4, 2, 1}, []uint8{0, 1, 0}, 1, 0),
		"no row":          leafOf(nil, nil),
		"other row bound": leafOf([]uint8{4, 4, 1}, []uint8{0, 0, 0}, 1, 2),
	} {
		_, err := assemble(pairs(), []column.Leaf{first, second})
		require.ErrorIs(t, err, errMalformed, name)
		_, err = assemble(pairs(), []column.Leaf{second, first})
		require.ErrorIs(t, err, errMalformed, name)
	}
	_, err := assemble(pairs(), []column.Leaf{first, leafOf([]uint8{3, 4, 1}, []uint8{0, 1, 0}, 0, 2)})
	assert.NoError(t, err)
}

func TestMaps(t *testing.T) {
	t.Parallel()
	key, value := integer("key", Levels{Slot: 1, Value: 2, Repetition: 1}), integer("value", Levels{Slot: 1, Value: 2, Repetition: 1})
	counts := Field{
		Kind: Map, Children: []Field{key, value},
		Arrow: arrow.Field{Name: "counts", Type: arrow.MapOf(key.Arrow.Type, value.Arrow.Type)},
	}
	repetitions := []uint8{0, 1, 0}
	values := leafOf([]uint8{2, 1, 0}, repetitions, 7, 0)
	got, err := assemble(counts, []column.Leaf{leafOf([]uint8{2, 2, 0}, repetitions, 1, 2), values})
	require.NoError(t, err)
	counted := got.(*array.Map)
	assert.Equal(t, []int32{0, 2, 2}, counted.Offsets())
	assert.Equal(t, "[1 2]", counted.Keys().String())
	assert.Equal(t, "[7 (null)]", counted.Items().String())

	_, err = assemble(counts, []column.Leaf{leafOf([]uint8{2, 1, 0}, repetitions, 1, 0), values})
	require.ErrorContains(t, err, "a key of a map is null")
}
