package hyper

import (
	"fmt"

	"hyperlake/internal/batch"
)

// keep makes extracts of partials, at least one: each that holds rows, or one if none does.
// They are named by number, 00001-of-00008, in the order in which they would be merged: by
// target where that matters, else the largest first. The first has the account of the rows of
// which partials are left out, too.
func (l Layout) keep(partials []File) []File {
	kept := l.inOrder(partials)
	for i := range kept {
		kept[i].Target = batch.Target{Name: fmt.Sprintf("%05d-of-%05d", i+1, len(kept))}
		kept[i].Partials = 1
	}
	first := &kept[0]
	for t := range first.Tables {
		first.Tables[t].Tally = first.Tables[t].Tally.Clone()
	}
	first.Partials += len(partials) - len(kept)
	for _, partial := range partials {
		if partial.Rows() > 0 || partial.Path == first.Path {
			continue
		}
		for t, contents := range partial.Tables {
			first.Tables[t].Tally.Add(contents.Tally)
		}
	}
	return kept
}
