package publish

import (
	"cmp"
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
func (p *transfer) describe(ctx context.Context, id string, updated time.Time) time.Time {
	about := p.report[len(p.report)-1]
	wanted, some, err := p.properties(ctx)
	if !some && err == nil {
		return updated
	}
	if err == nil && id == "" { // a job does not name it
		var found tableau.Datasource
		found, err = p.client.FindDatasource(ctx, p.project.ID, about.Datasource)
		id = found.ID
	}
	if err == nil {
		about.PropertiesChanged, err = p.client.SetProperties(ctx, id, wanted)
		if found, lookErr := p.client.Datasource(ctx, id); lookErr == nil { // else if_changed knows less
			updated = found.UpdatedAt
		}
	}
	if err != nil {
		p.options.Log.Warn("what is said about the data source could not be changed", "datasource", about.Datasource, "error", err)
		p.missed = append(p.missed, err)
	}
	return updated
}

// properties are those that the configuration names, if it names any.
func (p *transfer) properties(ctx context.Context) (wanted tableau.Properties, some bool, err error) {
	c := p.cfg.Publish
	wanted = tableau.Properties{
		Description: unlessEmpty(c.Description), Certified: c.Certified, CertificationNote: unlessEmpty(c.CertificationNote), Tags: c.Tags,
	}
	if c.Owner != "" {
		if p.owner == "" {
			user, err := p.client.FindUser(ctx, c.Owner)
			if err != nil {
				return wanted, true, err
			}
			p.owner = user.ID
		}
		wanted.OwnerID = &p.owner
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
func (p *transfer) followUp(ctx context.Context) error {
	for _, about := range p.report {
		if about.Outcome == string(published) || about.Outcome == followedUp {
			p.missed = append(p.missed, p.refresh(ctx))
			break
		}
	}
	if err := errors.Join(p.missed...); err != nil {
		return &followUpError{err}
	}
	return nil
}

// refresh has everything refreshed that the configuration names. What fails keeps nothing else from it.
func (p *transfer) refresh(ctx context.Context) error {
	var failed []error
	about := p.report[0]
	for _, each := range refreshesOf(p.cfg.Publish) {
		job, err := p.client.Refresh(ctx, tableau.RefreshKind(each.Kind), each.Name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		each.JobID = job
		about.Refreshed = append(about.Refreshed, each)
	}
	if !p.cfg.Publish.Refresh.Wait {
		return errors.Join(failed...)
	}
	for _, each := range about.Refreshed {
		if each.JobID == "" { // somebody else's, which began before
			continue
		}
		if _, err := p.client.WaitForJob(ctx, each.JobID, p.jobProgress); err != nil {
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
	err := t.within(ctx, func(ctx context.Context) error { return t.locked(ctx, t.followAll) })
	return t.report, err
}

func (p *transfer) followAll(ctx context.Context) error {
	if err := p.findProject(ctx); err != nil {
		return err
	}
	for _, name := range p.datasources() {
		started := time.Now()
		about := newReportPublish(p.newEntry(name))
		p.report = append(p.report, about)
		found, err := p.client.FindDatasource(ctx, p.project.ID, name)
		if err != nil {
			return err
		}
		if err := p.noteDescribed(ctx, name, found, p.describe(ctx, found.ID, found.UpdatedAt)); err != nil {
			return err
		}
		about.DatasourceID, about.Outcome, about.Seconds = found.ID, followedUp, time.Since(started).Seconds()
	}
	return nil
}

// noteDescribed tells the ledger when a data source was changed last by ourselves, if it was before as the latest publication
// left it.
func (p *transfer) noteDescribed(ctx context.Context, name string, before tableau.Datasource, updated time.Time) error {
	for _, e := range slices.Backward(p.ledger.of(p.newEntry(name))) {
		if e.Outcome != published {
			continue
		}
		if !e.describes(before) || updated.Equal(before.UpdatedAt) {
			return nil
		}
		e.Updated = updated
		return p.ledger.save(ctx)
	}
	return nil
}

// datasources are the names of those that the configuration publishes to.
func (p *Publisher) datasources() []string {
	var names []string
	seen := map[string]bool{}
	for _, table := range p.cfg.Tables {
		if name := cmp.Or(table.Datasource, p.cfg.Publish.Datasource); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{p.cfg.Publish.Datasource}
	}
	return names
}
