package refresh

import (
	"fmt"
	"slices"
	"time"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
)

// Decision is what a run has to do.
type Decision struct {
	Full   bool   // everything is made anew
	Reason string // why; empty where only what changed is

	Last   *Success        // on top of which the rest is done; nil if Full
	Tables []TableDecision // of the plan, in its order
}

// TableDecision is what has to be done to one table.
type TableDecision struct {
	Whole  bool   // all rows go, and all files are read
	Reason string // why

	Load    []string    // keys of the units to read, sorted
	Remove  []UnitState // whose rows go first
	Units   int         // now
	changed int         // units that changed or are to be loaded in any case, those that are gone among them

	// remade are the values, by [sameName], whose extracts are made anew, of a table that is split by a unit column.
	remade map[string]bool
}

// Changed is how many units changed, those that are gone among them.
func (d TableDecision) Changed() int {
	if d.Whole {
		return d.Units
	}
	return d.changed
}

// count is how many units are to be read, or are gone.
func (d TableDecision) count() int {
	gone := 0
	for _, unit := range d.Remove {
		if _, isLoaded := slices.BinarySearch(d.Load, unit.Key); !isLoaded {
			gone++
		}
	}
	return len(d.Load) + gone
}

// isUnchanged says whether there is nothing to do.
func (d TableDecision) isUnchanged() bool { return !d.Whole && d.count() == 0 }

// IsUnchanged says whether nothing changed at all.
func (d Decision) IsUnchanged() bool {
	return !d.Full && !slices.ContainsFunc(d.Tables, func(t TableDecision) bool { return !t.isUnchanged() })
}

// Wants says whether a unit has to be read.
func (d Decision) Wants(table int, unit string) bool {
	t := d.Tables[table]
	_, wanted := slices.BinarySearch(t.Load, unit)
	return t.Whole || wanted
}

// Now is what a decision is about.
type Now struct {
	Config    *config.Config
	Plan      *plan.Plan
	LogValues bool // values may be in the samples of rejects

	// Reload is a condition on the unit columns of tables: units for which it is true are loaded whether they changed or not. Empty
	// for none.
	Reload string
}

// mostChanged is the part of the rows from which on a full build is as cheap.
const mostChanged = 0.5

// Decide compares what is there now with the last success, which stands at the output as it was made.
func Decide(last *Success, now Now) (Decision, error) {
	if reason := now.mustBuild(last); reason != "" {
		return Full(reason), nil
	}
	reloads, err := now.Reloads()
	if err != nil {
		return Decision{}, err
	}
	decision := Decision{Last: last}
	var whole []string
	for i := range now.Plan.Tables {
		table, err := now.decideTable(last, i, reloads[i])
		if err != nil {
			return Decision{}, err
		}
		if table.Whole {
			whole = append(whole, table.Reason)
		}
		decision.Tables = append(decision.Tables, table)
	}
	if len(whole) == len(now.Plan.Tables) {
		return Full(whole[0]), nil
	}
	if reason := now.inseparable(decision); reason != "" {
		return Full(reason), nil
	}
	return decision, nil
}

// Full makes everything anew, for a reason.
func Full(reason string) Decision { return Decision{Full: true, Reason: reason} }

// Unchanged leaves everything as a success made it.
func Unchanged(last *Success) Decision {
	d := Decision{Last: last}
	for _, table := range last.Tables {
		d.Tables = append(d.Tables, TableDecision{Units: len(table.Units)})
	}
	return d
}

// mustBuild says why the extract as a whole cannot be made of the last one.
func (n Now) mustBuild(last *Success) string {
	switch {
	case len(last.Tables) != len(n.Plan.Tables):
		return "the configuration has other tables"
	case last.Merge != n.Config.Output.Merge:
		return "output.merge was another one"
	case n.Plan.MakesSeveral() && last.Output != n.Config.Output.Path:
		return fmt.Sprintf("the extracts were named after %s", last.Output)
	case last.Merge == config.MergeNone && last.Shards != n.Plan.Shards:
		return fmt.Sprintf("the rows were divided among the extracts by %s", words.Count(int64(last.Shards), "shard"))
	case last.Format != int(n.Plan.FormatVersion):
		return fmt.Sprintf("the format version was %d", last.Format)
	case isDue(n.Config, last):
		return fmt.Sprintf("the last full build was on %s, and one is due every %s",
			last.Built.Date.Format(time.DateOnly), n.Config.Refresh.FullEvery)
	}
	for i, table := range n.Plan.Tables {
		known := last.Tables[i] // which may stand elsewhere in the configuration by now
		if known.Schema != table.Schema || known.Name != table.Name {
			return fmt.Sprintf("the table %s is new, or stands in another place", table.Table)
		}
		if now, err := definition(table.Table); err != nil || now != known.Definition {
			return fmt.Sprintf("table %s has other columns or keys", table.Table)
		}
	}
	return ""
}

// isDue says whether a full build has to be repeated for its age.
func isDue(cfg *config.Config, last *Success) bool {
	every := cfg.Refresh.FullEvery
	return !every.IsZero() && !last.Built.Date.After(every.Before(cfg.Date))
}

// decideTable compares one table, of which some units are loaded in any case.
func (n Now) decideTable(last *Success, index int, reload []string) (TableDecision, error) {
	table := n.Plan.Tables[index]
	units := table.Units()
	d := TableDecision{Units: len(units)}
	wholly := func(reason string, err error) (TableDecision, error) {
		d.Whole, d.Reason, d.Load, d.Remove = true, reason, nil, nil
		return d, err
	}
	known := &last.Tables[index]
	if changed, err := n.otherMaking(index, known); changed != "" || err != nil {
		return wholly(changed, err)
	}
	d.compare(known.Units, units)
	d.reload(reload, known.Units)
	d.changed = d.count()
	if table.SplitsUnits() && !d.remake(table, last, units) {
		return wholly(notWhatTheyAre(table), nil)
	}
	if d.isUnchanged() {
		return d, nil
	}
	if reason := n.indivisible(index, d); reason != "" {
		return wholly(reason, nil)
	}
	if !table.SplitsUnits() && d.changesMost(units, known) {
		return wholly(fmt.Sprintf("more than half of the rows of table %s changed", table.Table), nil)
	}
	return d, nil
}

// otherMaking says why the same rows would become others than they did; empty if they would not.
func (n Now) otherMaking(index int, known *TableState) (reason string, err error) {
	table := n.Plan.Tables[index].Table
	fingerprint, err := n.fingerprint(index, false)
	if err != nil || fingerprint == known.Fingerprint {
		return "", err
	}
	undated, err := n.fingerprint(index, true)
	if err != nil || undated != known.Undated {
		return fmt.Sprintf("the configuration of table %s changed, or the columns of its files", table), err
	}
	return fmt.Sprintf("the date of the run counts for rows of table %s, and it is another one", table), nil
}

// indivisible says why what changed of a table cannot be told from the rest of it; empty if it can.
func (n Now) indivisible(index int, d TableDecision) string {
	table := n.Plan.Tables[index]
	switch splits := n.Plan.SplitsTables(); {
	case splits && !table.SplitsUnits():
		return fmt.Sprintf("extracts are split by %s, which tells no units apart, and %s changed",
			table.Repartition.SplitBy, words.Count(int64(d.Changed()), "unit"))
	case len(n.Config.Tables[index].Repartition.Sort) > 0 && !splits:
		return fmt.Sprintf("rows of table %s are sorted, and %s changed", table.Table, words.Count(int64(d.Changed()), "unit"))
	case len(d.Remove) > 0 && len(table.UnitColumns) == 0:
		return fmt.Sprintf("%s, and nothing tells the rows of a file of table %s from others%s",
			words.Plural(int64(len(d.Remove)), "a file changed or went", "files changed or went"), table.Table, because(table.Indivisible))
	case slices.ContainsFunc(d.Remove, func(u UnitState) bool { return !isUnit(table, u) }):
		return notWhatTheyAre(table)
	}
	return ""
}

func notWhatTheyAre(table *plan.TablePlan) string {
	return fmt.Sprintf("what is known of the units of table %s is not what they are", table.Table)
}

// isUnit says whether what is remembered can be a unit of a table.
func isUnit(table *plan.TablePlan, unit UnitState) bool {
	_, ok := table.UnitSQL(unit.Values)
	return ok && (unit.Counts != nil) == (len(table.UnitColumns) > 0)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// compare finds what changed between units, which both are sorted by key.
func (d *TableDecision) compare(before []UnitState, now []plan.Unit) {
	for len(before) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(before) > 0 && before[0].Key < now[0].Key:
			d.Remove = append(d.Remove, before[0])
			before = before[1:]
		case len(before) == 0 || now[0].Key < before[0].Key:
			d.Load = append(d.Load, now[0].Key)
			now = now[1:]
		default:
			if before[0].Version != now[0].Version {
				d.Remove = append(d.Remove, before[0])
				d.Load = append(d.Load, now[0].Key)
			}
			before, now = before[1:], now[1:]
		}
	}
}

// changesMost says whether more than half of the rows change.
func (d *TableDecision) changesMost(units []plan.Unit, known *TableState) bool {
	var changed, all int64
	for _, unit := range units {
		all += unit.Rows
		if _, isLoaded := slices.BinarySearch(d.Load, unit.Key); isLoaded {
			changed += unit.Rows
		}
	}
	for _, unit := range d.Remove {
		if _, isLoaded := slices.BinarySearch(d.Load, unit.Key); !isLoaded {
			changed += unit.rows()
		}
	}
	return float64(changed) > mostChanged*float64(max(all, known.Counts.Read))
}
