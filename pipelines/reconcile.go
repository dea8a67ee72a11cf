package pipelines

import (
	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/validate"
)

// reconcile proves that no row was lost or doubled on its way: the footers, the tallies
// that travelled with the rows, the rejects and hyperd must tell the same story.
func reconcile(plan *Plan, extract hyper.File, rejects []validate.RejectCount, counted []int64) error {
	rejected := make([]int64, len(plan.Tables))
	for _, count := range rejects {
		rejected[count.Table] += count.Rows
	}
	for i, table := range plan.Tables {
		contents := extract.Tables[i]
		tally := contents.Tally
		checks := []struct {
			got, want int64
			what      string
		}{
			{tally.Read, table.rowsToRead(), "rows read, rows in the footers less those pruned"},
			{contents.Rows, tally.Left(), "rows loaded, rows read less those filtered and rejected"},
			{rejected[i], tally.Rejected, "rows handed over as rejects, rows rejected"},
			{counted[i], contents.Rows, "rows in the extract, rows loaded"},
		}
		for _, check := range checks {
			if check.got != check.want {
				return failure.New(failure.Engine, "table %s does not reconcile: %s: %d, %d", table.Table, check.what, check.got, check.want).
					WithHint("nothing was moved into place; run it again, and report this as a defect if it comes back")
			}
		}
	}
	return nil
}
