package delta_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
)

// requireColumns compares the columns with those that Spark has.
func requireColumns(t *testing.T, want said, snapshot *lake.Snapshot) {
	t.Helper()
	require.Len(t, snapshot.Columns, len(want.Columns))
	for i, column := range snapshot.Columns {
		assert.Equal(t, want.Columns[i].Name, column.Name)
		assert.JSONEq(t, string(withoutMetadata(t, want.Columns[i].Type)), sparkType(t, column.Type), column.Name)
		assert.Equal(t, slices.Contains(want.Partition, column.Name), column.Partition)
	}
}

// withoutMetadata leaves out of a type in JSON what Spark does not show everywhere.
func withoutMetadata(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var parsed any
	require.NoError(t, json.Unmarshal(raw, &parsed))
	var strip func(any)
	strip = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			delete(v, "metadata")
			for _, inner := range v {
				strip(inner)
			}
		case []any:
			for _, inner := range v {
				strip(inner)
			}
		}
	}
	strip(parsed)
	stripped, err := json.Marshal(parsed)
	require.NoError(t, err)
	return stripped
}

// sparkType writes a type as Spark does.
func sparkType(t *testing.T, typ arrow.DataType) string {
	t.Helper()
	switch typ := typ.(type) {
	case *arrow.StructType:
		var fields []string
		for _, field := range typ.Fields() {
			fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s,"nullable":%t}`, field.Name, sparkType(t, field.Type), field.Nullable))
		}
		return `{"type":"struct","fields":[` + strings.Join(fields, ",") + `]}`
	case *arrow.ListType:
		return fmt.Sprintf(`{"type":"array","elementType":%s,"containsNull":%t}`, sparkType(t, typ.Elem()), typ.ElemField().Nullable)
	case *arrow.MapType:
		return fmt.Sprintf(`{"type":"map","keyType":%s,"valueType":%s,"valueContainsNull":%t}`, sparkType(t, typ.KeyType()), sparkType(t, typ.ItemType()), typ.ItemField().Nullable)
	case *arrow.Decimal128Type:
		return fmt.Sprintf(`"decimal(%d,%d)"`, typ.Precision, typ.Scale)
	case *arrow.TimestampType:
		if typ.TimeZone == "" {
			return `"timestamp_ntz"`
		}
		return `"timestamp"`
	}
	names := map[arrow.Type]string{
		arrow.STRING: "string", arrow.INT8: "byte", arrow.INT16: "short", arrow.INT32: "integer", arrow.INT64: "long", arrow.FLOAT32: "float",
		arrow.FLOAT64: "double", arrow.BOOL: "boolean", arrow.BINARY: "binary", arrow.DATE32: "date",
	}
	require.Contains(t, names, typ.ID())
	return fmt.Sprintf("%q", names[typ.ID()])
}
