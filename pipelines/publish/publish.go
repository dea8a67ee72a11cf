package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// Options are what publishing needs besides a configuration.
type Options struct {
	ID       string // from NewRunID
	Log      *slog.Logger
	Progress func(report.Progress) // called from one goroutine at a time; nil for none

	// Force publishes what was published already.
	Force bool

	// FollowUp does only what follows a publication: see [Publisher.FollowUp].
	FollowUp bool

	// RollBack publishes an earlier revision instead of an extract: see [Publisher.RollBack]. 0 is none, Previous the latest.
	RollBack int

	// Command is the command line that repeats the publishing, and nothing else, for hints.
	Command string
}

// Publisher knows where extracts of a configuration go, and what was published there. Nothing is
// sent before [Publisher.Publish].
type Publisher struct {
	cfg     *config.Config
	options Options
	client  *tableau.Client
	ledger  *ledger
}

// transfer is an extract on its way to its data sources.
type transfer struct {
	*Publisher
	lease   *hyperd.Lease
	extract Extract
	project tableau.Project
	report  []*report.Publishing // one for each data source that was tried

	owner  string  // id of the user; empty until it is known
	missed []error // of what was to follow where the rows are
	flag   string  // that the command line to repeat this needs besides
}

// New finds credentials and the ledger. Whatever is missing is known before any
// data is read, as an error of kind Publish, and nothing is sent.
func New(ctx context.Context, cfg *config.Config, options Options) (*Publisher, error) {
	client, err := NewClient(cfg, options.Log)
	if err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, options: options, client: client}
	p.options.Command = cmp.Or(options.Command, "hyperlake publish "+cfg.Output.Path)
	p.ledger, err = openLedger(ctx, cfg.Output.Path)
	return p, err
}

// Preflight holds the tables of a plan against Tableau's rules, before any data is read. The first data
// source that breaks one is an error of kind Publish.
func (p *Publisher) Preflight(plan *plan.Plan) error {
	for _, d := range deliveriesOf(p.cfg, catalogTables(plan)) {
		if err := p.check(d); err != nil {
			return err
		}
	}
	return nil
}

// check holds a delivery against Tableau's rules and what was published last, without a server.
func (p *Publisher) check(d *delivery) error {
	if err := d.check(p.cfg.Publish, tableau.Version{}, p.ledger.tables(p.entry(d.datasource))); err != nil {
		return failure.Of(err, failure.Publish).BeforeData()
	}
	return nil
}

// entry is a new entry of the ledger.
func (p *Publisher) entry(datasource string) *ledgerEntry {
	c := p.cfg.Publish
	return &ledgerEntry{
		RunID: p.options.ID, Mode: c.Mode, Match: c.Match,
		Server: p.client.Address(), Site: p.client.Site, Project: c.Project, Datasource: datasource,
		Outcome: pending, Started: time.Now().UTC(),
	}
}

// newEntry is a new entry for the extract.
func (p *transfer) newEntry(datasource string) *ledgerEntry {
	e := p.entry(datasource)
	e.SHA256 = p.extract.sha256
	return e
}

// Publish brings an extract to all its data sources, and returns what became of each that was tried,
// of failures, too. Every failure but an interruption is of kind Publish, and its hint has the
// command that finishes the work; only what stands at the output may turn out to be no extract.
func (p *Publisher) Publish(ctx context.Context, lease *hyperd.Lease, extract Extract) ([]*report.Publishing, error) {
	t := &transfer{Publisher: p, lease: lease, extract: extract}
	if extract.set == nil {
		content, err := hyper.ReadContent(ctx, lease, extract.path)
		if err != nil && extract.fresh {
			err = t.explain(err)
		}
		if err != nil {
			return nil, err
		}
		t.extract.content = content
	}
	err := t.within(ctx, t.deliverLocked)
	return t.report, err
}

// within does work and what follows it, within the time that there is, and ends the session then.
func (p *transfer) within(ctx context.Context, work func(context.Context) error) error {
	within := ctx
	if limit := time.Duration(p.cfg.Publish.Timeout); limit > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeoutCause(ctx, limit,
			fmt.Errorf("publishing takes longer than publish.timeout (%s)", p.cfg.Publish.Timeout))
		defer cancel()
	}
	err := work(within)
	if err == nil {
		err = p.followUp(within)
	}
	if len(p.report) == 0 { // it did not come to that
		p.report = append(p.report, newReportPublish(p.newEntry(p.cfg.Publish.Datasource)))
	}
	if signOutErr := p.signOut(ctx); signOutErr != nil {
		p.options.Log.Warn("the session on the server could not be ended", "error", signOutErr)
	}
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(within), err)
	}
	return p.explain(err)
}

// signOutTime bounds the last request of a run that may have been interrupted.
const signOutTime = 5 * time.Second

// signOut ends the session, also when the run was interrupted.
func (p *transfer) signOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signOutTime)
	defer cancel()
	return p.client.SignOut(ctx)
}

// explain says what to do about a failure.
func (p *transfer) explain(err error) error {
	if err == nil {
		return nil
	}
	hint := tableau.Hint(err)
	var made *failure.Error
	if errors.As(err, &made) {
		hint = made.Hint
	}
	var unknown *tableau.OutcomeUnknownError
	var held *heldError
	var missed *followUpError
	finish := fmt.Sprintf("`%s` repeats just the publishing", p.options.Command)
	switch {
	case errors.As(err, &missed):
		finish = fmt.Sprintf("`%s --follow-up` repeats just that, and sends no rows", p.options.Command)
	case p.flag != "":
		finish = fmt.Sprintf("`%s%s` repeats just that", p.options.Command, p.flag)
	case p.extract.set != nil:
		hint, finish = p.explainSet(err, hint)
	case errors.As(err, &held) && held.entry.Outcome == published:
		finish = fmt.Sprintf("to add its rows once more, use `%s --force`", p.options.Command)
	case held != nil, errors.As(err, &unknown) && !unknown.Harmless:
		finish = fmt.Sprintf("if the rows are not there, send them with `%s --force`", p.options.Command)
	}
	if hint != "" {
		finish = hint + "; " + finish
	}
	return failure.New(failure.Publish, "%w", err).WithHint("%s", finish)
}

// deliverLocked delivers while no other process publishes with the same ledger.
func (p *transfer) deliverLocked(ctx context.Context) error { return p.locked(ctx, p.deliverAll) }

// locked does work while no other process publishes with the same ledger. What was read of it before may be
// hours old.
func (p *transfer) locked(ctx context.Context, work func(context.Context) error) error {
	lock, err := lockLedger(p.ledger.path, p.options.ID)
	if err != nil {
		return err
	}
	if p.ledger, err = openLedger(ctx, p.cfg.Output.Path); err == nil {
		err = work(ctx)
	}
	if unlockErr := lock.unlock(); unlockErr != nil {
		p.options.Log.Warn("the lock of the ledger could not be removed", "error", unlockErr)
	}
	return err
}

func (p *transfer) deliverAll(ctx context.Context) error {
	info, err := p.client.ServerInfo(ctx)
	if err != nil {
		return err
	}
	if p.extract.set != nil {
		return p.deliverSet(ctx, info.Server)
	}
	var plans []*shipment
	for _, d := range deliveriesOf(p.cfg, p.extract.content.Catalog.Tables) {
		s, err := p.prepare(d, info.Server)
		if err != nil {
			return err
		}
		plans = append(plans, s)
	}
	if err := p.refuseHeld(plans); err != nil {
		return err
	}
	if err := p.findProject(ctx); err != nil {
		return err
	}
	for _, s := range plans {
		if err := p.deliver(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// shipment is a delivery about to be made.
type shipment struct {
	*delivery
	entry *ledgerEntry // to make
	held  *ledgerEntry // because of which it must not be made; nil if there is none
	last  *ledgerEntry // because of which it need not be made; nil if there is none
}

// prepare checks a delivery and compares it with what the ledger says.
func (p *transfer) prepare(d *delivery, server tableau.Version) (*shipment, error) {
	entry, content := p.newEntry(d.datasource), p.extract.content
	var err error
	if entry.Content, err = content.Hash(d.takes); err != nil {
		return nil, err
	}
	for _, table := range content.Catalog.Tables {
		if d.takes(table.Schema, table.Name) {
			entry.Rows += table.Rows
		}
	}
	known := p.ledger.tables(entry)
	if p.options.Force {
		known = nil // somebody else may have published since
	}
	if err := d.check(p.cfg.Publish, server, known); err != nil {
		return nil, err
	}
	s := &shipment{delivery: d, entry: entry}
	if p.options.Force {
		return s, nil
	}
	if p.cfg.Publish.IfChanged {
		s.last = p.ledger.last(entry)
	}
	if begun := p.ledger.unfinished(entry); begun != nil && begun.canGoOn() {
		s.entry = begun
		return s, nil
	}
	if entry.Mode.Adds() {
		s.held = p.ledger.holds(entry)
	}
	return s, nil
}

// heldError says that the rows of an extract are in the data source, or may be.
type heldError struct{ entry *ledgerEntry }

func (e *heldError) Error() string {
	when := e.entry.Started.Format(time.DateTime) + " UTC"
	if e.entry.Set != "" {
		return fmt.Sprintf("nobody knows whether extract %d of %d is in the data source %q, to which they were being sent since %s (run %s)",
			e.entry.Done+1, e.entry.Extracts, e.entry.Datasource, when, e.entry.RunID)
	}
	if e.entry.Outcome == published {
		return fmt.Sprintf("the same rows were published to %q at %s (run %s, mode %s)", e.entry.Datasource, when, e.entry.RunID, e.entry.Mode)
	}
	return fmt.Sprintf("nobody knows whether the same rows, sent to %q at %s (run %s, mode %s), are there: look first",
		e.entry.Datasource, when, e.entry.RunID, e.entry.Mode)
}

// refuseHeld refuses to add rows twice. Of several data sources, those that have the rows
// for sure are left out as long as others lack theirs.
func (p *transfer) refuseHeld(plans []*shipment) error {
	lacking := slices.ContainsFunc(plans, func(s *shipment) bool { return s.held == nil && s.last == nil })
	for _, s := range plans {
		switch {
		case s.held == nil || s.last != nil:
		case lacking && s.held.Outcome == published:
			s.last = s.held
		default:
			return &heldError{s.held}
		}
	}
	return nil
}
