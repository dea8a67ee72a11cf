package pipelines

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Describer is an [Engine] that can show a job without running it.
type Describer interface {
	// Describe returns the job that Run would send. Nothing is sent.
	Describe(ctx context.Context, build func(root beam.Scope)) ([]byte, error)
}

// DescribeJob returns the job that Run would send to the engine, in the engine's own form.
// It plans, for which it lists files and reads footers, but writes and sends nothing, needs
// no hyperd, and leaves out the checks of the engine.
func DescribeJob(ctx context.Context, cfg *Config, options RunOptions) ([]byte, error) {
	describer, ok := options.Engine.(Describer)
	if !ok || cfg.Runner.Name != RunnerDataflow {
		return nil, failure.New(failure.Usage, "the runner %s has no job to show; Dataflow's has", cfg.Runner.Name).BeforeData().
			WithHint("`hyperlake plan` shows what a run would do")
	}
	r := &run{cfg: cfg, options: options, report: newReport(cfg, options)}
	if _, err := r.makePlan(ctx); err != nil {
		return nil, err
	}
	staging := &staging{path: storage.Join(cfg.Staging, options.ID)}
	j, err := r.newJob(staging, cfg.Hyperd)
	if err != nil {
		return nil, err
	}
	j.finished, j.resultURI = &finished{}, storage.Join(staging.path, "result.json")
	return describer.Describe(ctx, j.build)
}
