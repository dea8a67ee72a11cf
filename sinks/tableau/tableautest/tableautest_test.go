package tableautest_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau/tableautest"
)

// visitor speaks to a server without a client, as anybody's client might.
type visitor struct {
	t      *testing.T
	server *tableautest.Server
	token  string
	site   string
}

type answer struct {
	status int
	body   string
	header http.Header
}

func visit(t *testing.T, config tableautest.Config) *visitor {
	t.Helper()
	server, err := tableautest.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	return signIn(t, server)
}

func signIn(t *testing.T, server *tableautest.Server) *visitor {
	t.Helper()
	v := &visitor{t: t, server: server}
	signedIn := v.send(http.MethodPost, "/api/3.28/auth/signin", "text/xml",
		`<tsRequest><credentials personalAccessTokenName="n" personalAccessTokenSecret="s"><site contentUrl=""/></credentials></tsRequest>`)
	var reply struct {
		Credentials struct {
			Token string `xml:"token,attr"`
			Site  struct {
				ID string `xml:"id,attr"`
			} `xml:"site"`
		} `xml:"credentials"`
	}
	require.NoError(t, xml.Unmarshal([]byte(signedIn.body), &reply), signedIn.body)
	v.token, v.site = reply.Credentials.Token, reply.Credentials.Site.ID
	return v
}

// send sends a request; a path that does not begin with /api is one of the site.
func (v *visitor) send(method, path, contentType, body string) answer {
	v.t.Helper()
	got, err := v.trySend(method, path, contentType, body)
	require.NoError(v.t, err)
	return got
}

func (v *visitor) trySend(method, path, contentType, body string) (answer, error) {
	if !strings.HasPrefix(path, "/api") {
		path = "/api/3.28/sites/" + v.site + path
	}
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, strings.NewReader(body))
	require.NoError(v.t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("x-tableau-auth", v.token)
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	return answer{reply.StatusCode, string(content), reply.Header}, err
}

const mixed = "multipart/mixed; boundary=B"

// parts makes a body of parts, each a disposition and a content.
func parts(pairs ...string) string {
	var body strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&body, "--B\r\nContent-Disposition: %s\r\nContent-Type: text/xml\r\n\r\n%s\r\n", pairs[i], pairs[i+1])
	}
	return body.String() + "--B--\r\n"
}

const (
	described = `<tsRequest><datasource name="N"></datasource></tsRequest>`
	payload   = `name="request_payload"`
	file      = `name="tableau_datasource"; filename="f.hyper"`
	chunk     = `form-data; name="tableau_file"; filename="file"`
)

func TestPublishingRequestsAsOthersWriteThem(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	for disposition, name := range map[string]string{
		`name="request_payload"`:                         "documentation",
		`form-data; name="request_payload"; filename=""`: "Tableau's client in Python",
		`form-data; name="request_payload"`:              "curl",
	} {
		got := v.send(http.MethodPost, "/datasources?overwrite=true&createnew=true", mixed, parts(disposition, described, file, "bytes"))
		assert.Equal(t, http.StatusCreated, got.status, name)
	}
	stored := v.server.Datasources("")
	require.Len(t, stored, 1)
	content, err := os.ReadFile(stored[0].Path)
	require.NoError(t, err)
	assert.Equal(t, "bytes", string(content))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{MaxChunk: 10})
	require.Equal(t, 201, v.send("POST", "/datasources", mixed, parts(payload, described, file, "bytes")).status)
	begun := v.send("POST", "/fileUploads", "", "")
	_, rest, _ := strings.Cut(begun.body, `uploadSessionId="`)
	id, _, _ := strings.Cut(rest, `"`)
	for name, test := range map[string]struct {
		method, path, contentType, body string
		status                          int
		code                            string
	}{
		"form-data":            {"POST", "/datasources", "multipart/form-data; boundary=B", parts(payload, described, file, "x"), 406, "406000"},
		"exists":               {"POST", "/datasources", mixed, parts(payload, described, file, "x"), 403, "403007"},
		"both modes":           {"POST", "/datasources?overwrite=true&append=true", mixed, parts(payload, described, file, "x"), 400, "400055"},
		"append to nothing":    {"POST", "/datasources?append=true", mixed, parts(payload, strings.ReplaceAll(described, "N", "M"), file, "x"), 404, "404004"},
		"no file":              {"POST", "/datasources", mixed, parts(payload, described), 400, "400020"},
		"no payload":           {"POST", "/datasources", mixed, parts(file, "x"), 400, "400020"},
		"no name":              {"POST", "/datasources", mixed, parts(payload, "<tsRequest/>", file, "x"), 400, "400000"},
		"other type of file":   {"POST", "/datasources", mixed, parts(payload, described, `name="tableau_datasource"; filename="f.tde"`, "x"), 400, "400010"},
		"unknown project":      {"POST", "/datasources", mixed, parts(payload, `<tsRequest><datasource name="N"><project id="z"/></datasource></tsRequest>`, file, "x"), 404, "404005"},
		"unknown upload":       {"POST", "/datasources?uploadSessionId=1:a-1:0&datasourceType=hyper", mixed, parts(payload, described), 404, "404015"},
		"upload and file":      {"POST", "/datasources?uploadSessionId=" + id + "&datasourceType=hyper", mixed, parts(payload, described, file, "x"), 400, "400010"},
		"upload without type":  {"POST", "/datasources?uploadSessionId=" + id, mixed, parts(payload, described), 400, "400010"},
		"malformed parts":      {"POST", "/datasources", mixed, "--B\r\nContent-", 400, "400019"},
		"chunk too large":      {"PUT", "/fileUploads/" + id, mixed, parts(payload, "", chunk, "12345678901"), 400, "400016"},
		"chunk with a request": {"PUT", "/fileUploads/" + id, mixed, parts(payload, "<tsRequest/>", chunk, "1"), 400, "400019"},
		"chunk without bytes":  {"PUT", "/fileUploads/" + id, mixed, parts(payload, ""), 400, "400020"},
		"chunk for nobody":     {"PUT", "/fileUploads/1:a-1:0", mixed, parts(payload, "", chunk, "1"), 404, "404015"},
		"page past the end":    {"GET", "/projects?pageNumber=2", "", "", 400, "400006"},
		"page of size 0":       {"GET", "/projects?pageSize=0", "", "", 400, "400007"},
		"page too large":       {"GET", "/projects?pageSize=1001", "", "", 403, "403014"},
		"filter with a comma":  {"GET", "/datasources?filter=name:eq:a,b", "", "", 400, "400065"},
		"project exists":       {"POST", "/projects", "text/xml", `<tsRequest><project name="DEFAULT"/></tsRequest>`, 409, "409006"},
		"project in nothing":   {"POST", "/projects", "text/xml", `<tsRequest><project name="x" parentProjectId="z"/></tsRequest>`, 404, "404005"},
		"update without id":    {"PATCH", "/datasources/x/data", "application/json", `{"actions":[{}]}`, 400, "400000"},
		"unknown job":          {"GET", "/jobs/x", "", "", 404, "404018"},
		"unknown address":      {"GET", "/views", "", "", 404, "404000"},
		"other site":           {"GET", "/api/3.28/sites/x/projects", "", "", 403, "403004"},
	} {
		got := v.send(test.method, test.path, test.contentType, test.body)
		assert.Equal(t, test.status, got.status, name)
		assert.Contains(t, got.body, `<error code="`+test.code+`">`, name)
	}
	require.Equal(t, 200, v.send("PUT", "/fileUploads/"+id, mixed, parts(payload, "", chunk, "abc")).status, "refused chunks leave no trace")
	require.Equal(t, 200, v.send("PUT", "/fileUploads/"+id, mixed, parts(payload, "", chunk, "def")).status)
	require.Equal(t, 201, v.send("POST", "/datasources?overwrite=true&datasourceType=hyper&uploadSessionId="+id, mixed, parts(payload, described)).status)
	content, err := os.ReadFile(v.server.Datasources("")[0].Path)
	require.NoError(t, err)
	assert.Equal(t, "abcdef", string(content))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{Tokens: map[string]string{"n": "s"}})
	first := v.token
	const form = `<tsRequest><credentials personalAccessTokenName="n" personalAccessTokenSecret="%s"><site contentUrl="%s"/></credentials></tsRequest>`
	assert.Equal(t, 401, v.send("POST", "/api/3.28/auth/signin", "", fmt.Sprintf(form, "wrong", "")).status)
	assert.Equal(t, 401, v.send("POST", "/api/3.28/auth/signin", "", fmt.Sprintf(form, "s", "nowhere")).status)
	assert.Equal(t, 200, v.send("GET", "/projects", "", "").status)
	assert.Equal(t, 200, v.send("POST", "/api/3.28/auth/signin", "", fmt.Sprintf(form, "s", "")).status)
	got := v.send("GET", "/projects", "", "")
	assert.Equal(t, 401, got.status, "a second sign-in with the same token ends the first")
	assert.Contains(t, got.body, "401002")
	assert.NotContains(t, got.body, first)
}

func TestUploadsWithoutLengthAreRefused(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.server.URL+"/api/3.28/sites/"+v.site+"/datasources",
		io.MultiReader(bytes.NewBufferString(parts(payload, described, file, "x"))))
	require.NoError(t, err)
	request.Header.Set("Content-Type", mixed)
	request.Header.Set("X-Tableau-Auth", v.token)
	reply, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	assert.Contains(t, string(content), "Content-Length")
}

func TestFaultsFromText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]tableautest.Fault{
		"put /fileUploads status=503 code=500000 retry-after=7 lose-reply delay=2ms rate=1000 skip=1 times=-1": {{
			Method: "PUT", Path: "/fileUploads", Status: 503, Code: "500000", RetryAfter: "7", LoseReply: true,
			Delay: 2 * time.Millisecond, BytesPerSecond: 1000, Skip: 1, Times: -1,
		}},
		"* / truncate empty expire-token lose-request purge-job fail-job early-finish-code location=/x cut-after=9": {{
			Path: "/", Truncate: true, Empty: true, ExpireToken: true, LoseRequest: true, PurgeJob: true, FailJob: true,
			EarlyFinishCode: true, Location: "/x", CutAfter: 9,
		}},
		"PATCH /data lose-reply then  status=413 then pass then GET /jobs times=2 purge-job": {
			{Method: "PATCH", Path: "/data", LoseReply: true}, {Method: "PATCH", Path: "/data", Status: 413},
			{Method: "PATCH", Path: "/data"}, {Method: "GET", Path: "/jobs", Times: 2, PurgeJob: true},
		},
	} {
		faults, err := tableautest.ParseFaults(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, faults, text)
	}
	for _, text := range []string{
		"", "PUT", "PUT /x", "PUT /x nonsense", "PUT /x status=many", "PUT /x delay=soon", "then PUT /x pass",
		"PUT /x pass then", "PUT /x then pass", "PUT /x pass then then pass", "PUT /x pass then nonsense",
	} {
		_, err := tableautest.ParseFaults(text)
		assert.Error(t, err, text)
	}
}

func TestFaultsInSequence(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	projects := tableautest.Fault{Method: "GET", Path: "/projects"}
	busy, ill, users := projects, projects, tableautest.Fault{Method: "GET", Path: "/users", Status: 504}
	busy.Status, ill.Status, ill.Times = 429, 503, 2
	v.server.Inject(busy, projects, ill, users)
	var statuses []int
	for _, path := range []string{"/projects", "/users", "/projects", "/projects", "/users", "/projects", "/users", "/projects", "/users"} {
		statuses = append(statuses, v.send("GET", path, "", "").status)
	}
	assert.Equal(t, []int{429, 200, 200, 503, 200, 503, 504, 200, 200}, statuses, "each waits for the one before")
}

func TestFaultsAreMetInTheirTurn(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	v.server.Inject(tableautest.Fault{Method: "GET", Path: "/projects", Skip: 1, Times: 2, Status: 503, RetryAfter: "9"})
	var statuses []int
	for range 5 {
		got := v.send("GET", "/projects", "", "")
		statuses = append(statuses, got.status)
		if got.status == 503 {
			assert.Equal(t, "9", got.header.Get("Retry-After"))
		}
	}
	assert.Equal(t, []int{200, 503, 503, 200, 200}, statuses)

	v.server.Inject(tableautest.Fault{Method: "POST", Path: "/projects", LoseReply: true})
	_, err := v.trySend("POST", "/projects", "text/xml", `<tsRequest><project name="New"/></tsRequest>`)
	require.Error(t, err)
	assert.Contains(t, v.send("GET", "/projects", "", "").body, `name="New"`, "what was asked is done")

	v.server.Inject(tableautest.Fault{Method: "POST", Path: "/projects", LoseRequest: true})
	_, err = v.trySend("POST", "/projects", "text/xml", `<tsRequest><project name="Newer"/></tsRequest>`)
	require.Error(t, err)
	assert.NotContains(t, v.send("GET", "/projects", "", "").body, `name="Newer"`)
}

func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	v.server.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", BytesPerSecond: 2000})
	started := time.Now()
	require.Equal(t, 201, v.send("POST", "/datasources", mixed, parts(payload, described, file, strings.Repeat("x", 600))).status)
	assert.Greater(t, time.Since(started), 300*time.Millisecond)
}

func TestCloseRemovesWhatItMade(t *testing.T) {
	t.Parallel()
	server, err := tableautest.Start(tableautest.Config{Sites: []string{"s"}, Projects: []string{"A/B"}, JobTime: time.Hour})
	require.NoError(t, err)
	v := signIn(t, server)
	require.Equal(t, 201, v.send("POST", "/datasources", mixed, parts(payload, described, file, "x")).status)
	require.Equal(t, 201, v.send("POST", "/datasources?overwrite=true&asJob=true", mixed, parts(payload, described, file, "y")).status)
	stored := server.Datasources("")
	require.Len(t, stored, 1)
	require.FileExists(t, stored[0].Path)
	started := time.Now()
	require.NoError(t, server.Close())
	assert.Less(t, time.Since(started), 10*time.Second, "a job was waited for")
	assert.NoDirExists(t, filepath.Dir(stored[0].Path))
}

func TestStartTellsWhyItCannot(t *testing.T) {
	t.Parallel()
	_, err := tableautest.Start(tableautest.Config{Address: "256.0.0.1:1"})
	assert.ErrorContains(t, err, "start the fake Tableau Server")
}
