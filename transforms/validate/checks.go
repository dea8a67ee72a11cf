package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/take"
)

// columnCheck adds the rows whose value in arr does not pass to broken.
type columnCheck interface {
	mark(arr arrow.Array, broken *rowSet)
}

// onColumn is a check as a condition on a record.
type onColumn struct {
	index int
	check columnCheck
}

func (c onColumn) mark(record arrow.Record, broken *rowSet) error {
	c.check.mark(storageOf(record.Column(c.index)), broken)
	return nil
}

// storageOf is what an array holds: itself unless it is of an extension type.
func storageOf(arr arrow.Array) arrow.Array {
	for {
		extension, ok := arr.(array.ExtensionArray)
		if !ok {
			return arr
		}
		arr = extension.Storage()
	}
}

// nullCheck is broken by NULL.
type nullCheck struct{}

func (nullCheck) mark(arr arrow.Array, broken *rowSet) {
	valid := validity(arr)
	if _, ok := arr.(*array.Null); ok {
		for i := range valid.words() {
			broken.addWord(i, valid.mask(i))
		}
		return
	}
	if len(valid.bytes) == 0 {
		return
	}
	for i := range valid.words() {
		broken.addWord(i, valid.mask(i)&^valid.word(i))
	}
}

// dictionaryCheck lets a check look at each value of a dictionary once.
type dictionaryCheck struct{ values columnCheck }

func (c dictionaryCheck) mark(arr arrow.Array, broken *rowSet) {
	coded := arr.(*array.Dictionary)
	bad := newRowSet(coded.Dictionary().Len())
	c.values.mark(coded.Dictionary(), &bad)
	if bad.empty() {
		return
	}
	valid := validity(arr)
	for row := range coded.Len() {
		if valid.get(row) && bad.has(coded.GetValueIndex(row)) {
			broken.add(row)
		}
	}
}

// boolSetCheck is broken by a boolean that is not in a set. NULLs pass.
type boolSetCheck struct{ yes, no bool } // the booleans that pass

func newBoolSetCheck(set []Literal) (boolSetCheck, error) {
	var c boolSetCheck
	for _, l := range set {
		switch strings.ToLower(l.Text) {
		case "true":
			c.yes = true
		case "false":
			c.no = true
		default:
			return c, fmt.Errorf("%s is not true or false", l)
		}
	}
	return c, nil
}

func (c boolSetCheck) mark(arr arrow.Array, broken *rowSet) {
	column, valid := arr.(*array.Boolean), validity(arr)
	buffer := column.Data().Buffers()[1]
	if buffer == nil {
		return // nothing but NULLs
	}
	set := bitmap{buffer.Bytes(), column.Data().Offset(), column.Len()}
	for i := range valid.words() {
		var refused uint64
		if !c.yes {
			refused |= set.word(i)
		}
		if !c.no {
			refused |= ^set.word(i)
		}
		broken.addWord(i, refused&valid.word(i))
	}
}

// nullChecks are the checks of not_null on a column of type t.
func nullChecks(t arrow.DataType) ([]columnCheck, error) {
	switch take.StorageType(t).(type) {
	case arrow.UnionType, *arrow.RunEndEncodedType:
		return nil, errors.New("not_null is not known for this type; drop the rule, or leave the column out with select")
	case *arrow.DictionaryType: // NULL is a row without index, or an index of a NULL
		return []columnCheck{nullCheck{}, dictionaryCheck{nullCheck{}}}, nil
	default:
		return []columnCheck{nullCheck{}}, nil
	}
}

// conditionsOf are the conditions that values of type t know.
func conditionsOf(t arrow.DataType) []string {
	_, ordered := axisOf(t)
	switch id := t.ID(); {
	case arrow.IsInteger(id), arrow.IsFloating(id), arrow.IsDecimal(id):
		return []string{"min", "max", "in", "in_file", "finite"}
	case ordered:
		return []string{"min", "max", "in", "in_file"}
	case id == arrow.STRING, id == arrow.LARGE_STRING, id == arrow.STRING_VIEW:
		return []string{"in", "in_file", "min_length", "max_length", "matches"}
	case id == arrow.BOOL:
		return []string{"in", "in_file"}
	default:
		return nil
	}
}

// valueChecks are the checks of what a rule says about the values of a column of type t.
func valueChecks(t arrow.DataType, rule Rule) ([]columnCheck, error) {
	t = take.StorageType(t)
	switch t := t.(type) {
	case *arrow.NullType: // of all-NULL columns, which pass whatever their type would have been
		return nil, nil
	case *arrow.DictionaryType:
		checks, err := valueChecks(t.ValueType, rule)
		for i, c := range checks {
			checks[i] = dictionaryCheck{c}
		}
		return checks, err
	}
	known := conditionsOf(t)
	for _, key := range rule.valueConditions() {
		if !slices.Contains(known, key) {
			known = slices.Insert(known, 0, "not_null")
			return nil, fmt.Errorf("%s is not known for this type, which has %s", key, strings.Join(known, ", "))
		}
	}
	if a, ordered := axisOf(t); ordered {
		return orderedChecks(t, a, rule)
	}
	if t.ID() != arrow.BOOL {
		return textChecks(rule)
	}
	check, err := newBoolSetCheck(rule.set())
	return []columnCheck{check}, err
}

func orderedChecks(t arrow.DataType, a axis, rule Rule) ([]columnCheck, error) {
	switch t.ID() {
	case arrow.INT8:
		return spanChecks(signed[int8](a, 8), rule)
	case arrow.INT16:
		return spanChecks(signed[int16](a, 16), rule)
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return spanChecks(signed[int32](a, 32), rule)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		return spanChecks(signed[int64](a, 64), rule)
	case arrow.UINT8:
		return spanChecks(unsigned[uint8](a, 8), rule)
	case arrow.UINT16:
		return spanChecks(unsigned[uint16](a, 16), rule)
	case arrow.UINT32:
		return spanChecks(unsigned[uint32](a, 32), rule)
	case arrow.UINT64:
		return spanChecks(unsigned[uint64](a, 64), rule)
	case arrow.FLOAT16:
		return spanChecks(halves(a), rule)
	case arrow.FLOAT32:
		return spanChecks(singles(a), rule)
	case arrow.FLOAT64:
		return spanChecks(doubles(a), rule)
	case arrow.DECIMAL128:
		return spanChecks(decimals128(a), rule)
	default: // the only type with an axis that is left: decimal256
		return spanChecks(decimals256(a), rule)
	}
}
