package publish

import (
	"context"
	"errors"
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

// maxConfirmations bounds how often what was not answered is looked for, and sent again if it is missing.
const maxConfirmations = 3

// deliver brings a parcel to its data source.
func (t *transfer) deliver(ctx context.Context, s *shipment) error {
	started, made := time.Now(), t.reportOf(s)
	t.report = append(t.report, made)
	defer func() {
		t.note(s, made)
		made.Seconds = time.Since(started).Seconds()
	}()
	if s.verdict == leave {
		t.options.Log.Debug("the data source has these rows already", "datasource", s.datasource, "earlier_run", s.earlier.RunID)
		if err := t.rememberUnits(ctx, s); err != nil {
			return err
		}
		return t.describeOurs(ctx, s.ledger, s.earlier)
	}
	if err := t.begin(ctx, s); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := t.carry(ctx, s, made)
		open := &openError{datasource: s.datasource, delivery: s.delivery, want: s.want, why: err}
		switch s.delivery.progress() {
		case wholly:
			if err == nil { // the memory of it may have failed
				err = t.describeOurs(ctx, s.ledger, s.delivery)
			}
			return err
		case nothing:
			if t.leaves(err, made) {
				return nil
			}
			return err
		case partly:
			return open
		}
		if t.cfg.Publish.Confirm != config.ConfirmDownload || ctx.Err() != nil || try == maxConfirmations {
			return open
		}
		doubtful := s.delivery.doubtful()
		if confirmErr := t.confirm(ctx, s, s.delivery); confirmErr != nil {
			open.tried = confirmErr
			return open
		}
		if doubtful[0].State == applied {
			made.Confirmed = true
		} else {
			t.options.Log.Warn("rows that were sent are not in the data source, sending them again", "datasource", s.datasource, "error", err)
		}
		if s.delivery.progress() == wholly {
			return t.describeOurs(ctx, s.ledger, s.delivery)
		}
	}
}

// begin records a delivery before anything of it is sent, or that it is gone on with.
func (t *transfer) begin(ctx context.Context, s *shipment) error {
	untouched := s.ledger.untouched(s.found)
	if s.verdict == goOn {
		s.delivery = s.earlier
		for _, step := range s.delivery.Steps {
			step.abandon() // nobody else is sending it: the ledger is locked
		}
		t.options.Log.Info("publishing goes on", "datasource", s.datasource, "earlier_run", s.delivery.RunID)
		return s.ledger.save(ctx, s.delivery)
	}
	s.delivery = s.want
	s.delivery.ID = t.deliveryID(s)
	if s.found != nil {
		s.delivery.DatasourceID = s.found.ID
	}
	switch {
	case untouched && s.delivery.Before < 0: // not counted
		s.delivery.Before = s.ledger.Standing.Rows
	case !untouched && s.found != nil:
		s.delivery.AfterOthers = len(s.ledger.Deliveries) > 0
	}
	if s.want.Mode.Adds() && s.delivery.Before < 0 && s.found != nil && t.cfg.Publish.Confirm == config.ConfirmDownload {
		if _, err := t.count(ctx, s); err != nil {
			return err
		}
	}
	if s.found != nil && !untouched {
		s.ledger.Standing = standing{DatasourceID: s.found.ID, Rows: s.delivery.Before}
	}
	s.ledger.add(s.delivery)
	s.ledger.Project = spelledProject(t.cfg)
	return s.ledger.save(ctx, s.delivery)
}

// deliveryID is that of a delivery that this run makes.
func (t *transfer) deliveryID(s *shipment) string {
	id := fmt.Sprintf("%s/%s", t.options.ID, s.datasource)
	if s.instead {
		id += "/all"
	}
	return id
}

// carry sends what is left of a delivery.
func (t *transfer) carry(ctx context.Context, s *shipment, made *report.Publishing) error {
	switch {
	case s.delivery.Set != "":
		return t.carrySet(ctx, s, made)
	case s.delivery.Mode.Syncs():
		err := t.sendUnits(ctx, s, made)
		if whole := new(wholeError); !errors.As(err, &whole) || ctx.Err() != nil {
			return err
		}
		if err := t.sendAllInstead(ctx, s, made, err); err != nil {
			return err
		}
	case s.delivery.Mode.Updates():
		return t.update(ctx, s, made)
	}
	file, err := t.fileOf(ctx, s)
	if err != nil {
		return err
	}
	first := s.delivery.Steps[0]
	return t.publishStep(ctx, s, first, file, tableau.Mode(s.delivery.Mode), s.tables, made, t.sending(ctx, s, first))
}

// publishStep has the server publish a file, and records that before, by sending, and after. tables are what the data
// source has then.
func (t *transfer) publishStep(
	ctx context.Context, s *shipment, step *step, file string, mode tableau.Mode, tables []ledgerTable, made *report.Publishing,
	sending func() error,
) error {
	done, err := t.client.Publish(ctx, tableau.Publication{
		File: file, Name: s.datasource, ProjectID: t.project.ID, Mode: mode, AsJob: tableau.AsJob(t.cfg.Publish.AsJob),
		Progress: t.progress(), JobProgress: t.jobProgress, Sending: sending,
	})
	step.JobID = done.JobID
	if err != nil {
		return t.failed(ctx, s, step, err)
	}
	made.Bytes += done.Bytes
	by := byReply
	if done.JobID != "" {
		by = byJob
	}
	s.ledger.Tables = tables
	return t.landed(ctx, s, step, by, done.Datasource, done.Ended)
}

// sending records that a step is about to be sent.
func (t *transfer) sending(ctx context.Context, s *shipment, step *step) func() error {
	doubted := step.inDoubt()
	return func() error {
		if err := s.ledger.held(); err != nil {
			return err
		}
		if t.options.Held != nil {
			if err := t.options.Held(); err != nil {
				return err
			}
		}
		step.send(s.clock(), doubted)
		s.ledger.unsettle(s.delivery, step)
		return s.ledger.save(ctx, s.delivery)
	}
}

// failed records what the failure of a step tells of it.
func (t *transfer) failed(ctx context.Context, s *shipment, step *step, err error) error {
	var job *tableau.JobError
	switch {
	case step.State != sent: // it was not sent, or not again
	case tableau.IsOutcomeUnknown(err):
		step.State, step.JobGone = unknown, tableau.IsJobForgotten(err)
	case errors.As(err, &job) && step.RequestID != "": // of whichever try: the server executes one
		step.settle(missing, byJob)
	case job != nil:
		step.refuse(byJob)
	default:
		step.refuse(byReply)
	}
	return errors.Join(err, s.ledger.save(ctx, s.delivery))
}

// landed records that a step was applied, and how the data source is since, which is looked up where the
// server has not told.
func (t *transfer) landed(ctx context.Context, s *shipment, step *step, by evidence, now tableau.Datasource, ended time.Time) error {
	step.settle(applied, by)
	if now.ID == "" || now.UpdatedAt.IsZero() {
		if found, exists, _, err := t.client.Look(ctx, t.project.ID, s.datasource); err == nil && exists {
			now = found
		}
	}
	if now.ID != "" {
		s.delivery.DatasourceID = now.ID
		s.found = &now
	}
	s.ledger.landed(s.delivery, step, now, ended)
	s.settleUnits(step)
	s.delivery.Finished = time.Now().UTC()
	if err := s.ledger.save(ctx, s.delivery); err != nil {
		return fmt.Errorf("%q was published, but: %w", s.datasource, err)
	}
	return nil
}

// fileOf is the file to send: the extract, or one that holds the part of it that goes to
// this data source.
func (t *transfer) fileOf(ctx context.Context, s *shipment) (string, error) {
	whole := s.whole
	var selections []hyper.Selection
	for _, table := range s.tables {
		selections = append(selections, hyper.Selection{Schema: table.Schema, Name: table.Name})
	}
	if columns := s.payload(t.cfg.Publish); s.want.Mode.Updates() && len(columns) < len(s.tables[0].Columns) {
		whole = false
		for _, column := range columns {
			selections[0].Columns = append(selections[0].Columns, column.Name)
		}
	}
	if whole {
		return t.extract.path, nil
	}
	path := filepath.Join(t.extract.scratch, fmt.Sprintf("publish-%d.hyper", len(t.report)))
	if _, err := os.Stat(path); err == nil {
		return path, nil // made before
	}
	_, err := t.takePart(ctx, t.extract.path, path, selections)
	return path, err
}

// takePart writes a part of a file to another, and returns the number of its rows.
func (t *transfer) takePart(ctx context.Context, file, path string, selections []hyper.Selection) (int64, error) {
	rows, err := hyper.Extract(ctx, t.lease, file, path, selections)
	if err != nil && ctx.Err() != nil {
		hyperd.Kill() // it may still write into a folder that goes away
	}
	return rows, err
}

// progress tells how much of a file was sent.
func (t *transfer) progress() func(sent, total int64) {
	if t.options.Progress == nil {
		return nil
	}
	started := time.Now()
	return func(sent, total int64) {
		t.options.Progress(report.Progress{Stage: "publish", Detail: "upload", Bytes: sent, TotalBytes: total, Elapsed: time.Since(started)})
	}
}

// jobProgress tells what is waited for, and how far the server says that it is.
func (t *transfer) jobProgress(job tableau.Job) {
	t.options.Log.Debug("the server is publishing", "job", job.ID, "percent", job.Progress)
	if t.options.Progress == nil {
		return
	}
	if t.waitsFor != job.ID {
		t.waitsFor, t.waitsSince = job.ID, time.Now()
	}
	detail := "waits for job " + job.ID + " of the server"
	if job.Progress > 0 {
		detail += fmt.Sprintf(" (%d %%)", job.Progress)
	}
	t.options.Progress(report.Progress{Stage: "publish", Detail: detail, Uncounted: true, Elapsed: time.Since(t.waitsSince)})
}

// fileSize is the size of a file in bytes.
func fileSize(path string) (int64, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}
