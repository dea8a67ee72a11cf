package job

import (
	"context"

	"hyperlake/pipelines/report"
)

// Reused is what of a prepared job an earlier run finished, whose id is given.
func (j *Job) Reused(runID string) *report.Part { return j.part(runID, j.finished, j.merged) }

// part describes what is finished of a job.
func (j *Job) part(runID string, done *finished, whole *merged) *report.Part {
	if whole == nil {
		return &report.Part{RunID: runID, Partials: len(done.Partials), Rows: done.rows()}
	}
	return &report.Part{RunID: runID, Partials: whole.Result.Extract.Partials, Rows: j.plan.Rows(), Merged: true}
}

// Leftover is what the manifest has of the job, for another run to go on with, and the files that
// it needs for that; nil if that is nothing. It fails with one of kind Storage where the manifest cannot be
// read.
func (j *Job) Leftover(ctx context.Context, runID string) (part *report.Part, files []string, err error) {
	done, whole, err := j.find(ctx, func(*attempt) bool { return true })
	if err != nil || len(done.Partials) == 0 && whole == nil {
		return nil, nil, err
	}
	return j.part(runID, done, whole), append(done.files(), whole.files()...), nil
}
