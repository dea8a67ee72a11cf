//go:build faults

package publish_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// setConfig is a configuration without a merge that publishes, in three extracts.
func setConfig(s *runtest.Shop, keys, output string) *config.Config {
	s.T.Helper()
	return runtest.Configure(s.T, s.Folder, "name: items\noutput: {merge: none"+output+"}\n"+
		"tables: [{source: {uri: lake/*.parquet}, repartition: {by: [id], shards: 3}}]\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, "+keys+"}\n")
}

// fill replaces the rows of the lake by many, and returns them as the data source has them.
func fill(s *runtest.Shop, rows int) (want []string) {
	s.T.Helper()
	var items []string
	for i := range rows {
		items = append(items, runtest.Item(i+10, "x"))
		want = append(want, fmt.Sprintf("%d|x", i+10))
	}
	s.Lake(items...)
	return want
}

func TestSetIsPublished(t *testing.T) {
	for mode, remote := range map[string]bool{"create": false, "overwrite": true} {
		t.Run(fmt.Sprintf("%s, remote %t", mode, remote), func(t *testing.T) {
			s, output := runtest.OpenShop(t, tableautest.Config{}), ""
			want := fill(s, 30)
			if remote {
				bucket, _ := storagetest.FakeGCS(t)
				output = fmt.Sprintf(", path: %q", storage.Join(bucket, "items.hyper"))
			}
			record, err := s.Run(setConfig(s, "mode: "+mode, output))
			require.NoError(t, err)
			assert.Equal(t, report.Succeeded, record.Status)
			assert.Equal(t, "published", record.Publish.Outcome)
			assert.Equal(t, 3, record.Publish.Parts)
			assert.EqualValues(t, 30, record.Publish.Rows)
			assert.Equal(t, want, s.Rows())
			assert.Equal(t, 3, s.CountRequests("POST", "/datasources"))

			want = fill(s, 40)
			cfg := setConfig(s, "mode: overwrite", output)
			_, err = s.Run(cfg)
			require.NoError(t, err)
			assert.Equal(t, want, s.Rows(), "the set before is replaced")
			again, err := s.Publish(cfg, publish.Options{})
			require.NoError(t, err)
			assert.Len(t, again.Outputs, 3)
			assert.Equal(t, want, s.Rows(), "so it is by the same set")
		})
	}
}

// Whatever goes wrong, and wherever, repetitions end with every row once.
func TestSetGoesOnWhereItStopped(t *testing.T) {
	refused := func(skip int) tableautest.Fault {
		return tableautest.Fault{Method: "POST", Path: "/datasources", Skip: skip, Status: 403, Code: "403008"}
	}
	for skip := range 3 {
		t.Run(fmt.Sprintf("extract %d is refused", skip+1), func(t *testing.T) {
			s := runtest.OpenShop(t, tableautest.Config{})
			want := fill(s, 30)
			s.Inject(refused(skip))
			cfg := setConfig(s, "mode: create", "")
			record, err := s.Run(cfg)
			require.ErrorContains(t, err, fmt.Sprintf("extract %d of 3: ", skip+1))
			assert.Equal(t, report.Unpublished, record.Status)
			assert.Equal(t, skip, record.Publish.Parts)
			ways := map[bool]string{true: "` repeats just the publishing", false: "` goes on with the first extract that is not there"}
			assert.Contains(t, record.Error.Hint, ways[skip == 0])
			again, err := s.Publish(cfg, publish.Options{})
			require.NoError(t, err)
			assert.Equal(t, 3-skip, again.Publish.Parts, "what is there is not sent again")
			assert.Equal(t, want, s.Rows())
		})
	}
	t.Run("the reply to an append is lost", func(t *testing.T) {
		s := runtest.OpenShop(t, tableautest.Config{})
		want := fill(s, 30)
		s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, LoseReply: true})
		report, err := s.Run(setConfig(s, "mode: create, confirm: download", ""))
		require.NoError(t, err)
		assert.True(t, report.Publish.Confirmed)
		assert.Equal(t, 2, report.Publish.Parts, "the one in doubt was found, not sent again")
		assert.Equal(t, want, s.Rows())
	})
}

// A night on which nothing changed publishes what of the set is not published, and nothing twice.
func TestAnUnchangedSetIsPublishedOnce(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	want := fill(s, 30)
	cfg := setConfig(s, "mode: overwrite", "")
	cfg.Refresh.Mode = config.RefreshChanged
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, Status: 403, Code: "403008"})
	record, err := s.Run(cfg)
	require.ErrorContains(t, err, "extract 2 of 3: ")
	outputs, tables := record.Outputs, record.Tables
	for _, parts := range []int{2, 0} {
		record, err = s.Run(cfg)
		require.NoError(t, err)
		assert.Equal(t, report.Unchanged, record.Status)
		assert.Equal(t, parts, record.Publish.Parts)
		assert.Equal(t, outputs, record.Outputs)
		assert.Equal(t, tables, record.Tables)
		assert.Equal(t, want, s.Rows())
	}
	assert.Equal(t, "unchanged", record.Publish.Outcome)

	want = fill(s, 20)
	record, err = s.Run(cfg)
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, record.Status)
	assert.Equal(t, want, s.Rows())
}

// An extract that may be there stops everything, until all are sent again.
func TestSetOfUnknownOutcome(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	want := fill(s, 30)
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, LoseRequest: true})
	cfg := setConfig(s, "mode: overwrite, timeout: 10s", "")
	report, err := s.Run(cfg)
	hint := requireUnknownSet(t, report, err)
	assert.Contains(t, hint, " --force` sends all extracts again")
	sent := s.CountRequests("POST", "/datasources")
	report, err = s.Publish(cfg, publish.Options{})
	hint = requireUnknownSet(t, report, err)
	assert.Contains(t, err.Error(), `nobody knows whether extract 2 of 3 is in the data source "Items"`)
	assert.Contains(t, hint, "`hyperlake publish "+cfg.Output.Path+" --force` sends all extracts again, the first of which replaces what is there")
	assert.Equal(t, sent, s.CountRequests("POST", "/datasources"))
	cfg = setConfig(s, "mode: overwrite", "")
	_, err = s.Publish(cfg, publish.Options{Force: true})
	require.NoError(t, err)
	assert.Equal(t, want, s.Rows())
}

func requireUnknownSet(t *testing.T, record *report.Report, err error) (hint string) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, report.Unpublished, record.Status)
	assert.Equal(t, "unknown", record.Publish.Outcome)
	return record.Error.Hint
}

// When somebody else changed the data source, appending to it would mix what is his with
// what is ours: all begins again.
func TestSetBeginsAgain(t *testing.T) {
	change := map[string]func(s *runtest.Shop){
		"changed by somebody else": func(s *runtest.Shop) {
			stored := s.Datasources("marketing")[0]
			s.SetUpdated(stored.ID, stored.Updated.Add(time.Hour))
		},
		"another set since": func(s *runtest.Shop) {
			fill(s, 20)
			_, err := s.Run(setConfig(s, "mode: overwrite", ""))
			require.NoError(s.T, err)
		},
	}
	for name, change := range change {
		t.Run(name, func(t *testing.T) {
			s := runtest.OpenShop(t, tableautest.Config{})
			want := fill(s, 30)
			s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 2, Status: 403, Code: "403008"})
			cfg := setConfig(s, "mode: overwrite", "")
			_, err := s.Run(cfg)
			require.Error(t, err)
			list, err := os.ReadFile(output.SetPath(cfg.Output.Path))
			require.NoError(t, err)
			change(s)
			if name == "another set since" {
				want = want[:20]
				now, err := os.ReadFile(output.SetPath(cfg.Output.Path))
				require.NoError(t, err)
				require.NotEqual(t, list, now)
			}
			report, err := s.Publish(cfg, publish.Options{})
			require.NoError(t, err)
			assert.Equal(t, 3, report.Publish.Parts)
			assert.Equal(t, want, s.Rows())
		})
	}
}

// What is sent is what the run wrote, all of it, or nothing.
func TestSetMustBeWhole(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	fill(s, 30)
	cfg := setConfig(s, "mode: overwrite", "")
	cfg.Publish = nil
	report, err := s.Run(cfg)
	require.NoError(t, err)
	cfg = setConfig(s, "mode: overwrite", "")
	data, err := os.ReadFile(report.Outputs[0].Path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(report.Outputs[0].Path, append(data, 0), 0o600))
	_, err = s.Publish(cfg, publish.Options{})
	require.ErrorContains(t, err, "it is not the file that was written")
	require.NoError(t, os.Remove(output.SetPath(cfg.Output.Path)))
	_, err = s.Publish(cfg, publish.Options{})
	require.ErrorContains(t, err, "there is no whole set of extracts")
	assert.Zero(t, s.CountRequests("POST", "/datasources"))
}
