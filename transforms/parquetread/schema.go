package parquetread

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/format"
)

// node is a field in the tree of columns of a file.
type node struct {
	format.SchemaElement
	children []node
	leaf     int // index of the column chunk of a leaf
}

// maxNesting bounds the depth of the tree of columns.
const maxNesting = 64

// buildTree makes a tree of the list of elements that a footer holds.
func buildTree(elements []format.SchemaElement) (node, error) {
	rest, leaves := elements, 0
	var build func(depth int) (node, error)
	build = func(depth int) (node, error) {
		if len(rest) == 0 || depth > maxNesting {
			return node{}, errors.New("the schema is malformed")
		}
		n := node{SchemaElement: rest[0]}
		rest = rest[1:]
		if !n.isSound(depth) {
			return node{}, fmt.Errorf("the schema is malformed at %q", n.Name)
		}
		if n.Children == 0 && depth > 0 {
			n.leaf = leaves
			leaves++
		}
		for range n.Children {
			child, err := build(depth + 1)
			if err != nil {
				return node{}, err
			}
			n.children = append(n.children, child)
		}
		return n, nil
	}
	root, err := build(0)
	if err == nil && len(rest) > 0 {
		err = errors.New("the schema is malformed")
	}
	return root, err
}

// isSound says whether an element can be part of a schema. Nothing repeats the root.
func (n node) isSound(depth int) bool {
	if n.Children < 0 || depth > 0 && (n.Repetition < format.Required || n.Repetition > format.Repeated) {
		return false
	}
	isLeaf := n.Children == 0 && depth > 0
	return !isLeaf || n.Physical >= format.Boolean && n.Physical < format.FixedLenByteArray ||
		n.Physical == format.FixedLenByteArray && n.TypeLength > 0
}

// leaves returns how many columns are stored for n, which is not a root without columns.
func (n node) leaves() int {
	total := 0
	for _, child := range n.children {
		total += child.leaves()
	}
	return max(total, 1)
}

// isFlat says whether a row has at most one value of n.
func (n node) isFlat() bool { return len(n.children) == 0 && n.Repetition != format.Repeated }

// field returns the Arrow field of n as a child of a structure or of the file.
func (n node) field() arrow.Field {
	field := arrow.Field{Name: n.Name, Nullable: n.Repetition == format.Optional}
	var logical string
	field.Type, logical = n.dataType()
	if logical != "" {
		field.Metadata = logicalMetadata(logical)
	}
	if n.Repetition == format.Repeated {
		field = arrow.Field{Name: n.Name, Type: arrow.ListOfField(arrow.Field{Name: n.Name, Type: field.Type, Metadata: field.Metadata})}
	}
	return field
}

func logicalMetadata(logical string) arrow.Metadata {
	return arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{logical})
}

// dataType returns the Arrow type of one value of n, and the value of
// batch.LogicalTypeKey, empty where the type says everything.
func (n node) dataType() (arrow.DataType, string) {
	if len(n.children) == 0 {
		return leafType(n.SchemaElement)
	}
	switch n.Logical.ID {
	case format.List:
		if item, ok := n.listItem(); ok {
			return arrow.ListOfField(item), ""
		}
	case format.Map:
		if key, value, ok := n.mapItem(); ok {
			return arrow.MapOf(key.Type, value.Type), ""
		}
	}
	fields := make([]arrow.Field, len(n.children))
	for i, child := range n.children {
		fields[i] = child.field()
	}
	logical := ""
	if n.Logical.ID != format.NoLogical {
		logical = batch.LogicalUnknown
	}
	return arrow.StructOf(fields...), logical
}

// listItem returns the field of the items of a list: the only child of its only child,
// which is repeated. Old writers leave the inner level out, which its name or its number
// of children shows.
func (n node) listItem() (arrow.Field, bool) {
	if len(n.children) != 1 || n.children[0].Repetition != format.Repeated {
		return arrow.Field{}, false
	}
	repeated := n.children[0]
	if len(repeated.children) == 1 && repeated.Name != "array" && repeated.Name != n.Name+"_tuple" {
		return repeated.children[0].field(), true
	}
	repeated.Repetition = format.Required
	return repeated.field(), true
}

// mapItem returns the fields of the keys and of the values of a map.
func (n node) mapItem() (key, value arrow.Field, ok bool) {
	if len(n.children) != 1 || n.children[0].Repetition != format.Repeated || len(n.children[0].children) != 2 {
		return key, value, false
	}
	pair := n.children[0].children
	return pair[0].field(), pair[1].field(), true
}

// topLevel returns the index of a column of the file by its name.
func (n node) topLevel(name string) (int, error) {
	found := -1
	for i, child := range n.children {
		switch {
		case child.Name != name:
		case found >= 0:
			return 0, fmt.Errorf("%w: several are named %q", errColumns, name)
		default:
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("%w: there is no %q", errColumns, name)
	}
	return found, nil
}
