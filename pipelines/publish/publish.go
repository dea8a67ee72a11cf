package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
	Found    func(hyper.Catalog)   // is told what the extract holds, once it is read; nil for nobody

	// Held fails when nothing may be sent any more, since another run may be publishing; nil for never.
	Held func() error

	// WaitUntil is how long another process that publishes with the ledger is waited for; in the past, as the zero value is, the
	// publication fails at once.
	WaitUntil time.Time

	// Units say what tells the rows of tables apart, for mode sync; of a table that is not among them, the ledger may know.
	Units []TableUnits

	// Force publishes all of what was published already.
	Force bool

	// Answer is what somebody who looked at the data source says of what nobody knows of.
	Answer Answer
	// FollowUp does only what follows a publication: see [Publisher.FollowUp].
	FollowUp bool

	// RollBack publishes an earlier revision instead of an extract: see [Publisher.RollBack]. 0 is none, Previous the latest.
	RollBack int

	// Command is the command line that repeats the publishing, and nothing else, for hints.
	Command string

	// Settling is how long a request that was not answered may still be executed, before rows
	// that are missing count as missing; 0 for the usual.
	Settling time.Duration

	// Pause waits before something is tried again, unless the context ends; nil for as long as it is told.
	Pause func(context.Context, time.Duration) error
}

// Answer is what somebody says of what nobody knew.
type Answer string

// The answers.
const (
	NoAnswer Answer = ""
	Applied  Answer = Answer(applied) // the rows are there
	Missing  Answer = Answer(missing) // they are not
)

// Publisher knows where extracts of a configuration go. Nothing is sent before [Publisher.Publish].
type Publisher struct {
	cfg     *config.Config
	options Options
	client  *tableau.Client
}

// transfer is an extract on its way to its data sources.
type transfer struct {
	*Publisher
	lease   *hyperd.Lease
	extract Extract
	server  tableau.ServerInfo
	project tableau.Project
	report  []*report.Publishing // one for each data source that was tried

	waitsFor   string    // the job of the server
	waitsSince time.Time // for that

	owner  string  // id of the user; empty until it is known
	missed []error // of what was to follow where the rows are
	flag   string  // that the command line to repeat this needs besides
}

// New finds credentials. Whatever is missing is known before any data is read, as an error of kind Publish,
// and nothing is sent.
func New(cfg *config.Config, options Options) (*Publisher, error) {
	client, err := NewClient(cfg, options.Log)
	if err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, options: options, client: client}
	client.Pause = options.Pause
	p.options.Command = cmp.Or(options.Command, "hyperlake publish "+cfg.Output.Path)
	return p, nil
}

// Preflight holds the tables of a plan against Tableau's rules and the ledgers, before any data is read. The
// first data source that breaks one is an error of kind Publish, and so is a ledger that cannot be read. Only of an
// extract in a format that some servers in use do not read is the server asked, whether it does.
func (p *Publisher) Preflight(ctx context.Context, plan *plan.Outline) error {
	for _, d := range parcelsOf(p.cfg, catalogTables(plan)) {
		if err := p.check(ctx, d); err != nil {
			return err
		}
	}
	return p.askForFormat(ctx, plan)
}

// check holds a parcel against Tableau's rules and what was published last, without a server.
func (p *Publisher) check(ctx context.Context, d *parcel) error {
	known, err := knownTables(ctx, p.cfg, p.addressOf(d.datasource))
	if err == nil {
		err = d.check(p.cfg.Publish, tableau.Version{}, known)
	}
	if err != nil {
		return failure.Of(err, failure.Publish).BeforeData()
	}
	return nil
}

// addressOf is that of a data source of that name, without its project.
func (p *Publisher) addressOf(datasource string) address {
	return address{Server: p.client.Address(), Site: p.client.Site, Datasource: datasource}
}

// Publish brings an extract to all its data sources, and returns what became of each that was tried,
// of failures, too. Every failure but an interruption is of kind Publish, and its hint has the
// commands that finish the work; only what stands at the output may turn out to be no extract.
func (p *Publisher) Publish(ctx context.Context, lease *hyperd.Lease, extract Extract) ([]*report.Publishing, error) {
	t := &transfer{Publisher: p, lease: lease, extract: extract}
	if extract.set == nil {
		content, err := t.readContent(ctx)
		if err != nil && extract.fresh {
			err = t.explain(err)
		}
		if err != nil {
			return nil, err
		}
		t.extract.content = content
	}
	err := t.within(ctx, t.deliverAll)
	return t.report, err
}

// within does work and what follows it, within the time that there is, and ends the session then.
func (t *transfer) within(ctx context.Context, work func(context.Context) error) error {
	within := ctx
	if limit := t.cfg.Publish.Timeout.Until(time.Now()); limit > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeoutCause(ctx, limit,
			fmt.Errorf("publishing takes longer than publish.timeout (%s)", t.cfg.Publish.Timeout))
		defer cancel()
	}
	err := work(within)
	if err != nil {
		t.noteUntried()
	} else {
		err = t.followUp(within)
	}
	if signOutErr := t.signOut(ctx); signOutErr != nil {
		t.options.Log.Warn("the session on the server could not be ended", "error", signOutErr)
	}
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(within), err)
	}
	return t.explain(err)
}

// newReport is that of an attempt that came to nothing.
func (t *transfer) newReport(datasource string, rows int64) *report.Publishing {
	c := t.cfg.Publish
	return &report.Publishing{
		Mode: c.Mode, Server: t.client.Address(), Site: t.client.Site, Project: cmp.Or(c.Project, c.ProjectID), Datasource: datasource,
		Rows: rows, Outcome: outcomeFailed,
	}
}

// signOutTime bounds the last request of a run that may have been interrupted.
const signOutTime = 5 * time.Second

// signOut ends the session, also when the run was interrupted.
func (t *transfer) signOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signOutTime)
	defer cancel()
	return t.client.SignOut(ctx)
}

// deliverAll brings the extract to all its data sources, one after another. Nothing is sent before the ledgers of all
// of them say what is to be done. Everybody locks ledgers in the same order, or two who wait could wait for each other.
func (t *transfer) deliverAll(ctx context.Context) (err error) {
	info, err := t.client.ServerInfo(ctx)
	if err != nil {
		return err
	}
	t.server = info
	shipments, err := t.pack()
	if err != nil {
		return err
	}
	if err := t.findProject(ctx); err != nil {
		return err
	}
	byName := func(a, b *shipment) int { return strings.Compare(a.datasource, b.datasource) }
	for _, s := range slices.SortedFunc(slices.Values(shipments), byName) {
		if err := t.open(ctx, s); err != nil {
			return err
		}
		defer t.close(ctx, s)
		if err := t.judge(ctx, s); err != nil {
			t.report = append(t.report, t.reportOf(s))
			return err
		}
	}
	for _, s := range shipments {
		if err := t.deliver(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (t *transfer) findProject(ctx context.Context) (err error) {
	if t.cfg.Publish.CreateProject {
		t.project, err = t.client.EnsureProject(ctx, t.cfg.Publish.Project)
	} else {
		t.project, err = FindProject(ctx, t.client, t.cfg.Publish)
	}
	return err
}

// explain says what to do about a failure.
func (t *transfer) explain(err error) error {
	if err == nil {
		return nil
	}
	var made *failure.Error
	errors.As(err, &made)
	hint := tableau.Hint(err)
	if made != nil {
		hint = made.Hint
	}
	finish := fmt.Sprintf("`%s` repeats just the publishing", t.options.Command)
	var open *openError
	var missed *followUpError
	switch {
	case errors.As(err, &missed):
		finish = fmt.Sprintf("`%s --follow-up` repeats just that, and sends no rows", t.options.Command)
	case t.flag != "":
		finish = fmt.Sprintf("`%s%s` repeats just that", t.options.Command, t.flag)
	case errors.As(err, &open):
		finish = open.waysOn(t.options.Command)
		if open.delivery.progress() == inDoubt {
			hint = "" // it is among the ways
		}
	}
	if hint != "" {
		finish = hint + "; " + finish
	}
	told := failure.New(failure.Publish, "%w", err).WithHint("%s", finish)
	if made != nil && made.Early && !t.extract.fresh { // an extract that was built is good
		told = told.BeforeData()
	}
	return told
}
