package parquetread

import (
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/julian"
)

// calendar says which columns of a file are in the hybrid calendar: those of a kind whose
// zone, that of the writer's clocks, is not nil.
type calendar struct{ dates, timestamps, int96 *julian.Zone }

// The keys under which writers say what their calendar was.
const (
	sparkVersion     = "org.apache.spark.version"
	sparkSchema      = "org.apache.spark.sql.parquet.row.metadata"
	sparkLegacy      = "org.apache.spark.legacyDateTime"
	sparkLegacyInt96 = "org.apache.spark.legacyINT96"
	sparkZone        = "org.apache.spark.timeZone"
	hiveProleptic    = "writer.date.proleptic"
)

// calendarOf finds out what Spark's own reader would take for the calendar of a file, which
// is the hybrid one where Spark says so and where it is too old to say. Spark that does not
// tell its version is older still. Spark's reader takes a zone that the file does not name to
// be that of its own clocks; here it is not known.
func calendarOf(keyValues map[string]string) calendar {
	zone := julian.Unknown
	if named, ok := julian.Named(keyValues[sparkZone]); ok {
		zone = named
	}
	var c calendar
	version, hasVersion := keyValues[sparkVersion]
	_, isSpark := keyValues[sparkSchema]
	isOld := func(major, minor int) bool {
		return hasVersion && isBefore(version, major, minor) || isSpark && !hasVersion
	}
	if _, says := keyValues[sparkLegacy]; says || isOld(3, 0) {
		c.dates, c.timestamps = zone, zone
	}
	if _, says := keyValues[sparkLegacyInt96]; says || isOld(3, 1) {
		c.int96 = zone
	}
	if keyValues[hiveProleptic] == "false" {
		c.dates = zone
	}
	return c
}

// isBefore says whether a version such as 2.4.8 is older than another one. What is no
// version is not.
func isBefore(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	y, _ := strconv.Atoi(second)
	return x < major || x == major && y < minor
}

// setCalendar marks the leaves of n that are in the hybrid calendar. Timestamps of no zone
// never are: writers have had them only since they gave that calendar up.
func (n *node) setCalendar(c calendar) {
	for i := range n.children {
		n.children[i].setCalendar(c)
	}
	switch l := n.Logical; {
	case len(n.children) > 0:
	case n.Physical == format.Int96:
		n.hybrid = c.int96
	case n.Physical == format.Int32 && l.ID == format.Date:
		n.hybrid = c.dates
	case n.Physical == format.Int64 && l.ID == format.Timestamp && l.UTC:
		n.hybrid = c.timestamps
	}
}

// mayMove says whether a flat column may hold values that are not the same in both calendars.
func (c contents) mayMove(n node, field arrow.Field) bool {
	if n.hybrid == nil {
		return false
	}
	for _, group := range c.meta.RowGroups {
		known := c.statistics(n, field, group)
		if known.Nulls != group.Rows && (known.Bounds == nil || moves(known.Bounds)) {
			return true
		}
	}
	return false
}

// CheckZones refuses flat columns that hold timestamps which cannot be read, by what the
// statistics say: ones that depend on a time zone which the file does not name. Others end in
// the same failure when they are read.
func (f Footer) CheckZones(columns *arrow.Schema) error {
	for _, name := range f.zoneless {
		if columns.HasField(name) {
			return failure.New(failure.Source, "file %s: column %q: %w", f.Info.URI, name, column.ErrNoZone).WithHint("%s", zoneHint).BeforeData()
		}
	}
	return nil
}

// zonelessColumns lists the columns that CheckZones refuses.
func (c contents) zonelessColumns(schema *arrow.Schema) []string {
	var names []string
	for i, n := range c.root.children {
		if n.hybrid != julian.Unknown || n.Logical.ID != format.Timestamp {
			continue
		}
		for _, group := range c.meta.RowGroups {
			said, err := format.ParseStatistics(group.Columns[n.leaf].Statistics)
			if err != nil || group.Rows == 0 {
				continue
			}
			if bounds := c.bounds(n, schema.Field(i), said); bounds != nil && moves(bounds) {
				names = append(names, n.Name)
				break
			}
		}
	}
	return names
}

// moves says whether the first of some dates or timestamps is not the same in both calendars.
func moves(values arrow.Array) bool {
	switch v := values.(type) {
	case *array.Date32:
		return v.Value(0) < julian.FirstDay
	case *array.Timestamp:
		return v.Value(0).ToTime(v.DataType().(*arrow.TimestampType).Unit).Unix() < julian.FirstSecond
	}
	return false
}
