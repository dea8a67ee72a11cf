//go:build faults

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/runners/enginetest"
	"hyperlake/sinks/tableau/tableautest"
)

// How many sequences of nights are drawn for each kind of lake, unless the environment asks for others, and how long they are.
const (
	publishedSequences = 1
	publishedNights    = 7
)

// publishedConfig has rejects and a check, and publishes what is left. Those of both names feed one data source.
const publishedConfig = `name: %[1]s
refresh: {mode: changed}
tables:
  - source: {uri: "lake/**/*.parquet"}
    rules: [{column: qty, max: 45}, {column: name, not_null: true, on_fail: warn}]
    rejects: {path: %[1]s-rejects}
    checks: [{row_count: {min: 1}}]
publish: {project: Sales/Nightly, datasource: Sales, mode: %[2]s, allow_http: true, payload_bytes: 250k, as_job: %[3]t}
`

// passage is what requests go through on their way to the server. At one of them something happens.
type passage struct {
	*httptest.Server
	to *tableautest.Server

	mu     sync.Mutex
	mishap *mishap // nil: nothing more
}

// mishap is what happens at a request.
type mishap struct {
	on       string // kind of requests that it is for, see [kindOf]; empty: any
	skip     int    // so many of them pass before
	executed bool   // the server does what was asked, before anything else
	then     func() // what happens then; nil: nothing but this:
	lost     bool   // there is no reply
	at       string // kind of the request that met it; empty if none did
}

// kindOf says in two words what a request is.
func kindOf(r *http.Request) string {
	parts := strings.Split(r.URL.Path, "/")[3:] // after the version
	if parts[0] == "sites" {
		parts = parts[2:]
	}
	if len(parts) == 3 { // /datasources/ID/data
		parts = parts[2:]
	}
	return r.Method + " " + parts[0]
}

func openPassage(t *testing.T, to *tableautest.Server) *passage {
	p := &passage{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP has the server answer, unless something happens.
func (p *passage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := p.meets(r)
	if m == nil {
		p.to.ServeHTTP(w, r)
		return
	}
	if m.executed {
		p.to.ServeHTTP(httptest.NewRecorder(), r)
	}
	if m.then != nil {
		p.mu.Lock() // so that it is over for whoever awaits something else
		m.then()
		p.mu.Unlock()
	}
	if !m.lost {
		p.to.ServeHTTP(w, r)
	} else if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// meets is what happens at a request, if something does.
func (p *passage) meets(r *http.Request) *mishap {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mishap
	if m == nil || m.on != "" && m.on != kindOf(r) {
		return nil
	}
	if m.skip > 0 {
		m.skip--
		return nil
	}
	m.at, p.mishap = kindOf(r), nil
	return m
}

// await has something happen at a request of the next run; nil: nothing.
func (p *passage) await(m *mishap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mishap = m
}

// published are nights of a lake whose extract is published, by runs that are killed.
type published struct {
	t       *testing.T
	random  *rand.Rand
	folder  string
	server  *tableautest.Server
	passage *passage
	loose   bool // files of the lake lie in no folders of partitions, and are added

	next   int
	usual  time.Duration // how long the last run took that was not killed
	killed map[string]int
	ended  map[string]int // runs that ended, by what became of the data source
}

func openPublished(t *testing.T, seed uint64, loose bool) *published {
	random := rand.New(rand.NewPCG(seed, 0))
	jobTime := []time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 1500 * time.Millisecond}[random.IntN(3)] // which some outlive
	server, err := tableautest.Start(tableautest.Config{
		Sites: []string{"marketing"}, Projects: []string{"Sales/Nightly"}, Folder: t.TempDir(), JobTime: jobTime,
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	n := &published{
		t: t, random: random, folder: t.TempDir(), server: server, passage: openPassage(t, server), loose: loose,
		usual: time.Second, killed: map[string]int{}, ended: map[string]int{},
	}
	asJob := n.chance(50)
	for name, mode := range map[string]string{"sales": "sync", "whole": "overwrite"} {
		path := filepath.Join(n.folder, name+".yaml")
		require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, publishedConfig, name, mode, asJob), 0o600))
	}
	for i := range 8 {
		n.write(n.day(i), 0)
	}
	return n
}

func (n *published) chance(percent int) bool { return n.random.IntN(100) < percent }

// day is the folder of a day, or where there are none, always the same one.
func (n *published) day(i int) string {
	folder := fmt.Sprintf("day=2026-01-%02d", 1+i)
	if n.loose {
		folder = ""
	}
	return filepath.Join(n.folder, "lake", folder)
}

// write makes a file, or another in place of it. Some rows are rejected, and some have no name.
func (n *published) write(folder string, file int) {
	rows := make([]string, []int{1, 30, 100, 600}[n.random.IntN(4)])
	for i := range rows {
		n.next++
		name := "null"
		if n.chance(80) {
			name = fmt.Sprintf(`"%x"`, rand.N(1<<62))
			for range n.random.IntN(12) {
				name = name[:len(name)-1] + fmt.Sprintf(`%x"`, n.random.Uint64())
			}
		}
		rows[i] = fmt.Sprintf(`{"id": %d, "qty": %d, "name": %s}`, n.next, 1+n.random.IntN(50), name)
	}
	if n.loose && file == 0 {
		file = n.next
	}
	runtest.WriteTable(n.t, filepath.Join(folder, fmt.Sprintf("%d.parquet", file)), "["+strings.Join(rows, ",")+"]",
		runtest.Field("id", runtest.Int64Type), runtest.Field("qty", runtest.Int32Type), runtest.Field("name", runtest.TextType))
}

// change changes the lake in one way, and says how.
func (n *published) change() string {
	files, _ := filepath.Glob(filepath.Join(n.folder, "lake", "*.parquet"))
	days, _ := filepath.Glob(filepath.Join(n.folder, "lake", "day=*"))
	some := n.random.IntN(9)
	switch kind := n.random.IntN(10); {
	case kind < 1:
		return "nothing"
	case kind == 2 && len(days) > 4:
		require.NoError(n.t, os.RemoveAll(days[n.random.IntN(len(days))]))
		return "a day less"
	case kind == 2 && len(files) > 4:
		require.NoError(n.t, os.Remove(files[n.random.IntN(len(files))]))
		return "a file less"
	case kind == 3 && !n.loose:
		n.write(filepath.Join(n.folder, "lake", "day=__HIVE_DEFAULT_PARTITION__"), 0)
		return "no day"
	case kind == 4:
		all, _ := filepath.Glob(filepath.Join(n.folder, "lake", "day=*", "*.parquet"))
		touched := append(all, files...)[0]
		require.NoError(n.t, os.Chtimes(touched, time.Time{}, time.Now()))
		return "touched"
	}
	n.write(n.day(some), n.random.IntN(2))
	return fmt.Sprint("day ", some)
}

// others do something to the data source, if there is one, unless it is busy.
func (n *published) others() {
	all := n.server.Datasources("marketing")
	if len(all) == 0 {
		return
	}
	n.server.StepClock(3 * time.Second)
	copied := filepath.Join(n.t.TempDir(), "copy.hyper")
	text, err := os.ReadFile(all[0].Path)
	if errors.Is(err, os.ErrNotExist) { // it is being changed
		return
	}
	assert.NoError(n.t, errors.Join(err, os.WriteFile(copied, text, 0o600)))
	switch n.random.IntN(8) {
	case 0, 1:
		_ = n.server.Append(n.t.Context(), all[0].ID, copied)
	case 2, 3:
		_ = n.server.Overwrite(all[0].ID, copied)
	case 4, 5, 6:
		_ = n.server.Describe(all[0].ID, "theirs")
	default:
		_ = n.server.Delete(all[0].ID)
	}
	n.server.StepClock(3 * time.Second)
}

// kill runs a configuration, and kills it at some moment: at a request to the server, or whenever.
func (n *published) kill(name string) (what string) {
	n.t.Helper()
	cmd := program(n.t, n.folder, n.environment(), "run", name+".yaml", "--log-level", "debug", "--log-format", "json")
	var said bytes.Buffer
	cmd.Stderr = &said
	var m *mishap
	if n.chance(65) {
		lives, dies := make(chan struct{}), make(chan struct{})
		kill := func() { <-lives; _ = cmd.Process.Kill(); <-dies }
		m = &mishap{skip: n.random.IntN(13), executed: n.chance(50), lost: true, then: kill}
		if n.chance(60) {
			m.on, m.skip = n.request()
		}
		n.passage.await(m)
		require.NoError(n.t, cmd.Start())
		close(lives)
		go func() { _ = cmd.Wait(); close(dies) }()
		<-dies
		n.passage.await(nil)
	} else {
		require.NoError(n.t, cmd.Start())
		time.Sleep(time.Duration(n.random.Int64N(int64(n.usual)))) // at some moment: which one, nobody needs to know
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		require.Zero(n.t, cmd.ProcessState.ExitCode(), said.String())
		return name + " was too fast"
	}
	stage := stageIn(said.String())
	if m != nil {
		stage += " (" + m.at + ")"
	}
	n.killed[stage]++
	return name + " killed in " + stage
}

// request draws a kind of requests that change a data source, or have to do with that, and how many of them pass before.
func (n *published) request() (kind string, skip int) {
	kinds := []string{"PATCH data", "PATCH data", "POST datasources", "POST fileUploads", "PUT fileUploads", "GET jobs", "GET datasources"}
	kind = kinds[n.random.IntN(len(kinds))]
	if kind == "GET datasources" {
		return kind, n.random.IntN(4)
	}
	return kind, n.random.IntN(5) / 4
}

// stageIn is the last stage that a log tells of.
func stageIn(log string) string {
	stage := "start"
	for line := range strings.Lines(log) {
		var entry struct{ Msg, Stage string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "stage begins" {
			stage = entry.Stage
		}
	}
	return stage
}

func (n *published) environment() []string {
	return []string{"tab_site_url=" + n.passage.URL, "tab_site_id=marketing", "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}
}

// disturb has something else than a death happen to the next run, and says what. Others may do something when all was done.
func (n *published) disturb() (what string, byOthers bool) {
	m := &mishap{}
	m.on, m.skip = n.request()
	switch n.random.IntN(10) {
	case 0:
		m.executed, m.lost = true, true
		n.passage.await(m)
		return "a reply to " + m.on + " is lost", false
	case 1:
		m.lost = true
		n.passage.await(m)
		return "a request " + m.on + " is lost", false
	case 2:
		m.then = n.others
		n.passage.await(m)
		return "others at " + m.on, true
	}
	return "", false
}

// run runs a configuration, which must end well, and holds what it made against a full build.
func (n *published) run(name string, flags ...string) {
	n.t.Helper()
	disturbed, byOthers := n.disturb()
	began := time.Now()
	var printed, said bytes.Buffer
	cmd := program(n.t, n.folder, n.environment(), append([]string{"run", name + ".yaml", "--json"}, flags...)...)
	cmd.Stdout, cmd.Stderr = &printed, &said
	_ = cmd.Run() // the exit code is compared
	n.passage.await(nil)
	n.usual = time.Since(began)
	var r report.Report
	require.NoError(n.t, json.Unmarshal(printed.Bytes(), &r))
	if r.Refresh == nil {
		r.Refresh = &report.RefreshAccount{}
	}
	about := fmt.Sprintf("%s %s", r.Publish.Mode, r.Publish.Outcome)
	if r.Publish.Reason != "" {
		about += ": " + r.Publish.Reason
	}
	n.t.Log("  ", name, flags, disturbed, r.Refresh.Mode, r.Refresh.Reason, about, r.Publish.UnitsChanged, "/", r.Publish.Units, r.Publish.Parts)
	n.ended[about]++
	if code := cmd.ProcessState.ExitCode(); byOthers && code != 0 {
		require.Equal(n.t, 4, code, said.String())
	} else {
		require.Zero(n.t, code, said.String())
	}
	if byOthers {
		n.run(name, flags...)
		return
	}
	n.requireSame(name, printed.String())
}

// requireSame compares what a run made with a full build.
func (n *published) requireSame(name, printed string) {
	n.t.Helper()
	full, _ := runs(n.t, n.folder, 0, "generate", "sales.yaml", "--json", "--set", "refresh.mode=full",
		"--set", "output.path=full.hyper", "--set", "tables.0.rejects.path=full-rejects")
	require.Equal(n.t, tablesOf(n.t, full), tablesOf(n.t, printed))
	want := runtest.ContentsOf(n.t, filepath.Join(n.folder, "full.hyper"))
	require.Equal(n.t, want, runtest.ContentsOf(n.t, filepath.Join(n.folder, name+".hyper")), "the extract")
	require.Equal(n.t, runtest.RejectRows(n.t, filepath.Join(n.folder, "full-rejects")),
		runtest.RejectRows(n.t, filepath.Join(n.folder, name+"-rejects")), "the rejects")
	n.requireStored(want)
}

// requireStored compares the rows of the data source with others.
func (n *published) requireStored(want []string) {
	n.t.Helper()
	n.server.WaitForJobs()
	all := n.server.Datasources("marketing")
	require.Len(n.t, all, 1)
	require.Equal(n.t, want, runtest.ContentsOf(n.t, all[0].Path), "the data source")
}

// publish publishes what stands at the output, if something does.
func (n *published) publish(name string) {
	n.t.Helper()
	extract := filepath.Join(n.folder, name+".hyper")
	if _, err := os.Stat(extract); err != nil {
		return
	}
	cmd := program(n.t, n.folder, n.environment(), "publish", name+".yaml")
	said, err := cmd.CombinedOutput()
	require.NoError(n.t, err, string(said))
	n.requireStored(runtest.ContentsOf(n.t, extract))
}

// requireTidy checks that nothing stays of runs that were killed.
func (n *published) requireTidy() {
	n.t.Helper()
	for _, pattern := range []string{".*.hyperlake-*", ".*.lock", "*.hyperlake/publications/*.lock", ".state/hyperlake/publications/*.lock"} {
		found, err := filepath.Glob(filepath.Join(n.folder, pattern))
		require.NoError(n.t, err)
		assert.Empty(n.t, found)
	}
}

// night lets a night pass, in which a run may be killed more than once, or another one comes instead of its repetition.
func (n *published) night() {
	n.t.Helper()
	what := []string{n.change()}
	for n.chance(40) {
		what = append(what, n.change())
	}
	if n.chance(8) {
		n.others()
		what = append(what, "others")
	}
	name := "sales"
	if n.chance(8) {
		name = "whole"
	}
	what = append(what, n.kill(name))
	for n.chance(20) {
		what = append(what, n.kill(name))
	}
	if n.chance(15) {
		what = append(what, n.change())
	}
	if n.chance(8) {
		name = map[string]string{"sales": "whole", "whole": "sales"}[name]
	}
	n.t.Log(strings.Join(what, ", "))
	if n.chance(15) {
		n.t.Log("  ", name, "published as it stands")
		n.publish(name)
	}
	if n.chance(15) { // which leaves extract and data source as they are, and whatever was killed where it was
		cmd := program(n.t, n.folder, n.environment(), "run", name+".yaml", "--set", "tables.0.rejects.max_rows=0")
		_ = cmd.Run() // the exit code is compared
		require.Equal(n.t, 3, cmd.ProcessState.ExitCode())
	}
	n.run(name, n.flags()...)
	if n.chance(20) {
		n.run(name)
	}
}

// flags are what a run is asked for besides.
func (n *published) flags() []string {
	switch n.random.IntN(16) {
	case 0, 1:
		return []string{"--set", "refresh.mode=full"}
	case 2:
		return []string{"--set", "publish.mode=overwrite"}
	case 3, 4:
		if !n.loose {
			return []string{"--reload", `day >= date("2026-01-05")`}
		}
	}
	return nil
}

// Wherever a night is killed that publishes, the next run makes extract, rejects, report and data source what a full build and a
// publication of all of it would have made, without anybody's help.
func TestPublishedNightsThatAreKilled(t *testing.T) {
	killed, ended, updates := map[string]int{}, map[string]int{}, 0
	for _, loose := range []bool{false, true} {
		t.Run(map[bool]string{false: "partitions", true: "files"}[loose], func(t *testing.T) {
			enginetest.EachSequence(t, publishedSequences, func(t *testing.T, seed uint64) {
				n := openPublished(t, seed, loose)
				n.run("sales")
				for range publishedNights {
					n.night()
				}
				n.run("sales")
				n.run("whole")
				n.requireTidy()
				listed, _ := runs(t, n.folder, 0, "history", "sales.yaml")
				assert.NotContains(t, listed, "running")
				for _, request := range n.server.Requests() {
					if request.Method == http.MethodPatch {
						updates++
					}
				}
				for stage, times := range n.killed {
					killed[stage] += times
				}
				for about, times := range n.ended {
					ended[about] += times
				}
			})
		})
	}
	for _, counts := range []map[string]int{killed, ended} {
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			t.Log(counts[what], what)
		}
	}
	t.Log(updates, "data updates")
	assert.Positive(t, updates, "units were sent")
	inPublish := 0
	for stage, times := range killed {
		if strings.HasPrefix(stage, "publish") {
			inPublish += times
		}
	}
	assert.Positive(t, inPublish, "publishing was killed")
}
