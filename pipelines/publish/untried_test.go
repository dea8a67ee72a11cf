package publish_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// A failure names the data sources that are meant, in the order of the tables, and no other.
func TestReportNamesTheDataSourcesThatAreMeant(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	cfg := runtest.Configure(t, s.Folder, "name: items\ntables:\n"+
		"  - {name: a, source: {uri: lake/*.parquet}, datasource: A}\n  - {name: b, source: {uri: lake/*.parquet}, datasource: B}\n"+
		"publish: {allow_http: true}\n")
	outcomes := func(record *report.Report) []string {
		var all []string
		for _, source := range append([]*report.Publishing{record.Publish}, record.Publish.Others...) {
			all = append(all, source.Datasource+" "+source.Outcome)
			assert.Equal(t, int64(1), source.Rows)
		}
		return all
	}
	s.Inject(tableautest.Fault{Path: "/auth/signin", Status: 401, Code: "401001"})
	record, err := s.Run(cfg)
	failed := requireUnpublished(t, record, err)
	assert.Equal(t, []string{"A failed", "B failed"}, outcomes(record))
	assert.NotContains(t, failed.Message+failed.Hint, `"items"`)

	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Status: 403, Code: "403008"})
	record, err = s.Publish(cfg, publish.Options{})
	failed = requireUnpublished(t, record, err)
	assert.Equal(t, []string{"A failed", "B untried"}, outcomes(record))
	assert.NotContains(t, failed.Message+failed.Hint, `"B"`)

	s.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, Status: 403, Code: "403008"})
	record, err = s.Publish(cfg, publish.Options{})
	failed = requireUnpublished(t, record, err)
	assert.Equal(t, []string{"A published", "B failed"}, outcomes(record))
	assert.NotContains(t, failed.Message+failed.Hint, `"A"`)
}
