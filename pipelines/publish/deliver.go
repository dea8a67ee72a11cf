package publish

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

func (p *transfer) findProject(ctx context.Context) (err error) {
	if p.cfg.Publish.CreateProject {
		p.project, err = p.client.EnsureProject(ctx, p.cfg.Publish.Project)
	} else {
		p.project, err = p.client.FindProject(ctx, p.cfg.Publish.Project)
	}
	return err
}

// deliver brings the tables of one data source there, and records it before and after.
func (p *transfer) deliver(ctx context.Context, s *shipment) error {
	started := time.Now()
	report := newReportPublish(s.entry)
	p.report = append(p.report, report)
	defer func() {
		report.DatasourceID, report.JobID = s.entry.DatasourceID, s.entry.JobID
		if report.Outcome != skipped {
			report.Outcome = string(s.entry.Outcome)
		}
		report.Seconds = time.Since(started).Seconds()
	}()
	if s.last != nil {
		done, err := p.skip(ctx, s)
		if done || err != nil {
			return err
		}
	}
	doubtful := s.entry.goOn(p.options.ID)
	if err := p.ledger.begin(ctx, s.entry); err != nil {
		return err
	}
	err := p.send(ctx, s, report)
	became := published
	switch {
	case err == nil:
		s.note()
		s.entry.Updated = p.describe(ctx, s.entry.DatasourceID, s.entry.Updated)
	case doubtful || tableau.IsOutcomeUnknown(err):
		became = unknown
	default:
		became = failed
	}
	if endErr := p.ledger.end(ctx, s.entry, became); endErr != nil && err == nil {
		return fmt.Errorf("%q was published, but: %w", s.datasource, endErr)
	}
	if !doubtful && !s.entry.partDone() && p.leaves(err, report) {
		return nil
	}
	return err
}

// newReportPublish is that of an attempt that came to nothing.
func newReportPublish(e *ledgerEntry) *report.Publishing {
	return &report.Publishing{
		Mode: e.Mode, Server: e.Server, Site: e.Site, Project: e.Project, Datasource: e.Datasource, Rows: e.Rows, Outcome: string(failed),
	}
}

// note keeps the tables that a publication left in the data source.
func (s *shipment) note() {
	if s.entry.Mode.Renews() || s.entry.Mode == config.PublishMode(tableau.Append) {
		s.entry.Tables = s.tables
	}
}

// skip leaves a data source alone that has the content, if it is still there, and nobody
// changed it since.
func (p *transfer) skip(ctx context.Context, s *shipment) (bool, error) {
	found, err := p.client.FindDatasource(ctx, p.project.ID, s.datasource)
	switch {
	case tableau.IsNotFound(err), err == nil && !s.last.describes(found):
		if s.held != nil {
			return false, &heldError{s.held}
		}
		return false, nil
	case err != nil:
		return false, err
	}
	p.options.Log.Debug("the data source has these rows already", "datasource", s.datasource, "run", s.last.RunID)
	s.entry.DatasourceID, s.entry.Updated = found.ID, p.describe(ctx, found.ID, found.UpdatedAt)
	s.last.Updated = s.entry.Updated // it is still as that attempt left it
	if err := p.ledger.begin(ctx, s.entry); err != nil {
		return false, err
	}
	return true, p.ledger.end(ctx, s.entry, unchanged)
}

// send publishes the file, or has rows changed.
func (p *transfer) send(ctx context.Context, s *shipment, report *report.Publishing) error {
	file, err := p.fileOf(ctx, s)
	if err != nil {
		return err
	}
	if s.entry.Mode.Updates() {
		return p.update(ctx, s, file, report)
	}
	progress := p.progress()
	done, err := p.client.Publish(ctx, tableau.Publication{
		File: file, Name: s.datasource, ProjectID: p.project.ID, Mode: tableau.Mode(s.entry.Mode), AsJob: tableau.AsJob(p.cfg.Publish.AsJob),
		Progress: progress, JobProgress: p.jobProgress,
	})
	s.entry.DatasourceID, s.entry.JobID, s.entry.Updated = done.Datasource.ID, done.JobID, done.Datasource.UpdatedAt
	report.Bytes, report.Confirmed = done.Bytes, done.Confirmed
	return err
}

// fileOf is the file to send: the extract, or one that holds the part of it that goes to
// this data source.
func (p *transfer) fileOf(ctx context.Context, s *shipment) (string, error) {
	whole := s.whole
	var selections []hyper.Selection
	for _, table := range s.tables {
		selections = append(selections, hyper.Selection{Schema: table.Schema, Name: table.Name})
	}
	if columns := s.payload(p.cfg.Publish); s.entry.Mode.Updates() && len(columns) < len(s.tables[0].Columns) {
		whole = false
		for _, column := range columns {
			selections[0].Columns = append(selections[0].Columns, column.Name)
		}
	}
	if whole {
		return p.extract.path, nil
	}
	path := filepath.Join(p.extract.scratch, fmt.Sprintf("publish-%d.hyper", len(p.report)))
	_, err := p.takePart(ctx, p.extract.path, path, selections)
	return path, err
}

// takePart writes a part of a file to another, and returns the number of its rows.
func (p *transfer) takePart(ctx context.Context, file, path string, selections []hyper.Selection) (int64, error) {
	rows, err := hyper.Extract(ctx, p.lease, file, path, selections)
	if err != nil && ctx.Err() != nil {
		hyperd.Kill() // it may still write into a folder that goes away
	}
	return rows, err
}

// progress tells how much of a file was sent.
func (p *transfer) progress() func(sent, total int64) {
	if p.options.Progress == nil {
		return nil
	}
	started := time.Now()
	return func(sent, total int64) {
		p.options.Progress(report.Progress{Stage: "publish", Bytes: sent, TotalBytes: total, Elapsed: time.Since(started)})
	}
}

func (p *transfer) jobProgress(job tableau.Job) {
	p.options.Log.Debug("the server is publishing", "job", job.ID, "percent", job.Progress)
}

// fileSize is the size of a file in bytes.
func fileSize(path string) (int64, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}
