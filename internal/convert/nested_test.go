package convert_test

import (
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
)

var (
	address = arrow.StructOf(
		nullable("street", b.String),
		arrow.Field{Name: "zip", Type: p.Int32},
		nullable("at", arrow.StructOf(nullable("x", p.Float64), nullable("id", &arrow.FixedSizeBinaryType{ByteWidth: 2}))),
		nullable("tags", arrow.ListOf(b.String)),
	)
	tags = convert.Column{Source: "a.tags", Nested: convert.JSON}
)

func apply(t *testing.T, schema *arrow.Schema, standard convert.Nested, columns []convert.Column, arrays ...arrow.Array) (arrow.Record, []convert.Failure) {
	t.Helper()
	converter, err := convert.Compile(schema, standard, columns)
	require.NoError(t, err)
	mapped, failures, err := converter.Apply(array.NewRecord(schema, arrays, -1))
	require.NoError(t, err)
	assert.True(t, converter.Schema().Equal(mapped.Schema()))
	return mapped, failures
}

func TestFlatten(t *testing.T) {
	t.Parallel()
	source := values(t, address, `[
		{"street": "A", "zip": 1, "at": {"x": 1.5, "id": "AAE="}, "tags": ["p", null]},
		null,
		{"street": null, "zip": 3, "at": null, "tags": null},
		{"street": "B", "zip": 4, "at": {"x": null, "id": null}, "tags": []}]`)
	schema := schemaOf(nullable("n", p.Int64), nullable("a", address))
	columns := []convert.Column{{Source: "a", Nested: convert.Flatten}, tags, {Source: "a.zip", Type: "text"}, {Source: "a.at.x", Type: "numeric(3,1)"}}
	numbers := values(t, p.Int64, `[0, 1, 2, 3]`)

	converter, err := convert.Compile(schema, "", columns)
	require.NoError(t, err)
	assert.Equal(t, [][]int{{0}, {1}, {1}, {1}, {1}, {1}}, converter.Sources())
	want := map[string][]string{
		"n": {"0", "1", "2", "3"}, "a.street": {"A", "(null)", "(null)", "B"}, "a.zip": {"1", "(null)", "3", "4"},
		"a.at.x": {"1.5", "(null)", "(null)", "(null)"}, "a.at.id": {"AAE=", "(null)", "(null)", "(null)"},
		"a.tags": {`["p",null]`, "(null)", "(null)", "[]"},
	}
	mapped, failures := apply(t, schema, "", columns, numbers, source)
	assert.Empty(t, failures)
	var names []string
	for i, field := range mapped.Schema().Fields() {
		names = append(names, field.Name)
		assert.Equal(t, want[field.Name], printed(mapped.Column(i)), field.Name)
		assert.True(t, field.Nullable, field.Name)
	}
	assert.Equal(t, []string{"n", "a.street", "a.zip", "a.at.x", "a.at.id", "a.tags"}, names)

	tail, _ := apply(t, schema, "", columns, array.NewSlice(numbers, 1, 4), array.NewSlice(source, 1, 4))
	for i, field := range tail.Schema().Fields() {
		assert.Equal(t, want[field.Name][1:], printed(tail.Column(i)), field.Name)
	}
}

func TestFlattenKeepsNotNull(t *testing.T) {
	t.Parallel()
	inner := arrow.StructOf(arrow.Field{Name: "x", Type: p.Int64}, nullable("y", p.Int64))
	schema := schemaOf(arrow.Field{Name: "a", Type: inner})
	mapped, _ := apply(t, schema, convert.Flatten, nil, values(t, inner, `[{"x": 1, "y": null}]`))
	assert.False(t, mapped.Schema().Field(0).Nullable)
	assert.True(t, mapped.Schema().Field(1).Nullable)
}

func TestStandardForNestedColumns(t *testing.T) {
	t.Parallel()
	list := arrow.ListOf(p.Int64)
	schema := schemaOf(nullable("l", list), nullable("a", address))
	arrays := []arrow.Array{values(t, list, `[[1, null], null]`), values(t, address, `[{"street": "A", "zip": 1, "at": null, "tags": ["x"]}, null]`)}

	mapped, _ := apply(t, schema, convert.JSON, nil, arrays...)
	assert.Equal(t, []string{"[1,null]", "(null)"}, printed(mapped.Column(0)))
	assert.Equal(t, []string{`{"street":"A","zip":1,"at":null,"tags":["x"]}`, "(null)"}, printed(mapped.Column(1)))
	assert.Equal(t, batch.LogicalJSON, batch.LogicalType(mapped.Schema().Field(1)))

	mapped, _ = apply(t, schema, convert.JSON, []convert.Column{{Source: "a", Nested: convert.Flatten}}, arrays...)
	assert.Equal(t, "a.tags", mapped.ColumnName(5))
	assert.Equal(t, []string{`["x"]`, "(null)"}, printed(mapped.Column(5)))

	mapped, _ = apply(t, schema, convert.Flatten, []convert.Column{{Source: "l", Nested: convert.JSON}, {Source: "a", Nested: convert.JSON}}, arrays...)
	assert.EqualValues(t, 2, mapped.NumCols())
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	cases := []struct {
		from    arrow.DataType
		logical string
		source  string
		ask     convert.Column
		fill    string
		want    []string
	}{
		{from: p.Int64, source: `[1, null, 3]`, fill: "-7", want: []string{"1", "-7", "3"}},
		{from: p.Int64, source: `[1, 2, 3]`, fill: "0", want: []string{"1", "2", "3"}},
		{from: p.Uint64, source: `[1, null, 3]`, fill: "18446744073709551615", want: []string{"1", "18446744073709551615", "3"}},
		{from: w.Boolean, source: `[true, null, false]`, fill: "true", want: []string{"true", "true", "false"}},
		{from: b.String, source: `["a", null, ""]`, fill: "none", want: []string{"a", "none", ""}},
		{from: b.LargeString, source: `["a", null, ""]`, fill: "", want: []string{"a", "", ""}},
		{from: b.Binary, source: `["AA==", null, ""]`, fill: "ff", want: []string{"AA==", "/w==", ""}},
		{from: decimal(10, 2), source: `["1.5", null, "2"]`, fill: "0.1", want: []string{"1.50", "0.10", "2.00"}},
		{from: p.Float32, source: `[1.5, null, 2]`, fill: "0.25", want: []string{"1.5", "0.25", "2"}},
		{from: stamp(arrow.Nanosecond, ""), source: `["2026-01-31 12:00:00.000000001", null, "1969-12-31 23:59:59.999999999"]`, fill: "2026-01-01",
			want: []string{"2026-01-31 12:00:00Z", "2026-01-01 00:00:00Z", "1969-12-31 23:59:59.999999Z"}},
		{from: b.String, source: `["31.01.2026", null, "x"]`, ask: convert.Column{Type: "date", Format: "%d.%m.%Y"}, fill: "1970-01-01", want: []string{"2026-01-31", "1970-01-01", fails}},
		{from: b.String, source: `["2026-01-31T12:00", null, "x"]`, ask: convert.Column{Type: "timestamptz", Timezone: "Asia/Tokyo"}, fill: "2026-01-01T09:00",
			want: []string{"2026-01-31 03:00:00Z", "2026-01-01 00:00:00Z", fails}},
		{from: b.String, source: `["1", null, "x"]`, ask: ask("boolean"), fill: "no", want: []string{"true", "false", fails}},
		{from: b.String, source: `["POINT(1 2)", null, "x"]`, ask: ask("geography"), fill: "point empty", want: []string{"POINT (1 2)", "POINT EMPTY", fails}},
		{from: &arrow.FixedSizeBinaryType{ByteWidth: 16}, logical: batch.LogicalUUID, source: `["ABEiM0RVZneImaq7zN3u/w==", null]`, fill: "?",
			want: []string{"00112233-4455-6677-8899-aabbccddeeff", "?"}},
		{from: arrow.Null, source: `[null, null]`, ask: ask("int"), fill: "5", want: []string{"5", "5"}},
		{from: arrow.ListOf(p.Int64), source: `[[1], null]`, ask: convert.Column{Nested: convert.JSON}, fill: "[]", want: []string{"[1]", "[]"}},
	}
	for _, c := range cases {
		t.Run(c.from.String()+" "+c.fill, func(t *testing.T) {
			field := nullable("c", c.from)
			if c.logical != "" {
				field.Metadata = logical(c.logical)
			}
			c.ask.Default = &c.fill
			mapped, out, failed := column(t, field, values(t, c.from, c.source), c.ask)
			assert.False(t, mapped.Nullable)
			for i, want := range c.want {
				if want == fails {
					assert.Contains(t, failed, i)
					c.want[i] = array.NullValueStr
				}
			}
			assert.Equal(t, c.want, printed(out))
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	crs := arrow.NewMetadata([]string{batch.LogicalTypeKey, batch.CRSKey}, []string{batch.LogicalGeometry, "EPSG:3857"})
	schema := schemaOf(nullable("i", p.Int64), nullable("s", b.String), nullable("d", w.Date32), nullable("t", stamp(arrow.Microsecond, "")),
		nullable("z", stamp(arrow.Microsecond, "UTC")), nullable("o", w.Time64us), nullable("iv", w.MonthDayNanoInterval),
		nullable("a", address), nullable("a.zip", p.Int64), nullable("tags list", arrow.ListOf(b.String)), nullable("m", arrow.MapOf(b.String, b.String)),
		nullable("e", arrow.StructOf()), nullable("u", arrow.SparseUnionOf(nil, nil)), arrow.Field{Name: "g", Type: b.Binary, Metadata: crs})
	text := func(s string) *string { return &s }
	cases := []struct {
		name    string
		ask     convert.Column
		message string
		hint    string
	}{
		{"unknown column", convert.Column{Source: "ii", Type: "text"}, `there is no column "ii" to configure`, `names are case-sensitive`},
		{"misspelled column", convert.Column{Source: "tags lst", Nested: convert.JSON}, `there is no column "tags lst"`, `did you mean "tags list"?`},
		{"field of JSON", convert.Column{Source: "a.street", Type: "text"}, `there is no column "a.street"`, `only with nested: flatten`},
		{"nested on flat", convert.Column{Source: "i", Nested: convert.JSON}, `column "i" has the flat type int64: nested has no meaning for it`, `leave nested out`},
		{"unknown nested", convert.Column{Source: "a", Nested: "array"}, `nested is "array"`, `nested is error, json or flatten`},
		{"flatten a list", convert.Column{Source: "tags list", Nested: convert.Flatten}, `column "tags list" is a list, which cannot be flattened`, `columns: {"tags list": {nested: json}}`},
		{"flatten a map", convert.Column{Source: "m", Nested: convert.Flatten}, `column "m" is a map`, `columns: {m: {nested: json}}`},
		{"flatten nothing", convert.Column{Source: "e", Nested: convert.Flatten}, `column "e" is a structure without fields`, `columns: {e: {nested: json}}`},
		{"flatten with type", convert.Column{Source: "a", Nested: convert.Flatten, Type: "text"}, `column "a" is flattened and has no values of its own`, `such as "a.street"`},
		{"structure", convert.Column{Source: "a", Nested: convert.Refuse}, `1 column is nested: "a" (structure)`, `columns: {a: {nested: json}}; nested: flatten makes columns`},
		{"type of JSON", convert.Column{Source: "m", Type: "int"}, `column "m" is stored as JSON text and does not convert to int`, `leave the type out`},
		{"unknown type", convert.Column{Source: "i", Type: "bigin"}, `column "i": hyperd has no type "bigin"`, `did you mean bigint?`},
		{"alien type", convert.Column{Source: "i", Type: "xml()"}, `hyperd has no type "xml()"`, `the types are numeric, boolean, smallint`},
		{"varchar", convert.Column{Source: "s", Type: "VARCHAR(10)"}, `VARCHAR(10) is not a type that can be asked for`, `by the rule max_length`},
		{"char", convert.Column{Source: "s", Type: "char"}, `char is not a type that can be asked for`, `ask for text`},
		{"json", convert.Column{Source: "s", Type: "json"}, `json is not a type`, `ask for text`},
		{"numeric", convert.Column{Source: "s", Type: "numeric"}, `numeric does not say how many digits`, `numeric(18,4)`},
		{"wide numeric", convert.Column{Source: "s", Type: "numeric(39,2)"}, `numeric(39,2) does not say`, `1 to 38 digits`},
		{"numeric scale", convert.Column{Source: "s", Type: "numeric(3,4)"}, `numeric(3,4) does not say`, `not more places`},
		{"parameters", convert.Column{Source: "s", Type: "integer(3)"}, `INTEGER has no parameters`, `ask for integer`},
		{"number to timestamp", convert.Column{Source: "i", Type: "timestamp"}, `column "i" has type int64, which does not convert to TIMESTAMP`, `a number does not say its unit`},
		{"date to integer", convert.Column{Source: "d", Type: "int"}, `column "d" has type date32, which does not convert to INTEGER`, `it converts to text, date, timestamp, timestamptz`},
		{"text to interval", convert.Column{Source: "s", Type: "interval"}, `column "s" has type utf8, which does not convert to INTERVAL`, `it converts to boolean,`},
		{"zone needed", convert.Column{Source: "t", Type: "timestamptz"}, `column "t" needs a time zone to become TIMESTAMPTZ`, `timezone: UTC`},
		{"zone needed back", convert.Column{Source: "z", Type: "timestamp"}, `column "z" needs a time zone to become TIMESTAMP`, `timezone: UTC`},
		{"zone of nothing", convert.Column{Source: "s", Type: "int", Timezone: "UTC"}, `column "s": timezone has no meaning for INTEGER here`, `leave it out`},
		{"zone of the worker", convert.Column{Source: "s", Type: "timestamptz", Timezone: "Local"}, `column "s": there is no time zone "Local"`, `IANA`},
		{"unknown zone", convert.Column{Source: "s", Type: "timestamptz", Timezone: "Berlin"}, `there is no time zone "Berlin"`, `Europe/Berlin`},
		{"zone without type", convert.Column{Source: "t", Timezone: "UTC"}, `column "t" has a format or a timezone but no type`, `columns: {t: {type: timestamptz}}`},
		{"format of nothing", convert.Column{Source: "s", Type: "int", Format: "%Y"}, `column "s": format has no meaning for INTEGER here`, `leave it out`},
		{"format of same", convert.Column{Source: "d", Type: "date", Format: "%Y"}, `column "d": format has no meaning for DATE here`, `leave it out`},
		{"format", convert.Column{Source: "s", Type: "date", Format: "%Q"}, `column "s": format "%Q": %Q is not known`, `%Y-%m-%d`},
		{"format ends", convert.Column{Source: "s", Type: "date", Format: "%Y%"}, `nothing follows the last %`, ``},
		{"format without month", convert.Column{Source: "s", Type: "date", Format: "%Y-%d"}, `lacks the year, the month or the day`, ``},
		{"format twice", convert.Column{Source: "s", Type: "date", Format: "%Y-%m-%d %Y"}, `%Y stands there twice`, ``},
		{"format without zone", convert.Column{Source: "s", Type: "timestamptz", Format: "%F %T"}, `it has no offset (%z)`, ``},
		{"format with zone", convert.Column{Source: "s", Type: "timestamp", Format: "%F %T%z"}, `it has an offset (%z): ask for timestamptz`, ``},
		{"format without hour", convert.Column{Source: "s", Type: "timestamp", Format: "%F %M"}, `it lacks the hour`, ``},
		{"format of half a day", convert.Column{Source: "s", Type: "time", Format: "%I:%M"}, `it lacks the hour (%H, or %I with %p)`, ``},
		{"date in time", convert.Column{Source: "s", Type: "time", Format: "%F %T"}, `a time of day has no date`, ``},
		{"write date of time", convert.Column{Source: "o", Type: "text", Format: "%F"}, `a time of day has no date`, ``},
		{"write time of date", convert.Column{Source: "d", Type: "text", Format: "%T"}, `a date has no time of day`, ``},
		{"write offset of timestamp", convert.Column{Source: "t", Type: "text", Format: "%F %T%z"}, `only a timestamptz has an offset`, ``},
		{"default", convert.Column{Source: "i", Default: text("x")}, `column "i": the default "x" does not convert to BIGINT`, `a BIGINT value`},
		{"default of converted", convert.Column{Source: "s", Type: "numeric(3,1)", Default: text("1.25")}, `the default "1.25" does not convert to NUMERIC(3,1)`, ``},
		{"default without zone", convert.Column{Source: "z", Default: text("2026-01-01")}, `the default "2026-01-01" does not convert to TIMESTAMPTZ`, ``},
		{"default of interval", convert.Column{Source: "iv", Default: text("P1M")}, `column "iv": a default cannot be written as INTERVAL`, `leave the default out`},
		{"union", convert.Column{Source: "u", Nested: convert.JSON}, `column "u" holds sparse_union<>`, `source.select`},
		{"crs", convert.Column{Source: "g", Type: "geography"}, `column "g" holds shapes in the coordinate system EPSG:3857`, `columns: {g: {type: text}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var fields []arrow.Field // without those that are refused anyway
			for _, field := range schema.Fields() {
				if own := c.ask.Source == field.Name; own || field.Name != "u" && field.Name != "g" && field.Name != "a.zip" {
					fields = append(fields, field)
				}
			}
			_, err := convert.Compile(schemaOf(fields...), convert.JSON, []convert.Column{c.ask})
			requireRefused(t, err, c.message, c.hint)
		})
	}
}

func TestRefusesNestedColumnsTogether(t *testing.T) {
	t.Parallel()
	schema := schemaOf(nullable("i", p.Int64), nullable("a", address), nullable("null", arrow.ListOf(p.Int64)), nullable("m", arrow.MapOf(b.String, b.String)))
	_, err := convert.Compile(schema, "", nil)
	requireRefused(t, err, `hyperd stores only flat columns, and 3 columns are nested: "a" (structure), "null" (list), "m" (map)`,
		`store them as JSON text with columns: {a: {nested: json}, "null": {nested: json}, m: {nested: json}}; nested: flatten makes columns of the fields of a structure; or leave them out with source.select`)
}

func TestRefusesListsInFlattenedStructures(t *testing.T) {
	t.Parallel()
	for _, standard := range []convert.Nested{"", convert.Refuse, convert.Flatten} {
		_, err := convert.Compile(schemaOf(nullable("a", address)), standard, []convert.Column{{Source: "a", Nested: convert.Flatten}})
		requireRefused(t, err, `1 column is nested: "a.tags" (list)`, `columns: {a.tags: {nested: json}}; or leave`)
	}
}

func TestRefusesNamesThatJSONCannotHold(t *testing.T) {
	t.Parallel()
	list := arrow.ListOf(arrow.StructOf(nullable("a\xff", p.Int64)))
	_, err := convert.Compile(schemaOf(nullable("l", list)), convert.JSON, nil)
	requireRefused(t, err, `column "l" holds a field named "a\xff", which is not UTF-8`, "source.select")
}

func TestRefusesClashes(t *testing.T) {
	t.Parallel()
	inner := arrow.StructOf(nullable("b", p.Int64))
	_, err := convert.Compile(schemaOf(nullable("a.b", p.Int64), nullable("a", inner)), convert.Flatten, nil)
	requireRefused(t, err, `there are two columns named "a.b"`, "nested: json")

	_, err = convert.Compile(schemaOf(nullable("a", p.Int64)), "", []convert.Column{{Source: "a"}, {Source: "a"}})
	requireRefused(t, err, `column "a" is configured twice`, "")
}

func TestTypesThatCannotBeStoredPass(t *testing.T) {
	t.Parallel()
	wide := &arrow.Decimal256Type{Precision: 60, Scale: 4}
	schema := schemaOf(nullable("a", wide))
	mapped, _ := apply(t, schema, "", nil, values(t, wide, `["1.5"]`))
	assert.Equal(t, wide, mapped.Column(0).DataType(), "it is the sink that refuses it")
	_, err := convert.Compile(schema, "", []convert.Column{{Source: "a", Default: new(string)}})
	requireRefused(t, err, `column "a" has type decimal256(60, 4), for which there is no default`, "type: text")
}

// TestTestValuesAreExact guards the JSON that the other tests are written in.
func TestTestValuesAreExact(t *testing.T) {
	t.Parallel()
	assert.Equal(t, int64(math.MaxInt64), values(t, p.Int64, `["9223372036854775807"]`).(*array.Int64).Value(0))
}
