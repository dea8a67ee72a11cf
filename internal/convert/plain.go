package convert

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// The functions of this file read text in the one form in which most programs write a type, and nothing else: without spare zeros or
// signs, without more digits than are kept. What they read is what [Converter.Apply] makes of the text, at a fraction of its price; of
// what they do not read, it says whether it converts.

// PlainInteger reads a whole number of up to 18 digits.
func PlainInteger(text []byte) (int64, bool) {
	digits, negative := cutMinus(text)
	if len(digits) == 0 || len(digits) > smallDigits || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if negative {
		n = -n
	}
	return n, true
}

// PlainDecimal reads a number as units of 10^-scale, if it has no more digits behind the point than these, and no more than precision at
// all. Numbers of more than 18 digits are not read.
func PlainDecimal(text []byte, precision, scale int) (decimal128.Num, bool) {
	n, places, ok := plainNumber(text, smallDigits)
	if !ok || places > scale || scale-places > smallDigits {
		return decimal128.Num{}, false
	}
	power := smallPowers[scale-places]
	if most := smallPowers[min(precision, smallDigits)]; magnitude(n) > uint64((most-1)/power) {
		return decimal128.Num{}, false
	}
	return decimal128.FromI64(n * power), true
}

// PlainFloat reads a number of up to 15 digits without exponent, which all floats of 64 bits keep.
func PlainFloat(text []byte) (float64, bool) {
	const digits = 15
	n, places, ok := plainNumber(text, digits)
	return float64(n) / floatPowers[places], ok // of two numbers that are exact, so that the result is the nearest
}

var floatPowers = func() (powers [smallDigits + 1]float64) {
	for i := range powers {
		powers[i] = float64(smallPowers[i])
	}
	return powers
}()

// plainNumber reads digits with or without a point among them as n * 10^-places.
func plainNumber(text []byte, most int) (n int64, places int, ok bool) {
	digits, negative := cutMinus(text)
	if len(digits) == 0 || len(digits) > most+1 || digits[0] == '0' && len(digits) > 1 && digits[1] != '.' {
		return 0, 0, false
	}
	point := len(digits)
	for i, c := range digits {
		if c -= '0'; c <= 9 {
			n = n*10 + int64(c)
			continue
		}
		if digits[i] != '.' || point < len(digits) || i == 0 || i == len(digits)-1 {
			return 0, 0, false
		}
		point = i
	}
	if point < len(digits) {
		places = len(digits) - point - 1
	} else if len(digits) > most {
		return 0, 0, false
	}
	if negative {
		return -n, places, n != 0 // for floats know a zero that is negative
	}
	return n, places, true
}

func cutMinus(text []byte) (rest []byte, negative bool) {
	if len(text) > 0 && text[0] == '-' {
		return text[1:], true
	}
	return text, false
}

const isoDateLength = len("2026-01-31")

// PlainDate reads 2026-01-31.
func PlainDate(text []byte) (arrow.Date32, bool) {
	if len(text) != isoDateLength {
		return 0, false
	}
	days, ok := plainDay(text)
	return arrow.Date32(days), ok
}

// plainDay reads the ten bytes of a date.
func plainDay(text []byte) (days int64, ok bool) {
	_ = text[isoDateLength-1]
	century, year := twoDigits(text[0], text[1]), twoDigits(text[2], text[3])
	month, day := twoDigits(text[5], text[6]), twoDigits(text[8], text[9])
	if century|year|month|day < 0 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	return daysOf(century*100+year, month, day)
}

// PlainTimestamp reads 2026-01-31 12:30:00, with T or a space, and up to six digits of a second.
func PlainTimestamp(text []byte) (arrow.Timestamp, bool) {
	micros, rest, ok := plainMoment(text)
	return arrow.Timestamp(micros), ok && len(rest) == 0
}

// PlainInstant reads what [PlainTimestamp] reads, followed by Z, or by an offset of hours, or of hours and minutes.
func PlainInstant(text []byte) (arrow.Timestamp, bool) {
	micros, zone, ok := plainMoment(text)
	switch {
	case !ok || len(zone) == 0:
		return 0, false
	case len(zone) == 1:
		return arrow.Timestamp(micros), zone[0] == 'Z'
	case len(zone) != len("+01") && (len(zone) != len("+01:00") || zone[3] != ':'):
		return 0, false
	}
	hours, minutes := twoDigits(zone[1], zone[2]), int64(0)
	if len(zone) > len("+01") {
		minutes = twoDigits(zone[4], zone[5])
	}
	if hours|minutes < 0 || hours > 23 || minutes > 59 || zone[0] != '+' && zone[0] != '-' {
		return 0, false
	}
	offset := (hours*3600 + minutes*60) * int64(1e6)
	if zone[0] == '-' {
		offset = -offset
	}
	return arrow.Timestamp(micros - offset), true
}

// plainMoment reads a date and a time of day, and gives what follows them.
func plainMoment(text []byte) (micros int64, rest []byte, ok bool) {
	const length = len("2026-01-31 12:30:00")
	if len(text) < length || text[10] != ' ' && text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return 0, nil, false
	}
	days, ok := plainDay(text)
	hour, minute, second := twoDigits(text[11], text[12]), twoDigits(text[14], text[15]), twoDigits(text[17], text[18])
	if !ok || hour|minute|second < 0 || hour > 23 || minute > 59 || second > 59 {
		return 0, nil, false
	}
	micros = days*microsPerDay + (hour*3600+minute*60+second)*int64(1e6)
	if rest = text[length:]; len(rest) == 0 || rest[0] != '.' {
		return micros, rest, true
	}
	unit, at := int64(1e5), 1
	for ; at < len(rest) && rest[at]-'0' <= 9; at++ {
		micros += int64(rest[at]-'0') * unit
		unit /= 10
	}
	return micros, rest[at:], 1 < at && at <= len(".123456")
}

// twoDigits is the number that two digits are; negative if they are none.
func twoDigits(tens, ones byte) int64 {
	if tens -= '0'; tens > 9 {
		return math.MinInt64
	}
	if ones -= '0'; ones > 9 {
		return math.MinInt64
	}
	return int64(tens)*10 + int64(ones)
}
