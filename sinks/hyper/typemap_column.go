package hyper

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Conversion says what happens to the values of a column on their way into hyperd. It is
// for people, in plans and reports: [Convert] decides by the types. A dictionary or a
// run-end encoding is decoded first, whatever else happens.
type Conversion string

// The conversions. All are exact except that FloorNanos cuts down to microseconds, the
// finest that hyperd stores.
const (
	Direct     Conversion = "direct"                // the values as they are
	Decode     Conversion = "decode"                // a dictionary or run-end encoding written out
	Repack     Conversion = "repack"                // the same values in the layout that hyperd reads
	Widen      Conversion = "widen"                 // to a wider floating-point type
	Rescale    Conversion = "rescale"               // a decimal of negative scale written out
	Micros     Conversion = "count microseconds"    // a duration as a number
	FloorNanos Conversion = "floor to microseconds" // nanoseconds cut down, towards the past
	UUIDText   Conversion = "uuid to text"          // lower case with hyphens
	Interval   Conversion = "to months, days, time" // an interval of another shape
	AllNull    Conversion = "null of unknown type"  // no value, only NULLs
	Geography  Conversion = "wkt to geography"      // by hyperd, while it loads

	// What a configuration asks for is done before values reach this package.
	Flatten  Conversion = "flatten"       // a field of a structure
	JSONText Conversion = "to json"       // a nested value as text
	AsAsked  Conversion = "to given type" // values that do not convert are rejects
)

// Column is how one column of the lake is stored in the extract. It travels to workers
// as JSON. Make one with [MapField].
type Column struct {
	Source     string     `json:"source"`      // name in the lake
	SourceType string     `json:"source_type"` // Arrow's text for the type in the lake
	Name       string     `json:"name"`        // name in the extract
	SQLType    string     `json:"sql_type"`    // without nullability
	Nullable   bool       `json:"nullable"`
	Wire       WireType   `json:"arrow_type"` // what hyperd is sent
	Version    Version    `json:"version"`    // lowest file format version that stores the type
	Conversion Conversion `json:"conversion"`
	Warning    string     `json:"warning,omitempty"` // what the user should know; empty if nothing
}

// ArrowType is the exact Arrow type that hyperd is sent for the column.
func (c Column) ArrowType() arrow.DataType { return c.Wire.DataType }

// ArrowSchema is the schema of the stream that hyperd is sent for the columns. hyperd
// takes a NOT NULL column only from a field that is not nullable.
func ArrowSchema(columns []Column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.ArrowType(), Nullable: c.Nullable}
	}
	return arrow.NewSchema(fields, nil)
}

// WireType is an Arrow type that hyperd reads from a stream. In JSON it is Arrow's text
// for it, such as "timestamp[us, tz=UTC]".
type WireType struct {
	arrow.DataType
}

// MarshalText gives Arrow's text for the type.
func (w WireType) MarshalText() ([]byte, error) {
	if w.DataType == nil {
		return nil, fmt.Errorf("the column has no Arrow type")
	}
	return []byte(w.String()), nil
}

// UnmarshalText finds the type that MarshalText wrote.
func (w *WireType) UnmarshalText(text []byte) error {
	var precision, scale int32
	if _, err := fmt.Sscanf(string(text), "decimal(%d, %d)", &precision, &scale); err == nil {
		w.DataType = &arrow.Decimal128Type{Precision: precision, Scale: scale}
		return nil
	}
	for _, known := range wireTypes {
		if known.String() == string(text) {
			w.DataType = known
			return nil
		}
	}
	return fmt.Errorf("hyperd does not read the Arrow type %q", text)
}

// wireTypes is every type that hyperd reads from an Arrow stream, except for decimals.
var wireTypes = [...]arrow.DataType{
	arrow.FixedWidthTypes.Boolean,
	arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32,
	arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
	arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
	arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns,
	&arrow.TimestampType{Unit: arrow.Second}, arrow.FixedWidthTypes.Timestamp_s,
	&arrow.TimestampType{Unit: arrow.Millisecond}, arrow.FixedWidthTypes.Timestamp_ms,
	&arrow.TimestampType{Unit: arrow.Microsecond}, arrow.FixedWidthTypes.Timestamp_us,
	arrow.FixedWidthTypes.MonthDayNanoInterval,
}

// StoredRange is the range that hyperd stores of a column whose Arrow type holds more;
// a value outside would fail the load, or a decimal be stored with more digits than its
// column has. Both bounds are included; ok is false where no value can be out of range.
//
// Dates and timestamps are ISO 8601 in the proleptic Gregorian calendar with astronomical
// years: year 0 is 1 BC, so -4712 is 4713 BC. Timestamps with a zone end in Z.
func StoredRange(c Column) (lowest, highest string, ok bool) {
	switch t := c.ArrowType().(type) {
	case *arrow.Date32Type, *arrow.Date64Type:
		return "-4712-01-01", "294276-12-31", true
	case *arrow.TimestampType:
		return timestampRange(c, t)
	case *arrow.Time32Type:
		return "00:00:00", "23:59:59" + lastFraction(t.Unit), true
	case *arrow.Time64Type:
		return "00:00:00", "23:59:59" + lastFraction(t.Unit), true
	case *arrow.Decimal128Type:
		most := mostDigits(t)
		return "-" + most, most, strings.HasPrefix(c.SourceType, "decimal") // not of integers, which fit
	}
	return "", "", false
}

// mostDigits is the largest number that a decimal type holds.
func mostDigits(t *arrow.Decimal128Type) string {
	digits := strings.Repeat("9", int(t.Precision))
	whole, fraction := digits[:t.Precision-t.Scale], digits[t.Precision-t.Scale:]
	if fraction == "" {
		return whole
	}
	return cmp.Or(whole, "0") + "." + fraction
}

func timestampRange(c Column, t *arrow.TimestampType) (lowest, highest string, ok bool) {
	if c.Conversion == FloorNanos {
		return "", "", false // 64 bits of nanoseconds reach from 1677 to 2262
	}
	zone := ""
	if t.TimeZone != "" {
		zone = "Z"
	}
	highest = "294276-12-31T23:59:59" + lastFraction(t.Unit)
	if t.Unit == arrow.Microsecond {
		highest = "294247-01-10T04:00:54.775807" // the end of 64 bits; hyperd stores more
	}
	return "-4712-01-01T00:00:00" + zone, highest + zone, true
}

// lastFraction is the last fraction of a second that a unit counts.
func lastFraction(unit arrow.TimeUnit) string {
	switch unit {
	case arrow.Millisecond:
		return ".999"
	case arrow.Microsecond:
		return ".999999"
	case arrow.Nanosecond:
		return ".999999999"
	}
	return ""
}

// ReadsParquet says whether hyperd makes of the column, where Parquet stores it plainly,
// what is stored otherwise by way of this program.
func (c Column) ReadsParquet() bool {
	switch c.Conversion {
	case Direct, Widen, Repack, Decode:
		return c.SQLType != geographyType
	}
	return false
}

// HoldsText says whether the values of a type of a column, as SQL writes it, are text.
func HoldsText(sqlType string) bool {
	for _, kind := range []string{"TEXT", "VARCHAR", "CHAR", "JSON"} {
		if strings.HasPrefix(sqlType, kind) {
			return true
		}
	}
	return false
}
