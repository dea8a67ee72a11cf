package repartition

import (
	"cmp"
	"fmt"
	"slices"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
)

// Piece is rows of one target that stand together in a spill: an Arrow IPC stream of
// compressed batches.
type Piece struct {
	Offset   int64  `json:"offset"` // in bytes, from the start of the spill
	Length   int64  `json:"length"` // in bytes
	Rows     int64  `json:"rows"`
	Checksum uint32 `json:"crc32c"` // of the bytes
}

// Part is what one bundle had for one target: the reference that is shuffled.
type Part struct {
	Table  int          `json:"table"`  // index into the tables of the run
	Target batch.Target `json:"target"` // the zero Target if the part is only an account of a table that is split by value
	Spill  storage.Info `json:"spill"`  // the version to read; without a URI if there are no pieces
	Pieces []Piece      `json:"pieces,omitempty"`
	Rows   int64        `json:"rows"` // in all pieces

	// First is the origin of the first batch of the table in the bundle. Parts of a target
	// are read in this order.
	First batch.Origin `json:"first"`

	// Account is the tally of all rows of the table in the bundle that were filtered or
	// rejected, and of the rules that any row broke. Only the first part of the table has one.
	Account *batch.Tally `json:"account,omitempty"`

	// Schema is that of the batches, only of a part without pieces.
	Schema *batch.Schema `json:"schema,omitempty"`
}

// Key is what the parts of one target are grouped by.
func (p Part) Key() string { return fmt.Sprintf("%d/%d/%s", p.Table, p.Target.Shard, p.Target.Name) }

func (p Part) compare(other Part) int {
	return cmp.Or(
		cmp.Compare(p.First.File, other.First.File), cmp.Compare(p.First.FirstRow, other.First.FirstRow),
		cmp.Compare(p.Spill.URI, other.Spill.URI),
	)
}

// inOrder sorts the parts of a target. One with rows that a runner delivered twice is kept once.
func inOrder(parts []Part) []Part {
	sorted := slices.SortedFunc(slices.Values(parts), Part.compare)
	return slices.CompactFunc(sorted, func(a, b Part) bool { return a.Spill.URI != "" && a.Spill.URI == b.Spill.URI })
}
