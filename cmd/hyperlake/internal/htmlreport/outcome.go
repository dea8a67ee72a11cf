package htmlreport

import (
	"fmt"

	"hyperlake/internal/words"
)

// The outcomes of a run, as reports name them.
const (
	succeeded   = "succeeded"
	rejected    = "rejected"
	failed      = "failed"
	unpublished = "unpublished"
	interrupted = "interrupted"
	unchanged   = "unchanged"
	running     = "running"
	lost        = "lost"
)

// Outcome is how a run ended.
type Outcome struct {
	Label    string // a word or two
	Sentence string // what became of the extract
	Mark     Mark
}

// Mark is a judgement as a page draws it: a sign, and the name of its color.
type Mark struct {
	Sign, Color string
}

// The judgements.
var (
	good    = Mark{"✓", "good"}
	bad     = Mark{"✗", "bad"}
	doubt   = Mark{"!", "doubt"}
	neutral = Mark{"–", "neutral"}
)

// Outcome says how the run ended.
func (r *Report) Outcome() Outcome {
	const (
		untouched = " The output path holds what it held before."
		atMost    = " The output path holds a whole extract: the one of before, or that of this run."
	)
	switch r.Status {
	case succeeded:
		if r.IngestOnly {
			return Outcome{"Succeeded", "The rows are in the lake. No extract was to be made.", good}
		}
		return Outcome{"Succeeded", r.inPlace(), good}
	case rejected:
		return Outcome{"Rejected", r.whatBroke() + untouched, bad}
	case unpublished:
		return Outcome{"Unpublished", "The extract is in place, but publishing it failed.", doubt}
	case interrupted:
		if r.Output.SHA256 != "" { // known only of an extract that is in place
			return Outcome{"Interrupted", "The extract is in place, but the run was stopped before it was published.", doubt}
		}
		return Outcome{"Interrupted", "The run was stopped before it was done." + untouched, doubt}
	case unchanged:
		return Outcome{"Unchanged", "Nothing changed since the last run: the extract that was in place stays as it was.", good}
	case running:
		return Outcome{"Running", "The run had not ended when this was written.", neutral}
	case lost:
		return Outcome{"Lost", "The run ended without a word: its process was killed, or its machine stopped." + atMost, bad}
	case failed:
		if r.Output.SHA256 != "" { // known only of an extract that is in place
			return Outcome{"Failed", "The extract is in place, but the run failed after that.", bad}
		}
		return Outcome{"Failed", "No extract was made." + untouched, bad}
	}
	return Outcome{r.Status, "This version of hyperlake does not know this outcome.", neutral}
}

func (r *Report) whatBroke() string {
	if r.Error != nil && r.Error.Kind == "check" {
		return "A check of the finished extract did not hold, so it was not moved into place."
	}
	return "The data broke a rule or a threshold, so no extract was moved into place."
}

func (r *Report) inPlace() string {
	rows := r.Total(func(t *Table) *int64 { return t.RowsLoaded })
	if rows == nil {
		return "The extract is in place."
	}
	be := "are"
	if *rows == 1 {
		be = "is"
	}
	return fmt.Sprintf("%s in %s %s in place.", words.Count(*rows, "row"), words.Count(int64(len(r.Tables)), "table"), be)
}

// Total adds up a figure of all tables; it is nil if one of them lacks it, or if there
// are no tables.
func (r *Report) Total(figure func(*Table) *int64) *int64 {
	if len(r.Tables) == 0 {
		return nil
	}
	var sum int64
	for i := range r.Tables {
		n := figure(&r.Tables[i])
		if n == nil {
			return nil
		}
		sum += *n
	}
	return &sum
}

// Mark judges a check.
func (c Check) Mark() Mark {
	if c.Passed {
		return good
	}
	return broken(c.OnFail)
}

// broken judges what did not hold, by what becomes of a run then.
func broken(onFail string) Mark {
	if onFail == "warn" {
		return doubt
	}
	return bad
}

// Result says how a check ended, in words.
func (c Check) Result() string {
	switch {
	case c.Passed:
		return "passed"
	case c.Offending != nil:
		return "failed, " + words.Count(*c.Offending, "offending row")
	case c.Message != "":
		return "failed: " + c.Message
	}
	return "failed"
}
