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
		WithHint("the extract was not moved into place; look at the rejects, correct the data or the rules, or raise rejects.max_rows or max_ratio")
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
