package tableau

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeleteWhere makes an action that deletes the rows of target for which all conditions hold. It needs no payload; without
// conditions it deletes all rows.
func DeleteWhere(target TableRef, conditions ...Condition) Action {
	action := Action{Kind: Delete, TargetSchema: target.Schema, TargetTable: target.Name}
	switch len(conditions) {
	case 0:
	case 1:
		action.Condition = &conditions[0]
	default:
		action.Condition = &Condition{Op: "and", Args: conditions}
	}
	return action
}

// The layouts of times, as hyperd writes them out and as conditions want them.
const (
	dateLayout      = "2006-01-02"
	timestampLayout = "2006-01-02 15:04:05"
	lastYear        = 9999
)

// Equals are the conditions that together say that a column has a value, which is spelled as hyperd writes it out; ok is
// false if conditions have no exact constant for it. They use eq, lt and gte only.
func Equals(column Column, value string) (conditions []Condition, ok bool) {
	compare := func(op, kind, value string) Condition {
		return Condition{Op: op, TargetColumn: column.Name, Const: &Constant{Type: kind, Value: value}}
	}
	switch strings.ToUpper(column.Type) {
	case "TEXT":
		return []Condition{compare("eq", "string", value)}, !strings.ContainsRune(value, 0)
	case "SMALLINT", "INTEGER", "BIGINT":
		_, err := strconv.ParseInt(value, 10, 64)
		return []Condition{compare("eq", "integer", value)}, err == nil
	case "BOOLEAN":
		truth, err := strconv.ParseBool(value) // true and t alike
		return []Condition{compare("eq", "boolean", strconv.FormatBool(truth))}, err == nil
	case "DATE": // there are no constants of this type: those of a day are its moments
		day, err := time.Parse(dateLayout, value)
		next := day.AddDate(0, 0, 1)
		return []Condition{
			compare("gte", "datetime", day.Format(time.RFC3339)), compare("lt", "datetime", next.Format(time.RFC3339)),
		}, err == nil && next.Year() <= lastYear
	case "TIMESTAMP": // of whole seconds
		moment, err := time.Parse(timestampLayout, value)
		return []Condition{compare("eq", "datetime", moment.Format(time.RFC3339))}, err == nil && len(value) == len(timestampLayout)
	}
	return nil, false
}

// HasConstants says whether values of a column can be compared with constants.
func HasConstants(column Column) bool {
	return slices.Contains([]string{"TEXT", "SMALLINT", "INTEGER", "BIGINT", "BOOLEAN", "DATE", "TIMESTAMP"}, strings.ToUpper(column.Type))
}
