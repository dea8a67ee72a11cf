package publish

import (
	"slices"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

// verdict is what is to be done about a delivery.
type verdict int

const (
	send   verdict = iota // all of it
	goOn                  // with one that was begun
	leave                 // the data source has it
	ask                   // nobody knows: look for evidence, or let somebody look
	refuse                // rows would be there twice
)

// decision is a verdict, and the earlier delivery because of which it is.
type decision struct {
	verdict
	earlier *delivery
}

// situation is all that a verdict depends on.
type situation struct {
	want      *delivery
	ledger    *ledger
	found     *tableau.Datasource // the data source as it is now; nil if there is none
	now       clock
	ifChanged bool
}

// decide compares what is wanted with what the ledger says and how the data source is. It changes
// nothing, but for what was applied once and may be gone, which is in doubt from then on.
func (s situation) decide() decision {
	live := s.ledger.live(s.found)
	switch {
	case s.want.Mode.Adds():
		return s.decideAdding(live)
	case s.want.Mode.Updates():
		return s.decideChanging(live)
	}
	return s.decideRenewing(live)
}

// untouched says whether nobody else changed the data source since our last change.
func (s situation) untouched() bool { return s.ledger.untouched(s.found) }

// decideRenewing is about modes after which the data source holds nothing but the extract. Sending
// it again does no harm, but to one that must not exist, and to extracts that are appended to the first.
func (s situation) decideRenewing(live []*delivery) decision {
	if len(live) == 0 {
		return decision{}
	}
	latest := live[0]
	switch latest.progress() {
	case inDoubt:
		switch {
		case !latest.same(s.want):
		case s.want.Mode == config.PublishMode(tableau.Create), !latest.Steps[0].inDoubt():
			return decision{ask, latest}
		case s.want.Set != "":
			return decision{goOn, latest}
		default:
			return decision{send, latest}
		}
	case partly:
		if latest.same(s.want) && s.untouched() {
			return decision{goOn, latest}
		}
	case wholly:
		same := latest.same(s.want) || latest.Content != "" && latest.Content == s.want.Content && (latest.Mode.Renews() || latest.Mode.Syncs())
		if s.ifChanged && same && s.untouched() {
			return decision{leave, latest}
		}
	}
	return decision{}
}

// decideChanging is about modes that change rows that are there. Sending all of it again leaves the same.
func (s situation) decideChanging(live []*delivery) decision {
	if len(live) == 0 || !live[0].same(s.want) {
		return decision{}
	}
	latest := live[0]
	switch progress := latest.progress(); {
	case progress == partly && s.untouched():
		return decision{goOn, latest}
	case progress == wholly && s.ifChanged && s.untouched():
		return decision{leave, latest}
	case progress == inDoubt:
		return decision{send, latest}
	}
	return decision{}
}

// decideAdding is about modes after which rows that are sent twice are there twice.
func (s situation) decideAdding(live []*delivery) decision {
	removed := false
	for i, earlier := range live {
		if earlier.Mode.Fills() && earlier.Content == s.want.Content && earlier.Content != "" {
			// A change of the data source may be that of others, who removed rows, or the one of which nobody knows.
			excused := i == 0 && earlier.progress() == inDoubt
			return s.decideAgain(earlier, removed || !excused && !s.untouched())
		}
		removes := earlier.Mode.Updates() && !earlier.Mode.Adds() || earlier.Mode.Renews() || earlier.Mode.Syncs()
		removed = removed || removes || earlier.AfterOthers
	}
	return decision{}
}

// decideAgain is about rows that were sent before. gone says that they may not be there any more.
func (s situation) decideAgain(earlier *delivery, gone bool) decision {
	if gone {
		earlier.shake()
	}
	repeatable := !slices.ContainsFunc(earlier.doubtful(), func(d *step) bool { return !d.repeatable(s.now) })
	if earlier.progress() == inDoubt && repeatable && earlier.same(s.want) && s.want.Mode.Updates() {
		return decision{goOn, earlier}
	}
	return s.settled(earlier)
}

// settled is what is to be done about an earlier delivery of the same rows, by what is known of it alone: once its rows or
// somebody who looked have told that, it says nothing of older ones.
func (s situation) settled(earlier *delivery) decision {
	switch earlier.progress() {
	case inDoubt:
		if earlier.Set != "" && earlier.Steps[0].inDoubt() && earlier.Mode != config.PublishMode(tableau.Create) && earlier.same(s.want) {
			return decision{goOn, earlier}
		}
		return decision{ask, earlier}
	case nothing:
		return decision{}
	case partly:
		if earlier.same(s.want) {
			return decision{goOn, earlier}
		}
	case wholly:
		if earlier.same(s.want) || earlier.Mode.Adds() || s.ifChanged {
			return decision{leave, earlier}
		}
	}
	return decision{refuse, earlier}
}

// answer takes in what somebody who looked says: that what is in doubt is there, or that it is not. It
// returns whether there was anything in doubt.
func (d decision) answer(now state) bool {
	if d.earlier == nil || d.earlier.progress() != inDoubt {
		return false
	}
	d.earlier.settle(now, byUser)
	return true
}
