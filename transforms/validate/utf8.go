package validate

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/take"
)

// validUTF8 is the built-in rule of every table: hyperd refuses a whole load for one text
// that is not UTF-8, and Parquet writers do not all check it.
func validUTF8(schema *arrow.Schema) compiledRule {
	rule := compiledRule{Rule: Rule{Name: "valid utf-8", OnFail: Reject, Builtin: true}}
	for i, f := range schema.Fields() {
		t := take.StorageType(f.Type)
		coded, isCoded := t.(*arrow.DictionaryType)
		if isCoded {
			t = take.StorageType(coded.ValueType)
		}
		var check columnCheck
		switch t.ID() {
		case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
			check = utf8Check{}
		default:
			continue
		}
		if isCoded {
			check = dictionaryCheck{check}
		}
		rule.conditions = append(rule.conditions, onColumn{i, check})
	}
	return rule
}

// utf8Check is broken by text that is not UTF-8. NULLs pass, whatever bytes lie under them.
type utf8Check struct{}

func (utf8Check) mark(arr arrow.Array, broken *rowSet) {
	switch arr.(type) {
	case *array.String:
		if allUTF8[int32](arr.Data()) {
			return
		}
	case *array.LargeString:
		if allUTF8[int64](arr.Data()) {
			return
		}
	}
	column, valid := arr.(texts), validity(arr)
	for row := range column.Len() {
		if valid.get(row) && !utf8.ValidString(column.Value(row)) {
			broken.add(row)
		}
	}
}

// allUTF8 looks at the text of all rows at once. When it is false, single values may still
// be good: the fault may lie under a NULL.
func allUTF8[O int32 | int64](data arrow.ArrayData) bool {
	if data.Len() == 0 || data.Buffers()[2] == nil {
		return true
	}
	offsets := arrow.GetOffsets[O](data, 1)
	first, last := offsets[0], offsets[len(offsets)-1]
	text := data.Buffers()[2].Bytes()[first:last]
	if isASCII(text) {
		return true
	}
	if !utf8.Valid(text) {
		return false
	}
	for _, o := range offsets { // a value may end in the middle of a character of the whole
		if o < last && !utf8.RuneStart(text[o-first]) {
			return false
		}
	}
	return true
}

func isASCII(text []byte) bool {
	var seen uint64
	for len(text) >= 32 {
		seen |= binary.LittleEndian.Uint64(text) | binary.LittleEndian.Uint64(text[8:]) |
			binary.LittleEndian.Uint64(text[16:]) | binary.LittleEndian.Uint64(text[24:])
		text = text[32:]
	}
	for _, b := range text {
		seen |= uint64(b)
	}
	return seen&0x8080808080808080 == 0
}
