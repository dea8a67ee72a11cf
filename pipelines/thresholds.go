package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/sinks/rejects"
)

// brokenThresholds is the failure of tables of which too many rows were rejected.
func (r *Report) brokenThresholds(tables []TableConfig) error {
	var broken []string
	for i := range r.Tables {
		table, limits := &r.Tables[i], tables[i].Rejects
		if limits.MaxRows != nil || limits.MaxRatio != nil {
			table.Thresholds = &ReportThreshold{limits.MaxRows, limits.MaxRatio}
		}
		if allowed := table.excess(limits); allowed != "" {
			broken = append(broken, fmt.Sprintf("table %s.%s: %s of %s rows were rejected, %s: %s",
				table.Schema, table.Name, humanize.Comma(table.RowsRejected), humanize.Comma(table.RowsRead), allowed, table.culprits()))
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return failure.New(failure.Data, "%s", strings.Join(broken, "; ")).
		WithHint("the extract was not moved into place; %s, correct the data or the rules, or raise rejects.max_rows or max_ratio", lookAtRejects(tables))
}

// judgeEmptyTables fails a run that has no row to load, unless it may be empty. It warns of
// single tables that are.
func (r *run) judgeEmptyTables() error {
	if r.report.rowsLoaded() == 0 {
		if r.cfg.OnEmpty == OnEmptyAllow {
			return nil
		}
		return r.report.nothingToLoad()
	}
	for _, table := range r.report.Tables {
		if table.RowsLoaded == 0 && table.RowsInFiles > 0 {
			r.warn(fmt.Sprintf("table %s.%s is empty: %s", table.Schema, table.Name, table.losses()))
		}
	}
	return nil
}

// nothingToLoad is the failure of a run that has no row to load, and says where all went.
func (r *Report) nothingToLoad() error {
	var losses []string
	for i := range r.Tables {
		if table := &r.Tables[i]; table.RowsInFiles > 0 {
			losses = append(losses, fmt.Sprintf("table %s.%s: %s", table.Schema, table.Name, table.losses()))
		}
	}
	if len(losses) == 0 {
		return failure.New(failure.Data, "the files hold no rows to load").
			WithHint("set on_empty: allow to build an empty extract")
	}
	return failure.New(failure.Data, "the files hold no rows to load: %s", strings.Join(losses, "; ")).
		WithHint("correct the data, the rules or source.where, or set on_empty: allow to build an empty extract")
}

// losses says where the rows went of a table that has none left.
func (t *ReportTable) losses() string {
	says := fmt.Sprintf("of %s ", words.Count(t.RowsInFiles, "row"))
	if leftOut := t.RowsPruned + t.RowsFiltered; leftOut > 0 {
		says += fmt.Sprintf("source.where leaves out %s", humanize.Comma(leftOut))
		if t.RowsRejected == 0 {
			return says
		}
		says += ", and "
	}
	return says + fmt.Sprintf("%s were rejected: %s", humanize.Comma(t.RowsRejected), t.culprits())
}

// lookAtRejects says where the rejects of tables are, or how they are kept.
func lookAtRejects(tables []TableConfig) string {
	var folders []string
	for _, table := range tables {
		if table.Rejects.Path != "" {
			folders = append(folders, table.Rejects.Path)
		}
	}
	if len(folders) == 0 {
		return "set rejects.path to a folder to keep the rejects in"
	}
	return "look at the rejects in " + strings.Join(folders, ", ")
}

// excess says which threshold a table broke; empty if none.
func (t *ReportTable) excess(limits RejectsConfig) string {
	switch {
	case limits.MaxRows != nil && t.RowsRejected > int64(*limits.MaxRows):
		return "max_rows allows " + humanize.Comma(int64(*limits.MaxRows))
	case limits.MaxRatio != nil && float64(t.RowsRejected) > float64(*limits.MaxRatio)*float64(t.RowsRead):
		return fmt.Sprintf("max_ratio allows %v of them", float64(*limits.MaxRatio))
	}
	return ""
}

// maxCulprits is how many rules a message names.
const maxCulprits = 3

// culprits names the rules that most rows broke, and where the first of them are.
func (t *ReportTable) culprits() string {
	var rules []ReportRule
	for _, rule := range t.Rules {
		if rule.Failed > 0 && rule.OnFail == "reject" {
			rules = append(rules, rule)
		}
	}
	slices.SortStableFunc(rules, func(a, b ReportRule) int { return cmp.Compare(b.Failed, a.Failed) })
	var words []string
	for _, rule := range rules[:min(len(rules), maxCulprits)] {
		words = append(words, fmt.Sprintf("%q by %s rows%s", rule.Name, humanize.Comma(rule.Failed), t.firstOrigin(rule.Name)))
	}
	if more := len(rules) - maxCulprits; more > 0 {
		words = append(words, fmt.Sprintf("and %d more rules", more))
	}
	return "broken were " + strings.Join(words, ", ")
}

func (t *ReportTable) firstOrigin(rule string) string {
	for _, s := range t.Samples {
		if s.Rule == rule {
			return fmt.Sprintf(" (first in file %s, row group %d, row %d)", s.File, s.RowGroup, s.Row)
		}
	}
	return ""
}

// publishRejects makes the folders of rejects hold those of this run, if the run finished:
// it succeeded, or the data is why it did not.
func (r *run) publishRejects(ctx context.Context, aside []rejects.Bundle, verdict error) error {
	failed := failure.Of(verdict, failure.Engine)
	if failed != nil && failed.Kind != failure.Data && failed.Kind != failure.Check {
		return nil
	}
	for i, table := range r.plan.Tables {
		if table.RejectsPath == "" {
			continue
		}
		if err := rejects.Publish(ctx, aside[i].Files, table.RejectsPath, r.options.ID); err != nil {
			return errors.Join(err, verdict)
		}
		r.report.Tables[i].RejectsPath = table.RejectsPath
	}
	return nil
}
