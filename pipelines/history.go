package pipelines

import (
	"context"
	"slices"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// History are the reports of the runs of a configuration, and of what only ingested, the oldest first. One that says it is running is
// lost if no run has the lock of its output; of ingests there are only those that ended by themselves. It fails with one of kind Storage
// where the state cannot be read.
func History(ctx context.Context, cfg *config.Config) ([]report.Report, error) {
	history, err := refresh.OpenHistory(cfg.StateFolder())
	if err != nil {
		return nil, err
	}
	runs, err := history.Runs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if runs[i].Status != report.Running {
			continue
		}
		if isFree, err := refresh.IsFree(ctx, runs[i].Output.Path); err == nil && isFree {
			runs[i].Status = report.Lost
		}
	}
	ingests, err := refresh.OpenIngests(cfg.StateFolder())
	if err != nil {
		return nil, err
	}
	ingested, err := ingests.Runs(ctx)
	if err != nil {
		return nil, err
	}
	runs = append(runs, ingested...)
	slices.SortStableFunc(runs, func(a, b report.Report) int { return a.Started.Compare(b.Started) })
	return runs, nil
}
