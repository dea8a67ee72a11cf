package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// deliverSet brings the extracts of a set to the data source, one after another: the first
// replaces what is there, the others are appended. The ledger knows how far it came, so that
// a repetition goes on there, unless something else happened to the data source since.
func (p *transfer) deliverSet(ctx context.Context, server tableau.Version) (err error) {
	if err := p.findProject(ctx); err != nil {
		return err
	}
	started := time.Now()
	entry, err := p.setEntry(ctx)
	if err != nil {
		return err
	}
	report := newReportPublish(entry)
	p.report = append(p.report, report)
	defer func() {
		report.DatasourceID, report.JobID = entry.DatasourceID, entry.JobID
		if report.Outcome != skipped {
			report.Outcome = string(entry.Outcome)
		}
		report.Seconds = time.Since(started).Seconds()
	}()
	entry.Outcome = pending
	if err := p.ledger.begin(ctx, entry); err != nil {
		return err
	}
	for entry.Done < entry.Extracts && err == nil {
		if err = p.deliverMember(ctx, entry, server, report); err != nil {
			err = fmt.Errorf("extract %d of %d: %w", entry.Done+1, entry.Extracts, err)
		}
	}
	became := published
	switch {
	case err == nil:
		entry.Updated = p.describe(ctx, entry.DatasourceID, entry.Updated)
	case tableau.IsOutcomeUnknown(err):
		became = unknown
	default:
		became, entry.Sending = failed, false
	}
	endErr := p.ledger.end(ctx, entry, became)
	if entry.Done == 0 && p.leaves(err, report) {
		err = nil
	}
	return errors.Join(err, endErr)
}

// setEntry is the entry of the ledger to go on with, or a new one.
func (p *transfer) setEntry(ctx context.Context) (*ledgerEntry, error) {
	table := p.cfg.Tables[0]
	fresh := p.newEntry(p.cfg.DatasourceOf(table.Schema, table.Name))
	fresh.Set, fresh.Extracts = p.extract.set.ID, len(p.extract.set.Extracts)
	for _, member := range p.extract.set.Extracts {
		fresh.Rows += member.Rows
	}
	begun := p.ledger.unfinishedSet(fresh)
	switch {
	case p.options.Force || begun == nil:
		return fresh, nil
	case begun.Sending:
		report := newReportPublish(begun)
		report.Outcome = string(unknown)
		p.report = append(p.report, report)
		return nil, &heldError{begun}
	}
	found, err := p.client.FindDatasource(ctx, p.project.ID, fresh.Datasource)
	switch {
	case tableau.IsNotFound(err), err == nil && !begun.describes(found):
		p.options.Log.Warn("somebody else changed the data source; all extracts are sent again", "datasource", fresh.Datasource)
		return fresh, nil
	case err != nil:
		return nil, err
	}
	p.options.Log.Info("publishing goes on", "datasource", fresh.Datasource, "done", begun.Done, "extracts", begun.Extracts)
	return begun, nil
}

// deliverMember sends the next extract of a set, and records that before and after.
func (p *transfer) deliverMember(ctx context.Context, entry *ledgerEntry, server tableau.Version, report *report.Publishing) error {
	member := p.extract.set.Extracts[entry.Done]
	file, err := p.fetchMember(ctx, member)
	if err != nil {
		return err
	}
	mode, tables := tableau.Append, entry.Tables
	if entry.Done == 0 {
		mode = tableau.Mode(entry.Mode)
		if tables, err = p.checkMember(ctx, file, entry, server); err != nil {
			return err
		}
	}
	done, err := p.client.Publish(ctx, tableau.Publication{
		File: file, Name: entry.Datasource, ProjectID: p.project.ID, Mode: mode, AsJob: tableau.AsJob(p.cfg.Publish.AsJob),
		Progress: p.progress(), JobProgress: p.jobProgress,
		Sending: func() error {
			entry.Sending = true
			return p.ledger.save(ctx)
		},
	})
	if err != nil {
		return err
	}
	report.Bytes += done.Bytes
	report.Parts++
	report.Confirmed = report.Confirmed || done.Confirmed
	entry.DatasourceID, entry.JobID, entry.Updated = done.Datasource.ID, done.JobID, done.Datasource.UpdatedAt
	entry.Tables, entry.Done, entry.Sending = tables, entry.Done+1, false
	if !storage.IsLocal(member.URI) {
		_ = os.Remove(file) // it goes away with its folder, at the latest
	}
	return p.ledger.save(ctx)
}

// fetchMember makes an extract of a set local, and makes sure that it is the one of the list.
func (p *transfer) fetchMember(ctx context.Context, member output.Member) (string, error) {
	path, err := storage.Fetch(ctx, member.URI, filepath.Join(p.extract.scratch, member.Name))
	if err == nil {
		err = storage.VerifySHA256(ctx, path, member.Bytes, member.SHA256)
	}
	if err != nil {
		return "", failure.New(failure.Publish, "read the extract %s: %w", member.URI, err).WithHint("run the configuration again")
	}
	return path, nil
}

// checkMember holds the first extract against Tableau's rules, and returns its table.
func (p *transfer) checkMember(ctx context.Context, file string, entry *ledgerEntry, server tableau.Version) ([]ledgerTable, error) {
	conn, err := p.lease.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	const alias = "extract"
	if err := conn.AttachReadOnly(ctx, file, alias); err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	catalog, err := hyper.ReadCatalog(ctx, conn, alias)
	if err != nil {
		return nil, err
	}
	deliveries := deliveriesOf(p.cfg, catalog.Tables)
	if len(deliveries) != 1 || len(deliveries[0].tables) != 1 || deliveries[0].datasource != entry.Datasource {
		return nil, failure.New(failure.Publish, "%s does not hold the one table of the configuration", file).
			WithHint("run the configuration again")
	}
	return deliveries[0].tables, deliveries[0].check(p.cfg.Publish, server, nil)
}

// explainSet says how to finish the publishing of a set.
func (p *transfer) explainSet(err error, hint string) (cause, finish string) {
	var held *heldError
	var unknown *tableau.OutcomeUnknownError
	again := p.options.Command
	if !errors.As(err, &held) && (!errors.As(err, &unknown) || unknown.Harmless) {
		return hint, fmt.Sprintf("`%s` goes on with the first extract that is not there", again)
	}
	if p.cfg.Publish.Mode == config.PublishMode(tableau.Create) {
		again += " --mode overwrite"
	}
	return "", fmt.Sprintf("`%s --force` sends all extracts again, the first of which replaces what is there", again)
}
