package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// numeric is a finite value of PostgreSQL's numeric as it is sent: groups of four decimal digits.
type numeric struct {
	groups   []byte // two bytes each, the most significant first
	weight   int    // of the first group, in groups: its value is group * 10000^weight
	scale    int    // digits after the point that are shown
	negative bool
}

const (
	numericHeader   = 8
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInfinity = 0xD000
	numericMinus    = 0xF000 // minus infinity

	groupDigits = 4
	groupBase   = 10000
)

var (
	errNotANumber = errors.New("it is NaN")
	errInfinite   = errors.New("it is infinite")
	errLength     = errors.New("it has a length that its type has not")
)

// readNumeric takes a value apart.
func readNumeric(raw []byte) (numeric, error) {
	if len(raw) < numericHeader {
		return numeric{}, errLength
	}
	count, sign := int(binary.BigEndian.Uint16(raw)), binary.BigEndian.Uint16(raw[4:])
	n := numeric{
		groups: raw[numericHeader:], weight: int(int16(binary.BigEndian.Uint16(raw[2:]))),
		scale: int(binary.BigEndian.Uint16(raw[6:])), negative: sign == numericNegative,
	}
	switch sign {
	case numericNaN:
		return n, errNotANumber
	case numericInfinity, numericMinus:
		return n, errInfinite
	case 0, numericNegative:
	default:
		return n, fmt.Errorf("it has a sign (%x) that is not known", sign)
	}
	if len(n.groups) != 2*count {
		return n, errLength
	}
	for i := range count {
		if n.group(i) >= groupBase {
			return n, errors.New("it has a digit that is none")
		}
	}
	return n, nil
}

// count is the number of groups that are sent.
func (n numeric) count() int { return len(n.groups) / 2 }

// group is the value of a group, 0 of one that is not sent.
func (n numeric) group(i int) uint64 {
	if i < 0 || i >= n.count() {
		return 0
	}
	return uint64(binary.BigEndian.Uint16(n.groups[2*i:]))
}

// String writes the number as PostgreSQL does, with all digits of its scale.
func (n numeric) String() string {
	var text strings.Builder
	if n.negative {
		text.WriteByte('-')
	}
	if n.weight < 0 {
		text.WriteByte('0')
	} else {
		text.WriteString(strconv.FormatUint(n.group(0), 10))
	}
	for i := 1; i <= n.weight; i++ {
		fmt.Fprintf(&text, "%04d", n.group(i))
	}
	if n.scale == 0 {
		return text.String()
	}
	text.WriteByte('.')
	for left, i := n.scale, n.weight+1; left > 0; left, i = left-groupDigits, i+1 {
		digits := fmt.Sprintf("%04d", n.group(i))
		text.WriteString(digits[:min(left, groupDigits)])
	}
	return text.String()
}

// decimal is the number as a whole number of units of 10^-scale; false if it is none, or has more digits than precision.
func (n numeric) decimal(precision, scale int32) (decimal128.Num, bool) {
	shift := groupDigits*(n.weight+1-n.count()) + int(scale)
	if shift >= -smallDigits && groupDigits*n.count()+max(shift, 0) <= smallDigits {
		return n.small(int(precision), shift)
	}
	return n.large(precision, scale)
}

// small is decimal for a number that has few digits, where shift is the power of ten that its last group is multiplied by.
func (n numeric) small(precision, shift int) (decimal128.Num, bool) {
	var units uint64
	for i := range n.count() {
		units = units*groupBase + n.group(i)
	}
	if shift >= 0 {
		units *= powersOfTen[shift]
	} else {
		if units%powersOfTen[-shift] != 0 {
			return decimal128.Num{}, false
		}
		units /= powersOfTen[-shift]
	}
	if units >= powersOfTen[min(precision, smallDigits)] {
		return decimal128.Num{}, false
	}
	value := decimal128.FromU64(units)
	if n.negative {
		value = value.Negate()
	}
	return value, true
}

// large is decimal for any number.
func (n numeric) large(precision, scale int32) (decimal128.Num, bool) {
	first, last := 0, n.count()
	for first < last && n.group(first) == 0 {
		first++
	}
	for first < last && n.group(last-1) == 0 {
		last--
	}
	if first == last {
		return decimal128.Num{}, true
	}
	// shift is the power of ten that the last group is multiplied by.
	shift := groupDigits*(n.weight-(last-1)) + int(scale)
	digits := decimalDigits(n.group(first)) + groupDigits*(last-1-first) + shift
	if shift <= -groupDigits || digits > int(precision) {
		return decimal128.Num{}, false
	}
	var high, low uint64
	for i := first; i < last-1; i++ {
		high, low = multiplyAdd(high, low, groupBase, n.group(i))
	}
	if shift < 0 {
		if n.group(last-1)%powersOfTen[-shift] != 0 {
			return decimal128.Num{}, false
		}
		high, low = multiplyAdd(high, low, powersOfTen[groupDigits+shift], n.group(last-1)/powersOfTen[-shift])
	} else {
		high, low = multiplyAdd(high, low, groupBase, n.group(last-1))
	}
	for ; shift > 0; shift -= groupDigits {
		high, low = multiplyAdd(high, low, powersOfTen[min(shift, groupDigits)], 0)
	}
	value := decimal128.New(int64(high), low)
	if n.negative {
		value = value.Negate()
	}
	return value, true
}

// smallDigits is how many digits a number may have that is kept in 64 bits.
const smallDigits = 18

var powersOfTen = func() (powers [smallDigits + 1]uint64) {
	powers[0] = 1
	for i := range smallDigits {
		powers[i+1] = 10 * powers[i]
	}
	return powers
}()

// decimalDigits is how many digits a group has that is not zero.
func decimalDigits(group uint64) int {
	digits := 1
	for digits < groupDigits && group >= powersOfTen[digits] {
		digits++
	}
	return digits
}

// multiplyAdd is value*factor + more, in 128 bits that are enough for it.
func multiplyAdd(high, low, factor, more uint64) (uint64, uint64) {
	carried, product := bits.Mul64(low, factor)
	sum, carry := bits.Add64(product, more, 0)
	return high*factor + carried + carry, sum
}
