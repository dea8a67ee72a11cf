package modeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
)

// truth is what somebody who looks at the data source can say of what is in doubt; nothing at all, where a part
// of that is there.
type truth struct{ applied, missing bool }

// look says what is true of a command. Of rows that were added, the ledger says which are in doubt.
func (r *run) look(c *command) (found truth, err error) {
	if outputs[c.output].parts > 0 { // of a set, whoever looks cannot tell which of the extracts are meant
		return truth{missing: true}, nil
	}
	if !c.mode.Adds() {
		holds := r.model[0].holds(c)
		return truth{applied: holds, missing: !holds}, nil
	}
	x := outputs[c.output]
	before, known, doubtful, err := r.recorded(x)
	if err != nil {
		return found, err
	}
	if doubtful == 0 { // what was applied is in doubt once others have changed the data source
		known, doubtful = 0, known
	}
	for _, s := range r.model {
		there := s.have[x].count()
		if s.believed {
			continue // the rows say otherwise
		}
		if twice := r.model[0].rows.copies(x.rows); before > 0 && twice >= before { // forced: those of before are there besides
			found.applied = found.applied || twice == before+known+doubtful
			found.missing = found.missing || twice == before+known
			continue
		}
		found.applied = found.applied || there > 0 && (there == x.rows.count() || there == known+doubtful)
		found.missing = found.missing || there == known || there == 0
	}
	return found, nil
}

// recorded is how many rows the ledger counts as there, and how many it does not know of, of the latest delivery of an extract; and
// how many it counts of those before.
func (r *run) recorded(x *extract) (before, known, doubtful int64, err error) {
	paths, err := r.userLedgers()
	if err != nil {
		return 0, 0, 0, err
	}
	for _, path := range paths {
		var ledger struct {
			Deliveries []struct {
				Rows  int64
				Steps []struct {
					Rows  int64
					State string
				}
			}
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &ledger)
		}
		if err != nil {
			return 0, 0, 0, err
		}
		for _, d := range ledger.Deliveries {
			if d.Rows != x.rows.count() {
				continue
			}
			k, u := int64(0), int64(0)
			for _, s := range d.Steps {
				switch s.State {
				case "applied":
					k += s.Rows
				case "sent", "unknown":
					u += s.Rows
				}
			}
			if k+u > 0 {
				before, known, doubtful = before+known, k, u
			}
		}
	}
	return before, known, doubtful, nil
}

// way is a command that the last line of a failure names.
type way struct {
	said  string // before it
	flags string // behind the command line
}

var wayPattern = regexp.MustCompile("([^`]*)`" + regexp.QuoteMeta(base) + "([^`]*)`")

// waysOn are the commands that a failure names.
func waysOn(told error) (ways []way) {
	if errors.Is(told, context.Canceled) { // whoever stopped it knows the command
		return []way{{}}
	}
	for _, found := range wayPattern.FindAllStringSubmatch(failure.Of(told, failure.Engine).Hint, -1) {
		ways = append(ways, way{said: found[1], flags: strings.TrimSpace(found[2])})
	}
	return ways
}

// take is the command of a way.
func (w way) take(c *command) *command {
	next := *c
	next.mishaps, next.force, next.applied, next.missing = nil, false, false, false
	words := strings.Fields(w.flags)
	for i, word := range words {
		switch word {
		case "--force":
			next.force = true
		case "--applied":
			next.applied = true
		case "--missing":
			next.missing = true
		case "--confirm":
			next.confirm = config.Confirmation(words[i+1])
		case "--mode":
			next.mode = config.PublishMode(words[i+1])
		}
	}
	return &next
}

// isTrue says whether a way may be gone by somebody who tells the truth.
func (w way) isTrue(seen truth) bool {
	switch {
	case strings.Contains(w.flags, "--applied"):
		return seen.applied
	case strings.Contains(w.flags, "--missing"), strings.Contains(w.said, "if the rows are not there"):
		return seen.missing
	case strings.Contains(w.said, "adds the rest"):
		return false // the other way does
	}
	return true
}

// isDefinite says whether a failure is none of the memory's: what the mode needs is not so.
func (r *run) isDefinite(c *command, told error) bool {
	exists, text := r.model[0].rows != nil, told.Error()
	return exists && c.mode == create && strings.Contains(text, "exists already") ||
		!exists && strings.Contains(text, "not found in the project")
}

// partlyThere says whether some rows that were added are there still, but not all, once or once more.
func (r *run) partlyThere(c *command) bool {
	rows, all := outputs[c.output].rows, r.model[0].rows
	return c.mode.Adds() && all.meets(rows) && (!all.has(rows) || all.copies(rows)%rows.count() != 0)
}

// maxWays bounds how many commands finish the work.
const maxWays = 10

var waitPattern = regexp.MustCompile(`repeat (?:this|it) in ([0-9hms]+)`)

// finish follows what the last line says until a command succeeds.
func (r *run) finish(ctx context.Context, c *command, told error) error {
	tried := map[string]int{}
	for range maxWays {
		if told == nil || r.isDefinite(c, told) {
			return nil
		}
		if wait := waitPattern.FindStringSubmatch(told.Error() + failure.Of(told, failure.Engine).Hint); wait != nil {
			d, err := time.ParseDuration(wait[1])
			if err != nil {
				return err
			}
			r.StepClock(d)
		}
		seen, err := r.look(c)
		if err != nil {
			return err
		}
		var next *way
		all := waysOn(told)
		for _, i := range r.draw.Perm(len(all)) {
			if each := all[i]; each.isTrue(seen) && (next == nil || tried[each.flags] < tried[next.flags]) {
				next = &each
			}
		}
		if next == nil && r.partlyThere(c) { // which is for people to decide
			return nil
		}
		if next == nil {
			return fmt.Errorf("no way on is named by %w; %s", told, failure.Of(told, failure.Engine).Hint)
		}
		tried[next.flags]++
		if told, err = r.try(ctx, next.take(c)); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %d commands, it still ends with %w; %s", maxWays, told, failure.Of(told, failure.Engine).Hint)
}
