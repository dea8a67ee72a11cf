package parquetread

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/uuid"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// FolderValue is what the name of a folder says about a column that files may have, too.
type FolderValue = batch.FolderValue

// ErrIncomparable says that values of a type cannot be told from the name of a folder.
var ErrIncomparable = errors.New("its values cannot be compared with names")

// FolderArray makes an array of the one value of a column that the name of a folder stands for.
// Numbers count by their value, 05 as 5; times without a zone are UTC where the column has one.
// It fails where no value of the type is meant, and with [ErrIncomparable] where types of that
// kind cannot be.
func FolderArray(field arrow.Field, text *string) (arrow.Array, error) {
	if _, isNested := field.Type.(arrow.NestedType); isNested {
		return nil, ErrIncomparable
	}
	if text == nil {
		return allNull(field.Type, 1), nil
	}
	builder := array.NewBuilder(memory.DefaultAllocator, field.Type)
	if err := appendFolder(builder, field, *text); err != nil {
		return nil, err
	}
	return builder.NewArray(), nil
}

func appendFolder(builder array.Builder, field arrow.Field, text string) error {
	switch b := builder.(type) {
	case *array.StringBuilder:
		b.Append(text)
	case *array.BinaryBuilder:
		b.Append([]byte(text))
	case *array.BooleanBuilder:
		value, err := strconv.ParseBool(text)
		b.Append(value)
		return err
	case *array.FixedSizeBinaryBuilder:
		return appendFixed(b, field, text)
	case *array.Date32Builder:
		at, err := parseMoment(text)
		if err == nil && at.Unix()%(24*60*60) != 0 {
			err = errNoValue
		}
		b.Append(arrow.Date32FromTime(at))
		return err
	case *array.TimestampBuilder:
		return appendMoment(b, text)
	case *array.Float32Builder:
		value, err := strconv.ParseFloat(text, 32)
		b.Append(float32(value))
		return err
	case *array.Float64Builder:
		value, err := strconv.ParseFloat(text, 64)
		b.Append(value)
		return err
	case *array.NullBuilder:
		return errNoValue
	default:
		return appendNumber(builder, text)
	}
	return nil
}

var errNoValue = errors.New("no value of the column's type is meant")

// appendFixed appends a UUID in its usual form, or any other value byte for byte.
func appendFixed(b *array.FixedSizeBinaryBuilder, field arrow.Field, text string) error {
	value := []byte(text)
	if batch.LogicalType(field) == batch.LogicalUUID {
		id, err := uuid.Parse(text)
		if err != nil {
			return err
		}
		value = id[:]
	}
	if len(value) != b.Type().(*arrow.FixedSizeBinaryType).ByteWidth {
		return errNoValue
	}
	b.Append(value)
	return nil
}

// momentLayouts are how programs write dates and times in the names of folders, but for the
// zone. Fractions of a second are accepted behind any second.
var momentLayouts = []string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02 15:04"}

// parseMoment reads a date or a time.
func parseMoment(text string) (time.Time, error) {
	spaced := text
	if len(text) > len(time.DateOnly) && text[len(time.DateOnly)] == 'T' {
		spaced = text[:len(time.DateOnly)] + " " + text[len(time.DateOnly)+1:]
	}
	for _, layout := range momentLayouts {
		for _, zone := range []string{"", "Z07:00", "Z0700", "Z07"} {
			if at, err := time.Parse(layout+zone, spaced); err == nil {
				return at, nil
			}
		}
	}
	return time.Time{}, errNoValue
}

// appendMoment appends a time that the type holds exactly. A column without a zone has no
// instants, so that only those in UTC are local times.
func appendMoment(b *array.TimestampBuilder, text string) error {
	at, err := parseMoment(text)
	if err != nil {
		return err
	}
	to := b.Type().(*arrow.TimestampType)
	if _, offset := at.Zone(); to.TimeZone == "" && offset != 0 {
		return errNoValue
	}
	unit := int64(time.Second / to.Unit.Multiplier()) // in a second
	fraction := int64(at.Nanosecond())
	if fraction%int64(to.Unit.Multiplier()) != 0 || at.Unix() > math.MaxInt64/unit-1 || at.Unix() < math.MinInt64/unit+1 {
		return errNoValue
	}
	b.Append(arrow.Timestamp(at.Unix()*unit + fraction/int64(to.Unit.Multiplier())))
	return nil
}

var numberPattern = regexp.MustCompile(`^[+-]?[0-9]{1,100}([.][0-9]{0,100})?([eE][+-]?[0-9]{1,2})?$`)

// appendNumber appends an integer or a decimal that has the very value of the text.
func appendNumber(builder array.Builder, text string) error {
	decimal, isDecimal := builder.Type().(arrow.DecimalType)
	if !isDecimal && !arrow.IsInteger(builder.Type().ID()) || isDecimal && decimal.GetScale() < 0 {
		return ErrIncomparable
	}
	value, ok := new(big.Rat).SetString(text)
	if !numberPattern.MatchString(text) || !ok {
		return errNoValue
	}
	if isDecimal {
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimal.GetScale())), nil)
		value.Mul(value, new(big.Rat).SetInt(scale))
	}
	const bits128, bits256 = 127, 255 // without the sign
	number, long := value.Num(), value.Num().BitLen()
	switch b := builder.(type) {
	case *array.Decimal128Builder:
		if value.IsInt() && long <= bits128 {
			b.Append(decimal128.FromBigInt(number))
			return nil
		}
	case *array.Decimal256Builder:
		if value.IsInt() && long <= bits256 {
			b.Append(decimal256.FromBigInt(number))
			return nil
		}
	default:
		if value.IsInt() {
			return builder.AppendValueFromString(number.String()) // which minds the range
		}
	}
	return errNoValue
}

// Agreement is what is known about the values of a column and that of a folder.
type Agreement int

// What can be known.
const (
	Open      Agreement = iota // all, some or none are the same
	Equal                      // all are
	Different                  // some are not
)

// Agree compares what is known about a column in rows with the one value that all should have,
// an array of the type of the bounds.
func (s Statistics) Agree(value arrow.Array, rows int64) Agreement {
	if value.IsNull(0) {
		switch {
		case s.Nulls == rows:
			return Equal
		case s.Nulls >= 0:
			return Different
		}
		return Open
	}
	if s.Nulls > 0 {
		return Different
	}
	if s.Bounds == nil || arrow.IsFloating(value.DataType().ID()) { // NaN is outside of bounds
		return Open
	}
	joined, err := array.Concatenate([]arrow.Array{value, s.Bounds}, memory.DefaultAllocator)
	if err != nil {
		return Open
	}
	order := comparison(joined)
	if order == nil {
		return Open
	}
	switch least, greatest := order(0, 1), order(0, 2); {
	case least < 0 || greatest > 0:
		return Different
	case least == 0 && greatest == 0 && s.Nulls == 0:
		return Equal
	}
	return Open
}

// firstOther returns the index of the first value that is not the one of another array, of the
// same type; -1 if there is none.
func firstOther(values, value arrow.Array) int {
	joined, err := array.Concatenate([]arrow.Array{value, values}, memory.DefaultAllocator)
	if err != nil {
		return 0 // for more than 2 GB of text: not equal, for all that is known
	}
	order := comparison(joined)
	if order == nil {
		order = func(i, j int) int {
			if array.SliceEqual(joined, int64(i), int64(i)+1, joined, int64(j), int64(j)+1) {
				return 0
			}
			return 1
		}
	}
	for i := range values.Len() {
		if values.IsNull(i) != value.IsNull(0) || !values.IsNull(i) && order(0, i+1) != 0 {
			return i
		}
	}
	return -1
}

// misplacedError is that of a row whose value is not the one that its folder stands for.
type misplacedError struct {
	row          int // of the batch
	found, wants string
}

func (e *misplacedError) Error() string {
	return fmt.Sprintf("the value is %s, but the name of the folder says %s", e.found, e.wants)
}

// hold compares a column with the value that the folders of the file stand for, if they do.
func (o origin) hold(values arrow.Array) error {
	if o.value == nil {
		return nil
	}
	if at := firstOther(values, o.value); at >= 0 {
		return &misplacedError{at, ValueText(values, at), ValueText(o.value, 0)}
	}
	return nil
}

// misplaced makes the error that a user reads of one of the rows of a batch, where that is why.
func misplaced(b batch.Batch, err error) error {
	var misplaced *misplacedError
	if !errors.As(err, &misplaced) {
		return err
	}
	return failure.New(failure.Data, "file %s, row group %d, row %d: %w", b.Origin.File, b.Origin.RowGroup, b.Number(misplaced.row), err).
		WithHint("%s", MisplacedHint)
}

// MisplacedHint says what to do about rows in a folder that stands for another value.
const MisplacedHint = "move the rows to the folder of their value, or set source.partitions: none to leave the names of folders alone"

// ValueText is a value for people.
func ValueText(values arrow.Array, at int) string {
	if values.IsNull(at) {
		return "NULL"
	}
	const most = 100 // bytes
	text := values.ValueStr(at)
	return cmp.Or(strings.ToValidUTF8(text[:min(len(text), most)], ""), `""`)
}
