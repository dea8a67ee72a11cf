package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/config"
)

func TestVariablesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	cfg := config.Config{
		Tables: []config.TableConfig{{}, {Source: config.SourceConfig{Catalog: &config.CatalogConfig{TokenEnv: "CATALOG_TOKEN"}}}},
		Ingest: []config.IngestConfig{
			{Postgres: &config.IngestPostgres{URLEnv: "PG_URL"}}, {Postgres: &config.IngestPostgres{}}, {CSV: &config.IngestCSV{}},
			{HTTP: &config.IngestHTTP{HeaderEnv: map[string]string{"Authorization": "API_TOKEN", "X-Other": "API_OTHER"}}},
			{Command: &config.IngestCommand{Environment: []string{"CRM_TOKEN", "PG_URL"}}},
		},
		Notify: []config.NotifyConfig{{URLEnv: "TEAM_URL"}, {PingEnv: "SWITCH_URL"}, {Command: []string{"./tell.sh"}, Environment: []string{"SMTP_HOST"}}},
	}
	assert.Equal(t, []string{
		"API_OTHER", "API_TOKEN", "CATALOG_TOKEN", "CRM_TOKEN", "PG_URL", "SMTP_HOST", "SWITCH_URL", "TEAM_URL",
	}, cfg.Variables())
	assert.Empty(t, (&config.Config{}).Variables())
}
