package hyper_test

import (
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
)

func TestMapField(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			column, err := hyper.MapField(c.field(), c.format)
			require.NoError(t, err)
			assert.Equal(t, "c", column.Source)
			assert.Equal(t, "c", column.Name)
			assert.Equal(t, c.sql, column.SQLType)
			assert.True(t, column.Nullable)
			assert.Equal(t, c.version, column.Version)
			assert.Equal(t, c.conversion, column.Conversion)
			sent := c.sent
			if sent == nil {
				sent = c.source
			}
			assert.Equal(t, sent.DataType().String(), column.ArrowType().String())
			if c.warning == "" {
				assert.Empty(t, column.Warning)
			} else {
				assert.Contains(t, column.Warning, c.warning)
			}
		})
	}
}

// TestEveryArrowType holds that the table of cases forgets no type of this Arrow version.
func TestEveryArrowType(t *testing.T) {
	t.Parallel()
	covered := map[arrow.Type]bool{}
	for _, c := range typeCases() {
		covered[c.source.DataType().ID()] = true
	}
	for _, refused := range nestedTypes() {
		covered[refused.ID()] = true
	}
	for id := arrow.NULL; id <= arrow.LARGE_LIST_VIEW; id++ {
		assert.True(t, covered[id], "no case for %s", id)
	}
}

func TestMapFieldKeepsNullability(t *testing.T) {
	t.Parallel()
	column, err := hyper.MapField(arrow.Field{Name: "c", Type: arrow.PrimitiveTypes.Int64}, hyper.FormatChoice{})
	require.NoError(t, err)
	assert.False(t, column.Nullable)

	column, err = hyper.MapField(arrow.Field{Name: "c", Type: arrow.Null}, hyper.FormatChoice{})
	require.NoError(t, err)
	assert.True(t, column.Nullable, "a column of NULLs, whatever the file says")
}

func TestMapFieldKnowsUnregisteredExtensions(t *testing.T) {
	t.Parallel()
	field := func(name string, storage arrow.DataType) arrow.Field {
		return arrow.Field{Name: "c", Type: storage, Metadata: arrow.NewMetadata([]string{ipc.ExtensionTypeKeyName}, []string{name})}
	}
	column, err := hyper.MapField(field("arrow.uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}), hyper.FormatChoice{})
	require.NoError(t, err)
	assert.Equal(t, hyper.UUIDText, column.Conversion)
	assert.Empty(t, column.Warning)

	column, err = hyper.MapField(field("geoarrow.wkb", arrow.BinaryTypes.Binary), hyper.FormatChoice{})
	require.NoError(t, err)
	assert.Equal(t, "BYTES", column.SQLType)
	assert.Contains(t, column.Warning, "geoarrow.wkb")
}

func nestedTypes() []arrow.DataType {
	item := arrow.PrimitiveTypes.Int64
	fields := []arrow.Field{{Name: "a", Type: item}}
	return []arrow.DataType{
		arrow.ListOf(item), arrow.LargeListOf(item), arrow.FixedSizeListOf(2, item), arrow.ListViewOf(item), arrow.LargeListViewOf(item),
		arrow.StructOf(fields...), arrow.MapOf(arrow.BinaryTypes.String, item),
		arrow.SparseUnionOf(fields, []arrow.UnionTypeCode{0}), arrow.DenseUnionOf(fields, []arrow.UnionTypeCode{0}),
	}
}

func TestMapFieldRefuses(t *testing.T) {
	t.Parallel()
	const digits = "38 digits"
	cases := map[string][]arrow.DataType{
		"nested type": append(nestedTypes(),
			&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
			arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.StructOf())),
		digits: {
			&arrow.Decimal256Type{Precision: 39}, &arrow.Decimal256Type{Precision: 76, Scale: 2},
			&arrow.Decimal256Type{Precision: 10, Scale: 39}, &arrow.Decimal256Type{Precision: 38, Scale: -1},
			&arrow.Decimal128Type{Precision: 38, Scale: -1}, &arrow.Decimal128Type{Precision: 1, Scale: 39}, &arrow.Decimal128Type{Precision: 1, Scale: -1 << 31},
		},
	}
	for reason, types := range cases {
		for _, refused := range types {
			t.Run(refused.String(), func(t *testing.T) {
				t.Parallel()
				_, err := hyper.MapField(arrow.Field{Name: "my column", Type: refused}, hyper.FormatChoice{})
				e := requireFailure(t, err)
				assert.Contains(t, e.Message, `column "my column"`)
				assert.Contains(t, e.Message, refused.String())
				assert.Contains(t, e.Message, reason)
				assert.Contains(t, e.Hint, "source.select")
			})
		}
	}
	for _, name := range []string{"", "a\x00b", "a\xff"} {
		_, err := hyper.MapField(arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64}, hyper.FormatChoice{})
		assert.Contains(t, requireFailure(t, err).Message, "name")
	}
}

// requireFailure asserts that err is a failure of the source that was known early.
func requireFailure(t *testing.T, err error) *failure.Error {
	t.Helper()
	var e *failure.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, failure.Source, e.Kind)
	assert.True(t, e.Early)
	assert.NotEmpty(t, e.Hint)
	return e
}

func TestColumnTravelsAsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		column, err := hyper.MapField(c.field(), c.format)
		require.NoError(t, err)
		text, err := json.Marshal(column)
		require.NoError(t, err)
		var back hyper.Column
		require.NoError(t, json.Unmarshal(text, &back), c.name)
		assert.Equal(t, column, back, c.name)
	}
	text, err := json.Marshal(mapped(t, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Asia/Tokyo"}))
	require.NoError(t, err)
	assert.JSONEq(t, `{"source": "c", "source_type": "timestamp[ns, tz=Asia/Tokyo]", "name": "c", "sql_type": "TIMESTAMPTZ", "nullable": true,
		"arrow_type": "timestamp[us, tz=UTC]", "version": 0, "conversion": "floor to microseconds"}`, string(text))

	assert.ErrorContains(t, json.Unmarshal([]byte(`{"arrow_type": "list<item: int8>"}`), new(hyper.Column)), "list<item: int8>")
	_, err = json.Marshal(hyper.Column{})
	assert.ErrorContains(t, err, "no Arrow type")
}

// mapped is the column for a nullable field c of the type.
func mapped(t *testing.T, of arrow.DataType) hyper.Column {
	t.Helper()
	column, err := hyper.MapField(arrow.Field{Name: "c", Type: of, Nullable: true}, hyper.FormatChoice{})
	require.NoError(t, err)
	return column
}

func TestFormatVersion(t *testing.T) {
	t.Parallel()
	plain := hyper.Column{Source: "plain", SQLType: "BIGINT"}
	wide := hyper.Column{Source: "wide", SQLType: "NUMERIC(19,0)", Version: 3}
	single := hyper.Column{Source: "single", SQLType: "REAL", Version: 4}
	pin := func(v hyper.Version) hyper.FormatChoice { return hyper.FormatChoice{Pinned: true, Version: v} }
	for _, c := range []struct {
		name    string
		columns []hyper.Column
		choice  hyper.FormatChoice
		version hyper.Version
		says    string
	}{
		{"lowest", []hyper.Column{plain}, hyper.FormatChoice{}, 2, "no column"},
		{"no columns", nil, hyper.FormatChoice{}, 2, "no column"},
		{"needed", []hyper.Column{plain, wide}, hyper.FormatChoice{}, 3, `"wide" is NUMERIC(19,0)`},
		{"most needed", []hyper.Column{single, wide}, hyper.FormatChoice{}, 4, `"single" is REAL`},
		{"pinned as needed", []hyper.Column{wide}, pin(3), 3, "as configured"},
		{"pinned higher", []hyper.Column{plain}, pin(4), 4, "as configured"},
		{"pinned to the oldest", []hyper.Column{plain}, pin(0), 0, "as configured"},
	} {
		version, why, err := hyper.FormatVersion(c.columns, c.choice)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.version, version, c.name)
		assert.Contains(t, why, c.says, c.name)
	}
	for _, tooLow := range []hyper.Version{0, 2, 3} {
		_, _, err := hyper.FormatVersion([]hyper.Column{plain, single}, pin(tooLow))
		e := requireFailure(t, err)
		assert.Contains(t, e.Message, `column "single" is REAL, which needs format version 4`)
		assert.Contains(t, e.Hint, "output.format_version")
	}
}

func TestParseFormatChoice(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hyper.FormatChoice{
		"auto": {}, "0": {Pinned: true}, "2": {Pinned: true, Version: 2}, "3": version3, "4": version4,
	} {
		got, err := hyper.ParseFormatChoice(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for text, says := range map[string]string{"1": "deprecated", "5": "auto, 0, 2, 3, 4", "": "auto, 0, 2, 3, 4", "latest": `"latest"`} {
		_, err := hyper.ParseFormatChoice(text)
		assert.ErrorContains(t, err, says)
	}
}

func TestStoredRange(t *testing.T) {
	t.Parallel()
	w := arrow.FixedWidthTypes
	for _, c := range []struct {
		of              arrow.DataType
		lowest, highest string
	}{
		{w.Date32, "-4712-01-01", "294276-12-31"},
		{w.Date64, "-4712-01-01", "294276-12-31"},
		{timestampType(arrow.Second, ""), "-4712-01-01T00:00:00", "294276-12-31T23:59:59"},
		{timestampType(arrow.Millisecond, ""), "-4712-01-01T00:00:00", "294276-12-31T23:59:59.999"},
		{timestampType(arrow.Microsecond, ""), "-4712-01-01T00:00:00", "294247-01-10T04:00:54.775807"},
		{timestampType(arrow.Microsecond, "UTC"), "-4712-01-01T00:00:00Z", "294247-01-10T04:00:54.775807Z"},
		{timestampType(arrow.Second, "Asia/Tokyo"), "-4712-01-01T00:00:00Z", "294276-12-31T23:59:59Z"},
		{w.Time32s, "00:00:00", "23:59:59"},
		{w.Time32ms, "00:00:00", "23:59:59.999"},
		{w.Time64us, "00:00:00", "23:59:59.999999"},
		{w.Time64ns, "00:00:00", "23:59:59.999999999"},
	} {
		lowest, highest, ok := hyper.StoredRange(mapped(t, c.of))
		assert.True(t, ok, c.of)
		assert.Equal(t, c.lowest, lowest, c.of)
		assert.Equal(t, c.highest, highest, c.of)
	}
	for _, unlimited := range []arrow.DataType{w.Timestamp_ns, timestampType(arrow.Nanosecond, ""), w.Duration_s, w.MonthDayNanoInterval, arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String} {
		_, _, ok := hyper.StoredRange(mapped(t, unlimited))
		assert.False(t, ok, unlimited)
	}
}
