package expr

import (
	"fmt"
	"math"
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// load reads the values of a column, where possible without copying them.
func load(column arrow.Array) (*vector, error) {
	t, ok := typeOf(column.DataType())
	if !ok {
		return nil, fmt.Errorf("type %s cannot be used in an expression", column.DataType())
	}
	if column.NullN() == column.Len() { // there may be no buffer of values
		return repeat(t, nullValue, column.Len()), nil
	}
	v := &vector{typ: t, rows: column.Len(), null: nullBits(column)}
	switch a := column.(type) {
	case *array.Dictionary:
		return v, v.loadDictionary(a)
	case *array.Boolean:
		v.trues = copyBits(a.Data().Buffers()[1].Bytes(), a.Data().Offset(), v.rows)
		v.settle()
	case *array.Decimal128:
		v.decimals = a.Values()
	case *array.Decimal256:
		v.bigs = make([]*big.Int, v.rows)
		for i := range v.bigs {
			v.bigs[i] = a.Value(i).BigInt()
		}
	case *array.Uint64:
		v.uints = a.Uint64Values()
	case *array.Float64:
		v.doubles = a.Float64Values()
	case *array.Float32:
		v.doubles = convertEach(a.Float32Values(), func(f float32) float64 { return float64(f) })
	case *array.Float16:
		v.doubles = make([]float64, v.rows)
		for i := range v.doubles {
			v.doubles[i] = float64(a.Value(i).Float32())
		}
	default:
		if t.kind == kindText || t.kind == kindBytes {
			return v, v.loadText(column)
		}
		return v, v.loadInts(column)
	}
	return v, nil
}

func convertEach[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, len(from))
	for i, x := range from {
		to[i] = convert(x)
	}
	return to
}

func widen[T int8 | int16 | int32 | uint8 | uint16 | uint32](from []T) []int64 {
	to := make([]int64, len(from))
	for i, x := range from {
		to[i] = int64(x)
	}
	return to
}

// loadInts reads everything that counts.
func (v *vector) loadInts(column arrow.Array) error {
	switch a := column.(type) {
	case *array.Int8:
		v.ints = widen(a.Int8Values())
	case *array.Int16:
		v.ints = widen(a.Int16Values())
	case *array.Int32:
		v.narrow = a.Int32Values()
	case *array.Int64:
		v.ints = a.Int64Values()
	case *array.Uint8:
		v.ints = widen(a.Uint8Values())
	case *array.Uint16:
		v.ints = widen(a.Uint16Values())
	case *array.Uint32:
		v.ints = widen(a.Uint32Values())
	case *array.Date32:
		v.narrow = arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(a.Date32Values()))
	case *array.Date64:
		v.ints = convertEach(a.Date64Values(), func(ms arrow.Date64) int64 { return floorDivide(int64(ms), 86_400_000) })
	case *array.Time32:
		v.narrow = arrow.Int32Traits.CastFromBytes(arrow.Time32Traits.CastToBytes(a.Time32Values()))
	case *array.Time64:
		v.ints = arrow.Int64Traits.CastFromBytes(arrow.Time64Traits.CastToBytes(a.Time64Values()))
	case *array.Timestamp:
		v.ints = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
	case *array.Duration:
		v.ints = arrow.Int64Traits.CastFromBytes(arrow.DurationTraits.CastToBytes(a.DurationValues()))
	default:
		return fmt.Errorf("arrays of type %s cannot be read", column.DataType())
	}
	return nil
}

// loadText reads text and bytes.
func (v *vector) loadText(column arrow.Array) error {
	switch a := column.(type) {
	case *array.String:
		v.text.offsets, v.text.data = a.ValueOffsets(), bufferText(a.Data())
	case *array.Binary:
		v.text.offsets, v.text.data = a.ValueOffsets(), bufferText(a.Data())
	case interface{ Value(int) string }: // large and view
		v.text.views = v.collect(a.Value)
	case interface{ Value(int) []byte }: // large, view and fixed size
		v.text.views = v.collect(func(i int) string { return asText(a.Value(i)) })
	default:
		return fmt.Errorf("arrays of type %s cannot be read", column.DataType())
	}
	return nil
}

// collect leaves out rows that are NULL, whose bytes may lie anywhere.
func (v *vector) collect(get func(int) string) []string {
	out := make([]string, v.rows)
	for i := range out {
		if !v.null.get(i) {
			out[i] = get(i)
		}
	}
	return out
}

// loadDictionary keeps the entries of text, so that a condition on it is evaluated once
// per entry, and looks up everything else.
func (v *vector) loadDictionary(a *array.Dictionary) error {
	entries, err := load(a.Dictionary())
	if err != nil {
		return err
	}
	index, err := v.indices(a, entries.rows)
	if err != nil {
		return err
	}
	if entries.null != nil {
		for i, at := range index {
			if entries.null.get(int(at)) {
				v.putState(i, null)
			}
		}
	}
	if v.typ.kind == kindText || v.typ.kind == kindBytes {
		v.text = entries.text
		v.text.entries = index
		return nil
	}
	return v.lookUp(entries, index)
}

// indices are the numbers of the entries of all rows, 0 for rows that are NULL.
func (v *vector) indices(a *array.Dictionary, entries int) ([]int32, error) {
	numbers, err := load(a.Indices())
	if err != nil {
		return nil, err
	}
	if numbers.typ.kind == kindUint {
		numbers.ints = convertEach(numbers.uints, func(u uint64) int64 { return int64(min(u, math.MaxInt64)) })
	}
	index := make([]int32, v.rows)
	for i, at := range numbers.wide() {
		if v.null.get(i) {
			continue
		}
		if at < 0 || at >= int64(entries) || at > math.MaxInt32 {
			return nil, fmt.Errorf("row %d: entry %d is not in the dictionary, which has %d", i, at, entries)
		}
		index[i] = int32(at)
	}
	return index, nil
}

func (v *vector) lookUp(entries *vector, index []int32) error {
	found := newVector(v.typ, v.rows)
	for i, at := range index {
		if !v.null.get(i) {
			found.put(i, entries.at(int(at)))
		}
	}
	found.null = union(found.null, v.null)
	*v = *found
	return nil
}
