package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/tableau"
)

// Previous stands for the latest revision before the current one.
const Previous = -1

// Revisions are those of a data source, latest first.
type Revisions struct {
	Datasource string             `json:"datasource"`
	Revisions  []tableau.Revision `json:"revisions"`
}

// Revisions lists what the server has kept of the data sources. Failures are of kind Publish.
func (p *Publisher) Revisions(ctx context.Context) ([]Revisions, error) {
	t := &transfer{Publisher: p, flag: " --revisions"}
	var all []Revisions
	err := t.within(ctx, func(ctx context.Context) error {
		if err := t.findProject(ctx); err != nil {
			return err
		}
		for _, name := range p.datasources() {
			found, err := p.client.FindDatasource(ctx, t.project.ID, name)
			if err != nil {
				return err
			}
			kept, err := p.client.Revisions(ctx, found.ID)
			if err != nil {
				return err
			}
			all = append(all, Revisions{Datasource: name, Revisions: kept})
		}
		return nil
	})
	return all, err
}

// RollBack publishes an earlier revision of the one data source of the configuration again, over what is there, as the
// server packs it: Tableau has no other way back. The number is that of the revision, or Previous; the
// scratch folder takes the file. It returns what became of it, of failures, too. Those are of kind Publish, but of
// kind Usage where it is not said which data source is meant.
func (p *Publisher) RollBack(ctx context.Context, number int, scratch string) ([]*report.Publishing, error) {
	if names := p.datasources(); len(names) > 1 {
		return nil, failure.New(failure.Usage, "only one data source is rolled back at a time, and the configuration names %d: %s",
			len(names), strings.Join(names, ", ")).WithHint("name one of them with --datasource")
	}
	t := &transfer{Publisher: p, flag: " --rollback"}
	if number != Previous {
		t.flag = rollBackFlag(number)
	}
	err := t.within(ctx, func(ctx context.Context) error {
		return t.locked(ctx, func(ctx context.Context) error { return t.rollBack(ctx, number, scratch) })
	})
	return t.report, err
}

// rollBackFlag is what repeats a rollback, after which Previous is another one.
func rollBackFlag(number int) string { return fmt.Sprintf(" --rollback=%d", number) }

func (p *transfer) rollBack(ctx context.Context, number int, scratch string) (err error) {
	if err := p.findProject(ctx); err != nil {
		return err
	}
	started := time.Now()
	entry := p.newEntry(p.datasources()[0])
	entry.Mode, entry.Match = config.PublishMode(tableau.Overwrite), nil
	about := newReportPublish(entry)
	p.report = append(p.report, about)
	defer func() { about.Seconds = time.Since(started).Seconds() }()
	found, err := p.client.FindDatasource(ctx, p.project.ID, entry.Datasource)
	if err != nil {
		return err
	}
	about.DatasourceID = found.ID
	kept, err := p.client.Revisions(ctx, found.ID)
	if err != nil {
		return err
	}
	wanted, err := chooseRevision(kept, number)
	if err != nil {
		return err
	}
	about.RolledBackTo, p.flag = wanted.Number, rollBackFlag(wanted.Number)
	file, err := p.client.DownloadPackage(ctx, found.ID, wanted.Number, scratch)
	if err != nil {
		return err
	}
	return p.noteRollBack(ctx, entry, about, func() error {
		done, err := p.client.Publish(ctx, tableau.Publication{
			File: file, Name: entry.Datasource, ProjectID: p.project.ID, Mode: tableau.Overwrite, AsJob: tableau.AsJob(p.cfg.Publish.AsJob),
			Progress: p.progress(), JobProgress: p.jobProgress,
		})
		entry.DatasourceID, entry.JobID, entry.Updated = found.ID, done.JobID, done.Datasource.UpdatedAt
		about.JobID, about.Bytes, about.Confirmed = done.JobID, done.Bytes, done.Confirmed
		return err
	})
}

// noteRollBack tells the ledger, before and after, that the data source gets a content that is not of the extract.
func (p *transfer) noteRollBack(ctx context.Context, entry *ledgerEntry, about *report.Publishing, publish func() error) error {
	if err := p.ledger.begin(ctx, entry); err != nil {
		return err
	}
	err := publish()
	became := published
	switch {
	case tableau.IsOutcomeUnknown(err):
		became = unknown
	case err != nil:
		became = failed
	}
	about.Outcome = string(became)
	return errors.Join(err, p.ledger.end(ctx, entry, became))
}

// chooseRevision finds the revision that is to come back.
func chooseRevision(kept []tableau.Revision, number int) (tableau.Revision, error) {
	var earlier []string
	for _, each := range kept {
		if each.Current {
			continue
		}
		if number == Previous || each.Number == number {
			return each, nil
		}
		earlier = append(earlier, fmt.Sprint(each.Number))
	}
	hint := "the server keeps earlier revisions where the site's settings say so"
	if len(earlier) > 0 {
		hint = "there are the revisions " + strings.Join(earlier, ", ")
	}
	if slices.ContainsFunc(kept, func(r tableau.Revision) bool { return r.Number == number }) {
		return tableau.Revision{}, failure.New(failure.Publish, "revision %d is what the data source has now", number).WithHint("%s", hint)
	}
	if number == Previous {
		return tableau.Revision{}, failure.New(failure.Publish, "the server has no earlier revision of the data source").WithHint("%s", hint)
	}
	return tableau.Revision{}, failure.New(failure.Publish, "the server has no revision %d of the data source", number).WithHint("%s", hint)
}
