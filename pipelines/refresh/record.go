package refresh

import (
	"time"

	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Record makes what is remembered of a run that made extracts: of its tables, what the report says of each, what is in
// all extracts together, and the rejects, of which the files are kept already.
func (n Now) Record(r *report.Report, extracts []Extract, all hyper.File, aside []rejects.Account, built Built) (*Success, error) {
	success := &Success{
		RunID: r.RunID, Name: r.Name, Finished: time.Now().UTC(), Format: int(n.Plan.FormatVersion), Built: built,
		Output: n.Config.Output.Path, Merge: n.Config.Output.Merge, Shards: n.Plan.Shards, Extracts: extracts,
	}
	for i, table := range n.Plan.Tables {
		fingerprint, err := n.fingerprint(i, false)
		if err != nil {
			return nil, err
		}
		undated, err := n.fingerprint(i, true)
		if err != nil {
			return nil, err
		}
		definition, err := definition(table.Table)
		if err != nil {
			return nil, err
		}
		contents := all.Tables[i]
		state := TableState{
			Schema: table.Schema, Name: table.Name, Fingerprint: fingerprint, Undated: undated, Definition: definition, Account: r.Tables[i],
			Counts: contents.Tally.Counts(), Samples: aside[i].Samples, Rejects: aside[i].Files,
		}
		for _, unit := range table.Units() {
			known := UnitState{Key: unit.Key, Version: unit.Version, Values: unit.Values}
			if len(table.UnitColumns) > 0 {
				counts := contents.Tally.Unit(unit.Key)
				known.Counts = &counts
			}
			state.Units = append(state.Units, known)
		}
		success.Tables = append(success.Tables, state)
	}
	return success, nil
}

// Changed is how many units of all tables have to be loaded, or are gone, and how many there are. The plan counts if everything is
// made anew.
func (d Decision) Changed(p *plan.Plan) (changed, units int) {
	if d.Full {
		for _, table := range p.Tables {
			units += len(table.Units())
		}
		return units, units
	}
	for _, table := range d.Tables {
		changed, units = changed+table.Changed(), units+table.Units
	}
	return changed, units
}
