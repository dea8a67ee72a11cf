package iceberg

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// digest stands for bytes: the first half of their SHA-256, which nobody finds twice, whoever wrote the files.
type digest struct{ high, low uint64 }

func digestOf(raw []byte) digest {
	sum := sha256.Sum256(raw)
	return digest{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

func (d digest) compare(other digest) int {
	if d.high != other.high {
		return cmp.Compare(d.high, other.high)
	}
	return cmp.Compare(d.low, other.low)
}

// Tuples is a set of rows by their values of some columns. It takes [TuplesBytes] a row, however long the values are, and
// does not change once it was made. The zero value has none.
type Tuples struct {
	sorted []digest
	starts []uint32 // where the digests of a bucket start; behind the last bucket, how many there are
}

const (
	// TuplesBytes is how many bytes a [Tuples] takes for each row, about.
	TuplesBytes = 17

	perBucket = 4 // digests, on average: they are spread evenly
)

// Len is how many different rows there are.
func (t Tuples) Len() int { return len(t.sorted) }

func (t Tuples) has(d digest) bool {
	if len(t.sorted) == 0 {
		return false
	}
	bucket := d.bucket(len(t.starts) - 1)
	return slices.Contains(t.sorted[t.starts[bucket]:t.starts[bucket+1]], d)
}

// bucket is in which of some buckets a digest is. They are in the order of the digests.
func (d digest) bucket(of int) int {
	bucket, _ := bits.Mul64(d.high, uint64(of))
	return int(bucket)
}

// newTuples makes a set of digests, which it takes over.
func newTuples(digests []digest) Tuples {
	slices.SortFunc(digests, digest.compare)
	t := Tuples{sorted: slices.Compact(digests), starts: []uint32{0}}
	buckets := len(t.sorted)/perBucket + 1
	for i, d := range t.sorted {
		for bucket := d.bucket(buckets); len(t.starts) <= bucket; {
			t.starts = append(t.starts, uint32(i))
		}
	}
	for len(t.starts) <= buckets {
		t.starts = append(t.starts, uint32(len(t.sorted)))
	}
	return t
}

// Union has the rows that are in one of the sets.
func Union(sets ...Tuples) Tuples {
	if len(sets) == 1 {
		return sets[0]
	}
	size := 0
	for _, set := range sets {
		size += set.Len()
	}
	all := make([]digest, 0, size)
	for _, set := range sets {
		all = append(all, set.sorted...)
	}
	return newTuples(all)
}

// TupleBuilder makes a set of the rows of records.
type TupleBuilder struct{ digests []digest }

// Add adds the rows of a record, by what is at some paths.
func (b *TupleBuilder) Add(record arrow.Record, paths []Path) error {
	return eachTuple(record, paths, func(_ int, d digest) { b.digests = append(b.digests, d) })
}

// Tuples is the set. The builder is used up.
func (b *TupleBuilder) Tuples() Tuples { return newTuples(b.digests) }

// Find calls found for those rows of a record, in their order, that have the values of a row of the set at some paths,
// which are in the order in which the set was built.
func (t Tuples) Find(record arrow.Record, paths []Path, found func(row int)) error {
	return eachTuple(record, paths, func(row int, d digest) {
		if t.has(d) {
			found(row)
		}
	})
}

// eachTuple calls see for the rows of a record.
func eachTuple(record arrow.Record, paths []Path, see func(row int, d digest)) error {
	values := make([]appender, len(paths))
	for i, path := range paths {
		var err error
		if values[i], err = path.appender(record); err != nil {
			return err
		}
	}
	var raw []byte
	for row := range int(record.NumRows()) {
		raw = raw[:0]
		for _, appendTo := range values {
			raw = appendTo(raw, row)
		}
		see(row, digestOf(raw))
	}
	return nil
}
