package cli_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlanSaysWhereRowsGo(t *testing.T) {
	planned(t)
	require.NoError(t, os.WriteFile("x.yaml", []byte("name: x\ntables:\n  - source: {uri: lake/b.parquet}\n    repartition: {by: [plain], shards: 2, sort: [plain]}\n"), 0o600))
	got := run(t, "", "plan", "x.yaml")
	assert.Zero(t, got.code, got.stderr)
	assert.Contains(t, got.stdout, "repartition: 2 shards by the hash of plain; rows go through spills on staging\n"+
		"repartition: each shard is sorted by plain on its own; the table as a whole is not\n")
}
