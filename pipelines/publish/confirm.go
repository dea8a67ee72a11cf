package publish

import (
	"context"
	"fmt"
	"os"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// How long what was not answered may still be executed, before rows that are missing count as missing: a
// request that the server answers at once, and a job, which may take as long as the server lets it.
const (
	requestSettling = 15 * time.Second
	jobSettling     = 2 * time.Hour
)

// lookAgain is how long to wait before a data source is downloaded again.
const lookAgain = 5 * time.Second

// confirm downloads the data source and finds out what became of a delivery, by its rows. What stays in doubt
// after that is an error that says why.
func (t *transfer) confirm(ctx context.Context, s *shipment, d *delivery) error {
	for {
		if err := t.look(ctx, s); err != nil {
			return err
		}
		if s.found == nil {
			return t.gone(ctx, s, d)
		}
		wait, err := t.compare(ctx, s, d)
		if err != nil {
			return failure.New(failure.Publish, "find out what became of the rows: %w", err).WithHint("%s", tableau.Hint(err))
		}
		if wait == 0 {
			if d.progress() == inDoubt {
				return failure.New(failure.Publish, "the rows of %q do not tell what became of those that were sent", s.datasource).
					WithHint("somebody else may have changed it, or the same rows were there before")
			}
			s.ledger.accounted(d, *s.found, s.counted)
			if d == s.delivery && d.progress() == wholly { // all of its content was compared, if it is to be remembered
				s.ledger.Units = s.units.held()
			}
			return s.ledger.save(ctx, d)
		}
		if wait > requestSettling {
			return failure.New(failure.Publish, "the rows are not in %q, but the server may still be at work on them", s.datasource).
				WithHint("repeat this in %s", wait.Round(time.Minute))
		}
		if err := t.client.Wait(ctx, min(wait, lookAgain)); err != nil {
			return err
		}
	}
}

// gone is for a data source that does not exist: whatever was sent is not there.
func (t *transfer) gone(ctx context.Context, s *shipment, d *delivery) error {
	d.settle(missing, byRows)
	return s.ledger.save(ctx, d)
}

// compare downloads the data source, and settles what its rows tell. It returns how long to wait before they
// tell more; 0 if that will not help.
func (t *transfer) compare(ctx context.Context, s *shipment, d *delivery) (time.Duration, error) {
	path, err := t.download(ctx, s)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(path) }() // it goes away with its folder, at the latest
	if d.Mode.Syncs() || d.Mode.Renews() && d.Set == "" && !s.want.Mode.Adds() {
		return t.compareContent(ctx, d, path, s)
	}
	seen, longest := scene{base: d.Before, untouched: s.ledger.untouched(s.found)}, time.Duration(0)
	if d.Mode.Renews() { // nothing of what was there before is left
		seen.base = 0
	}
	if !s.ledger.isLatest(d) { // others of ours came after
		seen.base = -1
	}
	for i, step := range d.Steps {
		if step.State == planned || step.State == missing {
			continue
		}
		held, err := t.holding(ctx, s, d, i, path)
		if err != nil {
			return 0, err
		}
		s.counted = held.Others
		longest = max(longest, t.weigh(s, step, seen.judge(step, held)))
		if seen.base >= 0 && step.State == applied {
			seen.base += step.Rows
		}
	}
	if d.Set != "" && longest == 0 && d.progress() == partly && s.counted != d.rowsApplied() {
		d.beginAgain() // among rows of others, a set is not complete by what is missing
	}
	return longest, s.ledger.save(ctx, d)
}

// download fetches what the data source holds, for a comparison with it.
func (t *transfer) download(ctx context.Context, s *shipment) (path string, err error) {
	t.tell("download what is there")
	path, err = t.client.Download(ctx, s.found.ID, 0, t.extract.scratch)
	t.tell("compare it")
	return path, err
}

// weigh settles a step by what its rows tell: applied or missing, or unknown. It returns how long to wait before
// rows that are missing count as missing.
func (t *transfer) weigh(s *shipment, step *step, told state) time.Duration {
	switch told {
	case applied:
		step.settle(applied, byRows)
	case missing:
		if wait := t.settling(s, step); wait > 0 {
			return wait
		}
		step.settle(missing, byRows)
	default:
		step.shake()
	}
	return 0
}

// scene is what is known of a data source besides its rows.
type scene struct {
	base      int64 // rows that it had before a step; -1 if nobody knows
	untouched bool  // nobody has changed it since the last change of ours that is known
}

// judge says what the rows of a data source tell of a step that was sent: applied, missing, or unknown. What counts is how many
// rows like those of the step are there, if somebody counted them before: then others may have done to other rows
// whatever they liked. Else all of them must be there, and as many rows more than before; or none of them.
func (now scene) judge(s *step, held hyper.Holding) state {
	switch before := s.Copies; {
	case held.Copies == 0 && held.Rows > 0:
		return missing
	case before != nil && held.All && (*before == 0 || held.Copies == *before+held.Rows):
		return applied
	case before != nil && *before > 0 && held.Copies == *before && !s.Once:
		return missing
	case before != nil:
		return unknown
	case held.All && (s.Once || s.State == applied || now.base >= 0 && held.Others == now.base+held.Rows):
		return applied
	case now.base >= 0 && held.Others == now.base && now.untouched && !s.Once && s.State != applied:
		return missing
	}
	return unknown
}

// settling is how long a step that was not answered may still be executed.
func (t *transfer) settling(s *shipment, step *step) time.Duration {
	if step.Once || step.JobGone || step.State == applied {
		return 0
	}
	settling := requestSettling
	if step.RequestID != "" || step.JobID != "" || t.client.RunsAsJob(tableau.AsJob(t.cfg.Publish.AsJob), t.extract.bytes) {
		settling = jobSettling
	}
	if t.options.Settling > 0 {
		settling = t.options.Settling
	}
	return max(settling-s.clock().server().Sub(step.Sent), 0)
}

// compareContent settles a publication of all that the data source holds.
func (t *transfer) compareContent(ctx context.Context, d *delivery, path string, s *shipment) (time.Duration, error) {
	content, err := hyper.ReadContent(ctx, t.lease, path)
	if err != nil {
		return 0, err
	}
	s.counted = -1
	hash, err := content.Hash(func(string, string) bool { return true })
	if err != nil {
		return 0, err
	}
	if hash == d.Content {
		d.settle(applied, byRows)
		return 0, nil
	}
	if wait := t.settling(s, d.Steps[0]); wait > 0 {
		return wait, nil
	}
	d.settle(missing, byRows)
	return 0, nil
}

// holding counts how much of a step's rows a downloaded data source holds.
func (t *transfer) holding(ctx context.Context, s *shipment, d *delivery, i int, path string) (hyper.Holding, error) {
	if d.Set != "" {
		member := t.extract.set.Extracts[i]
		file, err := t.fetchMember(ctx, member)
		if err != nil {
			return hyper.Holding{}, err
		}
		p, err := t.parcelOf(ctx, file, s.datasource)
		if err != nil {
			return hyper.Holding{}, err
		}
		table := p.tables[0]
		return hyper.Compare(ctx, t.lease, file, hyper.Selection{Schema: table.Schema, Name: table.Name}, path, table.Schema, table.Name)
	}
	if len(s.tables) != 1 {
		return hyper.Holding{}, fmt.Errorf("%d tables go to the data source", len(s.tables))
	}
	table, step := s.tables[0], d.Steps[i]
	selection := hyper.Selection{Schema: table.Schema, Name: table.Name, From: step.From, To: step.To}
	target := s.target(t.cfg.Publish)
	if !d.Mode.Updates() {
		target = tableau.TableRef{Schema: table.Schema, Name: table.Name}
	}
	return hyper.Compare(ctx, t.lease, t.extract.path, selection, path, target.Schema, target.Name)
}

// count counts the rows that the data source has before rows are added to it, and those that are like one of the latter. It
// says whether all of the latter are there.
func (t *transfer) count(ctx context.Context, s *shipment) (there bool, err error) {
	path, err := t.download(ctx, s)
	if err != nil {
		return false, fmt.Errorf("count the rows of the data source: %w", err)
	}
	defer func() { _ = os.Remove(path) }() // it goes away with its folder, at the latest
	held, err := t.holding(ctx, s, s.want, 0, path)
	if err != nil {
		return false, fmt.Errorf("count the rows of the data source: %w", err)
	}
	s.want.Before, s.want.Steps[0].Copies = held.Others, &held.Copies
	return held.Rows > 0 && held.All, nil
}

// lookBefore looks whether the data source has the rows already that are to be added, which another ledger may know of. Those
// that are there are remembered, and left.
func (t *transfer) lookBefore(ctx context.Context, s *shipment) error {
	there, err := t.count(ctx, s)
	if err != nil || !there {
		return err
	}
	t.options.Log.Info("the data source has these rows, whoever brought them", "datasource", s.datasource)
	s.want.ID, s.want.DatasourceID = t.deliveryID(s), s.found.ID
	for _, step := range s.want.Steps {
		step.settle(applied, byRows)
	}
	s.ledger.add(s.want)
	s.ledger.accounted(s.want, *s.found, s.want.Before)
	s.decision = decision{leave, s.want}
	return s.ledger.save(ctx, s.want)
}
