package iceberg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/uuid"
)

// plainValue takes a value as a manifest has it: NULL, a truth value, an integer of 64 bits, a double, a text, or bytes.
func plainValue(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64, float64, []byte:
		return v, nil
	case int32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("a text is not in UTF-8")
		}
		return v, nil
	}
	if raw, ok := fixedBytes(value); ok {
		return raw, nil
	}
	return nil, fmt.Errorf("it is of the type %T", value)
}

// fixedBytes are those of a value of fixed size.
func fixedBytes(value any) ([]byte, bool) {
	if id, ok := value.([uuidBytes]byte); ok {
		return id[:], true
	}
	return nil, false
}

// partitionKey tells partitions from each other, of one spec. Values that are equal have equal keys.
func partitionKey(spec int32, values []any) string {
	key := strconv.AppendInt(nil, int64(spec), 10)
	for _, value := range values {
		switch v := value.(type) {
		case nil:
			key = append(key, 'n')
		case bool:
			key = strconv.AppendBool(append(key, 'b'), v)
		case int64:
			key = binary.BigEndian.AppendUint64(append(key, 'i'), uint64(v))
		case float64:
			if math.IsNaN(v) { // of which there are many
				v = math.NaN()
			}
			key = binary.BigEndian.AppendUint64(append(key, 'f'), math.Float64bits(v+0)) // which is 0 of -0
		case string:
			key = binary.BigEndian.AppendUint64(append(key, 's'), uint64(len(v)))
			key = append(key, v...)
		case []byte:
			key = binary.BigEndian.AppendUint64(append(key, 'r'), uint64(len(v)))
			key = append(key, v...)
		}
	}
	return string(key)
}

// valueText writes a value of a column as text, in the form of lake.Statistics; false if it has none, as values that
// are not of the column's type do not.
func valueText(t arrow.DataType, value any) (string, bool) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		v, ok := value.(bool)
		return strconv.FormatBool(v), ok
	case *arrow.Int32Type, *arrow.Int64Type:
		v, ok := value.(int64)
		return strconv.FormatInt(v, 10), ok
	case *arrow.Float32Type:
		v, ok := value.(float64)
		return strconv.FormatFloat(v, 'g', -1, 32), ok
	case *arrow.Float64Type:
		v, ok := value.(float64)
		return strconv.FormatFloat(v, 'g', -1, 64), ok
	case *arrow.StringType:
		v, ok := value.(string)
		return v, ok
	case *arrow.Decimal128Type:
		v, ok := value.([]byte)
		return decimalText(v, t), ok && len(v) > 0
	case *arrow.Date32Type:
		v, ok := value.(int64)
		return dayText(v, ok)
	case *arrow.TimestampType:
		v, ok := value.(int64)
		return momentText(t, v, ok)
	case *arrow.FixedSizeBinaryType:
		v, ok := value.([]byte)
		id, err := uuid.FromBytes(v)
		return id.String(), ok && err == nil && t.ByteWidth == uuidBytes
	}
	return "", false
}

// decimalText writes an unscaled value, which is in big-endian.
func decimalText(raw []byte, t *arrow.Decimal128Type) string {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)
	return new(big.Rat).SetFrac(unscaledOf(raw), unit).FloatString(int(t.Scale))
}

// unscaledOf reads a number in two's complement, in big-endian.
func unscaledOf(raw []byte) *big.Int {
	value := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0]&0x80 != 0 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return value
}

// shortest leaves out bytes of a number in two's complement that say nothing: manifests have as many as its type wants, which may
// have grown.
func shortest(raw []byte) []byte {
	for len(raw) > 1 && (raw[0] == 0 && raw[1] < 0x80 || raw[0] == 0xff && raw[1] >= 0x80) {
		raw = raw[1:]
	}
	return raw
}

// decimalBytes is how many bytes hold any decimal.
const decimalBytes = 16

// twosComplement writes what unscaledOf reads, of a number that is less than twice as great as any decimal.
func twosComplement(value *big.Int) []byte {
	raw := make([]byte, decimalBytes+1)
	if value.Sign() < 0 {
		value = new(big.Int).Add(value, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return value.FillBytes(raw)
}

// momentLayout has as many digits of a second as there are.
const momentLayout = "2006-01-02T15:04:05.999999999"

func isInYears(at time.Time) bool { return at.Year() >= 0 && at.Year() <= 9999 }

func dayText(day int64, ok bool) (string, bool) {
	if !ok || day != int64(int32(day)) {
		return "", false
	}
	at := time.Unix(day*secondsInDay, 0).UTC()
	return at.Format(time.DateOnly), isInYears(at)
}

const secondsInDay = 24 * 60 * 60

func momentText(t *arrow.TimestampType, since int64, ok bool) (string, bool) {
	at := time.UnixMicro(since).UTC()
	if t.Unit == arrow.Nanosecond {
		at = time.Unix(since/int64(time.Second), since%int64(time.Second)).UTC()
	}
	zone := ""
	if t.TimeZone != "" {
		zone = "Z"
	}
	return at.Format(momentLayout) + zone, ok && isInYears(at)
}
