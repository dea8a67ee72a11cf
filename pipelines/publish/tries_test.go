package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// tries is a shop whose data source has one row, 0, and a configuration of it that adds more.
type tries struct {
	*runtest.Shop
	cfg *config.Config
}

const manyRows = 9000

// openTries publishes row 0, and makes an extract of rows from 1 on, but does not publish that.
func openTries(t *testing.T, rows int, keys string) *tries {
	t.Helper()
	s := &tries{Shop: runtest.OpenShop(t, tableautest.Config{})}
	s.first()
	s.elapse()
	s.build(rows, "x")
	s.cfg = s.Config(keys)
	return s
}

// first creates the data source, with row 0.
func (s *tries) first() {
	s.T.Helper()
	cfg := s.Config("mode: create")
	runtest.WriteExtract(s.T, cfg.Output.Path, "SELECT 0, 'first'")
	_, err := s.Publish(cfg, publish.Options{})
	require.NoError(s.T, err)
}

// build makes the extract of rows from 1 on.
func (s *tries) build(rows int, name string) {
	s.T.Helper()
	runtest.WriteExtract(s.T, filepath.Join(s.Folder, "items.hyper"),
		fmt.Sprintf("SELECT i, concat('%s ', (i - 1) * (i - 1)) FROM generate_series(1, %d) AS g(i)", name, rows))
}

// elapse lets the server's clock go on: what happens next is not in the same second.
func (s *tries) elapse() { s.StepClock(3 * time.Second) }

// copyOf copies a file, and returns where to.
func (s *tries) copyOf(path string) string {
	s.T.Helper()
	content, err := os.ReadFile(path)
	require.NoError(s.T, err)
	copied := filepath.Join(s.T.TempDir(), "copy.hyper")
	require.NoError(s.T, os.WriteFile(copied, content, 0o600))
	return copied
}

// without is a file of all rows of the data source but one.
func (s *tries) without(id int) string {
	s.T.Helper()
	path := s.copyOf(s.Datasources("marketing")[0].Path)
	conn := hyperdtest.Connect(s.T, hyperdtest.Acquire(s.T))
	require.NoError(s.T, conn.Attach(s.T.Context(), path, "fewer"))
	_, err := conn.Exec(s.T.Context(), fmt.Sprintf(`DELETE FROM fewer."Extract"."Extract" WHERE "id" = %d`, id))
	require.NoError(s.T, errors.Join(err, conn.Detach(s.T.Context(), "fewer")))
	return path
}

func (s *tries) id() string { return s.Datasources("marketing")[0].ID }

// try publishes, and returns what became of it.
func (s *tries) try(options publish.Options) (outcome string, failed *failure.Error) {
	s.T.Helper()
	options.Settling = time.Millisecond
	record, err := s.Publish(s.cfg, options)
	if err != nil {
		failed = failure.Of(err, failure.Engine)
		assert.Equal(s.T, report.Unpublished, record.Status)
	}
	return record.Publish.Outcome, failed
}

// requireTry publishes, which must end so, and returns what is told.
func (s *tries) requireTry(want string, options publish.Options) (told string) {
	s.T.Helper()
	outcome, failed := s.try(options)
	require.Equal(s.T, want, outcome, "%v", failed)
	if failed == nil {
		return ""
	}
	return failed.Message + "; " + failed.Hint
}

// requireRows checks that the data source has row 0, and so many different rows besides, each once.
func (s *tries) requireRows(rows int) {
	s.T.Helper()
	all := s.Rows()
	assert.Len(s.T, all, rows+1)
	seen := map[string]bool{}
	for _, row := range all {
		assert.False(s.T, seen[row], row)
		seen[row] = true
	}
}

const (
	insertParts = "mode: insert, payload_bytes: 150k"
	patch       = "PATCH"
)

var (
	lostReply = tableautest.Fault{Method: patch, LoseReply: true}
	refusal   = tableautest.Fault{Method: patch, Status: 403, Code: "403004"}
)

// What a later try is told says nothing about an earlier one that may have been executed.
func TestInsertWithLostReplyAndARefusal(t *testing.T) {
	for name, later := range map[string]tableautest.Fault{
		"no permission":   refusal,
		"a proxy's page":  {Method: patch, Status: 404},
		"bad request":     {Method: patch, Status: 400, Code: "400000"},
		"too large":       {Method: patch, Status: 413, Code: "413000"},
		"sign-in refused": {Method: patch, Status: 401, Code: "401002"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTries(t, 20, "mode: insert")
			s.Inject(lostReply, later)
			if name == "sign-in refused" {
				s.Inject(tableautest.Fault{Path: "/auth/signin", Skip: 1, Status: 401, Code: "401001"})
			}
			told := s.requireTry("unknown", publish.Options{})
			assert.Contains(t, told, "executes the same request once within a day")
			s.requireTry("published", publish.Options{})
			s.requireRows(20)
			s.requireTry("unchanged", publish.Options{})
			s.requireRows(20)
		})
	}
}

// An append that got lost is not there because somebody else changed the data source.
func TestLostAppendAndAForeignChange(t *testing.T) {
	for name, fault := range map[string]tableautest.Fault{
		"request lost": {Method: "POST", Path: "/datasources", LoseRequest: true},
		"reply lost":   {Method: "POST", Path: "/datasources", LoseReply: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTries(t, 20, "mode: append")
			s.Inject(fault)
			told := s.requireTry("unknown", publish.Options{})
			for _, way := range []string{" --confirm download`", " --applied`", " --force`"} {
				assert.Contains(t, told, way)
			}
			s.elapse()
			require.NoError(t, s.Describe(s.id(), "another text"))
			s.requireTry("unknown", publish.Options{})
			s.cfg.Publish.Confirm = config.ConfirmDownload
			s.requireTry(map[bool]string{true: "published", false: "unchanged"}[fault.LoseRequest], publish.Options{})
			s.requireRows(20)
		})
	}
}

// Whoever looked may say so, and need not download.
func TestSomebodyLooks(t *testing.T) {
	s := openTries(t, 20, "mode: append")
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseReply: true})
	s.requireTry("unknown", publish.Options{})
	s.requireTry("unchanged", publish.Options{Answer: publish.Applied})
	s.requireTry("unchanged", publish.Options{})
	s.requireRows(20)

	s.build(30, "y")
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseRequest: true})
	s.requireTry("unknown", publish.Options{})
	s.requireTry("published", publish.Options{Answer: publish.Missing})
	s.requireRows(50)
	_, err := s.Publish(s.cfg, publish.Options{Answer: publish.Missing})
	require.ErrorContains(t, err, `nothing that was sent to "Items" is in doubt`)
	assert.True(t, failure.Of(err, failure.Engine).Early)
}

// confirm: download finds out by itself.
func TestConfirmedByItself(t *testing.T) {
	for name, fault := range map[string]tableautest.Fault{
		"append, request lost": {Method: "POST", Path: "/datasources", LoseRequest: true},
		"append, reply lost":   {Method: "POST", Path: "/datasources", LoseReply: true},
		"create, reply lost":   {Method: "POST", Path: "/datasources", LoseReply: true},
	} {
		t.Run(name, func(t *testing.T) {
			mode, _, _ := strings.Cut(name, ",")
			s := openTries(t, 20, "confirm: download, mode: "+mode)
			if mode == "create" {
				require.NoError(t, s.Delete(s.id()))
			}
			s.Inject(fault)
			s.requireTry("published", publish.Options{})
			if mode == "append" {
				s.requireRows(20)
			} else {
				s.requireRows(19)
			}
		})
	}
}

// Of an insert in parts, what is there for sure is not sent again, and nothing is lost that others removed.
func TestInsertInParts(t *testing.T) {
	secondRefused := []tableautest.Fault{{Method: patch}, refusal}
	t.Run("then appended", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.Inject(secondRefused...)
		s.requireTry("failed", publish.Options{})
		insert := s.cfg
		s.cfg = s.Config("mode: append")
		told := s.requireTry("failed", publish.Options{})
		assert.Contains(t, told, " --mode insert` adds the rest")
		s.cfg = insert
		s.requireTry("published", publish.Options{})
		s.requireRows(manyRows)
	})
	t.Run("the second is lost, a day ago", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.Inject(tableautest.Fault{Method: patch}, tableautest.Fault{Method: patch, LoseRequest: true}, refusal)
		s.requireTry("unknown", publish.Options{})
		s.StepClock(25 * time.Hour)
		told := s.requireTry("unknown", publish.Options{})
		assert.Contains(t, told, "part 2 of ")
		assert.Contains(t, told, " --missing` sends just them")
		s.requireTry("published", publish.Options{Answer: publish.Missing})
		s.requireRows(manyRows)
	})
	t.Run("the second is lost, and all is overwritten by somebody else", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		first := s.copyOf(s.Datasources("marketing")[0].Path)
		s.Inject(tableautest.Fault{Method: patch}, tableautest.Fault{Method: patch, LoseRequest: true}, refusal)
		s.requireTry("unknown", publish.Options{})
		s.StepClock(25 * time.Hour)
		require.NoError(t, s.Overwrite(s.id(), first))
		assert.Contains(t, s.requireTry("unknown", publish.Options{}), "part 2 of ")
		told := s.requireTry("unknown", publish.Options{Answer: publish.Missing})
		assert.Contains(t, told, "somebody else changed the data source since")
		s.requireTry("published", publish.Options{Answer: publish.Missing})
		s.requireRows(manyRows)
	})
	t.Run("the second is lost, and something is said of the data source", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.Inject(tableautest.Fault{Method: patch}, tableautest.Fault{Method: patch, LoseRequest: true}, refusal)
		s.requireTry("unknown", publish.Options{})
		s.StepClock(25 * time.Hour)
		require.NoError(t, s.Describe(s.id(), "another text"))
		s.requireTry("unknown", publish.Options{Answer: publish.Missing})
		s.requireTry("published", publish.Options{Answer: publish.Applied})
		s.requireRows(manyRows)
	})
	t.Run("in doubt, then with a lower limit", func(t *testing.T) {
		s := openTries(t, manyRows, "mode: insert")
		s.Inject(lostReply, refusal)
		s.requireTry("unknown", publish.Options{})
		s.cfg = s.Config(insertParts)
		s.requireTry("published", publish.Options{})
		s.requireRows(manyRows)
	})
	t.Run("others removed some of the second", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.requireTry("published", publish.Options{})
		s.elapse()
		require.NoError(t, s.Overwrite(s.id(), s.without(1)))
		s.cfg.Publish.Confirm = config.ConfirmDownload
		told := s.requireTry("unknown", publish.Options{})
		assert.Contains(t, told, "the rows of \"Items\" do not tell")
		assert.Regexp(t, `^part \d+ of \d+ \([0-9,]+ rows\) of them came to "Items"`, told, "of the others it is known")
		assert.Contains(t, told, " --force` adds all rows, whatever is there")
		s.requireTry("unchanged", publish.Options{Answer: publish.Applied})
		assert.Len(t, s.Rows(), manyRows)
	})
	t.Run("then overwritten by somebody else", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		first := s.copyOf(s.Datasources("marketing")[0].Path)
		s.Inject(secondRefused...)
		s.requireTry("failed", publish.Options{})
		s.elapse()
		require.NoError(t, s.Overwrite(s.id(), first))
		told := s.requireTry("unknown", publish.Options{})
		assert.Contains(t, told, "somebody else changed the data source")
		s.cfg.Publish.Confirm = config.ConfirmDownload
		s.requireTry("published", publish.Options{})
		s.requireRows(manyRows)
	})
	t.Run("then made anew", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.Inject(secondRefused...)
		s.requireTry("failed", publish.Options{})
		require.NoError(t, s.Delete(s.id()))
		extract := s.Folder
		s.Folder = t.TempDir()
		s.first()
		s.Folder = extract
		s.requireTry("published", publish.Options{})
		s.requireRows(manyRows)
	})
	t.Run("a job fails and is forgotten", func(t *testing.T) {
		s := openTries(t, manyRows, insertParts)
		s.Inject(tableautest.Fault{Method: patch}, tableautest.Fault{Method: patch, FailJob: true}, tableautest.Fault{Method: "GET", Path: "/jobs", PurgeJob: true})
		outcome, _ := s.try(publish.Options{})
		assert.NotEqual(t, "published", outcome)
		s.cfg.Publish.Confirm = config.ConfirmDownload
		s.requireTry("published", publish.Options{})
		s.requireRows(manyRows)
	})
}

// The later of two upserts wins, also if neither was answered.
func TestUpsertsWithoutReplies(t *testing.T) {
	s := openTries(t, 20, "mode: upsert, match: [id]")
	s.requireTry("published", publish.Options{})
	for _, name := range []string{"a", "b"} {
		s.build(20, name)
		s.Inject(lostReply, refusal)
		s.requireTry("unknown", publish.Options{})
	}
	s.build(20, "a")
	s.requireTry("published", publish.Options{})
	assert.Contains(t, s.Rows(), "2|a 1")
	s.requireRows(20)
}

// Where it is not known how a publication left the data source, it is not unchanged.
func TestUnchangedNeedsProof(t *testing.T) {
	s := openTries(t, 20, "mode: overwrite, as_job: true, if_changed: true")
	first := s.copyOf(s.Datasources("marketing")[0].Path)
	s.Inject(tableautest.Fault{Method: "GET", Path: "/jobs"}, tableautest.Fault{Method: "GET", Path: "/datasources", Status: 403, Code: "403004", Times: 2})
	s.requireTry("published", publish.Options{})
	s.elapse()
	require.NoError(t, s.Overwrite(s.id(), first))
	s.requireTry("published", publish.Options{})
	assert.Len(t, s.Rows(), 20)
	s.requireTry("unchanged", publish.Options{})
}

// There is always a command that finishes the work, and the last line has it.
func TestNoReplyAndNoJob(t *testing.T) {
	for name, faults := range map[string][]tableautest.Fault{
		"the job fails":        {{Method: patch, FailJob: true, LoseReply: true}, refusal},
		"the job is forgotten": {lostReply, refusal},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTries(t, 20, "mode: insert")
			s.Inject(faults...)
			s.requireTry("unknown", publish.Options{})
			if name == "the job is forgotten" {
				require.Eventually(t, func() bool { return len(s.Rows()) == 21 }, time.Minute, 10*time.Millisecond)
				s.ForgetJobs()
			}
			outcome, failed := s.try(publish.Options{})
			for range 3 {
				if outcome == "published" || outcome == "unchanged" {
					break
				}
				if regexp.MustCompile("--confirm download`").MatchString(failed.Hint) {
					s.cfg.Publish.Confirm = config.ConfirmDownload
				}
				outcome, failed = s.try(publish.Options{})
			}
			assert.Nil(t, failed)
			s.requireRows(20)
		})
	}
}

// Two outputs that feed one data source know of each other, and so do two of the same rows.
func TestOutputsThatFeedOneDatasource(t *testing.T) {
	s := openTries(t, 20, "mode: append")
	s.requireTry("published", publish.Options{})
	s.cfg.Output.Path = s.copyOf(s.cfg.Output.Path)
	s.requireTry("unchanged", publish.Options{})
	s.requireRows(20)
	t.Setenv("XDG_STATE_HOME", t.TempDir()) // another user, with a state in common
	s.cfg.State = filepath.Join(s.Folder, "items.hyperlake")
	s.requireTry("unchanged", publish.Options{})
	s.requireRows(20)
}

// A publication that replaced as many rows as it has did not leave what was there before.
func TestAppendAfterLostOverwriteOfAsManyRows(t *testing.T) {
	s := openTries(t, 1, "mode: overwrite")
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseReply: true},
		tableautest.Fault{Method: "POST", Path: "/datasources", Status: 403, Code: "403004"})
	s.requireTry("unknown", publish.Options{})
	s.cfg = s.Config("mode: append, confirm: download")
	told := s.requireTry("failed", publish.Options{})
	assert.Contains(t, told, "to add its rows once more")
	assert.Equal(t, []string{"1|x 0"}, s.Rows())
}

// Rows that are there are not added by another machine, whose ledger knows nothing of them, if it may look; and it looks as long as
// there are rows that it does not know.
func TestAppendOfWhatAnotherMachineAppended(t *testing.T) {
	for _, mode := range []string{"append", "insert"} {
		t.Run(mode, func(t *testing.T) {
			s := openTries(t, 20, "mode: "+mode)
			here, there := os.Getenv("XDG_STATE_HOME"), t.TempDir()
			s.requireTry("published", publish.Options{})
			downloads := func() int { return s.CountRequests("GET", "/content") }
			onOther := func(keys string, outcome string, looks int) {
				t.Helper()
				s.elapse()
				t.Setenv("XDG_STATE_HOME", there)
				s.cfg = s.Config("mode: " + mode + keys)
				s.cfg.State = filepath.Join(there, "state")
				before := downloads()
				s.requireTry(outcome, publish.Options{})
				assert.Equal(t, looks, downloads()-before)
				t.Setenv("XDG_STATE_HOME", here)
				s.cfg = s.Config("mode: " + mode)
			}
			onOther(", confirm: download", "unchanged", 1)
			onOther(", confirm: download", "unchanged", 0) // it is remembered
			onOther("", "unchanged", 0)
			s.requireTry("unchanged", publish.Options{})
			s.requireRows(20)

			s.build(5, "another day") // both have it, one after the other
			s.requireTry("published", publish.Options{})
			onOther(", confirm: download", "unchanged", 1)
			s.build(6, "a third day")
			onOther(", confirm: download", "published", 1)
			s.build(7, "a fourth day")
			onOther(", confirm: download", "published", 1)
			s.requireRows(20 + 5 + 6 + 7)
		})
	}
}

// As many rows as before, or as many more, say nothing where others changed the data source.
func TestLostAppendAndAsManyRowsAsBefore(t *testing.T) {
	lost := tableautest.Fault{Method: "POST", Path: "/datasources", LoseRequest: true}
	t.Run("one of ours is there alone", func(t *testing.T) {
		s := openTries(t, 20, "mode: append, confirm: download")
		one := filepath.Join(t.TempDir(), "one.hyper")
		runtest.WriteExtract(t, one, "SELECT 1, 'x 0'")
		s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseReply: true}, tableautest.Fault{Method: "GET", Path: "/content", Status: 403, Code: "403004"})
		s.requireTry("unknown", publish.Options{})
		s.elapse()
		require.NoError(t, s.Overwrite(s.id(), one))
		told := s.requireTry("unknown", publish.Options{})
		assert.Contains(t, told, "do not tell")
	})
	t.Run("all of ours were there, and others added as many", func(t *testing.T) {
		s := openTries(t, 20, "mode: append, confirm: download")
		require.NoError(t, s.Overwrite(s.id(), s.copyOf(s.cfg.Output.Path)))
		s.elapse()
		s.Inject(lost, tableautest.Fault{Method: "GET", Path: "/content", Status: 403, Code: "403004"})
		s.requireTry("unknown", publish.Options{Force: true})
		s.elapse()
		more := filepath.Join(t.TempDir(), "more.hyper")
		runtest.WriteExtract(t, more, "SELECT i, 'more' FROM generate_series(101, 120) AS g(i)")
		require.NoError(t, s.Append(t.Context(), s.id(), more))
		s.requireTry("published", publish.Options{})
		assert.Len(t, s.Rows(), 60)
	})
	t.Run("all of ours were there, and a later delivery has as many", func(t *testing.T) {
		s := openTries(t, 25, "mode: overwrite")
		s.requireTry("published", publish.Options{})
		s.build(20, "x")
		s.cfg = s.Config("mode: append")
		s.Inject(lost)
		s.requireTry("unknown", publish.Options{})
		s.build(20, "y")
		s.requireTry("published", publish.Options{})
		s.build(20, "x")
		s.cfg.Publish.Confirm = config.ConfirmDownload
		told := s.requireTry("unknown", publish.Options{})
		assert.Contains(t, told, "do not tell")
		s.requireTry("published", publish.Options{Answer: publish.Missing})
		assert.Len(t, s.Rows(), 65)
	})
}

// A set takes in no rows of others.
func TestSetAmongRowsOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		confirm config.Confirmation
		answers []publish.Answer
	}{
		"somebody looks":    {config.ConfirmNone, []publish.Answer{publish.Missing}},
		"confirm: download": {config.ConfirmDownload, []publish.Answer{publish.NoAnswer}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTries(t, 1, "mode: overwrite")
			first := s.copyOf(s.Datasources("marketing")[0].Path)
			s.cfg = s.writeSet(3, 2)
			s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, LoseRequest: true})
			s.requireTry("unknown", publish.Options{})
			s.elapse()
			require.NoError(t, s.Append(t.Context(), s.id(), first))
			s.cfg.Publish.Confirm = c.confirm
			for _, answer := range c.answers {
				s.requireTry("published", publish.Options{Answer: answer})
			}
			assert.Len(t, s.Rows(), 6)
		})
	}
}

// Others may change the data source while a file is on its way: it is looked at right before the request.
func TestChangedWhileUploading(t *testing.T) {
	s := openTries(t, manyRows, insertParts)
	first := s.copyOf(s.Datasources("marketing")[0].Path)
	s.Inject(tableautest.Fault{Method: "PUT", Path: "/fileUploads", Skip: 1, Meanwhile: func() {
		s.elapse()
		assert.NoError(t, s.Overwrite(s.id(), first))
	}})
	told := s.requireTry("unknown", publish.Options{})
	assert.Contains(t, told, "somebody else changed the data source")
	assert.Len(t, s.Rows(), 1)
	s.cfg.Publish.Confirm = config.ConfirmDownload
	s.requireTry("published", publish.Options{})
	s.requireRows(manyRows)
}

// Of a set whose first extract is in doubt, the same extract may be among the rows from before.
func TestSameSetWithoutReply(t *testing.T) {
	s := openTries(t, 1, "mode: overwrite")
	s.cfg = s.writeSet(3, 2)
	s.requireTry("published", publish.Options{})
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseRequest: true},
		tableautest.Fault{Method: "POST", Path: "/datasources", Status: 403, Code: "403004"})
	told := s.requireTry("unknown", publish.Options{})
	assert.Contains(t, told, "` sends all extracts again, the first of which replaces what is there")
	assert.NotContains(t, told, "--applied")
	s.requireTry("published", publish.Options{})
	assert.Len(t, s.Rows(), 6)
}

// writeSet makes a set of extracts of some rows each, and a configuration that publishes it.
func (s *tries) writeSet(extracts, rows int) *config.Config {
	s.T.Helper()
	cfg := runtest.Configure(s.T, s.Folder, "name: items\noutput: {merge: none}\ntables: [{source: {uri: lake/*.parquet}}]\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, mode: overwrite}\n")
	list := output.Set{Version: 1, RunID: "made"}
	for i := range extracts {
		name := fmt.Sprintf("items-%05d-of-%05d.hyper", i+1, extracts)
		path := filepath.Join(s.Folder, name)
		runtest.WriteExtract(s.T, path, fmt.Sprintf("SELECT i, 's' FROM generate_series(%d, %d) AS g(i)", i*rows+1, (i+1)*rows))
		sum, bytes, err := storage.SHA256(s.T.Context(), path)
		require.NoError(s.T, err)
		list.Extracts = append(list.Extracts, output.Member{Name: name, Rows: int64(rows), Bytes: bytes, SHA256: sum})
	}
	text, err := json.Marshal(list)
	require.NoError(s.T, err)
	require.NoError(s.T, os.WriteFile(output.SetPath(cfg.Output.Path), text, 0o600))
	return cfg
}

// What a dead process had sent is not refused because a repetition of it fails before it is sent.
func TestUploadRefusedAfterADeath(t *testing.T) {
	s := openTries(t, 20, "mode: insert")
	s.die(tableautest.Fault{Method: patch, LoseReply: true})
	s.Inject(tableautest.Fault{Method: "PUT", Path: "/fileUploads", Status: 413, Code: "413000"})
	s.requireTry("unknown", publish.Options{})
	s.requireTry("published", publish.Options{})
	s.requireRows(20)
}

// Rows that were added, and overwritten by somebody else before their sender heard of it, are not there without a word.
func TestOverwrittenBeforeTheReply(t *testing.T) {
	s := openTries(t, 20, "mode: insert")
	first := s.copyOf(s.Datasources("marketing")[0].Path)
	s.Inject(lostReply, refusal)
	s.requireTry("unknown", publish.Options{})
	s.WaitForJobs()
	s.elapse()
	require.NoError(t, s.Overwrite(s.id(), first))
	told := s.requireTry("unknown", publish.Options{})
	assert.Contains(t, told, "somebody else changed the data source")
	s.cfg.Publish.Confirm = config.ConfirmDownload
	s.requireTry("published", publish.Options{})
	s.requireRows(20)
}

// Rows that are added only now are there, whatever others did before.
func TestChangedByOthersBeforeTheRepetition(t *testing.T) {
	s := openTries(t, 20, "mode: insert")
	s.Inject(tableautest.Fault{Method: patch, LoseRequest: true}, refusal)
	s.requireTry("unknown", publish.Options{})
	s.elapse()
	require.NoError(t, s.Describe(s.id(), "another text"))
	s.requireTry("published", publish.Options{})
	s.requireRows(20)
}

// die publishes as a process that dies when a request meets the fault: the ledgers stay as they were then.
func (s *tries) die(fault tableautest.Fault) {
	s.T.Helper()
	s.Inject(fault, refusal)
	s.requireTry("unknown", publish.Options{})
	for _, folder := range s.LedgerFolders() {
		path, text := s.Ledger(folder)
		died := strings.ReplaceAll(string(text), `"state": "unknown"`, `"state": "sent"`)
		require.NotEqual(s.T, string(text), died)
		require.NoError(s.T, os.WriteFile(path, []byte(died), 0o600))
	}
}
