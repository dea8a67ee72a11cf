package tableau_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
)

func lookupIn(variables map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		value, ok := variables[key]
		return value, ok
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("from file\r\n"), 0o600))
	for name, variables := range map[string]map[string]string{
		"lower case": {"tab_pat_name": "n", "tab_secret_id": "from file"},
		"upper case": {"TAB_PAT_NAME": "n", "TAB_SECRET_ID": "from file"},
		"file":       {"tab_pat_name": "n", "tab_secret_id_FILE": file},
		"lower file": {"tab_pat_name": "n", "tab_secret_id_file": file},
		"upper file": {"TAB_PAT_NAME": "n", "TAB_SECRET_ID_FILE": file},
		"both":       {"tab_pat_name": "n", "tab_secret_id": "from file", "TAB_SECRET_ID": "other", "TAB_SECRET_ID_FILE": "missing"},
		"empty":      {"tab_pat_name": "", "TAB_PAT_NAME": "n", "tab_secret_id": "", "TAB_SECRET_ID": "from file"},
	} {
		variables["tab_site_url"], variables["TAB_SITE_ID"], variables["tab_api_version"] = "https://example.com", "marketing", "3.21"
		found, err := tableau.FromEnvironment(lookupIn(variables))
		require.NoError(t, err, name)
		assert.Equal(t, "https://example.com", found.Server)
		assert.Equal(t, "marketing", found.Site)
		assert.Equal(t, "3.21", found.APIVersion)
		token, ok := found.Credentials.(tableau.PersonalAccessToken)
		require.True(t, ok, name)
		assert.Equal(t, "n", token.Name, name)
		assert.Equal(t, "from file", token.Secret.Reveal(), name)
	}
}

func TestConnectedAppFromEnvironment(t *testing.T) {
	t.Parallel()
	found, err := tableau.FromEnvironment(lookupIn(map[string]string{
		"tab_app_client_id": "c", "TAB_APP_SECRET_ID": "i", "tab_app_secret_value": "v", "tab_app_user": "u@example.com",
	}))
	require.NoError(t, err)
	app, ok := found.Credentials.(tableau.ConnectedApp)
	require.True(t, ok)
	assert.Equal(t, []string{"c", "i", "v", "u@example.com"}, []string{app.ClientID, app.SecretID, app.SecretValue.Reveal(), app.User})
}

func TestEnvironmentThatDoesNotDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		variables map[string]string
		text      string
		none      bool
	}{
		"nothing":      {nil, "set tab_pat_name, tab_secret_id", true},
		"no secret":    {map[string]string{"tab_pat_name": "n"}, "set tab_secret_id", true},
		"no name":      {map[string]string{"TAB_SECRET_ID": "geheim"}, "set tab_pat_name", true},
		"half an app":  {map[string]string{"tab_app_client_id": "c", "tab_app_secret_value": "geheim"}, "tab_app_user", true},
		"both kinds":   {map[string]string{"tab_pat_name": "n", "tab_secret_id": "geheim", "tab_app_client_id": "c"}, "read the credentials", false},
		"missing file": {map[string]string{"tab_pat_name": "n", "tab_secret_id_FILE": filepath.Join(t.TempDir(), "no")}, "the file that tab_secret_id_FILE names", false},
	} {
		_, err := tableau.FromEnvironment(lookupIn(test.variables))
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), test.text, name)
		assert.NotContains(t, err.Error()+tableau.Hint(err), "geheim", name)
		assert.NotEmpty(t, tableau.Hint(err), name)
		if test.none {
			assert.ErrorIs(t, err, tableau.ErrNoCredentials, name)
			assert.True(t, tableau.Failure(err).Early, name)
		}
	}
}
