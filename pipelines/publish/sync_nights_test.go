package publish_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/sinks/tableau/tableautest"
)

// syncNights are nights with mode sync on which whatever happens is drawn.
type syncNights struct {
	*syncs
	random *rand.Rand
	next   int
	ledger map[string][]byte // by path, as it was when the process died; nil if it lived

	units, whole int // nights that sent units, and all rows, and ended well
}

// change changes the lake in one way, and says how.
func (n *syncNights) change() string {
	day := fmt.Sprintf("2026-01-%02d", 1+n.random.IntN(8))
	switch n.random.IntN(8) {
	case 0:
		return "nothing"
	case 1:
		if found, _ := filepath.Glob(filepath.Join(n.Folder, "lake", "*")); len(found) < 4 {
			return "nothing"
		}
		n.day(day)
		return "no " + day
	case 2:
		day = "__HIVE_DEFAULT_PARTITION__"
	}
	ids := make([]int, []int{1, 5, 4000}[n.random.IntN(3)])
	for i := range ids {
		n.next++
		ids[i] = n.next * 7919 % 1000003 // which compress badly
	}
	n.day(day, ids...)
	return fmt.Sprint(len(ids), " rows of ", day)
}

// others change the data source, if there is one.
func (n *syncNights) others() {
	all := n.Datasources("marketing")
	if len(all) == 0 {
		return
	}
	n.elapse()
	file := n.copyOf(all[0].Path)
	switch n.random.IntN(4) {
	case 0:
		assert.NoError(n.T, n.Append(n.T.Context(), all[0].ID, file))
	case 1:
		assert.NoError(n.T, n.Overwrite(all[0].ID, n.without(-1)))
	case 2:
		assert.NoError(n.T, n.Describe(all[0].ID, "theirs"))
	case 3:
		assert.NoError(n.T, n.Delete(all[0].ID))
	}
}

// dies remembers the ledgers as they are: the process will have died now.
func (n *syncNights) dies() {
	n.ledger = map[string][]byte{}
	for _, folder := range n.LedgerFolders() {
		if found, _ := filepath.Glob(filepath.Join(folder, "*.json")); len(found) == 1 {
			path, text := n.Ledger(folder)
			n.ledger[path] = text
		}
	}
}

// fault draws what goes wrong, and says it.
func (n *syncNights) fault() string {
	path := "/data"
	method := []string{patch, "POST"}[n.random.IntN(2)]
	if method == "POST" {
		path = "/datasources"
	}
	at := func(f tableautest.Fault) tableautest.Fault { f.Method, f.Path = method, path; return f }
	faults := map[string]tableautest.Fault{
		"refused":       at(refusal),
		"too large":     at(tableautest.Fault{Status: 413, Code: "413000"}),
		"job fails":     at(tableautest.Fault{FailJob: true}),
		"a reply lost":  at(tableautest.Fault{LoseReply: true}),
		"a try lost":    at(tableautest.Fault{LoseRequest: true}),
		"replies lost":  at(tableautest.Fault{LoseReply: true, Times: 6}),
		"tries lost":    at(tableautest.Fault{LoseRequest: true, Times: 6}),
		"job forgotten": {Method: "GET", Path: "/jobs", PurgeJob: true},
		"others":        {Method: "POST", Path: "/fileUploads", Meanwhile: n.others},
		"dies before":   at(tableautest.Fault{Meanwhile: n.dies, LoseRequest: true, Times: 6}),
		"dies after":    at(tableautest.Fault{Meanwhile: n.dies}),
		"dies waiting":  {Method: "GET", Path: "/jobs", Meanwhile: n.dies},
	}
	names := []string{
		"refused", "too large", "job fails", "a reply lost", "a try lost", "replies lost", "tries lost", "job forgotten", "others", "dies before",
		"dies after", "dies waiting",
	}
	name := names[n.random.IntN(len(names))]
	n.Inject(faults[name])
	return method + ": " + name
}

// syncRefreshes are what of a lake is loaded: all of it, what changed, and what a window leaves.
var syncRefreshes = []string{
	"", "refresh: {mode: changed}\n", "refresh: {mode: changed, full_every: 2d}\n",
	"on_empty: allow\nrefresh: {mode: changed, window: {column: dt, keep: 4 days}}\n",
	"on_empty: allow\nrefresh: {mode: full, window: {column: dt, keep: 4 days}}\n",
}

// askFor draws what is asked of a night besides, and says it.
func (n *syncNights) askFor() string {
	n.mode, n.reload = "", ""
	if n.random.IntN(6) == 0 {
		n.mode = "overwrite"
	}
	if strings.Contains(n.more, "changed") && n.random.IntN(4) == 0 {
		n.reload = `dt >= date("2026-01-03")`
	}
	if n.random.IntN(3) == 0 {
		n.date = fmt.Sprintf("2026-01-%02d", 5+n.random.IntN(6))
	}
	return fmt.Sprint(n.date, " ", n.mode, " ", n.reload)
}

// rejected is a night whose rows break a rule, after which everything is as it was.
func (n *syncNights) rejected() string {
	n.table = ", rules: [{column: id, max: -1}], rejects: {max_rows: 0}"
	defer func() { n.table = "" }()
	_, err := n.syncs.night()
	require.Equal(n.T, failure.Data, failure.Of(err, failure.Engine).Kind, err)
	return "rejected"
}

// night runs the configuration in what the night brings, and holds the data source against the extract if that succeeded.
func (n *syncNights) night(what ...string) (succeeded bool) {
	n.T.Helper()
	n.ledger = nil
	record, err := n.syncs.night()
	outcome := "none"
	if record.Publish != nil {
		outcome = fmt.Sprint(record.Publish.Outcome, " ", record.Publish.Reason, " ", record.Publish.UnitsChanged, "/", record.Publish.Units)
	}
	n.T.Log(what, outcome, err)
	switch {
	case n.ledger != nil: // whatever it did then
		for path, text := range n.ledger {
			require.NoError(n.T, os.WriteFile(path, text, 0o600))
		}
		return false
	case err != nil:
		require.Equal(n.T, failure.Publish, failure.Of(err, failure.Engine).Kind, err)
		return false
	}
	n.requireSame()
	switch {
	case record.Publish.Reason != "":
		n.whole++
	case record.Publish.Outcome == "published":
		n.units++
	}
	return true
}

// After every night that ends well the data source has the rows of the extract, whatever happened in the nights before.
func TestRandomSyncNights(t *testing.T) {
	units, whole := 0, 0
	for seed := range uint64(syncSeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			n := &syncNights{syncs: openSyncs(t, ", payload_bytes: 200k", fiveDays...), random: rand.New(rand.NewPCG(seed, 1))}
			for range 12 {
				what := []string{n.change()}
				switch n.random.IntN(8) {
				case 0:
					n.others()
					what = append(what, "others")
				case 1:
					what = append(what, n.change(), n.change())
				case 2, 3:
					what = append(what, n.fault())
				case 4:
					what = append(what, n.rejected())
				case 5:
					n.keys = []string{", payload_bytes: 200k", ", confirm: download", ""}[n.random.IntN(3)]
					n.more = syncRefreshes[n.random.IntN(len(syncRefreshes))]
					what = append(what, n.keys, n.more)
				case 6:
					n.elapse()
					if n.cfg != nil { // the extract that stands there, by another command
						_, err := n.Publish(n.cfg, publish.Options{})
						what = append(what, fmt.Sprint("published before: ", err))
					}
				}
				n.night(append(what, n.askFor())...)
			}
			n.mode, n.reload = "", ""
			for try := 0; !n.night("at last"); try++ { // until all that was to go wrong did
				require.Less(t, try, 12)
			}
			n.requireUnchanged()
			units, whole = units+n.units, whole+n.whole
		})
	}
	assert.Positive(t, units)
	assert.Positive(t, whole)
}
