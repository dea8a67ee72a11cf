package ingest

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// loss says what a value of a type would no longer tell of a text that converts to it, for people and without the value; "" if
// nothing. It is only asked about texts that convert.
type loss func(text string) string

const (
	lostZeros  = "the value has a + or leading zeros, which a number does not keep: set its type to text"
	lostDigits = "the value has more digits than the type holds exactly: set its type to numeric(DIGITS,PLACES), or to text"
	lostTime   = "the value is finer than a microsecond, which is the finest that is stored: set its type to text"
)

// lossOf is what can be lost by a type; nil if nothing.
func lossOf(t arrow.DataType) loss {
	switch t.(type) {
	case *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Decimal128Type:
		return lossOfSigns
	case *arrow.Float32Type:
		return func(text string) string { return lossOfFloat(text, 32) }
	case *arrow.Float64Type:
		return func(text string) string { return lossOfFloat(text, 64) }
	case *arrow.TimestampType, *arrow.Time64Type:
		return lossOfTime
	}
	return nil
}

// lossOfSigns is what numbers do not keep: 007 is a code, and +49 begins a telephone number.
func lossOfSigns(text string) string {
	digits := strings.TrimPrefix(text, "-")
	if strings.HasPrefix(digits, "+") || len(digits) > 1 && digits[0] == '0' && digits[1]-'0' <= 9 {
		return lostZeros
	}
	return ""
}

// lossOfFloat is what a float of so many bits does not keep of a decimal number.
func lossOfFloat(text string, bits int) string {
	if lost := lossOfSigns(text); lost != "" {
		return lost
	}
	surely := 15 // decimal digits that every float of 64 bits keeps
	if bits == 32 {
		surely = 6
	}
	if significant(text) <= surely || isExactFloat(text, bits) {
		return ""
	}
	return lostDigits
}

// significant counts the digits of a number before its exponent, without zeros at its beginning. It may count some at its end.
func significant(text string) int {
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == 'e' || c == 'E':
			return n
		case c-'1' <= 8 || c == '0' && n > 0:
			n++
		}
	}
	return n
}

// isExactFloat says whether the number is one that the nearest float stands for: the shortest decimal that reads back as it, or
// its exact value.
func isExactFloat(text string, bits int) bool {
	const longest = 2000 // more than the exact value of any float has
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || len(text) > longest {
		return false
	}
	if f == 0 {
		return true // nothing else than zero converts to it
	}
	const most = 1100 // of an exponent, beyond which no float of these digits is
	if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found {
		if n, err := strconv.Atoi(exponent); err != nil || n > most || n < -most {
			return false
		}
	}
	written, ok := new(big.Rat).SetString(text)
	if !ok { // NaN and infinities, which have no digits
		return true
	}
	short, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'e', -1, bits))
	if ok && short.Cmp(written) == 0 {
		return true
	}
	exact := new(big.Rat)
	return exact.SetFloat64(f) != nil && exact.Cmp(written) == 0
}

// lossOfTime is what is finer than a microsecond.
func lossOfTime(text string) string {
	_, fraction, found := strings.Cut(text, ".")
	const micros = 6
	for i := 0; found && i < len(fraction) && fraction[i]-'0' <= 9; i++ {
		if i >= micros && fraction[i] != '0' {
			return lostTime
		}
	}
	return ""
}
