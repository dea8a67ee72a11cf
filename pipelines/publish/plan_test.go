package publish_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/starter"
)

// The section that init writes as a comment is good without the signs of one.
func TestStarterOfPublishing(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "odd: name, ünïcode", "a.parquet"), `[{"id": 1}]`, runtest.Field("id", runtest.Int64Type))
	text, err := starter.Write(t.Context(), filepath.Join(folder, "odd: name, ünïcode"), folder, config.FormatAuto)
	require.NoError(t, err)
	assert.Nil(t, runtest.Configure(t, folder, text).Publish)
	before, section, found := strings.Cut(text, "# publish:\n")
	require.True(t, found, text)
	cfg := runtest.Configure(t, folder, before+"publish:\n"+strings.ReplaceAll(section, "#  ", "  "))
	require.NotNil(t, cfg.Publish)
	assert.Equal(t, []string{"https://example.online.tableau.com", "marketing", "Sales/Nightly", cfg.Name, "overwrite"},
		[]string{cfg.Publish.Server, cfg.Publish.Site, cfg.Publish.Project, cfg.Publish.Datasource, string(cfg.Publish.Mode)})
}

func TestPlanOfPublishing(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "a.parquet"), `[{"id": 1}]`, runtest.Field("id", runtest.Int64Type))
	tables := "name: two\ntables:\n  - {name: facts, source: {uri: a.parquet}}\n  - {name: dims, source: {uri: a.parquet}, primary_key: [id]}\n"
	const address = "https://tableau.example.com"
	t.Setenv("tab_pat_name", runtest.TokenName)
	t.Setenv("tab_secret_id", runtest.TokenSecret)
	for name, test := range map[string]struct {
		publish, secret string
		problems        []string // parts of their messages
		missing         []string
	}{
		"good":                {publish: "{server: '" + address + "', project: A/B}", secret: runtest.TokenSecret},
		"no secret":           {publish: "{server: '" + address + "'}", missing: []string{"set tab_secret_id"}},
		"no server":           {publish: "{}", secret: runtest.TokenSecret, missing: []string{"no server to publish to is named"}},
		"tables are no tree":  {publish: "{server: '" + address + "', datasource: Both}", secret: runtest.TokenSecret, problems: []string{"foreign keys lead from one table to all others"}},
		"neither are columns": {publish: "{server: '" + address + "', mode: update, match: [nope]}", secret: runtest.TokenSecret, problems: []string{`lacks the column "nope"`, `lacks the column "nope"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("tab_secret_id", test.secret)
			own := strings.NewReplacer("facts,", "facts, datasource: Facts,", "dims,", "dims, datasource: Dims,").Replace(tables)
			if strings.Contains(test.publish, "Both") {
				own = tables
			}
			plan, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, own+"publish: "+test.publish+"\n"))
			require.NoError(t, err)
			told := func(problems []publish.Problem, want []string) {
				require.Len(t, problems, len(want))
				for i := range want {
					assert.Contains(t, problems[i].Message, want[i])
					assert.NotEmpty(t, problems[i].Hint)
					assert.NotContains(t, problems[i].Message+problems[i].Hint, runtest.TokenSecret)
				}
			}
			told(plan.Publish.Problems, test.problems)
			told(plan.Publish.Missing, test.missing)
			if len(test.problems) > 0 {
				require.ErrorContains(t, plan.Publish.Refusal(), test.problems[0])
				assert.True(t, failure.Of(plan.Publish.Refusal(), failure.Engine).Early)
			} else {
				require.NoError(t, plan.Publish.Refusal())
			}
			if strings.Contains(test.publish, "server") {
				assert.Equal(t, address, plan.Publish.Server)
			}
			if !strings.Contains(test.publish, "Both") {
				require.Len(t, plan.Publish.Datasources, 2)
				assert.Equal(t, publish.PlannedDatasource{Name: "Facts", Tables: []publish.PlannedTable{{Schema: "Extract", Name: "facts"}}}, plan.Publish.Datasources[0])
			}
		})
	}
	t.Run("an address with a password", func(t *testing.T) {
		t.Setenv("tab_site_url", "https://me:geheim@tableau.example.com")
		plan, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: one\ntables: [{source: {uri: a.parquet}}]\npublish: {}\n"))
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprintf("%+v", plan.Publish), "geheim")
		assert.Len(t, plan.Publish.Missing, 1)
	})
}
