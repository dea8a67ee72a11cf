package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/sinks/tableau/tableautest"
)

// requireUnpublished checks a run whose extract is good, and returns the failure.
func requireUnpublished(t *testing.T, record *report.Report, err error) *failure.Error {
	t.Helper()
	require.Error(t, err)
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Publish, failed.Kind, failed)
	assert.False(t, failed.Early)
	assert.Equal(t, report.Unpublished, record.Status)
	require.NotNil(t, record.Error)
	assert.Equal(t, failure.Publish, record.Error.Kind)
	assert.FileExists(t, record.Output.Path)
	return failed
}

func TestRunPublishesInEveryMode(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
	report := s.MustRun("mode: create")
	stored := s.Datasources("marketing")[0]
	assert.Equal(t, "Items", stored.Name)
	sent, err := os.ReadFile(report.Output.Path)
	require.NoError(t, err)
	kept, err := os.ReadFile(stored.Path)
	require.NoError(t, err)
	assert.Equal(t, sent, kept, "the bytes on the server are those on disk")
	require.NotNil(t, report.Publish)
	assert.Equal(t, stored.ID, report.Publish.DatasourceID)
	assert.Equal(t, "published", report.Publish.Outcome)
	assert.Equal(t, "publish", report.Stages[len(report.Stages)-1].Name)

	steps := []struct {
		keys string
		lake []string
		want []string
	}{
		{"mode: append", []string{runtest.Item(3, "c")}, []string{"1|a", "2|b", "3|c"}},
		{"mode: insert", []string{runtest.Item(4, "d")}, []string{"1|a", "2|b", "3|c", "4|d"}},
		{"mode: update, match: [id]", []string{runtest.Item(4, "D"), runtest.Item(9, "no")}, []string{"1|a", "2|b", "3|c", "4|D"}},
		{"mode: upsert, match: [id]", []string{runtest.Item(1, "A"), runtest.Item(5, "e")}, []string{"1|A", "2|b", "3|c", "4|D", "5|e"}},
		{"mode: delete, match: [id]", []string{runtest.Item(2, "other"), runtest.Item(2, "twice"), runtest.Item(3, "")}, []string{"1|A", "4|D", "5|e"}},
		{"mode: replace", []string{runtest.Item(7, "g")}, []string{"7|g"}},
		{"mode: overwrite, as_job: true", []string{runtest.Item(8, "h")}, []string{"8|h"}},
		{"mode: delete, match: [id], target: {schema: Extract, name: Extract}", []string{runtest.Item(8, "h")}, nil},
	}
	for _, step := range steps {
		s.Lake(step.lake...)
		report := s.MustRun(step.keys)
		assert.Equal(t, step.want, s.Rows(), step.keys)
		assert.Equal(t, stored.ID, report.Publish.DatasourceID, step.keys)
		if strings.Contains(step.keys, "match") || strings.Contains(step.keys, "as_job") {
			assert.NotEmpty(t, report.Publish.JobID, step.keys)
		}
	}
	runtest.RequireOnly(t, s.Folder, "config.yaml", "items.hyper", "items.hyperlake", "lake")
}

func TestPublishingFailsAndIsRepeated(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Status: 403, Code: "403008"})
	cfg := s.Config("mode: overwrite")
	record, err := s.Run(cfg)
	failed := requireUnpublished(t, record, err)
	assert.Contains(t, failed.Hint, "the site's storage is full")
	assert.Contains(t, failed.Hint, "`hyperlake publish "+cfg.Output.Path+"` repeats just the publishing")
	assert.Equal(t, "failed", record.Publish.Outcome)
	assert.Empty(t, s.Datasources("marketing"))

	again, err := s.Publish(cfg, publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, again.Status)
	assert.Equal(t, record.Output.SHA256, again.Output.SHA256)
	assert.Equal(t, []string{"1|a"}, s.Rows())
	runtest.RequireOnly(t, s.Folder, "config.yaml", "items.hyper", "items.hyperlake", "lake")
}

func TestServerIsAway(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.Inject(tableautest.Fault{Path: "/auth/signin", Status: 401, Code: "401001"})
	report, err := s.Run(s.Config("mode: overwrite"))
	failed := requireUnpublished(t, report, err)
	assert.Contains(t, failed.Hint, "check the name and secret of the personal access token")
	assert.NotContains(t, failed.Message+failed.Hint, runtest.TokenSecret)
	require.NotNil(t, report.Publish)
	assert.Equal(t, "failed", report.Publish.Outcome)
}

func TestSameRowsAreNotAddedTwice(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	for _, mode := range []string{"append", "insert"} {
		t.Run(mode, func(t *testing.T) {
			s := &runtest.Shop{Server: s.Server, T: t, Folder: s.Folder}
			s.Lake(runtest.Item(2, mode))
			s.MustRun("mode: " + mode)
			before := len(s.Rows())
			again := s.MustRun("mode: " + mode) // builds other bytes of the same rows
			assert.Equal(t, "unchanged", again.Publish.Outcome)
			assert.Len(t, s.Rows(), before)

			_, err := s.Publish(s.Config("mode: "+mode), publish.Options{Force: true})
			require.NoError(t, err)
			assert.Len(t, s.Rows(), before+1)
		})
	}

	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: overwrite")
	report, err := s.Run(s.Config("mode: append"))
	_ = requireUnpublished(t, report, err)
	s.Lake(runtest.Item(2, "append")) // what was appended before is gone
	s.MustRun("mode: append")
	assert.Equal(t, []string{"1|a", "2|append"}, s.Rows())
}

func TestAppendWithLostReplyIsNotRepeated(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	s.Lake(runtest.Item(2, "b"))
	s.MustRun("mode: append")

	s.Lake(runtest.Item(3, "c"))
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", LoseRequest: true})
	report, err := s.Run(s.Config("mode: append"))
	failed := requireUnpublished(t, report, err)
	assert.Equal(t, "unknown", report.Publish.Outcome)
	assert.Contains(t, failed.Hint, "--force")
	sent, cfg := s.CountRequests("POST", "/datasources"), s.Config("mode: append")
	_, err = s.Publish(cfg, publish.Options{})
	require.ErrorContains(t, err, "look first")
	assert.Equal(t, sent, s.CountRequests("POST", "/datasources"))
	_, err = s.Publish(cfg, publish.Options{Force: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"1|a", "2|b", "3|c"}, s.Rows())
}

func TestUpdateWithLostReplyIsAppliedOnce(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	s.Lake(runtest.Item(2, "b"))
	s.Inject(tableautest.Fault{Method: "PATCH", LoseReply: true})
	s.MustRun("mode: insert")
	assert.Equal(t, []string{"1|a", "2|b"}, s.Rows())

	s.Lake(runtest.Item(3, "c"))
	s.Inject(tableautest.Fault{Method: "PATCH", LoseReply: true}, tableautest.Fault{Method: "PATCH", Status: 400, Code: "400000"})
	cfg := s.Config("mode: insert")
	report, err := s.Run(cfg)
	_ = requireUnpublished(t, report, err)
	assert.Equal(t, "unknown", report.Publish.Outcome)
	again, err := s.Publish(cfg, publish.Options{})
	require.NoError(t, err, "by its id the server knows the update")
	assert.NotEqual(t, report.RunID, again.RunID)
	assert.Equal(t, []string{"1|a", "2|b", "3|c"}, s.Rows())
	report, err = s.Publish(cfg, publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", report.Publish.Outcome)
	ids := map[string]bool{}
	for _, request := range s.Requests() {
		if request.Method == http.MethodPatch {
			ids[request.Header.Get("RequestID")] = true
		}
	}
	assert.Len(t, ids, 2, "one for each update, however often it was sent")
}

func TestUnchangedRowsAreNotPublished(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
	s.MustRun("mode: overwrite, if_changed: true")
	s.Lake(runtest.Item(2, "b"), runtest.Item(1, "a"))
	before := s.CountRequests("POST", "/datasources")
	report := s.MustRun("mode: overwrite, if_changed: true")
	assert.Equal(t, "unchanged", report.Publish.Outcome)
	assert.Equal(t, s.Datasources("marketing")[0].ID, report.Publish.DatasourceID)
	assert.Equal(t, before, s.CountRequests("POST", "/datasources"))

	s.Lake(runtest.Item(2, "b"), runtest.Item(1, "A"))
	assert.Equal(t, "published", s.MustRun("mode: overwrite, if_changed: true").Publish.Outcome)
	assert.Equal(t, "published", s.MustRun("mode: overwrite").Publish.Outcome, "without if_changed")
	assert.Equal(t, "unchanged", s.MustRun("mode: replace, if_changed: true").Publish.Outcome)
	s.MustRun("mode: append, if_changed: true")
	assert.Len(t, s.Rows(), 2)

	stored := s.Datasources("marketing")[0]
	s.SetUpdated(stored.ID, stored.Updated.Add(time.Hour)) // by somebody else
	assert.Equal(t, "published", s.MustRun("mode: overwrite, if_changed: true").Publish.Outcome)
}

// The types that a plan tells are compared with those that hyperd told of the extract
// before: they have the same names.
func TestTypesOfPlansAndExtractsHaveTheSameNames(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	runtest.WriteTable(t, filepath.Join(s.Folder, "lake", "items.parquet"), "[{}]",
		runtest.Field("b", arrow.FixedWidthTypes.Boolean), runtest.Field("i16", arrow.PrimitiveTypes.Int16), runtest.Field("i32", runtest.Int32Type), runtest.Field("i64", runtest.Int64Type),
		runtest.Field("f", arrow.PrimitiveTypes.Float64), runtest.Field("dec", &arrow.Decimal128Type{Precision: 30, Scale: 4}), runtest.Field("t", runtest.TextType),
		runtest.Field("bytes", arrow.BinaryTypes.Binary), runtest.Field("date", arrow.FixedWidthTypes.Date32), runtest.Field("time", arrow.FixedWidthTypes.Time64us),
		runtest.Field("ts", &arrow.TimestampType{Unit: arrow.Microsecond}), runtest.Field("tsz", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}))
	cfg := s.Config("mode: overwrite")
	cfg.Tables[0].Columns = map[string]config.ColumnConfig{"i16": {Type: "numeric(9, 2)"}}
	_, err := s.Run(cfg)
	require.NoError(t, err)
	plan, err := pipelines.MakePlan(t.Context(), cfg)
	require.NoError(t, err)
	_, text := s.Ledger(s.LedgerFolders()[0])
	for _, column := range plan.Tables[0].Columns {
		assert.Contains(t, string(text), fmt.Sprintf(`"type": %q`, column.SQLType), column.Name)
	}
}

func TestPayloadsOverTheLimitAreSplit(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{PayloadLimit: 300_000})
	s.Lake(runtest.Item(-1, "a"))
	s.MustRun("mode: create")
	var rows []string
	for i := range 10_000 {
		rows = append(rows, runtest.Item(i, fmt.Sprintf("%d times %x", i, i*i*i)))
	}
	s.Lake(rows...)
	report := s.MustRun("mode: insert, payload_bytes: 150k")
	assert.Greater(t, report.Publish.Parts, 2)
	assert.Len(t, s.Rows(), 10_001)

	s.Lake(append(rows, runtest.Item(-2, "new"))...)
	parts := s.MustRun("mode: upsert, match: [id]").Publish.Parts // it learns the limit from the server
	assert.Greater(t, parts, 1)
	assert.Len(t, s.Rows(), 10_002)

	s.Inject(tableautest.Fault{Method: "PATCH", Skip: 1, Status: 400, Code: "400000"})
	s.Lake(append(rows, runtest.Item(-3, "newer"))...)
	cfg := s.Config("mode: insert, payload_bytes: 150k")
	report, err := s.Run(cfg)
	_ = requireUnpublished(t, report, err)
	assert.Equal(t, 1, report.Publish.Parts)
	_, err = s.Publish(cfg, publish.Options{})
	require.NoError(t, err)
	assert.Len(t, s.Rows(), 20_003, "the part that was applied is not sent again")

	report, err = s.Run(s.Config("mode: update, match: [id], payload_bytes: 150k"))
	failed := requireUnpublished(t, report, err)
	assert.Contains(t, failed.Message, "cannot be sent in smaller parts")
}

func TestWhatIsKnownBeforeDataIsRead(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	requests := len(s.Requests())
	early := func(t *testing.T, cfg *config.Config) *failure.Error {
		t.Helper()
		record, err := s.Run(cfg)
		require.Error(t, err)
		failed := failure.Of(err, failure.Engine)
		assert.True(t, failed.Early, failed)
		assert.Equal(t, report.Failed, record.Status)
		assert.Equal(t, "plan", record.Stages[len(record.Stages)-1].Name)
		assert.Len(t, s.Requests(), requests, "nothing was sent")
		return failed
	}
	t.Run("a column of match", func(t *testing.T) {
		assert.Contains(t, early(t, s.Config("mode: upsert, match: [nope]")).Message, `lacks the column "nope" of match`)
	})
	t.Run("another type than was published last", func(t *testing.T) {
		cfg := s.Config("mode: insert")
		cfg.Tables[0].Columns = map[string]config.ColumnConfig{"id": {Type: "text"}}
		assert.Contains(t, early(t, cfg).Message, `column "id" is TEXT in the payload, but BIGINT in the data source`)
	})
	t.Run("another column than was published last", func(t *testing.T) {
		cfg := s.Config("mode: append")
		cfg.Tables[0].Columns = map[string]config.ColumnConfig{"id": {Rename: "key"}}
		assert.Contains(t, early(t, cfg).Message, `the data source lacks the column "key" of the payload`)
	})
	t.Run("tables that are no tree", func(t *testing.T) {
		cfg := runtest.Configure(t, s.Folder, "name: two\ntables:\n  - {name: a, source: {uri: lake/*.parquet}}\n"+
			"  - {name: b, source: {uri: lake/*.parquet}}\npublish: {allow_http: true}\n")
		failed := early(t, cfg)
		assert.Contains(t, failed.Message, "foreign keys lead from one table to all others")
		assert.Contains(t, failed.Hint, "publish them as two data sources")
	})
	t.Run("a secret", func(t *testing.T) {
		t.Setenv("tab_secret_id", "")
		failed := early(t, s.Config("mode: overwrite"))
		assert.Contains(t, failed.Message, "tab_secret_id")
	})
	t.Run("a server", func(t *testing.T) {
		t.Setenv("tab_site_url", "")
		assert.Contains(t, early(t, s.Config("mode: overwrite")).Hint, "publish.server")
	})
	t.Run("an address without TLS", func(t *testing.T) {
		cfg := runtest.Configure(t, s.Folder, "name: items\ntables: [{source: {uri: lake/*.parquet}}]\npublish: {}\n")
		assert.Contains(t, early(t, cfg).Hint, "allow_http")
	})
}

func TestTwoTables(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
	tables := func(first, second string) string {
		return "name: two\ntables:\n  - {name: facts, source: {uri: lake/*.parquet}" + first + "}\n" +
			"  - {name: dims, source: {uri: lake/*.parquet}, primary_key: [id]" + second + "}\n"
	}
	key := ", foreign_keys: [{columns: [id], references: dims, to: [id]}]"
	t.Run("one data source with both", func(t *testing.T) {
		cfg := runtest.Configure(t, s.Folder, tables(key, "")+"publish: {datasource: Both, allow_http: true}\n")
		_, err := s.Run(cfg)
		require.NoError(t, err)
		stored := s.Datasources("marketing")[0]
		assert.Equal(t, []string{"2"}, runtest.RowsIn(t, stored.Path, `SELECT count(*) FROM x."Extract"."dims"`))
		assert.Equal(t, []string{"2"}, runtest.RowsIn(t, stored.Path, `SELECT count(*) FROM x."Extract"."facts"`))
	})
	t.Run("two data sources", func(t *testing.T) {
		cfg := runtest.Configure(t, s.Folder, tables(key+", datasource: Facts", ", datasource: Dims")+"publish: {allow_http: true, mode: overwrite}\n")
		report, err := s.Run(cfg)
		require.NoError(t, err)
		stored := s.Datasources("marketing")
		require.Len(t, stored, 3)
		for i, name := range []string{"Facts", "Dims"} {
			assert.Equal(t, name, stored[i+1].Name)
			assert.Equal(t, []string{strings.ToLower(name)}, runtest.RowsIn(t, stored[i+1].Path, `SELECT relname FROM x.pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence = 'p' AND relname IN ('facts', 'dims')`))
		}
		assert.Equal(t, "Facts", report.Publish.Datasource)
		require.Len(t, report.Publish.Others, 1)
		assert.Equal(t, "Dims", report.Publish.Others[0].Datasource)
	})
	t.Run("an old server", func(t *testing.T) {
		old := runtest.OpenShop(t, tableautest.Config{Product: "2021.3.0", API: "3.13"})
		old.Lake(runtest.Item(1, "a"))
		cfg := runtest.Configure(t, old.Folder, tables(key, "")+"publish: {allow_http: true}\n")
		report, err := old.Run(cfg)
		failed := requireUnpublished(t, report, err)
		assert.Contains(t, failed.Message, "Tableau Server 2021.3 reads extracts of one table")
		assert.Zero(t, old.CountRequests("POST", "/fileUploads")+old.CountRequests("POST", "/datasources"))
	})
}

func TestLedger(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	report := s.MustRun("mode: create")
	for _, folder := range s.LedgerFolders() {
		path, text := s.Ledger(folder)
		var ledger struct {
			Version    int
			Server     string
			Site       string
			Project    string
			Datasource string
			Standing   map[string]any
			Deliveries []struct {
				RunID        string `json:"run_id"`
				SHA256       string
				Content      string
				Mode         string
				DatasourceID string `json:"datasource_id"`
				Steps        []map[string]any
			}
		}
		require.NoError(t, json.Unmarshal(text, &ledger))
		assert.Equal(t, 2, ledger.Version)
		assert.Equal(t, []string{s.URL, "marketing", "Sales/Nightly", "Items"}, []string{ledger.Server, ledger.Site, ledger.Project, ledger.Datasource})
		require.Len(t, ledger.Deliveries, 1)
		d := ledger.Deliveries[0]
		assert.Equal(t, []string{report.RunID, report.Output.SHA256, "create", report.Publish.DatasourceID},
			[]string{d.RunID, d.SHA256, d.Mode, d.DatasourceID})
		assert.Len(t, d.Content, 64)
		require.Len(t, d.Steps, 1)
		assert.Equal(t, []any{"applied", "reply", 1.0}, []any{d.Steps[0]["state"], d.Steps[0]["evidence"], d.Steps[0]["rows"]})

		require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
		_, err := s.Run(s.Config("mode: append"))
		var failed *failure.Error
		require.True(t, errors.As(err, &failed))
		assert.True(t, failed.Early)
		assert.Contains(t, failed.Message, "read the ledger "+path)
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
}

// An extract in a bucket is published from there, and its ledger stands beside it.
func TestPublishFromABucket(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	bucket, _ := storagetest.FakeGCS(t)
	cfg := s.Config("mode: create")
	cfg.Output.Path = storage.Join(bucket, "items.hyper")
	report, err := s.Run(cfg)
	require.NoError(t, err)
	names := runtest.WithoutStates(storagetest.Names(t, bucket))
	require.Len(t, names, 2)
	assert.Contains(t, names, storage.Join(bucket, "items.hyper"))
	assert.Contains(t, names[1]+names[0], storage.Join(bucket, "items.hyperlake", "publications", "Items-"))

	cfg = s.Config("mode: append")
	cfg.Output.Path = report.Output.Path
	_, err = s.Publish(cfg, publish.Options{})
	require.ErrorContains(t, err, "the same rows were published")
	_, err = s.Publish(cfg, publish.Options{Force: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"1|a", "1|a"}, s.Rows())
}

// An interruption while the file is on its way leaves the extract, and nothing else.
func TestInterruptedWhilePublishing(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Delay: 10 * time.Minute})
	cfg := s.Config("mode: create")
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	began := time.Now()
	record, err := pipelines.Run(ctx, cfg, pipelines.RunOptions{
		ID: id, Engine: runner, Log: slog.New(slog.DiscardHandler),
		Progress: func(p report.Progress) {
			if p.TotalBytes > 0 && p.Bytes == p.TotalBytes {
				cancel(failure.New(failure.Interrupted, "interrupted by a test"))
			}
		},
	})
	require.ErrorContains(t, err, "interrupted by a test")
	assert.Less(t, time.Since(began), 2*time.Minute)
	assert.Equal(t, report.Interrupted, record.Status)
	assert.Equal(t, "unknown", record.Publish.Outcome)
	runtest.RequireOnly(t, s.Folder, "config.yaml", "items.hyper", "items.hyperlake", "lake")
}

// A long run signs in late: by then the file that holds the secret may be another.
func TestSecretsAreReadWhenTheyAreUsed(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("not the secret yet"), 0o600))
	t.Setenv("tab_secret_id", "")
	t.Setenv("tab_secret_id_FILE", path)
	s.Inject(tableautest.Fault{Path: "/serverInfo", Meanwhile: func() {
		assert.NoError(t, os.WriteFile(path, []byte(runtest.TokenSecret+"\n"), 0o600))
	}})
	s.MustRun("mode: create")
}

// What a check refuses is neither moved into place nor published.
func TestWhatIsNotGoodIsNotPublished(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	for name, table := range map[string]string{
		"check":     `checks: [{sql: 'select count(*) = 2 from "Extract"."Extract"'}]`,
		"rule":      "rules: [{column: id, min: 2, on_fail: fail}]",
		"threshold": "rules: [{column: id, min: 2}], rejects: {max_rows: 0}",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := runtest.Configure(t, s.Folder, "name: items\ntables: [{source: {uri: lake/*.parquet}, "+table+"}]\npublish: {datasource: Items, allow_http: true}\n")
			record, err := s.Run(cfg)
			require.Error(t, err)
			assert.Equal(t, report.Rejected, record.Status)
			assert.Nil(t, record.Publish)
			assert.Empty(t, s.Requests(), "the server was asked")
			runtest.RequireOnly(t, s.Folder, "config.yaml", "lake")
		})
	}
}
