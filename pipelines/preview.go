package pipelines

import (
	"context"
	"fmt"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/checks"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/doctor"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// Preview is what a run would do: its plan, and where it would publish.
type Preview struct {
	*plan.Plan               // nil of a configuration that only ingests
	Publish    *publish.Plan `json:"publish,omitempty"` // nil if the extract is not published
	Ingest     []IngestPlan  `json:"ingest,omitempty"`  // what would be brought into the lake first

	// Refresh is what of the extract would be made anew; nil where every run makes everything, and as long as nobody has
	// asked, see [Preview.Compare].
	Refresh *report.RefreshAccount `json:"refresh,omitempty"`
}

// MakePlan plans a run of a configuration. It lists files and reads footers, asks no server but those that rows are ingested from,
// and writes nothing. Tables are planned over the lake as it is, without what the run would ingest first. What it refuses was known
// before any data was read; what keeps a run from publishing is in Publish, which [publish.Plan.Refusal] makes an error of.
func MakePlan(ctx context.Context, cfg *config.Config) (*Preview, error) {
	if cfg.IngestsOnly() {
		entries, err := planIngest(ctx, cfg)
		return &Preview{Ingest: entries}, err
	}
	if err := output.CheckPlace(ctx, cfg.Output.Path); err != nil {
		return nil, err
	}
	entries, err := planIngest(ctx, cfg)
	if err != nil {
		return nil, err
	}
	preview, err := planFrom(ctx, cfg, plan.See(ctx, cfg))
	if failed := failure.Of(err, failure.Engine); failed != nil && failed.Kind == failure.Source && len(entries) > 0 {
		return nil, failed.WithHint("the lake is planned as it is: `hyperlake ingest %s` brings into it what a run would ingest first; %s",
			cfg.File, failed.Hint)
	}
	if err != nil {
		return nil, err
	}
	preview.Ingest = entries
	return preview, nil
}

// planFrom is [MakePlan] of what was seen.
func planFrom(ctx context.Context, cfg *config.Config, sight *plan.Sight) (*Preview, error) {
	plan, err := sight.Plan(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := checks.Verify(cfg, plan); err != nil { // what is wrong with them is known now
		return nil, err
	}
	return &Preview{Plan: plan, Publish: publish.MakePlan(ctx, cfg, plan.Outline())}, nil
}

// Compare finds out what of the extract a run would make anew. It reads the extract that stands at the output, and writes nothing. It fails
// where the output cannot be read, with one of kind Storage, and as [refresh.Now.Reloads] does for the units to load in any case.
func (p *Preview) Compare(ctx context.Context, cfg *config.Config, reload string) error {
	if !cfg.Refresh.IsChanged() {
		return refresh.CheckReload(cfg, reload)
	}
	now := refresh.Now{Config: cfg, Plan: p.Plan, Reload: reload}
	found, err := compareWithLast(ctx, now, comparison{})
	if err != nil {
		return err
	}
	if found.warning != "" {
		p.Warnings = append(slices.Clip(p.Warnings), found.warning)
	}
	p.Refresh = found.account(now)
	return nil
}

// Diagnosis is what runs of a configuration depend on besides their engine; of none (nil), what all
// runs on this machine depend on.
func Diagnosis(cfg *config.Config) []doctor.Check {
	return doctor.Checks(cfg, func(ctx context.Context) (string, error) { return tryPlan(ctx, cfg) })
}

// tryPlan makes the plan that a run would make, and tries the checks in SQL.
func tryPlan(ctx context.Context, cfg *config.Config) (found string, err error) {
	preview, err := MakePlan(ctx, cfg)
	if err == nil && cfg.IngestsOnly() {
		return words.Plural(int64(len(preview.Ingest)), "1 source", "sources") + " to ingest, and no tables", nil
	}
	if err == nil {
		err = preview.Publish.Refusal()
	}
	if err == nil {
		err = checks.Try(ctx, cfg, preview.Plan)
	}
	switch {
	case ctx.Err() != nil:
		return "", doctor.Caution("`hyperlake plan` makes it, however long it takes", "it takes longer than a look at it may")
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("%s, %s to read", words.Count(int64(len(preview.Tables)), "table"), words.Count(preview.Rows(), "row")), nil
}
