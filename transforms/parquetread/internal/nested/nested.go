// Package nested makes Arrow arrays of nested columns: structs, lists and maps of any
// depth, from the leaves that Parquet stores with their repetition and definition levels.
//
// It promises that leaves which do not describe the same structs and lists end in an
// error, and that memory is bounded by a batch per leaf.
package nested

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/column"
)

// errMalformed says that a file is damaged.
var errMalformed = errors.New("the file is damaged")

// Kind is how the array of a field is made.
type Kind int

// The kinds of fields.
const (
	Leaf   Kind = iota // of the values of a leaf
	Struct             // of Children
	List               // of its item, the only child
	Map                // of its key and its value, two children
)

// Field is a field of the tree that a column is.
type Field struct {
	Arrow    arrow.Field
	Kind     Kind
	Levels   Levels
	Children []Field
	Column   column.Column // of a leaf
	Chunk    int           // of a leaf: index of its column chunk in a row group
	IsHollow bool          // of a struct: it has no fields, and its only child says where it is null
}

// Levels says what the entries of a leaf below a field mean for the field.
//
// An entry stands for a slot of the field, be it null, when its definition level is at
// least Slot and its repetition level is at most Repetition. The slot is not null when its
// definition level is at least Value.
type Levels struct {
	Slot, Value, Repetition uint8
}

// Leaves returns the leaves below a field in the order of their chunks.
func (f Field) Leaves() []Field {
	if f.Kind == Leaf {
		return []Field{f}
	}
	var leaves []Field
	for _, child := range f.Children {
		leaves = append(leaves, child.Leaves()...)
	}
	return leaves
}
