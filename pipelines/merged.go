package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"hyperlake/sinks/hyper"
)

// merged is the whole work of a job, once its counts were proved: one extract, and what came
// with it. A run that failed later, by a check or on its way to the output, leaves it to
// another, which need not merge again.
type merged struct {
	// Covers stands for the row groups that went into it, in the versions of their files.
	Covers string `json:"covers"`
	Result result `json:"result"`
}

// covers stands for all row groups that the plan reads, in the versions of their files.
func (p *Plan) covers() string {
	var lines []string
	for u := range p.units() {
		lines = append(lines, fmt.Sprintf("%d %q %q %d", u.table, u.uri, u.version, u.rowGroup))
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, line := range lines {
		_, _ = fmt.Fprintln(sum, line) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// noteMerged puts the result of the job into the manifest, where another run may find it.
// Several extracts, and those that are partials, are cheap to have again.
func (r *run) noteMerged(ctx context.Context, staging *staging, done result) error {
	if !staging.durable || done.Extract.Path == "" {
		return nil
	}
	r.plan.cut() // as if nothing had been finished
	return entry{Fingerprint: r.job.fingerprint, Merged: &merged{Covers: r.plan.covers(), Result: done}}.note(ctx, r.job.sink.Staging)
}

// findMerged looks in the manifest for what a whole job made of the same row groups under
// the same plan, and is there as it was written; nil if there is none.
func (j *job) findMerged(ctx context.Context, entries []entry, usable func(*attempt) bool) *merged {
	if j.sink.Several() {
		return nil
	}
	j.plan.cut()
	covers := j.plan.covers()
	for _, e := range entries {
		if e.Merged == nil || e.Fingerprint != j.fingerprint || e.Merged.Covers != covers {
			continue
		}
		if usable(&attempt{partials: []hyper.File{e.Merged.Result.Extract}, rejects: e.Merged.Result.Rejects}) && ctx.Err() == nil {
			return e.Merged
		}
	}
	return nil
}

// files are the extract, and the rejects that came with it.
func (m *merged) files() []string {
	if m == nil {
		return nil
	}
	whole := finished{Partials: []hyper.File{m.Result.Extract}, Rejects: m.Result.Rejects}
	return whole.files()
}
