package refresh

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
)

// inseparable says why several extracts are all made anew; empty if they need not be, or there is one.
func (n Now) inseparable(d Decision) string {
	if !n.Plan.MakesSeveral() || n.Plan.Tables[0].SplitsUnits() {
		return ""
	}
	if gone := d.Last.Gone(); len(gone) > 0 {
		return fmt.Sprintf("the extract of %s that was made last is not there any more", gone[0])
	}
	changed, _ := d.Changed(n.Plan)
	if n.Config.Output.Merge != config.MergeNone || changed == 0 {
		return ""
	}
	return fmt.Sprintf("extracts are not merged, and %s changed", words.Count(int64(changed), "unit"))
}

// Gone are the values whose extracts are not there any more as they were made.
func (s *Success) Gone() []string {
	var gone []string
	for _, extract := range s.Extracts {
		if extract.IsGone {
			gone = append(gone, extract.Value)
		}
	}
	return gone
}

// remake has those extracts made anew of which units changed, or that are not there any more: all units of their values are
// read. It returns false if the extracts are not those of the units that are known.
func (d *TableDecision) remake(table *plan.TablePlan, last *Success, units []plan.Unit) bool {
	known := last.Tables[0].Units
	names, rows := map[string]string{}, map[string]int64{}
	for _, unit := range known {
		name, err := table.SplitName(unit.Values)
		if err != nil || !isUnit(table, unit) {
			return false
		}
		names[unit.Key] = name
		if left := unit.Counts.Left(); left > 0 { // or there is no extract
			rows[name] += left
		}
	}
	for _, unit := range units {
		name, err := table.SplitName(unit.Values)
		if err != nil {
			return false
		}
		names[unit.Key] = name
	}
	d.remade = d.touched(names, last.Gone())
	isRemade := func(key string) bool { return d.remade[sameName(names[key])] }
	d.Load, d.Remove = nil, slices.DeleteFunc(slices.Clone(known), func(u UnitState) bool { return !isRemade(u.Key) })
	for _, unit := range units {
		if isRemade(unit.Key) {
			d.Load = append(d.Load, unit.Key)
		}
	}
	return maps.Equal(last.rowsByValue(), rows)
}

// touched are the values, by [sameName], of units that changed, whose names are given by their keys, and others.
func (d *TableDecision) touched(names map[string]string, others []string) map[string]bool {
	values := map[string]bool{}
	for _, key := range d.Load {
		values[sameName(names[key])] = true
	}
	for _, unit := range d.Remove {
		values[sameName(names[unit.Key])] = true
	}
	for _, value := range others {
		values[sameName(value)] = true
	}
	return values
}

// sameName is the same for values whose extracts are made together: what files are called whose names differ in case only depends
// on all of them.
func sameName(value string) string { return strings.ToLower(value) }

func (s *Success) rowsByValue() map[string]int64 {
	rows := map[string]int64{}
	for _, extract := range s.Extracts {
		rows[extract.Value] = extract.Rows
	}
	return rows
}

// Remakes says whether the extract of a value is made anew, where there is one for each value of a unit column.
func (d Decision) Remakes(value string) bool { return d.Tables[0].remade[sameName(value)] }

// Stay are the extracts of the last success that are not made anew.
func (d Decision) Stay() []Extract {
	return slices.DeleteFunc(slices.Clone(d.Last.Extracts), func(e Extract) bool { return d.Remakes(e.Value) })
}

// Made are the values of units that are read, each of which makes an extract if any of its rows is left.
func (d Decision) Made(p *plan.Plan) []string {
	values := map[string]bool{}
	for _, unit := range p.Tables[0].Units() {
		if name, err := p.Tables[0].SplitName(unit.Values); err == nil && d.Wants(0, unit.Key) { // which they have, or all was made anew
			values[name] = true
		}
	}
	made := slices.AppendSeq([]string{}, maps.Keys(values))
	slices.Sort(made)
	return made
}
