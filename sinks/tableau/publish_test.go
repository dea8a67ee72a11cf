package tableau_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestPublishModes(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	first, second := items(t, "(1, 'one')"), items(t, "(2, 'two')")

	_, err := b.client.Publish(t.Context(), b.publication(first, tableau.Append))
	assert.True(t, tableau.IsNotFound(err), err)
	assert.Contains(t, tableau.Hint(err), "publish it first")

	made, err := b.client.Publish(t.Context(), b.publication(first, tableau.Create))
	require.NoError(t, err)
	assert.Equal(t, b.stored(t).ID, made.Datasource.ID)
	assert.Equal(t, b.project.ID, made.Datasource.ProjectID)
	assert.Equal(t, sum(t, first), sum(t, b.stored(t).Path))
	assert.Equal(t, "Line items", b.stored(t).Name)
	assert.Equal(t, "Nightly", b.stored(t).Project)

	_, err = b.client.Publish(t.Context(), b.publication(first, tableau.Create))
	assert.True(t, tableau.IsConflict(err), err)
	assert.ErrorIs(t, err, tableau.ErrExists)

	for _, mode := range []tableau.Mode{tableau.Overwrite, tableau.Replace} {
		again, err := b.client.Publish(t.Context(), b.publication(second, mode))
		require.NoError(t, err)
		assert.Equal(t, made.Datasource.ID, again.Datasource.ID)
		assert.Equal(t, sum(t, second), sum(t, b.stored(t).Path))
	}

	_, err = b.client.Publish(t.Context(), b.publication(first, tableau.Append))
	require.NoError(t, err)
	assert.Equal(t, []string{"1 one", "2 two"}, rows(t, b.stored(t).Path))
}

func TestPublishAsJobFindsTheDatasource(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{JobTime: 50 * time.Millisecond})
	file := plainFile(t, 1000)
	publication := b.publication(file, tableau.Overwrite)
	publication.AsJob = tableau.JobAlways
	var states []tableau.Job
	publication.JobProgress = func(job tableau.Job) { states = append(states, job) }

	b.Inject(tableautest.Fault{Method: http.MethodGet, Path: "/jobs/", EarlyFinishCode: true, Times: 2})
	published, err := b.client.Publish(t.Context(), publication)
	require.NoError(t, err)
	assert.Equal(t, b.stored(t).ID, published.Datasource.ID)
	assert.NotEmpty(t, published.JobID)
	require.GreaterOrEqual(t, len(states), 3, "an early finish code ended the wait")
	assert.False(t, states[0].Done())
	assert.True(t, states[len(states)-1].Done())
	assert.Equal(t, 100, states[len(states)-1].Progress)
}

func TestPublishTellsWhyAJobFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	_, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)

	other := hyperFile(t, `CREATE SCHEMA "%s"."Extract"`, `CREATE TABLE "%s"."Extract"."Extract" ("key" BIGINT)`)
	publication := b.publication(other, tableau.Append)
	publication.AsJob = tableau.JobAlways
	_, err = b.client.Publish(t.Context(), publication)
	var failed *tableau.JobError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, err.Error(), "the columns of the file are not those of the data source")
	assert.Contains(t, tableau.Hint(err), "several tables without foreign keys")
	assert.Equal(t, []string{"1 one"}, rows(t, b.stored(t).Path))

	publication.AsJob = tableau.JobNever
	_, err = b.client.Publish(t.Context(), publication)
	assert.Equal(t, "400011", tableau.Code(err))
	assert.False(t, tableau.IsTransient(err))
}

func TestPublishInChunks(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, megabyte(64)) // the smallest that the server wants in chunks
	var last, total int64
	publication := b.publication(file, tableau.Overwrite)
	publication.Progress = func(sent, all int64) { last, total = sent, all }

	published, err := b.client.Publish(t.Context(), publication)
	require.NoError(t, err)
	assert.Equal(t, megabyte(64), published.Bytes)
	assert.Equal(t, []int64{megabyte(64), megabyte(64)}, []int64{last, total})
	assert.NotEmpty(t, published.JobID, "large files are published as a job")
	assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))

	chunks := b.sent(http.MethodPut, "/fileUploads/")
	require.Len(t, chunks, 2)
	for _, chunk := range chunks {
		assert.Greater(t, chunk.Length, megabyte(32))
		assert.Less(t, chunk.Length, megabyte(32)+1000)
	}
	commit := b.sent(http.MethodPost, "/datasources?")
	require.Len(t, commit, 1)
	for _, part := range []string{"asJob=true", "datasourceType=hyper", "overwrite=true", "uploadSessionId="} {
		assert.Contains(t, commit[0].Path, part)
	}
}

func TestPublishJustBelowTheLimitInOneRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, megabyte(64)-1)
	_, err := b.client.Publish(t.Context(), b.publication(file, tableau.Create))
	require.NoError(t, err)
	assert.Empty(t, b.sent(http.MethodPost, "/fileUploads"))
	assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
	for _, request := range b.Requests() {
		assert.GreaterOrEqual(t, request.Length, int64(0), request.Path+" has no length")
	}
}

func TestPublishIntoTheDefaultProject(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	publication := b.publication(plainFile(t, 10), tableau.Create)
	publication.ProjectID = ""
	_, err := b.client.Publish(t.Context(), publication)
	require.NoError(t, err)
	assert.Equal(t, "default", b.stored(t).Project)
}

func TestSameNameInTwoProjects(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	daily, err := b.client.FindProject(t.Context(), "Sales/Daily")
	require.NoError(t, err)
	ids := map[string]string{}
	for _, project := range []tableau.Project{b.project, daily} {
		publication := b.publication(plainFile(t, 10), tableau.Create)
		publication.ProjectID, publication.AsJob = project.ID, tableau.JobAlways
		made, err := b.client.Publish(t.Context(), publication)
		require.NoError(t, err)
		ids[project.ID] = made.Datasource.ID
	}
	assert.NotEqual(t, ids[b.project.ID], ids[daily.ID])
	for project, id := range ids {
		found, err := b.client.FindDatasource(t.Context(), project, "Line items")
		require.NoError(t, err)
		assert.Equal(t, id, found.ID)
	}
}

func TestPublishNamesThatFiltersCannotHold(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	for _, name := range []string{"a,b", "a&b: [c]*", "100% + more", "Přehled <2026> \"x\"", strings.Repeat("é", 200)} {
		publication := b.publication(plainFile(t, 10), tableau.Create)
		publication.Name = name
		made, err := b.client.Publish(t.Context(), publication)
		require.NoError(t, err, name)
		found, err := b.client.FindDatasource(t.Context(), b.project.ID, name)
		require.NoError(t, err, name)
		assert.Equal(t, made.Datasource.ID, found.ID)
	}
	_, err := b.client.FindDatasource(t.Context(), b.project.ID, "a")
	assert.True(t, tableau.IsNotFound(err))
}

func TestFindDatasourceAmongManyPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, 1)
	for i := range 1005 {
		publication := b.publication(file, tableau.Create)
		publication.Name = fmt.Sprintf("d,%d", i) // a comma: no filter helps
		publication.Mode = tableau.Overwrite
		if i >= 1000 || i < 3 {
			_, err := b.client.Publish(t.Context(), publication)
			require.NoError(t, err)
			continue
		}
		b.AddDatasource("marketing", publication.Name)
	}
	found, err := b.client.FindDatasource(t.Context(), b.project.ID, "d,1004")
	require.NoError(t, err)
	assert.NotEmpty(t, found.ID)
	assert.NotEmpty(t, b.sent(http.MethodGet, "pageNumber=2"))
}

func TestPublishRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	for name, path := range map[string]string{"missing": filepath.Join(t.TempDir(), "no.hyper"), "folder": t.TempDir()} {
		_, err := b.client.Publish(t.Context(), b.publication(path, tableau.Create))
		require.Error(t, err, name)
		assert.Equal(t, name == "missing", errors.Is(err, fs.ErrNotExist))
		assert.False(t, tableau.IsTransient(err))
	}
	_, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 1), "upsert"))
	assert.ErrorContains(t, err, `unknown mode "upsert"`)
	assert.Empty(t, b.sent(http.MethodPost, "/datasources"))
}

func TestPublishNoticesAFileThatShrinks(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	file := plainFile(t, megabyte(70))
	publication := b.publication(file, tableau.Create)
	publication.Progress = func(int64, int64) { _ = os.Truncate(file, megabyte(40)) }
	_, err := b.client.Publish(t.Context(), publication)
	assert.ErrorContains(t, err, "the file became shorter while it was sent")
	assert.False(t, tableau.IsTransient(err))
	assert.Empty(t, b.Datasources("marketing"))
	assert.Len(t, b.sent(http.MethodPost, "/fileUploads"), 1, "an upload that cannot succeed was started again")
}
