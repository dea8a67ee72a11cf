package tableau_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestSetProperties(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{Users: []string{"anna", "Ben@Example.org"}})
	made, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Create))
	require.NoError(t, err)
	id := made.Datasource.ID
	ben, err := b.client.FindUser(t.Context(), "ben@example.org")
	require.NoError(t, err)
	_, err = b.client.FindUser(t.Context(), "be")
	require.True(t, tableau.IsNotFound(err), err)
	assert.Contains(t, tableau.Hint(err), "list of users")

	text, note, yes := `all "items" & <more>`, "by us", true
	wanted := tableau.Properties{
		Description: &text, Certified: &yes, CertificationNote: &note, OwnerID: &ben.ID, Tags: []string{"sales", "every night", "a,b"},
	}
	b.Inject(tableautest.Fault{Method: http.MethodPut, LoseReply: true})
	changed, err := b.client.SetProperties(t.Context(), id, wanted)
	require.NoError(t, err)
	assert.Equal(t, []string{"description", "certified", "certification_note", "owner", "tags"}, changed)
	stored := b.stored(t)
	assert.Equal(t, []any{text, true, note, "Ben@Example.org", []string{"sales", "every night", "a,b"}},
		[]any{stored.Description, stored.Certified, stored.CertificationNote, stored.Owner, stored.Tags})

	puts := len(b.sent(http.MethodPut, "/datasources/"))
	changed, err = b.client.SetProperties(t.Context(), id, wanted)
	require.NoError(t, err)
	assert.Empty(t, changed)
	assert.Len(t, b.sent(http.MethodPut, "/datasources/"), puts, "nothing differs, nothing is sent")

	no := false
	changed, err = b.client.SetProperties(t.Context(), id, tableau.Properties{Certified: &no, Tags: []string{"SALES", "new"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"certified", "tags"}, changed)
	stored = b.stored(t)
	assert.Equal(t, []any{text, false, note, []string{"sales", "every night", "a,b", "new"}},
		[]any{stored.Description, stored.Certified, stored.CertificationNote, stored.Tags}, "the rest stays")
}

func TestPropertiesFailApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Create))
	require.NoError(t, err)
	text := "text"
	wanted := tableau.Properties{Description: &text, Tags: []string{"a"}}
	b.Inject(tableautest.Fault{Method: http.MethodPut, Status: 403, Code: "403004"})
	changed, err := b.client.SetProperties(t.Context(), made.Datasource.ID, wanted)
	assert.Equal(t, "403004", tableau.Code(err))
	assert.Equal(t, []string{"tags"}, changed)
	changed, err = b.client.SetProperties(t.Context(), made.Datasource.ID, wanted)
	require.NoError(t, err)
	assert.Equal(t, []string{"description"}, changed)
	_, err = b.client.SetProperties(t.Context(), "nobody", wanted)
	assert.True(t, tableau.IsNotFound(err), err)
}

func TestListOfRevisions(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{Users: []string{"anna", "ben"}})
	for range 2 {
		_, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Overwrite))
		require.NoError(t, err)
	}
	id := b.stored(t).ID
	require.NoError(t, b.Overwrite(id, plainFile(t, 20)))
	all, err := b.client.Revisions(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.False(t, all[0].PublishedAt.IsZero())
	for i := range all {
		all[i].PublishedAt = all[0].PublishedAt
	}
	at := all[0].PublishedAt
	assert.Equal(t, []tableau.Revision{
		{Number: 3, PublishedAt: at, Publisher: "ben", Bytes: 20, Current: true},
		{Number: 2, PublishedAt: at, Publisher: "anna", Bytes: 10},
		{Number: 1, PublishedAt: at, Publisher: "anna", Bytes: 10},
	}, all)
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{
		Workbooks: []string{"Sales/Nightly/Orders", "Sales/Daily/Orders", "Sales/Daily/All, of it"}, Flows: []string{"Clean"}, Tasks: []string{"task-1"},
	})
	refresh := func(kind tableau.RefreshKind, name string) error {
		job, err := b.client.Refresh(t.Context(), kind, name)
		if err == nil {
			require.NotEmpty(t, job)
			_, err = b.client.WaitForJob(t.Context(), job, nil)
		}
		return err
	}
	require.NoError(t, refresh(tableau.RefreshWorkbook, "Sales/Daily/Orders"))
	require.NoError(t, refresh(tableau.RefreshWorkbook, "All, of it"))
	require.NoError(t, refresh(tableau.RunFlow, "default/Clean"))
	require.NoError(t, refresh(tableau.RunTask, "task-1"))
	assert.Equal(t, []string{"workbook Orders", "workbook All, of it", "flow Clean", "task task-1"}, b.Refreshed("marketing"))

	assert.ErrorContains(t, refresh(tableau.RefreshWorkbook, "Orders"), "several have that name")
	for kind, name := range map[tableau.RefreshKind]string{
		tableau.RefreshWorkbook: "Clean", tableau.RunFlow: "Sales/Clean", tableau.RunTask: "nobody's",
	} {
		err := refresh(kind, name)
		assert.True(t, tableau.IsNotFound(err), "%s: %v", name, err)
		assert.NotEmpty(t, tableau.Hint(err))
	}
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/run", FailJob: true})
	var failed *tableau.JobError
	assert.ErrorAs(t, refresh(tableau.RunFlow, "Clean"), &failed)
}

func TestRefreshThatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{Flows: []string{"Clean"}, JobTime: 1 << 40})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/run", LoseReply: true})
	job, err := b.client.Refresh(t.Context(), tableau.RunFlow, "Clean")
	require.NoError(t, err)
	assert.Empty(t, job)
	assert.Equal(t, []string{"flow Clean"}, b.Refreshed("marketing"), "once, though it was asked for twice")
}

func TestUpdateOfATableThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	action, err := tableau.NewAction(tableau.Insert, tableau.TableRef{Schema: "Extract", Name: "Extract"},
		tableau.TableRef{Schema: "Extract", Name: "Nope"}, nil)
	require.NoError(t, err)
	_, err = b.client.UpdateData(t.Context(), tableau.Update{
		DatasourceID: made.Datasource.ID, RequestID: "r", Actions: []tableau.Action{action}, Payload: items(t, "(2, 'two')"),
	})
	require.ErrorContains(t, err, "Tableau error 410012")
	assert.Contains(t, tableau.Hint(err), "check target")
}
