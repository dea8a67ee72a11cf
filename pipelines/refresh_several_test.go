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

// rowsOfAll are the rows of all extracts of a report, sorted.
func rowsOfAll(t *testing.T, r *report.Report) []string {
	t.Helper()
	var rows []string
	for _, extract := range r.Outputs {
		rows = append(rows, runtest.ContentsOf(t, runtest.Fetched(t, extract.Path))...)
	}
	slices.Sort(rows)
	return rows
}

// versionsOf are what tells the files of extracts from others at the same paths.
func versionsOf(t *testing.T, r *report.Report) []storage.Info {
	t.Helper()
	var found []storage.Info
	for _, extract := range r.Outputs {
		info, err := storage.Stat(t.Context(), extract.Path)
		require.NoError(t, err)
		found = append(found, info)
	}
	return found
}

// severalNights is a configuration of several extracts, and what it is run in.
type severalNights struct {
	*nights
	repartition, merge string
	output             string // URI
}

func (n *severalNights) configure(mode string) *config.Config {
	cfg := n.nights.configure(mode, 1, "")
	cfg = runtest.Configure(n.t, n.folder, fmt.Sprintf(severalConfig, mode, n.merge, cfg.Tables[0].Source.URI[0], n.repartition))
	if cfg.Output.Path = n.output; mode == "full" {
		cfg.Output.Path = filepath.Join(n.folder, "full", "sales.hyper")
	}
	return cfg
}

// severalConfig has no checks, which extracts that are not merged cannot have.
const severalConfig = `name: sales-%[1]s
output: {path: sales-%[1]s.hyper, merge: %[2]s}
refresh: {mode: %[1]s}
tables:
  - source: {uri: %[3]q, where: "id %% 7 != 3"}
    rules: [{column: qty, min: 1}, {column: name, not_null: true, on_fail: warn}]
    rejects: {path: sales-%[1]s-rejects}
    repartition: %[4]s
`

// night runs what changed and a full build, and compares them.
func (n *severalNights) night(reason string) *report.Report {
	n.t.Helper()
	changed := n.configure("changed")
	got, err := runtest.Run(n.t, n.t.Context(), changed, nil)
	require.NoError(n.t, err)
	full := n.configure("full")
	want, err := runtest.Run(n.t, n.t.Context(), full, nil)
	require.NoError(n.t, err)
	require.Equal(n.t, rowsOfAll(n.t, want), rowsOfAll(n.t, got))
	require.Equal(n.t, runtest.RejectRows(n.t, full.Tables[0].Rejects.Path), runtest.RejectRows(n.t, changed.Tables[0].Rejects.Path))
	require.Equal(n.t, accountsOf(want), accountsOf(got))
	var wantBytes int64
	for i := range want.Outputs {
		require.Equal(n.t, []any{want.Outputs[i].Value, want.Outputs[i].Rows}, []any{got.Outputs[i].Value, got.Outputs[i].Rows})
		wantBytes += got.Outputs[i].Bytes
	}
	assert.Equal(n.t, wantBytes, got.Output.Bytes)
	assert.Empty(n.t, got.Output.SHA256)
	assert.Equal(n.t, reason, got.Refresh.Reason)
	return got
}

// With nothing to do, several extracts stay as they are; whatever is wrong with one of them is noticed.
func TestSeveralExtractsStayUnchanged(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for _, several := range []struct{ name, repartition, merge string }{
		{"split", "{split_by: name}", "auto"}, {"not merged", "{by: [id], shards: 3}", "none"},
	} {
		for _, place := range []string{"local", "remote"} {
			t.Run(several.name+", "+place, func(t *testing.T) {
				n := &severalNights{newNights(t, 5, inFolders), several.repartition, several.merge, ""}
				n.output = filepath.Join(n.folder, "out", "sales.hyper")
				if place == "remote" {
					n.output = storage.Join(bucket, several.name+"/sales.hyper")
				}
				n.night("nothing was made before")
				checkUnchanged(t, n)
				first := n.night("").Outputs[0]

				require.NoError(t, storage.Remove(t.Context(), first.Path))
				n.night(fmt.Sprintf("the extract of %s that was made last is not there any more", first.Value))
				checkUnchanged(t, n)
				require.NoError(t, storage.Put(t.Context(), first.Path, []byte("of somebody else")))
				n.night(fmt.Sprintf("the extract of %s that was made last is not there any more", first.Value))
				checkUnchanged(t, n)
				n.add()
				reason := map[string]string{"split": "extracts are split by name, and 1 unit changed", "not merged": "extracts are not merged, and 1 unit changed"}
				n.night(reason[several.name])
				checkUnchanged(t, n)
			})
		}
	}
}

// checkUnchanged runs another night, after which the same files stand there, and a file beside them is named.
func checkUnchanged(t *testing.T, n *severalNights) {
	t.Helper()
	again := n.night("")
	assert.Equal(t, report.Unchanged, again.Status)
	before := versionsOf(t, again)
	stranger := strings.TrimSuffix(n.output, ".hyper") + "-00009-of-00009.hyper"
	require.NoError(t, storage.Put(t.Context(), stranger, []byte("of somebody else")))
	again = n.night("")
	assert.Equal(t, report.Unchanged, again.Status)
	assert.Equal(t, before, versionsOf(t, again))
	require.NotEmpty(t, again.Warnings)
	assert.Contains(t, again.Warnings[0], "left as it is: sales-00009-of-00009.hyper")
	require.NoError(t, storage.Remove(t.Context(), stranger))
}

// What decides of which rows extracts are, and what they are called, has all of them made anew, and so has a list that is gone.
func TestSeveralExtractsAreOthers(t *testing.T) {
	n := &severalNights{newNights(t, 5, inFolders), "{by: [id], shards: 3}", "none", ""}
	n.output = filepath.Join(n.folder, "sales.hyper")
	n.night("nothing was made before")
	require.NoError(t, os.Remove(output.SetPath(n.output)))
	n.night("the list of the extracts is not there any more as it was made")
	other := filepath.Join(n.folder, "sales-00001-of-00003.hyper")
	require.NoError(t, os.Chtimes(other, time.Time{}, time.Unix(5, 0)))
	assert.Equal(t, report.Unchanged, n.night("").Status, "it is known by its bytes")

	n.output = filepath.Join(n.folder, "elsewhere.hyper")
	n.night("nothing was made before")
	cfg := n.configure("changed")
	cfg.State, cfg.Output.Path = cfg.StateFolder(), filepath.Join(n.folder, "third.hyper")
	r, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, "the extracts were named after "+n.output, r.Refresh.Reason)
	cfg.Runner.Parallelism = 2
	r, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, "the rows were divided among the extracts by 1 shard", r.Refresh.Reason)
	cfg.Output.Merge = config.MergeAuto
	r, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, "output.merge was another one", r.Refresh.Reason)
	assert.Empty(t, r.Outputs)
}
