package parquetread

import (
	"encoding/base64"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/format"
)

// arrowSchema returns the Arrow schema of the columns of a file.
func arrowSchema(root node, keyValues map[string]string) *arrow.Schema {
	embedded := embeddedSchema(keyValues)
	fields := make([]arrow.Field, len(root.children))
	for i, child := range root.children {
		fields[i] = child.field()
		if child.isFlat() && (child.Logical.ID == format.NoLogical || child.Logical.ID == format.String) {
			restore(&fields[i], embedded[child.Name])
		}
	}
	return arrow.NewSchema(fields, nil)
}

// embeddedSchema returns the fields, by name, of the Arrow schema that Arrow's own
// writers store in a file.
func embeddedSchema(keyValues map[string]string) map[string]format.ArrowField {
	text := strings.TrimRight(keyValues["ARROW:schema"], "=")
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	fields := map[string]format.ArrowField{}
	for _, field := range format.ParseArrowSchema(raw) {
		fields[field.Name] = field
	}
	return fields
}

// restore gives a field what Parquet has no type for and only the embedded schema says:
// durations, which are stored as integers, and UUIDs and JSON of writers that knew them as
// extension types only. What it says about dictionaries, views, large types and time zones
// makes no difference to values, and would tell files of different writers apart.
func restore(field *arrow.Field, origin format.ArrowField) {
	fixed, isFixed := field.Type.(*arrow.FixedSizeBinaryType)
	switch {
	case origin.IsDuration && field.Type.ID() == arrow.INT64:
		if unit := arrow.TimeUnit(origin.Unit); unit >= arrow.Second && unit <= arrow.Nanosecond {
			field.Type = &arrow.DurationType{Unit: unit}
		}
	case origin.Extension == "arrow.uuid" && isFixed && fixed.ByteWidth == 16:
		field.Metadata = metadata(batch.LogicalTypeKey, batch.LogicalUUID)
	case origin.Extension == "arrow.json" && field.Type.ID() == arrow.STRING:
		field.Metadata = metadata(batch.LogicalTypeKey, batch.LogicalJSON)
	}
}
