package pipelines

import (
	"cmp"
	"context"
	"slices"

	"hyperlake/pipelines/checks"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/refresh"
	"hyperlake/sinks/rejects"
)

// planBy plans the run in a stage of its own.
func (r *run) planBy(ctx context.Context, do func(context.Context) (work, error)) error {
	err := r.stage(ctx, "plan", do)
	if err != nil && r.plan != nil { // the data is why
		return cmp.Or(r.placeRejects(ctx, make([]rejects.Account, len(r.plan.Tables)), err), err)
	}
	return err
}

// lookOrPlan makes the plan of the run, unless nothing changed at a glance.
func (r *run) lookOrPlan(ctx context.Context) (work, error) {
	sight := r.see(ctx)
	isUnchanged, err := r.glance(ctx)
	switch {
	case err != nil:
		return work{}, err
	case isUnchanged:
		r.options.Log.Info("nothing changed at a glance, and no file of the lake was opened")
		return work{rows: r.outline.RowsToRead()}, nil
	}
	return r.makePlan(ctx, sight)
}

// planAfterAll makes the plan of the run, of which a glance said that there is nothing to do.
func (r *run) planAfterAll(ctx context.Context) (work, error) { return r.makePlan(ctx, r.see(ctx)) }

// see looks at what there is to read.
func (r *run) see(ctx context.Context) *plan.Sight {
	sight := plan.See(ctx, r.cfg)
	if r.cfg.Refresh.IsChanged() {
		r.seen = refresh.Seen(r.cfg, sight, r.options.LogValues)
	}
	return sight
}

// glance says whether nothing changed since the last success by what was seen, without opening a file of the lake: then the outline of
// its plan is that of this one. Else only a plan can tell.
func (r *run) glance(ctx context.Context) (isUnchanged bool, err error) {
	if r.seen == "" || r.options.Reload != "" {
		return false, nil
	}
	if r.comparison, err = findLast(ctx, r.cfg); err != nil || !r.stands(ctx, r.cfg.Output) {
		return false, err
	}
	known := r.state.AtAGlance(ctx, r.cfg, r.standing, r.seen)
	if known == nil {
		return false, nil
	}
	r.noteOutline(known)
	r.decision = refresh.Unchanged(r.standing)
	return true, nil
}

// noteOutline notes what the plan of the run comes to.
func (r *run) noteOutline(o *plan.Outline) {
	r.outline = o
	notePlan(r.report, o)
	r.report.Warnings = slices.Concat(r.ofIngest, o.Warnings)
	for _, warning := range o.Warnings {
		r.options.Log.Warn(warning)
	}
}

func (r *run) makePlan(ctx context.Context, sight *plan.Sight) (work, error) {
	preview, err := planFrom(ctx, r.cfg, sight)
	if err == nil {
		r.moves, err = job.SampleRanges(ctx, preview.Plan)
	}
	if err != nil {
		return work{}, err
	}
	plan := preview.Plan
	r.plan, r.report.Shards = plan, plan.Shards
	r.noteOutline(plan.Outline())
	if plan.Rows() == 0 && r.cfg.OnEmpty != config.OnEmptyAllow {
		return work{}, checks.NothingToLoad(r.report)
	}
	r.options.Log.Info("planned", "tables", len(plan.Tables), "rows", plan.Rows(), "shards", plan.Shards,
		"format_version", int(plan.FormatVersion))
	return work{rows: plan.Rows()}, nil
}
