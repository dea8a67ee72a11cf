package parquetread

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/nested"
)

// level is how deep a place in the tree of columns is, in Parquet's levels.
type level struct {
	definition uint8
	repeated   []uint8 // definition levels of the repeated nodes on the way
}

// slots are the levels of a node at l, whose values have a definition level of their own
// when it is optional.
func (l level) slots(value uint8) nested.Levels {
	levels := nested.Levels{Value: value, Repetition: uint8(len(l.repeated))}
	if len(l.repeated) > 0 {
		levels.Slot = l.repeated[len(l.repeated)-1]
	}
	return levels
}

// item is the level of the items of a list at l.
func (l level) item() level {
	definition := l.definition + 1
	return level{definition, append(slices.Clip(l.repeated), definition)}
}

// shape returns the field of n, a child of a struct or of the file at the given level,
// with how its arrays are made. What repeats without being called a list is a list too.
func (n node) shape(at level) nested.Field {
	if n.Repetition == format.Repeated {
		return listOf(n.Name, at, n.required().shape(at.item()))
	}
	inside := at
	if n.Repetition == format.Optional {
		inside.definition++
	}
	f := n.content(inside)
	f.Arrow.Name, f.Arrow.Nullable = n.Name, n.Repetition == format.Optional
	f.Levels = at.slots(inside.definition)
	return f
}

// required is n as what occurs once where n repeats.
func (n node) required() node {
	n.Repetition = format.Required
	return n
}

// content returns the field of n, which is there, without its name and its own levels.
func (n node) content(at level) nested.Field {
	if len(n.children) == 0 {
		dt, logical := leafType(n.SchemaElement)
		return nested.Field{
			Kind: nested.Leaf, Chunk: n.leaf,
			Arrow: arrow.Field{Type: dt, Metadata: logicalMetadata(logical, n.Logical)},
			Column: column.Column{
				Physical: n.Physical, Length: n.TypeLength, Type: dt, Definition: at.definition, Repeated: at.repeated, Hybrid: n.hybrid,
			},
		}
	}
	switch n.kind() {
	case nested.Map:
		return mapOf(n.children[0], at.item())
	case nested.List:
		return listOf("", at, n.listItem(at.item()))
	}
	return n.structure(at)
}

// kind says what n is, apart from how often it occurs. A map without values is the list of its keys.
func (n node) kind() nested.Kind {
	isList := len(n.children) == 1 && n.children[0].Repetition == format.Repeated
	switch {
	case len(n.children) == 0:
		return nested.Leaf
	case n.Logical.ID == format.Map && isList && len(n.children[0].children) == 2:
		return nested.Map
	case (n.Logical.ID == format.List || n.Logical.ID == format.Map) && isList:
		return nested.List
	}
	return nested.Struct
}

// structure returns n as a struct. Some annotations that groups can have, such as that of
// variants, say what its fields mean together; which is not known here.
func (n node) structure(at level) nested.Field {
	f := nested.Field{Kind: nested.Struct, IsHollow: n.isHollow}
	var types []arrow.Field
	for _, child := range n.children {
		field := child.shape(at)
		f.Children = append(f.Children, field)
		if !n.isHollow {
			types = append(types, field.Arrow)
		}
	}
	f.Arrow.Type = arrow.StructOf(types...)
	if n.Logical.ID != format.NoLogical {
		f.Arrow.Metadata = logicalMetadata(batch.LogicalUnknown, format.LogicalType{})
	}
	return f
}

// listItem returns the items of the list n: the only child of its only child, which
// repeats, or that child.
func (n node) listItem(at level) nested.Field {
	if n.repeatsItems {
		return n.children[0].required().shape(at)
	}
	return n.children[0].children[0].shape(at)
}

// hasTwoLevels says whether the level between the list n and its items is missing: old writers left it out, which the
// child of the list gives away by its name, its number of children, or by being a list itself.
func (n node) hasTwoLevels() bool {
	repeated := n.children[0]
	return len(repeated.children) != 1 ||
		repeated.children[0].Repetition == format.Repeated ||
		repeated.Logical.ID == format.List || repeated.Logical.ID == format.Map && n.Logical.ID == format.List ||
		repeated.Name == "array" || repeated.Name == n.Name+"_tuple"
}

// listOf returns a list at a level, which is not null by itself.
func listOf(name string, at level, item nested.Field) nested.Field {
	return nested.Field{
		Kind: nested.List, Children: []nested.Field{item}, Levels: at.slots(at.definition),
		Arrow: arrow.Field{Name: name, Type: arrow.ListOfField(item.Arrow)},
	}
}

// mapOf returns a map of pairs of keys and values, which are at a level. Keys are not
// null, whatever writers declare.
func mapOf(pair node, at level) nested.Field {
	key, value := pair.children[0].shape(at), pair.children[1].shape(at)
	dt := arrow.MapOfWithMetadata(key.Arrow.Type, key.Arrow.Metadata, value.Arrow.Type, value.Arrow.Metadata)
	dt.SetItemNullable(value.Arrow.Nullable)
	return nested.Field{Kind: nested.Map, Children: []nested.Field{key, value}, Arrow: arrow.Field{Type: dt}}
}
