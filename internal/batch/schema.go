package batch

import "github.com/apache/arrow/go/v17/arrow"

// LogicalTypeKey is the key under which the metadata of a record's field names the
// logical type that the source gave to the column, where the Arrow type does not say it.
const LogicalTypeKey = "hyperlake.logical_type"

// The values under LogicalTypeKey.
const (
	LogicalUUID     = "uuid"     // fixed-size binary of 16 bytes
	LogicalEnum     = "enum"     // utf8
	LogicalJSON     = "json"     // utf8
	LogicalBSON     = "bson"     // binary
	LogicalInt96    = "int96"    // timestamp in microseconds without a zone, which means UTC
	LogicalInterval = "interval" // fixed-size binary of 12 bytes: months, days, milliseconds, each uint32 in little-endian
	LogicalUnknown  = "unknown"  // the physical type; what the values mean is not known
)

// LogicalType is what the metadata of a field says under LogicalTypeKey, or "".
func LogicalType(field arrow.Field) string {
	logical, _ := field.Metadata.GetValue(LogicalTypeKey)
	return logical
}
