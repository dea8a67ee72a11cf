package refresh

import (
	"slices"

	"hyperlake/internal/batch"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Tally is that of a whole table, of which this run loaded some units.
func (d Decision) Tally(index int, table hyper.Table, loaded batch.Tally) batch.Tally {
	t := d.Tables[index]
	if t.Whole {
		return loaded
	}
	known := d.Last.table(table)
	counts := known.Counts
	whole := batch.Tally{}
	for _, unit := range known.Units {
		switch isGone := slices.ContainsFunc(t.Remove, func(gone UnitState) bool { return gone.Key == unit.Key }); {
		case unit.Counts == nil:
		case isGone:
			counts = counts.Minus(*unit.Counts)
		default:
			whole.Units = append(whole.Units, batch.UnitCounts{Unit: unit.Key, Counts: *unit.Counts})
		}
	}
	whole.Add(counts.Tally())
	whole.Add(loaded)
	return whole
}

// Patch is what has to be done to a table of the last extract, when this run loaded some units.
func (d Decision) Patch(index int, table *plan.TablePlan, loaded batch.Tally) hyper.TablePatch {
	t := d.Tables[index]
	patch := hyper.TablePatch{Whole: t.Whole, Rows: d.Tally(index, table.Table, loaded).Left()}
	if t.Whole || len(table.UnitColumns) == 0 {
		return patch
	}
	for _, column := range table.UnitColumns {
		patch.Columns = append(patch.Columns, column.Name)
	}
	for _, unit := range t.Remove {
		values, _ := table.UnitSQL(unit.Values) // which it has, or the table would be built anew
		patch.Units = append(patch.Units, hyper.PatchedUnit{Values: values, Before: unit.Counts.Left()})
	}
	for _, unit := range table.Units() {
		if !d.Wants(index, unit.Key) {
			continue
		}
		after := countsOf(loaded, unit.Key).Left()
		if at := slices.IndexFunc(t.Remove, func(gone UnitState) bool { return gone.Key == unit.Key }); at >= 0 {
			patch.Units[at].After = after
		} else {
			values, _ := table.UnitSQL(unit.Values)
			patch.Units = append(patch.Units, hyper.PatchedUnit{Values: values, After: after})
		}
	}
	return patch
}

// countsOf are those of a unit; none where no row of it was read.
func countsOf(tally batch.Tally, unit string) batch.Counts {
	for _, known := range tally.Units {
		if known.Unit == unit {
			return known.Counts
		}
	}
	return batch.Counts{}
}

// Stays says whether the rejects of a file are still what they were: those of all units that this run did not load, and
// that are still there.
func (d Decision) Stays(index int, table *plan.TablePlan) func(file string) bool {
	t := d.Tables[index]
	if t.Whole {
		return func(string) bool { return false }
	}
	if len(table.UnitColumns) == 0 {
		return func(string) bool { return true } // files were only added
	}
	staying := map[string]bool{}
	for _, file := range table.ToRead {
		if len(file.Groups) > 0 && !d.Wants(index, table.UnitOf(file)) {
			staying[file.Info.URI] = true
		}
	}
	return func(file string) bool { return staying[file] }
}

// Samples are those of the rejects of a whole table, of which this run loaded some units.
func (d Decision) Samples(index int, table *plan.TablePlan, loaded []rejects.Sample) []rejects.Sample {
	stays := d.Stays(index, table)
	sum := rejects.Account{}
	if known := d.Last.table(table.Table); known != nil {
		kept := slices.DeleteFunc(slices.Clone(known.Samples), func(s rejects.Sample) bool { return !stays(s.File) })
		sum.Add(rejects.Account{Samples: kept})
	}
	sum.Add(rejects.Account{Samples: loaded})
	return sum.Samples
}
