package pipelines_test

import (
	"fmt"
	"io/fs"
	"log/slog"
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
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

// lakeKinds are all there are.
var lakeKinds = []lakeKind{inFolders, inDelta, inIceberg, inFiles}

// spoil makes the data files of the lake such that nobody can read them, of the same size and time: a run that opens one fails.
func (n *nights) spoil() {
	for path := range n.files {
		file := filepath.Join(n.lake(), path)
		stat, err := os.Stat(file)
		require.NoError(n.t, err)
		require.NoError(n.t, os.WriteFile(file, []byte(strings.Repeat("x", int(stat.Size()))), 0o600))
		require.NoError(n.t, os.Chtimes(file, stat.ModTime(), stat.ModTime()))
	}
}

// addAtOnce adds files in one version.
func (n *nights) addAtOnce(files int) {
	var actions []string
	for i := range files {
		file := nightFile{day: fmt.Sprintf("2026-02-%02d", 1+i%28), region: "eu"}
		path := n.path(file)
		n.write(path, file)
		actions = append(actions, n.added(path))
	}
	n.commit(actions...)
}

// glanceFile is where a state remembers what was seen.
func (n *nights) glanceFile() string {
	return filepath.Join(n.folder, "sales-changed.hyperlake", "glance.json")
}

// timeless is a report without what differs between two runs that do the same.
func timeless(r *report.Report) report.Report {
	same := *r
	same.RunID, same.Started, same.Finished, same.History = "", time.Time{}, time.Time{}, nil
	same.Stages = slices.Clone(r.Stages)
	for i := range same.Stages {
		same.Stages[i].Seconds = 0
	}
	return same
}

// A night on which nothing changed opens no data file, and its report is the one of a night that reads all footers.
func TestAnUnchangedNightOpensNoDataFile(t *testing.T) {
	for _, kind := range lakeKinds {
		t.Run(string(kind), func(t *testing.T) {
			n := newNights(t, 9, kind)
			if kind != inFiles {
				n.where += " && region != 'us'"
			}
			n.requireSame(1, "")
			cfg := n.configure("changed", 1, "")
			require.NoError(t, os.Remove(n.glanceFile()))
			planned, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			require.Equal(t, report.Unchanged, planned.Status)
			preview, err := pipelines.MakePlan(t.Context(), cfg)
			require.NoError(t, err)
			require.NoError(t, preview.Compare(t.Context(), cfg, ""))
			n.spoil()
			glanced, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			assert.Equal(t, timeless(planned), timeless(glanced))
			assert.Equal(t, preview.Refresh.Mode, glanced.Refresh.Mode)
			assert.Equal(t, preview.Refresh.Units, glanced.Refresh.Units)
			assert.Positive(t, glanced.Tables[0].RowsInFiles)

			before, err := os.Stat(n.glanceFile())
			require.NoError(t, err)
			_, err = runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			after, err := os.Stat(n.glanceFile())
			require.NoError(t, err)
			assert.True(t, os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()), "nothing is written")
		})
	}
}

// Whatever may make something else of the same rows has a run look into the files, here such that cannot be read.
func TestWhatAGlanceCannotTell(t *testing.T) {
	withColumns := []lakeKind{inFolders, inDelta, inIceberg} // of partitions
	const today = "dt <= date('2026-02-01') || dt < today()"
	for name, c := range map[string]struct {
		kinds  []lakeKind // all if there are none
		where  string
		window string
		change func(n *nights)
		least  int
		more   string
		reload string
		looks  bool
	}{
		"nothing":                       {},
		"another rule":                  {least: 2, looks: true},
		"another engine":                {more: "validate: {engine: go}\n", looks: true},
		"another default":               {more: "    columns: {name: {default: x}}\n", looks: true},
		"a condition":                   {change: func(n *nights) { n.where = "id % 7 != 4" }, looks: true},
		"another date":                  {change: func(n *nights) { n.date = "2026-03-02" }},
		"another date, that where asks": {kinds: withColumns, where: today, change: func(n *nights) { n.date = "2026-03-02" }, looks: true},
		"another date, with a window": {kinds: withColumns, window: ", window: {column: dt, keep: 1 year}", change: func(n *nights) {
			n.date = "2026-03-02"
		}, looks: true},
		"a full build is due":            {window: ", full_every: 30d", change: func(n *nights) { n.date = "2026-04-02" }, looks: true},
		"units to load in any case":      {kinds: []lakeKind{inFolders, inDelta}, reload: "dt < date('2026-01-31')", looks: true},
		"a file that was touched":        {kinds: []lakeKind{inFolders, inFiles}, change: func(n *nights) { n.touch(n.any()) }, looks: true},
		"a file that a table touched":    {kinds: []lakeKind{inDelta, inIceberg}, change: func(n *nights) { n.touch(n.any()) }},
		"a version without another file": {kinds: []lakeKind{inDelta, inIceberg}, change: func(n *nights) { n.commit(`{"commitInfo":{"operation":"NOTHING"}}`) }, looks: true},
		"a log that was written again": {kinds: []lakeKind{inDelta, inIceberg}, change: func(n *nights) {
			for _, name := range []string{"_delta_log", "metadata"} {
				_ = filepath.WalkDir(filepath.Join(n.lake(), name), func(path string, _ fs.DirEntry, err error) error {
					if err == nil {
						err = os.Chtimes(path, n.moment, n.moment)
					}
					return err
				})
			}
		}, looks: true},
		"a file that no glob matches": {kinds: []lakeKind{inFolders, inFiles}, change: func(n *nights) {
			require.NoError(n.t, os.WriteFile(filepath.Join(n.lake(), "_new.parquet"), []byte("x"), 0o600))
		}},
		"a file by a second name": {kinds: []lakeKind{inFolders, inFiles}, change: func(n *nights) {
			path := filepath.Join(n.lake(), n.any())
			require.NoError(n.t, os.Link(path, path+".again.parquet"))
		}, looks: true},
		"no output": {change: func(n *nights) { require.NoError(n.t, os.Remove(filepath.Join(n.folder, "sales-changed.hyper"))) }, looks: true},
		"a glance that cannot be read": {change: func(n *nights) {
			require.NoError(n.t, os.WriteFile(n.glanceFile(), []byte(`{"version":`), 0o600))
		}, looks: true},
		"a glance of another version": {change: func(n *nights) {
			text, err := os.ReadFile(n.glanceFile())
			require.NoError(n.t, err)
			require.NoError(n.t, os.WriteFile(n.glanceFile(), []byte(strings.Replace(string(text), `"version":`, `"version":9`, 1)), 0o600))
		}, looks: true},
	} {
		if c.kinds == nil {
			c.kinds = lakeKinds
		}
		for _, kind := range c.kinds {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				n := newNights(t, 9, kind)
				n.date, n.window = "2026-03-01", c.window
				if c.where != "" {
					n.where = c.where
				}
				_, err := runtest.Run(t, t.Context(), n.configure("changed", 1, ""), nil)
				require.NoError(t, err)
				n.spoil()
				if c.change != nil {
					c.change(n)
				}
				got, err := runtest.Reload(t, t.Context(), n.configure("changed", max(c.least, 1), c.more), c.reload, nil)
				if c.looks {
					require.ErrorContains(t, err, ".parquet")
				} else {
					require.NoError(t, err)
					assert.Equal(t, report.Unchanged, got.Status)
				}
			})
		}
	}
}

// The values of in_file, and whether samples may show some, count as the configuration does.
func TestAGlanceAtWhatIsBesideTheLake(t *testing.T) {
	n := newNights(t, 9, inFolders)
	codes := filepath.Join(n.folder, "codes.txt")
	require.NoError(t, os.WriteFile(codes, []byte("x\ny\n"), 0o600))
	cfg := runtest.Configure(t, n.folder, `name: codes
refresh: {mode: changed}
tables: [{source: {uri: "lake/**/*.parquet"}, rules: [{column: name, in_file: codes.txt}]}]
`)
	night := func(logValues bool) (*report.Report, error) {
		id, err := staging.NewRunID()
		require.NoError(t, err)
		runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
		require.NoError(t, err)
		return pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
			ID: id, Engine: runner, Log: slog.New(slog.DiscardHandler), LogValues: logValues,
		})
	}
	_, err := night(false)
	require.NoError(t, err)
	n.spoil()
	got, err := night(false)
	require.NoError(t, err)
	require.Equal(t, report.Unchanged, got.Status)
	_, err = night(true)
	require.ErrorContains(t, err, ".parquet")

	require.NoError(t, os.WriteFile(codes, []byte("x\nz\n"), 0o600))
	_, err = night(false)
	require.ErrorContains(t, err, ".parquet")
}

// On remote storage, an unchanged night asks for no data file, and as often for a large lake as for a small one.
func TestRequestsOfAnUnchangedNight(t *testing.T) {
	for _, kind := range lakeKinds {
		t.Run(string(kind), func(t *testing.T) {
			requests := map[int]int{}
			for _, more := range []int{1, 30} {
				n := newNights(t, 9, kind)
				n.addAtOnce(more)
				bucket, faults := storagetest.FakeGCS(t)
				require.NoError(t, filepath.WalkDir(n.lake(), func(path string, entry fs.DirEntry, err error) error {
					if err != nil || entry.IsDir() {
						return err
					}
					below, err := filepath.Rel(n.folder, path)
					if err == nil {
						_, err = storage.Upload(t.Context(), path, storage.Join(bucket, filepath.ToSlash(below)), storage.Any())
					}
					return err
				}))
				cfg := n.configure("changed", 1, "")
				cfg.Output.Path, cfg.Staging = storage.Join(bucket, "out/sales.hyper"), storage.Join(bucket, "stage")
				cfg.Tables[0].Rejects.Path = storage.Join(bucket, "bad")
				cfg.Tables[0].Source.URI = config.Globs{storage.Join(bucket, "lake")}
				cfg.Tables[0].Source.Bases = []string{storage.Join(bucket, "lake")}
				_, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				count := func() (all int) {
					for _, of := range []storagetest.Operation{storagetest.List, storagetest.Stat, storagetest.Read, storagetest.Write, storagetest.Delete} {
						all += faults.Count(of)
					}
					return all
				}
				for _, of := range []storagetest.Operation{storagetest.Stat, storagetest.Read} {
					faults.Inject(storagetest.Fault{On: of, Name: ".parquet", Status: 403})
				}
				before := count()
				got, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				require.Equal(t, report.Unchanged, got.Status)
				requests[len(n.files)] = count() - before
			}
			t.Log(requests, "requests by the number of files")
			assert.Equal(t, requests[9], requests[38])
		})
	}
}
