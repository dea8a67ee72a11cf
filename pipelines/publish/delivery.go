package publish

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"hyperlake/pipelines/config"
)

// state is what is known of one request that changes a data source. Only evidence takes it
// from one state to another:
//
//	planned ─ send ─▶ sent ─ reply or end of the job ─▶ applied
//	                   │  └─ refused, or the job failed ─▶ missing ─ send ─▶ sent
//	                   └─ no answer, or the process died ─▶ unknown
//	unknown ─ the same RequestID again ─▶ sent;  ─ rows, or somebody who looked ─▶ applied or missing
//
// Whoever refuses a repetition of what is unknown says nothing about the first request: it stays unknown.
type state string

const (
	planned state = "planned" // nothing was sent
	sent    state = "sent"    // it is on its way; of a process that died, nobody knows more
	applied state = "applied" // the data source has it
	missing state = "missing" // the data source does not have it
	unknown state = "unknown" // it was sent, and nobody knows what became of it
)

// evidence is why a state is known.
type evidence string

const (
	byReply evidence = "reply" // the server answered this very request
	byJob   evidence = "job"   // the job of this very request ended
	byRows  evidence = "rows"  // the data source was downloaded, and its rows compared
	byUser  evidence = "user"  // somebody looked, and said so
)

// step is one request that changes the data source.
type step struct {
	// From and To bound the buckets of rows of a part of a payload, see [hyper.Selection]; both 0: all.
	From int   `json:"from,omitempty"`
	To   int   `json:"to,omitempty"`
	Rows int64 `json:"rows"`

	units []string // keys of the units whose rows it exchanges, in mode sync

	State    state    `json:"state"`
	Evidence evidence `json:"evidence,omitempty"`

	// RequestID is that of a data update: the server executes it once, within a day of Sent.
	RequestID string    `json:"request_id,omitempty"`
	Sent      time.Time `json:"sent,omitzero"`       // when it was first sent, by the server's clock
	SentLocal time.Time `json:"sent_local,omitzero"` // and by that of this machine
	JobID     string    `json:"job_id,omitempty"`
	JobGone   bool      `json:"job_gone,omitempty"` // the server has forgotten the job, so that it ended

	// Doubted says that a request of these rows may have been executed, whatever later ones are told.
	Doubted bool `json:"doubted,omitempty"`

	// Once says that it was applied, but somebody else changed the data source since.
	Once bool `json:"once,omitempty"`

	// Copies is how many rows the data source had, before anything was sent, that are like one of its own; nil if
	// nobody counted.
	Copies *int64 `json:"copies_before,omitempty"`
}

// copiesOfPiece is the same for a piece of it: known where there were none.
func (s *step) copiesOfPiece() *int64 {
	if s.Copies != nil && *s.Copies == 0 {
		return s.Copies
	}
	return nil
}

// inDoubt says whether nobody knows what became of it.
func (s *step) inDoubt() bool { return s.State == sent || s.State == unknown }

// send notes that it is about to be sent. doubted says that it was in doubt before this command.
func (s *step) send(at clock, doubted bool) {
	s.Doubted = doubted
	if !doubted {
		s.Sent, s.SentLocal = at.server(), at.local
	}
	s.State, s.Evidence, s.JobID, s.JobGone = sent, "", "", false
}

// abandon notes that the process died that was sending it.
func (s *step) abandon() {
	if s.State == sent {
		s.State = unknown
	}
}

// identify gives it the id by which the server knows it again. What is in doubt keeps its own.
func (s *step) identify() {
	if !s.inDoubt() || s.RequestID == "" {
		s.RequestID = uuid.NewString()
	}
}

// settle notes that it is known now, one way or the other.
func (s *step) settle(now state, by evidence) {
	s.State, s.Evidence, s.Doubted, s.Once = now, by, false, false
}

// refuse notes that nothing was executed of what this command has sent, by what the server or the way there answered,
// or by the end of the job.
func (s *step) refuse(by evidence) {
	if s.Doubted {
		s.State = unknown
		return
	}
	s.settle(missing, by)
}

// clock is the time, here and at the server.
type clock struct {
	local time.Time
	ahead time.Duration // of the server's clock
}

func (c clock) server() time.Time { return c.local.Add(c.ahead) }

// requestLife is how long the server remembers a request id (24 hours), and some to spare.
const requestLife = 23 * time.Hour

// repeatable says whether the server still knows the id of what was sent. A clock that was put
// back is no proof.
func (s *step) repeatable(now clock) bool {
	for _, age := range []time.Duration{now.server().Sub(s.Sent), now.local.Sub(s.SentLocal)} {
		if age < -time.Minute || age > requestLife {
			return false
		}
	}
	return s.RequestID != "" && !s.Once
}

// delivery is an extract on its way to one data source, or there.
type delivery struct {
	ID       string `json:"id"`
	Sequence int    `json:"sequence"` // among those to the same data source
	Revision int    `json:"revision"` // of this record
	RunID    string `json:"run_id"`

	SHA256  string `json:"sha256"`  // of the extract's bytes
	Content string `json:"content"` // hash of what is in the tables, see [hyper.Content.Hash]
	Set     string `json:"set,omitempty"`
	Rows    int64  `json:"rows"`

	Mode   config.PublishMode  `json:"mode"`
	Match  []string            `json:"match,omitempty"`
	Target config.TargetConfig `json:"target,omitzero"`

	// AfterOthers says that somebody else may have changed the data source since our last change
	// before: what was there of us may be gone.
	AfterOthers bool `json:"after_others,omitempty"`

	DatasourceID string  `json:"datasource_id,omitempty"`
	Before       int64   `json:"rows_before"` // that the data source had; -1 if nobody counted
	Steps        []*step `json:"steps"`

	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
}

// progress is how far a delivery came.
type progress int

const (
	nothing progress = iota // the data source has nothing of it
	partly                  // it has some of it, for sure
	wholly                  // it has all of it
	inDoubt                 // nobody knows of some of it
)

func (d *delivery) progress() progress {
	done := 0
	for _, s := range d.Steps {
		switch {
		case s.inDoubt():
			return inDoubt
		case s.State == applied:
			done++
		}
	}
	switch {
	case len(d.Steps) > 0 && done == len(d.Steps):
		return wholly
	case done > 0:
		return partly
	}
	return nothing
}

// outcome is the word of the report for it.
func (d *delivery) outcome() string {
	switch d.progress() {
	case wholly:
		return outcomePublished
	case inDoubt:
		return outcomeUnknown
	}
	return outcomeFailed
}

// The outcomes that the report knows, see [report.Publishing].
const (
	outcomePublished = "published"
	outcomeFailed    = "failed"
	outcomeUnknown   = "unknown"
	outcomeUnchanged = "unchanged"
)

// doubtful are the steps of which nobody knows.
func (d *delivery) doubtful() []*step {
	return slices.DeleteFunc(slices.Clone(d.Steps), func(s *step) bool { return !s.inDoubt() })
}

// settle says of all that is in doubt what became of it.
func (d *delivery) settle(now state, by evidence) {
	for _, s := range d.doubtful() {
		s.settle(now, by)
	}
}

// shake notes that somebody else changed the data source since: what was applied may be gone.
func (d *delivery) shake() {
	for _, s := range d.Steps {
		s.shake()
	}
}

// shake notes that it may be gone, if it was applied.
func (s *step) shake() {
	if s.State == applied {
		s.State, s.Evidence, s.Once = unknown, "", true
	}
}

// beginAgain notes that the first step of a set is to be sent, which replaces whatever the others brought.
func (d *delivery) beginAgain() {
	for _, s := range d.Steps {
		s.settle(missing, byRows)
	}
}

// rowsApplied is how many rows the data source has of it for sure.
func (d *delivery) rowsApplied() (rows int64) {
	for _, s := range d.Steps {
		if s.State == applied {
			rows += s.Rows
		}
	}
	return rows
}

// same says whether the same is done to a data source.
func (d *delivery) same(other *delivery) bool {
	return d.Content == other.Content && d.Set == other.Set && d.Mode == other.Mode &&
		slices.Equal(d.Match, other.Match) && d.Target == other.Target
}

// jobID is that of the last job.
func (d *delivery) jobID() string {
	for _, s := range slices.Backward(d.Steps) {
		if s.JobID != "" {
			return s.JobID
		}
	}
	return ""
}
