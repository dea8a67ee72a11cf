package pipelines_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
)

// sparkFile copies a file that Spark wrote into a lake.
func sparkFile(t *testing.T, lake, name string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "transforms", "parquetread", "testdata", "spark_"+name+".parquet"))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(lake, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(lake, name+".parquet"), data, 0o600))
}

// Old dates and timestamps of Spark's legacy calendar are right whoever loads them, also where
// rules and where look at them; files without any are for hyperd.
func TestSparkLegacyCalendar(t *testing.T) {
	lake := filepath.Join(t.TempDir(), "lake")
	for _, name := range []string{"micros_utc", "micros_los_angeles", "recent"} {
		sparkFile(t, lake, name)
	}
	source := "name: x\ntables:\n  - source: {uri: " + lake + "/*.parquet, on_drift: union, select: [id, d, t]"
	plan := runtest.RequireSame(t, source+"}\n    rules: [{column: d, min: 0001-01-01}]\n    rejects: {path: rejects}\n")
	assert.Equal(t, 1, plan.Deferred, plan.Materialised)
	runtest.RequireSame(t, source+", where: \"d < date('1500-03-01') && t > timestamp('0100-01-01T00:00:00Z')\"}\n    rejects: {path: rejects}\n")

	folder := t.TempDir()
	sparkFile(t, filepath.Join(folder, "lake"), "micros_los_angeles")
	cfg := runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet, select: [d, t, id], where: 'id in [0, 10, 11, 14, 23]'}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"0001-01-01|0001-01-01 07:52:58+00|0", "1500-12-25|1500-12-25 07:52:58+00|10", "1582-10-04|1582-10-04 07:52:58+00|11",
		"1799-12-31|1799-12-31 08:55:01.456789+00|14", "2020-01-01|2020-01-01 09:02:03+00|23",
	}, runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY "id"`))
}

// Old timestamps of a zone that the file does not name are refused, as early as they are known.
func TestSparkLegacyCalendarWithoutAZone(t *testing.T) {
	for name, isEarly := range map[string]bool{"micros_utc": true, "int96_kolkata": false} {
		folder := t.TempDir()
		sparkFile(t, filepath.Join(folder, "lake"), name)
		path := filepath.Join(folder, "lake", name+".parquet")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(data, []byte("spark.timeZone"), []byte("spark.timeZon_")), 0o600))
		config := "name: x\ntables:\n  - source: {uri: lake/*.parquet, select: [id, d, t]}\n"
		_, err = pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, config))
		assert.Equal(t, isEarly, err != nil)
		_, err = runtest.Run(t, t.Context(), runtest.Configure(t, folder, config), nil)
		require.ErrorContains(t, err, `column "t": it holds timestamps before 1900`)
		known := failure.Of(err, failure.Engine)
		assert.Equal(t, isEarly, known.Early)
		assert.Contains(t, known.Hint, "Spark 3.3 or later")
		rows, _ := loaded(t, folder, ", select: [id, d], where: 'id == 10'", "")
		assert.Equal(t, []string{"10|1500-12-25"}, rows)
	}
}
