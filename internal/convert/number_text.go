package convert

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// parseNumber reads a decimal number as n * 10^exponent.
func parseNumber(text string) (n integer, exponent int, ok bool) {
	digits, negative := cutSign(text)
	const room = math.MaxInt64/10 - 1 // below which one more digit fits
	var value int64
	i, seen, point := 0, 0, -1
	for ; i < len(digits); i++ {
		c := digits[i] - '0'
		switch {
		case c <= 9 && value <= room:
			value = value*10 + int64(c)
			seen++
			continue
		case c <= 9:
			return parseLongNumber(digits, negative)
		case digits[i] == '.' && point < 0:
			point = i
			continue
		}
		break
	}
	if seen == 0 {
		return integer{}, 0, false
	}
	if exponent, ok = parseExponent(digits[i:]); !ok {
		return integer{}, 0, false
	}
	if point >= 0 {
		exponent -= i - point - 1
	}
	if negative {
		value = -value
	}
	return integer{small: value}, exponent, true
}

// parseLongNumber reads a number, without its sign, whose digits do not fit into 64 bits.
// Zeros at either end do not count; with more digits than hyperd stores, it is not a number.
func parseLongNumber(text string, negative bool) (n integer, exponent int, ok bool) {
	mantissa, power := text, ""
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		mantissa, power = text[:e], text[e:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !isDigits(whole) || !isDigits(fraction) {
		return integer{}, 0, false
	}
	if exponent, ok = parseExponent(power); !ok {
		return integer{}, 0, false
	}
	all := whole + fraction
	digits := strings.TrimRight(all, "0")
	exponent += len(all) - len(digits) - len(fraction)
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return integer{}, 0, true
	}
	if len(digits) > maxDigits {
		return integer{}, 0, false
	}
	if negative {
		digits = "-" + digits
	}
	value, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return integer{}, 0, false
	}
	return integerOf(value), exponent, true
}

// parseExponent reads e and a number of up to six digits, or nothing.
func parseExponent(text string) (int, bool) {
	if text == "" {
		return 0, true
	}
	digits, negative := cutSign(text[1:])
	if text[0] != 'e' && text[0] != 'E' || digits == "" || len(digits) > 6 || !isDigits(digits) {
		return 0, false
	}
	exponent, err := strconv.Atoi(digits)
	if negative {
		exponent = -exponent
	}
	return exponent, err == nil
}

func cutSign(text string) (rest string, negative bool) {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// parseFloat reads a number as the nearest float of so many bits, or the name of a float
// that is not a number. What would become infinite, or zero, by rounding is not read.
func parseFloat(text string, bits int) (float64, bool) {
	for i := range len(text) {
		if c := text[i]; c-'0' > 9 && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return parseSpecialFloat(text)
		}
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || f == 0 && isNonZero(text) {
		return 0, false
	}
	return f, true
}

// isNonZero says whether a number has a digit other than 0 before its exponent.
func isNonZero(number string) bool {
	if e := strings.IndexAny(number, "eE"); e >= 0 {
		number = number[:e]
	}
	return strings.ContainsAny(number, "123456789")
}

func parseSpecialFloat(text string) (float64, bool) {
	name, negative := cutSign(strings.ToLower(text))
	switch {
	case name == "nan" && len(text) == len(name):
		return math.NaN(), true
	case name != "inf" && name != "infinity":
		return 0, false
	case negative:
		return math.Inf(-1), true
	}
	return math.Inf(1), true
}

// parseBoolean reads the words that PostgreSQL reads, in any case.
func parseBoolean(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}

// appendFloat appends the shortest decimal that reads back as the same float of so many
// bits, with an exponent only where there would be many zeros.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}
