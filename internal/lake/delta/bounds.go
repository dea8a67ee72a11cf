package delta

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
)

// boundOf is the text of a bound of the values of a column, in the form that lake.Statistics promises: not above,
// or if it is the upper one, not below any of them, though writers cut off texts and times and round
// numbers. It returns false where the text bounds nothing.
func boundOf(t arrow.DataType, text string, upper, wasFloat bool) (string, bool) {
	switch t := t.(type) {
	case *arrow.StringType:
		return textBound(text, upper)
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		n, err := strconv.ParseInt(text, 10, t.(arrow.FixedWidthDataType).BitWidth())
		return strconv.FormatInt(n, 10), err == nil
	case *arrow.Float32Type:
		return floatBound(text, 32, upper, false)
	case *arrow.Float64Type:
		return floatBound(text, 64, upper, wasFloat)
	case *arrow.Decimal128Type:
		return decimalBound(t, text, upper)
	case *arrow.BooleanType:
		return text, text == "true" || text == "false"
	case *arrow.Date32Type:
		day, err := time.Parse(time.DateOnly, text)
		return day.Format(time.DateOnly), err == nil
	case *arrow.TimestampType:
		return momentBound(t, text, upper)
	}
	return "", false
}

// count is a number of rows, of at most most unless that is negative; -1 where the text says none.
func count(text string, most int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || most >= 0 && n > most {
		return -1
	}
	return n
}

// cutFrom is the number of characters from which on writers cut texts off. They put one of the highest characters behind
// what is left of an upper bound, if it is one then.
const (
	cutFrom   = 32
	lastASCII = '\u007f'
	lastRune  = '\U0010ffff'
)

func textBound(text string, upper bool) (string, bool) {
	if strings.ContainsRune(text, utf8.RuneError) { // which stands for something else
		return "", false
	}
	if last, _ := utf8.DecodeLastRuneInString(text); upper && len(text) >= cutFrom && last != lastASCII && last != lastRune {
		return "", false
	}
	return text, true
}

// floatBound bounds floats. Of a column that has doubles and had floats before, it is the wider of the
// double and of the float that the text may stand for.
func floatBound(text string, bits int, upper, wasFloat bool) (string, bool) {
	value, err := strconv.ParseFloat(text, bits)
	if err != nil || math.IsNaN(value) {
		return "", false
	}
	if narrow, err := strconv.ParseFloat(text, 32); wasFloat && err == nil && narrow > value == upper {
		value = narrow
	}
	if value == 0 { // of either sign
		value = math.Copysign(0, -1)
		if upper {
			value = 0
		}
	}
	return strconv.FormatFloat(value, 'g', -1, bits), true
}

var numberPattern = regexp.MustCompile(`^-?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,2})?$`)

// exactDigits is how many digits of a decimal survive a writer that makes a double of it.
const exactDigits = 15

// decimalBound bounds decimals, by more than the text says where its writer may have rounded it.
func decimalBound(t *arrow.Decimal128Type, text string, upper bool) (string, bool) {
	if !numberPattern.MatchString(text) { // of others, a short one can stand for a number of many digits
		return "", false
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false
	}
	if t.Precision > exactDigits {
		slack := new(big.Rat).Abs(value)
		slack.Mul(slack, big.NewRat(1, 1<<50))
		if !upper {
			slack.Neg(slack)
		}
		value.Add(value, slack)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)
	value.Mul(value, new(big.Rat).SetInt(unit))
	whole, rest := new(big.Int).DivMod(value.Num(), value.Denom(), new(big.Int)) // rounds down
	if upper && rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(whole, unit).FloatString(int(t.Scale)), true
}

const (
	momentLayout = "2006-01-02T15:04:05.999999"
	momentUnit   = time.Microsecond
)

// momentBound bounds times, which writers cut off to milliseconds.
func momentBound(t *arrow.TimestampType, text string, upper bool) (string, bool) {
	at, hasZone, ok := parseMoment(text)
	_, offset := at.Zone()
	isUTC := t.TimeZone != ""
	if !ok || isUTC && !hasZone || !isUTC && offset != 0 { // in a zone that nobody knows
		return "", false
	}
	cut := time.Millisecond - momentUnit
	switch at = at.UTC(); {
	case upper:
		at = at.Add(cut)
	case at.Unix() < 0: // which some programs round up
		at = at.Add(-cut)
	}
	if at.Year() < 0 || at.Year() > 9999 {
		return "", false
	}
	if isUTC {
		return at.Format(momentLayout + "Z"), true
	}
	return at.Format(momentLayout), true
}

// parseMoment reads a time in one of the forms in which writers have it, a day among them, and says whether it has a zone.
func parseMoment(text string) (at time.Time, hasZone, ok bool) {
	if len(text) > len(time.DateOnly) && text[len(time.DateOnly)] == ' ' {
		text = text[:len(time.DateOnly)] + "T" + text[len(time.DateOnly)+1:]
	}
	if at, err := time.Parse("2006-01-02T15:04:05Z07:00", text); err == nil {
		return at, true, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, false, true
		}
	}
	return time.Time{}, false, false
}
