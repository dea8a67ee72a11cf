package parquetwrite

import (
	"errors"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// slots is the entries of a place in the tree of columns, in Parquet's terms: a repetition
// and a definition level each, and where its value stands in an array.
type slots struct {
	repetition, definition []int16
	at                     []int // index in the array of that place; ended where there is no value
}

// ended marks an entry that a NULL or an empty list above ended.
const ended = -1

// rowSlots is one entry for each row.
func rowSlots(rows int) slots {
	s := slots{make([]int16, rows), make([]int16, rows), make([]int, rows)}
	for row := range s.at {
		s.at[row] = row
	}
	return s
}

// leafValues is the entries of a stored column and the array that holds their values.
type leafValues struct {
	slots
	values arrow.Array
}

// leavesOf returns the stored columns of an array, in the order of the file. The entries
// are those of the array; depth is how many lists are around it.
func leavesOf(field arrow.Field, values arrow.Array, s slots, depth int16) ([]leafValues, error) {
	s, err := s.enter(values, field.Nullable)
	if err != nil {
		return nil, err
	}
	var children []arrow.Field
	var arrays []arrow.Array
	switch dt := field.Type.(type) {
	case *arrow.StructType:
		children = dt.Fields()
		for i := range children {
			arrays = append(arrays, values.(*array.Struct).Field(i))
		}
	case *arrow.ListType:
		list := values.(*array.List)
		depth++
		s = s.items(list, depth)
		children, arrays = []arrow.Field{dt.ElemField()}, []arrow.Array{list.ListValues()}
	case *arrow.MapType:
		pairs := values.(*array.Map)
		depth++
		s = s.items(pairs, depth)
		children, arrays = []arrow.Field{dt.KeyField(), dt.ItemField()}, []arrow.Array{pairs.Keys(), pairs.Items()}
	default:
		return []leafValues{{s, values}}, nil
	}
	var leaves []leafValues
	for i, child := range children {
		below, err := leavesOf(child, arrays[i], s, depth)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, below...)
	}
	return leaves, nil
}

// enter ends the entries whose values are NULL.
func (s slots) enter(values arrow.Array, nullable bool) (slots, error) {
	entered := slots{s.repetition, slices.Clone(s.definition), slices.Clone(s.at)}
	allNull := values.DataType().ID() == arrow.NULL // such arrays have no bitmap
	for i, at := range s.at {
		switch {
		case at == ended:
		case !allNull && values.IsValid(at):
			if nullable {
				entered.definition[i]++
			}
		case !nullable:
			return slots{}, errors.New("a value is NULL that must not be")
		default:
			entered.at[i] = ended
		}
	}
	return entered, nil
}

// ranges is what lists and maps have in common: where the items of each of them are.
type ranges interface {
	ValueOffsets(i int) (start, end int64)
}

// items has an entry for each item, and one for each list without any.
func (s slots) items(lists ranges, depth int16) slots {
	var result slots
	add := func(repetition, definition int16, at int) {
		result.repetition = append(result.repetition, repetition)
		result.definition = append(result.definition, definition)
		result.at = append(result.at, at)
	}
	for i, at := range s.at {
		var start, end int64
		if at != ended {
			start, end = lists.ValueOffsets(at)
		}
		if start == end {
			add(s.repetition[i], s.definition[i], ended)
			continue
		}
		add(s.repetition[i], s.definition[i]+1, int(start))
		for item := start + 1; item < end; item++ {
			add(depth, s.definition[i]+1, int(item))
		}
	}
	return result
}
