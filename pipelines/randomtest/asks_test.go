package randomtest

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// ask is an entry of columns, and what it means.
type ask struct {
	column   string
	keys     []string // in YAML, but for those below
	becomes  *kind    // nil: what it is
	convert  func(v any) (any, bool)
	reason   string // of values that do not convert
	fill     any    // instead of NULL
	rename   string
	nullable *bool
	nested   string
}

func (a *ask) yaml() string {
	keys := append([]string{}, a.keys...)
	if a.rename != "" {
		keys = append(keys, "rename: "+yaml(a.rename))
	}
	if a.nullable != nil {
		keys = append(keys, fmt.Sprintf("nullable: %v", *a.nullable))
	}
	return fmt.Sprintf("%s: {%s}", yamlKey(a.column), strings.Join(keys, ", "))
}

// way is a conversion: to a type, by keys that go with it.
type way struct {
	becomes *kind
	sql     string // of the type that is asked for
	keys    string
	convert func(v any) (any, bool) // nil: values stay as they are
}

var realKind = &kind{class: floats, arrow: float32Kind.arrow, sql: "REAL", draw: float32Kind.draw}

// identity asks for what a column is anyway.
func identity(k *kind) way {
	if k == float32Kind {
		return way{becomes: realKind, sql: "REAL"}
	}
	return way{becomes: k, sql: k.sql}
}

// ways are the conversions that a kind of columns has.
func ways(k *kind) []way {
	found := []way{identity(k)}
	add := func(to *kind, convert func(v any) (any, bool)) {
		if to.sql != k.sql {
			found = append(found, way{becomes: to, sql: to.sql, convert: convert})
		}
	}
	switch k.class {
	case booleans:
		add(int16Kind, func(v any) (any, bool) { return whole(unit(v.(bool))), true })
		add(textKind, func(v any) (any, bool) { return strconv.FormatBool(v.(bool)), true })
	case integers, decimals:
		for _, to := range []*kind{int16Kind, int32Kind, int64Kind} {
			add(to, func(v any) (any, bool) { return v, fits(to, v.(*big.Rat)) })
		}
		for _, to := range []*kind{decimalKind(9, 1), decimalKind(38, 4)} {
			add(to, func(v any) (any, bool) { return v, fits(to, v.(*big.Rat)) })
		}
		add(textKind, func(v any) (any, bool) { return numberText(v.(*big.Rat), k), true })
		if k.class == integers {
			add(float64Kind, func(v any) (any, bool) { f, exact := v.(*big.Rat).Float64(); return f, exact })
			add(boolKind, func(v any) (any, bool) {
				n := v.(*big.Rat)
				return n.Sign() != 0, n.Sign() == 0 || n.Cmp(whole(1)) == 0
			})
		}
	case floats:
		add(int64Kind, func(v any) (any, bool) {
			if f := v.(float64); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, false
			}
			return exact(v), fits(int64Kind, exact(v))
		})
		if k == float64Kind {
			found = append(found, way{becomes: realKind, sql: "REAL", convert: func(v any) (any, bool) {
				f := v.(float64)
				return f, math.IsNaN(f) || float64(float32(f)) == f
			}})
		}
	case texts:
		found = append(found, waysOfText()...)
	case blobs:
		add(textKind, func(v any) (any, bool) { return hex.EncodeToString([]byte(v.(blob))), true })
	case days:
		add(textKind, func(v any) (any, bool) { return dateText(v.(day).time()), true })
		found = append(found, way{textKind, "TEXT", `format: "%d.%m.%Y"`, func(v any) (any, bool) { return v.(day).time().Format("02.01.2006"), true }})
		add(microKind, func(v any) (any, bool) { m := moment{int64(v.(day)) * 86_400, 0}; return m, isMicros(m) })
		found = append(found, way{microZoneKind, "TIMESTAMPTZ", "timezone: UTC", func(v any) (any, bool) { m := moment{int64(v.(day)) * 86_400, 0}; return m, isMicros(m) }})
	case locals:
		add(dateKind, func(v any) (any, bool) {
			m := v.(moment)
			return day(math.Floor(float64(m.seconds) / 86_400)), m.nanos == 0 && m.seconds%86_400 == 0
		})
		add(textKind, func(v any) (any, bool) { return momentText(v.(moment), ""), true })
		found = append(found, way{microZoneKind, "TIMESTAMPTZ", "timezone: UTC", floored})
	case instants:
		add(textKind, func(v any) (any, bool) { return momentText(v.(moment), "Z"), true })
		found = append(found, way{microKind, "TIMESTAMP", "timezone: UTC", floored})
	}
	return found
}

var (
	microKind     = timestampKind(arrow.Microsecond, "")
	microZoneKind = timestampKind(arrow.Microsecond, "UTC")
)

// floored is a moment cut down to microseconds, the finest of its type.
func floored(v any) (any, bool) {
	m := v.(moment)
	m.nanos -= m.nanos % 1000
	return m, isMicros(m)
}

// isMicros says whether a count of microseconds reaches a moment.
func isMicros(m moment) bool {
	const most, rest = math.MaxInt64 / 1_000_000, math.MaxInt64 % 1_000_000 * 1000
	return m.seconds > -most && (m.seconds < most || m.seconds == most && m.nanos <= rest)
}

// fits says whether a kind of numbers holds a number.
func fits(k *kind, n *big.Rat) bool {
	if k.class == integers {
		low, high := bounds(k)
		return n.IsInt() && n.Cmp(low) >= 0 && n.Cmp(high) <= 0
	}
	before, behind := digits(k)
	power := func(n int32) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
	}
	return new(big.Rat).Mul(n, power(behind)).IsInt() && new(big.Rat).Abs(n).Cmp(power(before)) < 0
}

// numberText is a number with all digits of its kind.
func numberText(n *big.Rat, k *kind) string {
	_, behind := digits(k)
	return n.FloatString(int(behind))
}

// momentText is ISO 8601 with as many digits as are needed.
func momentText(m moment, suffix string) string {
	return m.time().Format("2006-01-02T15:04:05.999999999") + suffix
}

var (
	numberPattern = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?$`)
	datePattern   = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$`)
	momentPattern = regexp.MustCompile(`^([0-9-]{10})(?:[T ]([0-9:.]+)(Z|[+-][0-9]{2}:[0-9]{2})?)?$`)
)

// waysOfText are the conversions of text.
func waysOfText() []way {
	var found []way
	for _, to := range []*kind{int16Kind, int64Kind, decimalKind(9, 2), decimalKind(38, 0)} {
		found = append(found, way{becomes: to, sql: to.sql, convert: func(v any) (any, bool) {
			if !numberPattern.MatchString(v.(string)) {
				return nil, false
			}
			n := number(v.(string))
			return n, fits(to, n)
		}})
	}
	byDay := func(layout string) func(v any) (any, bool) {
		return func(v any) (any, bool) {
			t, err := time.Parse(layout, v.(string))
			return day(t.Unix() / 86_400), err == nil
		}
	}
	return append(found,
		way{becomes: float64Kind, sql: "DOUBLE PRECISION", convert: textToFloat},
		way{becomes: boolKind, sql: "BOOLEAN", convert: textToBool},
		way{becomes: dateKind, sql: "DATE", convert: func(v any) (any, bool) {
			if !datePattern.MatchString(v.(string)) {
				return nil, false
			}
			return byDay("2006-01-02")(v)
		}},
		way{becomes: dateKind, sql: "DATE", keys: `format: "%d.%m.%Y"`, convert: byDay("02.01.2006")},
		way{becomes: microKind, sql: "TIMESTAMP", convert: func(v any) (any, bool) { m, hasOffset, ok := textToMoment(v); return m, ok && !hasOffset }},
		way{becomes: microZoneKind, sql: "TIMESTAMPTZ", convert: func(v any) (any, bool) { m, hasOffset, ok := textToMoment(v); return m, ok && hasOffset }},
		way{becomes: microZoneKind, sql: "TIMESTAMPTZ", keys: "timezone: UTC", convert: func(v any) (any, bool) { m, _, ok := textToMoment(v); return m, ok }},
		way{becomes: blobKind, sql: "BYTES", convert: func(v any) (any, bool) {
			out, err := hex.DecodeString(v.(string))
			return blob(out), err == nil
		}},
	)
}

func textToFloat(v any) (any, bool) {
	text := v.(string)
	if special, ok := map[string]float64{"nan": math.NaN(), "inf": math.Inf(1), "-inf": math.Inf(-1), "infinity": math.Inf(1)}[strings.ToLower(text)]; ok {
		return special, true
	}
	if !numberPattern.MatchString(text) {
		return nil, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func textToBool(v any) (any, bool) {
	switch strings.ToLower(v.(string)) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return nil, false
}

// textToMoment reads a date with or without a time of day and an offset.
func textToMoment(v any) (m moment, hasOffset, ok bool) {
	found := momentPattern.FindStringSubmatch(v.(string))
	if found == nil || !datePattern.MatchString(found[1]) {
		return moment{}, false, false
	}
	layout, text := "2006-01-02", found[1]
	if found[2] != "" {
		layout, text = layout+"T15:04:05.999999999", text+"T"+found[2]
	}
	if found[3] != "" {
		layout, text = layout+"Z07:00", text+found[3]
	}
	t, err := time.Parse(layout, text)
	return moment{t.Unix(), int64(t.Nanosecond())}, found[3] != "", err == nil
}

// drawAsk draws what is asked of a column, whose text comes from the name of a folder if it is a
// key. It is nil where nothing comes of it.
func drawAsk(r *dice, name string, k *kind, isKey bool) *ask {
	a := &ask{column: name}
	if k.class != jsons && chance(r, 45) {
		from := k
		if isKey {
			from = textKind
		}
		w := pick(r, ways(from)...)
		if chance(r, 30) || r.plain {
			w = identity(from)
		}
		a.becomes, a.convert = w.becomes, w.convert
		a.keys = append(a.keys, "type: "+pick(r, w.sql, strings.ToLower(w.sql), yaml(w.sql)))
		if strings.Contains(w.sql, ",") {
			a.keys[0] = "type: " + yaml(strings.ToLower(w.sql))
		}
		a.reason = "does not convert to " + w.sql
		if w.keys != "" {
			a.keys = append(a.keys, w.keys)
		}
		if format, ok := strings.CutPrefix(w.keys, `format: "`); ok {
			a.reason += " by the format " + strings.TrimSuffix(format, `"`)
		}
	}
	now := k
	if a.becomes != nil {
		now = a.becomes
	}
	if text, value, ok := drawDefault(r, now); ok && chance(r, 20) && !r.plain {
		a.keys = append(a.keys, "default: "+yaml(text))
		a.fill = value
		if a.becomes == nil {
			a.reason = "does not convert to " + k.sql
		}
	} else if chance(r, 25) {
		nullable := chance(r, 50)
		a.nullable = &nullable
	}
	if chance(r, 40) {
		a.rename = pick(r, append(columnNames, "new name", "b", "bee")...)
	}
	if len(a.keys) == 0 && a.nullable == nil && a.rename == "" {
		return nil
	}
	return a
}

// drawDefault draws a default for a kind of columns, if it stays the same kind with one.
func drawDefault(r *dice, k *kind) (text string, value any, ok bool) {
	switch {
	case k == textKind:
		text = pick(r, "", "none", "it's", "é", "0")
		return text, text, true
	case k == boolKind:
		return "true", true, true
	case k.class == integers && k != uint64Kind, k.class == decimals:
		return "0", whole(0), true
	case k.class == floats:
		return "-1.5", -1.5, true
	case k == dateKind:
		return "2026-01-31", day(20484), true
	case k == microKind:
		return "2026-01-31T12:00:00", moment{20484*86_400 + 43_200, 0}, true
	}
	return "", nil, false
}
