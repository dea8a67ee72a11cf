package publish_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// Reading the extract is told, as is sending it, to the last byte.
func TestProgressOfPublishing(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	built := s.MustRun("mode: create")
	var stages []string
	var last report.Progress
	_, err := s.Publish(s.Config("mode: overwrite"), publish.Options{Progress: func(p report.Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
		last = p
	}})
	require.NoError(t, err, failure.Of(err, failure.Engine))
	assert.Equal(t, []string{"read the extract", "publish", "read the extract", "publish"}, stages)
	assert.Equal(t, built.Output.Bytes, last.Bytes)
	assert.Equal(t, built.Output.Bytes, last.TotalBytes)
}
