package publish

import (
	"context"
	"fmt"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// shipment is a parcel about to be delivered.
type shipment struct {
	*parcel
	want *delivery

	// Since its ledger is open:
	ledger *ledger
	found  *tableau.Datasource // the data source before; nil if there is none
	clock  func() clock

	// In mode sync, once it is judged:
	units   *unitsNow // what the extract holds of each unit; nil if nothing tells
	changed []string  // keys of the units that the data source may have other rows of
	reason  string    // why all rows are sent; empty if only those of these units are
	instead bool      // all are sent since these could not be

	counted int64 // rows of the data source, as it was downloaded last; -1 if they were not counted

	decision
	delivery *delivery // that is made or gone on with
}

// pack says what goes where. Of a set the table is known when the first extract is read.
func (t *transfer) pack() ([]*shipment, error) {
	if t.extract.set != nil {
		return []*shipment{t.packSet()}, nil
	}
	var shipments []*shipment
	for _, d := range parcelsOf(t.cfg, t.extract.content.Catalog.Tables) {
		s := &shipment{parcel: d, want: t.newDelivery()}
		if !s.want.Mode.Syncs() { // which reads the rows later, if it has to
			var err error
			if s.want.Content, err = t.extract.content.Hash(d.takes); err != nil {
				return nil, err
			}
		}
		s.want.Rows = d.rows
		s.want.Steps = []*step{{Rows: d.rows, State: planned}}
		if s.want.Mode.Updates() {
			s.want.Steps[0].To = hyper.Buckets
		}
		if err := d.check(t.cfg.Publish, t.server.Server, nil); err != nil {
			return nil, err
		}
		shipments = append(shipments, s)
	}
	return shipments, t.checkServer(t.extract.content.Catalog.FormatVersion, t.server)
}

// packSet is the shipment of a set: the first extract as the mode says, and the others appended to it.
func (t *transfer) packSet() *shipment {
	table := t.cfg.Tables[0]
	s := &shipment{
		parcel: &parcel{datasource: t.cfg.DatasourceOf(table.Schema, table.Name)}, want: t.newDelivery(),
	}
	s.want.Set = t.extract.set.ID
	for _, member := range t.extract.set.Extracts {
		s.want.Rows += member.Rows
		s.want.Steps = append(s.want.Steps, &step{Rows: member.Rows, State: planned})
	}
	return s
}

func (t *transfer) newDelivery() *delivery {
	c := t.cfg.Publish
	return &delivery{
		RunID: t.options.ID, SHA256: t.extract.sha256, Mode: c.Mode, Match: c.Match, Target: c.Target, Before: -1,
		Started: time.Now().UTC(),
	}
}

// open locks and reads the ledger of a shipment, and looks at the data source.
func (t *transfer) open(ctx context.Context, s *shipment) (err error) {
	if s.ledger, err = t.openLedger(ctx, s.datasource); err != nil {
		return err
	}
	if !t.options.Force && len(s.tables) > 0 { // with force: somebody else may have published since
		err = s.check(t.cfg.Publish, t.server.Server, s.ledger.Tables)
	}
	if err == nil {
		err = t.look(ctx, s)
	}
	if err != nil {
		t.close(ctx, s)
	}
	return err
}

// openLedger locks and reads the ledger of a data source of that name in the project.
func (t *transfer) openLedger(ctx context.Context, datasource string) (*ledger, error) {
	a := t.addressOf(datasource)
	a.ProjectID = t.project.ID
	return openLedger(ctx, t.cfg, a, t.turn())
}

// require fails if there was no data source when it was looked for, as the client tells it.
func (t *transfer) require(ctx context.Context, s *shipment) error {
	if s.found != nil {
		return nil
	}
	if _, err := t.client.FindDatasource(ctx, t.project.ID, s.datasource); err != nil {
		return err
	}
	return fmt.Errorf("the data source %q was made while it was looked for", s.datasource)
}

// look finds out how the data source is now, and what the time is there.
func (t *transfer) look(ctx context.Context, s *shipment) error {
	found, exists, now, err := t.client.Look(ctx, t.project.ID, s.datasource)
	if err != nil {
		return err
	}
	s.found = nil
	if exists {
		s.found = &found
	}
	var ahead time.Duration
	if !now.IsZero() {
		ahead = time.Until(now)
	}
	s.clock = func() clock { return clock{local: time.Now().UTC(), ahead: ahead} }
	return nil
}

// asWeLeftIt says whether the data source, as it was looked at last, is as the part before left it. Of a server that does not
// tell when it was changed, that is taken for granted.
func (s *shipment) asWeLeftIt() bool {
	return s.ledger.untouched(s.found) || s.found != nil && s.found.UpdatedAt.IsZero() && s.found.ID == s.ledger.Standing.DatasourceID
}

func (t *transfer) close(ctx context.Context, s *shipment) {
	if err := s.ledger.unlock(ctx); err != nil {
		t.options.Log.Warn("the lock of the ledger could not be removed", "error", err)
	}
}

// judge decides what is to be done about a shipment, with the answers of somebody who looked, and with
// evidence where it may be looked for.
func (t *transfer) judge(ctx context.Context, s *shipment) error {
	if t.cfg.Publish.Mode.Syncs() {
		return t.judgeSync(ctx, s)
	}
	if t.options.Force {
		return nil
	}
	view := situation{want: s.want, ledger: s.ledger, found: s.found, now: s.clock(), ifChanged: t.cfg.Publish.IfChanged}
	s.decision = view.decide()
	switch {
	case t.options.Answer != NoAnswer:
		if err := t.takeAnswer(ctx, s, &view); err != nil {
			return err
		}
	case s.verdict == ask && t.cfg.Publish.Confirm == config.ConfirmDownload:
		if err := t.confirm(ctx, s, s.earlier); err != nil {
			return &openError{datasource: s.datasource, delivery: s.earlier, want: s.want, tried: err}
		}
		s.decision = view.settled(s.earlier)
	case s.verdict == send && s.mayBeThere() && t.cfg.Publish.Confirm == config.ConfirmDownload:
		if err := t.lookBefore(ctx, s); err != nil {
			return err
		}
	}
	if s.verdict == ask || s.verdict == refuse {
		return &openError{datasource: s.datasource, delivery: s.earlier, want: s.want}
	}
	return nil
}

// mayBeThere says whether the data source may have rows of which the ledger knows nothing, and those that are to be added
// be among them.
func (s *shipment) mayBeThere() bool {
	return s.want.Mode.Adds() && s.found != nil && !s.ledger.knowsAll(s.found)
}

// takeAnswer takes in what somebody who looked says.
func (t *transfer) takeAnswer(ctx context.Context, s *shipment, view *situation) error {
	if !s.answer(state(t.options.Answer)) {
		if s.verdict == leave && t.options.Answer == Applied {
			return nil
		}
		return failure.New(failure.Publish, "nothing that was sent to %q is in doubt", s.datasource).
			WithHint("publish without --applied and --missing").BeforeData()
	}
	if t.options.Answer == Missing && s.found != nil && !s.ledger.untouched(s.found) {
		s.earlier.shake() // the change since was not that of what is missing, but of others
	}
	if s.found != nil {
		s.ledger.accounted(s.earlier, *s.found, -1)
	}
	if err := s.ledger.save(ctx, s.earlier); err != nil {
		return err
	}
	s.decision = view.settled(s.earlier)
	return nil
}

// reportOf is what the report says of a shipment now.
func (t *transfer) reportOf(s *shipment) *report.Publishing {
	made := t.newReport(s.datasource, s.want.Rows)
	t.note(s, made)
	return made
}

// note brings a report up to date.
func (t *transfer) note(s *shipment, into *report.Publishing) {
	d := s.delivery
	s.noteUnits(into)
	switch {
	case into.Outcome == skipped:
		return
	case d == nil && s.verdict == leave:
		into.Outcome, d = outcomeUnchanged, s.earlier
	case d == nil && s.verdict == ask:
		into.Outcome, d = outcomeUnknown, s.earlier
	case d == nil:
		return
	default:
		into.Outcome = d.outcome()
	}
	into.DatasourceID, into.JobID = d.DatasourceID, d.jobID()
}
