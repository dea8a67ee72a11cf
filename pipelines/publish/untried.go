package publish

import (
	"slices"

	"hyperlake/pipelines/report"
)

// untried is what the report says of a data source whose turn did not come, because of another one. In
// the ledger it does not occur.
const untried outcome = "untried"

// noteUntried adds the data sources to the report of a failure that it lacks. Where the failure was
// before any of them had its turn, all have failed.
func (p *transfer) noteUntried() {
	became := failed
	if len(p.report) > 0 {
		became = untried
	}
	for _, meant := range p.meant() {
		if slices.ContainsFunc(p.report, func(r *report.Publishing) bool { return r.Datasource == meant.Datasource }) {
			continue
		}
		note := newReportPublish(meant)
		note.Outcome = string(became)
		p.report = append(p.report, note)
	}
}

// meant are entries for the data sources that the extract goes to.
func (p *transfer) meant() []*ledgerEntry {
	if p.extract.set != nil {
		table := p.cfg.Tables[0]
		return []*ledgerEntry{p.newEntry(p.cfg.DatasourceOf(table.Schema, table.Name))}
	}
	var all []*ledgerEntry
	for _, d := range deliveriesOf(p.cfg, p.extract.content.Catalog.Tables) {
		entry := p.newEntry(d.datasource)
		entry.Rows = p.rowsOf(d)
		all = append(all, entry)
	}
	if len(all) == 0 { // an extract without tables
		all = append(all, p.newEntry(p.cfg.Publish.Datasource))
	}
	return all
}

// rowsOf is the number of rows that go to a data source.
func (p *transfer) rowsOf(d *delivery) (rows int64) {
	for _, table := range p.extract.content.Catalog.Tables {
		if d.takes(table.Schema, table.Name) {
			rows += table.Rows
		}
	}
	return rows
}
