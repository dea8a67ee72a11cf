package publish_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// syncs is a shop whose lake has a folder for each day.
type syncs struct {
	*tries
	keys   string // of the configuration, below publish
	mode   string // of publishing; empty: sync
	more   string // at its end
	table  string // keys of its table
	date   string // of the runs; empty: today
	reload string
}

func openSyncs(t *testing.T, keys string, days ...string) *syncs {
	t.Helper()
	s := &syncs{tries: &tries{Shop: runtest.OpenShop(t, tableautest.Config{})}, keys: keys}
	for i, day := range days {
		s.day(day, 100*i+1, 100*i+2, 100*i+3)
	}
	return s
}

// day replaces the rows of a day by those of such ids; without any, the day goes.
func (s *syncs) day(day string, ids ...int) {
	s.T.Helper()
	folder := filepath.Join(s.Folder, "lake", "dt="+day)
	if other, isOther := strings.CutPrefix(day, "../"); isOther { // of another lake
		folder = filepath.Join(s.Folder, other)
	}
	require.NoError(s.T, os.RemoveAll(folder))
	var rows []string
	for _, id := range ids {
		rows = append(rows, runtest.Item(id, fmt.Sprint("row ", id)))
	}
	if len(rows) > 0 {
		runtest.WriteTable(s.T, filepath.Join(folder, fmt.Sprint(ids[0], ".parquet")), "["+strings.Join(rows, ",")+"]",
			runtest.Field("id", runtest.Int64Type), runtest.Field("name", runtest.TextType))
	}
}

func (s *syncs) config() *config.Config {
	s.T.Helper()
	return runtest.ConfigureOn(s.T, s.date, s.Folder, "name: items\ntables: [{source: {uri: lake/**/*.parquet}"+s.table+"}]\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, mode: "+cmp.Or(s.mode, "sync")+s.keys+"}\n"+s.more)
}

// night runs the configuration, later than all before.
func (s *syncs) night() (*report.Report, error) {
	s.T.Helper()
	s.elapse()
	s.cfg = s.config()
	return runtest.Reload(s.T, s.T.Context(), s.cfg, s.reload, nil)
}

// requireNight runs the configuration, after which the data source holds what the extract holds.
func (s *syncs) requireNight() *report.Publishing {
	s.T.Helper()
	record, err := s.night()
	require.NoError(s.T, err, failure.Of(err, failure.Engine))
	s.requireSame()
	return record.Publish
}

// requireSame compares the rows of the data source with those of the extract, which are as many as the ledger says.
func (s *syncs) requireSame() {
	s.T.Helper()
	all := s.Datasources("marketing")
	require.Len(s.T, all, 1)
	require.Equal(s.T, runtest.ContentsOf(s.T, s.cfg.Output.Path), runtest.ContentsOf(s.T, all[0].Path))
}

// requireChanged runs the configuration, which must send the rows of so many units, in so many requests.
func (s *syncs) requireChanged(units int, rows int64, requests int) {
	s.T.Helper()
	before, files := s.CountRequests("PATCH", "/data"), s.CountRequests("POST", "/datasources")
	about := s.requireNight()
	assert.Equal(s.T, "published", about.Outcome)
	assert.Empty(s.T, about.Reason)
	assert.Equal(s.T, units, about.UnitsChanged)
	assert.Equal(s.T, rows, about.Rows)
	assert.Equal(s.T, requests, s.CountRequests("PATCH", "/data")-before)
	assert.Equal(s.T, files, s.CountRequests("POST", "/datasources"), "all rows were sent")
}

// requireAll runs the configuration, which must send all rows, and say why.
func (s *syncs) requireAll(why string) {
	s.T.Helper()
	files := s.CountRequests("POST", "/datasources")
	about := s.requireNight()
	assert.Equal(s.T, "published", about.Outcome)
	assert.Contains(s.T, about.Reason, why)
	assert.Equal(s.T, files+1, s.CountRequests("POST", "/datasources"))
}

func (s *syncs) requireUnchanged() {
	s.T.Helper()
	changes := s.CountRequests("PATCH", "/data") + s.CountRequests("POST", "/datasources")
	assert.Equal(s.T, "unchanged", s.requireNight().Outcome)
	assert.Equal(s.T, changes, s.CountRequests("PATCH", "/data")+s.CountRequests("POST", "/datasources"))
}

var fiveDays = []string{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"}

// Units that changed, came and went are sent, alone, also without refresh.
func TestSyncSendsWhatChanged(t *testing.T) {
	for _, mode := range []string{"", "refresh: {mode: changed}\n"} {
		t.Run(mode, func(t *testing.T) {
			s := openSyncs(t, "", fiveDays...)
			s.more = mode
			s.requireAll("there was no data source")
			s.requireUnchanged()
			s.day("2026-01-02", 101, 102)
			s.requireChanged(1, 2, 1)
			s.day("2026-01-06", 601)
			s.requireChanged(1, 1, 1)
			s.day("2026-01-01")
			s.requireChanged(1, 0, 1)
			s.day("2026-01-01", 1, 2, 3)
			s.day("2026-01-03", 9)
			s.day("2026-01-06")
			s.requireChanged(3, 4, 1)
			s.requireUnchanged()

			s.day("2026-01-01", 1, 2, 3) // touched
			s.requireUnchanged()
		})
	}
}

func TestSyncSendsAllRowsWhereItMust(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.requireAll("there was no data source")

	s.day("2026-01-01", 7)
	s.elapse()
	require.NoError(t, s.Append(t.Context(), s.id(), s.copyOf(s.cfg.Output.Path)))
	s.requireAll("somebody else changed the data source")
	s.elapse()
	require.NoError(t, s.Describe(s.id(), "theirs"))
	s.requireAll("somebody else changed the data source")

	for i, day := range fiveDays[:3] {
		s.day(day, 1000+i, 1001+i, 1002+i)
	}
	s.requireAll("more than half of the rows changed")

	require.NoError(t, s.Delete(s.id()))
	s.requireAll("there was no data source")

	s.more = "refresh: {mode: changed}\n"
	s.requireUnchanged()
	require.NoError(t, s.Append(t.Context(), s.id(), s.copyOf(s.cfg.Output.Path)))
	s.requireAll("somebody else changed the data source") // although the lake did not change

	s.day("2026-01-04", 44)
	s.elapse()
	s.cfg = s.config()
	s.cfg.Publish.Mode = "overwrite"
	_, err := s.Run(s.cfg)
	require.NoError(t, err)
	s.requireUnchanged()
	s.day("2026-01-04", 45)
	s.requireChanged(1, 1, 1)
	s.cfg.Publish.Mode = "upsert"
	s.cfg.Publish.Match = []string{"id"}
	_, err = s.Publish(s.cfg, publish.Options{})
	require.NoError(t, err)
	s.requireAll("nobody knows which rows the data source had")

	_, err = s.Publish(s.cfg, publish.Options{Force: true})
	require.NoError(t, err)
}

// Units that a window or a reload has a run make anew are sent if they hold other rows, and units that leave or come back by the date
// are taken out and sent.
func TestSyncFollowsDatesAndReloads(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.more, s.date = "refresh: {mode: changed, full_every: 3d, window: {column: dt, keep: 3 days}}\n", "2026-01-05"
	s.requireAll("there was no data source")
	s.date = "2026-01-06" // 01-02 leaves
	s.requireChanged(1, 0, 1)
	s.date = "2026-01-05" // and comes back
	s.requireChanged(1, 3, 1)
	s.date = "2026-01-08" // all before 01-05 leave, and a full build is due
	s.day("2026-01-07", 71, 72, 73)
	s.requireChanged(4, 3, 1)
	s.date = "2026-01-06"
	s.day("2026-01-07")
	s.requireAll("more than half of the rows changed")

	s.reload = `dt >= date("2026-01-04")`
	s.requireUnchanged()
	s.day("2026-01-03", 9)
	s.requireChanged(1, 1, 1)
	s.reload = ""
	s.requireUnchanged()
	s.more = "refresh: {mode: full, window: {column: dt, keep: 3 days}}\n"
	s.requireUnchanged()
	s.day("2026-01-03", 10)
	s.requireChanged(1, 1, 1)
}

// What a night leaves behind whose data was rejected is no concern of the data source.
func TestSyncBetweenRejectedNights(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.more = "refresh: {mode: changed}\n"
	s.requireAll("there was no data source")
	s.table = ", rules: [{column: id, max: 1000}], rejects: {max_rows: 0}"
	s.day("2026-01-02", 8, 2000)
	changes := s.CountRequests("PATCH", "/data") + s.CountRequests("POST", "/datasources")
	for range 2 {
		_, err := s.night()
		require.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind, err)
	}
	assert.Equal(t, changes, s.CountRequests("PATCH", "/data")+s.CountRequests("POST", "/datasources"))
	s.requireSame()
	s.day("2026-01-02", 8, 900)
	s.requireChanged(1, 2, 1)
	s.requireUnchanged()
}

// Each of several data sources of a run gets what changed of its own table, also where another one failed.
func TestSyncOfSeveralDataSources(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.day("../others/dt=2026-01-01", 1, 2)
	s.day("../others/dt=2026-01-02", 3, 4, 5)
	configure := func() {
		s.elapse()
		s.cfg = runtest.Configure(t, s.Folder, `name: items
refresh: {mode: changed}
tables:
  - {name: first, source: {uri: lake/**/*.parquet}, datasource: First}
  - {name: second, source: {uri: others/**/*.parquet}, datasource: Second}
publish: {project: Sales/Nightly, allow_http: true, mode: sync}
`)
	}
	night := func(outcomes ...string) {
		t.Helper()
		configure()
		record, err := s.Run(s.cfg)
		if outcomes[1] != "failed" {
			require.NoError(t, err)
		}
		require.Len(t, record.Publish.Others, 1)
		assert.Equal(t, outcomes, []string{record.Publish.Outcome, record.Publish.Others[0].Outcome})
		for i, stored := range s.Datasources("marketing") {
			if outcomes[i] == "failed" {
				continue
			}
			table := []string{"first", "second"}[i]
			query := fmt.Sprintf(`SELECT * FROM x."Extract".%q ORDER BY id`, table)
			require.Equal(t, runtest.RowsIn(t, s.cfg.Output.Path, query), runtest.RowsIn(t, stored.Path, query), table)
		}
	}
	night("published", "published")
	night("unchanged", "unchanged")
	files := s.CountRequests("POST", "/datasources")
	s.day("2026-01-02", 8)
	night("published", "unchanged")
	s.day("../others/dt=2026-01-01", 6)
	night("unchanged", "published")
	s.day("2026-01-02", 9)
	s.day("../others/dt=2026-01-01", 7)
	s.Inject(tableautest.Fault{Method: patch, Skip: 1, Status: 403, Code: "403004"})
	night("published", "failed")
	night("unchanged", "published")
	assert.Equal(t, files, s.CountRequests("POST", "/datasources"), "all rows were sent")
}

func TestSyncOfWhatConditionsCannotSay(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.day("__HIVE_DEFAULT_PARTITION__", 900)
	s.requireAll("there was no data source")
	s.day("2026-01-01", 5)
	s.requireChanged(1, 1, 1)
	s.day("__HIVE_DEFAULT_PARTITION__", 901)
	s.requireAll("rows without a value of dt changed")

	require.NoError(t, os.RemoveAll(filepath.Join(s.Folder, "lake")))
	s.Lake(runtest.Item(1, "a"))
	s.requireAll("no partition columns")
	s.requireUnchanged()
	s.Lake(runtest.Item(2, "a"))
	s.requireAll("no partition columns")
}

// A payload limit divides what changed, or has all rows sent.
func TestSyncInParts(t *testing.T) {
	days := slices.Clone(fiveDays)
	for i := 6; i < 16; i++ {
		days = append(days, fmt.Sprintf("2026-01-%02d", i))
	}
	s := openSyncs(t, ", payload_bytes: 300k", days...)
	const many = 4000
	fill := func(day string, first int) {
		ids := make([]int, many)
		for i := range ids {
			ids[i] = first + i*7
		}
		s.day(day, ids...)
	}
	for i, day := range days[:12] {
		fill(day, 10000*i)
	}
	s.requireAll("there was no data source")
	for i, day := range days[:4] {
		fill(day, 500000+10000*i)
	}
	before := s.CountRequests("PATCH", "/data")
	about := s.requireNight()
	require.Empty(t, about.Reason)
	assert.Greater(t, s.CountRequests("PATCH", "/data")-before, 1)
	assert.EqualValues(t, 4*many, about.Rows)

	s.keys = ", payload_bytes: 100k"
	fill(days[0], 0)
	s.requireAll("a unit that changed has")
	s.keys = ""
	fill(days[0], 1)
	s.Inject(tableautest.Fault{Method: patch, Status: 413, Code: "413000"})
	s.requireAll("the server takes no payload of that size")
}

// What failed or was not answered is sent again, and only that, unless the data source changed.
func TestSyncThatFailed(t *testing.T) {
	for name, test := range map[string]struct {
		fault   tableautest.Fault
		outcome string
		changed int // of units, in the next night; 0: all rows are sent
	}{
		"refused":        {refusal, "failed", 1},
		"job failed":     {tableautest.Fault{Method: patch, FailJob: true}, "failed", 1},
		"request lost":   {tableautest.Fault{Method: patch, LoseRequest: true, Times: 6}, "unknown", 1},
		"replies lost":   {tableautest.Fault{Method: patch, LoseReply: true, Times: 6}, "unknown", 0},
		"job forgotten":  {tableautest.Fault{Method: "GET", Path: "/jobs", PurgeJob: true}, "unknown", 0},
		"one reply lost": {tableautest.Fault{Method: patch, LoseReply: true}, "published", -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := openSyncs(t, "", fiveDays...)
			s.requireAll("there was no data source")
			s.day("2026-01-02", 8)
			s.Inject(test.fault)
			record, err := s.night()
			require.Equal(t, test.outcome, record.Publish.Outcome, err)
			switch {
			case test.changed < 0:
				require.NoError(t, err)
				s.requireSame()
			case test.changed == 0:
				require.Error(t, err)
				s.requireAll("nobody knows what became of what was sent last")
			default:
				require.Error(t, err)
				s.requireChanged(test.changed, 1, 1)
			}
			s.requireUnchanged()
		})
	}
}

// A unit whose request was not answered is sent again, although the lake has what it had before.
func TestSyncOfALakeThatReturns(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.requireAll("there was no data source")
	s.day("2026-01-02", 8)
	s.Inject(refusal)
	_, err := s.night()
	require.Error(t, err)
	s.day("2026-01-02", 101, 102, 103)
	s.requireUnchanged()

	s.day("2026-01-02", 8)
	s.Inject(tableautest.Fault{Method: patch, LoseRequest: true, Times: 6})
	_, err = s.night()
	require.Error(t, err)
	s.day("2026-01-02", 101, 102, 103)
	s.requireChanged(1, 3, 1)
}

// A server that fails at two updates is sent all rows.
func TestSyncThatFailsAgain(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.requireAll("there was no data source")
	s.day("2026-01-02", 8)
	for range 2 {
		s.Inject(tableautest.Fault{Method: patch, FailJob: true})
		_, err := s.night()
		require.Error(t, err)
	}
	s.requireAll("the server failed at the last two updates")
}

// Others who change the data source while the rows are on their way are found out.
func TestSyncWhileOthersChange(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.requireAll("there was no data source")
	s.day("2026-01-02", 8)
	theirs := s.copyOf(s.cfg.Output.Path)
	s.Inject(tableautest.Fault{Method: "POST", Path: "/fileUploads", Meanwhile: func() {
		s.elapse()
		assert.NoError(t, s.Append(t.Context(), s.id(), theirs))
	}})
	s.requireAll("the data source was changed meanwhile")
	s.requireUnchanged()
}

// The extract that stands at the output is synced without the lake, once a run was.
func TestSyncOfWhatStands(t *testing.T) {
	s := openSyncs(t, "", fiveDays...)
	s.requireAll("there was no data source")
	s.day("2026-01-02", 8)
	s.Inject(refusal)
	_, err := s.night()
	require.Error(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(s.Folder, "lake")))
	record, err := s.Publish(s.cfg, publish.Options{})
	require.NoError(t, err)
	assert.Empty(t, record.Publish.Reason)
	assert.EqualValues(t, 1, record.Publish.Rows)
	s.requireSame()

	_, err = s.Publish(s.cfg, publish.Options{Answer: publish.Applied})
	require.ErrorContains(t, err, "mode sync needs no --applied")
	assert.True(t, failure.Of(err, failure.Engine).Early)
}

// With confirm, the rows tell what became of an update whose replies were lost, and it is remembered.
func TestSyncThatIsConfirmed(t *testing.T) {
	s := openSyncs(t, ", confirm: download", fiveDays...)
	s.requireAll("there was no data source")
	s.day("2026-01-02", 8)
	s.Inject(tableautest.Fault{Method: patch, LoseReply: true, Times: 6})
	assert.True(t, s.requireNight().Confirmed)
	s.day("2026-01-03", 9)
	s.requireChanged(1, 1, 1)
}
