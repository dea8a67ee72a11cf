package repartition

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/cespare/xxhash/v2"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// MaxTargets is the most shards of a table, and the most values that a column of SplitBy
// may have in one bundle: every value becomes a file.
const MaxTargets = 10_000

// assigner decides where rows go. A slot is the number of a target in the bundle. Not safe
// for concurrent use.
type assigner interface {
	// assign sets slots, one for each row of the batch.
	assign(b batch.Batch, slots []int32) error

	// target is that of a slot.
	target(slot int32) batch.Target
}

func newAssigner(t Moves) assigner {
	switch {
	case t.SplitBy != "":
		return &splitter{column: t.SplitBy, slots: map[string]int32{}, null: -1}
	case t.Range != "":
		return ranger{column: t.Range, bounds: t.Bounds}
	case len(t.By) > 0:
		return hasher{columns: t.By, shards: t.Shards}
	default:
		return &dealer{shards: t.Shards, next: -1}
	}
}

// hasher sends rows that are equal in all its columns to one shard. The hash depends on
// the values alone, not on how a file or a batch stores them.
type hasher struct {
	columns []string
	shards  int
}

const (
	nullHash = 0x9ae16a3b2f90404f // of NULL: any number that is no small one
	spread   = 0x9e3779b97f4a7c15 // odd: multiplying by it loses nothing
)

func (h hasher) assign(b batch.Batch, slots []int32) error {
	hashes := make([]uint64, len(slots))
	for _, name := range h.columns {
		values, err := keysIn(b.Record, name)
		if err != nil {
			return err
		}
		for row := range hashes {
			hash := uint64(nullHash)
			if !values.isNull(row) {
				hash = xxhash.Sum64(values.at(row))
			}
			hashes[row] = (bits.RotateLeft64(hashes[row], 5) ^ hash) * spread
		}
	}
	for row, hash := range hashes {
		slots[row] = share(hash, h.shards)
	}
	return nil
}

// share maps hashes to shards evenly.
func share(hash uint64, shards int) int32 {
	shard, _ := bits.Mul64(hash, uint64(shards))
	return int32(shard)
}

func (h hasher) target(slot int32) batch.Target { return batch.Target{Shard: int(slot)} }

// ranger sends rows to shards that ascend with the values of a column.
type ranger struct {
	column string
	bounds Bounds
}

func (r ranger) assign(b batch.Batch, slots []int32) error {
	values, err := keysIn(b.Record, r.column)
	if err != nil {
		return err
	}
	for row := range slots {
		if values.isNull(row) {
			slots[row] = int32(len(r.bounds))
			continue
		}
		shard, _ := slices.BinarySearchFunc(r.bounds, values.at(row), bytes.Compare)
		slots[row] = int32(shard)
	}
	return nil
}

func (r ranger) target(slot int32) batch.Target { return batch.Target{Shard: int(slot)} }

// dealer deals batches out whole, one shard after another. The origin of the first batch
// decides where it begins, so that many bundles of few batches do not all begin alike.
type dealer struct {
	shards int
	next   int32 // -1 before the first batch
}

func (d *dealer) assign(b batch.Batch, slots []int32) error {
	if d.next < 0 {
		d.next = share(xxhash.Sum64String(b.Origin.String())*spread, d.shards)
	}
	for row := range slots {
		slots[row] = d.next
	}
	d.next = (d.next + 1) % int32(d.shards)
	return nil
}

func (d *dealer) target(slot int32) batch.Target { return batch.Target{Shard: int(slot)} }

// splitter makes a target for every value of a column that the bundle meets.
type splitter struct {
	column string
	slots  map[string]int32 // by key
	null   int32            // slot of NULL; -1 if none was met
	names  []string         // by slot
}

func (s *splitter) assign(b batch.Batch, slots []int32) error {
	field, column, err := columnOf(b.Record, s.column)
	if err != nil {
		return err
	}
	values, err := keysOf(field, column)
	if err != nil {
		return err
	}
	for row := range slots {
		slot, known := s.find(values, row)
		if !known {
			if slot, err = s.add(values, field, column, row); err != nil {
				return err
			}
		}
		slots[row] = slot
	}
	return nil
}

func (s *splitter) find(values keys, row int) (slot int32, known bool) {
	if values.isNull(row) {
		return s.null, s.null >= 0
	}
	slot, known = s.slots[string(values.at(row))]
	return slot, known
}

// add makes a slot for the value of a row.
func (s *splitter) add(values keys, field arrow.Field, column arrow.Array, row int) (int32, error) {
	if len(s.names) == MaxTargets {
		return 0, failure.New(failure.Data, "repartition: split_by: column %s has more than %d values, and each would be a file",
			s.column, MaxTargets).
			WithHint("split by a column with fewer values, or move rows by hash: {by: [%s], shards: N}", s.column)
	}
	name, err := NameOf(field, column, row)
	if err != nil {
		return 0, err
	}
	slot := int32(len(s.names))
	if values.isNull(row) {
		s.null = slot
	} else {
		s.slots[string(values.at(row))] = slot
	}
	s.names = append(s.names, name)
	return slot, nil
}

func (s *splitter) target(slot int32) batch.Target { return batch.Target{Name: s.names[slot]} }
