//go:build faults

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/runners/enginetest"
)

// killedIngests is how many are killed one after another in each place.
const killedIngests = 6

// killedConfig brings three sources into a lake below a root, and makes tables of them. The types of amounts become wider.
const killedConfig = `name: killed
output: {path: killed.hyper}
ingest:
  - to: "%[1]s/lake/orders/day=${date}"
    csv: {uri: "drop/orders-*.csv"}
    columns: {amount: {type: "%[2]s"}}
    rejects: {path: "%[1]s/bad/orders"}
    on_drift: union
  - to: "%[1]s/lake/events"
    jsonl: {uri: drop/events.jsonl}
    columns: {id: {type: bigint}, amount: {type: integer}%[3]s}
    rejects: {path: "%[1]s/bad/events"}
    on_drift: union
  - {to: "%[1]s/lake/numbers", command: {run: [sh, -c, %[4]q], format: csv}}
`

// killedTables are those of the lake, whether or not something is brought into it first.
const killedTables = `tables:
  - {name: orders, source: {uri: "%[1]s/lake/orders/**/*.parquet", on_drift: union}}
  - {name: events, source: {uri: "%[1]s/lake/events/*.parquet"}}
  - {name: numbers, source: {uri: "%[1]s/lake/numbers/*.parquet"}}
`

// Wherever a process that brings rows into the lake is killed, alone or with all that it has started, each folder has the rows of before
// or the new ones for whoever goes by what is said of it; on this system also for whoever reads all files. So has that of rejects, and types
// are those of the rows. The next run ends well, and nothing is left of the dead one.
func TestIngestsThatAreKilled(t *testing.T) {
	for _, place := range []string{"local", "gs"} {
		t.Run(place, func(t *testing.T) {
			enginetest.EachSequence(t, 1, func(t *testing.T, seed uint64) {
				n := openIngested(t, seed, place == "gs")
				for range killedIngests {
					n.change()
					n.kill()
					n.look()
					n.recover()
				}
				t.Log(n.killed)
				assert.NotEmpty(t, n.killed)
			})
		})
	}
}

// ingested is a lake that is filled again and again. Rows are told apart by their ids: those of a version of the sources begin with it.
type ingested struct {
	t       *testing.T
	random  *rand.Rand
	folder  string              // of the configuration
	root    string              // of lake and rejects
	temp    string              // where programs put their temporary files
	faults  *storagetest.Faults // of the store of the root; nil where it is local
	date    string
	version int

	was    map[string]int // the version that is in a folder, or in that of rejects, by its name below the root
	usual  map[string]time.Duration
	killed map[string]int // by command and how many of the folders had the new rows
}

func openIngested(t *testing.T, seed uint64, remote bool) *ingested {
	n := &ingested{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), folder: t.TempDir(), temp: t.TempDir(), was: map[string]int{},
		usual: map[string]time.Duration{}, killed: map[string]int{},
	}
	n.root = filepath.Join(n.folder, "root")
	if remote {
		n.root, n.faults = storagetest.FakeGCS(t)
	}
	n.change()
	if n.random.IntN(2) == 0 { // else the first run of all is killed
		n.end("ingest")
	}
	return n
}

// change makes other sources, and says which day it is.
func (n *ingested) change() {
	n.t.Helper()
	n.version++
	n.date = fmt.Sprintf("2026-11-%02d", 1+n.random.IntN(3))
	drop := filepath.Join(n.folder, "drop")
	require.NoError(n.t, os.RemoveAll(drop))
	require.NoError(n.t, os.MkdirAll(drop, 0o755))
	note := []string{"", ",note"}[min(n.version/3, 1)] // a column that comes later
	for i, ids := range [][]int64{idsOf(n.version)[:2], idsOf(n.version)[2:]} {
		text := "id,amount" + note + "\n"
		for _, id := range ids {
			text += fmt.Sprintf("%d,%d.5%s\n", id, id, note)
		}
		if i > 0 {
			for _, id := range badOf(n.version) {
				text += fmt.Sprintf("%d,much%s\n", id, note)
			}
		}
		require.NoError(n.t, os.WriteFile(filepath.Join(drop, fmt.Sprintf("orders-%d.csv", i)), []byte(text), 0o600))
	}
	text := ""
	for _, id := range idsOf(n.version) {
		text += fmt.Sprintf(`{"id": %d, "tags": ["a", %d], "amount": %d}`+"\n", id, id, id)
	}
	for _, id := range badOf(n.version) {
		text += fmt.Sprintf(`{"id": %d, "tags": [], "amount": "much"}`+"\n", id)
	}
	require.NoError(n.t, os.WriteFile(filepath.Join(drop, "events.jsonl"), []byte(text), 0o600))

	amount := []string{"numeric(10,2)", "numeric(18,2)", "numeric(18,4)"}[min(n.version/4, 2)]
	more := []string{"", ", later: {type: text}"}[min(n.version/5, 1)]
	ids := idsOf(n.version)
	program := fmt.Sprintf("echo id; seq %d %d", ids[0], ids[len(ids)-1])
	tables := fmt.Sprintf(killedTables, n.root)
	config := fmt.Sprintf(killedConfig, n.root, amount, more, program) + tables
	for name, text := range map[string]string{"killed.yaml": config, "tables.yaml": "name: tables\noutput: {path: tables.hyper}\n" + tables} {
		require.NoError(n.t, os.WriteFile(filepath.Join(n.folder, name), []byte(text), 0o600))
	}
}

// idsOf are the rows of a version.
func idsOf(version int) (ids []int64) {
	for i := range 3 + version%5 {
		ids = append(ids, int64(version*1000+i))
	}
	return ids
}

// badOf are those that are rejected.
func badOf(version int) (ids []int64) {
	for i := range version % 3 {
		ids = append(ids, int64(version*1000+900+i))
	}
	return ids
}

func (n *ingested) command(args ...string) *exec.Cmd {
	return program(n.t, n.folder, []string{"TMPDIR=" + n.temp}, args...)
}

// end runs a command, which ends well, and everything it should have done is done.
func (n *ingested) end(command string) {
	n.t.Helper()
	began := time.Now()
	cmd := n.command(command, "killed.yaml", "--date", n.date)
	said, err := cmd.CombinedOutput()
	require.NoError(n.t, err, "%s", said)
	n.usual[command] = time.Since(began)
	for _, name := range n.folders() {
		n.was[name] = n.version
	}
	for _, name := range []string{"bad/orders", "bad/events"} {
		n.was[name] = n.version
	}
	n.look()
	n.requireClean()
}

// folders are those that a run replaces, in its order.
func (n *ingested) folders() []string {
	return []string{"lake/orders/day=" + n.date, "lake/events", "lake/numbers"}
}

// kill kills a run at some moment, sometimes with all processes that it has started.
func (n *ingested) kill() {
	n.t.Helper()
	name := []string{"ingest", "ingest", "generate"}[n.random.IntN(3)]
	most := n.usual[name]
	if most == 0 {
		most = 3 * time.Second
	}
	cmd := n.command(name, "killed.yaml", "--date", n.date)
	var said bytes.Buffer
	cmd.Stderr = &said
	all := n.random.IntN(2) == 0
	if all {
		name += " with all"
	}
	if n.faults != nil && n.random.IntN(4) > 0 {
		name += ", at a " + n.killAtRequest(cmd, all)
	} else {
		require.NoError(n.t, cmd.Start())
		time.Sleep(most/4 + time.Duration(n.random.Int64N(int64(most)))*3/4) // at some moment: which one, nobody needs to know
		killWith(cmd, all)
		_ = cmd.Wait()
	}
	if all { // temporary files then stay until somebody cleans up
		require.NoError(n.t, os.RemoveAll(n.temp))
		require.NoError(n.t, os.Mkdir(n.temp, 0o700))
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		require.Zero(n.t, cmd.ProcessState.ExitCode(), said.String())
		name += ", too late"
	}
	n.expireLocks()
	replaced := 0
	for _, folder := range n.folders() {
		if n.versionIn(folder) == n.version {
			replaced++
		}
	}
	n.killed[fmt.Sprintf("%s: %d new", name, replaced)]++
}

// killAtRequest runs a command that is killed at a request, before or after that is carried out.
func (n *ingested) killAtRequest(cmd *exec.Cmd, all bool) (kind string) {
	n.t.Helper()
	started, died := make(chan struct{}), make(chan struct{})
	on := []storagetest.Operation{storagetest.Write, storagetest.Write, storagetest.Delete, storagetest.List, storagetest.Stat}[n.random.IntN(5)]
	n.faults.Inject(storagetest.Fault{
		On: on, Skip: n.random.IntN(16), Times: 1, Status: 503 * n.random.IntN(2),
		Before: func() { <-started; killWith(cmd, all); <-died },
	})
	require.NoError(n.t, cmd.Start())
	close(started)
	_ = cmd.Wait()
	close(died)
	n.faults.Heal()
	return string(on)
}

// killWith kills a process, and all that it has started if that is asked for.
func killWith(cmd *exec.Cmd, all bool) {
	if all {
		_ = cmd.Process.Signal(syscall.SIGSTOP) // so that there are no new ones
		for _, child := range childrenOf(cmd.Process.Pid) {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
	}
	_ = cmd.Process.Kill()
}

// childrenOf are the processes that a process has started, and those that these have.
func childrenOf(parent int) (children []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		text, err := os.ReadFile(path)
		_, rest, found := bytes.Cut(text, []byte(") "))
		if fields := strings.Fields(string(rest)); err == nil && found && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err == nil {
				children = append(append(children, child), childrenOf(child)...)
			}
		}
	}
	return children
}

// expireLocks has nobody wait for the locks of a dead run on object storage.
func (n *ingested) expireLocks() {
	if storage.IsLocal(n.root) {
		return
	}
	for _, name := range n.names() {
		if strings.HasSuffix(name, ".lock") {
			require.NoError(n.t, storage.Remove(n.t.Context(), storage.Join(n.root, name)))
		}
	}
}

// recover has the next run make all right. Before, sometimes an extract is built of what is there.
func (n *ingested) recover() {
	n.t.Helper()
	if n.random.IntN(3) == 0 && n.isWhole() {
		runs(n.t, n.folder, 0, "generate", "tables.yaml")
		n.requireExtract("tables.hyper")
	}
	command := []string{"ingest", "ingest", "generate"}[n.random.IntN(3)]
	n.end(command)
	if command == "generate" {
		n.requireExtract("killed.hyper")
	}
}

// isWhole says whether there is something in all folders.
func (n *ingested) isWhole() bool {
	return n.was["lake/events"] > 0 && n.was["lake/numbers"] > 0
}

// requireExtract compares an extract with what is in the folders.
func (n *ingested) requireExtract(name string) {
	n.t.Helper()
	for _, table := range []string{"orders", "events", "numbers"} {
		var rows int
		var sum int64
		for folder, version := range n.was {
			if version > 0 && strings.HasPrefix(folder, "lake/"+table) {
				for _, id := range idsOf(version) {
					rows, sum = rows+1, sum+id
				}
			}
		}
		printed, _ := runs(n.t, n.folder, 0, "sql", name, fmt.Sprintf(`select count(*), sum(id) from "Extract".%q`, table), "--csv")
		lines := strings.Fields(printed)
		require.Equal(n.t, fmt.Sprintf("%d,%d", rows, sum), lines[len(lines)-1], table)
	}
}
