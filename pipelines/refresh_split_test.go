package pipelines_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/transforms/repartition"
)

// splitChecks are held against each extract, and told of the first that breaks them.
const splitChecks = `    checks:
      - {row_count: {min: 25}, on_fail: warn}
      - {sql: "select count(*) = 0 from \"Extract\".\"Extract\" where name is null and id % 5 = 0", on_fail: warn}
    columns: {region: {rename: area}}
`

// valueOf is the value of the extract that a file goes to.
func (n *severalNights) valueOf(file nightFile) string {
	switch {
	case strings.Contains(n.repartition, "dt"):
		return file.day
	case file.region == "":
		return repartition.NullName
	}
	return repartition.ValueName(file.region)
}

// lakeVersion is what tells the files of a lake from those at the same paths before.
func (n *severalNights) lakeVersion() map[string]string {
	n.t.Helper()
	versions := map[string]string{}
	for file := range n.files {
		stat, err := os.Stat(filepath.Join(n.lake(), file))
		require.NoError(n.t, err)
		versions[file] = fmt.Sprint(stat.Size(), stat.ModTime())
		if n.isTable() {
			versions[file] = ""
		}
	}
	return versions
}

// splitLake is what there was of a lake.
type splitLake struct {
	files    map[string]nightFile
	versions map[string]string
}

func (n *severalNights) look() splitLake {
	known := splitLake{map[string]nightFile{}, n.lakeVersion()}
	for path, file := range n.files {
		known.files[path] = file
	}
	return known
}

func (l splitLake) hasNull() bool {
	for _, file := range l.files {
		if file.region == "" {
			return true
		}
	}
	return false
}

// changedSince are the values of which units changed, sorted.
func (n *severalNights) changedSince(before splitLake) []string {
	now, values := n.look(), map[string]bool{}
	for _, one := range []struct{ from, to splitLake }{{before, now}, {now, before}} {
		for path, file := range one.from.files {
			if version, isThere := one.to.versions[path]; !isThere || version != one.from.versions[path] {
				values[n.valueOf(file)] = true
			}
		}
	}
	var sorted []string
	for value := range values {
		sorted = append(sorted, value)
	}
	slices.Sort(sorted)
	return sorted
}

// disturb does to what stands at the output what nobody should, and returns the value of an extract that is not there any more, and
// what was done.
func (n *severalNights) disturb(last *report.Report) (gone []string, what string) {
	if len(last.Outputs) < 2 {
		return nil, ""
	}
	at := n.random.IntN(len(last.Outputs))
	victim, other := last.Outputs[at], last.Outputs[(at+1)%len(last.Outputs)]
	switch n.random.IntN(6) {
	case 0:
		require.NoError(n.t, os.Remove(victim.Path))
		return []string{victim.Value}, "removed " + victim.Value
	case 1:
		data, err := os.ReadFile(other.Path)
		require.NoError(n.t, err)
		require.NoError(n.t, os.WriteFile(victim.Path, data, 0o600))
		return []string{victim.Value}, other.Value + " is in the place of " + victim.Value
	case 2:
		for _, mode := range []string{"changed", "full"} {
			place := strings.TrimSuffix(n.configureSeveral(mode).Output.Path, ".hyper") + "-2026-01-05.hyper"
			require.NoError(n.t, os.WriteFile(place, []byte("of somebody else"), 0o600))
		}
		return nil, "an extract of somebody else"
	}
	return nil, ""
}

// Whatever happens to the lake, the configuration and the extracts, each night ends as a full build would, and only those extracts are
// touched of which units changed, or that were not there any more.
func TestRandomNightsOfSplits(t *testing.T) {
	for i, kind := range []lakeKind{inFolders, inDelta, inIceberg} {
		for seed := range uint64(nightSeeds) {
			t.Run(fmt.Sprintf("%s, %d", kind, seed), func(t *testing.T) {
				split := []string{"{split_by: region, sort: [id]}", "{split_by: dt}"}[(uint64(i)+seed)%2]
				n := newSeveralNights(t, seed, kind, split)
				n.more = splitChecks
				last, modes := n.night(), map[report.RefreshMode]int{}
				for range splitNights {
					before, files := n.look(), versionsOf(t, last)
					what, isOther := []string{n.change(), n.change()}, false
					gone, disturbed := n.disturb(last)
					switch n.random.IntN(10) {
					case 0:
						n.least, isOther = 3-n.least, true
					case 1:
						n.workers = 4 - n.workers
					}
					what = append(what, disturbed, fmt.Sprint(n.least, n.workers))
					changed := n.changedSince(before)
					isOther = isOther || kind == inFolders && before.hasNull() != n.look().hasNull() // the column may be NULL, or may not
					last = n.night(what...)
					modes[last.Refresh.Mode]++
					t.Log(what, last.Refresh.Mode, last.Refresh.Reason, last.Refresh.UnitsChanged, last.Refresh.Units, last.Refresh.Extracts)
					if isOther {
						continue
					}
					remade := slices.Compact(slices.Sorted(slices.Values(slices.Concat(changed, gone))))
					require.Empty(t, last.Refresh.Reason, what)
					for value, now := range versionsOf(t, last) {
						if !slices.Contains(remade, value) {
							require.Equal(t, files[value], now, value)
						}
					}
					if e := last.Refresh.Extracts; len(remade) > 0 {
						require.Subset(t, remade, e.Made, what)
						require.Len(t, last.Outputs, len(e.Made)+e.Stay, what)
					}
				}
				assert.Positive(t, modes[report.RefreshChanged])
			})
		}
	}
}

// On remote storage extracts that stay are known by their versions, and checks read them where they stand.
func TestSplitNightsOnRemoteStorage(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	n := newSeveralNights(t, 5, inFolders, "{split_by: region}")
	n.output, n.more = storage.Join(bucket, "out/sales.hyper"), splitChecks
	first := n.nightFor("nothing was made before")
	require.Greater(t, len(first.Outputs), 2)
	before := versionsOf(t, first)
	extracts := storagetest.Fault{On: storagetest.Read, Name: "out/sales-", Status: 403}
	faults.Inject(extracts)
	again, err := runtest.Run(t, t.Context(), n.configureSeveral("changed"), nil)
	require.NoError(t, err)
	assert.Equal(t, report.Unchanged, again.Status, "none of the extracts is read for that")
	faults.Heal()

	n.add()
	faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2})
	faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 503, Times: 2})
	got := n.nightFor("")
	assert.Equal(t, report.RefreshChanged, got.Refresh.Mode)
	assert.Equal(t, []int{1, len(got.Outputs) - 1}, []int{len(got.Refresh.Extracts.Made), got.Refresh.Extracts.Stay})
	assert.Equal(t, 1, got.Refresh.UnitsChanged)
	for value, now := range versionsOf(t, got) {
		assert.Equal(t, value != got.Refresh.Extracts.Made[0], before[value] == now, value)
	}
	victim := got.Outputs[1]
	require.NoError(t, storage.Put(t.Context(), victim.Path, []byte("of somebody else")))
	got = n.nightFor("")
	assert.Equal(t, []string{victim.Value}, got.Refresh.Extracts.Made)
	assert.Zero(t, got.Refresh.UnitsChanged)
	assert.Equal(t, []string{"an extract is not there any more as made last, and made anew: " + victim.Value}, slices.DeleteFunc(got.Warnings,
		func(warning string) bool { return strings.HasPrefix(warning, "check ") }))
	assert.Equal(t, report.Unchanged, n.nightFor("").Status)
}

// What files are called whose names differ in case only depends on all of them: they are made together.
func TestSplitsWhoseNamesDifferInCase(t *testing.T) {
	n := newSeveralNights(t, 5, inDelta, "{split_by: region}")
	region := func(name string) string {
		file := nightFile{day: "2026-02-01", region: name}
		path := n.path(file)
		n.write(path, file)
		n.commit(n.added(path))
		return path
	}
	n.nightFor("nothing was made before")
	second := region("EU")
	got := n.nightFor("")
	assert.Equal(t, []string{"EU", "eu"}, got.Refresh.Extracts.Made)
	assert.Equal(t, 1, got.Refresh.UnitsChanged)
	require.NotEmpty(t, got.Warnings)
	assert.Contains(t, got.Warnings[0], "left as it is: sales-eu.hyper")
	region("us")
	assert.Equal(t, []string{"us"}, n.nightFor("").Refresh.Extracts.Made)
	n.remove(second)
	got = n.nightFor("")
	assert.Equal(t, []string{"eu"}, got.Refresh.Extracts.Made)
	assert.Equal(t, filepath.Join(n.folder, "changed", "sales-eu.hyper"), got.Outputs[slices.IndexFunc(got.Outputs,
		func(e report.Extract) bool { return e.Value == "eu" })].Path)
}

// An extract of which no row is left is not made, and left as it is where it stood; of no units at all there are no extracts.
func TestSplitsOfWhichNothingIsLeft(t *testing.T) {
	n := newSeveralNights(t, 5, inFolders, "{split_by: dt}")
	n.nightFor("nothing was made before")
	byDay := map[string][]string{}
	for path, file := range n.files {
		byDay[file.day] = append(byDay[file.day], path)
	}
	require.Greater(t, len(byDay), 2)
	left := len(byDay)
	for day, paths := range byDay {
		left--
		for _, path := range paths {
			runtest.WriteTable(t, filepath.Join(n.lake(), path), `[{"id": 8, "qty": 0, "name": "x"}]`,
				runtest.Field("id", runtest.Int64Type), runtest.Field("qty", runtest.Int32Type), runtest.Field("name", runtest.TextType))
			n.touch(path)
		}
		got := n.nightFor("")
		assert.Equal(t, report.ExtractsRemade{Made: []string{}, Stay: left}, *got.Refresh.Extracts)
		assert.Len(t, got.Outputs, left)
		require.NotEmpty(t, got.Warnings)
		assert.Contains(t, got.Warnings[len(got.Warnings)-1], "sales-"+day+".hyper")
		assert.Equal(t, report.Unchanged, n.nightFor("").Status)
	}
	path := n.any()
	n.write(path, n.files[path])
	assert.Equal(t, []string{n.files[path].day}, n.nightFor("").Refresh.Extracts.Made)
}

// Units may be asked for, whose extracts are then made anew, and a unit column that is converted tells no extracts apart.
func TestReloadsOfSplits(t *testing.T) {
	n := newSeveralNights(t, 5, inFolders, "{split_by: dt}")
	first := n.nightFor("nothing was made before")
	day := first.Outputs[0].Value
	got, err := runtest.Reload(t, t.Context(), n.configureSeveral("changed"), fmt.Sprintf("dt == date('%s') && region == null", day), nil)
	require.NoError(t, err)
	if got.Refresh.UnitsChanged == 0 {
		got, err = runtest.Reload(t, t.Context(), n.configureSeveral("changed"), fmt.Sprintf("dt == date('%s')", day), nil)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{day}, got.Refresh.Extracts.Made)
	assert.Equal(t, n.extractsOf(first), n.extractsOf(got))

	n.more = "    columns: {dt: {type: text}}\n"
	n.night()
	n.add()
	n.nightFor("extracts are split by dt, which tells no units apart, and 1 unit changed")
}

// A run that stops between two extracts leaves new ones beside old ones. The next one knows which are which, and makes those that
// are missing; extracts that are not merged are no set until all of them are there.
func TestExtractsOfWhichSomeWereMoved(t *testing.T) {
	for _, several := range []struct{ repartition, reason string }{
		{"{split_by: dt}", ""}, {"{by: [id], shards: 3}", "the extract of 00002-of-00003 that was made last is not there any more"},
	} {
		t.Run(several.repartition, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			n := newSeveralNights(t, 5, inFolders, several.repartition)
			if n.output = storage.Join(bucket, "out/sales.hyper"); several.reason != "" {
				n.merge = config.MergeNone
			}
			first := n.nightFor("nothing was made before")
			require.Greater(t, len(first.Outputs), 2)
			for path, file := range n.files {
				n.write(path, file)
			}
			faults.Inject(storagetest.Fault{On: storagetest.Write, Name: path.Base(first.Outputs[1].Path), Status: 403})
			r, err := runtest.Run(t, t.Context(), n.configureSeveral("changed"), nil)
			require.ErrorContains(t, err, "move extract 2 of")
			assert.Len(t, r.Outputs, 1)
			moved := versionsOf(t, r)
			faults.Heal()

			got := n.nightFor(several.reason)
			if several.reason == "" {
				assert.NotContains(t, got.Refresh.Extracts.Made, r.Outputs[0].Value)
				assert.Equal(t, report.ExtractsRemade{Made: got.Refresh.Extracts.Made, Stay: 1}, *got.Refresh.Extracts)
				assert.Equal(t, moved[r.Outputs[0].Value], versionsOf(t, got)[r.Outputs[0].Value])
				assert.Zero(t, got.Refresh.UnitsChanged)
			}
			assert.Equal(t, report.Unchanged, n.nightFor("").Status)
		})
	}
}

// Whatever the type of a unit column, its values tell which extract a unit is in, however the table spells them.
func TestSplitsByAllKindsOfValues(t *testing.T) {
	for kind, values := range map[string][3]string{ // the first two are the same
		"long": {"22", "22", "-1"}, "integer": {"7", "7", "1"}, "decimal(10,2)": {"1.50", "1.5", "2.00"}, "boolean": {"true", "true", "false"},
		"date": {"2026-01-01", "2026-01-01", "1969-12-31"}, "string": {"ä b", "ä b", "Z"}, "binary": {"ab", "ab", "c"},
		"timestamp": {"2026-01-01 10:00:00", "2026-01-01T10:00:00.000000Z", "2026-01-01 10:00:00.25"},
	} {
		t.Run(kind, func(t *testing.T) {
			n := newSeveralNights(t, 5, inDelta, "{split_by: p}")
			n.nights = &nights{t: t, random: n.random, folder: t.TempDir(), kind: inDelta, files: map[string]nightFile{}, moment: n.moment}
			n.output = filepath.Join(n.folder, "changed", "sales.hyper")
			add := func(value string) {
				path := n.path(nightFile{})
				n.write(path, nightFile{})
				n.commit(runtest.DeltaAdd(t, n.lake(), path, fmt.Sprintf(`"p": %q`, value), ""))
			}
			n.commit(runtest.DeltaTable("id long, qty integer, name string, p "+kind, "p"))
			for _, value := range values {
				add(value)
			}
			require.Len(t, n.nightFor("nothing was made before").Outputs, 2)
			add(values[1])
			got := n.nightFor("")
			require.Equal(t, report.RefreshChanged, got.Refresh.Mode)
			assert.Len(t, got.Refresh.Extracts.Made, 1)
			assert.Equal(t, []int{1, 1}, []int{got.Refresh.UnitsChanged, got.Refresh.Extracts.Stay})
		})
	}
}

// Extracts that are made anew are sorted, as those are that stay.
func TestSplitNightsAreSorted(t *testing.T) {
	n := newSeveralNights(t, 5, inFolders, "{split_by: region, sort: [id]}")
	n.more = "hyperd: {settings: {datablock_intra_block_reorder: \"false\"}}\n" // else hyperd moves rows inside of a block
	night := func(isSorted bool, made ...string) {
		t.Run(fmt.Sprint(made), func(t *testing.T) { // at whose end the hyperd stops that reads extracts, with other settings
			n.t = t
			got := n.night()
			assert.Equal(t, isSorted, !slices.ContainsFunc(got.Outputs, func(e report.Extract) bool { return !slices.IsSorted(idsOf(t, e.Path)) }))
			if len(made) > 0 {
				assert.Equal(t, made, got.Refresh.Extracts.Made)
			}
		})
	}
	night(true)
	paths := slices.Sorted(maps.Keys(n.files))
	first := paths[slices.IndexFunc(paths, func(path string) bool { return n.files[path].region == "eu" })]
	n.t = t
	n.write(first, n.files[first]) // later rows in the place of earlier ones
	night(true, "eu")
	n.repartition = "{split_by: region}"
	night(false)
}

// idsOf are the ids of an extract as they stand there.
func idsOf(t *testing.T, path string) (ids []int) {
	t.Helper()
	for _, text := range runtest.RowsIn(t, path, `SELECT id FROM x."Extract"."Extract"`) {
		id, err := strconv.Atoi(text)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}
