package tableau_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
)

// recording is a server that replays replies in the shape that real servers gave, and
// keeps the requests byte by byte.
type recording struct {
	*httptest.Server
	mu       sync.Mutex
	replies  map[string][]string // by method and end of the path; the last one stays
	requests []exchange
}

type exchange struct {
	method, target string
	header         http.Header
	length         int64
	encoding       []string
	body           []byte
}

const preamble = `<?xml version='1.0' encoding='UTF-8'?>
<tsResponse xmlns="http://tableau.com/api" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://tableau.com/api http://tableau.com/api/ts-api-2.3.xsd">`

const ending = `</tsResponse>`

// replay starts a server with replies by "METHOD end-of-path"; a reply may begin with a status.
func replay(t *testing.T, replies map[string][]string) (*recording, *tableau.Client) {
	t.Helper()
	all := map[string][]string{
		"GET serverInfo":   {`<serverInfo><productVersion build="20241.24.0312.1530">2024.1.0</productVersion><restApiVersion>3.22</restApiVersion></serverInfo>`},
		"POST signin":      {`<credentials token="tok|en"><site id="6b7179ba" contentUrl="marketing"/><user id="dd2239f6"/></credentials>`},
		"GET datasources":  {`<pagination pageNumber="1" pageSize="100" totalAvailable="0"/><datasources/>`},
		"POST datasources": {"201 " + `<datasource id="e76a1461" name="SampleDS" contentUrl="SampleDS" type="dataengine" createdAt="2016-08-11T21:22:40Z" updatedAt="2016-08-17T23:37:08Z"><project id="ee8c6e70" name="default"/><owner id="5de011f8"/><tags/></datasource>`},
		"POST fileUploads": {"201 " + `<fileUpload uploadSessionId="7720:170fe6b1c1c7422dadff20f944d58a52-1:0" fileSize="0"/>`},
		"PUT 1:0":          {`<fileUpload uploadSessionId="7720:170fe6b1c1c7422dadff20f944d58a52-1:0" fileSize="5"/>`},
	}
	for key, value := range replies {
		all[key] = value
	}
	r := &recording{replies: all}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	client := &tableau.Client{
		Server: r.URL, Site: "marketing", AllowHTTP: true,
		Credentials: tableau.PersonalAccessToken{Name: "n&m", Secret: tableau.NewSecret(`s<"e`)},
	}
	client.Pause = (&waits{part: 50}).pause
	return r, client
}

func (r *recording) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, exchange{request.Method, request.URL.RequestURI(), request.Header, request.ContentLength, request.TransferEncoding, body})
	for key, replies := range r.replies {
		method, end, _ := strings.Cut(key, " ")
		if method != request.Method || !strings.HasSuffix(request.URL.Path, end) {
			continue
		}
		reply := replies[0]
		if len(replies) > 1 {
			r.replies[key] = replies[1:]
		}
		status := http.StatusOK
		if n, _ := fmt.Sscanf(reply, "%d ", &status); n == 1 {
			_, reply, _ = strings.Cut(reply, " ")
		}
		w.WriteHeader(status)
		if !strings.HasPrefix(reply, "<?xml") && reply != "" {
			reply = preamble + reply + ending
		}
		_, _ = io.WriteString(w, reply)
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

func (r *recording) find(t *testing.T, method, part string) exchange {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, request := range r.requests {
		if request.method == method && strings.Contains(request.target, part) {
			return request
		}
	}
	require.Fail(t, "no such request", "%s %s", method, part)
	return exchange{}
}

var boundaryPattern = regexp.MustCompile(`^multipart/mixed; boundary=([0-9a-f]{60})$`)

// lines replaces the boundary of a multipart body by B.
func (e exchange) lines(t *testing.T) string {
	t.Helper()
	found := boundaryPattern.FindStringSubmatch(e.header.Get("Content-Type"))
	require.NotNil(t, found, e.header.Get("Content-Type"))
	return strings.ReplaceAll(string(e.body), found[1], "B")
}

func TestShapeOfTheRequests(t *testing.T) {
	t.Parallel()
	r, client := replay(t, nil)
	_, err := client.Publish(t.Context(), tableau.Publication{
		File: plainFile(t, 3), Name: `Käse & "more" <x>`, ProjectID: "p1", Description: "d", Mode: tableau.Overwrite,
	})
	require.NoError(t, err)

	signIn := r.find(t, http.MethodPost, "/api/3.22/auth/signin")
	assert.Equal(t, `<tsRequest><credentials personalAccessTokenName="n&amp;m" personalAccessTokenSecret="s&lt;&#34;e"><site contentUrl="marketing"></site></credentials></tsRequest>`, string(signIn.body))
	assert.Empty(t, signIn.header.Get("X-Tableau-Auth"))

	publish := r.find(t, http.MethodPost, "/datasources")
	assert.Equal(t, "/api/3.22/sites/6b7179ba/datasources?overwrite=true", publish.target)
	assert.Equal(t, "tok|en", publish.header.Get("X-Tableau-Auth"))
	assert.Equal(t, int64(len(publish.body)), publish.length)
	assert.Empty(t, publish.encoding, "the request was sent without a length")
	assert.Equal(t, strings.ReplaceAll(`--B
Content-Disposition: form-data; name="request_payload"
Content-Type: text/xml

<tsRequest><datasource name="Käse &amp; &#34;more&#34; &lt;x&gt;" description="d"><project id="p1"></project></datasource></tsRequest>
--B
Content-Disposition: form-data; name="tableau_datasource"; filename="extract.hyper"
Content-Type: application/octet-stream

meg
--B--
`, "\n", "\r\n"), publish.lines(t))
	for _, request := range r.requests {
		assert.Empty(t, request.encoding, request.target)
		assert.Equal(t, int64(len(request.body)), request.length, request.target)
	}
}

func TestShapeOfAnUpload(t *testing.T) {
	t.Parallel()
	r, client := replay(t, map[string][]string{
		"POST datasources": {`201 <job id="9a373058" mode="Asynchronous" type="PublishDatasource" progress="0" createdAt="2018-06-30T00:54:54Z" finishCode="1"/>`},
		"GET jobs/9a373058": {
			`<job id="9a373058" mode="Asynchronous" type="PublishDatasource" progress="0" createdAt="2018-06-30T00:54:54Z" finishCode="1"/>`,
			`<job id="9a373058" mode="Asynchronous" type="PublishDatasource" progress="100" createdAt="2018-06-30T00:54:54Z" completedAt="2018-06-30T00:55:54Z" finishCode="0"/>`,
		},
	})
	_, err := client.Publish(t.Context(), tableau.Publication{File: plainFile(t, megabyte(64)), Name: "x", ProjectID: "p1", Mode: tableau.Create})
	require.NoError(t, err)

	begin := r.find(t, http.MethodPost, "/fileUploads")
	assert.Empty(t, begin.body)
	assert.Equal(t, "0", begin.header.Get("Content-Length"))
	chunk := r.find(t, http.MethodPut, "/fileUploads/7720:170fe6b1c1c7422dadff20f944d58a52-1:0")
	assert.Equal(t, int64(len(chunk.body)), chunk.length)
	head, _, _ := strings.Cut(chunk.lines(t), "megabyte 0")
	assert.Equal(t, strings.ReplaceAll(`--B
Content-Disposition: form-data; name="request_payload"
Content-Type: text/xml


--B
Content-Disposition: form-data; name="tableau_file"; filename="file"
Content-Type: application/octet-stream

`, "\n", "\r\n"), head)
	assert.True(t, bytes.HasSuffix(chunk.body, []byte("--\r\n")))

	commit := r.find(t, http.MethodPost, "/datasources?")
	assert.Equal(t, "/api/3.22/sites/6b7179ba/datasources?asJob=true&datasourceType=hyper&uploadSessionId=7720%3A170fe6b1c1c7422dadff20f944d58a52-1%3A0", commit.target)
	assert.NotContains(t, commit.lines(t), "tableau_datasource")
}

func TestRecordedJobs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replies []string
		want    string // part of the error; empty: success
	}{
		"succeeded": {[]string{`<job id="j" mode="job-mode" type="extractRefreshJob" progress="100" createdAt="2020-05-13T20:23:45Z" updatedAt="2020-05-13T20:25:18Z" completedAt="2020-05-13T20:25:18Z" finishCode="0"><extractRefreshJob><notes>Job detail notes</notes></extractRefreshJob><statusNotes><statusNote type="CountOfUsersAddedToGroup" value="5" text="Description."/>More detail</statusNotes></job>`}, ""},
		"completed": {[]string{`<job id="j" mode="job-mode" type="extractRefreshJob" progress="100" completedAt="2020-05-13T20:25:18Z" finishCode="3"/>`}, ""},
		"failed": {[]string{`<job id="j" mode="Asynchronous" type="UpdateUploadedFile" progress="0" createdAt="2021-10-05T18:53:34Z" startedAt="2021-10-05T18:53:34Z"/>`,
			`<job id="j" mode="Asynchronous" type="UpdateUploadedFile" progress="100" createdAt="2021-10-05T18:53:34Z" startedAt="2021-10-05T18:53:34Z" completedAt="2021-10-05T18:53:35Z" finishCode="1"><updateUploadedFileJob><datasource id="d" name="World Indicators"/><connectionLuid>c</connectionLuid></updateUploadedFileJob></job>`}, "job j (UpdateUploadedFile) failed"},
		"failed with notes":    {[]string{`<job id="j" type="RefreshExtract" completedAt="2021-10-05T18:53:35Z" finishCode="1"><extractRefreshJob><workbook id="w"/><notes>java.lang.RuntimeException: Login failed.</notes></extractRefreshJob></job>`}, "failed: java.lang.RuntimeException: Login failed."},
		"odd time":             {[]string{`<job id="j" completedAt="13.05.2020 20:25" finishCode="0"/>`}, ""},
		"cancelled":            {[]string{`<job id="j" type="PublishDatasource" completedAt="2021-10-05T18:53:35Z" finishCode="2"/>`}, "was cancelled"},
		"notes tell a failure": {[]string{`<job id="j" type="PublishDatasource" completedAt="2021-10-05T18:53:35Z" finishCode="0"><statusNotes><statusNote type="errorCode" value="400011" text="no"/></statusNotes></job>`}, "failed: Tableau error 400011: no"},
		"ended without a code": {[]string{`<job id="j" type="PublishDatasource" completedAt="2021-10-05T18:53:35Z"/>`}, "ended without saying how"},
		"prefixed elements":    {[]string{`<?xml version="1.0"?><ns0:tsResponse xmlns:ns0="http://tableausoftware.com/api"><ns0:job id="j" completedAt="2021-10-05T18:53:35Z" finishCode="0"/></ns0:tsResponse>`}, ""},
		"forgotten":            {[]string{`404 <error code="404018"><summary>Nicht gefunden</summary><detail>Auftrag</detail></error>`}, "has forgotten the job"},
		"expired":              {[]string{`400 <error code="400031"><summary>x</summary><detail>y</detail></error>`}, "has forgotten the job"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := replay(t, map[string][]string{"GET jobs/j": test.replies})
			_, err := client.WaitForJob(t.Context(), "j", nil)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestWaitForJobEnds(t *testing.T) {
	t.Parallel()
	_, client := replay(t, map[string][]string{"GET jobs/j": {`<job id="j" type="PublishDatasource" progress="7"/>`}})
	client.JobTimeout = 200 * time.Millisecond
	waited := &waits{part: 100}
	client.Pause = waited.pause
	_, err := client.WaitForJob(t.Context(), "j", nil)
	assert.True(t, tableau.IsOutcomeUnknown(err), err)
	taken := waited.taken()
	require.Greater(t, len(taken), 3)
	assert.Equal(t, []time.Duration{100 * time.Millisecond, 140 * time.Millisecond, 196 * time.Millisecond}, taken[:3])
}

func TestErrorsSayWhatHappened(t *testing.T) {
	t.Parallel()
	_, client := replay(t, map[string][]string{
		"GET projects": {`403 <error code="403004"><summary>Verboten</summary><detail>Keine
			Rechte</detail></error>`},
		"GET connections": {`502 <?xml version="1.0"?><html>proxy</html>`},
	})
	_, err := client.Projects(t.Context())
	var e *tableau.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "list the projects: GET /api/3.22/sites/6b7179ba/projects?pageNumber=1&pageSize=1000: status 403: Tableau error 403004: Verboten: Keine Rechte", err.Error())
	assert.Equal(t, []any{403, "403004", "GET", "Verboten", "Keine Rechte"}, []any{e.Status, e.Code, e.Method, e.Summary, e.Detail})
	assert.True(t, tableau.IsForbidden(err))
	made := tableau.Failure(err)
	assert.Equal(t, "publish", string(made.Kind))
	assert.False(t, made.Retry)
	assert.NotEmpty(t, made.Hint)

	_, err = client.Connections(t.Context(), "a/b")
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 502, e.Status)
	assert.Contains(t, e.Path, "/datasources/a%2Fb/connections")
	assert.True(t, tableau.Failure(err).Retry)
	assert.Nil(t, tableau.Failure(nil))
}

func TestRetryAfterAsADate(t *testing.T) {
	t.Parallel()
	r, client := replay(t, nil)
	busy := 0
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/projects") && busy < 2 {
			busy++
			w.Header().Set("Retry-After", time.Now().Add(time.Hour*time.Duration(busy-1)+30*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		r.ServeHTTP(w, request)
	}))
	t.Cleanup(front.Close)
	waited := &waits{part: 1000}
	client.Server = front.URL
	client.Pause = waited.pause
	_, err := client.Projects(t.Context())
	require.Error(t, err, "an hour is too long")
	require.Len(t, waited.taken(), 1)
	assert.InDelta(t, 30, waited.taken()[0].Seconds(), 2)
}
