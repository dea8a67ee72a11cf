package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// update has the server change rows of the data source, in as many parts as its limit asks for.
func (t *transfer) update(ctx context.Context, s *shipment, made *report.Publishing) error {
	if err := t.require(ctx, s); err != nil {
		return err
	}
	file, err := t.fileOf(ctx, s)
	if err != nil {
		return err
	}
	table := s.tables[0]
	action, err := tableau.NewAction(tableau.ActionKind(s.delivery.Mode),
		tableau.TableRef{Schema: table.Schema, Name: table.Name}, s.target(t.cfg.Publish), s.delivery.Match)
	if err != nil {
		return err
	}
	if err := t.warnOfRepeated(ctx, s, file, made); err != nil {
		return err
	}
	u := &dataUpdate{t: t, s: s, file: file, action: action, report: made, made: map[[2]int]string{}}
	if u.bytes, err = fileSize(file); err != nil {
		return err
	}
	if err := u.plan(ctx); err != nil {
		return err
	}
	for i := 0; i < len(s.delivery.Steps); i++ {
		if s.delivery.Steps[i].State == applied {
			continue
		}
		if err := u.sendPart(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// dataUpdate is a data update under way.
type dataUpdate struct {
	t      *transfer
	s      *shipment
	file   string
	bytes  int64 // of the file
	action tableau.Action
	report *report.Publishing
	made   map[[2]int]string // files of parts that are not sent yet, by their buckets
}

// plan cuts the payload into parts below the limit, unless an earlier try has done so.
// All parts are made before the first is sent: what cannot be sent is known then.
func (u *dataUpdate) plan(ctx context.Context) error {
	d := u.s.delivery
	if len(d.Steps) > 1 || d.Steps[0].State != planned {
		return nil
	}
	parts, err := u.cut(ctx, d.Steps[0], u.bytes, u.t.client.MostPayload())
	if err != nil {
		return err
	}
	d.Steps = parts
	return u.s.ledger.save(ctx, d)
}

// cut divides a part of some bytes until no part is over the limit.
func (u *dataUpdate) cut(ctx context.Context, part *step, bytes, limit int64) ([]*step, error) {
	if bytes <= limit {
		return []*step{part}, nil
	}
	width := part.To - part.From
	if !u.s.delivery.Mode.Splits() || width < 2 {
		return nil, u.tooLarge(bytes, limit)
	}
	pieces := min(int(bytes*5/4/limit)+1, width) // some to spare: rows are of different sizes
	var parts []*step
	for i := range pieces {
		piece := &step{From: part.From + width*i/pieces, To: part.From + width*(i+1)/pieces, State: planned, Copies: part.copiesOfPiece()}
		size, err := u.make(ctx, piece)
		switch {
		case err != nil:
			return nil, err
		case piece.Rows == 0:
			continue
		case size > limit && size > bytes*9/10: // what remains is not rows
			return nil, u.tooLarge(size, limit)
		}
		smaller, err := u.cut(ctx, piece, size, limit)
		if err != nil {
			return nil, err
		}
		parts = append(parts, smaller...)
	}
	return parts, nil
}

func (u *dataUpdate) tooLarge(bytes, limit int64) error {
	told := failure.New(failure.Publish, "the payload has %d bytes, but the server takes at most %d, "+
		"and the rows of mode %s cannot be sent in smaller parts", bytes, limit, u.s.delivery.Mode).
		WithHint("load fewer rows (source.where), have the limit of the server raised and set publish.payload_bytes, " +
			"or publish the whole table with mode overwrite")
	if limit == u.t.client.MostPayload() { // which is known before anything is sent
		told = told.BeforeData()
	}
	return told
}

// make writes the file of a part, counts its rows, and says how many bytes it has.
func (u *dataUpdate) make(ctx context.Context, part *step) (bytes int64, err error) {
	path := filepath.Join(u.t.extract.scratch, fmt.Sprintf("payload-%d-%d.hyper", part.From, part.To))
	_ = os.Remove(path) // of an earlier try
	table := u.s.tables[0]
	part.Rows, err = u.t.takePart(ctx, u.file, path, []hyper.Selection{{Schema: table.Schema, Name: table.Name, From: part.From, To: part.To}})
	if err != nil {
		return 0, err
	}
	u.made[[2]int{part.From, part.To}] = path
	return fileSize(path)
}

// sendPart sends a part and records that it was applied. One that the server finds too
// large gives way to smaller ones.
func (u *dataUpdate) sendPart(ctx context.Context, i int) error {
	d, t := u.s.delivery, u.t
	part := d.Steps[i]
	path, err := u.pathOf(ctx, part)
	if err != nil {
		return err
	}
	size, err := fileSize(path)
	if err != nil {
		return err
	}
	part.identify()
	doubted, changed, again := part.inDoubt(), false, u.s.clock().server()
	sending := t.sending(ctx, u.s, part)
	job, err := t.client.UpdateData(ctx, tableau.Update{
		DatasourceID: d.DatasourceID, RequestID: part.RequestID, Actions: []tableau.Action{u.action}, Payload: path, Again: doubted,
		Progress: t.progress(), JobProgress: t.jobProgress,
		Sending: func() (err error) {
			if changed, err = u.untouched(ctx, part); err != nil {
				return err
			}
			again = u.s.clock().server()
			return sending()
		},
	})
	part.JobID = job.ID
	if refused := new(tableau.PayloadTooLargeError); errors.As(err, &refused) && !doubted {
		smaller, cutErr := u.cut(ctx, part, size, size/2)
		if cutErr != nil {
			part.refuse(byReply)
			return fmt.Errorf("%w: %w", cutErr, t.failed(ctx, u.s, part, err))
		}
		d.Steps = slices.Replace(d.Steps, i, i+1, smaller...)
		if err := u.s.ledger.save(ctx, d); err != nil {
			return err
		}
		return u.sendPart(ctx, i)
	}
	if err != nil {
		return fmt.Errorf("part %d of %d: %w", i+1, len(d.Steps), t.failed(ctx, u.s, part, err))
	}
	u.report.Bytes += size
	u.report.Parts++
	if path != u.file {
		_ = os.Remove(path) // it goes away with its folder, at the latest
		delete(u.made, [2]int{part.From, part.To})
	}
	if changed {
		return u.landedAfterChange(ctx, part, job, again)
	}
	return t.landed(ctx, u.s, part, byJob, tableau.Datasource{}, job.CompletedAt)
}

// untouched looks, right before a part is sent, whether somebody else changed the data source since the part before, whose rows
// may be gone then. Where this part may have been executed already, that may have been the change: changed says so.
func (u *dataUpdate) untouched(ctx context.Context, part *step) (changed bool, err error) {
	d := u.s.delivery
	matters := part.inDoubt() || slices.ContainsFunc(d.Steps, func(s *step) bool { return s.State == applied })
	if !d.Mode.Splits() || !matters {
		return false, nil
	}
	if err := u.t.look(ctx, u.s); err != nil {
		return false, err
	}
	if u.s.asWeLeftIt() {
		return false, nil
	}
	if u.s.found != nil && part.inDoubt() {
		return true, nil
	}
	d.shake()
	return false, errors.Join(u.othersChanged(), u.s.ledger.save(ctx, d))
}

// landedAfterChange is for a part that was in doubt when it was sent again, and a data source that had changed by then. Where
// an earlier try made the job, that was the change, unless the data source was changed after it, too: then this part
// may be gone as well. Where the job was made only now, the change was that of somebody else, and the parts before may be gone.
func (u *dataUpdate) landedAfterChange(ctx context.Context, part *step, job tableau.Job, again time.Time) error {
	d, since := u.s.delivery, u.s.found.UpdatedAt
	earlier := !job.CreatedAt.IsZero() && job.CreatedAt.Before(again.Truncate(time.Second))
	later := earlier && since.After(job.CompletedAt.Add(time.Second))
	if !earlier {
		d.shake()
	}
	if err := u.t.landed(ctx, u.s, part, byJob, tableau.Datasource{}, job.CompletedAt); err != nil {
		return err
	}
	if later {
		d.shake()
	}
	if !slices.ContainsFunc(d.Steps, func(s *step) bool { return s.Once }) {
		return nil
	}
	return errors.Join(u.othersChanged(), u.s.ledger.save(ctx, d))
}

func (u *dataUpdate) othersChanged() error {
	return fmt.Errorf("somebody else changed the data source %q since rows were added to it", u.s.datasource)
}

// pathOf is the file of a part. That of all rows is the whole payload.
func (u *dataUpdate) pathOf(ctx context.Context, part *step) (string, error) {
	if part.From == 0 && part.To == hyper.Buckets {
		return u.file, nil
	}
	buckets := [2]int{part.From, part.To}
	if _, ok := u.made[buckets]; !ok {
		if _, err := u.make(ctx, part); err != nil {
			return "", err
		}
	}
	return u.made[buckets], nil
}
