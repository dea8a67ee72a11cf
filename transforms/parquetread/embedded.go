package parquetread

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/format"
)

// extensionKey is the key under which Arrow's metadata names an extension type.
const extensionKey = "ARROW:extension:name"

// embeddedFields returns the fields of the Arrow schema that Arrow's own writers store in a
// file.
func embeddedFields(keyValues map[string]string) []format.ArrowField {
	text := strings.TrimRight(keyValues["ARROW:schema"], "=")
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return format.ParseArrowSchema(raw, extensionKey, batch.LogicalTypeKey, batch.CRSKey, batch.EdgesKey)
}

// arrowSchema returns the Arrow schema of the columns of a file.
func arrowSchema(root node, embedded []format.ArrowField) *arrow.Schema {
	origins := map[string]format.ArrowField{}
	for _, origin := range embedded {
		origins[origin.Name] = origin
	}
	fields := make([]arrow.Field, len(root.children))
	for i, child := range root.children {
		fields[i] = child.field()
		if child.isFlat() && (child.Logical.ID == format.NoLogical || child.Logical.ID == format.String) {
			restore(&fields[i], origins[child.stored])
		}
	}
	return arrow.NewSchema(fields, nil)
}

// restore gives a field what Parquet has no type for and only the embedded schema says:
// durations, which are stored as integers, and UUIDs and JSON of writers that knew them as
// extension types only. What it says about dictionaries, views, large types and time zones
// makes no difference to values, and would tell files of different writers apart.
func restore(field *arrow.Field, origin format.ArrowField) {
	fixed, isFixed := field.Type.(*arrow.FixedSizeBinaryType)
	extension := origin.Metadata[extensionKey]
	switch {
	case origin.IsDuration && field.Type.ID() == arrow.INT64:
		if unit := arrow.TimeUnit(origin.Unit); unit >= arrow.Second && unit <= arrow.Nanosecond {
			field.Type = &arrow.DurationType{Unit: unit}
		}
	case extension == "arrow.uuid" && isFixed && fixed.ByteWidth == 16:
		field.Metadata = metadata(batch.LogicalTypeKey, batch.LogicalUUID)
	case extension == "arrow.json" && field.Type.ID() == arrow.STRING:
		field.Metadata = metadata(batch.LogicalTypeKey, batch.LogicalJSON)
	}
}

// restoreLogicalTypes gives the fields below n the logical types that the embedded schema
// names in the words of this program: reject files say so what their columns were, also
// after another program has rewritten them.
func (n *node) restoreLogicalTypes(fields []format.ArrowField) {
	if len(n.children) != len(fields) {
		return
	}
	for i, origin := range fields {
		child := &n.children[i]
		child.restoreLogicalType(origin.Metadata)
		switch {
		case len(origin.Children) == 0 || len(child.children) == 0:
		case child.Logical.ID == format.List:
			child.children[0].restoreLogicalTypes(origin.Children)
		case child.Logical.ID == format.Map: // of which Arrow says that it is a list of pairs
			child.children[0].restoreLogicalTypes(origin.Children[0].Children)
		default:
			child.restoreLogicalTypes(origin.Children)
		}
	}
}

// restoreLogicalType restores the logical type of n, if its own says nothing and if its
// physical type suits it.
func (n *node) restoreLogicalType(origin map[string]string) {
	if n.Logical.ID != format.NoLogical && n.Logical.ID != format.String {
		return
	}
	ids := map[string]format.Logical{
		batch.LogicalUUID:      format.UUID,
		batch.LogicalEnum:      format.Enum,
		batch.LogicalJSON:      format.JSON,
		batch.LogicalBSON:      format.BSON,
		batch.LogicalInterval:  format.Interval,
		batch.LogicalGeometry:  format.Geometry,
		batch.LogicalGeography: format.Geography,
		batch.LogicalUnknown:   format.Variant, // stands for all that are not known
	}
	name := origin[batch.LogicalTypeKey]
	id, known := ids[name]
	if !known {
		return
	}
	restored := n.SchemaElement
	restored.Logical = format.LogicalType{ID: id, CRS: origin[batch.CRSKey], Edges: edgesOf(origin[batch.EdgesKey])}
	_, logical := leafType(restored)
	isGroup := len(n.children) > 0
	if isGroup && id == format.Variant || !isGroup && logical == name {
		n.SchemaElement = restored
	}
}

// edgesOf is the inverse of format.Edges.String.
func edgesOf(name string) format.Edges {
	for edges := format.Spherical; edges.String() != strconv.Itoa(int(edges)); edges++ {
		if edges.String() == name {
			return edges
		}
	}
	number, _ := strconv.ParseInt(name, 10, 32) // 0, which is the default, where there is none
	return format.Edges(number)
}
