package parquetread

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/julian"
	"hyperlake/transforms/parquetread/internal/nested"
)

// node is a field in the tree of columns of a file.
type node struct {
	format.SchemaElement
	stored   string // its name in the file; Name may be another one that a table gives it
	children []node
	leaf     int          // index of the column chunk of a leaf
	hybrid   *julian.Zone // of a leaf in the hybrid calendar: the zone of its writer; else nil

	repeatsItems bool // of a list: its child is the items, and not one level more around each
	isHollow     bool // of a structure: it has no fields; its child only says where it is NULL

	named map[string]int // of the root: indexes of children by name; twice where a name is not unique
}

// twice stands for the index of a name that several have.
const twice = -1

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
		n := node{SchemaElement: rest[0], stored: rest[0].Name}
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
		n.repeatsItems = n.kind() == nested.List && n.hasTwoLevels()
		return n, nil
	}
	root, err := build(0)
	if err == nil && len(rest) > 0 {
		err = errors.New("the schema is malformed")
	}
	root.index()
	return root, err
}

// index notes the names of the columns of a file, whose root n is.
func (n *node) index() {
	n.named = make(map[string]int, len(n.children))
	for i, child := range n.children {
		if _, seen := n.named[child.Name]; seen {
			i = twice
		}
		n.named[child.Name] = i
	}
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

// storedNames lists the names that columns have in the file, whose root n is; nil if they are those of the table.
func (n node) storedNames() []string {
	names, isOther := make([]string, len(n.children)), false
	for i, child := range n.children {
		names[i] = child.stored
		isOther = isOther || child.stored != child.Name
	}
	if !isOther {
		return nil
	}
	return names
}

// field returns the Arrow field of n, a column of the file.
func (n node) field() arrow.Field { return n.shape(level{}).Arrow }

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

// topLevel returns the index of a column of the file, whose root n is, by its name.
func (n node) topLevel(name string) (int, error) {
	found, ok := n.named[name]
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: there is no %q", errColumns, name)
	case found == twice:
		return 0, fmt.Errorf("%w: several are named %q", errColumns, name)
	}
	return found, nil
}
