package randomtest

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
)

// What is drawn is not too narrow: of the first cases, so many of a hundred at least have each of
// these properties. Some of them only matter together.
func TestDrawsReachEverything(t *testing.T) {
	const (
		cases   = 100
		delta   = "*randomtest.deltaTable"
		iceberg = "*randomtest.icebergTable"
	)
	openBuckets(t)
	found := map[string]int{}
	for seed := range uint64(cases) {
		for property := range propertiesOf(t, drawCase(seed)) {
			found[property]++
		}
	}
	for property, least := range map[string]int{
		"done": 40, "refused": 4, "no rows, or too many rejects": 10,
		"rejects": 35, "warnings": 6, "filtered": 8, "read by hyperd": 30, "read by hyperd, with rejects": 15,
		"read by hyperd, with rejects and an entry of columns": 5, "moved": 8, "drift": 8, "keys": 8, "keys, read by hyperd": 1, "nested": 3, "ingested": 5, "ingested, read by hyperd": 2,
		"remote lake": 5, "remote stage": 5, "remote out": 5, "remote rejects": 5, "remote state": 5,
		delta: 10, delta + ", read by hyperd": 4, delta + ", files pruned": 2, delta + ", with rejects": 3,
		iceberg: 10, iceberg + ", read by hyperd": 4, iceberg + ", files pruned": 2, iceberg + ", with rejects": 3, iceberg + ", with deleted rows": 3,
	} {
		assert.GreaterOrEqual(t, found[property]*100, least*cases, "%s: %d of %d", property, found[property], cases)
	}
	t.Log(found)
}

func propertiesOf(t *testing.T, c *testCase) map[string]bool {
	root := t.TempDir()
	defer emptyBuckets(t)
	path := c.write(t, root)
	want := c.expect(root)
	properties := map[string]bool{"done": want.exit == 0, "refused": want.exit == 2, "no rows, or too many rejects": want.exit == 3}
	if want.exit == 2 || !want.complete {
		return only(properties)
	}
	cfg, err := config.Load(path, config.LoadOptions{Date: runDate})
	require.NoError(t, err)
	if len(cfg.Ingest) > 0 {
		_, err := pipelines.Ingest(t.Context(), cfg, pipelines.IngestOptions{ID: "20261128T000000Z-00000001", Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err, c)
	}
	plan, err := pipelines.MakePlan(t.Context(), cfg)
	require.NoError(t, err, c)
	note := func(property string, has bool) { properties[property] = properties[property] || has }
	for i, drawn := range c.tables {
		out, deferred := want.tables[i], plan.Tables[i].Deferred > 0
		note("rejects", out.rejected > 0)
		note("warnings", len(drawn.rules) > 0 && out.left > 0 && out.rejected == 0 && out.broke)
		note("filtered", out.filtered > 0)
		note("read by hyperd", deferred)
		note("read by hyperd, with rejects", deferred && out.rejected > 0)
		note("read by hyperd, with rejects and an entry of columns", deferred && out.rejected > 0 && len(drawn.asks) > 0)
		note("ingested", drawn.lake.origin != nil && out.left > 0)
		note("ingested, read by hyperd", drawn.lake.origin != nil && deferred && out.left > 0)
		note("moved", drawn.moves != nil && out.left > 0)
		note("drift", drawn.onDrift == "union" && out.left > 0)
		note("keys", len(drawn.lake.keys) > 0 && out.left > 0)
		note("keys, read by hyperd", deferred && len(plan.Tables[i].Partitions) > 0)
		if format := fmt.Sprintf("%T", drawn.lake.table); drawn.lake.table != nil && out.left > 0 {
			note(format, true)
			note(format+", read by hyperd", deferred)
			note(format+", files pruned", plan.Tables[i].Pruned.Files > 0)
			note(format+", with rejects", out.rejected > 0)
			note(format+", with deleted rows", out.deleted > 0)
		}
		for _, c := range drawn.sourceColumns() {
			note("nested", (c.json != nil || c.field >= 0) && out.left > 0)
		}
	}
	for what := range c.places {
		note("remote "+what, want.exit == 0)
	}
	return only(properties)
}

// only drops what is false.
func only(properties map[string]bool) map[string]bool {
	for property, has := range properties {
		if !has {
			delete(properties, property)
		}
	}
	return properties
}
