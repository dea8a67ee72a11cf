package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// severalNights are nights of a configuration that makes several extracts.
type severalNights struct {
	*nights
	repartition string
	merge       config.MergeChoice
	more        string // keys of the table
	least       int    // that a rule lets in
	workers     int
	output      string // URI
}

// severalConfig is a table with rules of all kinds, and a filter.
const severalConfig = `name: sales-%[1]s
output: {path: %[1]s/sales.hyper}
refresh: {mode: %[1]s}
on_empty: allow
runner: {parallelism: %[6]d}
tables:
  - source: {uri: %[2]q, where: "id %% 7 != 3"}
    rules: [{column: qty, min: %[3]d}, {column: name, not_null: true, on_fail: warn}]
    rejects: {path: %[1]s-rejects}
    repartition: %[4]s
%[5]s`

func newSeveralNights(t *testing.T, seed uint64, kind lakeKind, repartition string) *severalNights {
	n := &severalNights{nights: newNights(t, seed, kind), repartition: repartition, least: 1, workers: 1}
	n.output = filepath.Join(n.folder, "changed", "sales.hyper")
	return n
}

// configureSeveral is the configuration of a mode, with another output for each.
func (n *severalNights) configureSeveral(mode string) *config.Config {
	source := "lake/**/*.parquet"
	if n.isTable() {
		source = "lake"
	}
	cfg := runtest.Configure(n.t, n.folder, fmt.Sprintf(severalConfig, mode, source, n.least, n.repartition, n.more, n.workers))
	if cfg.Output.Merge = n.merge; mode == "changed" {
		cfg.Output.Path = n.output
	}
	return cfg
}

// night runs what changed and a full build, and compares what both leave. Of a refresh it returns the report.
func (n *severalNights) night(what ...string) *report.Report {
	n.t.Helper()
	changed := n.configureSeveral("changed")
	got, err := runtest.Run(n.t, n.t.Context(), changed, nil)
	require.NoError(n.t, err, what)
	full := n.configureSeveral("full")
	want, err := runtest.Run(n.t, n.t.Context(), full, nil)
	require.NoError(n.t, err)
	require.Equal(n.t, n.extractsOf(want), n.extractsOf(got), what)
	require.Equal(n.t, n.filesBeside(full.Output.Path), n.filesBeside(changed.Output.Path), what)
	require.Equal(n.t, runtest.RejectRows(n.t, full.Tables[0].Rejects.Path), runtest.RejectRows(n.t, changed.Tables[0].Rejects.Path), what)
	require.Equal(n.t, accountsOf(want), accountsOf(got), what)
	isOurs := func(warning string) bool { return strings.Contains(warning, "made anew") }
	require.ElementsMatch(n.t, want.Warnings, slices.DeleteFunc(slices.Clone(got.Warnings), isOurs), what)
	var bytes int64
	for _, extract := range got.Outputs {
		sum, size, err := storage.SHA256(n.t.Context(), runtest.Fetched(n.t, extract.Path))
		require.NoError(n.t, err)
		assert.Equal(n.t, []any{sum, size}, []any{extract.SHA256, extract.Bytes}, what)
		bytes += size
	}
	assert.Equal(n.t, []any{bytes, ""}, []any{got.Output.Bytes, got.Output.SHA256}, what)
	return got
}

// extractsOf are the values of extracts, how many rows each is said to have, and its rows.
func (n *severalNights) extractsOf(r *report.Report) []string {
	n.t.Helper()
	var all []string
	for _, extract := range r.Outputs {
		all = append(all, fmt.Sprintf("%s: %d", extract.Value, extract.Rows))
		all = append(all, runtest.ContentsOf(n.t, runtest.Fetched(n.t, extract.Path))...)
	}
	return all
}

// filesBeside are the names of what looks like extracts of an output, without what they share.
func (n *severalNights) filesBeside(output string) []string {
	n.t.Helper()
	store, err := storage.For(output)
	require.NoError(n.t, err)
	name := strings.TrimSuffix(output, ".hyper")
	found, err := store.Glob(n.t.Context(), storage.EscapeGlob(name)+"-*.hyper")
	require.NoError(n.t, err)
	var names []string
	for _, file := range found {
		names = append(names, strings.TrimPrefix(file.URI, name))
	}
	return names
}

// versionsOf are what tells the files of extracts from others at the same paths, by value.
func versionsOf(t *testing.T, r *report.Report) map[string]storage.Info {
	t.Helper()
	found := map[string]storage.Info{}
	for _, extract := range r.Outputs {
		info, err := storage.Stat(t.Context(), extract.Path)
		require.NoError(t, err)
		found[extract.Value] = info
	}
	return found
}

// nightFor is a night that is a full build for a reason, or is none if that is empty.
func (n *severalNights) nightFor(reason string) *report.Report {
	n.t.Helper()
	got := n.night(reason)
	assert.Equal(n.t, reason, got.Refresh.Reason)
	return got
}

// With nothing to do, several extracts stay as they are; whatever is wrong with one of them is noticed. Where units do not tell
// which of them changed, all are made anew.
func TestSeveralExtractsStayUnchanged(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for _, several := range []struct {
		name, repartition string
		merge             config.MergeChoice
		reason            string
	}{
		{"split", "{split_by: name, sort: [id]}", config.MergeAuto, "extracts are split by name, which tells no units apart, and 1 unit changed"},
		{"apart", "{by: [id], shards: 3}", config.MergeNone, "extracts are not merged, and 1 unit changed"},
	} {
		for _, place := range []string{"local", "remote"} {
			if !everyCombination && (several.name == "split") != (place == "local") {
				continue
			}
			t.Run(several.name+", "+place, func(t *testing.T) {
				n := newSeveralNights(t, 5, inFolders, several.repartition)
				if n.merge = several.merge; place == "remote" {
					n.output = storage.Join(bucket, several.name+"/sales.hyper")
				}
				n.nightFor("nothing was made before")
				n.requireUnchanged()
				first := n.nightFor("").Outputs[0]

				require.NoError(t, storage.Remove(t.Context(), first.Path))
				n.nightFor(fmt.Sprintf("the extract of %s that was made last is not there any more", first.Value))
				n.requireUnchanged()
				require.NoError(t, storage.Put(t.Context(), first.Path, []byte("of somebody else")))
				n.nightFor(fmt.Sprintf("the extract of %s that was made last is not there any more", first.Value))
				n.requireUnchanged()
				n.add()
				n.nightFor(several.reason)
				n.requireUnchanged()
			})
		}
	}
}

// requireUnchanged runs other nights, after which the same files stand there, and a file beside them is named.
func (n *severalNights) requireUnchanged() {
	n.t.Helper()
	again := n.nightFor("")
	assert.Equal(n.t, report.Unchanged, again.Status)
	before := versionsOf(n.t, again)
	stranger := "-00009-of-00009.hyper"
	for _, mode := range []string{"changed", "full"} {
		place := strings.TrimSuffix(n.configureSeveral(mode).Output.Path, ".hyper") + stranger
		require.NoError(n.t, storage.Put(n.t.Context(), place, []byte("of somebody else")))
		defer func() { require.NoError(n.t, storage.Remove(n.t.Context(), place)) }()
	}
	again = n.nightFor("")
	assert.Equal(n.t, report.Unchanged, again.Status)
	assert.Equal(n.t, before, versionsOf(n.t, again))
	require.NotEmpty(n.t, again.Warnings)
	assert.Contains(n.t, again.Warnings[0], "left as it is: sales"+stranger)
}

// What decides of which rows extracts are, and what they are called, has all of them made anew, and so has a list that is gone.
func TestSeveralExtractsAreOthers(t *testing.T) {
	n := newSeveralNights(t, 5, inFolders, "{by: [id], shards: 3}")
	n.merge = config.MergeNone
	first := n.nightFor("nothing was made before")
	require.NoError(t, os.Remove(output.SetPath(n.output)))
	n.nightFor("the list of the extracts is not there any more as it was made")
	require.NoError(t, os.Chtimes(first.Outputs[0].Path, time.Time{}, time.Unix(5, 0)))
	assert.Equal(t, report.Unchanged, n.nightFor("").Status, "it is known by its bytes")

	for _, extract := range first.Outputs {
		require.NoError(t, os.Remove(extract.Path))
	}
	n.nightFor("none of the extracts that were made last is there any more")

	cfg := n.configureSeveral("changed")
	cfg.State, cfg.Output.Path = cfg.StateFolder(), filepath.Join(n.folder, "other.hyper")
	run := func() *report.Report {
		t.Helper()
		r, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		return r
	}
	assert.Equal(t, "the extracts were named after "+n.output, run().Refresh.Reason)
	cfg.Runner.Parallelism = 2
	assert.Equal(t, "the rows were divided among the extracts by 1 shard", run().Refresh.Reason)
	cfg.Output.Merge = config.MergeAuto
	r := run()
	assert.Equal(t, "output.merge was another one", r.Refresh.Reason)
	assert.Empty(t, r.Outputs)
}
