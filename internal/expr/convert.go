package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// conversions are int(…), double(…), string(…) and the readers of dates and times.
var conversions = []function{
	conversion("int", kindInt, intType, toInt), conversion("int", kindUint, intType, toInt),
	conversion("int", kindDouble, intType, toInt), conversion("int", kindDecimal, intType, toInt),
	conversion("int", kindText, intType, toInt), conversion("int", kindTimestamp, intType, toInt),
	conversion("double", kindInt, doubleType, toDouble), conversion("double", kindUint, doubleType, toDouble),
	conversion("double", kindDouble, doubleType, toDouble), conversion("double", kindDecimal, doubleType, toDouble),
	conversion("double", kindText, doubleType, toDouble),
	conversion("string", kindInt, textType, intoText), conversion("string", kindUint, textType, intoText),
	conversion("string", kindDouble, textType, intoText), conversion("string", kindDecimal, textType, intoText),
	conversion("string", kindBool, textType, intoText), conversion("string", kindText, textType, intoText),
	conversion("string", kindBytes, textType, intoText), conversion("string", kindDate, textType, intoText),
	conversion("string", kindTime, textType, intoText), conversion("string", kindTimestamp, textType, intoText),
	conversion("string", kindDuration, textType, intoText),
	conversion("date", kindText, dateType, func(_ valueType, v value) value { return parseDate(v.s) }),
	{name: "timestamp", params: []kind{kindText}, resultType: timestampConstant, apply: readTimestamp},
	{name: "duration", params: []kind{kindText}, resultType: durationConstant, apply: readDuration},
}

func conversion(name string, from kind, to valueType, convert func(valueType, value) value) function {
	return function{
		name: name, params: []kind{from}, typ: to, monotone: to.kind != kindText && from != kindText,
		apply: func(n *node, args []value) value { return convert(n.args[0].typ, args[0]) },
	}
}

// toInt cuts fractions off. A timestamp becomes the seconds since the beginning of 1970.
func toInt(t valueType, v value) value {
	switch t.kind {
	case kindText:
		i, err := strconv.ParseInt(v.s, 10, 64)
		if err != nil {
			return failedValue
		}
		return value{i: i}
	case kindTimestamp:
		return value{i: floorDivide(v.i, int64(time.Second)/t.unit)}
	}
	exact, ok := v.exact(t)
	if !ok {
		return failedValue
	}
	whole := new(big.Int).Quo(exact.Num(), exact.Denom())
	if !whole.IsInt64() {
		return failedValue
	}
	return value{i: whole.Int64()}
}

// toDouble gives the double that is the nearest.
func toDouble(t valueType, v value) value {
	switch t.kind {
	case kindDouble:
		return v
	case kindInt:
		return value{f: float64(v.i)}
	case kindText:
		f, err := strconv.ParseFloat(v.s, 64)
		if err != nil {
			return failedValue
		}
		return value{f: f}
	}
	exact, _ := v.exact(t)
	f, _ := exact.Float64()
	return value{f: f}
}

func intoText(t valueType, v value) value {
	s, ok := toText(t, v)
	if !ok {
		return failedValue
	}
	return value{s: s}
}

// toText writes a value that is known; false for bytes that are not UTF-8.
func toText(t valueType, v value) (string, bool) {
	switch t.kind {
	case kindBool:
		return strconv.FormatBool(v.isTrue()), true
	case kindInt:
		return strconv.FormatInt(v.i, 10), true
	case kindUint:
		return strconv.FormatUint(uint64(v.i), 10), true
	case kindDouble:
		return strconv.FormatFloat(v.f, 'g', -1, 64), true
	case kindDecimal:
		exact, _ := v.exact(t)
		return exact.FloatString(int(max(t.scale, 0))), true
	case kindDate:
		return moment(v.i, t.unit).Format(time.DateOnly), true
	case kindTime:
		return moment(v.i, t.unit).Format("15:04:05.999999999"), true
	case kindTimestamp:
		layout := "2006-01-02T15:04:05.999999999"
		if t.zoned {
			layout += "Z"
		}
		return moment(v.i, t.unit).Format(layout), true
	case kindDuration:
		exact, _ := v.exact(t)
		seconds := exact.Mul(exact, big.NewRat(1, int64(time.Second))).FloatString(9)
		return strings.TrimSuffix(strings.TrimRight(seconds, "0"), ".") + "s", true
	}
	return v.s, utf8.ValidString(v.s)
}

func parseDate(s string) value {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return failedValue
	}
	return value{i: floorDivide(t.Unix(), day/int64(time.Second))}
}

// parseTimestamp reads RFC 3339, with a blank instead of the T and without a zone too.
func parseTimestamp(s string) (t time.Time, zoned, ok bool) {
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, true, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, false, true
		}
	}
	return time.Time{}, false, false
}

// coarsest is the longest unit of which a number of nanoseconds is a multiple.
func coarsest(nanoseconds int64) int64 {
	unit := int64(time.Second)
	for unit > 1 && nanoseconds%unit != 0 {
		unit /= 1000
	}
	return unit
}

// timestampConstant says what timestamp('…') is; of other texts it is an instant, in microseconds.
func timestampConstant(args []*node) valueType {
	t := valueType{kind: kindTimestamp, unit: int64(time.Microsecond), zoned: true}
	if args[0].isConstant() {
		if found, zoned, ok := parseTimestamp(args[0].value.s); ok {
			t.zoned, t.unit = zoned, coarsest(int64(found.Nanosecond()))
		}
	}
	return t
}

func readTimestamp(n *node, args []value) value {
	t, zoned, ok := parseTimestamp(args[0].s)
	if !ok || zoned != n.typ.zoned || int64(t.Nanosecond())%n.typ.unit != 0 {
		return failedValue
	}
	whole := rescale(t.Unix(), int64(time.Second), n.typ.unit)
	steps := int64(t.Nanosecond()) / n.typ.unit
	if whole.state == failed || whole.i > math.MaxInt64-steps {
		return failedValue
	}
	return value{i: whole.i + steps}
}

// durationConstant says what duration('…') is; of other texts it is in nanoseconds.
func durationConstant(args []*node) valueType {
	t := valueType{kind: kindDuration, unit: 1}
	if args[0].isConstant() {
		if d, err := time.ParseDuration(args[0].value.s); err == nil {
			t.unit = coarsest(int64(d))
		}
	}
	return t
}

func readDuration(n *node, args []value) value {
	d, err := time.ParseDuration(args[0].s)
	if err != nil {
		return failedValue
	}
	return value{i: int64(d) / n.typ.unit}
}
