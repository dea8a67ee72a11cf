package pipelines

import (
	"context"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/engine"
	"hyperlake/runners/options"
)

// DescribeJob returns the job that Run would send to the engine, in the engine's own form.
// It plans, for which it lists files and reads footers, but writes and sends nothing, needs
// no hyperd, and leaves out the checks of the engine. It fails as [MakePlan] does, where a plan has no
// rows to load, and with one of kind Usage for a runner other than Dataflow, which has no job to show.
func DescribeJob(ctx context.Context, cfg *config.Config, asked RunOptions) ([]byte, error) {
	describer, ok := asked.Engine.(engine.Describer)
	if !ok || cfg.Runner.Name != options.RunnerDataflow {
		return nil, failure.New(failure.Usage, "the runner %s has no job to show; Dataflow's has", cfg.Runner.Name).
			WithHint("`hyperlake plan` shows what a run would do")
	}
	if err := output.CheckPlace(ctx, cfg.Output.Path); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, options: asked, report: newReport(cfg, asked)}
	if _, err := r.makePlan(ctx, plan.See(ctx, cfg)); err != nil {
		return nil, err
	}
	j, err := job.New(job.Params{
		Config: cfg, Plan: r.plan, Moves: r.moves, Staging: &staging.Folder{URI: storage.Join(cfg.Staging, asked.ID)}, Workers: cfg.Hyperd,
	})
	if err != nil {
		return nil, err
	}
	return describer.Describe(ctx, j.Whole())
}
