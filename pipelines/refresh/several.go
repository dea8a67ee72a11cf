package refresh

import (
	"fmt"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

// inseparable says why several extracts are all made anew; empty if they need not be, or there is one.
func (n Now) inseparable(d Decision) string {
	if !n.Plan.MakesSeveral() {
		return ""
	}
	for _, extract := range d.Last.Extracts {
		if extract.IsGone {
			return fmt.Sprintf("the extract of %s that was made last is not there any more", extract.Value)
		}
	}
	changed, _ := d.Changed(n.Plan)
	switch {
	case changed == 0:
		return ""
	case n.Config.Output.Merge == config.MergeNone:
		return fmt.Sprintf("extracts are not merged, and %s changed", words.Count(int64(changed), "unit"))
	}
	return fmt.Sprintf("extracts are split by %s, and %s changed", n.Plan.Tables[0].Repartition.SplitBy, words.Count(int64(changed), "unit"))
}
