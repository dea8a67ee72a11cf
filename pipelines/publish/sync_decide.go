package publish

import (
	"context"
	"errors"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// judgeSync decides what mode sync sends: nothing, the units that changed, or all rows, with the reason.
func (t *transfer) judgeSync(ctx context.Context, s *shipment) error {
	if t.options.Answer != NoAnswer {
		return failure.New(failure.Publish, "mode sync needs no --applied and no --missing: it sends again whatever the data source may lack").
			WithHint("publish without them").BeforeData()
	}
	columns, why := columnsOf(s.tables, t.options.Units, s.ledger.Units)
	sameFile := func(d *delivery) bool {
		return d.SHA256 == t.extract.sha256 && slices.EqualFunc(s.ledger.Tables, s.tables, ledgerTable.equal)
	}
	if (s.ledger.Units != nil || why != "") && t.leavesWhatIsThere(s, sameFile) { // whatever its rows are
		return nil
	}
	why, err := t.readUnits(ctx, s, columns, why)
	if err != nil {
		return err
	}
	if s.want.Content, err = t.extract.content.Hash(s.takes); err != nil {
		return err
	}
	if t.leavesWhatIsThere(s, func(d *delivery) bool { return d.Content == s.want.Content }) {
		return nil
	}
	if s.reason = why; why == "" {
		s.reason = t.whyAll(s)
	}
	if s.reason != "" {
		s.wantAll()
	} else {
		s.want.Steps = []*step{{Rows: s.units.rowsOf(s.changed), State: planned}}
	}
	return nil
}

// leavesWhatIsThere decides to send nothing, if the data source still is as the latest delivery left it, which was of the same.
func (t *transfer) leavesWhatIsThere(s *shipment, same func(*delivery) bool) bool {
	live := s.ledger.live(s.found)
	if t.options.Force || len(live) == 0 || !s.ledger.untouched(s.found) {
		return false
	}
	latest := live[0]
	if latest.progress() != wholly || !latest.Mode.Renews() && !latest.Mode.Syncs() || latest.Set != "" || !same(latest) {
		return false
	}
	s.decision = decision{leave, latest}
	return true
}

// wantAll has a shipment send all rows.
func (s *shipment) wantAll() {
	s.want.Mode = config.PublishMode(tableau.Overwrite)
	s.want.Steps = []*step{{Rows: s.want.Rows, State: planned}}
}

// readUnits reads all rows of a shipment, and finds out what the extract holds of each unit, or why nobody can tell, which
// may be known.
func (t *transfer) readUnits(ctx context.Context, s *shipment, columns []string, known string) (why string, err error) {
	why = known
	tables := t.extract.content.Catalog.Tables
	table := tables[slices.IndexFunc(tables, func(c hyper.CatalogTable) bool { return s.takes(c.Schema, c.Name) })]
	for _, column := range table.Columns {
		if slices.Contains(columns, column.Name) && column.Collation != "" {
			why = "texts of " + column.Name + " are compared by the collation " + column.Collation
		}
	}
	t.tellReading(t.extract.content.Catalog, s.takes)
	if why == "" {
		s.units, err = t.unitsOf(ctx, table, columns)
	}
	if errors.Is(err, hyper.ErrManyUnits) {
		why = "it has more than " + words.Count(maxUnits, "unit")
	}
	if why != "" {
		err = t.extract.content.ReadRows(ctx, t.lease, t.extract.path, s.takes)
	}
	return why, err
}

// unitsOf reads what the extract holds of each unit of a table.
func (t *transfer) unitsOf(ctx context.Context, table hyper.CatalogTable, columns []string) (*unitsNow, error) {
	units, err := newUnits(table, columns)
	if err == nil {
		units.content, err = t.extract.content.ReadUnits(ctx, t.lease, t.extract.path, table.Schema, table.Name, columns, maxUnits)
	}
	if err != nil {
		return nil, err
	}
	return units, nil
}

// whyAll says why all rows are sent, although units are told apart; empty if only those that changed are, which it finds out.
func (t *transfer) whyAll(s *shipment) string {
	held := s.ledger.Units
	switch {
	case t.options.Force:
		return "that was asked for (--force)"
	case len(tableau.CheckUpdates(t.client.Speaks(t.server))) > 0:
		return "the server is too old for data updates"
	case s.found == nil:
		return "there was no data source"
	case held == nil || len(s.ledger.live(s.found)) == 0:
		return "nobody knows which rows the data source had"
	case !s.ledger.untouched(s.found):
		return "somebody else changed the data source, or nobody knows what became of what was sent last"
	case held.Table != s.units.table:
		return "its table had other columns or keys"
	case !slices.Equal(held.Columns, s.units.names()):
		return "other columns told its units apart"
	case s.ledger.failsAgain():
		return "the server failed at the last two updates"
	}
	s.changed = s.units.changed(held)
	if 2*s.units.rowsOf(s.changed) > s.units.rows {
		return "more than half of the rows changed"
	}
	for _, key := range s.changed {
		if _, why := s.units.conditions(key); why != "" {
			return why
		}
	}
	return ""
}

// failsAgain says whether the jobs of the last two deliveries failed, both of mode sync.
func (l *ledger) failsAgain() bool {
	const times = 2
	if len(l.Deliveries) < times {
		return false
	}
	for _, d := range l.Deliveries[len(l.Deliveries)-times:] {
		hasFailed := func(s *step) bool { return s.State == missing && s.Evidence == byJob }
		if !d.Mode.Syncs() || !slices.ContainsFunc(d.Steps, hasFailed) {
			return false
		}
	}
	return true
}

// noteUnits says in a report what of a shipment mode sync sends.
func (s *shipment) noteUnits(into *report.Publishing) {
	into.Reason = s.reason
	if s.units == nil {
		return
	}
	into.Units, into.UnitsChanged = len(s.units.content), len(s.changed)
	if s.want.Mode.Syncs() && s.verdict == send {
		into.Rows = s.units.rowsOf(s.changed)
	}
}
