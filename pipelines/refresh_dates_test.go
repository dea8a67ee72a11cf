package pipelines_test

import (
	"fmt"
	"testing"
	"time"

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
	for _, kind := range []lakeKind{inFolders, inDelta} {
		for where, isOfUnits := range map[string]bool{
			"dt >= date(today() - duration('48h'))":                                  true,
			"dt >= date('${date-2d}') || region == 'us'":                             true,
			"dt < today() && (region == null || region.contains('s'))":               true,
			"int(region) < 3 || dt > today()":                                        true, // fails where it is asked for
			"id % 7 != 3 && dt <= today()":                                           false,
			"today().getDate() % 2 == 0 ? id % 2 == 0 : id % 3 == 0":                 false,
			"dt != date('${date}')":                                                  true,
			"today().getDate() % 3 == 0 || dt == date('2026-01-02') && region != ''": true,
		} {
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
