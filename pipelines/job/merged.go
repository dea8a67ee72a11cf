package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// merged is the whole work of a job, once its counts were proved: one extract, and what came
// with it. A run that failed later, by a check or on its way to the output, leaves it to
// another, which need not merge again.
type merged struct {
	// Covers stands for the row groups that went into it, in the versions of their files.
	Covers string `json:"covers"`
	Result Result `json:"result"`
}

// covers stands for all row groups of shards, in the versions of their files.
func covers(shards []parquetread.Shard) string {
	var lines []string
	for _, u := range unitsOf(shards) {
		lines = append(lines, fmt.Sprintf("%d %q %q %x %d", u.table, u.uri, u.version, u.deletes, u.rowGroup))
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, line := range lines {
		_, _ = fmt.Fprintln(sum, line) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// NoteMerged puts the result of the job, whose counts were proved, into the manifest, where another
// run may find it. Several extracts, and those that are partials, are cheap to have again; so is
// what was found there. It fails with one of kind Storage where the manifest cannot be written.
func (j *Job) NoteMerged(ctx context.Context, done Result) error {
	if !j.sink.Checksums || done.Extract.Path == "" || j.merged != nil {
		return nil
	}
	return entry{Fingerprint: j.fingerprint, Merged: &merged{Covers: covers(j.all), Result: done}}.note(ctx, j.sink.Staging)
}

// findMerged looks in the manifest for what a whole job made of the same row groups under
// the same plan, and is there as it was written; nil if there is none.
func (j *Job) findMerged(ctx context.Context, entries []entry, usable func(*attempt) bool) *merged {
	if j.sink.Several() {
		return nil
	}
	all := covers(j.all)
	for _, e := range entries {
		if e.Merged == nil || e.Fingerprint != j.fingerprint || e.Merged.Covers != all {
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
