package parquetread_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

// columnCase is a column of a fixture: its Arrow type, its logical type, its values.
type columnCase struct {
	name, dataType, logical string
	values                  []string
}

func checkColumns(t *testing.T, file string, cases []columnCase) {
	footer, batches := footerOf(t, fixture(file)), readFile(t, fixture(file))
	require.Equal(t, len(cases), footer.Schema.NumFields())
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			field := footer.Schema.Field(i)
			assert.Equal(t, c.name, field.Name)
			assert.Equal(t, c.dataType, field.Type.String())
			logical, _ := field.Metadata.GetValue(batch.LogicalTypeKey)
			assert.Equal(t, c.logical, logical)
			assert.True(t, field.Nullable)
			assert.Equal(t, c.values, texts(batches, c.name))
			for _, b := range batches {
				assert.True(t, field.Equal(b.Record.Schema().Field(i)))
			}
		})
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	null := "(null)"
	checkColumns(t, "types", []columnCase{
		{"i8", "int8", "", []string{"-128", null, "127"}},
		{"u8", "uint8", "", []string{"0", null, "255"}},
		{"i16", "int16", "", []string{"-32768", null, "32767"}},
		{"u16", "uint16", "", []string{"0", null, "65535"}},
		{"u32", "uint32", "", []string{"0", null, "4294967295"}},
		{"u64", "uint64", "", []string{"0", null, "18446744073709551615"}},
		{"f16", "float16", "", []string{"1.5", null, "-65504"}},
		{"date", "date32", "", []string{"0001-01-01", null, "9999-12-31"}},
		{"ts_ms_utc", "timestamp[ms, tz=UTC]", "", []string{"1767323045678ms", null, "-62135596800000ms"}},
		{"ts_us", "timestamp[us]", "", []string{"1767323045678901us", null, "-315619200000000us"}},
		{"ts_ns", "timestamp[ns]", "", []string{"1767323045678901000ns", null, "-315619200000000000ns"}},
		{"t_ms", "time32[ms]", "", []string{"23:59:59.999", null, "00:00:00.000"}},
		{"t_us", "time64[us]", "", []string{"23:59:59.999999", null, "00:00:00.000000"}},
		{"t_ns", "time64[ns]", "", []string{"23:59:59.999999999", null, "00:00:00.000000000"}},
		{"dec_9_2", "decimal(9, 2)", "", []string{"-9999999.99", null, "0.01"}},
		{"dec_38_10", "decimal(38, 10)", "", []string{"-9999999999999999999999999999.9999999999", null, "1.5000000000"}},
		{"dec_76_5", "decimal256(76, 5)", "", []string{
			"-99999999999999999999999999999999999999999999999999999999999999999999999.99999", null, "-0.00001",
		}},
		{"uuid", "fixed_size_binary[16]", batch.LogicalUUID, []string{
			"00000000000000000000000000000000", null, "123456789abcdef0123456789abcdef0",
		}},
		{"json", "utf8", batch.LogicalJSON, []string{`{"a":1}`, null, "[]"}},
		{"nothing", "null", "", []string{null, null, null}},
		{"bytes", "binary", "", []string{"", null, "ff00"}},
		{"fixed", "fixed_size_binary[3]", "", []string{"616263", null, "000102"}},
		{"text", "utf8", "", []string{"", null, "ž"}},
	})
	checkColumns(t, "types_integers", []columnCase{
		{"dec_9_2", "decimal(9, 2)", "", []string{"-9999999.99", null, "0.01"}},
	})
	checkColumns(t, "types_legacy", []columnCase{ // no logical type of this decade, no embedded schema
		{"i8", "int8", "", []string{"-128", null, "127"}},
		{"u16", "uint16", "", []string{"0", null, "65535"}},
		{"u32", "int64", "", []string{"0", null, "4294967295"}},
		{"u64", "uint64", "", []string{"0", null, "18446744073709551615"}},
		{"date", "date32", "", []string{"0001-01-01", null, "9999-12-31"}},
		{"ts_ms_utc", "timestamp[ms, tz=UTC]", "", []string{"1767323045678ms", null, "-62135596800000ms"}},
		{"t_ms", "time32[ms]", "", []string{"23:59:59.999", null, "00:00:00.000"}},
		{"t_us", "time64[us]", "", []string{"23:59:59.999999", null, "00:00:00.000000"}},
		{"dec_9_2", "decimal(9, 2)", "", []string{"-9999999.99", null, "0.01"}},
		{"text", "utf8", "", []string{"", null, "ž"}},
	})
}

func TestInt96IsExactFromYear1To9999(t *testing.T) {
	t.Parallel()
	checkColumns(t, "int96", []columnCase{{"ts", "timestamp[us]", batch.LogicalInt96, []string{
		"-62135596800000000us", // 0001-01-01
		"-12219249599999999us", // 1582-10-15 12:00:00.000001
		"-9223372036854776us",  // a microsecond before nanoseconds run out
		"(null)",
		"-1us",
		"1767323045678901us",
		"253402300799999999us", // 9999-12-31 23:59:59.999999
	}}})
}

func TestEmbeddedSchemas(t *testing.T) {
	t.Parallel()
	values := []string{"", "a", "(null)", "žluťoučký kůň", "a\x00b", "longer than twelve bytes", "a"}
	hex := []string{"", "61", "(null)", "c5be6c75c5a56f75c48d6bc3bd206bc5afc588", "610062", "6c6f6e676572207468616e207477656c7665206279746573", "61"}
	seconds := []string{"1s", "(null)", "-1s", "0s", "2s", "3s", "4s"}
	nanos := []string{"1ns", "(null)", "-1ns", "0ns", "2ns", "3ns", "4ns"}
	integers := []string{"1", "(null)", "-1", "0", "2", "3", "4"}
	common := []columnCase{
		{"large", "utf8", "", values}, {"dictionary", "utf8", "", values}, {"bytes_view", "binary", "", hex},
	}
	view := columnCase{"view", "utf8", "", values}

	durations := []columnCase{{"duration_s", "duration[s]", "", seconds}, {"duration_ns", "duration[ns]", "", nanos}}
	t.Run("known", func(t *testing.T) {
		checkColumns(t, "embedded", slices.Concat([]columnCase{view}, common, durations))
	})
	t.Run("with a type of a later Arrow", func(t *testing.T) {
		decimals := columnCase{"small_decimal", "decimal(5, 2)", "", []string{"1.50", "1.50", "1.50", "1.50", "1.50", "1.50", "1.50"}}
		checkColumns(t, "embedded_new", slices.Concat([]columnCase{view}, common, durations, []columnCase{decimals}))
	})
	t.Run("broken", func(t *testing.T) {
		plain := []columnCase{{"duration_s", "int64", "", integers}, {"duration_ns", "int64", "", integers}}
		checkColumns(t, "embedded_broken", slices.Concat(common, plain))
	})
}

func TestCodecs(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"none", "snappy", "gzip", "zstd", "brotli", "lz4"} {
		for _, version := range []string{"", "_v2"} {
			t.Run(codec+version, func(t *testing.T) {
				batches := readFile(t, fixture("codec_"+codec+version))
				ids, values := texts(batches, "id"), texts(batches, "text")
				require.Len(t, ids, 200)
				require.Len(t, values, 200)
				for i := range 200 {
					want := fmt.Sprintf("value %d", i%20)
					if i%7 == 0 {
						want = "(null)"
					}
					assert.Equal(t, fmt.Sprint(i), ids[i])
					assert.Equal(t, want, values[i])
				}
			})
		}
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	null := func(isNull bool, format string, args ...any) string {
		if isNull {
			return "(null)"
		}
		return fmt.Sprintf(format, args...)
	}
	power := func(i int) int64 { // (-1)^i * i^7
		result := int64(1)
		for range 7 {
			result *= int64(i)
		}
		if i%2 == 1 {
			return -result
		}
		return result
	}
	want := map[string]func(i int) string{
		"delta_i32":      func(i int) string { return null(i%11 == 0, "%d", (i*i*7919)%100003-50000) },
		"delta_i64":      func(i int) string { return fmt.Sprint(power(i)) },
		"lengths":        func(i int) string { return null(i%5 == 0, "%.*s", i%13, "xxxxxxxxxxxxx") },
		"prefixes":       func(i int) string { return fmt.Sprintf("shared prefix %05d", i) },
		"fixed_prefixes": func(i int) string { return fmt.Sprintf("%x", fmt.Sprintf("%06d", i)) },
		"split_f32":      func(i int) string { return null(i%3 == 0, "%v", float32(i)/8) },
		"split_f64":      func(i int) string { return fmt.Sprint(float64(i) / 3) },
		"split_i32":      func(i int) string { return fmt.Sprint(i) },
		"split_fixed":    func(i int) string { return fmt.Sprintf("%x", fmt.Sprintf("%03d", i)) },
		"rle_bool":       func(i int) string { return null(i%9 == 0, "%v", i%4 == 1) },
		"plain_bool":     func(i int) string { return fmt.Sprint(i%3 == 0) },
	}
	for _, file := range []string{"encodings_v1", "encodings_v2"} {
		batches := readFile(t, fixture(file))
		require.Equal(t, len(want), batches[0].Record.Schema().NumFields())
		for name, value := range want {
			t.Run(file+"/"+name, func(t *testing.T) {
				got := texts(batches, name)
				require.Len(t, got, 300)
				for i := range got {
					require.Equal(t, value(i), got[i], "row %d", i)
				}
			})
		}
	}
}

func TestManyPagesAndRowGroups(t *testing.T) {
	t.Parallel()
	batches := readFile(t, fixture("pages"))
	require.Len(t, batches, 4)
	for i, b := range batches {
		assert.Equal(t, batch.Origin{File: fixture("pages"), RowGroup: i, FirstRow: int64(i) * 300}, b.Origin)
		assert.Equal(t, batch.Tally{Read: b.Record.NumRows()}, b.Tally)
	}
	ids, values := texts(batches, "id"), texts(batches, "text")
	require.Len(t, ids, 1000)
	for i := range 1000 {
		want := fmt.Sprintf("%040d", i%50)
		if i%3 == 0 {
			want = "(null)"
		}
		assert.Equal(t, fmt.Sprint(i), ids[i])
		assert.Equal(t, want, values[i])
	}
}

func TestNullsOnly(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"all_null", "all_null_v2"} {
		batches := readFile(t, fixture(file))
		require.Equal(t, int64(1000), rowsOf(batches))
		for _, column := range batches[0].Record.Columns() {
			assert.Equal(t, 1000, column.NullN(), file)
		}
	}
}

func TestFilesWithoutRows(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"no_rows", "no_row_groups"} {
		footer := footerOf(t, fixture(file))
		assert.Zero(t, footer.Rows)
		assert.Equal(t, 2, footer.Schema.NumFields())
		assert.Empty(t, readFile(t, fixture(file)))
	}
	batches := readFile(t, fixture("empty_row_group"))
	require.Len(t, batches, 2)
	assert.Equal(t, int64(2), batches[1].Origin.FirstRow)
	assert.Equal(t, 2, batches[1].Origin.RowGroup)
	assert.Equal(t, []string{"0", "1", "0", "1", "2"}, texts(batches, "id"))
}

func TestNestedColumnsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("nested"))
	var types []string
	for _, field := range footer.Schema.Fields() {
		types = append(types, field.Type.String())
	}
	assert.Equal(t, []string{
		"int32", "list<element: int32, nullable>", "struct<a: int64, b: utf8>", "map<utf8, float64, items_nullable>", "utf8",
	}, types)

	shard, _ := allOf(t, fixture("nested"))
	batches, err := readAll(shard, tableOf(footer, "text", "flat"))
	require.NoError(t, err)
	assert.Equal(t, []string{"x", "y"}, texts(batches, "text"))
	assert.Equal(t, []string{"1", "2"}, texts(batches, "flat"))
	assert.Equal(t, arrow.STRING, batches[0].Record.Column(0).DataType().ID())
}
