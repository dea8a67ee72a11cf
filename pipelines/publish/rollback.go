package publish

import (
	"context"
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
		return t.rollBack(ctx, number, scratch)
	})
	return t.report, err
}

// rollBackFlag is what repeats a rollback, after which Previous is another one.
func rollBackFlag(number int) string { return fmt.Sprintf(" --rollback=%d", number) }

func (t *transfer) rollBack(ctx context.Context, number int, scratch string) (err error) {
	if err := t.findProject(ctx); err != nil {
		return err
	}
	// The rows of a revision are of no extract: nobody knows which they are.
	s := &shipment{parcel: &parcel{datasource: t.datasources()[0]}, want: t.newDelivery()}
	s.want.Mode, s.want.Match, s.want.Steps = config.PublishMode(tableau.Overwrite), nil, []*step{{Rows: -1, State: planned}}
	started, about := time.Now(), t.newReport(s.datasource, 0)
	about.Mode = s.want.Mode
	t.report = append(t.report, about)
	defer func() {
		t.note(s, about)
		about.Seconds = time.Since(started).Seconds()
	}()
	if err := t.open(ctx, s); err != nil {
		return err
	}
	defer t.close(ctx, s)
	if err := t.require(ctx, s); err != nil {
		return err
	}
	kept, err := t.client.Revisions(ctx, s.found.ID)
	if err != nil {
		return err
	}
	wanted, err := chooseRevision(kept, number)
	if err != nil {
		return err
	}
	about.RolledBackTo, t.flag = wanted.Number, rollBackFlag(wanted.Number)
	t.tell("download what was there")
	file, err := t.client.DownloadPackage(ctx, s.found.ID, wanted.Number, scratch)
	if err != nil {
		return err
	}
	if err := t.begin(ctx, s); err != nil {
		return err
	}
	whole := s.want.Steps[0]
	return t.publishStep(ctx, s, whole, file, tableau.Overwrite, nil, about, t.sending(ctx, s, whole))
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
