package publish_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau/tableautest"
)

// TestFormatVersionOfTheServer builds for servers that do not read every format version.
func TestFormatVersionOfTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		product, column, format string
		want                    hyper.Version
		refused                 string // part of the message; empty: it is published
	}{
		"new, real":         {product: "2024.3.0", format: "4", want: 4},
		"real":              {product: "2024.2.1", format: "4", refused: "has format version 4, and Tableau Server 2024.2.1 reads none above 3"},
		"wide numeric":      {product: "2023.1.0", column: `name: {type: "numeric(38,2)"}`, want: 3},
		"old, wide numeric": {product: "2022.4.1", column: `name: {type: "numeric(38,2)"}`, refused: "has format version 3, and Tableau Server 2022.4.1 reads none above 2"},
		"old, 0":            {product: "2019.4.1", format: "0", want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := runtest.OpenShop(t, tableautest.Config{Product: test.product})
			s.Lake(runtest.Item(1, "1"))
			text := "name: items\ntables: [{source: {uri: lake/*.parquet}, columns: {" + test.column + "}}]\npublish: {allow_http: true}\n"
			if test.format != "" {
				text += "output: {format_version: " + test.format + "}\n"
			}
			cfg := runtest.Configure(t, s.Folder, text)
			record, err := s.Run(cfg)
			if test.refused == "" {
				require.NoError(t, err, failure.Of(err, failure.Engine))
				assert.Equal(t, test.want, record.Output.FormatVersion)
				assert.Len(t, s.Datasources("marketing"), 1)
				return
			}
			failed := failure.Of(err, failure.Engine)
			assert.True(t, failed.Early, "nothing was built")
			assert.Contains(t, failed.Message, test.refused)
			assert.Contains(t, failed.Hint, "build it with output.format_version: ")
			assert.NoFileExists(t, cfg.Output.Path)
			assert.Zero(t, s.CountRequests("POST", ""))
		})
	}
}

// What a server does not read is known when the extract is there, if not before.
func TestFormatVersionIsKnownLate(t *testing.T) {
	for name, test := range map[string]struct {
		product, format string
		fault           tableautest.Fault
	}{
		"the server does not answer before": {"2024.2.1", "4", tableautest.Fault{Path: "/serverInfo", Status: 404}},
		"it is not asked before":            {"2022.1.1", "auto", tableautest.Fault{Path: "/never"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := runtest.OpenShop(t, tableautest.Config{Product: test.product})
			s.Lake(runtest.Item(1, "a"))
			s.Inject(test.fault)
			cfg := runtest.Configure(t, s.Folder, "name: items\ntables: [{source: {uri: lake/*.parquet}}]\npublish: {allow_http: true}\n"+
				"output: {format_version: "+test.format+"}\n")
			record, err := s.Run(cfg)
			failed := requireUnpublished(t, record, err)
			assert.Contains(t, failed.Message, "and Tableau Server "+test.product+" reads none above ")
			assert.Zero(t, s.CountRequests("POST", ""))

			record, err = s.Publish(cfg, publish.Options{})
			failed = failure.Of(err, failure.Engine)
			assert.True(t, failed.Early, "nothing is sent")
			assert.Equal(t, report.Unpublished, record.Status)
			assert.Zero(t, s.CountRequests("POST", ""))
		})
	}
}
