package parquetread_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

func TestFolderArray(t *testing.T) {
	t.Parallel()
	uuid := arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalUUID})
	utc := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	local := &arrow.TimestampType{Unit: arrow.Millisecond}
	decimal := &arrow.Decimal128Type{Precision: 9, Scale: 2}
	wide := &arrow.Decimal256Type{Precision: 60, Scale: 1}
	cases := []struct {
		of   arrow.DataType
		text string
		want string // the value as JSON; empty where there is none
	}{
		{arrow.BinaryTypes.String, "05", `"05"`},
		{arrow.BinaryTypes.String, "", `""`},
		{arrow.BinaryTypes.Binary, "ab", `"YWI="`},
		{arrow.PrimitiveTypes.Int32, "05", `5`},
		{arrow.PrimitiveTypes.Int32, "-7", `-7`},
		{arrow.PrimitiveTypes.Int32, "5.0", `5`},
		{arrow.PrimitiveTypes.Int32, "5.5", ""},
		{arrow.PrimitiveTypes.Int32, "2147483648", ""},
		{arrow.PrimitiveTypes.Int32, "five", ""},
		{arrow.PrimitiveTypes.Int32, "10/2", ""},
		{arrow.PrimitiveTypes.Int32, "0x5", ""},
		{arrow.PrimitiveTypes.Int32, "1e999999999", ""},
		{arrow.PrimitiveTypes.Uint64, "4294967296", `4294967296`},
		{arrow.PrimitiveTypes.Uint8, "-1", ""},
		{decimal, "1.5", `"1.50"`},
		{decimal, "1.50", `"1.50"`},
		{decimal, "1.505", ""},
		{wide, "12345678901234567890123456789012345678901234567890.5", `"12345678901234567890123456789012345678901234567890.5"`},
		{arrow.PrimitiveTypes.Float64, "1.5", `1.5`},
		{arrow.PrimitiveTypes.Float32, "0.1", `0.1`},
		{arrow.PrimitiveTypes.Float64, "x", ""},
		{arrow.FixedWidthTypes.Boolean, "true", `true`},
		{arrow.FixedWidthTypes.Boolean, "False", `false`},
		{arrow.FixedWidthTypes.Boolean, "maybe", ""},
		{arrow.FixedWidthTypes.Date32, "2026-01-31", `"2026-01-31"`},
		{arrow.FixedWidthTypes.Date32, "2026-01-31 00:00:00", `"2026-01-31"`},
		{arrow.FixedWidthTypes.Date32, "2026-01-31 12:00:00", ""},
		{arrow.FixedWidthTypes.Date32, "0001-01-01", `"0001-01-01"`},
		{arrow.FixedWidthTypes.Date32, "20260131", ""},
		{utc, "2026-01-31 12:34:56", `"2026-01-31 12:34:56"`},
		{utc, "2026-01-31 12:34:56.000000000", `"2026-01-31 12:34:56"`},
		{utc, "2026-01-31T14:34:56+02:00", `"2026-01-31 12:34:56"`},
		{utc, "2026-01-31 12:34:56.123456789", ""},
		{utc, "2026-01-31", `"2026-01-31"`},
		{local, "1001-01-01 12:34", `"1001-01-01 12:34:00"`},
		{local, "2026-01-31 12:34:56.789Z", `"2026-01-31 12:34:56.789"`},
		{local, "2026-01-31 12:34:56+02", ""},
		{arrow.FixedWidthTypes.Timestamp_ns, "1001-01-01", ""}, // beyond nanoseconds of 64 bits
		{arrow.Null, "x", ""},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.of, " ", c.text), func(t *testing.T) {
			got, err := parquetread.FolderArray(arrow.Field{Name: "k", Type: c.of}, &c.text)
			if c.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			want, _, err := array.FromJSON(memory.DefaultAllocator, c.of, strings.NewReader("["+c.want+"]"))
			require.NoError(t, err)
			assert.True(t, array.Equal(want, got), got)
		})
	}
	id := "00112233-4455-6677-8899-aabbccddeeff"
	got, err := parquetread.FolderArray(arrow.Field{Name: "k", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Metadata: uuid}, &id)
	require.NoError(t, err)
	assert.Equal(t, byte(0x11), got.(*array.FixedSizeBinary).Value(0)[1])
	for _, of := range []arrow.DataType{arrow.ListOf(arrow.PrimitiveTypes.Int8), arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.MonthInterval} {
		_, err := parquetread.FolderArray(arrow.Field{Name: "k", Type: of}, &id)
		require.ErrorIs(t, err, parquetread.ErrIncomparable, of)
	}
	got, err = parquetread.FolderArray(arrow.Field{Name: "k", Type: utc}, nil)
	require.NoError(t, err)
	assert.True(t, got.IsNull(0))
}

func TestStatisticsAgree(t *testing.T) {
	t.Parallel()
	of := func(json string, of arrow.DataType) arrow.Array {
		values, _, err := array.FromJSON(memory.DefaultAllocator, of, strings.NewReader(json))
		require.NoError(t, err)
		return values
	}
	integer, text, float := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64
	cases := []struct {
		value, bounds string
		of            arrow.DataType
		nulls         int64
		want          parquetread.Agreement
	}{
		{"[5]", "[5,5]", integer, 0, parquetread.Equal},
		{"[5]", "[5,5]", integer, -1, parquetread.Open},
		{"[5]", "[5,5]", integer, 1, parquetread.Different},
		{"[5]", "[4,6]", integer, 0, parquetread.Open},
		{"[5]", "[5,6]", integer, 0, parquetread.Open},
		{"[5]", "[6,6]", integer, 0, parquetread.Different},
		{"[5]", "[1,4]", integer, -1, parquetread.Different},
		{"[5]", "", integer, 0, parquetread.Open},
		{"[5]", "", integer, 3, parquetread.Different},
		{"[null]", "", integer, 10, parquetread.Equal},
		{"[null]", "[5,5]", integer, 9, parquetread.Different},
		{"[null]", "", integer, 0, parquetread.Different},
		{"[null]", "", integer, -1, parquetread.Open},
		{`["a"]`, `["a","a"]`, text, 0, parquetread.Equal},
		{`["a"]`, `["a","b"]`, text, 0, parquetread.Open},
		{`["a"]`, `["b","b"]`, text, 0, parquetread.Different},
		{"[1.5]", "[1.5,1.5]", float, 0, parquetread.Open}, // NaN may be there
		{"[1.5]", "[2,2]", float, 0, parquetread.Open},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.value, " in ", c.bounds, " with ", c.nulls, " of 10"), func(t *testing.T) {
			known := parquetread.Statistics{Nulls: c.nulls}
			if c.bounds != "" {
				known.Bounds = of(c.bounds, c.of)
			}
			assert.Equal(t, c.want, known.Agree(of(c.value, c.of), 10))
		})
	}
}
