//go:build flink

package flinktest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nightlyConfig has rules and rejects; its extract is made of the last one.
const nightlyConfig = `name: x
refresh: {mode: changed}
tables:
  - source: {uri: %q}
    rules: [{column: l_quantity, max: 45}, {column: l_shipmode, in: [AIR, MAIL, RAIL, SHIP, TRUCK], on_fail: warn}]
    rejects: {path: %q}
`

// A night that loads what changed gives the same on Flink as a full build in one process.
func TestFlinkLoadsWhatChanged(t *testing.T) {
	mend(t)
	folder := t.TempDir()
	day := func(day, part int) {
		data, err := os.ReadFile(fmt.Sprintf("../../testdata/lake/lineitem/lineitem.%d.parquet", part))
		require.NoError(t, err)
		path := filepath.Join(folder, "lake", fmt.Sprintf("day=%d", day), "a.parquet")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(int64(part), 0)))
	}
	config := func(rejects string) string {
		path := filepath.Join(folder, rejects+".yaml")
		text := fmt.Sprintf(nightlyConfig, filepath.Join(folder, "lake/**/*.parquet"), filepath.Join(folder, rejects))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for i := range 4 {
		day(i, 1+i%3)
	}
	nightly := newJob(t, config("rejects"), onFlink("process")...)
	query := `select * from "Extract"."Extract"`
	for night, mode := range []string{"everything was made anew", "2 of 5 units changed", "nothing changed"} {
		if night == 1 {
			day(2, 1)
			day(4, 2)
		}
		require.Zero(t, nightly.run(t), nightly.stderr.String())
		assert.Contains(t, nightly.stderr.String(), mode)
		here := newJob(t, config("all"), "refresh.mode=full")
		require.Zero(t, here.run(t), here.stderr.String())
		assert.Equal(t, here.rows(t, query), nightly.rows(t, query))
		assert.Equal(t, rejects(t, filepath.Join(folder, "all")), rejects(t, filepath.Join(folder, "rejects")))
	}
	assert.Zero(t, failedAttempts(t))
	requireCalm(t)
}
