package publish_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// A night on which nothing changed publishes what is not published, and nothing twice.
func TestAnUnchangedExtractIsPublishedOnce(t *testing.T) {
	for _, mode := range []config.PublishMode{"create", "overwrite", "append"} {
		t.Run(string(mode), func(t *testing.T) {
			s := runtest.OpenShop(t, tableautest.Config{})
			var before []string
			if mode == "append" {
				s.Lake(runtest.Item(0, "z"))
				s.MustRun("mode: create")
				before = s.Rows()
			}
			s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
			cfg := s.Config("mode: " + string(mode))
			cfg.Refresh.Mode = config.RefreshChanged
			never := *cfg
			never.Publish = nil
			_, err := s.Run(&never)
			require.NoError(t, err)
			path := filepath.Join(s.Folder, "lake", "items.parquet") // which nobody has to read any more
			stat, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, make([]byte, stat.Size()), 0o600))
			require.NoError(t, os.Chtimes(path, stat.ModTime(), stat.ModTime()))
			sent := s.CountRequests("POST", "/datasources")
			s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Status: 403, Code: "403008"})
			record, err := s.Run(cfg)
			_ = requireUnpublished(t, record, err)
			require.Equal(t, report.RefreshUnchanged, record.Refresh.Mode)
			for range 2 {
				record, err = s.Run(cfg)
				require.NoError(t, err)
				assert.Equal(t, report.Unchanged, record.Status)
				assert.Equal(t, append(slices.Clone(before), "1|a", "2|b"), s.Rows())
			}
			assert.Equal(t, "unchanged", record.Publish.Outcome)
			assert.Equal(t, sent+2, s.CountRequests("POST", "/datasources"), "one was refused")

			s.Lake(runtest.Item(3, "c"))
			_, err = s.Run(&never)
			require.NoError(t, err)
			if mode == "create" {
				return // there is one by now
			}
			record, err = s.Run(cfg)
			require.NoError(t, err)
			assert.Equal(t, report.Unchanged, record.Status, "built before, and published now")
			assert.Equal(t, "published", record.Publish.Outcome)
			assert.Equal(t, map[config.PublishMode][]string{"overwrite": {"3|c"}, "append": {"0|z", "1|a", "2|b", "3|c"}}[mode], s.Rows())
		})
	}
}
