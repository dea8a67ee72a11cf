package publish_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

func TestPublishBelowHiddenProject(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	cfg := s.Config("mode: overwrite")
	client, err := publish.NewClient(cfg, nil)
	require.NoError(t, err)
	project, err := client.FindProject(t.Context(), "Sales/Nightly")
	require.NoError(t, err)
	s.HideProjects("Sales")

	record, err := s.Run(cfg)
	failed := requireUnpublished(t, record, err)
	assert.Contains(t, failed.Message, `find the project "Sales/Nightly": project "Sales" not found at the top of the site`)
	assert.Contains(t, failed.Hint, "project_id: "+project.ID)

	cfg.Publish.Project, cfg.Publish.ProjectID = "", project.ID // as the hint says
	record, err = s.Publish(cfg, publish.Options{})
	require.NoError(t, err, failure.Of(err, failure.Engine))
	assert.Equal(t, project.ID, record.Publish.Project)
	assert.Equal(t, []string{"1|a"}, s.Rows())
	assert.Equal(t, "Nightly", s.Datasources("marketing")[0].Project)
}
