// Package hypersql writes constants in hyperd's SQL, each with its type, so that hyperd
// takes it for exactly the value that was meant. What cannot be written so is refused:
// every function that can meet such a value says whether its text stands for the value.
package hypersql

import (
	"fmt"
	"math"
	"math/big"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// NaN is the constant that is no number. To hyperd it equals itself, and is above all others.
const NaN = "CAST('NaN' AS DOUBLE PRECISION)"

// Text is a text constant. Statements are UTF-8 and hold no U+0000.
func Text(text string) (string, bool) {
	if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return "", false
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", true
}

// Name quotes an identifier.
func Name(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Bytes is a BYTES constant.
func Bytes(bytes []byte) string { return fmt.Sprintf(`CAST('\x%x' AS BYTES)`, bytes) }

// Boolean is a BOOLEAN.
func Boolean(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }

// Integer is a BIGINT.
func Integer(n int64) string { return fmt.Sprintf("CAST('%d' AS BIGINT)", n) }

// Double is a finite DOUBLE PRECISION.
func Double(f float64) (string, bool) {
	return fmt.Sprintf("CAST('%s' AS DOUBLE PRECISION)", strconv.FormatFloat(f, 'g', -1, 64)), !math.IsInf(f, 0) && !math.IsNaN(f)
}

// AsDouble is a column of either precision in double precision: hyperd would compare it
// with a constant in single.
func AsDouble(column string) string { return "CAST(" + column + " AS DOUBLE PRECISION)" }

// Numeric is unscaled units of the last digit of a NUMERIC.
func Numeric(unscaled *big.Int, precision, scale int32) (string, bool) {
	digits := len(new(big.Int).Abs(unscaled).String())
	if scale < 0 || scale > precision || precision > 38 || digits > int(precision) {
		return "", false
	}
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	text := new(big.Rat).SetFrac(unscaled, one).FloatString(int(scale))
	return fmt.Sprintf("CAST('%s' AS NUMERIC(%d,%d))", text, precision, scale), true
}

// Date is a number of days since 1970-01-01, in the years that have one to four digits.
func Date(days int64) (string, bool) {
	const farthest = 4_000_000
	if days < -farthest || days > farthest {
		return "", false
	}
	moment := time.Unix(days*24*60*60, 0).UTC()
	return "DATE '" + moment.Format("2006-01-02") + "'", isUsual(moment)
}

// Timestamp is a number of units, of a microsecond or more, since 1970 in the same years:
// of an instant if it is zoned, else of a clock.
func Timestamp(count int64, unit time.Duration, zoned bool) (string, bool) {
	if unit < time.Microsecond || unit > time.Second {
		return "", false
	}
	perSecond := int64(time.Second / unit)
	moment := time.Unix(count/perSecond, count%perSecond*int64(unit)).UTC()
	text := moment.Format("2006-01-02 15:04:05.000000")
	if zoned {
		return "TIMESTAMPTZ '" + text + "+00'", isUsual(moment)
	}
	return "TIMESTAMP '" + text + "'", isUsual(moment)
}

func isUsual(moment time.Time) bool { return moment.Year() >= 1 && moment.Year() <= 9999 }

// Pattern is a regular expression of package regexp, for hyperd's operator ~. Both know
// RE2, but not the same edition of Unicode, and in hyperd a dot matches a line break, too:
// it is written out anew, without anything that depends on such things.
func Pattern(pattern string) (string, bool) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || !isPortable(parsed) {
		return "", false
	}
	return Text(parsed.String())
}

// isPortable refuses letters of either case, which depend on tables of characters, and the
// boundaries of words, which hyperd looks for between the bytes of a character, too.
func isPortable(re *syntax.Regexp) bool {
	switch {
	case re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0:
		return false
	case re.Op == syntax.OpWordBoundary, re.Op == syntax.OpNoWordBoundary:
		return false
	}
	for _, part := range re.Sub {
		if !isPortable(part) {
			return false
		}
	}
	return true
}
