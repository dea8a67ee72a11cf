package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// videosKey is what the API of the story is asked with.
const videosKey = "the+key/of the videos=="

// videos is an API of popular videos, which gives some with each page, to those who have its key.
type videos struct {
	*httptest.Server

	mu     sync.Mutex
	all    []map[string]any
	failAt int // the page at which the key counts no more; 0 for none
	asked  int
}

func serveVideos() *videos {
	v := &videos{}
	v.Server = httptest.NewServer(v)
	return v
}

// ServeHTTP gives a page, with the address of the next one, as long as there is one.
func (v *videos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("limit"))
	page, _ := strconv.Atoi(query.Get("page"))
	if r.Header.Get("X-Api-Key") != videosKey || limit < 1 || page+1 == v.failAt {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	last := min((page+1)*limit, len(v.all))
	body := map[string]any{"items": v.all[page*limit : last]}
	if last < len(v.all) {
		body["next"] = fmt.Sprintf("%s/popular?limit=%d&page=%d", v.URL, limit, page+1)
	}
	_ = json.NewEncoder(w).Encode(body)
}

// show has the API give other videos, and fail at a page.
func (v *videos) show(failAt int, all ...map[string]any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all, v.failAt = all, failAt
}

func video(id string, channel int, topic string, views any) map[string]any {
	return map[string]any{
		"id": id, "channel": channel, "topic": topic, "title": "Video " + id, "published": "2026-11-20T12:00:00Z", "length": json.Number("63.25"),
		"views": views,
	}
}

// story is the configuration of docs/ingest.md, with all that it talks to.
type story struct {
	t       *testing.T
	folder  string
	api     *videos
	tableau *tableautest.Server
	team    *audience
	traces  *collected
	lineage *lineageServer
}

// lineageServer is a server of OpenLineage that keeps the last event in a few words.
type lineageServer struct {
	*httptest.Server

	mu   sync.Mutex
	last string
}

func serveLineage(t *testing.T) *lineageServer {
	s := &lineageServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var event struct {
			EventType       string
			Inputs, Outputs []struct{ Namespace, Name string }
		}
		assert.NoError(t, json.NewDecoder(request.Body).Decode(&event))
		told := event.EventType
		for _, from := range event.Inputs {
			told += " " + filepath.Base(from.Name)
		}
		told += " >"
		for _, to := range event.Outputs {
			told += " " + filepath.Base(to.Name)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last = told
	}))
	t.Cleanup(s.Close)
	return s
}

// told is the last event: its type, the names of what was read, and of what was written.
func (s *lineageServer) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func openStory(t *testing.T) *story {
	s := &story{t: t, folder: t.TempDir(), api: serveVideos(), team: newAudience(), traces: collect(t), lineage: serveLineage(t)}
	t.Cleanup(s.api.Close)
	t.Cleanup(s.team.Close)
	require.NoError(t, os.CopyFS(s.folder, os.DirFS("../../testdata/story")))
	var err error
	s.tableau, err = tableautest.Start(tableautest.Config{
		Folder: t.TempDir(), Projects: []string{"Marketing/Nightly"}, Tokens: map[string]string{tokenName: tokenSecret},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.tableau.Close()) })
	return s
}

// call calls hyperlake in the folder of the story, and returns what it says, as the documentation shows it: without what is of this machine.
func (s *story) call(code int, args ...string) string {
	s.t.Helper()
	cmd := program(s.t, s.folder, []string{
		"tab_site_url=" + s.tableau.URL, "tab_site_id=", "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret, "VIDEOS_API_KEY=" + videosKey,
		"TEAM_URL=" + s.team.URL + "/usual/" + hookSecret, "OTEL_EXPORTER_OTLP_ENDPOINT=" + s.traces.URL,
		"OPENLINEAGE_URL=" + s.lineage.URL,
	}, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	_ = cmd.Run() // the exit code is compared
	require.Equal(s.t, code, cmd.ProcessState.ExitCode(), said.String())
	runtest.RequireHidden(s.t, said.Bytes(), "lake", map[string]string{
		"the key of the API": videosKey, "the token of Tableau": tokenSecret, "the address of the team": hookSecret,
	})
	return strings.NewReplacer(s.folder+string(filepath.Separator), "", s.tableau.URL, "https://tableau.example.com", s.api.URL, "https://videos.example.com").
		Replace(said.String())
}

// night runs the configuration as on a date: with its own command, and the addresses of servers of this machine.
func (s *story) night(date string, code int) string {
	s.t.Helper()
	return s.call(code, "run", "videos.yaml", "--date", date, "--log-level", "error", "--set", "metrics.textfile=videos.prom",
		"--set", "ingest[0].http.url="+s.api.URL+"/popular?limit=2", "--set", "publish.allow_http=true", "--report", date+".json")
}

// published asks the data source in Tableau for one value.
func (s *story) published(sql string) string {
	s.t.Helper()
	conn := hyperdtest.Connect(s.t, hyperdtest.Acquire(s.t))
	sources := s.tableau.Datasources("")
	require.Len(s.t, sources, 1)
	require.NoError(s.t, conn.Attach(s.t.Context(), sources[0].Path, "x"))
	found, err := conn.QueryValue(s.t.Context(), sql)
	require.NoError(s.t, err)
	require.NoError(s.t, conn.Detach(s.t.Context(), "x"))
	return found
}

// counted asks for the rows of each day, and what the tables together say.
const counted = `SELECT string_agg(line, '; ' ORDER BY line) FROM (
	SELECT concat(v.day, ' ', c.owner, ', ', t.title, ': ', cast(sum(v.views) AS text), ' ', cast(max(v.length) AS text)) AS line
	FROM x."Extract".videos v JOIN x."Extract".channels c ON c.channel = v.channel JOIN x."Extract".topics t ON t.topic = v.topic
	GROUP BY v.day, c.owner, t.title) AS lines`

// TestStoryOfTheDocumentation has the configuration of docs/ingest.md run for three nights: from an API, files and texts to a data source,
// with one command. The page shows that file, and what the command says.
func TestStoryOfTheDocumentation(t *testing.T) {
	s := openStory(t)
	t.Cleanup(hyperd.Shutdown)
	s.api.show(0, video("a", 101, "ds", 1200), video("b", 102, "de", 300), video("c", 201, "de", 9), video("d", 101, "caf", 41), video("e", 101, "ds", 7))
	first := s.night("2026-11-27", 0)
	const ofFirst = `2026-11-27 Data, by Ada, Café des données: 41 63.25; 2026-11-27 Data, by Ada, Data science: 1207 63.25; ` +
		`2026-11-27 Pipes "R" us, Data engineering – pipelines: 9 63.25; 2026-11-27 Tables of Bo, Data engineering – pipelines: 300 63.25`
	assert.Equal(t, ofFirst, s.published(counted))
	assert.Equal(t, 3, s.api.asked, "pages")
	told, _ := s.team.take()
	assert.Empty(t, told, "a night on which all is well")
	ways := s.traces.ways()
	assert.Contains(t, ways, "run > stage ingest > ingest")
	assert.False(t, s.traces.holds(videosKey))
	assert.Equal(t, "COMPLETE popular drop topics.txt videos channels topics > videos channels topics videos.hyper#Extract.videos "+
		"videos.hyper#Extract.channels videos.hyper#Extract.topics Popular videos", s.lineage.told())

	// The next night has another day, a channel more, and a row that does not fit; the day before is not read again.
	s.api.show(0, video("a", 101, "ds", 1300), video("f", 301, "ds", 2), video("b", 102, "de", "hidden"), video("c", 201, "de", 10))
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "drop", "channels-3.csv"), []byte("channel,owner,since\n301,Newcomers,2026-11-01\n"), 0o600))
	second := s.night("2026-11-28", 0)
	assert.Equal(t, ofFirst+`; 2026-11-28 Data, by Ada, Data science: 1300 63.25; 2026-11-28 Newcomers, Data science: 2 63.25; `+
		`2026-11-28 Pipes "R" us, Data engineering – pipelines: 10 63.25`, s.published(counted))
	told, text := s.team.take()
	assert.Equal(t, []string{"usual:rejects,0"}, told)
	assert.Contains(t, text, `1 row of ingest videos broke \"views: type bigint\"`)

	// Where nothing is ingested anew, nothing is made anew.
	assert.Contains(t, s.call(0, "generate", "videos.yaml", "--date", "2026-11-28", "--set", "ingest=", "--set", "notify="),
		"nothing changed: the extract stays: videos.hyper")

	// On the third, the API fails behind its first page: nothing of it is kept, built or sent.
	s.api.show(2, video("a", 101, "ds", 1400), video("b", 102, "de", 1), video("c", 201, "de", 2))
	before := s.published(counted)
	sent := len(s.tableau.Requests())
	third := s.night("2026-11-29", 1)
	assert.Equal(t, before, s.published(counted))
	assert.Len(t, s.tableau.Requests(), sent)
	assert.NoDirExists(t, filepath.Join(s.folder, "lake", "videos", "day=2026-11-29"))
	told, _ = s.team.take()
	assert.Equal(t, []string{"usual:failure,1"}, told)
	assert.Equal(t, "FAIL popular drop topics.txt videos channels topics >", s.lineage.told())
	metrics := string(must(os.ReadFile(filepath.Join(s.folder, "videos.prom"))))
	assert.Contains(t, metrics, `hyperlake_run_exit_code{name="videos"} 1`)
	assert.Contains(t, metrics, `hyperlake_ingest_rows{name="videos",ingest="videos",fate="rejected"} 1`)

	s.compareWithPage(first, second, third)
	s.schedule()
}

// varying is what differs from run to run in what hyperlake says.
var varying = regexp.MustCompile(`\d+(\.\d+)? ([kM]?B|s)\b`)

// compareWithPage holds docs/ingest.md against the configuration and what was said.
func (s *story) compareWithPage(said ...string) {
	page := strings.ReplaceAll(string(must(os.ReadFile("../../docs/ingest.md"))), "\r\n", "\n")
	file := string(must(os.ReadFile(filepath.Join(s.folder, "videos.yaml"))))
	assert.True(s.t, strings.Contains(page, "```yaml\n"+file+"```\n"), "docs/ingest.md does not show testdata/story/videos.yaml as it is")
	page = varying.ReplaceAllString(page, "N $2")
	for _, text := range said {
		shown := "$ hyperlake run videos.yaml --log-level error\n" + varying.ReplaceAllString(text, "N $2") + "```\n"
		assert.True(s.t, strings.Contains(page, shown), "docs/ingest.md does not show what is said:\n%s", text)
	}
}

// schedule has every platform told of the configuration, which names the variables that hold secrets, and none of the secrets.
func (s *story) schedule() {
	require.NoError(s.t, os.Mkdir(filepath.Join(s.folder, ".git"), 0o700)) // as GitHub needs it
	for _, platform := range []string{"systemd", "cron", "launchd", "windows", "k8s", "airflow", "github"} {
		said := s.call(0, "schedule", "videos.yaml", "--as", platform, "--at", "04:30", "--image", "registry.example.com/hyperlake:1.0",
			"--program", "/usr/bin/hyperlake")
		for _, name := range []string{"tab_secret_id", "VIDEOS_API_KEY", "TEAM_URL"} {
			assert.True(s.t, strings.Contains(said, name), "%s in what is printed for %s", name, platform)
		}
	}
}
