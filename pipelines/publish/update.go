package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// requestLife is how long the server remembers a request id (24 hours), and some to spare.
const requestLife = 23 * time.Hour

// canGoOn says whether an unfinished data update can be repeated without harm.
func (e *ledgerEntry) canGoOn() bool {
	return e.Outcome == failed || !e.Mode.Adds() || time.Since(e.Started) < requestLife
}

// partDone says whether some part of a data update, or an extract of a set, was applied.
func (e *ledgerEntry) partDone() bool {
	return e.Done > 0 || slices.ContainsFunc(e.Parts, func(part ledgerPart) bool { return part.Done })
}

// goOn prepares an entry for being tried, perhaps again, and says whether an earlier try
// may have been executed. What may have been keeps its request ids; what the server has
// refused gets new ones.
func (e *ledgerEntry) goOn(runID string) (doubtful bool) {
	doubtful = e.Outcome == unknown || e.Outcome == pending && e.RunID != runID
	if !doubtful {
		e.RunID, e.Started = runID, time.Now().UTC()
	}
	e.Outcome = pending
	return doubtful
}

// update has the server change rows of the data source, in as many parts as its limit asks for.
func (p *transfer) update(ctx context.Context, s *shipment, file string, report *report.Publishing) error {
	found, err := p.client.FindDatasource(ctx, p.project.ID, s.datasource)
	if err != nil {
		return err
	}
	s.entry.DatasourceID = found.ID
	table := s.tables[0]
	action, err := tableau.NewAction(tableau.ActionKind(s.entry.Mode),
		tableau.TableRef{Schema: table.Schema, Name: table.Name}, s.target(p.cfg.Publish), s.entry.Match)
	if err != nil {
		return err
	}
	if err := p.warnOfRepeated(ctx, s, file, report); err != nil {
		return err
	}
	u := &dataUpdate{p: p, s: s, file: file, action: action, report: report}
	if u.bytes, err = fileSize(file); err != nil {
		return err
	}
	if err := u.plan(ctx); err != nil {
		return err
	}
	for i := 0; i < len(s.entry.Parts); i++ {
		if s.entry.Parts[i].Done {
			continue
		}
		if err := u.sendPart(ctx, i); err != nil {
			return err
		}
	}
	if found, err := p.client.FindDatasource(ctx, p.project.ID, s.datasource); err == nil { // else if_changed knows less
		s.entry.Updated = found.UpdatedAt
	}
	return nil
}

// dataUpdate is a data update under way.
type dataUpdate struct {
	p      *transfer
	s      *shipment
	file   string
	bytes  int64 // of the file
	action tableau.Action
	report *report.Publishing
	made   map[ledgerPart]string // files of parts that are not sent yet
}

// plan cuts the payload into parts below the limit, unless an earlier try has done so.
// All parts are made before the first is sent: what cannot be sent is known then.
func (u *dataUpdate) plan(ctx context.Context) error {
	u.made = map[ledgerPart]string{}
	entry := u.s.entry
	if len(entry.Parts) == 0 {
		parts, err := u.cut(ctx, ledgerPart{To: hyper.Buckets}, u.bytes, u.limit())
		if err != nil {
			return err
		}
		entry.Parts = parts
	}
	return u.p.ledger.save(ctx)
}

func (u *dataUpdate) limit() int64 {
	if limit := u.p.client.PayloadLimit; limit > 0 {
		return limit
	}
	return tableau.DefaultPayloadLimit
}

// cut divides a part of some bytes until no part is over the limit.
func (u *dataUpdate) cut(ctx context.Context, part ledgerPart, bytes, limit int64) ([]ledgerPart, error) {
	if bytes <= limit {
		return []ledgerPart{part}, nil
	}
	width := part.To - part.From
	if !u.s.entry.Mode.Splits() || width < 2 {
		return nil, u.tooLarge(bytes, limit)
	}
	pieces := min(int(bytes*5/4/limit)+1, width) // some to spare: rows are of different sizes
	var parts []ledgerPart
	for i := range pieces {
		piece := ledgerPart{From: part.From + width*i/pieces, To: part.From + width*(i+1)/pieces}
		rows, size, err := u.make(ctx, piece)
		switch {
		case err != nil:
			return nil, err
		case rows == 0:
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
		"and the rows of mode %s cannot be sent in smaller parts", bytes, limit, u.s.entry.Mode).
		WithHint("load fewer rows (source.where), have the limit of the server raised and set publish.payload_bytes, " +
			"or publish the whole table with mode overwrite")
	if limit == u.limit() { // which is known before anything is sent
		told = told.BeforeData()
	}
	return told
}

// make writes the file of a part, and says how many rows and bytes it has.
func (u *dataUpdate) make(ctx context.Context, part ledgerPart) (rows, bytes int64, err error) {
	path := filepath.Join(u.p.extract.scratch, fmt.Sprintf("payload-%d-%d.hyper", part.From, part.To))
	table := u.s.tables[0]
	rows, err = u.p.takePart(ctx, u.file, path, []hyper.Selection{{Schema: table.Schema, Name: table.Name, From: part.From, To: part.To}})
	if err == nil {
		u.made[part] = path
		bytes, err = fileSize(path)
	}
	return rows, bytes, err
}

// sendPart sends a part and records that it was applied. One that the server finds too
// large gives way to smaller ones.
func (u *dataUpdate) sendPart(ctx context.Context, i int) error {
	entry := u.s.entry
	part := entry.Parts[i]
	path, err := u.pathOf(ctx, part)
	if err != nil {
		return err
	}
	id, err := u.requestID(part)
	if err != nil {
		return err
	}
	size, err := fileSize(path)
	if err != nil {
		return err
	}
	job, err := u.p.client.UpdateData(ctx, tableau.Update{
		DatasourceID: entry.DatasourceID, RequestID: id, Actions: []tableau.Action{u.action}, Payload: path,
		Progress: u.p.progress(), JobProgress: u.p.jobProgress,
	})
	if refused := new(tableau.PayloadTooLargeError); errors.As(err, &refused) {
		smaller, cutErr := u.cut(ctx, part, size, size/2)
		if cutErr != nil {
			return fmt.Errorf("%w: %w", cutErr, err)
		}
		entry.Parts = slices.Replace(entry.Parts, i, i+1, smaller...)
		if err := u.p.ledger.save(ctx); err != nil {
			return err
		}
		return u.sendPart(ctx, i)
	}
	if err != nil {
		return fmt.Errorf("part %d of %d: %w", i+1, len(entry.Parts), err)
	}
	u.report.Bytes += size
	u.report.Parts++
	entry.JobID = job.ID
	entry.Parts[i].Done, entry.Parts[i].JobID = true, job.ID
	if path != u.file {
		_ = os.Remove(path) // it goes away with its folder, at the latest
	}
	return u.p.ledger.save(ctx)
}

// pathOf is the file of a part. That of all rows is the whole payload.
func (u *dataUpdate) pathOf(ctx context.Context, part ledgerPart) (string, error) {
	if part.From == 0 && part.To == hyper.Buckets {
		return u.file, nil
	}
	if _, ok := u.made[part]; !ok {
		if _, _, err := u.make(ctx, part); err != nil {
			return "", err
		}
	}
	return u.made[part], nil
}

// requestID is the same whenever the same is meant to happen once.
func (u *dataUpdate) requestID(part ledgerPart) (string, error) {
	entry := u.s.entry
	meant, err := json.Marshal([]any{
		entry.RunID, entry.Server, entry.Site, entry.DatasourceID, entry.Content, u.action, part.From, part.To,
	})
	if err != nil {
		return "", fmt.Errorf("derive a request id: %w", err)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, meant).String(), nil
}
