// Package ingest brings rows that are not Parquet into a folder of the lake.
//
// It promises that a folder appears whole or not at all, that every row of a source is in it or is a reject, or the
// whole fails, and that memory stays bounded, however large a source is. Types are pinned at the first run: what comes
// later fits them, is a reject, or is a drift that is named. It knows storage, locks and values, and neither Beam nor
// configurations.
package ingest

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
)

// Source is one thing that rows are read from: files, a query, an API, a program. A Source is used by one [Run], once.
type Source interface {
	// Columns says what the source has now: names and types, in its order. A source that does not know its types (text)
	// infers them from a sample of bounded size.
	Columns(ctx context.Context) (*arrow.Schema, error)

	// Read gives every row exactly once to the sink: as part of a batch that has schema (the pinned one: its columns, in
	// its order), or as a reject. It returns when all is given, with the number of rows that the source itself says it
	// sent: rows in batches and rejects together must be equal to it.
	Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error)

	// Close gives back connections, files and processes. It can be called at any time after Read has returned, or
	// without Read.
	Close() error
}

// Sink takes what a source reads. It is safe for concurrent use, and blocks while the writer is behind: memory stays
// bounded.
type Sink interface {
	// Batch takes rows, and retains what it needs of them; the caller releases.
	Batch(ctx context.Context, rows arrow.Record) error

	// Reject takes a row that does not fit.
	Reject(ctx context.Context, r Reject) error
}

// Reject is a row that does not fit, with where it stands: exactly one of Line, Page and Key is set.
type Reject struct {
	File   string            // the file or address, without credentials
	Line   int64             // from 1, where the row begins
	Page   int64             // from 1
	Key    string            // as text
	Column string            // whose value does not fit; empty where the row as a whole does not (ragged, no JSON)
	Reason string            // for people, without the value
	Rule   string            // a short name that rejects are grouped by, such as "type bigint" or "columns"
	Values map[string]string // what can be shown of the row, as text by column; long values are cut at 64 KiB
}

// Said is what a source says of the number of its rows.
type Said struct {
	Rows int64
	By   string // who says so: "the command tags of PostgreSQL", "the lines of 3 files"
}

// Entry is what one run is to bring from where to where.
type Entry struct {
	Name   string // of the entry, for people
	RunID  string // names the run: no other has it
	Source string // what the rows are from, for people, without credentials

	// To is the folder that holds the rows, absolute or remote. It is replaced as a whole.
	To string

	// Pinned is the folder in which types are pinned: To, or one around it.
	Pinned string

	Columns    map[string]string // types that are asked for, in SQL, by column
	Infers     bool              // the source has no types of its own: what it takes a column for is no drift
	Sparse     bool              // rows need not have every column: one that a sample does not have is not gone
	Union      bool              // columns that are new or gone, and types that hold more, are accepted
	AllowEmpty bool              // no rows are no failure
	Rejects    Limits
}

// Limits say how many rows may be rejected. More than that are a failure of kind Data.
type Limits struct {
	MaxRows  *int     // nil for any number
	MaxRatio *float64 // of the rows of the source; nil for any
	Warn     bool     // more are only told
}

// Surroundings are what a run is given by whoever starts it. Each may be nil.
type Surroundings struct {
	// Held is asked before every step that nobody else may take at the same time, and fails if somebody else may.
	Held func() error

	// Progress is told how many rows have been written, from one goroutine at a time.
	Progress func(rows int64)

	// PlaceRejects puts files of rejects, of which there may be none, where people find them. Without it, rejects are only counted.
	PlaceRejects func(ctx context.Context, files []RejectFile) error

	// Warn is told what somebody should look at.
	Warn func(message string)
}

// RejectFile is a Parquet file of rejects, which lasts until [Surroundings.PlaceRejects] has returned.
type RejectFile struct {
	URI    string
	Rows   int64
	Bytes  int64
	SHA256 string // in hexadecimal
}

// Account is what became of the rows of a source.
type Account struct {
	Rows     int64 // that are in the folder
	Rejected int64
	Bytes    int64 // of the parts
	Parts    int
	Schema   *Schema
	Rules    []RuleCount // of rejects, the most frequent first
}

// RuleCount is how many rows were rejected for one reason.
type RuleCount struct {
	Rule   string // as in [Reject]
	Column string // likewise
	Rows   int64
}
