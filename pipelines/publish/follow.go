package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/tableau"
)

// followUpError says that the rows are where they belong, but that not all has followed that was to.
type followUpError struct{ err error }

func (e *followUpError) Error() string {
	return "the rows are in the data source, but: " + e.err.Error()
}
func (e *followUpError) Unwrap() error { return e.err }

// describe gives the data source of the latest report the properties that the configuration names, and returns when it
// was changed last by then. What fails is told when everything else is done: see [transfer.followUp].
func (t *transfer) describe(ctx context.Context, id string, updated time.Time) time.Time {
	about := t.report[len(t.report)-1]
	wanted, some, err := t.properties(ctx)
	if !some && err == nil {
		return updated
	}
	if err == nil && id == "" { // a job does not name it
		var found tableau.Datasource
		found, err = t.client.FindDatasource(ctx, t.project.ID, about.Datasource)
		id = found.ID
	}
	if err == nil {
		about.PropertiesChanged, err = t.client.SetProperties(ctx, id, wanted)
		if found, lookErr := t.client.Datasource(ctx, id); lookErr == nil { // else if_changed knows less
			updated = found.UpdatedAt
		}
	}
	if err != nil {
		t.options.Log.Warn("what is said about the data source could not be changed", "datasource", about.Datasource, "error", err)
		t.missed = append(t.missed, err)
	}
	return updated
}

// describeOurs is describe for a data source that is as a delivery of ours left it. The ledger is told that this change of
// it is ours, too.
func (t *transfer) describeOurs(ctx context.Context, l *ledger, d *delivery) error {
	known := l.Standing.Updated
	updated := t.describe(ctx, l.Standing.DatasourceID, known)
	if known.IsZero() || updated.Equal(known) {
		return nil
	}
	l.Standing.Updated = updated
	return l.save(ctx, d)
}

// properties are those that the configuration names, if it names any.
func (t *transfer) properties(ctx context.Context) (wanted tableau.Properties, some bool, err error) {
	c := t.cfg.Publish
	wanted = tableau.Properties{
		Description: unlessEmpty(c.Description), Certified: c.Certified, CertificationNote: unlessEmpty(c.CertificationNote), Tags: c.Tags,
	}
	if c.Owner != "" {
		if t.owner == "" {
			user, err := t.client.FindUser(ctx, c.Owner)
			if err != nil {
				return wanted, true, err
			}
			t.owner = user.ID
		}
		wanted.OwnerID = &t.owner
	}
	return wanted, wanted.Description != nil || wanted.Certified != nil || wanted.OwnerID != nil || len(c.Tags) > 0, nil
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// followUp refreshes what depends on the data sources, once all are published, and tells what else has failed since.
func (t *transfer) followUp(ctx context.Context) error {
	for _, about := range t.report {
		if about.Outcome == outcomePublished || about.Outcome == followedUp {
			t.missed = append(t.missed, t.refresh(ctx))
			break
		}
	}
	if err := errors.Join(t.missed...); err != nil {
		return &followUpError{err}
	}
	return nil
}

// refresh has everything refreshed that the configuration names. What fails keeps nothing else from it.
func (t *transfer) refresh(ctx context.Context) error {
	var failed []error
	about := t.report[0]
	for _, each := range refreshesOf(t.cfg.Publish) {
		job, err := t.client.Refresh(ctx, tableau.RefreshKind(each.Kind), each.Name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		each.JobID = job
		about.Refreshed = append(about.Refreshed, each)
	}
	if !t.cfg.Publish.Refresh.Wait {
		return errors.Join(failed...)
	}
	for _, each := range about.Refreshed {
		if each.JobID == "" { // somebody else's, which began before
			continue
		}
		if _, err := t.client.WaitForJob(ctx, each.JobID, t.jobProgress); err != nil {
			failed = append(failed, fmt.Errorf("refresh the %s %q: %w", each.Kind, each.Name, err))
		}
	}
	return errors.Join(failed...)
}

// refreshesOf is what is refreshed after a publication.
func refreshesOf(c *config.PublishConfig) []report.Refresh {
	var all []report.Refresh
	for _, list := range []struct {
		kind  tableau.RefreshKind
		names []string
	}{{tableau.RefreshWorkbook, c.Refresh.Workbooks}, {tableau.RunFlow, c.Refresh.Flows}, {tableau.RunTask, c.Refresh.Tasks}} {
		for _, name := range list.names {
			all = append(all, report.Refresh{Kind: string(list.kind), Name: name})
		}
	}
	return all
}

// followedUp is the outcome, in reports, where no rows were to be sent.
const followedUp = "followed_up"

// FollowUp does what follows a publication without one: it says what the data sources are, and has refreshed what
// depends on them. It returns what became of each that was tried, of failures, too, which are of kind Publish.
func (p *Publisher) FollowUp(ctx context.Context) ([]*report.Publishing, error) {
	t := &transfer{Publisher: p, flag: " --follow-up"}
	err := t.within(ctx, t.followAll)
	return t.report, err
}

func (t *transfer) followAll(ctx context.Context) error {
	if err := t.findProject(ctx); err != nil {
		return err
	}
	for _, name := range t.datasources() {
		started := time.Now()
		about := t.newReport(name, 0)
		t.report = append(t.report, about)
		found, err := t.describeAgain(ctx, name)
		if err != nil {
			return err
		}
		about.DatasourceID, about.Outcome, about.Seconds = found.ID, followedUp, time.Since(started).Seconds()
	}
	return nil
}

// describeAgain is describe for a data source that was published before.
func (t *transfer) describeAgain(ctx context.Context, name string) (tableau.Datasource, error) {
	l, err := t.openLedger(ctx, name)
	if err != nil {
		return tableau.Datasource{}, err
	}
	defer t.close(ctx, &shipment{ledger: l})
	found, err := t.client.FindDatasource(ctx, t.project.ID, name)
	if err != nil {
		return found, err
	}
	if len(l.Deliveries) == 0 || !l.Standing.describes(found) {
		t.describe(ctx, found.ID, found.UpdatedAt)
		return found, nil
	}
	return found, t.describeOurs(ctx, l, l.Deliveries[len(l.Deliveries)-1])
}

// datasources are the names of those that the configuration publishes to.
func (p *Publisher) datasources() []string {
	var names []string
	for _, table := range p.cfg.Tables {
		if name := p.cfg.DatasourceOf(table.Schema, table.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{p.cfg.Publish.Datasource}
	}
	return names
}
