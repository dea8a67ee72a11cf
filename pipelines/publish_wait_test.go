package pipelines_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/sinks/tableau/tableautest"
)

// A run that waits for others waits for the ledger as it does for the output, up to one end, and says for whom.
func TestARunWaitsForTheLedger(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	ledger, _ := s.Ledger(s.LedgerFolders()[1])
	other, err := lock.Try(t.Context(), ledger+".lock", "20261130T020000Z-0badcafe", storage.UsualLease)
	require.NoError(t, err)
	run := func(cfg *config.Config, wait time.Duration, waiting func(report.Progress)) (*report.Report, error) {
		id, err := staging.NewRunID()
		require.NoError(t, err)
		runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
		require.NoError(t, err)
		return pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
			ID: id, Engine: runtest.Direct{Runner: runner}, Log: slog.New(slog.DiscardHandler), Lock: refresh.LockOptions{Wait: wait},
			Progress: func(p report.Progress) {
				if strings.HasPrefix(p.Detail, "waits for the ledger") {
					waiting(p)
				}
			},
		})
	}
	s.Lake(runtest.Item(2, "b"))
	cfg := s.Config("mode: overwrite")
	for _, c := range []struct {
		wait time.Duration
		says string
	}{{0, ".json$"}, {time.Millisecond, `\.json still, after a wait of \S+$|\.json$`}} { // the second is over when publishing begins
		record, err := run(cfg, c.wait, func(report.Progress) { t.Error("it waits") })
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed)
		assert.Equal(t, failure.Publish, failed.Kind)
		assert.Regexp(t, `^process \d+ on .+ \(run 20261130T020000Z-0badcafe, since .+ UTC\) is publishing with the ledger .+`+c.says, failed.Message)
		assert.Equal(t, report.Unpublished, record.Status)
	}

	var said []string
	record, err := run(cfg, time.Hour, func(p report.Progress) {
		said = append(said, p.Stage+": "+p.Detail)
		assert.NoError(t, other.Release(context.Background()))
	})
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, record.Status)
	require.Len(t, said, 1)
	assert.Regexp(t, `^publish: waits for the ledger of run 20261130T020000Z-0badcafe on .+, since \d\d:\d\d UTC$`, said[0])
	assert.Equal(t, []string{"2|b"}, s.Rows())
}
