package delta

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
)

var decimalPattern = regexp.MustCompile(`^decimal(?:\( *([0-9]{1,2}) *, *([0-9]{1,2}) *\))?$`)

const maxDigits = 38

// decimalType is the decimal of a name such as decimal(10,2); false if it is none.
func decimalType(name string) (*arrow.Decimal128Type, bool) {
	match := decimalPattern.FindStringSubmatch(name)
	if match == nil {
		return nil, false
	}
	precision, scale := 10, 0
	if match[1] != "" {
		precision, _ = strconv.Atoi(match[1])
		scale, _ = strconv.Atoi(match[2])
	}
	if precision < 1 || precision > maxDigits || scale > precision {
		return nil, false
	}
	return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}, true
}

// typeChange is an entry of the history of a column's type.
type typeChange struct {
	From json.RawMessage `json:"fromType"`
	To   json.RawMessage `json:"toType"`
}

const typeChangesKey = "delta.typeChanges"

// checkChanges refuses a column whose type was changed in a way that the protocol does not know.
func checkChanges(path string, field schemaField) error {
	var changes []typeChange
	if err := read(field.Metadata, typeChangesKey, &changes); err != nil {
		return fmt.Errorf("column %q: %w", path, err)
	}
	for _, change := range changes {
		var from, to string
		if json.Unmarshal(change.From, &from) != nil || json.Unmarshal(change.To, &to) != nil || !widens(from, to) {
			return &unknownTypeError{path, fmt.Sprintf("its type was changed from %s to %s, which is not implemented", change.From, change.To)}
		}
	}
	return nil
}

// wasFloat says whether older files may have a column of doubles as floats.
func wasFloat(field schemaField) bool {
	var changes []typeChange
	return read(field.Metadata, typeChangesKey, &changes) == nil &&
		slices.ContainsFunc(changes, func(c typeChange) bool { return string(c.From) == `"float"` })
}

// integerTypes widen to those behind them, and have at most that many digits. The protocol gives bytes and shorts ten as well, but
// tables of its preview have narrower decimals.
var (
	integerTypes  = []string{"byte", "short", "integer", "long"}
	integerDigits = []int32{3, 5, 10, 20}
)

// widens says whether a column of one type may become one of the other.
func widens(from, to string) bool {
	integer := slices.Index(integerTypes, from)
	wide, isDecimal := decimalType(to)
	narrow, wasDecimal := decimalType(from)
	switch {
	case from == to:
		return true
	case integer >= 0 && isDecimal:
		return wide.Precision-wide.Scale >= integerDigits[integer]
	case integer >= 0 && to == "double":
		return from != "long"
	case integer >= 0:
		return slices.Index(integerTypes, to) > integer
	case wasDecimal && isDecimal:
		return wide.Scale >= narrow.Scale && wide.Precision-wide.Scale >= narrow.Precision-narrow.Scale
	}
	return from == "float" && to == "double" || from == "date" && to == "timestamp_ntz"
}
