package environment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/environment"
)

// secrets are variables that no program gets which is started here.
var secrets = []string{
	"tab_secret_id", "TAB_PAT_NAME", "tab_app_secret_value", "tab_secret_id_FILE", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "PGPASSWORD", "HYPER_INITIAL_USER_PASSWORD",
	"GITHUB_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OPENLINEAGE_API_KEY", "KRB5CCNAME", "SSH_AUTH_SOCK", "LAKE_PASSWORD", "SECRET",
}

func TestProgramsGetNoSecrets(t *testing.T) {
	for _, name := range secrets {
		t.Setenv(name, "canary")
	}
	t.Setenv("LC_NUMERIC", "cs_CZ.UTF-8")
	t.Setenv("HTTPS_PROXY", "http://proxy:3128")
	t.Setenv("pip_index_url", "https://index.example")
	t.Setenv("npm_config_registry", "https://registry.example")
	const path = "/bin:/usr/bin"
	t.Setenv("PATH", path)
	programs, fetching := environment.ForPrograms(), environment.ForFetching()
	for _, got := range [][]string{programs, fetching} {
		assert.NotContains(t, strings.Join(got, "\n"), "canary")
		assert.Contains(t, got, "PATH="+path)
		assert.Contains(t, got, "LC_NUMERIC=cs_CZ.UTF-8")
	}
	for _, needed := range []string{"HTTPS_PROXY=http://proxy:3128", "pip_index_url=https://index.example", "npm_config_registry=https://registry.example"} {
		assert.Contains(t, fetching, needed)
		assert.False(t, slices.Contains(programs, needed), needed)
	}
}

func TestIsInherited(t *testing.T) {
	for name, want := range map[string]bool{"PATH": true, "lc_hook": true, "PIP_X": true, "SLACK_URL": false, "tab_secret_id": false} {
		assert.Equal(t, want, environment.IsInherited(name), name)
	}
}
