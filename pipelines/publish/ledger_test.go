package publish_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// Two processes that publish with one ledger would not know of each other's rows.
func TestOneProcessPublishesWithALedger(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	s.Lake(runtest.Item(2, "b"))
	cfg := s.Config("mode: append")
	sending, goOn := make(chan struct{}), make(chan struct{})
	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Meanwhile: func() {
		close(sending)
		<-goOn
	}})
	ended := make(chan error, 1)
	go func() {
		_, err := s.Run(cfg)
		ended <- err
	}()
	<-sending
	path, _ := s.Ledger(s.LedgerFolders()[0])
	lock := path + ".lock"
	assert.FileExists(t, lock)
	report, err := s.Publish(cfg, publish.Options{Force: true})
	close(goOn)
	failed := requireUnpublished(t, report, err)
	assert.Regexp(t, fmt.Sprintf(`^process %d on .+ \(run [0-9TZa-f-]+, since .+ UTC\) is publishing with the ledger `, os.Getpid()), failed.Message)
	assert.Contains(t, failed.Hint, "wait until it has ended; `hyperlake publish ")
	require.NoError(t, <-ended)
	assert.Equal(t, []string{"1|a", "2|b"}, s.Rows())
	assert.NoFileExists(t, lock)

	report, err = s.Publish(cfg, publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "unchanged", report.Publish.Outcome)

	require.NoError(t, os.WriteFile(lock, []byte(`{"run_id": "dead", "process": 1}`), 0o600))
	_, err = s.Publish(cfg, publish.Options{Force: true})
	require.NoError(t, err, "a dead process locks nobody out")
	assert.NoFileExists(t, lock)
}

// However server and project are spelt, the ledger knows the data source again.
func TestLedgerKnowsADatasourceAgain(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	t.Setenv("tab_site_url", strings.TrimPrefix(s.URL, "http://"))
	configured := func(keys string) *config.Config {
		return runtest.Configure(t, s.Folder, "name: items\ntables: [{source: {uri: lake/*.parquet}}]\npublish: {allow_http: true, "+keys+"}\n")
	}
	_, err := s.Run(configured("server: '" + s.URL + "'"))
	require.NoError(t, err)
	for _, keys := range []string{
		"server: '" + s.URL + "/', mode: append", "server: '" + strings.ToUpper(s.URL) + "', project: default, mode: append",
		"server: '" + s.URL + "', project: ' default ', mode: insert",
	} {
		_, err := s.Publish(configured(keys), publish.Options{})
		require.ErrorContains(t, err, "the same rows were published", keys)
	}
	_, err = s.Publish(configured("server: '"+s.URL+"', project: Sales/Nightly, mode: create"), publish.Options{})
	require.NoError(t, err)
	_, err = s.Publish(configured("server: '"+s.URL+"', project: ' Sales / Nightly', mode: append"), publish.Options{})
	require.ErrorContains(t, err, "the same rows were published")
}
