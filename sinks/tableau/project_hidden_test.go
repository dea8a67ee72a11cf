package tableau_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestProjectBelowHiddenOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	deep, err := b.client.EnsureProject(t.Context(), "Sales/Nightly/Deep")
	require.NoError(t, err)
	b.HideProjects("Sales")

	found, err := b.client.ProjectWithID(t.Context(), deep.ID)
	require.NoError(t, err)
	assert.Equal(t, deep, found)

	_, err = b.client.FindProject(t.Context(), "Nightly/Deep")
	assert.True(t, tableau.IsNotFound(err), "it is not at the top")
	assert.Contains(t, tableau.Hint(err), "project_id: "+deep.ID)
	_, err = b.client.FindProject(t.Context(), "Sales/Nightly/Deep")
	assert.True(t, tableau.IsNotFound(err))
	require.ErrorContains(t, err, `project "Sales" not found at the top of the site`)
	assert.Contains(t, tableau.Hint(err), "project_id: "+deep.ID)
	_, err = b.client.FindProject(t.Context(), "Sales/Other/Deep")
	assert.NotContains(t, tableau.Hint(err), deep.ID, "a part of its path that can be seen is another")
	assert.Contains(t, tableau.Hint(err), "project_id")

	before := len(b.sent(http.MethodPost, "/projects"))
	_, err = b.client.EnsureProject(t.Context(), "Sales/Nightly/Deep")
	assert.True(t, tableau.IsConflict(err))
	assert.Contains(t, tableau.Hint(err), "which the user cannot see")
	assert.Len(t, b.sent(http.MethodPost, "/projects"), before+1)

	_, err = b.client.ProjectWithID(t.Context(), "42")
	assert.True(t, tableau.IsNotFound(err))
	assert.Contains(t, tableau.Hint(err), "the number in the browser's address is another")
}

// TestProjectWithoutItsParent reads a listing that tells of a hidden parent nothing but that there is one.
func TestProjectWithoutItsParent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/3.28/auth/signin":
			_, _ = fmt.Fprint(w, `<tsResponse><credentials token="t"><site id="s"/></credentials></tsResponse>`)
		default:
			_, _ = fmt.Fprint(w, `<tsResponse><pagination totalAvailable="2"/><projects><project id="1" name="Default" topLevelProject="false"/>`+
				`<project id="2" name="Nightly" topLevelProject="false"/></projects></tsResponse>`)
		}
	}))
	t.Cleanup(server.Close)
	client := &tableau.Client{
		Server: server.URL, AllowHTTP: true, APIVersion: "3.28",
		Credentials: tableau.PersonalAccessToken{Name: tokenName, Secret: tableau.NewSecret(tokenSecret)},
	}
	for _, path := range []string{"", "Nightly"} {
		_, err := client.FindProject(t.Context(), path)
		assert.True(t, tableau.IsNotFound(err), path)
		assert.Contains(t, tableau.Hint(err), "project_id", path)
	}
	_, err := client.FindProject(t.Context(), "Sales/Nightly")
	assert.Contains(t, tableau.Hint(err), "project_id: 2")
}

func TestProjectsOfOneName(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.AddProject("marketing", "Twice")
	first, err := b.client.FindProject(t.Context(), "Twice")
	require.NoError(t, err)
	b.AddProject("marketing", "Twice")
	_, err = b.client.FindProject(t.Context(), "Twice")
	require.ErrorContains(t, err, `there are 2 projects "Twice" (`+first.ID+", ")
	assert.Contains(t, tableau.Hint(err), "by its id, as project_id")
	found, err := b.client.ProjectWithID(t.Context(), first.ID)
	require.NoError(t, err)
	assert.Equal(t, first, found)
}

func TestProjectNamesWithBlanks(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	plain, err := b.client.EnsureProject(t.Context(), "Blanks")
	require.NoError(t, err)
	leading, err := b.client.EnsureProject(t.Context(), "Blanks/ Leading ")
	require.NoError(t, err)
	assert.Equal(t, "Leading", leading.Name, "what is made has no blanks around its name")
	b.AddProject("marketing", " Blanks")
	b.AddProject("marketing", "Blanks ")

	for path, name := range map[string]string{"Blanks": "Blanks", " Blanks": " Blanks", "Blanks ": "Blanks ", " Blanks ": "Blanks"} {
		found, err := b.client.FindProject(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, name, found.Name, "%q", path)
	}
	found, err := b.client.FindProject(t.Context(), " Sales / Nightly ")
	require.NoError(t, err, "blanks for the eye")
	assert.Equal(t, b.project, found)
	_, err = b.client.FindProject(t.Context(), "Blanks /Leading")
	assert.True(t, tableau.IsNotFound(err), "it is in the one without blanks")
	assert.NotEqual(t, plain.ID, found.ID)
	b.AddProject("marketing", " Only")
	_, err = b.client.FindProject(t.Context(), "Only")
	assert.Contains(t, tableau.Hint(err), `there is " Only": upper and lower case matter, and blanks`)
}
