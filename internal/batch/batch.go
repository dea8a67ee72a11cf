// Package batch is the element that flows between transforms: rows of one row group as
// an Arrow record, with their origin, and the tally of the rows that were read for it.
//
// Batches travel by pointer inside one fused stage. The coder in coder.go exists for
// engines that materialise them all the same, and for the share that Beam's harness
// encodes to sample sizes; it is exact.
package batch

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// MaxRows is the most rows that a batch may hold.
const MaxRows = 64 << 10

// Origin says where the rows of a batch were read.
type Origin struct {
	File     string `json:"file"`
	RowGroup int    `json:"row_group"` // 0-based in the file
	FirstRow int64  `json:"first_row"` // of the batch as it was read, 0-based in the file
}

func (o Origin) String() string {
	return fmt.Sprintf("file %s, row group %d, row %d", o.File, o.RowGroup, o.FirstRow)
}

// Batch is the good rows that were read together, and the account of all that were read
// with them. A batch of which no row is left still travels, for the sake of its tally.
// Nobody changes a batch or its record once it was emitted: a runner may hand the same
// one to several consumers.
type Batch struct {
	Table  int // index into the tables of the run
	Origin Origin
	Tally  Tally
	Target Target // zero unless rows of the table were moved

	// Rows are the 0-based numbers in the file of the rows as they were read, ascending from Origin.FirstRow, where some
	// between them were left out. nil where they follow each other, and once rules were applied.
	Rows []int64

	// Attempt names the attempt at shards in which the rows were read: what comes of them in
	// the same stage belongs together. Empty for rows that were moved.
	Attempt string

	// Unit is the unit of the table that all rows are of; empty where none is counted by itself, and for rows that were
	// moved.
	Unit string

	Record arrow.Record // source columns in the order of the table's columns; nil if Deferred is not

	// Deferred stands for rows that were not read. The tally counts them as read; what
	// becomes of them is known after hyperd loaded them.
	Deferred *Deferred
}

// Number is the 0-based number in its file of a row of a batch to which no rules were applied yet.
func (b Batch) Number(row int) int64 {
	if b.Rows != nil {
		return b.Rows[row]
	}
	return b.Origin.FirstRow + int64(row)
}

// Target says where a repartition moved rows of a table. The rows of one target arrive
// together: no batch of another is between them.
type Target struct {
	Shard int    `json:"shard,omitempty"` // 0-based
	Name  string `json:"name,omitempty"`  // of the value that all rows have, as file names spell it; empty if not split by value
}

// Tally counts rows between a file and a sink. It travels with the rows it is about, so
// that an attempt that is lost takes its counts with it. Rows read = filtered + rejected
// + what is left to load.
type Tally struct {
	Read     int64   `json:"read"`
	Filtered int64   `json:"filtered,omitempty"` // left out by the table's where
	Rejected int64   `json:"rejected,omitempty"` // broke at least one rule
	Failed   []int64 `json:"failed,omitempty"`   // by rule: the rows that broke it, kept (warn) or not

	// Deleted are rows of the file that the table has removed. They are none of those that were read.
	Deleted int64 `json:"deleted,omitempty"`

	// Doubtful counts the groups of files of which Failed is not known yet: up where hyperd
	// loaded them, down where they are explained.
	Doubtful int64 `json:"doubtful,omitempty"`

	// Units has the counts of each unit of the table, sorted, which add up to those above; nil where units are not counted.
	Units []UnitCounts `json:"units,omitempty"`
}

// Counts are those of a [Tally] that are kept for each unit of a table.
type Counts struct {
	Read     int64   `json:"read"`
	Filtered int64   `json:"filtered,omitempty"`
	Rejected int64   `json:"rejected,omitempty"`
	Failed   []int64 `json:"failed,omitempty"`
	Deleted  int64   `json:"deleted,omitempty"`
}

// UnitCounts are those of one unit.
type UnitCounts struct {
	Unit   string `json:"unit"`
	Counts Counts `json:"counts"`
}

// Left is how many rows should have been loaded.
func (c Counts) Left() int64 { return c.Read - c.Filtered - c.Rejected }

// Account is the tally of a batch as that of its unit.
func (b Batch) Account() Tally { return b.Tally.Of(b.Unit) }

// Of is a tally that is all of one unit; the same tally where unit is empty, or units are counted in it already.
func (t Tally) Of(unit string) Tally {
	if unit != "" && t.Units == nil {
		t.Units = []UnitCounts{{unit, t.Counts()}}
	}
	return t
}

// Counts are those of all units.
func (t Tally) Counts() Counts {
	return Counts{t.Read, t.Filtered, t.Rejected, slices.Clone(t.Failed), t.Deleted}
}

// Add adds other, which stays as it is, to t.
func (t *Tally) Add(other Tally) {
	t.Read += other.Read
	t.Filtered += other.Filtered
	t.Rejected += other.Rejected
	t.Doubtful += other.Doubtful
	t.Deleted += other.Deleted
	t.Failed = addFailed(t.Failed, other.Failed)
	for _, unit := range other.Units {
		at, known := t.find(unit.Unit)
		if !known {
			t.Units = slices.Insert(t.Units, at, UnitCounts{Unit: unit.Unit})
		}
		t.Units[at].Counts = t.Units[at].Counts.Plus(unit.Counts)
	}
}

// find says where the counts of a unit are, or belong.
func (t Tally) find(unit string) (at int, known bool) {
	return slices.BinarySearchFunc(t.Units, unit, func(u UnitCounts, name string) int { return cmp.Compare(u.Unit, name) })
}

// Unit is the counts of a unit; none where no row of it was read.
func (t Tally) Unit(unit string) Counts {
	if at, known := t.find(unit); known {
		return t.Units[at].Counts
	}
	return Counts{}
}

// Plus is the sum of both.
func (c Counts) Plus(other Counts) Counts {
	return Counts{
		Read: c.Read + other.Read, Filtered: c.Filtered + other.Filtered, Rejected: c.Rejected + other.Rejected,
		Failed: addFailed(slices.Clone(c.Failed), other.Failed), Deleted: c.Deleted + other.Deleted,
	}
}

// Minus is what is left without other, which was counted in c.
func (c Counts) Minus(other Counts) Counts {
	less := Counts{Read: -other.Read, Filtered: -other.Filtered, Rejected: -other.Rejected, Deleted: -other.Deleted}
	for _, n := range other.Failed {
		less.Failed = append(less.Failed, -n)
	}
	return c.Plus(less)
}

// Tally is the counts of all units as a tally.
func (c Counts) Tally() Tally {
	return Tally{Read: c.Read, Filtered: c.Filtered, Rejected: c.Rejected, Failed: slices.Clone(c.Failed), Deleted: c.Deleted}
}

// addFailed adds counts by rule to others, in place as far as these go.
func addFailed(sum, other []int64) []int64 {
	for len(sum) < len(other) {
		sum = append(sum, 0)
	}
	for i, n := range other {
		sum[i] += n
	}
	return sum
}

// Clone is a tally that shares nothing with t.
func (t Tally) Clone() (clone Tally) {
	clone.Add(t)
	return clone
}

// InFiles is how many rows the files have of which it tells.
func (t Tally) InFiles() int64 { return t.Read + t.Deleted }

// Left is how many rows should have been loaded.
func (t Tally) Left() int64 { return t.Read - t.Filtered - t.Rejected }

// Rejects is the rows of one batch that broke a rule, unchanged.
type Rejects struct {
	Table   int
	Origin  Origin
	Attempt string  // as in Batch
	Unit    string  // as in Batch
	Rows    []int64 // of each row: its 0-based number in the file
	Rules   [][]int // of each row: the indexes of the rules that it broke, ascending

	// Reasons says for each row and each rule of Rules what was found and what was
	// expected. It holds values of the row, which may be personal data.
	Reasons [][]string

	Record arrow.Record // the rejected rows, with the columns of the batch
}
