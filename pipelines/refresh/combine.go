package refresh

import (
	"slices"

	"hyperlake/internal/batch"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Tally is that of a whole table, of which this run loaded some units.
func (d Decision) Tally(index int, loaded batch.Tally) batch.Tally {
	t := d.Tables[index]
	if t.Whole {
		return loaded
	}
	known := d.Last.Tables[index]
	gone := map[string]bool{}
	for _, unit := range t.Remove {
		gone[unit.Key] = true
	}
	counts := known.Counts
	whole := batch.Tally{}
	for _, unit := range known.Units {
		switch {
		case unit.Counts == nil:
		case gone[unit.Key]:
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
	patch := hyper.TablePatch{Whole: t.Whole, Rows: d.Tally(index, loaded).Left()}
	if t.Whole || len(table.UnitColumns) == 0 {
		return patch
	}
	for _, column := range table.UnitColumns {
		patch.Columns = append(patch.Columns, column.Name)
	}
	removed := map[string]int{} // where they are in the patch
	for i, unit := range t.Remove {
		removed[unit.Key] = i
		values, _ := table.UnitSQL(unit.Values) // which it has, or the table would be built anew
		patch.Units = append(patch.Units, hyper.PatchedUnit{Values: values, Before: unit.Counts.Left()})
	}
	for _, unit := range table.Units() {
		if !d.Wants(index, unit.Key) {
			continue
		}
		after := loaded.Unit(unit.Key).Left()
		if at, isReplaced := removed[unit.Key]; isReplaced {
			patch.Units[at].After = after
		} else {
			values, _ := table.UnitSQL(unit.Values)
			patch.Units = append(patch.Units, hyper.PatchedUnit{Values: values, After: after})
		}
	}
	return patch
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
func (d Decision) Samples(index int, stays func(file string) bool, loaded []rejects.Sample) []rejects.Sample {
	kept := slices.DeleteFunc(slices.Clone(d.Last.Tables[index].Samples), func(s rejects.Sample) bool { return !stays(s.File) })
	sum := rejects.Account{}
	sum.Add(rejects.Account{Samples: kept})
	sum.Add(rejects.Account{Samples: loaded})
	return sum.Samples
}
