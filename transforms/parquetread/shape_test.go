package parquetread

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/nested"
)

// The parts of schemas, by how they occur.
func group(name string, occurs format.Repetition, logical format.Logical, children int32) format.SchemaElement {
	return format.SchemaElement{Name: name, Repetition: occurs, Children: children, Logical: format.LogicalType{ID: logical}}
}

func number(name string, occurs format.Repetition) format.SchemaElement {
	return format.SchemaElement{Name: name, Repetition: occurs, Physical: format.Int32}
}

const (
	required, optional, repeated = format.Required, format.Optional, format.Repeated
	list, mapping, plain         = format.List, format.Map, format.NoLogical
)

func TestFormsOfNestedColumns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		elements []format.SchemaElement
		want     string
	}{
		"list of three levels": {
			[]format.SchemaElement{group("c", optional, list, 1), group("list", repeated, plain, 1), number("element", optional)},
			"list<element: int32, nullable>",
		},
		"list of two levels": {
			[]format.SchemaElement{group("c", required, list, 1), number("element", repeated)},
			"list<element: int32>",
		},
		"list of structs in two levels": {
			[]format.SchemaElement{group("c", optional, list, 1), group("element", repeated, plain, 2), number("a", required), number("b", optional)},
			"list<element: struct<a: int32, b: int32>>",
		},
		"list of two levels by the name array": {
			[]format.SchemaElement{group("c", optional, list, 1), group("array", repeated, plain, 1), number("a", required)},
			"list<array: struct<a: int32>>",
		},
		"list of two levels by the name of the list": {
			[]format.SchemaElement{group("c", optional, list, 1), group("c_tuple", repeated, plain, 1), number("a", required)},
			"list<c_tuple: struct<a: int32>>",
		},
		"list of lists in two levels": {
			[]format.SchemaElement{group("c", optional, list, 1), group("inner", repeated, list, 1), number("a", repeated)},
			"list<inner: list<a: int32>>",
		},
		"list of structs of what repeats": {
			[]format.SchemaElement{group("c", optional, list, 1), group("inner", repeated, plain, 1), number("a", repeated)},
			"list<inner: struct<a: list<a: int32>>>",
		},
		"a column that repeats": {
			[]format.SchemaElement{number("c", repeated)},
			"list<c: int32>",
		},
		"a struct that repeats": {
			[]format.SchemaElement{group("c", repeated, plain, 2), number("a", repeated), number("b", optional)},
			"list<c: struct<a: list<a: int32>, b: int32>>",
		},
		"a list that repeats": {
			[]format.SchemaElement{group("c", repeated, list, 1), group("list", repeated, plain, 1), number("element", optional)},
			"list<c: list<element: int32, nullable>>",
		},
		"map": {
			[]format.SchemaElement{group("c", optional, mapping, 1), group("key_value", repeated, plain, 2), number("key", required), number("value", required)},
			"map<int32, int32, items_non_nullable>",
		},
		"map of optional keys": {
			[]format.SchemaElement{group("c", optional, mapping, 1), group("map", repeated, mapping, 2), number("key", optional), number("value", optional)},
			"map<int32, int32, items_nullable>",
		},
		"map without values": {
			[]format.SchemaElement{group("c", optional, mapping, 1), group("key_value", repeated, plain, 1), number("key", required)},
			"list<key: int32>",
		},
		"map without values by its old name": {
			[]format.SchemaElement{group("c", optional, mapping, 1), group("map", repeated, mapping, 1), number("key", required)},
			"list<key: int32>",
		},
		"list that repeats nothing": {
			[]format.SchemaElement{group("c", optional, list, 1), number("a", optional)},
			"struct<a: int32>",
		},
		"variant": {
			[]format.SchemaElement{group("c", optional, format.Variant, 2), number("metadata", required), number("value", optional)},
			"struct<metadata: int32, value: int32>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := buildTree(append([]format.SchemaElement{group("root", required, plain, 1)}, c.elements...))
			require.NoError(t, err)
			column := root.children[0].shape(level{})
			assert.Equal(t, "c", column.Arrow.Name)
			assert.Equal(t, c.want, column.Arrow.Type.String())
			assert.Equal(t, c.elements[0].Repetition == optional, column.Arrow.Nullable)
			isKnown := name != "variant" && name != "list that repeats nothing"
			assert.Equal(t, isKnown, batch.LogicalType(column.Arrow) == "")
		})
	}
}

func TestLevelsOfNestedColumns(t *testing.T) {
	t.Parallel()
	root, err := buildTree([]format.SchemaElement{
		group("root", required, plain, 1), group("c", optional, plain, 2), number("a", required),
		group("b", repeated, plain, 2), number("x", optional), group("y", optional, list, 1), group("list", repeated, plain, 1), number("element", required),
	})
	require.NoError(t, err)
	column := root.children[0].shape(level{})
	assert.Equal(t, nested.Levels{Value: 1}, column.Levels)
	leaves := column.Leaves()
	require.Len(t, leaves, 3)
	a, x, element := leaves[0], leaves[1], leaves[2]

	assert.Equal(t, nested.Levels{Value: 1}, a.Levels)
	assert.Equal(t, uint8(1), a.Column.Definition)
	assert.Empty(t, a.Column.Repeated)

	assert.Equal(t, nested.Levels{Slot: 2, Value: 3, Repetition: 1}, x.Levels)
	assert.Equal(t, uint8(3), x.Column.Definition)
	assert.Equal(t, []uint8{2}, x.Column.Repeated)

	assert.Equal(t, nested.Levels{Slot: 4, Value: 4, Repetition: 2}, element.Levels)
	assert.Equal(t, []uint8{2, 4}, element.Column.Repeated)
	assert.Equal(t, []int{0, 1, 2}, []int{a.Chunk, x.Chunk, element.Chunk})
}

func TestMetadataOfGeometries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		logical format.LogicalType
		want    map[string]string
	}{
		"geometry":      {format.LogicalType{ID: format.Geometry}, map[string]string{batch.LogicalTypeKey: batch.LogicalGeometry}},
		"default named": {format.LogicalType{ID: format.Geometry, CRS: "OGC:CRS84"}, map[string]string{batch.LogicalTypeKey: batch.LogicalGeometry}},
		"another system": {format.LogicalType{ID: format.Geometry, CRS: "srid:5070"}, map[string]string{
			batch.LogicalTypeKey: batch.LogicalGeometry, batch.CRSKey: "srid:5070",
		}},
		"geography": {format.LogicalType{ID: format.Geography}, map[string]string{batch.LogicalTypeKey: batch.LogicalGeography}},
		"other edges": {format.LogicalType{ID: format.Geography, CRS: "EPSG:4267", Edges: 4}, map[string]string{
			batch.LogicalTypeKey: batch.LogicalGeography, batch.CRSKey: "EPSG:4267", batch.EdgesKey: "karney",
		}},
	} {
		field := node{SchemaElement: format.SchemaElement{Name: "g", Physical: format.ByteArray, Logical: c.logical}}.field()
		assert.Equal(t, "binary", field.Type.String(), name)
		assert.Equal(t, c.want, field.Metadata.ToMap(), name)
	}
	field := node{SchemaElement: format.SchemaElement{Name: "g", Physical: format.Int64, Logical: format.LogicalType{ID: format.Geometry}}}.field()
	assert.Equal(t, batch.LogicalUnknown, batch.LogicalType(field))
}
