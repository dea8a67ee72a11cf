package iceberg

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
)

// boundText is the text of a bound of the values of a column, in the form that lake.Statistics promises: not above,
// or if it is the upper one, not below any of them. It returns false where the bytes bound nothing. The column may have
// been of a narrower type.
func boundText(t arrow.DataType, raw []byte, upper bool) (string, bool) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		if len(raw) != 1 || raw[0] > 1 {
			return "", false
		}
		return strconv.FormatBool(raw[0] == 1), true
	case *arrow.Int32Type, *arrow.Int64Type, *arrow.Date32Type, *arrow.TimestampType:
		value, ok := wholeOf(raw, t.(arrow.FixedWidthDataType).Bytes())
		if !ok {
			return "", false
		}
		return wholeText(t, value, upper)
	case *arrow.Float32Type:
		return floatBound(raw, 32, upper)
	case *arrow.Float64Type:
		return floatBound(raw, 64, upper)
	case *arrow.Decimal128Type:
		if len(raw) == 0 || len(raw) > 16 {
			return "", false
		}
		return decimalText(raw, t), true
	case *arrow.StringType:
		text := string(raw)
		return text, utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError) // which stands for something else
	}
	return "", false
}

// wholeOf is an integer of at most some bytes, in little-endian.
func wholeOf(raw []byte, most int) (int64, bool) {
	switch {
	case len(raw) == 4:
		return int64(int32(binary.LittleEndian.Uint32(raw))), true
	case len(raw) == 8 && most == 8:
		return int64(binary.LittleEndian.Uint64(raw)), true
	}
	return 0, false
}

const nanosInMicro = 1000

// wholeText writes an integer, a day or a time.
func wholeText(t arrow.DataType, value int64, upper bool) (string, bool) {
	if moment, ok := t.(*arrow.TimestampType); ok && moment.Unit == arrow.Nanosecond {
		micros := value / nanosInMicro
		switch rest := value % nanosInMicro; { // which rounds to zero
		case rest < 0 && !upper:
			micros--
		case rest > 0 && upper:
			micros++
		}
		t, value = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: moment.TimeZone}, micros
	}
	return valueText(t, value)
}

// floatBound bounds floats by one of that many bits, or fewer.
func floatBound(raw []byte, bits int, upper bool) (string, bool) {
	var value float64
	switch {
	case len(raw) == 4:
		value = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	case len(raw) == 8 && bits == 64:
		value = math.Float64frombits(binary.LittleEndian.Uint64(raw))
	default:
		return "", false
	}
	if math.IsNaN(value) {
		return "", false
	}
	if value == 0 { // of either sign
		value = math.Copysign(0, -1)
		if upper {
			value = 0
		}
	}
	return strconv.FormatFloat(value, 'g', -1, bits), true
}
