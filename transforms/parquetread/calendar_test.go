package parquetread_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// sparkRow is a row as Spark reads it.
type sparkRow struct {
	D  *int32  `json:"d"`
	T  *int64  `json:"t"`
	N  *string `json:"n"`
	SD *int32  `json:"sd"`
	ST *int64  `json:"st"`
	L0 *int64  `json:"l0"`
}

// Files that Spark wrote in its legacy calendar are read as Spark itself reads them, in flat
// and nested columns, and local timestamps, which have no such calendar, as they are.
func TestLegacyCalendarOfSpark(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/spark_*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var want []sparkRow
		require.NoError(t, json.Unmarshal(raw, &want))
		assert.Equal(t, want, sparkRows(readFile(t, fixture(name))[0].Record), name)
	}
}

func sparkRows(record arrow.Record) []sparkRow {
	column := func(name string) arrow.Array { return record.Column(record.Schema().FieldIndices(name)[0]) }
	inner, list := column("s").(*array.Struct), column("l").(*array.List)
	rows := make([]sparkRow, record.NumRows())
	for i := range rows {
		rows[i] = sparkRow{
			D: day(column("d"), i), T: micros(column("t"), i), SD: day(inner.Field(0), i), ST: micros(inner.Field(1), i),
			L0: micros(list.ListValues(), int(list.Offsets()[i])),
		}
		if local := micros(column("n"), i); local != nil {
			text := time.UnixMicro(*local).UTC().Format("2006-01-02 15:04:05.999999")
			rows[i].N = &text
		}
	}
	return rows
}

func day(values arrow.Array, row int) *int32 {
	if values.IsNull(row) {
		return nil
	}
	value := int32(values.(*array.Date32).Value(row))
	return &value
}

func micros(values arrow.Array, row int) *int64 {
	if values.IsNull(row) {
		return nil
	}
	value := values.(*array.Timestamp).Value(row).ToTime(values.DataType().(*arrow.TimestampType).Unit).UnixMicro()
	return &value
}

// altered is a fixture with other words in its footer.
func altered(t *testing.T, name string, oldnew ...string) string {
	data, err := os.ReadFile(fixture(name))
	require.NoError(t, err)
	for i := 0; i < len(oldnew); i += 2 {
		require.Len(t, oldnew[i+1], len(oldnew[i]))
		data = bytes.ReplaceAll(data, []byte(oldnew[i]), []byte(oldnew[i+1]))
	}
	return store(t, data)
}

// What the calendar of a file is follows from the version of Spark and from what it says.
func TestWhichFilesAreInTheLegacyCalendar(t *testing.T) {
	t.Parallel()
	const version, says, saysInt96, schema = "spark.version", "legacyDateTime", "legacyINT96", "parquet.row.metadata"
	const asStored, moved = "0000-12-30", "0001-01-01"
	for name, test := range map[string]struct {
		oldnew []string
		want   string
	}{
		"says so":                  {nil, moved},
		"says nothing":             {[]string{says, "legacyDateTim_"}, asStored},
		"says nothing, but is old": {[]string{says, "legacyDateTim_", "4.0.0", "2.4.8"}, moved},
		"is young enough":          {[]string{says, "legacyDateTim_", "4.0.0", "3.0.0"}, asStored},
		"too old to say it":        {[]string{says, "legacyDateTim_", version, "spark.versio_"}, moved},
		"not Spark":                {[]string{says, "legacyDateTim_", version, "spark.versio_", schema, "parquet.row.metadat_"}, asStored},
		"no version":               {[]string{version, "spark.versio_", schema, "parquet.row.metadat_"}, moved},
		"odd version":              {[]string{says, "legacyDateTim_", "4.0.0", "trunk"}, asStored},
	} {
		got := texts(readFile(t, altered(t, "spark_micros_utc", test.oldnew...)), "d")
		assert.Equal(t, test.want, got[0], name)
	}
	int96 := func(oldnew ...string) string {
		return texts(readFile(t, altered(t, "spark_int96_new_york", oldnew...)), "t")[0]
	}
	legacy := int96()
	assert.Equal(t, legacy, int96(saysInt96, "legacyINT9_", "4.0.0", "3.0.3"))
	assert.NotEqual(t, legacy, int96(saysInt96, "legacyINT9_", "4.0.0", "3.1.0"))
}

// Timestamps that a zone moves are refused where nobody knows the zone; dates need none.
func TestLegacyTimestampsWithoutAZone(t *testing.T) {
	t.Parallel()
	for name, oldnew := range map[string][]string{
		"spark_micros_utc":     {"spark.timeZone", "spark.timeZon_"},
		"spark_millis_berlin":  {"Europe/Berlin", "Europe/Bxrlin"},
		"spark_int96_new_york": {"spark.timeZone", "spark.timeZon_"},
	} {
		path := altered(t, name, oldnew...)
		var err error
		for range 20 { // of several columns, always the first is told
			_, err = readAll(allOf(t, path))
			require.ErrorContains(t, err, "depend on the time zone of the writer", name)
			require.ErrorContains(t, err, `"t"`)
		}
		assert.Contains(t, failure.Of(err, "").Hint, "Spark 3.3")
		footer := footerOf(t, path)
		early := footer.CheckZones(footer.Schema)
		assert.Equal(t, name != "spark_int96_new_york", early != nil, "INT96 has no statistics")
		require.NoError(t, footer.CheckZones(tableOf(footer, "d", "n").Schema.Schema))
		shard, _ := allOf(t, path)
		dates, err := readAll(shard, tableOf(footerOf(t, path), "d"))
		require.NoError(t, err)
		assert.Equal(t, texts(readFile(t, fixture(name)), "d"), texts(dates, "d"), name)
	}
	known := footerOf(t, fixture("spark_micros_utc"))
	require.NoError(t, known.CheckZones(known.Schema))
	recent := altered(t, "spark_recent", "spark.timeZone", "spark.timeZon_")
	assert.Equal(t, texts(readFile(t, fixture("spark_recent")), "t"), texts(readFile(t, recent), "t"))
}

// Bounds are those of the values as they are read. Columns with values that move, or may, are
// for nobody who takes them as they are stored.
func TestStatisticsInTheLegacyCalendar(t *testing.T) {
	t.Parallel()
	old, recent := footerOf(t, fixture("spark_micros_los_angeles")), footerOf(t, fixture("spark_recent"))
	dates, ok := old.Chunk(0, "d")
	require.True(t, ok)
	assert.Equal(t, "0001-01-01", dates.Statistics.Bounds.ValueStr(0))
	assert.Equal(t, "9999-12-31", dates.Statistics.Bounds.ValueStr(1))
	stamps, _ := old.Chunk(0, "t")
	assert.Nil(t, stamps.Statistics.Bounds)
	stamps, _ = recent.Chunk(0, "t")
	assert.NotNil(t, stamps.Statistics.Bounds)
	for _, name := range []string{"d", "t"} {
		assert.False(t, old.IsPlain(name), name)
		assert.True(t, recent.IsPlain(name), name)
	}
	assert.True(t, old.IsPlain("n"))
	assert.True(t, footerOf(t, altered(t, "spark_micros_los_angeles", "legacyDateTime", "legacyDateTim_")).IsPlain("t"))
}

// Files that are alike but for their calendar do not share it.
func TestCalendarsAreNotShared(t *testing.T) {
	t.Parallel()
	legacy := fixture("spark_micros_utc")
	usual := altered(t, "spark_micros_utc", "legacyDateTime", "legacyDateTim_")
	for _, paths := range [][]string{{legacy, usual}, {usual, legacy}} {
		footers, err := parquetread.ReadFooters(t.Context(), []storage.Info{stat(t, paths[0]), stat(t, paths[1])}, parquetread.FooterOptions{})
		require.NoError(t, err)
		for _, footer := range footers {
			chunk, _ := footer.Chunk(0, "d")
			want, _ := footerOf(t, footer.Info.URI).Chunk(0, "d")
			assert.Equal(t, want.Statistics.Bounds.String(), chunk.Statistics.Bounds.String())
		}
	}
}
