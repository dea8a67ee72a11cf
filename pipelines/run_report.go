package pipelines

import (
	"os"
	"time"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// newReport is the report of a run that begins.
func newReport(cfg *config.Config, options RunOptions) *report.Report {
	host, _ := os.Hostname() // which nothing depends on
	r := &report.Report{
		Version:          report.Version,
		RunID:            options.ID,
		Name:             cfg.Name,
		Configuration:    cfg.File,
		Host:             host,
		HyperlakeVersion: Version(),
		Started:          time.Now().UTC(),
		Output:           report.Output{Path: cfg.Output.Path},
		Tables:           []report.TableAccount{},
		Stages:           []report.Stage{},
	}
	if options.Engine != nil {
		r.Runner = options.Engine.Name()
	}
	return r
}

// notePlan notes what the footers promise.
func notePlan(r *report.Report, plan *plan.Outline) {
	r.Tables = make([]report.TableAccount, 0, len(plan.Tables))
	r.Output.FormatVersion = plan.FormatVersion
	r.Warnings = plan.Warnings
	for _, table := range plan.Tables {
		account := report.TableAccount{
			Schema: table.Schema, Name: table.Name,
			Newest: table.Newest, Files: table.Files, RowGroups: table.RowGroups,
			BytesIn: table.BytesToRead(), RowsInFiles: table.Rows, RowsPruned: table.Pruned.Rows,
			Rules: []report.Rule{}, Checks: []report.CheckResult{},
		}
		if v := table.Source; v != nil {
			account.Source = &report.TableVersion{Format: v.Format, Version: v.Version, Timestamp: v.Timestamp}
		}
		r.Tables = append(r.Tables, account)
	}
}

// mostUnitsTold is of how many units of a table a report tells the rows: many reports are kept.
const mostUnitsTold = 2000

// noteLoad notes what became of the rows.
func noteLoad(r *report.Report, plan *plan.Plan, done job.Result) {
	r.Complete = true
	r.Partials = done.Extract.Partials
	for i, contents := range done.Extract.Tables {
		table, tally := &r.Tables[i], contents.Tally
		table.RowsRead, table.RowsDeleted = tally.Read, tally.Deleted
		table.RowsFiltered = tally.Filtered
		table.RowsRejected = tally.Rejected
		table.RowsLoaded = contents.Rows
		noteUnits(r, table, tally.Units)
		for j, rule := range plan.Tables[i].Rules {
			var failed int64
			if j < len(tally.Failed) {
				failed = tally.Failed[j]
			}
			if failed > 0 || !rule.Builtin {
				table.Rules = append(table.Rules, report.Rule{Name: rule.Name, Failed: failed, OnFail: string(rule.OnFail)})
			}
		}
		for _, s := range rejects.WithoutUnits(done.Rejects[i].Samples) {
			table.Samples = append(table.Samples, report.Sample{
				Rule: plan.Tables[i].Rules[s.Rule].Name, File: s.File, RowGroup: s.RowGroup, Row: s.Row, Form: s.Form, Reason: s.Reason,
			})
		}
	}
}

// noteUnits notes the rows of the units of a table.
func noteUnits(r *report.Report, table *report.TableAccount, units []batch.UnitCounts) {
	if r.Refresh == nil || len(units) == 0 || len(units) > mostUnitsTold {
		return
	}
	told := report.TableUnits{Schema: table.Schema, Name: table.Name}
	for _, unit := range units {
		told.Units = append(told.Units, report.UnitRows{Unit: unit.Unit, RowsLoaded: unit.Counts.Left(), RowsRejected: unit.Counts.Rejected})
	}
	r.Refresh.RowsByUnit = append(r.Refresh.RowsByUnit, told)
}

// bytesOf is how many bytes files have together.
func bytesOf(files []hyper.File) int64 {
	var bytes int64
	for _, file := range files {
		bytes += file.Bytes
	}
	return bytes
}

func addStage(r *report.Report, name string, took time.Duration, done work) {
	r.Stages = append(r.Stages, report.Stage{Name: name, Seconds: took.Seconds(), Rows: done.rows, Bytes: done.bytes})
}

// finish closes the report with the outcome of the run.
func finish(r *report.Report, err error) {
	r.Finished = time.Now().UTC()
	failed := failure.Of(err, failure.Engine)
	if failed == nil {
		if r.Status != report.Unchanged {
			r.Status = report.Succeeded
		}
		return
	}
	r.Error = &report.Error{Kind: failed.Kind, Message: failed.Message, Hint: failed.Hint}
	for _, other := range failed.More {
		r.Error.More = append(r.Error.More, other.Sentence())
	}
	switch failed.Kind {
	case failure.Data, failure.Check:
		r.Status = report.Rejected
	case failure.Interrupted:
		r.Status = report.Interrupted
	case failure.Publish:
		r.Status = report.Failed
		if r.Output.SHA256 != "" || len(r.Outputs) > 0 { // the extract is in place
			r.Status = report.Unpublished
		}
	default:
		r.Status = report.Failed
	}
}
