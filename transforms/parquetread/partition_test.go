package parquetread_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

func TestPartitionValues(t *testing.T) {
	t.Parallel()
	plain, zoned := &arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	decimal := &arrow.Decimal128Type{Precision: 5, Scale: 2}
	uuid := marked("c", &arrow.FixedSizeBinaryType{ByteWidth: 16}, batch.LogicalUUID)
	of := func(t arrow.DataType) arrow.Field { return arrow.Field{Name: "c", Type: t, Nullable: true} }
	const refused = "refused"
	for _, c := range []struct {
		field arrow.Field
		text  string
		want  string // as text, or refused
		sql   string // empty if there is none
	}{
		{of(arrow.BinaryTypes.String), "it's", "it's", "'it''s'"},
		{of(arrow.BinaryTypes.String), "", "", "''"},
		{of(arrow.BinaryTypes.String), "a\x00b", "a\x00b", ""},
		{of(arrow.FixedWidthTypes.Boolean), "true", "true", "TRUE"},
		{of(arrow.FixedWidthTypes.Boolean), "False", "false", "FALSE"},
		{of(arrow.FixedWidthTypes.Boolean), "1", refused, ""},
		{of(arrow.PrimitiveTypes.Int8), "-128", "-128", "CAST(-128 AS SMALLINT)"},
		{of(arrow.PrimitiveTypes.Int8), "128", refused, ""},
		{of(arrow.PrimitiveTypes.Int16), "32767", "32767", "CAST(32767 AS SMALLINT)"},
		{of(arrow.PrimitiveTypes.Int32), "-2147483648", "-2147483648", "CAST(-2147483648 AS INTEGER)"},
		{of(arrow.PrimitiveTypes.Int32), "2147483648", refused, ""},
		{of(arrow.PrimitiveTypes.Int64), "9223372036854775807", "9223372036854775807", "CAST('9223372036854775807' AS BIGINT)"},
		{of(arrow.PrimitiveTypes.Int64), "1.0", refused, ""},
		{of(arrow.PrimitiveTypes.Float32), "0.1", "0.1", "CAST(CAST('0.10000000149011612' AS DOUBLE PRECISION) AS REAL)"},
		{of(arrow.PrimitiveTypes.Float32), "1e39", refused, ""},
		{of(arrow.PrimitiveTypes.Float64), "1.0E-7", "1e-07", "CAST('1e-07' AS DOUBLE PRECISION)"},
		{of(arrow.PrimitiveTypes.Float64), "NaN", "NaN", ""},
		{of(arrow.PrimitiveTypes.Float64), "-Infinity", "-Inf", ""},
		{of(arrow.PrimitiveTypes.Float64), "one", refused, ""},
		{of(decimal), "-1.5", "-1.50", "CAST('-1.50' AS NUMERIC(5,2))"},
		{of(decimal), "999.99", "999.99", "CAST('999.99' AS NUMERIC(5,2))"},
		{of(decimal), "1000.00", refused, ""},
		{of(decimal), "1.005", refused, ""},
		{of(decimal), "NaN", refused, ""},
		{of(arrow.FixedWidthTypes.Date32), "0001-01-01", "0001-01-01", "DATE '0001-01-01'"},
		{of(arrow.FixedWidthTypes.Date32), "0000-12-31", "0000-12-31", ""},
		{of(arrow.FixedWidthTypes.Date32), "2024-02-30", refused, ""},
		{of(zoned), "2024-01-01 12:34:56", "1704112496000000us", "TIMESTAMPTZ '2024-01-01 12:34:56.000000+00'"},
		{of(zoned), "2024-01-01 12:34:56.123456", "1704112496123456us", "TIMESTAMPTZ '2024-01-01 12:34:56.123456+00'"},
		{of(zoned), "2024-01-01T12:34:56.123456Z", "1704112496123456us", "TIMESTAMPTZ '2024-01-01 12:34:56.123456+00'"},
		{of(zoned), "2024-01-01T14:34:56+02:00", "1704112496000000us", "TIMESTAMPTZ '2024-01-01 12:34:56.000000+00'"},
		{of(zoned), "2024-01-01 12:34:56.1234567", refused, ""},
		{of(plain), "1969-12-31 23:59:59.999999", "-1us", "TIMESTAMP '1969-12-31 23:59:59.999999'"},
		{of(plain), "2024-01-01T14:34:56+02:00", refused, ""},
		{of(plain), "yesterday", refused, ""},
		{of(arrow.BinaryTypes.Binary), "\x01'\x7f", "01277f", `CAST('\x01277f' AS BYTES)`},
		{of(arrow.BinaryTypes.Binary), "\u00ff", refused, ""},
		{of(arrow.BinaryTypes.Binary), `\u0001`, refused, ""},
		{uuid, "12345678-9abc-def0-1234-56789abcdef0", "123456789abcdef0123456789abcdef0", ""},
		{of(&arrow.FixedSizeBinaryType{ByteWidth: 2}), "ab", refused, ""},
		{of(arrow.ListOf(arrow.PrimitiveTypes.Int8)), "1", refused, ""},
		{of(arrow.FixedWidthTypes.Time64us), "12:00:00", refused, ""},
	} {
		t.Run(c.field.Type.String()+" "+c.text, func(t *testing.T) {
			t.Parallel()
			value, err := parquetread.PartitionValue(c.field, &c.text)
			if c.want == refused {
				require.ErrorContains(t, err, `partition column "c"`)
			} else {
				require.NoError(t, err)
				require.Equal(t, 1, value.Len())
				assert.Equal(t, c.want, text(value, 0))
				assert.True(t, arrow.TypeEqual(c.field.Type, value.DataType()))
			}
			sql, ok := parquetread.PartitionSQL(c.field, &c.text)
			assert.Equal(t, c.sql != "", ok)
			if ok {
				assert.Equal(t, c.sql, sql)
			}
			null, err := parquetread.PartitionValue(c.field, nil)
			require.NoError(t, err)
			assert.True(t, null.IsNull(0))
		})
	}
	sql, ok := parquetread.PartitionSQL(of(decimal), nil)
	assert.True(t, ok)
	assert.Equal(t, "CAST(NULL AS NUMERIC(5,2))", sql)
	_, ok = parquetread.PartitionSQL(of(arrow.FixedWidthTypes.Time64ns), nil)
	assert.False(t, ok)
}

// What a table's metadata says of a partition column counts, whatever the file has.
func TestPartitionColumnsInFiles(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("codec_none"))
	table := tableOf(footer, "id", "text")
	table.Partitions = []string{"text"}
	shard, _ := allOf(t, fixture("codec_none"))
	said := "said"
	for _, value := range []*string{&said, nil} {
		shard.Files[0].Partitions = []*string{value}
		batches, err := readAll(shard, table)
		require.NoError(t, err)
		want := "(null)"
		if value != nil {
			want = said
		}
		found := texts(batches, "text")
		require.Len(t, found, 200)
		for _, text := range found {
			require.Equal(t, want, text)
		}
		assert.Equal(t, "199", texts(batches, "id")[199])
	}
}

// FuzzPartitionValue holds that whatever has a constant in SQL has a value, of the column's type, and that no text
// does harm.
func FuzzPartitionValue(f *testing.F) {
	for _, text := range []string{"", "0", "-1.50", "2024-01-01 12:34:56.123456", "2024-01-01T00:00:00Z", "true", "1e5", "NaN", "0x1p-2", "\x00", "ž"} {
		f.Add(text)
	}
	types := []arrow.DataType{
		arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, &arrow.Decimal128Type{Precision: 38, Scale: 10}, arrow.FixedWidthTypes.Date32,
		arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Microsecond}, arrow.ListOf(arrow.PrimitiveTypes.Int8),
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, of := range types {
			field := arrow.Field{Name: "c", Type: of, Nullable: true}
			value, err := parquetread.PartitionValue(field, &text)
			_, ok := parquetread.PartitionSQL(field, &text)
			if err != nil {
				require.False(t, ok)
				continue
			}
			require.Equal(t, 1, value.Len())
			require.Zero(t, value.NullN())
			require.True(t, arrow.TypeEqual(of, value.DataType()))
		}
	})
}
