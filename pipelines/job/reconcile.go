package job

import (
	"reflect"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Reconcile proves that no row was lost or doubled on its way: the footers, the tallies
// that travelled with the rows, the rejects and hyperd must tell the same story. The first two numbers
// that differ are an error of kind Engine, which says of which table.
func Reconcile(plan *plan.Plan, extract hyper.File, aside []rejects.Account, counted []int64) error {
	for i, table := range plan.Tables {
		contents := extract.Tables[i]
		tally := contents.Tally
		checks := []struct {
			got, want int64
			what      string
		}{
			{tally.InFiles(), table.RowsToRead(), "rows read and deleted, rows in the footers less those pruned"},
			{contents.Rows, tally.Left(), "rows loaded, rows read less those filtered and rejected"},
			{aside[i].Rows, tally.Rejected, "rows set aside as rejects, rows rejected"},
			{rowsIn(aside[i].Files), writtenRows(table, aside[i]), "rows in the reject files, rows set aside as rejects"},
			{counted[i], contents.Rows, "rows in the extract, rows loaded"},
		}
		if len(tally.Units) > 0 {
			var units batch.Counts
			for _, unit := range tally.Units {
				units = units.Plus(unit.Counts)
			}
			if !reflect.DeepEqual(units, tally.Counts()) {
				return unreconciled(table, "rows by unit, all rows", units, tally.Counts())
			}
		}
		for _, check := range checks {
			if check.got != check.want {
				return unreconciled(table, check.what, check.got, check.want)
			}
		}
	}
	return nil
}

// unreconciled is the failure of two counts that differ.
func unreconciled(table *plan.TablePlan, what string, got, want any) error {
	return failure.New(failure.Engine, "table %s does not reconcile: %s: %v, %v", table.Table, what, got, want).
		WithHint("nothing was moved into place; run it again, and report this as a defect if it comes back")
}

func rowsIn(files []rejects.File) int64 {
	var rows int64
	for _, file := range files {
		rows += file.Rows
	}
	return rows
}

// writtenRows is how many rejects of a table should be in files.
func writtenRows(table *plan.TablePlan, aside rejects.Account) int64 {
	if table.RejectsPath == "" {
		return 0
	}
	return aside.Rows
}
