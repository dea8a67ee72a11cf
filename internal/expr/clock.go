package expr

import (
	"time"

	"cel.dev/cel-go/common/ast"
)

// timeFunctions convert between dates and timestamps and take them apart, in UTC for
// timestamps with a time zone. As in CEL, months, days of the month (getDayOfMonth), of
// the week and of the year count from 0, and getDate counts from 1.
var timeFunctions = append(fields(),
	function{name: "date", params: []kind{kindTimestamp}, typ: dateType, total: true, monotone: true, kernel: dateKernel,
		apply: func(n *node, args []value) value {
			return value{i: floorDivide(args[0].i, day/n.args[0].typ.unit)}
		}},
	function{name: "date", params: []kind{kindDate}, typ: dateType, total: true, monotone: true, apply: itself},
	function{name: "timestamp", params: []kind{kindTimestamp}, resultType: typeOfFirst, total: true, monotone: true, apply: itself},
	function{name: "timestamp", params: []kind{kindDate}, typ: valueType{kind: kindTimestamp, unit: int64(time.Second)}, monotone: true,
		apply: func(n *node, args []value) value { return rescale(args[0].i, dateType.unit, n.typ.unit) }},
	function{name: "duration", params: []kind{kindDuration}, resultType: typeOfFirst, total: true, monotone: true, apply: itself},
)

// todayName is a function without arguments: the date for which an expression is compiled.
const todayName = "today"

// todayOf is that date, as a constant.
func (c checker) todayOf(e ast.Expr, call ast.CallExpr) (*node, error) {
	if len(call.Args()) > 0 {
		return nil, c.at(e, "today takes nothing").WithHint("write today(), which is the date of the run")
	}
	if c.today.IsZero() {
		return nil, c.at(e, "today() has no date here").WithHint("write a date, as in date('2026-01-31')")
	}
	*c.usesToday = true
	return constant(dateType, value{i: floorDivide(c.today.UTC().Unix(), int64(24*time.Hour/time.Second))}), nil
}

func itself(_ *node, args []value) value { return args[0] }

func typeOfFirst(args []*node) valueType { return args[0].typ }

// floorDivide rounds towards the past.
func floorDivide(i, by int64) int64 {
	quotient := i / by
	if i%by < 0 {
		quotient--
	}
	return quotient
}

// fields are getFullYear and the others.
func fields() []function {
	calendar := map[string]func(time.Time) int{
		"getFullYear":   time.Time.Year,
		"getMonth":      func(t time.Time) int { return int(t.Month()) - 1 },
		"getDate":       time.Time.Day,
		"getDayOfMonth": func(t time.Time) int { return t.Day() - 1 },
		"getDayOfWeek":  func(t time.Time) int { return int(t.Weekday()) },
		"getDayOfYear":  func(t time.Time) int { return t.YearDay() - 1 },
	}
	clock := map[string]func(time.Time) int{
		"getHours":        time.Time.Hour,
		"getMinutes":      time.Time.Minute,
		"getSeconds":      time.Time.Second,
		"getMilliseconds": func(t time.Time) int { return t.Nanosecond() / int(time.Millisecond) },
	}
	whole := map[string]time.Duration{"getHours": time.Hour, "getMinutes": time.Minute, "getSeconds": time.Second}
	var list []function
	for name, get := range calendar {
		list = append(list, field(name, kindDate, get), field(name, kindTimestamp, get))
	}
	for name, get := range clock {
		list = append(list, field(name, kindTime, get), field(name, kindTimestamp, get))
	}
	for name, unit := range whole {
		list = append(list, wholeUnits(name, int64(unit)))
	}
	return list
}

// The years that have a calendar here are 1 to 9999, as in CEL.
const (
	firstSecond = -62_135_596_800
	lastSecond  = 253_402_300_799
)

func field(name string, k kind, get func(time.Time) int) function {
	return function{
		name: name, member: true, params: []kind{k}, typ: intType, monotone: name == "getFullYear",
		apply: func(n *node, args []value) value {
			t := moment(args[0].i, n.args[0].typ.unit)
			if seconds := t.Unix(); seconds < firstSecond || seconds > lastSecond {
				return failedValue
			}
			return value{i: int64(get(t))}
		},
	}
}

// moment is the time that lies i steps of a unit after the beginning of 1970.
func moment(i, unit int64) time.Time {
	second := int64(time.Second)
	if unit >= second {
		return time.Unix(i*(unit/second), 0).UTC()
	}
	perSecond := second / unit
	seconds := floorDivide(i, perSecond)
	return time.Unix(seconds, (i-seconds*perSecond)*unit).UTC()
}

// wholeUnits counts the whole hours, minutes or seconds of a duration.
func wholeUnits(name string, unit int64) function {
	return function{
		name: name, member: true, params: []kind{kindDuration}, typ: intType,
		apply: func(n *node, args []value) value {
			from := n.args[0].typ.unit
			if from >= unit {
				return rescale(args[0].i, from, unit)
			}
			return value{i: args[0].i / (unit / from)}
		},
	}
}
