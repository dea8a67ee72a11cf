package tableau_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// outcomes of a publication under a fault.
const (
	published = "published"
	failed    = "failed"
	unknown   = "unknown"
)

func TestPublishUnderFaults(t *testing.T) {
	t.Parallel()
	const post, put, get = http.MethodPost, http.MethodPut, http.MethodGet
	tests := map[string]struct {
		fault    tableautest.Fault
		large    bool
		mode     tableau.Mode // default create
		want     string
		commits  int // POST of the publication
		uploads  int // upload sessions begun
		chunks   int
		signIns  int // default 1
		wantWait time.Duration
	}{
		"look-up fails for a while":           {fault: tableautest.Fault{Method: get, Path: "/datasources", Status: 503, Times: 3}, want: published, commits: 1},
		"look-up fails for good":              {fault: tableautest.Fault{Method: get, Path: "/datasources", Status: 503, Times: -1}, want: failed},
		"look-up loses its connection":        {fault: tableautest.Fault{Method: get, Path: "/datasources", LoseReply: true, Times: 2}, want: published, commits: 1},
		"look-up is refused":                  {fault: tableautest.Fault{Method: get, Path: "/datasources", Status: 403, Code: "403004"}, want: failed},
		"look-up must wait":                   {fault: tableautest.Fault{Method: get, Path: "/datasources", Status: 429, RetryAfter: "7"}, want: published, commits: 1, wantWait: 7 * time.Second},
		"too many requests":                   {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 429}, want: published, commits: 2},
		"too many requests for good":          {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 429, Times: -1}, want: failed, commits: 6},
		"token ended":                         {fault: tableautest.Fault{Method: post, Path: "/datasources", ExpireToken: true}, want: published, commits: 2, signIns: 2},
		"token ends again and again":          {fault: tableautest.Fault{Method: post, Path: "/datasources", ExpireToken: true, Times: -1}, want: failed, commits: 2, signIns: 2},
		"refused for good":                    {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 400, Code: "400011"}, want: failed, commits: 1},
		"no room":                             {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 403, Code: "403008"}, want: failed, commits: 1},
		"somebody else publishes":             {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 403, Code: "403131", Times: 2}, want: published, commits: 3},
		"create: reply lost":                  {fault: tableautest.Fault{Method: post, Path: "/datasources", LoseReply: true}, want: unknown, commits: 2},
		"create: request lost":                {fault: tableautest.Fault{Method: post, Path: "/datasources", LoseRequest: true}, want: published, commits: 2},
		"create: server ill":                  {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 503}, want: published, commits: 2},
		"create: server ill for good":         {fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 500, Times: -1}, want: unknown, commits: 6},
		"overwrite: reply lost":               {mode: tableau.Overwrite, fault: tableautest.Fault{Method: post, Path: "/datasources", LoseReply: true}, want: published, commits: 2},
		"large: begin fails for a while":      {large: true, fault: tableautest.Fault{Method: post, Path: "/fileUploads", Status: 500, Times: 2}, want: published, commits: 1, uploads: 3, chunks: 3},
		"large: begin loses its reply":        {large: true, fault: tableautest.Fault{Method: post, Path: "/fileUploads", LoseReply: true}, want: published, commits: 1, uploads: 2, chunks: 3},
		"large: reply to a chunk lost":        {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", LoseReply: true, Skip: 1}, want: published, commits: 1, uploads: 2, chunks: 5},
		"large: chunk lost":                   {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", LoseRequest: true, Skip: 2}, want: published, commits: 1, uploads: 2, chunks: 6},
		"large: chunk fails":                  {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", Status: 502, Skip: 1}, want: published, commits: 1, uploads: 2, chunks: 5},
		"large: chunks fail for good":         {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", Status: 502, Times: -1}, want: failed, uploads: 6, chunks: 6},
		"large: chunk must wait":              {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", Status: 429, RetryAfter: "3", Skip: 1}, want: published, commits: 1, uploads: 1, chunks: 4, wantWait: 3 * time.Second},
		"large: chunk too large":              {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", Status: 400, Code: "400016"}, want: failed, uploads: 1, chunks: 1},
		"large: token ends between chunks":    {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", ExpireToken: true, Skip: 1}, want: published, commits: 1, uploads: 1, chunks: 4, signIns: 2},
		"large: upload forgotten":             {large: true, fault: tableautest.Fault{Method: put, Path: "/fileUploads", Status: 404, Code: "404015", Skip: 1}, want: published, commits: 1, uploads: 2, chunks: 5},
		"large: upload forgotten at the end":  {large: true, fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 404, Code: "404015"}, want: published, commits: 2, uploads: 2, chunks: 6},
		"large: token ends before the end":    {large: true, fault: tableautest.Fault{Method: post, Path: "/datasources", ExpireToken: true}, want: published, commits: 2, uploads: 1, chunks: 3, signIns: 2},
		"large: reply at the end lost":        {large: true, mode: tableau.Overwrite, fault: tableautest.Fault{Method: post, Path: "/datasources", LoseReply: true}, want: published, commits: 3, uploads: 2, chunks: 6},
		"large: request at the end lost":      {large: true, fault: tableautest.Fault{Method: post, Path: "/datasources", LoseRequest: true}, want: published, commits: 2, uploads: 1, chunks: 3},
		"large: proxy timeout, but published": {large: true, fault: tableautest.Fault{Method: post, Path: "/datasources", Status: 504}, want: published, commits: 2, uploads: 1, chunks: 3},
		"large: job purged":                   {large: true, mode: tableau.Overwrite, fault: tableautest.Fault{Method: get, Path: "/jobs", PurgeJob: true}, want: published, commits: 2, uploads: 2, chunks: 6},
		"large: jobs always purged":           {large: true, mode: tableau.Overwrite, fault: tableautest.Fault{Method: get, Path: "/jobs", PurgeJob: true, Times: -1}, want: unknown, commits: 2, uploads: 2, chunks: 6},
		"large: job of a create purged":       {large: true, fault: tableautest.Fault{Method: get, Path: "/jobs", PurgeJob: true}, want: unknown, commits: 2, uploads: 2, chunks: 6},
		"large: state of the job fails":       {large: true, fault: tableautest.Fault{Method: get, Path: "/jobs", Status: 500, Times: 3}, want: published, commits: 1, uploads: 1, chunks: 3},
		"large: state of the job lost":        {large: true, fault: tableautest.Fault{Method: get, Path: "/jobs", LoseReply: true, Times: 2}, want: published, commits: 1, uploads: 1, chunks: 3},
		"large: token ends during the job":    {large: true, fault: tableautest.Fault{Method: get, Path: "/jobs", ExpireToken: true}, want: published, commits: 1, uploads: 1, chunks: 3, signIns: 2},
		"large: finish code before the end":   {large: true, fault: tableautest.Fault{Method: get, Path: "/jobs", EarlyFinishCode: true, Times: 2}, want: published, commits: 1, uploads: 1, chunks: 3},
		"large: finish code with the job":     {large: true, fault: tableautest.Fault{Method: post, Path: "/datasources", EarlyFinishCode: true}, want: published, commits: 1, uploads: 1, chunks: 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{JobTime: time.Millisecond})
			file := plainFile(t, 1000)
			if test.large {
				b.makeLarge()
				file = plainFile(t, megabyte(7))
			}
			b.Inject(test.fault)
			mode := test.mode
			if mode == "" {
				mode = tableau.Create
			}
			result, err := b.client.Publish(t.Context(), b.publication(file, mode))
			assert.Equal(t, test.want, outcome(err), "%v", err)
			if test.want == published {
				require.NoError(t, err)
				assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
				assert.Equal(t, b.stored(t).ID, result.Datasource.ID)
			} else {
				assert.NotEmpty(t, tableau.Hint(err))
			}
			assert.Len(t, b.sent(http.MethodPost, "/datasources"), test.commits)
			assert.Len(t, b.sent(http.MethodPost, "/fileUploads"), test.uploads)
			assert.Len(t, b.sent(http.MethodPut, "/fileUploads"), test.chunks)
			assert.Len(t, b.sent(http.MethodPost, "/auth/signin"), max(test.signIns, 1))
			if test.wantWait > 0 {
				assert.Contains(t, b.waits.taken(), test.wantWait)
			}
		})
	}
}

func TestUploadUsedUpByATryThatLeftNoTrace(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.makeLarge()
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 500})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 404, Code: "404015"})
	file := plainFile(t, megabyte(7))
	_, err := b.client.Publish(t.Context(), b.publication(file, tableau.Overwrite))
	assert.Equal(t, published, outcome(err), "%v", err)
	assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
	assert.Len(t, b.sent(http.MethodPost, "/fileUploads"), 2)
}

// A proxy gave up, and the server is still at it: what comes of that is waited for.
func TestFirstTryIsStillUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 504})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 403, Code: "403131", Times: 3})
	before := len(b.waits.taken())
	_, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Overwrite))
	assert.Equal(t, published, outcome(err), "%v", err)
	assert.Equal(t, []time.Duration{500 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second}, b.waits.taken()[before:])
	assert.Len(t, b.sent(http.MethodPost, "/datasources"), 5)
}

func TestRefusalAfterATryInDoubt(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 500})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 403, Code: "403008"})
	_, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Overwrite))
	assert.Equal(t, unknown, outcome(err), "%v", err)
	assert.Equal(t, "403008", tableau.Code(err))
	assert.Contains(t, tableau.Hint(err), "the site's storage is full")
	assert.True(t, tableau.Failure(err) != nil && !tableau.Failure(err).Early)
}

func TestTheTwoMeaningsOfARefusal(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	publication := b.publication(plainFile(t, 10), tableau.Create)
	publication.ProjectID = ""
	publication.Progress = func(int64, int64) { // somebody is quicker
		if len(b.Datasources("marketing")) == 0 {
			b.AddDatasource("marketing", publication.Name)
		}
	}
	_, err := b.client.Publish(t.Context(), publication)
	assert.True(t, tableau.IsConflict(err), err)
	assert.False(t, tableau.IsForbidden(err))
	assert.Contains(t, tableau.Hint(err), "overwrite")

	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 403, Code: "403007"})
	_, err = b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Overwrite))
	assert.False(t, tableau.IsConflict(err), err)
	assert.True(t, tableau.IsForbidden(err))
	assert.Contains(t, tableau.Hint(err), "permission")
}

func TestClientWaitsByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	client := b.newClient()
	client.Pause = nil
	b.Inject(tableautest.Fault{Path: "/projects", Status: 503})
	started := time.Now()
	_, err := client.Projects(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(started), 500*time.Millisecond)

	b.Inject(tableautest.Fault{Path: "/projects", Status: 429, RetryAfter: "60"})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err = client.Projects(ctx)
	assert.ErrorIs(t, err, context.Canceled)

	b.Inject(tableautest.Fault{Path: "/projects", Status: 429, RetryAfter: "600"})
	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	started = time.Now()
	_, err = client.Projects(ctx)
	assert.Error(t, err)
	assert.Less(t, time.Since(started), time.Minute, "it waited though it would be too late")
}

func outcome(err error) string {
	switch {
	case tableau.IsOutcomeUnknown(err):
		return unknown
	case err != nil:
		return failed
	}
	return published
}

func TestOverwriteIsNotTakenForDoneBecauseItExists(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	_, err := b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Create))
	require.NoError(t, err)
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", LoseRequest: true})
	file := plainFile(t, 20)
	_, err = b.client.Publish(t.Context(), b.publication(file, tableau.Overwrite))
	require.NoError(t, err)
	assert.Equal(t, sum(t, file), sum(t, b.stored(t).Path))
}

func TestAppendIsNeverSentAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   tableautest.Fault
		asJob   tableau.AsJob
		want    string
		appends int // requests
		rows    []string
	}{
		"reply lost":           {fault: tableautest.Fault{LoseReply: true}, want: unknown, appends: 1, rows: []string{"1 one", "2 two"}},
		"request lost":         {fault: tableautest.Fault{LoseRequest: true}, want: unknown, appends: 1, rows: []string{"1 one"}},
		"server ill":           {fault: tableautest.Fault{Status: 500, Code: "500000"}, want: unknown, appends: 1, rows: []string{"1 one"}},
		"proxy timeout":        {fault: tableautest.Fault{Status: 504}, want: unknown, appends: 1, rows: []string{"1 one"}},
		"request timeout":      {fault: tableautest.Fault{Status: 408}, want: unknown, appends: 1, rows: []string{"1 one"}},
		"reply is a page":      {fault: tableautest.Fault{Status: 200}, want: unknown, appends: 1, rows: []string{"1 one"}},
		"reply to job lost":    {fault: tableautest.Fault{LoseReply: true}, asJob: tableau.JobAlways, want: unknown, appends: 1, rows: []string{"1 one", "2 two"}},
		"too many requests":    {fault: tableautest.Fault{Status: 429}, want: published, appends: 2, rows: []string{"1 one", "2 two"}},
		"token ended":          {fault: tableautest.Fault{ExpireToken: true}, want: published, appends: 2, rows: []string{"1 one", "2 two"}},
		"others publish to it": {fault: tableautest.Fault{Status: 403, Code: "403131"}, want: failed, appends: 1, rows: []string{"1 one"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			_, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
			require.NoError(t, err)
			more := items(t, "(2, 'two')")

			test.fault.Method, test.fault.Path = http.MethodPost, "/datasources"
			b.Inject(test.fault)
			publication := b.publication(more, tableau.Append)
			publication.AsJob = test.asJob
			_, err = b.client.Publish(t.Context(), publication)
			assert.Equal(t, test.want, outcome(err), "%v", err)
			assert.Len(t, b.sent(http.MethodPost, "append=true"), test.appends)
			assert.Eventually(t, func() bool { // a job goes on though nobody waits for it
				return slices.Equal(test.rows, rows(t, b.stored(t).Path))
			}, time.Minute, 20*time.Millisecond)
			if test.want == unknown {
				assert.Contains(t, tableau.Hint(err), "look at the data source")
				assert.False(t, tableau.Failure(err).Retry)
			}
		})
	}
}

func TestChangesOfOthersAreNotTakenForOurs(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.makeLarge()
	made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	b.SetUpdated(made.Datasource.ID, time.Now().Add(-time.Hour))
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", LoseRequest: true})
	publication := b.publication(plainFile(t, megabyte(7)), tableau.Append)
	publication.Progress = func(sent, _ int64) { // during the upload somebody publishes
		if sent == megabyte(7) {
			b.SetUpdated(made.Datasource.ID, time.Now().Add(-10*time.Second))
		}
	}
	_, err = b.client.Publish(t.Context(), publication)
	assert.Equal(t, unknown, outcome(err), "%v", err)
}

func TestRefusalWhoseReplyBreaksOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	_, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 400, Truncate: true})
	_, err = b.client.Publish(t.Context(), b.publication(items(t, "(2, 'two')"), tableau.Append))
	assert.Equal(t, failed, outcome(err), "%v", err)

	b.Inject(tableautest.Fault{Method: http.MethodGet, Path: "/datasources", Status: 200, Truncate: true})
	_, err = b.client.FindDatasource(t.Context(), b.project.ID, "Line items")
	require.NoError(t, err, "a reply that broke off was taken for whole")
}

// Nothing but the end of its job tells what became of an append: not that the data source
// changed since.
func TestPurgedJobOfAnAppend(t *testing.T) {
	t.Parallel()
	other := hyperFile(t, `CREATE SCHEMA "%s"."Extract"`, `CREATE TABLE "%s"."Extract"."Extract" ("key" BIGINT)`)
	for name, test := range map[string]struct {
		file string
		rows []string
	}{
		"data source changed": {file: items(t, "(2, 'two')"), rows: []string{"1 one", "2 two"}},
		"data source did not": {file: other, rows: []string{"1 one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			_, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
			require.NoError(t, err)
			b.Inject(tableautest.Fault{Method: http.MethodGet, Path: "/jobs", PurgeJob: true})
			publication := b.publication(test.file, tableau.Append)
			publication.AsJob = tableau.JobAlways
			result, err := b.client.Publish(t.Context(), publication)
			assert.Equal(t, unknown, outcome(err), "%v", err)
			assert.NotEmpty(t, result.JobID)
			assert.Equal(t, test.rows, rows(t, b.stored(t).Path))
			assert.Len(t, b.sent(http.MethodPost, "append=true"), 1)
		})
	}
}

func TestSlowNetworkIsGivenUpAfterItsTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.client.RequestTimeout = 2 * time.Second
	b.Inject(tableautest.Fault{Method: http.MethodGet, Path: "/projects", Delay: time.Minute, Times: 1})
	_, err := b.client.Projects(t.Context())
	require.NoError(t, err, "the second try is quick")

	b.makeLarge()
	b.Inject(tableautest.Fault{Method: http.MethodPut, BytesPerSecond: megabyte(1), Times: -1})
	started := time.Now()
	_, err = b.client.Publish(t.Context(), b.publication(plainFile(t, megabyte(7)), tableau.Create))
	require.NoError(t, err, "a slow network that moves is waited for")
	assert.Greater(t, time.Since(started), 3*b.client.RequestTimeout, "the network was not slow")
}

func TestPublishEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Delay: 10 * time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := b.client.Publish(ctx, b.publication(plainFile(t, 10), tableau.Create))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(started), time.Minute)
}
