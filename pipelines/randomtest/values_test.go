package randomtest

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// A value is nil for NULL, or a bool, a *big.Rat for integers and decimals, a float64 for both
// widths of floats, a string, a []any for a list, or one of the following.
type (
	blob   string // bytes
	day    int64  // since 1970-01-01
	clock  int64  // nanoseconds since midnight
	moment struct{ seconds, nanos int64 }

	structure []any // by field; a list is a []any
)

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func number(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("no number: " + text)
	}
	return r
}

// momentOf is so many units after 1970.
func momentOf(count int64, unit time.Duration) moment {
	perSecond := int64(time.Second / unit)
	seconds, rest := count/perSecond, count%perSecond
	if rest < 0 {
		seconds, rest = seconds-1, rest+perSecond
	}
	return moment{seconds, rest * int64(unit)}
}

// count is in how many units the moment is after 1970, which has to be in units.
func (m moment) count(unit time.Duration) int64 {
	return m.seconds*int64(time.Second/unit) + m.nanos/int64(unit)
}

func (m moment) time() time.Time { return time.Unix(m.seconds, m.nanos).UTC() }

func (d day) time() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// compare orders two values, and says whether they have an order: NaN has none, and -0 equals 0.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case bool:
		return int(unit(a)) - int(unit(b.(bool))), true
	case string:
		return strings.Compare(a, b.(string)), true
	case blob:
		return strings.Compare(string(a), string(b.(blob))), true
	case day:
		return sign(a < b.(day), a > b.(day)), true
	case clock:
		return sign(a < b.(clock), a > b.(clock)), true
	case moment:
		m := b.(moment)
		return sign(a.seconds < m.seconds || a.seconds == m.seconds && a.nanos < m.nanos, a != m), true
	}
	return compareNumbers(a, b)
}

func compareNumbers(a, b any) (int, bool) {
	x, y := infinity(a), infinity(b)
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return 0, false
	case x != 0 || y != 0:
		return sign(x < y, x > y), true
	}
	return exact(a).Cmp(exact(b)), true
}

// infinity is what is no finite number of a value, else 0.
func infinity(v any) float64 {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return f
	}
	return 0
}

func exact(v any) *big.Rat {
	if f, ok := v.(float64); ok {
		return new(big.Rat).SetFloat64(f)
	}
	return v.(*big.Rat)
}

func unit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func sign(less, greater bool) int {
	if less {
		return -1
	}
	return int(unit(greater))
}

// cell is the one text of values that an extract cannot tell apart: microseconds are the finest
// that it stores, and of 0 and -0 hyperd keeps the one that came first.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return strconv.FormatBool(v)
	case *big.Rat:
		return v.RatString()
	case float64:
		return strconv.FormatFloat(v+0, 'g', -1, 64)
	case string:
		return strconv.Quote(v)
	case blob:
		return "0x" + hex.EncodeToString([]byte(v))
	case day:
		return fmt.Sprintf("day %d", v)
	case clock:
		return fmt.Sprintf("clock %d", v/1000)
	case moment:
		return fmt.Sprintf("moment %d.%06d", v.seconds, v.nanos/1000)
	}
	panic(fmt.Sprintf("a value of type %T", v))
}

// source is the one text of equal values in a file.
func source(v any) string {
	switch v := v.(type) {
	case clock:
		return fmt.Sprintf("clock %d", v)
	case moment:
		return fmt.Sprintf("moment %d.%09d", v.seconds, v.nanos)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		return "[" + sources(v) + "]"
	case structure:
		return "{" + sources(v) + "}"
	}
	return cell(v)
}

func sources(values []any) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, source(v))
	}
	return strings.Join(texts, ", ")
}
