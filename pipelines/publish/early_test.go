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

// TestWhatIsKnownBeforeItIsSent publishes an extract that stands there: what is known without sending
// anything is early (exit code 2), and what the server says is not.
func TestWhatIsKnownBeforeItIsSent(t *testing.T) {
	for name, test := range map[string]struct {
		keys      string
		variables map[string]string
		server    tableautest.Config
		hidden    string // a project
		message   string
		late      bool
	}{
		"a version that is none":   {keys: "mode: overwrite", variables: map[string]string{"tab_api_version": "new"}, message: `version "new" is not like 3.28`},
		"a version that is old":    {keys: "mode: overwrite", variables: map[string]string{"tab_api_version": "3.5"}, message: "these credentials need 3.6"},
		"a version before updates": {keys: "mode: insert", variables: map[string]string{"tab_api_version": "3.11"}, message: "data updates need 3.12"},
		"a server before updates":  {keys: "mode: insert", server: tableautest.Config{API: "3.11"}, message: "speaks version 3.11 of the REST API, and data updates need 3.12"},
		"a column that is missing": {keys: "mode: update, match: [ident]", message: `the payload lacks the column "ident" of match`},
		"a payload too large":      {keys: "mode: update, match: [id], payload_bytes: 1000", message: "but the server takes at most 1000"},
		"a server that is missing": {keys: "mode: overwrite", variables: map[string]string{"tab_site_url": " "}, message: "no server to publish to is named"},
		"an existing data source":  {keys: "mode: create", message: "exists already", late: true},
		"a project that is not":    {keys: "mode: overwrite", hidden: "Sales", message: `project "Sales" not found`, late: true},
		"a site that is not":       {keys: "mode: overwrite", variables: map[string]string{"tab_site_id": "elsewhere"}, message: "sign in", late: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := runtest.OpenShop(t, test.server)
			s.Lake(runtest.Item(1, "a"))
			s.MustRun("mode: create")
			s.HideProjects(test.hidden)
			sent := s.CountRequests("POST", "/datasources") + s.CountRequests("POST", "/fileUploads")
			for variable, value := range test.variables {
				t.Setenv(variable, value)
			}
			_, err := s.Publish(s.Config(test.keys), publish.Options{})
			require.Error(t, err)
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, failure.Publish, failed.Kind)
			assert.Contains(t, failed.Message, test.message)
			assert.NotEmpty(t, failed.Hint)
			assert.Equal(t, !test.late, failed.Early, failed)
			assert.Equal(t, sent, s.CountRequests("POST", "/datasources")+s.CountRequests("POST", "/fileUploads"))
		})
	}
}
