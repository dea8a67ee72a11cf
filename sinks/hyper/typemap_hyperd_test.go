package hyper_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

// database makes and attaches an empty database of the version, and returns the session.
func database(t *testing.T, version hyper.Version) *hyperd.Conn {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	_, err := conn.Exec(t.Context(), "SET extra_float_digits = 3") // print all that is stored
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "test.hyper")
	_, err = conn.Exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s WITH VERSION %d", hyperd.QuoteName(path), version))
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), path, "db"))
	t.Cleanup(func() { assert.NoError(t, conn.Detach(context.WithoutCancel(t.Context()), "db")) })
	return conn
}

// load creates the table anew with the columns and has hyperd load the records.
func load(t *testing.T, conn *hyperd.Conn, table string, columns []hyper.Column, records ...arrow.Record) error {
	t.Helper()
	definitions := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = hyperd.QuoteName(c.Name) + " " + c.SQLType
		if !c.Nullable {
			definitions[i] += " NOT NULL"
		}
	}
	_, err := conn.Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (%s)", hyperd.QuoteName("db", "public", table), strings.Join(definitions, ", ")))
	require.NoError(t, err)

	converted := make([]arrow.Record, len(records))
	for i, r := range records {
		converted[i], err = hyper.Convert(r, columns)
		require.NoError(t, err)
	}
	target := hyper.Table{Schema: "public", Name: table, Columns: columns}
	return hyper.LoadSegment(t.Context(), conn, "db", target, t.TempDir(), converted)
}

// numbered gives a column a second one, n, with the numbers of its rows.
func numbered(field arrow.Field, values arrow.Array) arrow.Record {
	numbers := make([]int64, values.Len())
	for i := range numbers {
		numbers[i] = int64(i)
	}
	n := arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int64}
	return array.NewRecord(arrow.NewSchema([]arrow.Field{field, n}, nil), []arrow.Array{values, fixed(n.Type, numbers)}, -1)
}

func columnsOf(t *testing.T, schema *arrow.Schema, format hyper.FormatChoice) []hyper.Column {
	t.Helper()
	columns := make([]hyper.Column, schema.NumFields())
	for i, field := range schema.Fields() {
		var err error
		columns[i], err = hyper.MapField(field, format)
		require.NoError(t, err)
	}
	return columns
}

// TestRoundTrip sends the values of every row of the type map through hyperd, whole, in
// slices, and as an empty batch, into a file of the version that was chosen for them.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	databases := map[hyper.Version]*hyperd.Conn{2: database(t, 2), 3: database(t, 3), 4: database(t, 4)}
	for i, c := range typeCases() {
		t.Run(c.name, func(t *testing.T) {
			source := numbered(c.field(), c.source)
			columns := columnsOf(t, source.Schema(), c.format)
			version, _, err := hyper.FormatVersion(columns, c.format)
			require.NoError(t, err)
			conn := databases[version]
			require.NotNil(t, conn, "version %d", version)

			table := "t" + strconv.Itoa(i)
			rows := source.NumRows()
			require.NoError(t, load(t, conn, table, columns, source, source.NewSlice(rows, rows), source.NewSlice(1, rows), source.NewSlice(0, 0)))
			var want []any
			for row, value := range c.stored {
				want = append(want, value)
				if row > 0 {
					want = append(want, value)
				}
			}
			requireStored(t, conn, c, want, fmt.Sprintf("SELECT c FROM %s ORDER BY n", hyperd.QuoteName("db", "public", table)))
		})
	}
}

// requireStored compares what hyperd prints with what is wanted; floating-point numbers as
// numbers, since their text is hyperd's affair.
func requireStored(t *testing.T, conn *hyperd.Conn, c typeCase, want []any, query string) {
	t.Helper()
	var got []any
	err := conn.Query(t.Context(), query, func(_ []hyperd.Field, values [][]byte) error {
		if values[0] == nil {
			got = append(got, nil)
		} else {
			got = append(got, string(values[0]))
		}
		return nil
	})
	require.NoError(t, err)
	switch c.sql {
	case "DOUBLE PRECISION":
		want, got = canonicalFloats(t, want, 64), canonicalFloats(t, got, 64)
	case "REAL":
		want, got = canonicalFloats(t, want, 32), canonicalFloats(t, got, 32)
	}
	require.Equal(t, want, got)
}

// canonicalFloats writes floating-point numbers of that many bits exactly.
func canonicalFloats(t *testing.T, values []any, bits int) []any {
	t.Helper()
	canonical := make([]any, len(values))
	for i, value := range values {
		if value != nil {
			number, err := strconv.ParseFloat(value.(string), bits)
			require.NoError(t, err)
			canonical[i] = strconv.FormatFloat(number, 'x', -1, bits)
		}
	}
	return canonical
}

// TestHyperdStoresNoMoreThanStoredRange holds that the first values beyond StoredRange are
// refused; that the last ones within are stored is part of TestRoundTrip.
func TestHyperdStoresNoMoreThanStoredRange(t *testing.T) {
	t.Parallel()
	const microsecond = 1_000_000
	w := arrow.FixedWidthTypes
	conn := database(t, hyper.MinVersion)
	for i, c := range []struct {
		name  string
		value arrow.Array
	}{
		{"date32 below", fixed(w.Date32, []int32{firstDay - 1})},
		{"date32 above", fixed(w.Date32, []int32{lastDay + 1})},
		{"date64 below", fixed(w.Date64, []int64{(firstDay - 1) * daySeconds * 1000})},
		{"date64 above", fixed(w.Date64, []int64{(lastDay + 1) * daySeconds * 1000})},
		{"timestamp s below", fixed(timestampType(arrow.Second, ""), []int64{firstSecond - 1})},
		{"timestamp s above", fixed(timestampType(arrow.Second, ""), []int64{lastSecond + 1})},
		{"timestamp ms below", fixed(w.Timestamp_ms, []int64{firstSecond*1000 - 1})},
		{"timestamp ms above", fixed(w.Timestamp_ms, []int64{(lastSecond + 1) * 1000})},
		{"timestamp us below", fixed(w.Timestamp_us, []int64{firstSecond*microsecond - 1})},
		{"time32 s below", fixed(w.Time32s, []int32{-1})},
		{"time32 s above", fixed(w.Time32s, []int32{daySeconds})},
		{"time32 ms below", fixed(w.Time32ms, []int32{-1})},
		{"time32 ms above", fixed(w.Time32ms, []int32{daySeconds * 1000})},
		{"time64 us below", fixed(w.Time64us, []int64{-1})},
		{"time64 us above", fixed(w.Time64us, []int64{daySeconds * microsecond})},
		{"time64 ns below", fixed(w.Time64ns, []int64{-1})},
		{"time64 ns above", fixed(w.Time64ns, []int64{daySeconds * microsecond * 1000})},
	} {
		t.Run(c.name, func(t *testing.T) {
			column := mapped(t, c.value.DataType())
			_, _, limited := hyper.StoredRange(column)
			assert.True(t, limited)
			err := load(t, conn, "t"+strconv.Itoa(i), []hyper.Column{column}, record(c.value))
			assert.ErrorContains(t, err, `column "c"`)
		})
	}
}

// TestStoredRangeCalendar holds that the bounds of StoredRange, read as dates of the
// proleptic Gregorian calendar with a year 0, are hyperd's own.
func TestStoredRangeCalendar(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, firstSecond, time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	assert.EqualValues(t, lastSecond, time.Date(294276, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
}

// TestVersionsOfTypes holds that hyperd refuses in the version below what FormatVersion
// puts into a higher one, and stores the rest even in the oldest.
func TestVersionsOfTypes(t *testing.T) {
	t.Parallel()
	lowest := map[hyper.Version]*hyperd.Conn{0: database(t, 0), 3: database(t, 3), 4: database(t, 4)}
	below := map[hyper.Version]*hyperd.Conn{3: database(t, 2), 4: database(t, 3)}
	tried := map[string]bool{}
	for i, c := range typeCases() {
		if tried[c.sql] {
			continue
		}
		tried[c.sql] = true
		statement := fmt.Sprintf(`CREATE TABLE "db"."public"."t%d" (c %s)`, i, c.sql)
		_, err := lowest[c.version].Exec(t.Context(), statement)
		require.NoError(t, err, "%s in version %d", c.sql, c.version)
		if conn := below[c.version]; conn != nil {
			_, err := conn.Exec(t.Context(), statement)
			assert.ErrorContains(t, err, "This database does not support", "%s below version %d", c.sql, c.version)
		}
	}
}

func TestRoundTripNotNull(t *testing.T) {
	t.Parallel()
	conn := database(t, hyper.MinVersion)
	source := numbered(arrow.Field{Name: "a \"quoted\" näme", Type: arrow.BinaryTypes.LargeString}, texts(arrow.BinaryTypes.LargeString, "", "a"))
	columns := columnsOf(t, source.Schema(), hyper.FormatChoice{})
	require.NoError(t, load(t, conn, "t", columns, source))
	found, err := conn.QueryValue(t.Context(), `SELECT count(*) FROM "db"."public"."t" WHERE "a ""quoted"" näme" IN ('', 'a')`)
	require.NoError(t, err)
	assert.Equal(t, "2", found)
}
