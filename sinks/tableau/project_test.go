package tableau_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestProjectPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		`Sales`:              {"Sales"},
		`Sales/Nightly`:      {"Sales", "Nightly"},
		`A\/B/C`:             {"A/B", "C"},
		`back\\slash/x`:      {`back\slash`, "x"},
		`not\an escape`:      {`not\an escape`},
		` Sales / Nightly `:  {"Sales", "Nightly"},
		`Prodej/Noční výtah`: {"Prodej", "Noční výtah"},
		`end\`:               {`end\`},
	} {
		got, err := tableau.ParseProjectPath(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, got, path)
		again, err := tableau.ParseProjectPath(tableau.FormatProjectPath(got...))
		require.NoError(t, err)
		assert.Equal(t, want, again, path)
	}
	for _, path := range []string{"", "/", "Sales/", "/Sales", "Sales//Nightly", "Sales/ /x"} {
		_, err := tableau.ParseProjectPath(path)
		assert.ErrorContains(t, err, "empty name", path)
	}
}

func TestFindProject(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	for path, hint := range map[string]string{
		"sales":              `there is "Sales": upper and lower case matter, and blanks`,
		"Sales/Weekly":       `there are "Nightly", "Daily"`,
		"Nightly":            `there are "default", "Sales", "Other"`,
		"Sales/Nightly/Deep": "create_project: true",
	} {
		_, err := b.client.FindProject(t.Context(), path)
		assert.True(t, tableau.IsNotFound(err), path)
		assert.Contains(t, tableau.Hint(err), hint, path)
	}
	_, err := b.client.FindProject(t.Context(), "Sales//x")
	assert.False(t, tableau.IsNotFound(err))
	assert.ErrorContains(t, err, "empty name")
}

func TestEnsureProject(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.EnsureProject(t.Context(), `Sales/A\/B, C & D/Deep`)
	require.NoError(t, err)
	found, err := b.client.FindProject(t.Context(), `Sales/A\/B, C & D/Deep`)
	require.NoError(t, err)
	assert.Equal(t, made.ID, found.ID)
	assert.Len(t, b.sent(http.MethodPost, "/projects"), 2)

	again, err := b.client.EnsureProject(t.Context(), `Sales/A\/B, C & D/Deep`)
	require.NoError(t, err)
	assert.Equal(t, made.ID, again.ID)
	assert.Len(t, b.sent(http.MethodPost, "/projects"), 2)
}

func TestEnsureProjectUnderFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]tableautest.Fault{
		"reply lost":   {LoseReply: true},
		"request lost": {LoseRequest: true},
		"server ill":   {Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			fault.Method, fault.Path = http.MethodPost, "/projects"
			b.Inject(fault)
			made, err := b.client.EnsureProject(t.Context(), "New")
			require.NoError(t, err)
			found, err := b.client.FindProject(t.Context(), "New")
			require.NoError(t, err)
			assert.Equal(t, found, made)
		})
	}
}

func TestManyMakeTheSameProject(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	var group sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		group.Go(func() {
			made, err := b.client.EnsureProject(t.Context(), "Shared/Deep")
			assert.NoError(t, err)
			ids[i] = made.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
}
