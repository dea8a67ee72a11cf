package pipelines

import (
	"context"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// besideOthers adds the extracts that stay to those that were made. Their rows are counted as they were when they were made.
func (r *run) besideOthers(_ context.Context, loaded job.Result, _ string) (job.Result, error) {
	whole := job.Result{Outputs: loaded.Outputs}
	made, rows := []string{}, loaded.Extract.Rows()
	for _, extract := range loaded.Outputs {
		if !r.decision.Remakes(extract.Target.Name) {
			return whole, failure.New(failure.Engine, "an extract of %s was made, of which no unit was to be read", extract.Target.Name).
				WithHint("nothing was moved into place; report this as a defect")
		}
		made = append(made, extract.Target.Name)
	}
	for _, extract := range r.decision.Stay() {
		rows += extract.Rows
		whole.Staying = append(whole.Staying, hyper.File{
			Path: extract.Path, Bytes: extract.Bytes, SHA256: extract.SHA256, Version: extract.Version,
			Target: batch.Target{Name: extract.Value}, Tables: []hyper.Contents{{Rows: extract.Rows}},
		})
	}
	whole.Extract.Tables = []hyper.Contents{{Rows: rows}}
	r.report.Refresh.Extracts = &report.ExtractsRemade{Made: made, Stay: len(whole.Staying)}
	return whole, nil
}

// noteStaying notes the extracts that stay as they are, all of them.
func (r *run) noteStaying() {
	for _, extract := range r.standing.Extracts {
		r.report.Output.Bytes += extract.Bytes
		if extract.Value == "" {
			r.report.Output.SHA256 = extract.SHA256
		} else {
			r.report.Outputs = append(r.report.Outputs, extract.Extract)
		}
	}
}

// warnOfOthers names files beside several extracts that look like others of them.
func (r *run) warnOfOthers(ctx context.Context) {
	var places []string
	for _, extract := range r.report.Outputs {
		places = append(places, extract.Path)
	}
	output.WarnOfOthers(ctx, r.cfg.Output, places, r.warn)
}
