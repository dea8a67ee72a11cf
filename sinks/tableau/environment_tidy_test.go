package tableau_test

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
)

// TestWhatStandsAroundValues reads values as editors, shells and spreadsheets leave them.
func TestWhatStandsAroundValues(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t/of+the==:token"
	for name, around := range map[string][2]string{
		"line end": {"", "\n"}, "CR LF": {"", "\r\n"}, "mark": {"\ufeff", ""}, "mark and CR LF": {"\ufeff", "\r\n"}, "blanks": {"  ", " \t"},
		"blank lines": {"\n\n", "\n\n"}, "other blanks": {"\u00a0", "\u2003\u200b"}, "mark after a blank": {" \ufeff ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dressed := func(value string) string { return around[0] + value + around[1] }
			file := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(file, []byte(dressed(secret)), 0o600))
			for _, variables := range []map[string]string{{"tab_secret_id": dressed(secret)}, {"TAB_SECRET_ID_FILE": file}} {
				variables["tab_pat_name"], variables["tab_site_url"] = dressed("my token"), dressed("https://example.com")
				variables["tab_site_id"], variables["tab_api_version"] = dressed("marketing"), dressed("3.21")
				found, err := tableau.FromEnvironment(lookupIn(variables))
				require.NoError(t, err)
				token, _ := found.Credentials.(tableau.PersonalAccessToken)
				assert.Equal(t, []string{"my token", secret, "https://example.com", "marketing", "3.21"},
					[]string{token.Name, token.Secret.Reveal(), found.Server, found.Site, found.APIVersion})
			}
			client := &tableau.Client{Server: dressed("https://Example.com/")}
			assert.Equal(t, "https://example.com", client.Address())
		})
	}
}

func TestValuesThatAreNone(t *testing.T) {
	t.Parallel()
	wide := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune("geheim\r\n")) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for name, test := range map[string]struct{ content, text string }{
		"two lines": {"geheim\ngeheim2\n", "the file that tab_secret_id_FILE names holds line ends"},
		"UTF-16":    {string(wide), "the file that tab_secret_id_FILE names holds"},
		"bytes":     {"geheim\x80\xff", "the file that tab_secret_id_FILE names holds"},
		"NUL":       {"geheim\x00", "the file that tab_secret_id_FILE names holds"},
		"empty":     {"\ufeff \r\n", "the file that tab_secret_id_FILE names is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(file, []byte(test.content), 0o600))
			_, err := tableau.FromEnvironment(lookupIn(map[string]string{"tab_pat_name": "n", "tab_secret_id_FILE": file}))
			require.ErrorContains(t, err, test.text)
			assert.NotContains(t, err.Error()+tableau.Hint(err), "geheim")
			assert.NotEmpty(t, tableau.Hint(err))
		})
	}
	_, err := tableau.FromEnvironment(lookupIn(map[string]string{"tab_pat_name": "n", "tab_secret_id": "geheim\ngeheim2"}))
	require.ErrorContains(t, err, "the variable tab_secret_id holds line ends")
	assert.NotContains(t, err.Error(), "geheim")
}
