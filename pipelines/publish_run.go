package pipelines

import (
	"context"

	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
)

// stagePublish is the name of the stage in the report.
const stagePublish = "publish"

// Publish publishes the extract that stands at the output path of a configuration. It
// always returns a report, of failures, too. Of an interrupted one the error is the cause of ctx.
func Publish(ctx context.Context, cfg *config.Config, options publish.Options) (*report.Report, error) {
	of := RunOptions{ID: options.ID, Log: options.Log, Progress: options.Progress}
	r := &run{cfg: cfg, options: of, report: newReport(cfg, of)}
	err := r.publishStanding(ctx, options)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	finish(r.report, err)
	return r.report, err
}

// Revisions lists what the server has kept of the data sources of a configuration. Failures are of kind Publish; of an
// interrupted one the error is the cause of ctx.
func Revisions(ctx context.Context, cfg *config.Config, options publish.Options) ([]publish.Revisions, error) {
	p, err := publish.New(cfg, options)
	if err != nil {
		return nil, err
	}
	all, err := p.Revisions(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return all, err
}

// publishStanding publishes the extract that stands at the output path.
func (r *run) publishStanding(ctx context.Context, options publish.Options) error {
	options.Found = r.noteStanding
	p, err := publish.New(r.cfg, options)
	if err != nil {
		return err
	}
	if options.FollowUp {
		return r.stagePublishing(ctx, p.FollowUp)
	}
	if options.RollBack != 0 {
		return staging.Within(ctx, r.cfg.Output.Path, options.ID, func(staging *staging.Folder) error {
			return r.stagePublishing(ctx, func(ctx context.Context) ([]*report.Publishing, error) {
				return p.RollBack(ctx, options.RollBack, staging.Local)
			})
		})
	}
	return staging.Within(ctx, r.cfg.Output.Path, options.ID, func(staging *staging.Folder) error {
		return r.publishFound(ctx, p, staging, options.Progress)
	})
}

// publishFound publishes what stands at the output path, which may be fetched into a folder.
func (r *run) publishFound(ctx context.Context, p *publish.Publisher, folder *staging.Folder, progress func(report.Progress)) error {
	extract, err := publish.Standing(ctx, r.cfg, r.report, folder.Local, progress)
	if err != nil {
		return err
	}
	r.noteStandingSet()
	lease, err := hyperd.Acquire(ctx, r.cfg.Hyperd)
	if err != nil {
		return err
	}
	defer lease.Release()
	if r.report.HyperdVersion, err = lease.Version(ctx); err != nil {
		return err
	}
	return r.publish(ctx, p, lease, extract)
}

// noteStanding notes what the extract holds that stands at the output path. How it was built, only the
// report of the run knows that built it.
func (r *run) noteStanding(catalog hyper.Catalog) {
	r.report.Output.FormatVersion = catalog.FormatVersion
	for _, table := range catalog.Tables {
		r.report.Tables = append(r.report.Tables, standingTable(table.Schema, table.Name, table.Rows))
	}
}

// noteStandingSet notes the table of extracts that are not merged, if this run knows nothing else of it.
func (r *run) noteStandingSet() {
	if len(r.report.Outputs) == 0 || len(r.report.Tables) > 0 {
		return
	}
	var rows int64
	for _, extract := range r.report.Outputs {
		rows += extract.Rows
	}
	table := r.cfg.Tables[0]
	r.report.Tables = append(r.report.Tables, standingTable(table.Schema, table.Name, rows))
}

func standingTable(schema, name string, rows int64) report.TableAccount {
	return report.TableAccount{Schema: schema, Name: name, RowsLoaded: rows, Rules: []report.Rule{}, Checks: []report.CheckResult{}}
}

// preparePublishing finds what publishing will need, and holds the plan against Tableau's
// rules. It returns nil where the configuration does not publish.
func (r *run) preparePublishing(ctx context.Context) (*publish.Publisher, error) {
	if r.cfg.Publish == nil {
		return nil, nil //nolint:nilnil // there is nothing to publish with, and that is no error
	}
	p, err := r.newPublisher(r.cfg)
	if err != nil {
		return nil, err
	}
	return p, p.Preflight(ctx, r.outline)
}

// newPublisher is one for what this run made or found, which sends nothing any more once the lock of the output is lost.
func (r *run) newPublisher(cfg *config.Config) (*publish.Publisher, error) {
	return publish.New(cfg, publish.Options{
		ID: r.options.ID, Log: r.options.Log, Progress: r.options.Progress, Command: r.options.PublishCommand,
		Pause: r.options.PublishPause,
		Units: publish.UnitsOf(r.outline), Held: r.lock.Held, WaitUntil: r.waitUntil,
	})
}

// publishPlaced publishes what this run has moved into place.
func (r *run) publishPlaced(ctx context.Context, p *publish.Publisher, extract hyper.File, scratch string) error {
	placed, err := publish.Placed(ctx, r.cfg, extract, scratch)
	if err != nil {
		return err
	}
	return r.publish(ctx, p, r.lease, placed)
}

// publish is the last stage of a run.
func (r *run) publish(ctx context.Context, p *publish.Publisher, lease *hyperd.Lease, extract publish.Extract) error {
	return r.stagePublishing(ctx, func(ctx context.Context) ([]*report.Publishing, error) { return p.Publish(ctx, lease, extract) })
}

// stagePublishing is a stage that does something to data sources, and tells what.
func (r *run) stagePublishing(ctx context.Context, do func(context.Context) ([]*report.Publishing, error)) error {
	return r.stage(ctx, stagePublish, func(ctx context.Context) (work, error) {
		sources, err := do(ctx)
		if len(sources) > 0 {
			r.report.Publish = sources[0]
			r.report.Publish.Others = sources[1:]
		}
		rows, bytes := publish.Sent(sources)
		return work{rows: rows, bytes: bytes}, err
	})
}
