package nested

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/transforms/parquetread/internal/column"
)

// assembler makes the arrays of a tree, depth first.
type assembler struct {
	leaves []column.Leaf // those that were not used yet
}

// assemble makes the array of a field of its leaves, which have the same rows.
func assemble(f Field, leaves []column.Leaf) (arrow.Array, error) {
	a := assembler{leaves}
	return a.field(f)
}

func (a *assembler) field(f Field) (arrow.Array, error) {
	first := a.leaves[0]
	switch f.Kind {
	case Struct:
		children, err := a.children(f.Children, f.Levels.Value, f.Levels.Repetition)
		if err != nil {
			return nil, err
		}
		if f.IsHollow {
			children = nil
		}
		return newArray(f.Arrow.Type, slotsOf(first, f.Levels), nil, children...), nil
	case List:
		items, err := a.field(f.Children[0])
		if err != nil {
			return nil, err
		}
		return newArray(f.Arrow.Type, slotsOf(first, f.Levels), offsetsOf(first, f), items), nil
	case Map:
		pairs, err := a.pairs(f)
		if err != nil {
			return nil, err
		}
		return newArray(f.Arrow.Type, slotsOf(first, f.Levels), offsetsOf(first, f), pairs), nil
	}
	a.leaves = a.leaves[1:]
	return first.Values, nil
}

// pairs makes the structs of keys and values that a map is a list of.
func (a *assembler) pairs(f Field) (arrow.Array, error) {
	item := f.Children[0].Levels
	children, err := a.children(f.Children, item.Slot, item.Repetition)
	if err != nil {
		return nil, err
	}
	if children[0].NullN() > 0 {
		return nil, fmt.Errorf("%w: a key of a map is null", errMalformed)
	}
	all := slots{count: children[0].Len()}
	return newArray(f.Arrow.Type.(*arrow.MapType).Elem(), all, nil, children...), nil
}

// children makes the arrays of the fields of a struct, which is there from a definition
// level on, and repeats at a repetition level.
func (a *assembler) children(fields []Field, definition, repetition uint8) ([]arrow.Array, error) {
	first := a.leaves[0]
	arrays := make([]arrow.Array, len(fields))
	for i, field := range fields {
		if i > 0 && !agree(first, a.leaves[0], definition, repetition) {
			return nil, fmt.Errorf("%w: %q and %q belong to other structs", errMalformed, fields[0].Arrow.Name, field.Arrow.Name)
		}
		var err error
		if arrays[i], err = a.field(field); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

// agree says whether two leaves describe the same structs and lists above them, down to
// a definition and a repetition level.
func agree(a, b column.Leaf, definition, repetition uint8) bool {
	i, j := 0, 0
	for {
		for i < len(a.Repetitions) && a.Repetitions[i] > repetition {
			i++
		}
		for j < len(b.Repetitions) && b.Repetitions[j] > repetition {
			j++
		}
		switch {
		case i == len(a.Repetitions) || j == len(b.Repetitions):
			return i == len(a.Repetitions) && j == len(b.Repetitions)
		case a.Repetitions[i] != b.Repetitions[j]:
			return false
		case min(a.Definitions[i], definition) != min(b.Definitions[j], definition):
			return false
		}
		i++
		j++
	}
}

// slots says which slots of a field hold values; all do when validity is nil.
type slots struct {
	count, nulls int
	validity     []byte
}

// slotsOf finds the slots of a field by a leaf below it.
func slotsOf(leaf column.Leaf, levels Levels) slots {
	s := slots{validity: make([]byte, (len(leaf.Definitions)+7)/8)}
	for i, definition := range leaf.Definitions {
		if definition < levels.Slot || leaf.Repetitions[i] > levels.Repetition {
			continue
		}
		if definition >= levels.Value {
			bitutil.SetBit(s.validity, s.count)
		} else {
			s.nulls++
		}
		s.count++
	}
	return s
}

// offsetsOf finds where the items of each slot of a list or a map end by a leaf below it.
func offsetsOf(leaf column.Leaf, list Field) []byte {
	item := list.Children[0].Levels
	offsets, items := []int32{}, int32(0)
	for i, definition := range leaf.Definitions {
		if leaf.Repetitions[i] > item.Repetition {
			continue
		}
		if definition >= list.Levels.Slot && leaf.Repetitions[i] <= list.Levels.Repetition {
			offsets = append(offsets, items)
		}
		if definition >= item.Slot {
			items++
		}
	}
	return arrow.Int32Traits.CastToBytes(append(offsets, items))
}

// newArray makes an array of its slots, its offsets if it has any, and its children.
func newArray(dt arrow.DataType, s slots, offsets []byte, children ...arrow.Array) arrow.Array {
	buffers := []*memory.Buffer{nil}
	if s.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(s.validity)
	}
	if offsets != nil {
		buffers = append(buffers, memory.NewBufferBytes(offsets))
	}
	data := make([]arrow.ArrayData, len(children))
	for i, child := range children {
		data[i] = child.Data()
	}
	return array.MakeFromData(array.NewData(dt, s.count, buffers, data, s.nulls, 0))
}
