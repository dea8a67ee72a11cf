package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// maxUnitsAtOnce bounds the units of one request: servers have choked on very large conditions.
const maxUnitsAtOnce = 100

// wholeError says that all rows have to be sent, since those that changed cannot be sent alone.
type wholeError struct{ reason string }

func (e *wholeError) Error() string { return "all rows have to be sent: " + e.reason }

// unitSync is mode sync under way. Each request deletes the rows of some units and inserts those that they have now, all or
// nothing: whether it is executed once or twice makes no difference.
type unitSync struct {
	t      *transfer
	s      *shipment
	report *report.Publishing
	files  map[*step]string // payloads, of those steps that have one
}

// sendUnits has the server exchange the rows of the units that the data source may have others of, in as many requests as its
// limit asks for. It fails with a *wholeError where that cannot be done.
func (t *transfer) sendUnits(ctx context.Context, s *shipment, made *report.Publishing) error {
	u := &unitSync{t: t, s: s, report: made, files: map[*step]string{}}
	parts, err := u.cut(ctx, &step{units: s.units.changed(s.ledger.Units)})
	if err != nil {
		return err
	}
	done := slices.DeleteFunc(slices.Clone(s.delivery.Steps), func(s *step) bool { return s.State != applied }) // by an earlier try
	s.delivery.Steps = append(done, parts...)
	for _, part := range parts {
		if err := u.send(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// cut divides a part until it has few units, and its payload is below the limit. All payloads are made before anything is sent.
func (u *unitSync) cut(ctx context.Context, part *step) ([]*step, error) {
	limit := u.t.client.MostPayload()
	pieces := (len(part.units) + maxUnitsAtOnce - 1) / maxUnitsAtOnce
	if pieces == 1 {
		size, err := u.make(ctx, part)
		if err != nil || size <= limit {
			return []*step{part}, err
		}
		if err := os.Remove(u.files[part]); err != nil {
			return nil, err
		}
		if len(part.units) == 1 {
			return nil, &wholeError{fmt.Sprintf("a unit that changed has %d bytes, but the server takes at most %d", size, limit)}
		}
		pieces = min(int(size*5/4/limit)+1, len(part.units))
	}
	var parts []*step
	for i := range pieces {
		from, to := len(part.units)*i/pieces, len(part.units)*(i+1)/pieces
		some, err := u.cut(ctx, &step{units: part.units[from:to]})
		if err != nil {
			return nil, err
		}
		parts = append(parts, some...)
	}
	return parts, nil
}

// make writes the payload of a part, if it has rows, and says how many bytes that has.
func (u *unitSync) make(ctx context.Context, part *step) (bytes int64, err error) {
	part.Rows, part.State = u.s.units.rowsOf(part.units), planned
	if part.Rows == 0 {
		return 0, nil
	}
	path := filepath.Join(u.t.extract.scratch, fmt.Sprintf("units-%d.hyper", len(u.files)))
	_ = os.Remove(path) // of an earlier try
	table := u.s.tables[0]
	var present []string
	for _, key := range part.units {
		if _, stays := u.s.units.content[key]; stays {
			present = append(present, key)
		}
	}
	rows, err := u.t.takePart(ctx, u.t.extract.path, path, []hyper.Selection{{
		Schema: table.Schema, Name: table.Name, Units: present, UnitColumns: u.s.units.names(),
	}})
	if err != nil {
		return 0, err
	}
	if rows != part.Rows {
		return 0, failure.New(failure.Hyperd, "units have %d rows in the extract, but %d in what is to be sent", part.Rows, rows).
			WithHint("nothing was sent; publish with mode overwrite, and report this")
	}
	u.files[part] = path
	return fileSize(path)
}

// actions are those of a part.
func (u *unitSync) actions(part *step) ([]tableau.Action, error) {
	table := tableau.TableRef{Schema: u.s.tables[0].Schema, Name: u.s.tables[0].Name}
	var all []tableau.Action
	for _, key := range part.units {
		conditions, why := u.s.units.conditions(key)
		if why != "" {
			return nil, &wholeError{why}
		}
		all = append(all, tableau.DeleteWhere(table, conditions...))
	}
	if part.Rows == 0 {
		return all, nil
	}
	insert, err := tableau.NewAction(tableau.Insert, table, table, nil)
	return append(all, insert), err
}

// send sends a part and records that it was applied. Right before, it looks whether the data source still is as it was left.
func (u *unitSync) send(ctx context.Context, part *step) error {
	t, s := u.t, u.s
	actions, err := u.actions(part)
	if err != nil {
		return err
	}
	part.identify()
	sending, changed := t.sending(ctx, s, part), false
	job, err := t.client.UpdateData(ctx, tableau.Update{
		DatasourceID: s.delivery.DatasourceID, RequestID: part.RequestID, Actions: actions, Payload: u.files[part],
		Progress: t.progress(), JobProgress: t.jobProgress,
		Sending: func() error {
			if err := t.look(ctx, s); err != nil {
				return err
			}
			if changed = !s.asWeLeftIt(); changed {
				return errors.New("the data source was changed meanwhile")
			}
			return sending()
		},
	})
	part.JobID = job.ID
	if err != nil {
		err = t.failed(ctx, s, part, err)
		switch {
		case changed:
			return errors.Join(&wholeError{"the data source was changed meanwhile"}, err)
		case errors.As(err, new(*tableau.PayloadTooLargeError)):
			return errors.Join(&wholeError{"the server takes no payload of that size"}, err)
		}
		return err
	}
	if path := u.files[part]; path != "" {
		size, err := fileSize(path)
		if err != nil {
			return err
		}
		u.report.Bytes += size
	}
	u.report.Parts++
	return t.landed(ctx, s, part, byJob, tableau.Datasource{}, job.CompletedAt)
}

// rememberUnits notes what a data source has that has all rows of the extract already, where nobody knew by units.
func (t *transfer) rememberUnits(ctx context.Context, s *shipment) error {
	if s.units == nil || s.ledger.Units != nil {
		return nil
	}
	s.ledger.Units = s.units.held()
	return s.ledger.save(ctx, s.earlier)
}

// sendAllInstead begins a delivery of all rows, since those of the units that changed cannot be sent alone.
func (t *transfer) sendAllInstead(ctx context.Context, s *shipment, made *report.Publishing, why error) error {
	var whole *wholeError
	errors.As(why, &whole)
	t.options.Log.Warn("all rows are sent", "datasource", s.datasource, "reason", whole.reason, "error", why)
	all := t.newDelivery()
	all.Content, all.Rows = s.want.Content, s.want.Rows
	s.want, s.reason, s.instead = all, whole.reason, true
	s.wantAll()
	made.Rows = s.want.Rows
	return t.begin(ctx, s)
}
