package ingest_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

func TestTypesOfTexts(t *testing.T) {
	const (
		bigint, numeric, double, text = "int64", "decimal(38, 0)", "float64", "utf8"
		date, timestamp, instant      = "date32", "timestamp[us]", "timestamp[us, tz=UTC]"
	)
	for values, want := range map[string]string{
		"1|-2|0":                      bigint,
		"|1|":                         bigint,
		"9223372036854775807":         bigint,
		"9223372036854775808|1":       numeric,
		"-" + strings.Repeat("9", 38): numeric,
		strings.Repeat("9", 39):       text,
		"007":                         text,
		"-01":                         text,
		"+5":                          text,
		"-0":                          double,
		"1,234":                       text,
		" 1":                          text,
		"0x10":                        text,
		"1_000":                       text,
		"1.5|2":                       double,
		".5|-1.25":                    double,
		"1.|2":                        text,
		"00.5":                        text,
		"0.30000000000000004":         double,
		"0.1000000000000000055511151231257827021181583404541015625": double,
		"0.3000000000000000444":                text,
		"1.5|9007199254740993":                 text,
		"1.50000000000000000000":               double,
		"1e400":                                text,
		"1e-400":                               text,
		"1.5e300|1e-07|1e+16":                  double,
		"12E5":                                 text,
		"NaN|1.5":                              text,
		"Infinity":                             text,
		"2026-01-31|2024-02-29":                date,
		"2026-02-29":                           text,
		"2026-1-31":                            text,
		"20260131":                             bigint,
		"01/31/2026":                           text,
		"2026-01-31T12:00:00|2026-01-31 12:00": timestamp,
		"2026-01-31 12:00:00.123456":           timestamp,
		"2026-01-31 12:00:00.1234567":          text,
		"2026-01-31 12:00:00.123456000":        timestamp,
		"2026-01-31 24:00:00":                  text,
		"2026-01-31|2026-01-31 12:00:00":       text,
		"2026-01-31T12:00:00Z|2026-01-31 12:00:00+01:00": instant,
		"2026-01-31T12:00:00|2026-01-31T12:00:00Z":       text,
		"12:00":           text,
		"true|false|TRUE": "bool",
		"true|1":          text,
		"yes|no":          text,
		"|":               text,
		"x":               text,
	} {
		content := "a,b\n" + strings.ReplaceAll(`"`+values, "|", "\",\n\"") + "\",\n"
		schema, sink := read(t, ingest.NewCSV(csvOf(write(t, "f.csv", content))))
		require.Equal(t, want, types(schema)["a"], values)
		require.Equal(t, text, types(schema)["b"])
		require.Empty(t, sink.rejects, "what a type was inferred of fits it: %s", values)
	}
}

func TestTextsThatWouldLoseSomething(t *testing.T) {
	double, real32 := arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float32
	micros := &arrow.TimestampType{Unit: arrow.Microsecond}
	for _, c := range []struct {
		to         arrow.DataType
		text, want string // want is "" of a reject
	}{
		{arrow.PrimitiveTypes.Int64, "007", ""},
		{arrow.PrimitiveTypes.Int64, "+7", ""},
		{arrow.PrimitiveTypes.Int64, "7.0", "7"},
		{arrow.PrimitiveTypes.Int64, "1e3", "1000"},
		{arrow.PrimitiveTypes.Int64, "7.5", ""},
		{arrow.PrimitiveTypes.Int32, "2147483648", ""},
		{arrow.PrimitiveTypes.Int16, "-32768", "-32768"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "1.10", "1.1"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "1.105", ""},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "01.10", ""},
		{double, "0.1", "0.1"},
		{double, "123456789.123456789", ""},
		{double, "12345678901234567", ""},
		{double, "12345678901234568", "1.2345678901234568e+16"},
		{double, "00.1", ""},
		{double, "0", "0"},
		{double, "0.000000000000000000000000", "0"},
		{double, "1e-400", ""},
		{double, "1" + strings.Repeat("0", 100_000), ""},
		{real32, "0.1", "0.1"},
		{real32, "16777217", ""},
		{micros, "2026-01-31 12:00:00.1234567", ""},
		{micros, "2026-01-31T12:00:00.123456000", "2026-01-31 12:00:00.123456Z"},
		{arrow.FixedWidthTypes.Boolean, "yes", "true"},
		{arrow.FixedWidthTypes.Boolean, "2", ""},
		{arrow.BinaryTypes.Binary, "00ff", "AP8="},
		{arrow.FixedWidthTypes.Date32, "2026-01-31", "2026-01-31"},
		{arrow.FixedWidthTypes.Date32, "", null},
	} {
		sink := readAs(t, ingest.NewCSV(csvOf(write(t, "f.csv", "a,b\n\""+c.text+"\",2\n"))), columns("b", double, "a", c.to))
		if c.want != "" {
			require.Equal(t, [][]string{{"2", c.want}}, sink.rows, c.text)
			continue
		}
		require.Len(t, sink.rejects, 1, "%s as %s", c.text, c.to)
		r := sink.rejects[0]
		require.Equal(t, "a", r.Column)
		require.Contains(t, r.Rule, "type ")
		require.NotContains(t, r.Reason, c.text)
		require.Equal(t, "2", r.Values["b"])
		require.True(t, strings.HasPrefix(c.text, r.Values["a"]))
		require.LessOrEqual(t, len(r.Values["a"]), 64<<10)
	}
}

// Rows around a reject keep their values and their order.
func TestRejectsAmongManyRows(t *testing.T) {
	var content strings.Builder
	content.WriteString("n,t\n")
	var want [][]string
	var lines []rejectedRow
	for i := range 50_000 {
		n := strings.Repeat("7", i%5+1)
		if i%1000 == 3 {
			lines = append(lines, rejectedRow{int64(i + 2), "n", "type bigint"})
			n = "x"
		} else {
			want = append(want, []string{n, "t" + n})
		}
		content.WriteString(n + ",t" + n + "\n")
	}
	sink := readAs(t, ingest.NewCSV(csvOf(write(t, "f.csv", content.String()))), columns("n", arrow.PrimitiveTypes.Int64, "t", arrow.BinaryTypes.String))
	require.Equal(t, want, sink.rows)
	require.Equal(t, lines, rejected(sink.rejects))
}

func TestTypesThatTextIsNotReadAs(t *testing.T) {
	for _, to := range []arrow.DataType{arrow.PrimitiveTypes.Uint8, arrow.ListOf(arrow.BinaryTypes.String), &arrow.TimestampType{Unit: arrow.Nanosecond}} {
		_, err := ingest.NewCSV(csvOf(write(t, "f.csv", "a\n1\n"))).Read(t.Context(), columns("a", to), &taken{})
		require.ErrorContains(t, err, "text is not read as")
		require.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
	}
}

// A sample that cannot be read says nothing about types.
func TestSampleThatCannotBeRead(t *testing.T) {
	_, err := ingest.NewCSV(csvOf(write(t, "f.csv", "a;b\n1,5;2\n3,5;4\n"))).Columns(t.Context())
	require.ErrorContains(t, err, "2 of the first 2 rows cannot be read; of line 2")
	require.True(t, failure.Of(err, failure.Engine).Early)
}
