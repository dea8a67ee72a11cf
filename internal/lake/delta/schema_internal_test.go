package delta

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
)

// fieldOf is a field in JSON.
func fieldOf(name, typ, metadata string) string {
	return fmt.Sprintf(`{"name":%q,"type":%s,"nullable":true,"metadata":{%s}}`, name, typ, metadata)
}

func schemaOf(fields ...string) string {
	return `{"type":"struct","fields":[` + strings.Join(fields, ",") + `]}`
}

func TestColumns(t *testing.T) {
	t.Parallel()
	simple := map[string]arrow.DataType{
		"string": arrow.BinaryTypes.String, "long": arrow.PrimitiveTypes.Int64, "integer": arrow.PrimitiveTypes.Int32, "short": arrow.PrimitiveTypes.Int16,
		"byte": arrow.PrimitiveTypes.Int8, "float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64, "boolean": arrow.FixedWidthTypes.Boolean,
		"binary": arrow.BinaryTypes.Binary, "date": arrow.FixedWidthTypes.Date32, "timestamp": &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		"timestamp_ntz": &arrow.TimestampType{Unit: arrow.Microsecond}, "void": arrow.Null, "decimal": &arrow.Decimal128Type{Precision: 10},
		"decimal(10,2)": &arrow.Decimal128Type{Precision: 10, Scale: 2}, "decimal(38, 38)": &arrow.Decimal128Type{Precision: 38, Scale: 38},
	}
	for name, want := range simple {
		m := metadata{Schema: schemaOf(fieldOf("c", fmt.Sprintf("%q", name), ""))}
		columns, _, err := m.columns(false)
		require.NoError(t, err)
		assert.True(t, arrow.TypeEqual(want, columns[0].Type), "%s: %s", name, columns[0].Type)
	}
}

func TestATableWithoutASchemaHasNoColumns(t *testing.T) {
	t.Parallel()
	columns, _, err := (&metadata{}).columns(false)
	require.NoError(t, err)
	assert.Empty(t, columns)
}

func TestNestedAndMappedColumns(t *testing.T) {
	t.Parallel()
	mapped := func(id int, stored string) string {
		return fmt.Sprintf(`"delta.columnMapping.id":%d,"delta.columnMapping.physicalName":%q`, id, stored)
	}
	element := `{"type":"struct","fields":[` + fieldOf("d", `"integer"`, mapped(5, "col-5")) + `]}`
	m := metadata{Partition: []string{"p"}, Schema: schemaOf(
		fieldOf("e", `{"type":"array","elementType":`+element+`,"containsNull":true}`, mapped(4, "col-4")),
		fieldOf("m", `{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"long","containsNull":false},"valueContainsNull":true}`,
			mapped(6, "col-6")+`,"delta.columnMapping.nested.ids":{"col-6.key":100,"col-6.value":101,"col-6.value.element":102}`),
		`{"name":"p","type":"date","nullable":false,"metadata":{`+mapped(7, "was")+`}}`,
	)}
	columns, _, err := m.columns(true)
	require.NoError(t, err)
	require.Len(t, columns, 3)
	e, values, p := columns[0], columns[1], columns[2]
	assert.Equal(t, "list<element: struct<d: int32>, nullable>", e.Type.String())
	assert.Equal(t, lake.Column{ID: 5, Name: "d", Stored: "col-5", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, e.Fields[0].Fields[0])
	assert.Equal(t, []any{int32(4), "col-4", int32(0), "element"}, []any{e.ID, e.Stored, e.Fields[0].ID, e.Fields[0].Name})
	assert.Equal(t, "map<utf8, list<element: int64>, items_nullable>", values.Type.String())
	assert.Equal(t, []int32{100, 101, 102}, []int32{values.Fields[0].ID, values.Fields[1].ID, values.Fields[1].Fields[0].ID})
	assert.Equal(t, lake.Column{ID: 7, Name: "p", Stored: "was", Type: arrow.FixedWidthTypes.Date32, Partition: true}, p)

	columns, _, err = m.columns(false) // as a table says nothing of mapping that has none
	require.NoError(t, err)
	assert.Equal(t, "e", columns[0].Stored)
	assert.Zero(t, columns[0].ID)
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"type":"array","containsNull":true,"elementType":`, 60) + `"long"` + strings.Repeat("}", 60)
	changed := func(from, to string) string {
		return fieldOf("c", `"long"`, fmt.Sprintf(`"delta.typeChanges":[{"fromType":%s,"toType":%s}]`, from, to))
	}
	cases := map[string]struct {
		metadata  metadata
		isMapped  bool
		isUnknown bool // else it is damaged
		want      string
	}{
		"variant":            {metadata{Schema: schemaOf(fieldOf("v", `"variant"`, ""))}, false, true, `column "v": the type "variant"`},
		"in a structure":     {metadata{Schema: schemaOf(fieldOf("s", `{"type":"struct","fields":[`+fieldOf("g", `"geometry(4326)"`, "")+`]}`, ""))}, false, true, `column "s.g": the type "geometry(4326)"`},
		"in a list":          {metadata{Schema: schemaOf(fieldOf("l", `{"type":"array","elementType":"interval","containsNull":true}`, ""))}, false, true, `column "l.element"`},
		"of a program":       {metadata{Schema: schemaOf(fieldOf("u", `{"type":"udt","class":"x","sqlType":"long"}`, ""))}, false, true, `the type "udt"`},
		"deep":               {metadata{Schema: schemaOf(fieldOf("d", deep, ""))}, false, true, "more than 50 deep"},
		"an unknown change":  {metadata{Schema: schemaOf(changed(`"string"`, `"long"`))}, false, true, `from "string" to "long"`},
		"a nested change":    {metadata{Schema: schemaOf(changed(`{"type":"struct"}`, `"long"`))}, false, true, "its type was changed"},
		"a decimal too wide": {metadata{Schema: schemaOf(fieldOf("d", `"decimal(39,0)"`, ""))}, false, false, "decimal(39,0)"},
		"a decimal too fine": {metadata{Schema: schemaOf(fieldOf("d", `"decimal(3,4)"`, ""))}, false, false, "decimal(3,4)"},
		"no structure":       {metadata{Schema: `{"type":"array"}`}, false, false, "no structure"},
		"no JSON":            {metadata{Schema: `[`}, false, false, "its schema is damaged"},
		"no type":            {metadata{Schema: schemaOf(`{"name":"c"}`)}, false, false, `"c" has no type`},
		"half a type":        {metadata{Schema: schemaOf(fieldOf("c", `{"type":"map","keyType":"string"}`, ""))}, false, false, "damaged"},
		"twice":              {metadata{Schema: schemaOf(fieldOf("c", `"long"`, ""), fieldOf("c", `"long"`, ""))}, false, false, `"c" is there twice`},
		"no mapping":         {metadata{Schema: schemaOf(fieldOf("c", `"long"`, ""))}, true, false, "no id or no name"},
		"no partition":       {metadata{Schema: schemaOf(fieldOf("c", `"long"`, "")), Partition: []string{"d"}}, false, false, `partitioned by "d"`},
		"partitioned twice":  {metadata{Schema: schemaOf(fieldOf("c", `"long"`, "")), Partition: []string{"c", "c"}}, false, false, "twice"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := c.metadata.columns(c.isMapped)
			var unknown *unknownTypeError
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, c.isUnknown, errors.As(err, &unknown))
		})
	}
}

func TestTypeChanges(t *testing.T) {
	t.Parallel()
	cases := []struct {
		from, to string
		want     bool
	}{
		{"byte", "short", true},
		{"byte", "long", true},
		{"long", "integer", false},
		{"integer", "double", true},
		{"long", "double", false},
		{"byte", "decimal(10,0)", true},
		{"byte", "decimal(4,1)", true},
		{"byte", "decimal(3,1)", false},
		{"short", "decimal(5,0)", true},
		{"integer", "decimal(10,1)", false},
		{"long", "decimal(20,0)", true},
		{"long", "decimal(19,0)", false},
		{"float", "double", true},
		{"double", "float", false},
		{"date", "timestamp_ntz", true},
		{"date", "timestamp", false},
		{"decimal(6,2)", "decimal(10,4)", true},
		{"decimal(6,2)", "decimal(7,4)", false},
		{"decimal(6,2)", "decimal(10,1)", false},
		{"string", "string", true},
		{"integer", "string", false},
	}
	for _, c := range cases {
		assert.Equal(t, c.want, widens(c.from, c.to), "%s to %s", c.from, c.to)
	}
}

// FuzzSchema holds that any schema ends in columns or an error, and that those have types.
func FuzzSchema(f *testing.F) {
	f.Add(schemaOf(fieldOf("a", `"integer"`, "")), true)
	f.Add(schemaOf(fieldOf("e", `{"type":"array","elementType":{"type":"map","keyType":"string","valueType":"decimal(3,1)"}}`, "")), false)
	f.Add(schemaOf(fieldOf("c", `"double"`, `"delta.typeChanges":[{"fromType":"float","toType":"double"}],"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"x"`)), true)
	f.Fuzz(func(t *testing.T, schema string, isMapped bool) {
		m := metadata{Schema: schema}
		columns, _, err := m.columns(isMapped)
		if err != nil {
			return
		}
		var check func(columns []lake.Column)
		check = func(columns []lake.Column) {
			for _, column := range columns {
				require.NotNil(t, column.Type)
				check(column.Fields)
			}
		}
		check(columns)
	})
}
