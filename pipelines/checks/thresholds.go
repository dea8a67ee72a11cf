package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// BrokenThresholds is the failure, of kind Data, of tables of which too many rows were rejected; nil if there are none, and of those whose
// configuration only warns. The report gets the thresholds, and whether they were kept.
func BrokenThresholds(r *report.Report, tables []config.TableConfig) error {
	var broken []string
	for i := range r.Tables {
		table, limits := &r.Tables[i], tables[i].Rejects
		if limits.MaxRows != nil || limits.MaxRatio != nil {
			table.Thresholds = &report.Threshold{
				MaxRows: limits.MaxRows, MaxRatio: limits.MaxRatio, Passed: excess(table, limits.MaxRows, limits.MaxRatio) == "",
				OnFail: cmp.Or(string(limits.OnFail), string(config.OnFailStop)),
			}
			if !table.Thresholds.Passed && !limits.OnFail.IsWarn() {
				broken = append(broken, excessText(table))
			}
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return failure.New(failure.Data, "%s", strings.Join(broken, "; ")).
		WithHint("the extract was not moved into place; %s, correct the data or the rules, or raise rejects.max_rows or max_ratio",
			lookAtRejects(tables))
}

// excessText says of a table that too many of its rows were rejected.
func excessText(t *report.TableAccount) string {
	return fmt.Sprintf("table %s.%s: %s of %s rows were rejected, %s: %s", t.Schema, t.Name, humanize.Comma(t.RowsRejected),
		humanize.Comma(t.RowsRead), excess(t, t.Thresholds.MaxRows, t.Thresholds.MaxRatio), culprits(t))
}

// JudgeEmpty fails a run that has no row to load, as [NothingToLoad] says, unless it may be empty.
// It warns of single tables that are.
func JudgeEmpty(r *report.Report, allowed config.OnEmpty) (warnings []string, err error) {
	if r.RowsLoaded() == 0 {
		if allowed == config.OnEmptyAllow {
			return nil, nil
		}
		return nil, NothingToLoad(r)
	}
	for _, table := range r.Tables {
		if table.RowsLoaded == 0 && table.RowsInFiles > 0 {
			warnings = append(warnings, fmt.Sprintf("table %s.%s is empty: %s", table.Schema, table.Name, lossesOf(&table)))
		}
	}
	return warnings, nil
}

// NothingToLoad is the failure, of kind Data, of a run that has no row to load, and says where all went.
func NothingToLoad(r *report.Report) error {
	var losses []string
	for i := range r.Tables {
		if table := &r.Tables[i]; table.RowsInFiles > 0 {
			losses = append(losses, fmt.Sprintf("table %s.%s: %s", table.Schema, table.Name, lossesOf(table)))
		}
	}
	if len(losses) == 0 {
		return failure.New(failure.Data, "the files hold no rows to load").
			WithHint("set on_empty: allow to build an empty extract")
	}
	return failure.New(failure.Data, "the files hold no rows to load: %s", strings.Join(losses, "; ")).
		WithHint("correct the data, the rules or source.where, or set on_empty: allow to build an empty extract")
}

// lossesOf says where the rows went of a table that has none left.
func lossesOf(t *report.TableAccount) string {
	says := fmt.Sprintf("of %s ", words.Count(t.RowsInFiles, "row"))
	if leftOut := t.RowsPruned + t.RowsFiltered; leftOut > 0 {
		says += fmt.Sprintf("source.where leaves out %s", humanize.Comma(leftOut))
		if t.RowsRejected == 0 {
			return says
		}
		says += ", and "
	}
	return says + fmt.Sprintf("%s were rejected: %s", humanize.Comma(t.RowsRejected), culprits(t))
}

// lookAtRejects says where the rejects of tables are, or how they are kept.
func lookAtRejects(tables []config.TableConfig) string {
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
func excess(t *report.TableAccount, maxRows *int, maxRatio *config.Ratio) string {
	switch {
	case maxRows != nil && t.RowsRejected > int64(*maxRows):
		return "max_rows allows " + humanize.Comma(int64(*maxRows))
	case maxRatio != nil && float64(t.RowsRejected) > float64(*maxRatio)*float64(t.RowsRead):
		return fmt.Sprintf("max_ratio allows %v of them", float64(*maxRatio))
	}
	return ""
}

// maxCulprits is how many rules a message names.
const maxCulprits = 3

// culprits names the rules that most rows broke, and where the first of them are.
func culprits(t *report.TableAccount) string {
	var rules []report.Rule
	for _, rule := range t.Rules {
		if rule.Failed > 0 && rule.OnFail == "reject" {
			rules = append(rules, rule)
		}
	}
	slices.SortStableFunc(rules, func(a, b report.Rule) int { return cmp.Compare(b.Failed, a.Failed) })
	var words []string
	for _, rule := range rules[:min(len(rules), maxCulprits)] {
		words = append(words, fmt.Sprintf("%q by %s rows%s", rule.Name, humanize.Comma(rule.Failed), firstOrigin(t, rule.Name)))
	}
	if more := len(rules) - maxCulprits; more > 0 {
		words = append(words, fmt.Sprintf("and %d more rules", more))
	}
	return "broken were " + strings.Join(words, ", ")
}

func firstOrigin(t *report.TableAccount, rule string) string {
	for _, s := range t.Samples {
		if s.Rule == rule {
			return fmt.Sprintf(" (first in file %s, row group %d, row %d)", s.File, s.RowGroup, s.Row)
		}
	}
	return ""
}
