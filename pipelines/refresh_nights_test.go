package pipelines_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/runners/enginetest"
)

// lakeKind says how a lake tells the units of its table apart.
type lakeKind string

const (
	inFolders lakeKind = "folders" // by their names
	inDelta   lakeKind = "delta"   // by the partition columns of the table
	inIceberg lakeKind = "iceberg" // by the identity of columns
	inFiles   lakeKind = "files"   // not at all: each file is one
)

// nights is a lake that changes from night to night, and what a run that loads only what changed makes of it, beside a
// full build.
type nights struct {
	t      *testing.T
	random *rand.Rand
	folder string
	kind   lakeKind
	files  map[string]nightFile // by their paths below the lake
	next   int                  // id of a row, or number of a file
	moment time.Time            // of the last change

	version int // of a Delta or Iceberg table

	date   string // of the runs; empty for today
	where  string
	uri    string // of the files, if they are not all
	window string // key and value of refresh
	reload string
}

// nightFile is a file of the lake.
type nightFile struct {
	day, region string
	rows        int
}

// nightConfig is a table with rules of all kinds, a filter, and a check.
const nightConfig = `name: %[1]s
output: {path: %[1]s.hyper}
refresh: {mode: %[2]s%[7]s}
on_empty: allow
tables:
  - source: {uri: %[5]q, where: %[6]q}
    rules:
      - {column: qty, min: %[3]d}
      - {column: name, not_null: true, on_fail: warn}
    rejects: {path: %[1]s-rejects}
    checks: [{row_count: {min: 0}}]
%[4]s`

func newNights(t *testing.T, seed uint64, kind lakeKind) *nights {
	n := &nights{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), folder: t.TempDir(), kind: kind, files: map[string]nightFile{},
		where: "id % 7 != 3", moment: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	n.commit(runtest.DeltaTable("id long, qty integer, name string, dt date, region string", "dt", "region"))
	for range 8 {
		n.add()
	}
	return n
}

// commit adds a version to a table, with these actions if it is one of Delta.
func (n *nights) commit(actions ...string) {
	switch n.kind {
	case inDelta:
		runtest.WriteDeltaLog(n.t, n.lake(), n.version, actions...)
	case inIceberg:
		n.writeIceberg()
	}
	n.version++
}

// isTable says whether the lake is a table of a format, whose files never change.
func (n *nights) isTable() bool { return n.kind == inDelta || n.kind == inIceberg }

// before is a region whose files in an Iceberg table were written before it was partitioned by the day, too.
const before = "before"

// writeIceberg writes the metadata of a version, with all files of a partition spec in one manifest.
func (n *nights) writeIceberg() {
	made := icebergtest.New(n.t, n.lake())
	var fields, names, spec, entries, old []icebergtest.Object
	for i, column := range []string{"id long", "qty int", "name string", "dt date", "region string"} {
		name, kind, _ := strings.Cut(column, " ")
		fields = append(fields, icebergtest.Object{"id": i + 1, "name": name, "required": false, "type": kind})
		names = append(names, icebergtest.Object{"field-id": i + 1, "names": []string{name}})
		if i >= 3 {
			spec = append(spec, icebergtest.Object{"source-id": i + 1, "field-id": 997 + i, "name": name, "transform": "identity"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(n.files)) {
		stat, err := os.Stat(filepath.Join(n.lake(), path))
		require.NoError(n.t, err)
		day, err := time.Parse(time.DateOnly, n.files[path].day)
		require.NoError(n.t, err)
		partition := icebergtest.Object{"dt": int32(day.Unix() / 86400), "region": nil}
		if n.files[path].region != "" {
			partition["region"] = n.files[path].region
		}
		to := &entries
		if n.files[path].region == before {
			to = &old
			delete(partition, "dt")
		}
		*to = append(*to, made.Added(path, icebergtest.Object{
			"partition": partition, "record_count": int64(n.files[path].rows), "file_size_in_bytes": stat.Size(),
		}))
	}
	byRegion := icebergtest.Data
	byRegion.Spec, byRegion.Partition = 1, `{"name": "region", "type": ["null", "string"], "default": null, "field-id": 1001}`
	byBoth := icebergtest.Data
	byBoth.Partition = `{"name": "dt", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "field-id": 1000},` + byRegion.Partition
	manifests := []icebergtest.Object{made.Manifest(fmt.Sprintf("m%d.avro", n.version), byBoth, entries...)}
	if len(old) > 0 {
		manifests = append(manifests, made.Manifest(fmt.Sprintf("old%d.avro", n.version), byRegion, old...))
	}
	list := fmt.Sprintf("list%d.avro", n.version)
	made.List(list, manifests...)
	mapping, err := json.Marshal(names)
	require.NoError(n.t, err)
	made.Metadata(fmt.Sprintf("v%d.metadata.json", n.version+1), icebergtest.Object{
		"schemas": []icebergtest.Object{icebergtest.Schema(0, fields...)}, "partition-specs": []icebergtest.Object{{"spec-id": 0, "fields": spec}, {"spec-id": 1, "fields": spec[1:]}},
		"current-snapshot-id": n.version + 1, "snapshots": []icebergtest.Object{made.Snapshot(n.version+1, list)},
		"properties": icebergtest.Object{"schema.name-mapping.default": string(mapping)},
	})
}

func (n *nights) lake() string { return filepath.Join(n.folder, "lake") }

// rows makes some rows as JSON, of which some break the rule, and one in three has no name.
func (n *nights) rows() string {
	var rows []string
	for range 1 + n.random.IntN(20) {
		n.next++
		name := `"x"`
		if n.random.IntN(3) == 0 {
			name = "null"
		}
		rows = append(rows, fmt.Sprintf(`{"id": %d, "qty": %d, "name": %s}`, n.next, n.random.IntN(5), name))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// nightRegions are the values of a partition column; the last is NULL.
var nightRegions = []string{"eu", "us", "it's", "a/b%", ""}

// write writes a new file of some unit, or one over another in place, at a later moment than all before.
func (n *nights) write(path string, file nightFile) {
	rows := n.rows()
	file.rows = strings.Count(rows, `"id"`)
	n.files[path] = file
	runtest.WriteTable(n.t, filepath.Join(n.lake(), path), rows,
		runtest.Field("id", runtest.Int64Type), runtest.Field("qty", runtest.Int32Type), runtest.Field("name", runtest.TextType))
	n.touch(path)
}

// path is a new one for a file.
func (n *nights) path(file nightFile) string {
	n.next++
	name := fmt.Sprintf("part-%d.parquet", n.next)
	if n.kind != inFolders {
		return name
	}
	region := "__HIVE_DEFAULT_PARTITION__"
	if file.region != "" {
		region = url.PathEscape(file.region)
	}
	return fmt.Sprintf("dt=%s/region=%s/%s", file.day, region, name)
}

func (n *nights) touch(path string) {
	n.moment = n.moment.Add(time.Second)
	require.NoError(n.t, os.Chtimes(filepath.Join(n.lake(), path), n.moment, n.moment))
}

// added is the action that adds a file to a Delta table.
func (n *nights) added(path string) string {
	region := "null"
	if n.files[path].region != "" {
		region = strconv.Quote(n.files[path].region)
	}
	return runtest.DeltaAdd(n.t, n.lake(), path, fmt.Sprintf(`"dt": %q, "region": %s`, n.files[path].day, region), "")
}

// add adds a file to some unit, which may be new.
func (n *nights) add() {
	file := nightFile{day: fmt.Sprintf("2026-01-%02d", 1+n.random.IntN(4)), region: nightRegions[n.random.IntN(len(nightRegions))]}
	path := n.path(file)
	n.write(path, file)
	n.commit(n.added(path))
}

// any is some file.
func (n *nights) any() string {
	paths := slices.Sorted(maps.Keys(n.files))
	return paths[n.random.IntN(len(paths))]
}

// replace has a file hold other rows; a table of a format never does that in place.
func (n *nights) replace(path string) {
	file := n.files[path]
	if !n.isTable() {
		n.write(path, file)
		return
	}
	delete(n.files, path)
	other := n.path(file)
	n.write(other, file)
	n.commit(runtest.DeltaRemove(path), n.added(other))
}

func (n *nights) remove(path string) {
	delete(n.files, path)
	if !n.isTable() {
		require.NoError(n.t, os.Remove(filepath.Join(n.lake(), path)))
	}
	n.commit(runtest.DeltaRemove(path))
}

// change changes the lake in one way, and says how.
func (n *nights) change() string {
	if len(n.files) < 3 {
		n.add()
		return "add"
	}
	path := n.any()
	switch n.random.IntN(8) {
	case 0, 1:
		n.add()
		return "add"
	case 2:
		n.replace(path)
		return "replace " + path
	case 3:
		n.remove(path)
		return "remove " + path
	case 4:
		n.touch(path)
		return "touch " + path
	}
	return "nothing"
}

// configure is a configuration of a mode, with another output for each.
func (n *nights) configure(mode string, least int, more string) *config.Config {
	source := "lake/**/*.parquet"
	if n.isTable() {
		source = "lake"
	}
	return runtest.ConfigureOn(n.t, n.date, n.folder,
		fmt.Sprintf(nightConfig, "sales-"+mode, mode, least, more, cmp.Or(n.uri, source), n.where, n.window))
}

// requireSame compares a run of what changed with a full build.
func (n *nights) requireSame(least int, more string, what ...string) *report.Report {
	n.t.Helper()
	changed := n.configure("changed", least, more)
	got, err := n.run(changed)
	require.NoError(n.t, err, what)
	full := n.configure("full", least, more)
	want, err := runtest.Run(n.t, n.t.Context(), full, nil)
	require.NoError(n.t, err)
	require.Equal(n.t, runtest.ContentsOf(n.t, full.Output.Path), runtest.ContentsOf(n.t, changed.Output.Path), what)
	require.Equal(n.t, runtest.RejectRows(n.t, full.Tables[0].Rejects.Path), runtest.RejectRows(n.t, changed.Tables[0].Rejects.Path), what)
	require.Equal(n.t, accountsOf(want), accountsOf(got), what)
	return got
}

// run runs a configuration, now and then on an engine that runs every bundle again and again.
func (n *nights) run(cfg *config.Config) (*report.Report, error) {
	if n.random.IntN(4) > 0 {
		return runtest.Reload(n.t, n.t.Context(), cfg, n.reload, nil)
	}
	return runtest.ReloadOn(n.t, n.t.Context(), cfg, enginetest.New(n.random.Uint64()), n.reload)
}

// accountsOf are the accounts of the tables of a report without what differs between runs.
func accountsOf(r *report.Report) []report.TableAccount {
	accounts := slices.Clone(r.Tables)
	for i := range accounts {
		accounts[i].RejectsPath = ""
	}
	return accounts
}

// Whatever happens to the lake, the configuration and the output, each night ends as a full build would.
func TestRandomNights(t *testing.T) {
	for _, kind := range []lakeKind{inFolders, inDelta, inIceberg, inFiles} {
		for seed := range uint64(nightSeeds) {
			t.Run(fmt.Sprintf("%s, %d", kind, seed), func(t *testing.T) {
				n := newNights(t, seed, kind)
				least, more, modes := 1, "", map[report.RefreshMode]int{}
				for range nightsDrawn {
					what := []string{n.change()}
					switch n.random.IntN(12) {
					case 0:
						least = 3 - least
						what = append(what, "another rule")
					case 1:
						_ = os.Remove(filepath.Join(n.folder, "sales-changed.hyper"))
						what = append(what, "no output")
					case 2:
						require.NoError(t, os.WriteFile(filepath.Join(n.folder, "sales-changed.hyper"), []byte("junk"), 0o600))
						what = append(what, "another output")
					case 3:
						more = []string{"", "validate: {engine: go}\n", "runner: {parallelism: 3}\n"}[n.random.IntN(3)]
						what = append(what, more)
					case 4:
						what = append(what, n.change())
					}
					got := n.requireSame(least, more, what...)
					modes[got.Refresh.Mode]++
					t.Log(what, got.Refresh.Mode, got.Refresh.Reason, got.Refresh.UnitsChanged, got.Refresh.Units)
				}
				assert.Positive(t, modes[report.RefreshFull])
				assert.Positive(t, modes[report.RefreshUnchanged]+modes[report.RefreshChanged])
			})
		}
	}
}

// A broken threshold leaves the extract and what is known of it, and its own rejects; when the lake is as it was again, so are
// the rejects.
func TestRejectsComeBackWithTheLake(t *testing.T) {
	n := newNights(t, 1, inFolders)
	n.requireSame(1, "")
	cfg := n.configure("changed", 1, "")
	before := runtest.RejectRows(t, cfg.Tables[0].Rejects.Path)
	require.NotEmpty(t, before)
	n.add()
	added := n.any()
	n.write(added, n.files[added])
	none := 0
	cfg.Tables[0].Rejects.MaxRows = &none
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "rows were rejected, max_rows allows 0")
	require.NotEqual(t, before, runtest.RejectRows(t, cfg.Tables[0].Rejects.Path))
	n.requireSame(1, "", "the threshold is gone")

	require.NoError(t, os.RemoveAll(cfg.Tables[0].Rejects.Path)) // somebody removed them, and what was kept of them
	got := n.requireSame(1, "", "no rejects")
	assert.Equal(t, report.RefreshUnchanged, got.Refresh.Mode)
	kept, err := filepath.Glob(filepath.Join(n.folder, "sales-changed.hyperlake", "_rejects", "*", "*", "*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, kept)
	require.NoError(t, os.WriteFile(kept[0], []byte("damaged"), 0o600))
	n.add()
	got = n.requireSame(1, "", "damaged rejects")
	assert.Equal(t, "the extract of the last run, or what was kept of it, is damaged", got.Refresh.Reason)
	kept, err = filepath.Glob(filepath.Join(n.folder, "sales-changed.hyperlake", "_rejects", "*", "*", "*.parquet"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(kept[0]))
	require.NoError(t, os.RemoveAll(cfg.Tables[0].Rejects.Path))
	got = n.requireSame(1, "", "no rejects anywhere")
	assert.Equal(t, report.RefreshFull, got.Refresh.Mode)
}

// severalTables has a table of the lake under other names, one without its partition columns, and one of another lake.
const severalTables = `name: %[1]s
output: {path: %[1]s.hyper}
refresh: {mode: %[2]s}
tables:
  - name: renamed
    source: {uri: "lake/**/*.parquet", select: [region, id, dt]}
    columns: {dt: {rename: day of sale}, region: {rename: "a \"b\" c"}}
    rules: [{column: id, max: %[3]d, on_fail: warn}]
    primary_key: [id]
  - name: without
    source: {uri: "lake/**/*.parquet", select: [id, qty]}
    foreign_keys: [{columns: [id], references: Extract.renamed, to: [id]}]
  - {name: converted, source: {uri: "lake/**/*.parquet"}, columns: {dt: {type: text}}}
  - {name: sorted, source: {uri: "other/*.parquet"}, repartition: {sort: [id]}}
`

// Each table has what it can have: units, files that are added, or all of it anew.
func TestNightsOfSeveralTables(t *testing.T) {
	n := newNights(t, 2, inFolders)
	runtest.WriteTable(t, filepath.Join(n.folder, "other", "a.parquet"), `[{"id": 3}, {"id": 1}]`, runtest.Field("id", runtest.Int64Type))
	contents := func(path string) (all [][]string) {
		for _, table := range []string{"renamed", "without", "converted", "sorted"} {
			all = append(all, runtest.RowsIn(t, path, fmt.Sprintf(`SELECT * FROM x."Extract".%q ORDER BY id`, table)))
		}
		keys := `SELECT conname, contype, array_length(conkey) FROM x.pg_catalog.pg_constraint ORDER BY contype`
		return append(all, runtest.RowsIn(t, path, keys))
	}
	night := func(most int, reasons ...string) {
		t.Helper()
		configure := func(mode string) *config.Config {
			return runtest.Configure(t, n.folder, fmt.Sprintf(severalTables, "all-"+mode, mode, most))
		}
		changed := configure("changed")
		got, err := runtest.Run(t, t.Context(), changed, nil)
		require.NoError(t, err)
		full := configure("full")
		want, err := runtest.Run(t, t.Context(), full, nil)
		require.NoError(t, err)
		require.Equal(t, contents(full.Output.Path), contents(changed.Output.Path))
		require.Equal(t, accountsOf(want), accountsOf(got))
		assert.Equal(t, reasons, append([]string{string(got.Refresh.Mode)}, got.Refresh.Tables...))
	}
	night(1000, "full")
	night(1000, "unchanged")
	n.add()
	night(1000, "changed")
	n.remove(n.any())
	night(1000, "changed",
		"a file changed or went, and nothing tells the rows of a file of table Extract.without from others: the partition column dt is not in the extract as it is in the lake",
		"a file changed or went, and nothing tells the rows of a file of table Extract.converted from others: the partition column dt is not in the extract as it is in the lake")
	night(5, "changed", "the configuration of table Extract.renamed changed, or the columns of its files")
	runtest.WriteTable(t, filepath.Join(n.folder, "other", "b.parquet"), `[{"id": 2}]`, runtest.Field("id", runtest.Int64Type))
	night(5, "changed", "rows of table Extract.sorted are sorted, and 1 unit changed")
}
