package batch

import "github.com/apache/arrow/go/v17/arrow"

// LogicalTypeKey is the key under which the metadata of a record's field names the
// logical type that the source gave to the column, where the Arrow type does not say it.
const LogicalTypeKey = "hyperlake.logical_type"

// The values under LogicalTypeKey.
const (
	LogicalUUID      = "uuid"      // fixed-size binary of 16 bytes
	LogicalEnum      = "enum"      // utf8
	LogicalJSON      = "json"      // utf8
	LogicalBSON      = "bson"      // binary
	LogicalInt96     = "int96"     // timestamp in microseconds without a zone, which means UTC
	LogicalInterval  = "interval"  // fixed-size binary of 12 bytes: months, days, milliseconds, each uint32 in little-endian
	LogicalGeometry  = "geometry"  // binary: WKB, joined by straight lines
	LogicalGeography = "geography" // binary: WKB, joined by lines on the globe
	LogicalUnknown   = "unknown"   // the physical type; what the values mean is not known
)

// CRSKey is the key under which the metadata of a geometry or geography names its
// coordinate reference system, where that is not the default, OGC:CRS84.
const CRSKey = "hyperlake.crs"

// EdgesKey is the key under which the metadata of a geography names the algorithm that
// joins its points, in Parquet's words in lower case, where that is not the default,
// spherical.
const EdgesKey = "hyperlake.edges"

// LogicalType is what the metadata of a field says under LogicalTypeKey, or "".
func LogicalType(field arrow.Field) string {
	logical, _ := field.Metadata.GetValue(LogicalTypeKey)
	return logical
}
