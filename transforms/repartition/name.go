package repartition

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/uuid"

	"hyperlake/internal/batch"
)

// The names of what is not text. No other value has a name that begins with a tilde.
const (
	NullName  = "~null"
	emptyName = "~empty"
)

const (
	maxName  = 120 // bytes of a name: file systems allow 255 for the whole file name
	hashSize = 32  // hexadecimal digits of a hash that stands for what does not fit
)

// ValueName spells a value as a part of a file name: letters, digits, '-', '_' and '.' as
// they are, every other byte as a percent sign and two hexadecimal digits, as in a URI. It
// is injective, of at most 120 bytes, and safe on every file system and on object storage. A value
// that is too long keeps its beginning and ends with a tilde and a hash; the empty text is
// "~empty".
//
// Names of different values may differ in case only: see [OutputNames].
func ValueName(value string) string {
	if value == "" {
		return emptyName
	}
	var name strings.Builder
	cut := 0 // where a name that is too long ends
	for i := range len(value) {
		if isPlain(value[i]) {
			name.WriteByte(value[i])
		} else {
			fmt.Fprintf(&name, "%%%02X", value[i])
		}
		if name.Len() <= maxName-hashSize-1 {
			cut = name.Len()
		} else if name.Len() > maxName {
			return name.String()[:cut] + "~" + hash(value)
		}
	}
	return name.String()
}

func isPlain(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_' || b == '.'
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashSize]
}

// OutputNames makes NAME-VALUE of the names of values that [ValueName] made, in their
// order. Some file systems take names that differ in case only for one; the names of such
// values end with a tilde and a hash as well, so that no two outputs are ever one file.
func OutputNames(name string, values []string) []string {
	spellings := make(map[string]int)
	for _, value := range values {
		spellings[strings.ToLower(value)]++
	}
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = name + "-" + value
		if spellings[strings.ToLower(value)] > 1 {
			names[i] += "~" + hash(value)
		}
	}
	return names
}

// NameOf is the name of a value of a column: of the target that its rows go to where a table is split by that. NULL is [NullName].
func NameOf(field arrow.Field, column arrow.Array, row int) (string, error) {
	values, err := keysOf(field, column)
	if err != nil {
		return "", err
	}
	if values.isNull(row) {
		return NullName, nil
	}
	text, err := valueText(field, column, row)
	if err != nil {
		return "", fmt.Errorf("column %s: %w", field.Name, err)
	}
	return ValueName(text), nil
}

// hasName says whether the values of a column have a text that can be part of a name.
func hasName(field arrow.Field) bool {
	t := valueType(field.Type)
	switch t.ID() {
	case arrow.NULL, arrow.BOOL, arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW,
		arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY,
		arrow.DECIMAL128, arrow.DECIMAL256, arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP:
		return !isParquetInterval(field, t)
	}
	return arrow.IsInteger(t.ID())
}

// valueText is the text of a value, the same for equal values and for no others.
func valueText(field arrow.Field, column arrow.Array, row int) (string, error) {
	switch c := column.(type) {
	case array.ExtensionArray:
		return valueText(field, c.Storage(), row)
	case *array.Dictionary:
		return valueText(field, c.Dictionary(), c.GetValueIndex(row))
	case *array.Decimal128:
		return decimalText(c.Value(row).BigInt(), int(c.DataType().(arrow.DecimalType).GetScale())), nil
	case *array.Decimal256:
		return decimalText(c.Value(row).BigInt(), int(c.DataType().(arrow.DecimalType).GetScale())), nil
	case *array.Date32:
		return dayText(int64(c.Value(row))), nil
	case *array.Date64:
		const day = 24 * 60 * 60 * 1000
		return dayText(floorDiv(int64(c.Value(row)), day)), nil
	case *array.Timestamp:
		return momentText(int64(c.Value(row)), c.DataType().(*arrow.TimestampType)), nil
	case array.StringLike:
		return c.Value(row), nil
	case interface{ Value(int) []byte }:
		return bytesText(field, c.Value(row)), nil
	}
	if !hasName(field) {
		return "", fmt.Errorf("values of type %s cannot be part of a name", column.DataType())
	}
	return column.ValueStr(row), nil // numbers and true, false
}

// decimalText is written out exactly, with as many decimals as the scale has.
func decimalText(unscaled *big.Int, scale int) string {
	digits := new(big.Int).Abs(unscaled).String()
	if scale <= 0 {
		digits += strings.Repeat("0", -scale)
	} else {
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if unscaled.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// bytesText is hexadecimal, or the usual text of a UUID.
func bytesText(field arrow.Field, value []byte) string {
	if batch.LogicalType(field) == batch.LogicalUUID {
		if id, err := uuid.FromBytes(value); err == nil {
			return id.String()
		}
	}
	return hex.EncodeToString(value)
}

// Days and seconds of the years that have four digits.
const (
	firstDay, lastDay       = -719_528, 2_932_896
	firstSecond, lastSecond = firstDay * 86_400, (lastDay+1)*86_400 - 1
)

// dayText is ISO 8601 in the years that it has a text for, else the number of the day.
func dayText(day int64) string {
	if day < firstDay || day > lastDay {
		return strconv.FormatInt(day, 10)
	}
	return time.Unix(day*86_400, 0).UTC().Format(time.DateOnly)
}

// momentText is ISO 8601, down to the microseconds that hyperd keeps, in the years that it
// has a text for, else the number of microseconds or of what the type counts.
func momentText(value int64, t *arrow.TimestampType) string {
	per := map[arrow.TimeUnit]int64{arrow.Second: 1, arrow.Millisecond: 1e3, arrow.Microsecond: 1e6, arrow.Nanosecond: 1e6}[t.Unit]
	if t.Unit == arrow.Nanosecond {
		value = floorDiv(value, 1000)
	}
	second := floorDiv(value, per)
	if second < firstSecond || second > lastSecond {
		return strconv.FormatInt(value, 10)
	}
	layout := "2006-01-02T15:04:05.999999"
	if t.TimeZone != "" {
		layout += "Z"
	}
	return time.Unix(second, (value-second*per)*(1e9/per)).UTC().Format(layout)
}
