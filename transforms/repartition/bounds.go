package repartition

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// Bounds divide the values of a column among len(Bounds)+1 shards: shard i has those above
// bound i-1 and not above bound i, and the last one NULL as well. A bound stands for a
// value as keys do; what its bytes mean is this package's affair.
type Bounds [][]byte

// Shards is how many shards the bounds make.
func (b Bounds) Shards() int { return len(b) + 1 }

// Sample is what is known about a column in some rows.
type Sample struct {
	Values arrow.Array // of the column; NULLs in it count for nothing
	Rows   int64       // that the values stand for, each for equally many

	// Spread says that Values are the least and the greatest value of the rows, as from the
	// footer of a file, and that the others lie between them.
	Spread bool
}

const (
	maxPoints  = 64 << 10 // that statistics become, over all samples
	mostPoints = 64       // of one sample
	maxBound   = 256      // bytes; a longer value is cut, which makes a good bound as well

	differingBytes = 32 // that are looked at to find what is between two keys
)

// FindBounds finds bounds for shards of about equally many rows. Samples from statistics
// give good bounds for numbers and times in files that are more or less in order; for text
// whose values share long beginnings, and for values that crowd in places, add samples of
// values. There are fewer shards than asked for where one value has the rows of several,
// and a single one where nothing is known. The column must suit Range ([Table.Check]); one that does not
// is an error.
func FindBounds(field arrow.Field, samples []Sample, shards int) (Bounds, error) {
	perSample := min(max(maxPoints/max(len(samples), 1), 2), mostPoints)
	var points []point
	for _, sample := range samples {
		found, err := sample.points(field, perSample)
		if err != nil {
			return nil, err
		}
		points = append(points, found...)
	}
	slices.SortFunc(points, func(a, b point) int { return bytes.Compare(a.key, b.key) })
	return cut(points, shards), nil
}

// point is a value that stands for some rows.
type point struct {
	key  []byte
	rows float64
}

// cut places bounds so that the rows between them are equally many.
func cut(points []point, shards int) Bounds {
	total := 0.0
	for _, p := range points {
		total += p.rows
	}
	var bounds Bounds
	seen, next := 0.0, 1
	for _, p := range points {
		seen += p.rows
		if next >= shards || seen < total*float64(next)/float64(shards) {
			continue
		}
		for next < shards && seen >= total*float64(next)/float64(shards) {
			next++
		}
		last := len(bounds) - 1
		if isGreatest := bytes.Equal(p.key, points[len(points)-1].key); !isGreatest && (last < 0 || !bytes.Equal(bounds[last], p.key)) {
			bounds = append(bounds, p.key)
		}
	}
	return bounds
}

func (s Sample) points(field arrow.Field, most int) ([]point, error) {
	values, err := keysOf(field, s.Values)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for row := range s.Values.Len() {
		if !values.isNull(row) {
			key := values.at(row)
			found = append(found, bytes.Clone(key[:min(len(key), maxBound)]))
		}
	}
	if s.Spread && len(found) == 2 {
		found = between(found[0], found[1], most, isFloat(valueType(field.Type)))
	}
	points := make([]point, len(found))
	for i, key := range found {
		points[i] = point{key, float64(s.Rows) / float64(len(found))}
	}
	return points, nil
}

func isFloat(t arrow.DataType) bool {
	return t.ID() == arrow.FLOAT16 || t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64
}

// between makes so many keys, at equal distances from least to greatest.
func between(least, greatest []byte, keys int, ofFloats bool) [][]byte {
	steps := keys - 1
	if bytes.Compare(least, greatest) >= 0 || steps < 2 {
		return [][]byte{least, greatest}
	}
	place := bytesBetween
	if ofFloats {
		place = floatsBetween
	}
	found := [][]byte{least}
	for step := 1; step < steps; step++ {
		found = append(found, place(least, greatest, step, steps))
	}
	return append(found, greatest)
}

// bytesBetween takes keys for numbers, from where they begin to differ.
func bytesBetween(least, greatest []byte, step, steps int) []byte {
	common := 0
	for common < min(len(least), len(greatest)) && least[common] == greatest[common] {
		common++
	}
	width := min(max(len(least), len(greatest))-common, differingBytes)
	lo, hi := numberAt(least, common, width), numberAt(greatest, common, width)
	distance := hi.Sub(hi, lo)
	distance.Mul(distance, big.NewInt(int64(step))).Div(distance, big.NewInt(int64(steps)))
	return append(bytes.Clone(least[:common]), lo.Add(lo, distance).FillBytes(make([]byte, width))...)
}

// numberAt is so many bytes of a key from a place on, those beyond its end as zeros.
func numberAt(key []byte, at, width int) *big.Int {
	digits := make([]byte, width)
	copy(digits, key[at:])
	return new(big.Int).SetBytes(digits)
}

// floatsBetween takes the distance of floats, not that of their keys, which would crowd
// near zero.
func floatsBetween(least, greatest []byte, step, steps int) []byte {
	lo := clampFloat(wordFloat(binary.BigEndian.Uint64(least)))
	hi := clampFloat(wordFloat(binary.BigEndian.Uint64(greatest)))
	part := float64(step) / float64(steps)
	return binary.BigEndian.AppendUint64(nil, floatWord(lo*(1-part)+hi*part))
}

// clampFloat makes infinities, and NaN, which follows them, finite.
func clampFloat(f float64) float64 {
	if math.IsNaN(f) {
		return math.MaxFloat64
	}
	return min(max(f, -math.MaxFloat64), math.MaxFloat64)
}
