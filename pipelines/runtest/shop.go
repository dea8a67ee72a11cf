package runtest

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/tableau/tableautest"
)

// The token that a [Shop] knows.
const (
	TokenName   = "nightly"
	TokenSecret = "s3cr3t/of+the==token"
)

// Shop is a fake server, a lake of one file, and a configuration that publishes it.
type Shop struct {
	*tableautest.Server
	T      *testing.T
	Folder string
}

// OpenShop starts a server and sets the environment of the test for it.
func OpenShop(t *testing.T, config tableautest.Config) *Shop {
	t.Helper()
	config.Sites, config.Projects = []string{"marketing"}, []string{"Sales/Nightly"}
	config.Tokens = map[string]string{TokenName: TokenSecret}
	config.Folder = t.TempDir()
	server, err := tableautest.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	for name, value := range map[string]string{
		"tab_site_url": server.URL, "tab_site_id": "marketing", "tab_pat_name": TokenName, "tab_secret_id": TokenSecret,
		"XDG_STATE_HOME": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	return &Shop{Server: server, T: t, Folder: t.TempDir()}
}

// Lake replaces the rows of the lake.
func (s *Shop) Lake(rows ...string) {
	s.T.Helper()
	WriteTable(s.T, filepath.Join(s.Folder, "lake", "items.parquet"), "["+strings.Join(rows, ",")+"]",
		Field("id", Int64Type), Field("name", TextType))
}

// Item is a row of the lake of a [Shop], in JSON.
func Item(id int, name string) string { return fmt.Sprintf(`{"id": %d, "name": %q}`, id, name) }

// LedgerFolders are the folders of the ledgers of a configuration of the shop.
func (s *Shop) LedgerFolders() []string {
	return []string{
		filepath.Join(s.Folder, "items.hyperlake", "publications"), filepath.Join(os.Getenv("XDG_STATE_HOME"), "hyperlake", "publications"),
	}
}

// Ledger is the path and the text of the one ledger in a folder.
func (s *Shop) Ledger(folder string) (path string, text []byte) {
	s.T.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(s.T, err)
	require.Len(s.T, found, 1)
	text, err = os.ReadFile(found[0])
	require.NoError(s.T, err)
	return found[0], text
}

// Config is a configuration with those keys in its section publish.
func (s *Shop) Config(keys string) *config.Config {
	s.T.Helper()
	return Configure(s.T, s.Folder, "name: items\ntables: [{source: {uri: lake/*.parquet}}]\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, "+keys+"}\n")
}

// Run runs a configuration.
func (s *Shop) Run(cfg *config.Config) (*report.Report, error) {
	s.T.Helper()
	return Run(s.T, s.T.Context(), cfg, nil)
}

// MustRun runs a configuration with these keys below publish, which must succeed.
func (s *Shop) MustRun(keys string) *report.Report {
	s.T.Helper()
	record, err := s.Run(s.Config(keys))
	require.NoError(s.T, err, failure.Of(err, failure.Engine))
	require.Equal(s.T, report.Succeeded, record.Status)
	return record
}

// Publish publishes what stands at the output of a configuration.
func (s *Shop) Publish(cfg *config.Config, options publish.Options) (*report.Report, error) {
	s.T.Helper()
	id, err := staging.NewRunID()
	require.NoError(s.T, err)
	options.ID, options.Log, options.Pause = id, slog.New(slog.DiscardHandler), hurry
	return pipelines.Publish(s.T.Context(), cfg, options)
}

// Rows are those of the one data source.
func (s *Shop) Rows() []string {
	s.T.Helper()
	all := s.Datasources("marketing")
	require.Len(s.T, all, 1)
	return RowsIn(s.T, all[0].Path, `SELECT "id", "name" FROM x."Extract"."Extract" ORDER BY 1, 2`)
}

// CountRequests is the number of requests so far with that method and text in their path.
func (s *Shop) CountRequests(method, path string) int {
	n := 0
	for _, request := range s.Requests() {
		if request.Method == method && strings.Contains(request.Path, path) {
			n++
		}
	}
	return n
}
