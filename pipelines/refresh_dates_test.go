package pipelines_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// someDay moves the date of the runs, forward or back.
func (n *nights) someDay() {
	n.date = time.Date(2026, 1, 1+n.random.IntN(8), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// anotherDate is the reason why everything is made anew when a condition on other columns than those of units has another date.
const anotherDate = "the date of the run counts for rows of table"

// Conditions with dates on the columns of units let units come and go, and what stays is not read again; on other columns, another
// date is a full build.
func TestNightsOfDates(t *testing.T) {
	for i, condition := range []struct {
		where     string
		isOfUnits bool
	}{
		{"dt >= date(today() - duration('48h'))", true},
		{"dt >= date('${date-2d}') || region == 'us'", true},
		{"dt < today() && (region == null || region.contains('s'))", true},
		{"int(region) < 3 || dt > today()", true}, // fails where it is asked for
		{"id % 7 != 3 && dt <= today()", false},
		{"today().getDate() % 2 == 0 ? id % 2 == 0 : id % 3 == 0", false},
		{"dt != date('${date}')", true},
		{"today().getDate() % 3 == 0 || dt == date('2026-01-02') && region != ''", true},
	} {
		where, isOfUnits := condition.where, condition.isOfUnits
		for j, kind := range []lakeKind{inFolders, inDelta, inIceberg} {
			if !everyCombination && i%3 != j {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s", kind, where), func(t *testing.T) {
				n := newNights(t, 7, kind)
				n.where = where
				for range 6 {
					before := n.date
					n.someDay()
					what := n.change()
					got := n.requireSame(1, "", what, before, n.date)
					t.Log(what, n.date, got.Refresh.Mode, got.Refresh.Reason, got.Refresh.UnitsChanged, got.Refresh.Units)
					if isOfUnits {
						assert.NotContains(t, got.Refresh.Reason, anotherDate)
						assert.NotContains(t, got.Refresh.Reason, "the configuration")
					} else if before != "" && before != n.date {
						assert.Contains(t, got.Refresh.Reason, anotherDate)
					}
				}
			})
		}
	}
}

// Of an Iceberg table, conditions let units come and go by columns that only the files have that may be read; once others may be,
// they tell nothing apart any more.
func TestNightsOfDatesAfterAnotherPartitionSpec(t *testing.T) {
	n := newNights(t, 7, inIceberg)
	for range 3 {
		path := n.path(nightFile{})
		n.write(path, nightFile{day: "2026-01-02", region: before})
	}
	n.commit()
	n.where = "region != 'before' && dt >= date(today() - duration('48h'))"
	changed := 0
	for _, day := range []int{3, 4, 5, 4, 4, 6, 3} {
		n.date = fmt.Sprintf("2026-01-%02d", day)
		what := n.change()
		got := n.requireSame(1, "", what, n.date)
		t.Log(what, n.date, got.Refresh.Mode, got.Refresh.Reason, got.Refresh.UnitsChanged, got.Refresh.Units)
		assert.NotContains(t, got.Refresh.Reason, anotherDate)
		if got.Refresh.Mode == report.RefreshChanged {
			changed++
		}
	}
	assert.Positive(t, changed)
	n.where = "region == 'before' || dt >= date(today() - duration('48h'))"
	for _, day := range []int{4, 5} {
		n.date = fmt.Sprintf("2026-01-%02d", day)
		require.Equal(t, report.RefreshFull, n.requireSame(1, "", n.date).Refresh.Mode)
	}
}

// What ${date} fills in counts where it makes something else of rows; where files are, the files decide.
func TestFilledDates(t *testing.T) {
	n := newNights(t, 3, inFolders)
	n.uri, n.date = "lake/dt=${date}/**/*.parquet", "2026-01-01"
	for _, day := range []string{"2026-01-01", "2026-01-02"} {
		file := nightFile{day: day, region: "eu"}
		n.write(n.path(file), file)
	}
	require.Equal(t, "nothing was made before", n.requireSame(1, "").Refresh.Reason)
	require.Equal(t, report.RefreshUnchanged, n.requireSame(1, "").Refresh.Mode)
	n.date = "2026-01-02"
	n.requireSame(1, "", "other files")
	n.uri = "lake/dt=2026-01-02/**/*.parquet"
	require.Equal(t, report.RefreshUnchanged, n.requireSame(1, "", "the same files").Refresh.Mode)
	n.date = "2026-01-03"
	require.Equal(t, report.RefreshUnchanged, n.requireSame(1, "", "no date counts").Refresh.Mode)

	columns := "    columns: {name: {default: \"no name on ${date}\"}}\n"
	require.Equal(t, report.RefreshFull, n.requireSame(1, columns).Refresh.Mode)
	require.Equal(t, report.RefreshUnchanged, n.requireSame(1, columns).Refresh.Mode)
	n.date = "2026-01-04"
	require.Contains(t, n.requireSame(1, columns).Refresh.Reason, "the configuration of table", "another default")
}

// full_every counts by the dates of the runs.
func TestFullBuildsByDate(t *testing.T) {
	n := newNights(t, 5, inFolders)
	night := func(date, every string) *report.RefreshAccount {
		n.date = date
		cfg := n.configure("changed", 1, "")
		require.NoError(t, cfg.Refresh.FullEvery.UnmarshalText([]byte(every)))
		got, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		return got.Refresh
	}
	require.Equal(t, report.RefreshFull, night("2026-03-31", "1 month").Mode)
	require.Equal(t, report.RefreshUnchanged, night("2026-04-30", "1 month").Mode)
	require.Equal(t, "the last full build was on 2026-03-31, and one is due every 1 month", night("2026-05-01", "1 month").Reason)
	require.Equal(t, report.RefreshUnchanged, night("2026-05-31", "1 month").Mode)
	require.Equal(t, report.RefreshUnchanged, night("2026-04-01", "1 month").Mode, "an earlier day")
	require.Equal(t, "the last full build was on 2026-05-01, and one is due every 36h", night("2026-05-03", "36h").Reason)
	require.Equal(t, report.RefreshUnchanged, night("2026-05-04", "36h").Mode)
}

// A window lets units leave as dates go by, and an earlier date brings them back. By another column than those of units, it is a
// condition like others, and another date is a full build.
func TestNightsOfWindows(t *testing.T) {
	for _, kind := range []lakeKind{inFolders, inDelta, inIceberg} {
		for seed := range uint64(nightSeeds) {
			t.Run(fmt.Sprintf("%s, %d", kind, seed), func(t *testing.T) {
				n := newNights(t, 11+seed, kind)
				for range 8 {
					n.add()
				}
				n.window = ", window: {column: dt, keep: 3d}"
				changed := 0
				for _, day := range []int{4, 5, 5, 6, 5, 4, 6, 5, 9, 5} {
					n.date = fmt.Sprintf("2026-01-%02d", day)
					what := n.change()
					got := n.requireSame(1, "", what, n.date)
					t.Log(what, n.date, got.Refresh.Mode, got.Refresh.Reason, got.Refresh.UnitsChanged, got.Refresh.Units, got.Tables[0].RowsPruned)
					assert.NotContains(t, got.Refresh.Reason, anotherDate)
					if got.Refresh.Mode == report.RefreshChanged {
						changed++
					}
				}
				assert.GreaterOrEqual(t, changed, 4)
				n.window = ", window: {column: dt, keep: 4d}"
				n.date = "2026-01-06"
				assert.NotContains(t, n.requireSame(1, "", "a longer window").Refresh.Reason, "configuration")
				n.window = ""
				assert.NotContains(t, n.requireSame(1, "", "no window").Refresh.Reason, "configuration")
			})
		}
	}
}

func TestWindowsOfOtherColumns(t *testing.T) {
	folder := t.TempDir()
	const rows = `[{"id": 1, "at": "2026-01-01 23:59:59.999", "on": "2026-01-01"}, {"id": 2, "at": "2026-01-02 00:00:00", "on": "2026-01-02"},
		{"id": 3, "at": null, "on": null}, {"id": 4, "at": "2026-01-05 12:00:00", "on": "2026-01-04"}]`
	runtest.WriteTable(t, filepath.Join(folder, "lake", "a.parquet"), rows, runtest.Field("id", runtest.Int64Type),
		runtest.Field("at", arrow.FixedWidthTypes.Timestamp_ms), runtest.Field("on", arrow.FixedWidthTypes.Date32))
	runtest.WriteTable(t, filepath.Join(folder, "others", "a.parquet"), `[{"id": 1}]`, runtest.Field("id", runtest.Int64Type))
	for _, c := range []struct {
		date, column, keep, zone string
		rows                     int64
	}{
		{"2026-01-04", "at", "2d", "UTC", 3},
		{"2026-01-04", "at", "3d", "UTC", 4},
		{"2026-01-04", "at", "48h", "Europe/Berlin", 4}, // where it begins an hour before
		{"2026-01-04", "at", "2d", "America/New_York", 2},
		{"2026-01-04", "on", "2d", "America/New_York", 3},
		{"2026-01-04", "on", "49h", "UTC", 3},
		{"2026-01-04", "on", "47h", "UTC", 2},
		{"2026-02-04", "on", "1 month", "UTC", 2},
		{"2026-02-05", "on", "1 month", "UTC", 1},
	} {
		for _, mode := range []string{"full", "changed"} {
			cfg := runtest.ConfigureOn(t, c.date, folder, fmt.Sprintf(`name: %s
timezone: %s
refresh: {mode: %[1]s, window: {column: %[3]s, keep: %[4]s}}
tables: [{source: {uri: lake}}, {name: others, source: {uri: others}}]
`, mode, c.zone, c.column, c.keep))
			got, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			assert.Equal(t, c.rows, got.Tables[0].RowsLoaded, "%v, %s", c, mode)
			assert.Equal(t, int64(1), got.Tables[1].RowsLoaded, "a table without the column")
			if mode == "changed" && c.date == "2026-02-05" {
				assert.Equal(t, report.RefreshChanged, got.Refresh.Mode, "the other table stays")
			}
		}
	}
}

// A partition column of text makes a window if its values are dates.
func TestWindowsOfTexts(t *testing.T) {
	n := &nights{t: t, folder: t.TempDir(), kind: inDelta, files: map[string]nightFile{}, random: rand.New(rand.NewPCG(1, 1)), where: "id > 0"}
	n.commit(runtest.DeltaTable("id long, qty integer, name string, dt string, region string", "dt", "region"))
	for _, day := range []string{"2026-01-01", "2026-01-02", "2026-01-03"} {
		file := nightFile{day: day, region: "eu"}
		path := n.path(file)
		n.write(path, file)
		n.commit(n.added(path))
	}
	n.window, n.date = ", window: {column: dt, keep: 1 d}", "2026-01-02"
	require.Equal(t, 3, n.requireSame(1, "").Refresh.Units)
	n.date = "2026-01-04"
	require.Equal(t, 1, n.requireSame(1, "").Refresh.Units)
	file := nightFile{day: "2026", region: "eu"}
	path := n.path(file)
	n.write(path, file)
	n.commit(n.added(path))
	_, err := runtest.Run(t, t.Context(), n.configure("changed", 1, ""), nil)
	require.ErrorContains(t, err, `refresh.window: "2026" is no date such as 2026-11-28, but a value of the partition column "dt"`)
}

// Units are loaded again where that is asked for, whether they changed or not, and the extract is that of a full build.
func TestReloads(t *testing.T) {
	for _, kind := range []lakeKind{inFolders, inDelta, inIceberg} {
		n := newNights(t, 4, kind)
		for range 12 {
			n.add()
		}
		n.date = "2026-01-02"
		n.requireSame(1, "")
		for _, c := range []struct {
			expression, change string
			least              int
		}{
			{"dt == today()", "", 1},
			{"region == null || region == 'it\\'s'", "", 1},
			{"dt == today() && region != 'nowhere'", "add", 1},
			{"dt < date('2020-01-01')", "", 0},
		} {
			if c.change != "" {
				n.add()
			}
			n.reload = c.expression
			got := n.requireSame(1, "", c.expression)
			t.Log(c.expression, got.Refresh.Mode, got.Refresh.Reason, got.Refresh.UnitsChanged, got.Refresh.Units)
			if c.least == 0 {
				assert.Equal(t, report.RefreshUnchanged, got.Refresh.Mode)
			} else {
				assert.Equal(t, report.RefreshChanged, got.Refresh.Mode)
				assert.GreaterOrEqual(t, got.Refresh.UnitsChanged, c.least)
			}
		}
	}
}
