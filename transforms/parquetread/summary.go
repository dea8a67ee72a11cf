package parquetread

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// ColumnSummary is what the footers of several files say about a column.
type ColumnSummary struct {
	FoundColumn
	Bytes  int64    // as stored, in all files
	Codecs []string // in alphabetical order
	Nulls  int64    // -1 when not known

	// Bounds are two values that no value is below and above; nil when not known.
	Bounds arrow.Array

	// LooksUnique says that nothing speaks against all values being different: there are
	// no NULLs, no two row groups have a range in common, and every range has room.
	LooksUnique bool
}

// Summarize describes the columns of files by what their footers say.
func Summarize(footers []Footer) []ColumnSummary {
	var summaries []ColumnSummary
	for _, column := range FindColumns(footers) {
		summaries = append(summaries, summarize(column, footers))
	}
	return summaries
}

func summarize(column FoundColumn, footers []Footer) ColumnSummary {
	s := ColumnSummary{FoundColumn: column}
	var bounds []arrow.Array
	known := !column.Drifts()
	roomy := true
	for _, footer := range footers {
		for _, group := range footer.RowGroups {
			chunk, ok := footer.Chunk(group.Index, column.Field.Name)
			if !ok || group.Rows == 0 {
				continue
			}
			s.Bytes += chunk.Bytes
			if !slices.Contains(s.Codecs, chunk.Codec) {
				s.Codecs = append(s.Codecs, chunk.Codec)
			}
			if chunk.Statistics.Nulls < 0 || s.Nulls < 0 {
				s.Nulls = -1
			} else {
				s.Nulls += chunk.Statistics.Nulls
			}
			if chunk.Statistics.Bounds == nil {
				known = known && chunk.Statistics.Nulls == group.Rows
				continue
			}
			bounds = append(bounds, chunk.Statistics.Bounds)
			roomy = roomy && hasRoom(chunk.Statistics.Bounds, group.Rows)
		}
	}
	slices.Sort(s.Codecs)
	if !known || len(bounds) == 0 {
		return s
	}
	all, err := array.Concatenate(bounds, memory.DefaultAllocator)
	if err != nil {
		return s
	}
	order := comparison(all)
	if order == nil {
		return s
	}
	least, greatest := 0, 1
	for i := 0; i < all.Len(); i += 2 {
		if order(i, least) < 0 {
			least = i
		}
		if order(i+1, greatest) > 0 {
			greatest = i + 1
		}
	}
	s.Bounds = pair(all, least, greatest)
	s.LooksUnique = s.Nulls == 0 && roomy && areDisjoint(all.Len()/2, order)
	return s
}

// pair makes an array of two values of another.
func pair(values arrow.Array, first, second int) arrow.Array {
	two := []arrow.Array{array.NewSlice(values, int64(first), int64(first)+1), array.NewSlice(values, int64(second), int64(second)+1)}
	joined, err := array.Concatenate(two, memory.DefaultAllocator)
	if err != nil {
		return nil
	}
	return joined
}

// areDisjoint says whether no two of n ranges, whose ends stand one after another, have a
// value in common.
func areDisjoint(n int, order func(i, j int) int) bool {
	ranges := make([]int, n)
	for i := range ranges {
		ranges[i] = 2 * i
	}
	slices.SortFunc(ranges, order)
	for i := 1; i < n; i++ {
		if order(ranges[i], ranges[i-1]+1) <= 0 {
			return false
		}
	}
	return true
}

// hasRoom says whether so many different integers are between two bounds.
func hasRoom(bounds arrow.Array, rows int64) bool {
	switch b := bounds.(type) {
	case *array.Int32:
		return int64(b.Value(1))-int64(b.Value(0)) >= rows-1
	case *array.Int64:
		width := uint64(b.Value(1)) - uint64(b.Value(0))
		return width >= uint64(rows-1)
	}
	return false
}

// comparison compares the values at two positions; nil for types without a use for that.
func comparison(values arrow.Array) func(i, j int) int {
	switch v := values.(type) {
	case *array.Int8:
		return by(v.Int8Values())
	case *array.Int16:
		return by(v.Int16Values())
	case *array.Int32:
		return by(v.Int32Values())
	case *array.Int64:
		return by(v.Int64Values())
	case *array.Uint8:
		return by(v.Uint8Values())
	case *array.Uint16:
		return by(v.Uint16Values())
	case *array.Uint32:
		return by(v.Uint32Values())
	case *array.Uint64:
		return by(v.Uint64Values())
	case *array.Float32:
		return by(v.Float32Values())
	case *array.Float64:
		return by(v.Float64Values())
	case *array.Date32:
		return by(v.Date32Values())
	case *array.Timestamp:
		return by(v.TimestampValues())
	case *array.Decimal128:
		return func(i, j int) int { return v.Value(i).Cmp(v.Value(j)) }
	case *array.String:
		return func(i, j int) int { return cmp.Compare(v.Value(i), v.Value(j)) }
	case *array.Binary:
		return func(i, j int) int { return bytes.Compare(v.Value(i), v.Value(j)) }
	}
	return nil
}

func by[T cmp.Ordered](values []T) func(i, j int) int {
	return func(i, j int) int { return cmp.Compare(values[i], values[j]) }
}
