package publish_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

const described = "description: all items, tags: [sales, every night], certified: true, certification_note: by us, owner: anna"

func TestWhatIsSaidOfADatasource(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{Users: []string{"hyperlake", "anna"}})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	require.NoError(t, s.Describe(s.Datasources("marketing")[0].ID, "theirs"))

	for _, mode := range []string{"overwrite", "replace", "append", "insert", "upsert, match: [id]", "delete, match: [id]"} {
		s.StepClock(time.Minute) // a second in which the data source has changed need not pass then
		record := s.MustRun("mode: " + mode)
		assert.Empty(t, record.Publish.PropertiesChanged, mode)
		assert.Equal(t, "theirs", s.Datasources("marketing")[0].Description, "%s: what is not set stays", mode)
		s.Lake(runtest.Item(1, "a"+mode))
	}

	record := s.MustRun("mode: overwrite, " + described)
	assert.Equal(t, []string{"description", "certified", "certification_note", "owner", "tags"}, record.Publish.PropertiesChanged)
	stored := s.Datasources("marketing")[0]
	assert.Equal(t, []any{"all items", []string{"sales", "every night"}, true, "by us", "anna"},
		[]any{stored.Description, stored.Tags, stored.Certified, stored.CertificationNote, stored.Owner})

	// That changed the data source, but not by somebody else.
	s.StepClock(time.Minute)
	again, err := s.Publish(s.Config("mode: overwrite, if_changed: true, "+described), publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", again.Publish.Outcome)
	assert.Empty(t, again.Publish.PropertiesChanged)

	// Of rows that did not change, what is said may.
	s.StepClock(time.Minute)
	again, err = s.Publish(s.Config("mode: overwrite, if_changed: true, description: other"), publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", again.Publish.Outcome)
	assert.Equal(t, []string{"description"}, again.Publish.PropertiesChanged)
	s.StepClock(time.Minute)
	again, err = s.Publish(s.Config("mode: overwrite, if_changed: true, description: other"), publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", again.Publish.Outcome)

	s.StepClock(time.Minute)
	again, err = s.Publish(s.Config("description: by itself"), publish.Options{FollowUp: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"description"}, again.Publish.PropertiesChanged)
	again, err = s.Publish(s.Config("mode: overwrite, if_changed: true"), publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", again.Publish.Outcome)
}

func TestWhatFollowsFails(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{Workbooks: []string{"Sales/Nightly/Book"}})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	s.Lake(runtest.Item(2, "b"))
	s.StepClock(time.Minute)
	s.Inject(tableautest.Fault{Method: http.MethodPut, Path: "/datasources", Status: 403, Code: "403004"})
	keys := "mode: append, description: text, refresh: {workbooks: [Sales/Nightly/Book]}"
	record, err := s.Run(s.Config(keys))
	failed := requireUnpublished(t, record, err)
	assert.Contains(t, failed.Message, "the rows are in the data source, but: ")
	assert.Contains(t, failed.Hint, "--follow-up` repeats just that, and sends no rows")
	assert.Equal(t, "published", record.Publish.Outcome)
	assert.Equal(t, []string{"workbook Book"}, s.Refreshed("marketing"), "one failure keeps nothing else from it")

	for range 2 { // it may be repeated
		again, err := s.Publish(s.Config(keys), publish.Options{FollowUp: true})
		require.NoError(t, err)
		assert.Equal(t, report.Succeeded, again.Status)
		assert.Equal(t, "followed_up", again.Publish.Outcome)
		assert.Equal(t, "text", s.Datasources("marketing")[0].Description)
		assert.Equal(t, []string{"1|a", "2|b"}, s.Rows())
	}
	assert.Len(t, s.Refreshed("marketing"), 3)

	_, err = s.Publish(s.Config("mode: append, owner: nobody"), publish.Options{FollowUp: true})
	assert.ErrorContains(t, err, `find the user "nobody"`)
	require.NoError(t, s.Delete(s.Datasources("marketing")[0].ID))
	_, err = s.Publish(s.Config(keys), publish.Options{FollowUp: true})
	assert.ErrorContains(t, err, `find the data source "Items"`)
}

func TestRefreshOfWhatDepends(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{
		Workbooks: []string{"Sales/Nightly/Book", "Other/Book"}, Flows: []string{"Clean"}, Tasks: []string{"task-1"},
	})
	s.Lake(runtest.Item(1, "a"))
	const refresh = "mode: overwrite, if_changed: true, refresh: {workbooks: [Sales/Nightly/Book], flows: [Clean], tasks: [task-1], wait: true}"
	record := s.MustRun(refresh)
	require.Len(t, record.Publish.Refreshed, 3)
	assert.NotEmpty(t, record.Publish.Refreshed[0].JobID)
	assert.Equal(t, []string{"workbook Book", "flow Clean", "task task-1"}, s.Refreshed("marketing"))

	s.MustRun(refresh)
	assert.Len(t, s.Refreshed("marketing"), 3, "no row has changed")

	s.Lake(runtest.Item(2, "b"))
	s.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/run", FailJob: true})
	record, err := s.Run(s.Config(refresh))
	failed := requireUnpublished(t, record, err)
	assert.Contains(t, failed.Message, `refresh the flow "Clean": job `)
	assert.Len(t, s.Refreshed("marketing"), 6)

	_, err = s.Run(s.Config("mode: overwrite, refresh: {workbooks: [Book]}"))
	assert.Contains(t, failure.Of(err, failure.Engine).Message, "several have that name")
}

func TestSetsAndSeveralDatasourcesAreDescribed(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
	set := runtest.Configure(t, s.Folder, "name: items\noutput: {merge: none}\ntables: [{source: {uri: lake/*.parquet}, repartition: {by: [id], shards: 2}}]\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, description: in parts}\n")
	_, err := s.Run(set)
	require.NoError(t, err)
	assert.Equal(t, "in parts", s.Datasources("marketing")[0].Description)

	two := runtest.Configure(t, s.Folder, "name: two\ntables:\n  - {name: a, datasource: A, source: {uri: lake/*.parquet}}\n"+
		"  - {name: b, datasource: B, source: {uri: lake/*.parquet}}\npublish: {allow_http: true, tags: [both]}\n")
	s.Inject(tableautest.Fault{Method: http.MethodPut, Path: "/tags", Status: 403, Code: "403004"})
	record, err := s.Run(two)
	assert.Contains(t, requireUnpublished(t, record, err).Message, "add tags to the data source")
	stored := s.Datasources("marketing")
	require.Len(t, stored, 3, "the failure of one keeps no rows from the other")
	assert.Equal(t, [][]string{nil, {"both"}}, [][]string{stored[1].Tags, stored[2].Tags})
	_, err = s.Publish(two, publish.Options{FollowUp: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"both"}, s.Datasources("marketing")[1].Tags)
}
