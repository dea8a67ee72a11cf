package convert

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// texts reads the values of a text array.
func texts(values arrow.Array) func(at int) string {
	if v, ok := values.(array.StringLike); ok {
		return v.Value
	}
	return func(int) string { return "" } // an array without values
}

// bytesOf reads the values of a text or binary array. They must not be changed.
func bytesOf(values arrow.Array) func(at int) []byte {
	switch v := values.(type) {
	case *array.Binary:
		return v.Value
	case *array.LargeBinary:
		return v.Value
	case *array.BinaryView:
		return v.Value
	case *array.FixedSizeBinary:
		return v.Value
	default:
		get := texts(values)
		return func(at int) []byte { return []byte(get(at)) }
	}
}

// toText writes the standard text of values.
func toText(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender { return standardText(values, kindOf(r.field)) }), nil
}

// standardText appends the text of the values of a flat array.
func standardText(values arrow.Array, of kind) appender {
	switch of {
	case boolean:
		v := values.(*array.Boolean)
		return func(dst []byte, at int) ([]byte, bool) { return strconv.AppendBool(dst, v.Value(at)), true }
	case integral, decimal:
		get, scale := integers(values)
		return func(dst []byte, at int) ([]byte, bool) { return get(at).appendDecimal(dst, scale), true }
	case float:
		get, bits := floats(values)
		return func(dst []byte, at int) ([]byte, bool) { return appendFloat(dst, get(at), bits), true }
	case text:
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return append(dst, get(at)...), true }
	case uuid:
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return appendUUID(dst, get(at)), true }
	case interval:
		get := intervals(values)
		return func(dst []byte, at int) ([]byte, bool) { return get(at).append(dst), true }
	case duration:
		get := durations(values)
		return func(dst []byte, at int) ([]byte, bool) { return get(at).append(dst), true }
	case date, timeOfDay, timestamp, instant:
		get, write := moments(values), writeISO[of]
		return func(dst []byte, at int) ([]byte, bool) {
			m, ok := get(at)
			m.hasOffset = of == instant
			return write(dst, m), ok
		}
	default: // blob
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return hex.AppendEncode(dst, get(at)), true }
	}
}

// appendUUID appends the 8-4-4-4-12 digits.
func appendUUID(dst, id []byte) []byte {
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// copyBytes copies texts or binaries of any layout.
func copyBytes(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) { return append(dst, get(at)...), true }
	}), nil
}

func copyBooleans(request) (kernel, error) {
	return toBoolean(func(values arrow.Array) func(at int) (value, ok bool) {
		v := values.(*array.Boolean)
		return func(at int) (value, ok bool) { return v.Value(at), true }
	}), nil
}

// hexToBytes converts hexadecimal digits in either case, which may follow 0x or \x.
func hexToBytes(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := texts(values)
		return func(dst []byte, at int) ([]byte, bool) {
			digits := get(at)
			for _, prefix := range []string{"0x", "0X", `\x`} {
				if rest, found := strings.CutPrefix(digits, prefix); found {
					digits = rest
					break
				}
			}
			out, err := hex.AppendDecode(dst, []byte(digits))
			return out, err == nil
		}
	}), nil
}

// span is an interval or a duration.
type span struct{ months, days, seconds, nanos int64 }

// append appends P1M2DT3.5S; what is negative has its own sign.
func (s span) append(dst []byte) []byte {
	dst = append(dst, 'P')
	if s.months != 0 {
		dst = append(strconv.AppendInt(dst, s.months, 10), 'M')
	}
	if s.days != 0 {
		dst = append(strconv.AppendInt(dst, s.days, 10), 'D')
	}
	if s.seconds == 0 && s.nanos == 0 && (s.months != 0 || s.days != 0) {
		return dst
	}
	dst = append(dst, 'T')
	seconds, nanos := magnitude(s.seconds), s.nanos // nanos is not negative
	if s.seconds < 0 {
		dst = append(dst, '-')
		if nanos > 0 {
			seconds, nanos = seconds-1, nanosPerSec-nanos
		}
	}
	dst = strconv.AppendUint(dst, seconds, 10)
	if nanos > 0 {
		dst = appendPadded(append(dst, '.'), nanos, 9)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'S')
}

func spanOf(months, days, count, unitNanos int64) span {
	seconds, rest := floorDiv(count, nanosPerSec/unitNanos)
	return span{months, days, seconds, rest * unitNanos}
}

func intervals(values arrow.Array) func(at int) span {
	const nanosPerMilli = 1e6
	switch v := values.(type) {
	case *array.MonthInterval:
		return func(at int) span { return span{months: int64(v.Value(at))} }
	case *array.DayTimeInterval:
		return func(at int) span {
			x := v.Value(at)
			return spanOf(0, int64(x.Days), int64(x.Milliseconds), nanosPerMilli)
		}
	case *array.MonthDayNanoInterval:
		return func(at int) span {
			x := v.Value(at)
			return spanOf(int64(x.Months), int64(x.Days), x.Nanoseconds, 1)
		}
	default: // Parquet's: three unsigned numbers
		get := bytesOf(values)
		return func(at int) span {
			x := get(at)
			months, days, millis := binary.LittleEndian.Uint32(x), binary.LittleEndian.Uint32(x[4:]), binary.LittleEndian.Uint32(x[8:])
			return spanOf(int64(months), int64(days), int64(millis), nanosPerMilli)
		}
	}
}

func durations(values arrow.Array) func(at int) span {
	v := arrow.GetValues[arrow.Duration](values.Data(), 1)
	unit := values.DataType().(*arrow.DurationType).Unit.Multiplier().Nanoseconds()
	return func(at int) span { return spanOf(0, 0, int64(v[at]), unit) }
}

// durationsToMicros makes of durations the whole numbers that the sink stores them as.
func durationsToMicros(r request) (kernel, error) {
	return numbersTo(r.to.arrow, func(values arrow.Array, _ int) func(at int) (integer, bool) {
		get := durations(values)
		return func(at int) (integer, bool) {
			s := get(at)
			const most = math.MaxInt64/1_000_000 - 1
			return integer{small: s.seconds*1e6 + s.nanos/nanosPerMicro}, -most <= s.seconds && s.seconds <= most
		}
	}), nil
}

// appendQuoted appends text as a JSON string. Only what must be escaped is. It is false if
// the text is not UTF-8.
func appendQuoted[T string | []byte](dst []byte, s T) ([]byte, bool) {
	start := len(dst) + 1
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, c)
			from = i + 1
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"'), utf8.Valid(dst[start:])
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', "01"[c>>4], "0123456789abcdef"[c&0xf])
}

// appendBase64 appends bytes as a JSON string.
func appendBase64(dst, bytes []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), bytes), '"')
}
