package runners

import (
	"context"

	"hyperlake/internal/failure"
	"hyperlake/runners/direct"
)

// maxDirectWorkers bounds how many bundles run at the same time in this process, each of which
// holds batches, and loads them into the one hyperd.
const maxDirectWorkers = 8

// directEngine runs jobs in this process.
type directEngine struct{ workers int }

func (directEngine) checks() []Check { return nil }

func (directEngine) remote() bool { return false }

func (d directEngine) run(ctx context.Context, j job) error {
	err := direct.Run(ctx, j.pipeline, direct.Options{
		Workers: min(d.workers, maxDirectWorkers), Namespace: counterNamespace, Progress: j.progress,
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failure.OfJob(err)
}
