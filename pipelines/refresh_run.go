package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// now is what a run finds, for what it remembers to be compared with.
func (r *run) now() refresh.Now {
	return refresh.Now{Config: r.cfg, Plan: r.plan, LogValues: r.options.LogValues, Reload: r.options.Reload}
}

// compare decides which part of the plan this run does: all of it, unless the configuration has only what changed made anew.
func (r *run) compare(ctx context.Context) error {
	r.part = r.plan
	if !r.cfg.Refresh.IsChanged() {
		return refresh.CheckReload(r.cfg, r.options.Reload)
	}
	return r.stage(ctx, "compare", func(ctx context.Context) (_ work, err error) {
		if r.plan != nil { // else a glance has told
			if r.comparison, err = compareWithLast(ctx, r.now(), r.comparison); err != nil {
				return work{}, err
			}
		}
		if r.warning != "" {
			r.warn(r.warning)
		}
		r.take()
		return work{}, nil
	})
}

// take has the run do what was decided.
func (r *run) take() {
	account := r.account(r.now())
	r.report.Refresh = account
	if r.plan != nil {
		r.part = r.plan
		if !r.decision.Full {
			r.part = r.plan.Only(r.decision.Wants)
		}
		r.report.Shards = r.part.Shards
	}
	r.options.Log.Info("compared with the last run", "mode", account.Mode,
		"changed", account.UnitsChanged, "units", account.Units, "reason", account.Reason)
}

// patch makes the extract of the last one and of the units that were loaded, or has those that were loaded stand beside the
// others. The result is that of a full build.
func (r *run) patch(ctx context.Context, loaded job.Result, folder *staging.Folder) (job.Result, error) {
	do := r.patchExtract
	if r.plan.SplitsTables() {
		do = r.besideOthers
	}
	whole, err := do(ctx, loaded, folder.Local)
	if err != nil {
		return job.Result{}, err
	}
	whole.Extract.Partials = loaded.Extract.Partials
	counted := make([]int64, len(whole.Extract.Tables))
	for i := range r.plan.Tables {
		whole.Extract.Tables[i].Tally = r.decision.Tally(i, loaded.Extract.Tables[i].Tally)
		counted[i] = whole.Extract.Tables[i].Rows
		aside, err := r.carry(ctx, i, loaded.Rejects[i], folder)
		if err != nil {
			return job.Result{}, err
		}
		aside.Rows = whole.Extract.Tables[i].Tally.Rejected
		whole.Rejects = append(whole.Rejects, aside)
	}
	return whole, job.Reconcile(r.plan, whole.Extract, whole.Rejects, counted)
}

// patchExtract makes one extract of the last one.
func (r *run) patchExtract(ctx context.Context, loaded job.Result, folder string) (whole job.Result, err error) {
	base, err := r.base(ctx, folder)
	if err != nil {
		return job.Result{}, err
	}
	patch := hyper.Patch{Layout: r.plan.Layout(), Base: base, Added: loaded.Extract.Path}
	for i, table := range r.plan.Tables {
		patch.Tables = append(patch.Tables, r.decision.Patch(i, table, loaded.Extract.Tables[i].Tally))
	}
	whole.Extract, err = r.makePatch(ctx, patch, folder)
	return whole, err
}

// makePatch makes the patched extract, anew if gaps and small blocks would make it much larger than a full build would.
func (r *run) makePatch(ctx context.Context, patch hyper.Patch, folder string) (hyper.File, error) {
	path := filepath.Join(folder, "patched.hyper")
	patchTo := func(path string) (file hyper.File, err error) {
		err = r.whileGrowing("patch", path, func() (err error) {
			file, err = patch.Make(ctx, r.lease, path, hyper.FileOptions{})
			return err
		})
		return file, err
	}
	file, err := patchTo(path)
	if err != nil || !r.standing.Built.IsOutgrown(file.Bytes, file.Rows(), float64(r.cfg.Refresh.RewriteOver)) {
		return file, err
	}
	if err := os.Remove(path); err != nil {
		return hyper.File{}, staging.Failure(path, err)
	}
	r.options.Log.Info("the extract is written anew: patches have made it too large", "bytes", file.Bytes)
	patch.Anew, r.rewritten = true, true
	return patchTo(filepath.Join(folder, "rewritten.hyper"))
}

// base makes the last extract local.
func (r *run) base(ctx context.Context, folder string) (string, error) {
	ctx, last := r.watch(ctx, "patch", nil), r.standing.Extracts[0]
	path, err := storage.Fetch(ctx, last.Path, filepath.Join(folder, "base.hyper"))
	if err == nil && !storage.IsLocal(last.Path) {
		err = storage.VerifySHA256(ctx, path, last.Bytes, last.SHA256)
	}
	if err != nil {
		return "", output.Unread(last.Path, err)
	}
	return path, nil
}

// carry adds the rejects of units that stay to those of a table that were found.
func (r *run) carry(ctx context.Context, index int, found rejects.Account, folder *staging.Folder) (rejects.Account, error) {
	table := r.plan.Tables[index]
	stays := r.decision.Stays(index, table)
	whole := rejects.Account{Table: index, Files: found.Files, Samples: r.decision.Samples(index, stays, found.Samples)}
	known := r.standing.Tables[index]
	goes := func(file string) bool { return !stays(file) }
	kept, err := rejects.Carry(ctx, known.Rejects, folder.URI, goes, parquetread.ReadColumns)
	if err != nil {
		return whole, err
	}
	whole.Files = append(whole.Files, kept...)
	return whole, nil
}

// isOfLast says whether an error is that what the last run left cannot be used.
func isOfLast(err error) bool {
	return errors.Is(err, hyper.ErrBase) || errors.Is(err, rejects.ErrKept)
}

// fallBack has a run that could not use what the last one left make everything anew, and says so.
func (r *run) fallBack(err error) bool {
	if !r.patches() || !isOfLast(err) {
		return false
	}
	r.warn(fmt.Sprintf("%v: everything is made anew", err))
	r.decision = refresh.Full("the extract of the last run, or what was kept of it, is damaged")
	r.take()
	return true
}

// remember notes what is about to be moved into place.
func (r *run) remember(ctx context.Context, built job.Result) error {
	if r.state == nil {
		return nil
	}
	aside := make([]rejects.Account, len(built.Rejects))
	for i, account := range built.Rejects {
		aside[i] = account
		if len(account.Files) == 0 {
			continue
		}
		var err error
		if aside[i].Files, err = rejects.Save(ctx, account.Files, r.state.RejectsFolder(r.options.ID, i), r.options.ID); err != nil {
			return err
		}
	}
	var extracts []refresh.Extract
	files := built.All()
	for i, place := range output.Places(r.cfg.Output.Path, files) {
		extracts = append(extracts, refresh.Extract{Extract: output.Extract(files[i], place)})
	}
	origin := refresh.Built{Date: r.cfg.Date, Bytes: bytesOf(files), Rows: r.report.RowsLoaded()}
	switch {
	case r.patches() && r.rewritten:
		origin.Date = r.standing.Built.Date
	case r.patches():
		origin = r.standing.Built
	}
	success, err := r.now().Record(r.report, extracts, built.Extract, aside, origin)
	if err != nil {
		return err
	}
	if err := r.lock.Held(); err != nil {
		return err
	}
	return r.state.Begin(ctx, success, r.standing)
}

// leaveUnchanged ends a run that finds everything as it would make it: it puts rejects right that a run left which failed,
// and publishes what is not published yet.
func (r *run) leaveUnchanged(ctx context.Context) error {
	last := r.standing
	for i, table := range last.Tables {
		if err := r.restoreRejects(ctx, i, table); err != nil {
			return err
		}
	}
	r.inPlace, r.report.Status, r.report.Complete = true, report.Unchanged, true
	r.noteStaying()
	for i, table := range last.Tables {
		r.report.Tables[i] = accountAgain(table.Account, r.report.Tables[i], r.outline.Tables[i].Hidden(r.cfg.Report))
		r.report.Tables[i].RejectsPath = r.cfg.Tables[i].Rejects.Path
		noteUnits(r.report, &r.report.Tables[i], table.UnitCounts())
	}
	r.warnOfChecks()
	if last.HasSeveral() {
		r.warnOfOthers(ctx)
	}
	if err := r.publishUnchanged(ctx); err != nil {
		return err
	}
	r.commit(ctx, last.RunID, last.Versions())
	return nil
}

// accountAgain is the account of a table that did not change, under another plan: files of which nothing is read may have changed,
// and columns may be hidden that were not. Those that are not hidden any more stay so until the table changes.
func accountAgain(account, planned report.TableAccount, hidden map[string]bool) report.TableAccount {
	account.Source, account.Newest, account.Files, account.RowGroups = planned.Source, planned.Newest, planned.Files, planned.RowGroups
	account.BytesIn, account.RowsInFiles, account.RowsPruned = planned.BytesIn, planned.RowsInFiles, planned.RowsPruned
	account.Columns = slices.Clone(account.Columns)
	for i := range account.Columns {
		column := &account.Columns[i]
		if column.DistinctRows > 0 { // an estimate of an earlier version
			column.Distinct, column.DistinctRows = nil, 0
		}
		if hidden[column.Name] && (column.Min != "" || column.Max != "") {
			column.Min, column.Max, column.Hidden = "", "", true
		}
	}
	return account
}

// restoreRejects makes a folder of rejects hold those of the last success.
func (r *run) restoreRejects(ctx context.Context, index int, table refresh.TableState) error {
	folder := r.cfg.Tables[index].Rejects.Path
	if folder == "" {
		return nil
	}
	if err := r.lock.Held(); err != nil {
		return err
	}
	return rejects.Restore(ctx, table.Rejects, folder, r.standing.RunID)
}

// publishUnchanged publishes the extract that stands at the output to those data sources that do not have it.
func (r *run) publishUnchanged(ctx context.Context) error {
	if r.cfg.Publish == nil {
		return nil
	}
	cfg, where := *r.cfg, *r.cfg.Publish
	where.IfChanged = true
	cfg.Publish = &where
	p, err := r.newPublisher(&cfg)
	if err != nil {
		return err
	}
	return staging.Within(ctx, r.cfg.Output.Path, r.options.ID, func(folder *staging.Folder) error {
		return r.publishFound(ctx, p, folder, r.options.Progress)
	})
}

// commit makes the extract that stands at the output the last success. Should that fail, the next run finds it out by itself.
func (r *run) commit(ctx context.Context, run string, versions []string) {
	if r.state == nil {
		return
	}
	err := r.lock.Held()
	if err == nil {
		err = r.state.Commit(ctx, run, versions)
	}
	if err == nil {
		err = r.state.KeepGlance(ctx, refresh.Glance{RunID: run, Seen: r.seen, Outline: r.outline})
	}
	if err != nil {
		r.warn(err.Error())
	}
}

// beginHistory notes that the run is under way. Nothing of it depends on that.
func (r *run) beginHistory(ctx context.Context) {
	history, err := refresh.OpenHistory(r.cfg.StateFolder())
	if err == nil {
		var earlier []report.Report
		earlier, err = history.Begin(ctx, r.report)
		r.earlier, r.rowsBefore = refresh.Summaries(earlier), refresh.RowsBefore(earlier)
	}
	if err != nil {
		r.warn(err.Error())
		return
	}
	r.history = history
}

// endHistory notes what became of the run, and has its report tell of the runs before, which what is noted does not.
func (r *run) endHistory(ctx context.Context) {
	defer func() { r.report.History = r.earlier }()
	if r.history == nil {
		return
	}
	ctx, cancel := staging.Closing(ctx)
	defer cancel()
	if err := r.history.End(ctx, r.report, cmp.Or(r.options.KeepRuns, refresh.DefaultKeep)); err != nil {
		r.warn(err.Error())
	}
}
