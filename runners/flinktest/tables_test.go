//go:build flink

package flinktest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Tables of which rows are deleted have the same rows on Flink as in one process: by deletion vectors, by positions, and by values.
func TestFlinkReadsTablesWithDeletedRows(t *testing.T) {
	for _, table := range []string{"delta/testdata/vectors", "iceberg/testdata/positions", "iceberg/testdata/equality"} {
		t.Run(table, func(t *testing.T) {
			mend(t)
			place, err := filepath.Abs(filepath.Join("../../internal/lake", table))
			require.NoError(t, err)
			config := filepath.Join(t.TempDir(), "config.yaml")
			require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf("name: x\ntables: [{source: {uri: %s, nested: json}}]\n", place)), 0o600))
			query := `select * from "Extract"."Extract"`
			here, there := newJob(t, config), newJob(t, config, onFlink("process")...)
			require.Zero(t, here.run(t), here.stderr.String())
			require.Zero(t, there.run(t), there.stderr.String())
			assert.Equal(t, here.rows(t, query), there.rows(t, query))
			assert.Zero(t, failedAttempts(t))
			requireCalm(t)
		})
	}
}
