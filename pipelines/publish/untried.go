package publish

import (
	"slices"

	"hyperlake/pipelines/report"
)

// outcomeUntried is what the report says of a data source whose turn did not come, because of another one.
const outcomeUntried = "untried"

// noteUntried adds the data sources to the report of a failure that it lacks. Where the failure was
// before any of them had its turn, all have failed.
func (t *transfer) noteUntried() {
	became := outcomeFailed
	if len(t.report) > 0 {
		became = outcomeUntried
	}
	for _, meant := range t.meant() {
		if slices.ContainsFunc(t.report, func(r *report.Publishing) bool { return r.Datasource == meant.Datasource }) {
			continue
		}
		meant.Outcome = became
		t.report = append(t.report, meant)
	}
}

// meant are reports of the data sources that the extract goes to.
func (t *transfer) meant() []*report.Publishing {
	if t.extract.set != nil {
		return []*report.Publishing{t.reportOf(t.packSet())}
	}
	var all []*report.Publishing
	for _, d := range parcelsOf(t.cfg, t.extract.content.Catalog.Tables) {
		all = append(all, t.newReport(d.datasource, d.rows))
	}
	if len(all) == 0 { // an extract without tables
		all = append(all, t.newReport(t.cfg.Publish.Datasource, 0))
	}
	return all
}
