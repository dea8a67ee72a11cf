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
	if err := t.readUnits(ctx, s); err != nil {
		return err
	}
	if s.reason == "" {
		s.reason = t.whyAll(s)
	}
	switch {
	case s.reason != "":
		s.wantAll()
	case len(s.changed) == 0:
		s.decision = decision{leave, s.ledger.live(s.found)[0]}
	default:
		s.want.Steps = []*step{{Rows: s.units.rowsOf(s.changed), units: s.changed, State: planned}}
	}
	return nil
}

// wantAll has a shipment send all rows.
func (s *shipment) wantAll() {
	s.want.Mode = config.PublishMode(tableau.Overwrite)
	s.want.Steps = []*step{{Rows: s.want.Rows, State: planned}}
}

// readUnits finds out what the extract holds of each unit, or why nobody can tell.
func (t *transfer) readUnits(ctx context.Context, s *shipment) error {
	columns, why := columnsOf(s.tables, t.options.Units, s.ledger.Units)
	if why != "" {
		s.reason = why
		return nil
	}
	tables := t.extract.content.Catalog.Tables
	table := tables[slices.IndexFunc(tables, func(c hyper.CatalogTable) bool { return s.takes(c.Schema, c.Name) })]
	for _, column := range table.Columns {
		if slices.Contains(columns, column.Name) && column.Collation != "" {
			s.reason = "texts of " + column.Name + " are compared by the collation " + column.Collation
			return nil
		}
	}
	units, err := newUnits(table, columns)
	if err != nil {
		return err
	}
	units.content, err = hyper.ReadUnits(ctx, t.lease, t.extract.path, table.Schema, table.Name, columns, maxUnits)
	if errors.Is(err, hyper.ErrManyUnits) {
		s.reason = "it has more than " + words.Count(maxUnits, "unit")
		return nil
	}
	if err == nil {
		s.units = units
	}
	return err
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
