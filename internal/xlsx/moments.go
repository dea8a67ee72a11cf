package xlsx

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"time"
)

// calendar says which day is which number.
type calendar struct{ from1904 bool }

const (
	dayMicros    = 24 * 60 * 60 * 1_000_000
	dayNanos     = dayMicros * 1_000
	secondMicros = 1_000_000
)

// The calendar of 1900 has a February 29 of that year, which was none, so that days before it are one off.
const (
	leapDay  = 60
	lastDay  = 2_958_465 // 9999-12-31
	shift    = 1462      // days from the calendar of 1900 to that of 1904
	datePart = "2006-01-02"
)

var dayZero = time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)

// cell is what a number stands for that is shown as a moment, to a microsecond: no double tells times of our days apart that are closer.
func (c calendar) cell(number []byte, f format) *Cell {
	negative, days, micros, ok := splitDays(number)
	if ok && f == formatElapsed {
		return &Cell{Kind: Moment, Text: appendElapsed(nil, negative, days, micros)}
	}
	if ok && !negative && days == 0 && (f == formatTime || f == formatAny) {
		return &Cell{Kind: Moment, Text: appendClock(nil, micros)}
	}
	if c.from1904 {
		days += shift
	}
	if !ok || negative || days > lastDay || days < 1 {
		return flawed(Flaw{"date", "the number of the cell, which is shown as a date, is none from 1900 to 9999"})
	}
	if days == leapDay {
		return flawed(Flaw{"date", "the cell holds 29 February 1900, a day that Excel counts but that there never was"})
	}
	if days < leapDay {
		days++
	}
	text := dayZero.AddDate(0, 0, int(days)).AppendFormat(nil, datePart)
	if micros == 0 && (f == formatDate || f == formatAny) {
		return &Cell{Kind: Moment, Text: text}
	}
	return &Cell{Kind: Moment, Text: appendClock(append(text, ' '), micros)}
}

func appendClock(to []byte, micros int64) []byte {
	seconds := micros / secondMicros
	to = fmt.Appendf(to, "%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	return appendFraction(to, micros)
}

func appendElapsed(to []byte, negative bool, days, micros int64) []byte {
	if negative && days+micros > 0 {
		to = append(to, '-')
	}
	seconds := micros / secondMicros
	to = fmt.Appendf(to, "%02d:%02d:%02d", days*24+seconds/3600, seconds/60%60, seconds%60)
	return appendFraction(to, micros)
}

func appendFraction(to []byte, micros int64) []byte {
	if micros %= secondMicros; micros == 0 {
		return to
	}
	return fmt.Appendf(to, ".%06d", micros)
}

// splitDays is a number as days and microseconds. ok is false for one that no calendar has.
func splitDays(number []byte) (negative bool, days, micros int64, ok bool) {
	digits, negative := bytes.CutPrefix(number, []byte{'-'})
	double, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || double >= mostDays || len(digits) > longestNumber {
		return negative, 0, 0, false
	}
	days, nanos, ok := splitDecimal(digits)
	if !ok {
		days, nanos = splitRational(string(digits), double)
	}
	micros = microsOf(nanos, toleranceOf(digits, double))
	return negative, days + micros/dayMicros, micros % dayMicros, true
}

const (
	mostDays      = 1e9
	longestNumber = 400
)

// microsOf is a time as microseconds: the whole second, or else the millisecond, that the number can stand for as well, or else the
// nearest. A second is no decimal fraction of a day, so that its last digits are those of the program that wrote it.
func microsOf(nanos, tolerance int64) int64 {
	const micro, milli, second = 1_000, 1_000_000, 1_000_000_000
	for _, unit := range []int64{second, milli} {
		whole := (nanos + unit/2) / unit * unit
		if max(whole-nanos, nanos-whole) <= tolerance {
			return whole / micro
		}
	}
	return (nanos + micro/2) / micro
}

// toleranceOf is the nanoseconds that one more in the last digit of a number makes, of the 15 to 17 digits that programs write, or that
// the next double is away.
func toleranceOf(number []byte, double float64) int64 {
	const fewest, most = 15, 17
	if double == 0 {
		return 0
	}
	written, _ := significantDigits(number)
	digits := min(max(len(written), fewest), most)
	lastDigit := math.Pow(10, math.Floor(math.Log10(double))+1-float64(digits))
	nextDouble := math.Nextafter(double, math.Inf(1)) - double
	return int64(math.Min(max(lastDigit, nextDouble)*dayNanos, 1_000_000))
}

// splitDecimal splits a number without an exponent exactly, to the nearest nanosecond. ok is false where 64 bits do not hold its digits.
func splitDecimal(digits []byte) (days, nanos int64, ok bool) {
	const mostWhole, mostFraction = 9, 18
	whole, fraction, _ := bytes.Cut(digits, []byte{'.'})
	if digitsOf(whole) != len(whole) || digitsOf(fraction) != len(fraction) || len(whole) > mostWhole || len(fraction) > mostFraction {
		return 0, 0, false
	}
	for _, c := range whole {
		days = days*10 + int64(c-'0')
	}
	part, unit := uint64(0), uint64(1)
	for _, c := range fraction {
		part, unit = part*10+uint64(c-'0'), unit*10
	}
	high, low := bits.Mul64(part, dayNanos)
	low, carry := bits.Add64(low, unit/2, 0)
	quotient, _ := bits.Div64(high+carry, low, unit)
	return days, int64(quotient), true
}

// splitRational is the same for all numbers.
func splitRational(number string, double float64) (days, nanos int64) {
	const nothing = 1e-15 // days, which are less than a nanosecond, whatever the exponent
	if double < nothing {
		return 0, 0
	}
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, 0
	}
	whole, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
	fraction := new(big.Rat).SetFrac(rest.Mul(rest, big.NewInt(dayNanos)), exact.Denom())
	fraction.Add(fraction, big.NewRat(1, 2))
	return whole.Int64(), new(big.Int).Quo(fraction.Num(), fraction.Denom()).Int64()
}
