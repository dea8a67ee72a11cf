package parquetread

import (
	"bytes"
	"cmp"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
)

// Statistics is what the footer says about the values of a column in a row group.
type Statistics struct {
	Nulls int64 // -1 when not known
	// Bounds is two values of the column's Arrow type, of which the first is not above and
	// the second not below any value of the row group, nil when not known. They need not
	// occur in it. NaN is outside of all bounds.
	Bounds arrow.Array
}

// Chunk describes a column in a row group.
type Chunk struct {
	Codec             string // of the first leaf of a nested column
	Bytes             int64  // as stored
	UncompressedBytes int64
	Statistics        Statistics // not known for nested columns
}

// Chunk describes a column in a row group. It returns false for a column that the file
// lacks or has twice, for a row group that it lacks, and after Release. What a writer says
// that cannot be true, or of which nobody knows what it means, counts as not known.
func (f Footer) Chunk(group int, column string) (Chunk, bool) {
	if f.summary != nil {
		return f.summary.chunk(f.Schema, group, column)
	}
	if f.contents == nil || group < 0 || group >= len(f.contents.meta.RowGroups) {
		return Chunk{}, false
	}
	index, err := f.contents.root.topLevel(column)
	if err != nil {
		return Chunk{}, false
	}
	n := f.contents.root.children[index]
	leaves := n.shape(level{}).Leaves()
	stored := f.contents.meta.RowGroups[group]
	chunk := Chunk{
		Codec:      stored.Columns[leaves[0].Chunk].Codec.String(),
		Statistics: Statistics{Nulls: -1},
	}
	for _, leaf := range leaves {
		chunk.Bytes += stored.Columns[leaf.Chunk].CompressedSize
		chunk.UncompressedBytes += stored.Columns[leaf.Chunk].UncompressedSize
	}
	if n.isFlat() {
		chunk.Statistics = f.contents.statistics(n, f.Schema.Field(index), stored)
	}
	return chunk, true
}

// Release forgets what Chunk needs, which is most of a footer's memory.
func (f *Footer) Release() { f.contents, f.summary = nil, nil }

// summary is what is kept of a footer when there are many: the bytes of all columns, and
// the chunks of some.
type summary struct {
	bytes  []int64 // by row group, then by column
	chunks map[string][]Chunk
}

// summarize replaces the contents of a footer by a summary.
func (f *Footer) summarize(isWanted func(column string) bool) {
	kept := &summary{}
	for _, group := range f.RowGroups {
		for _, field := range f.Schema.Fields() {
			chunk, _ := f.Chunk(group.Index, field.Name)
			kept.bytes = append(kept.bytes, chunk.Bytes)
			if isWanted(field.Name) {
				if kept.chunks == nil {
					kept.chunks = map[string][]Chunk{}
				}
				kept.chunks[field.Name] = append(kept.chunks[field.Name], chunk)
			}
		}
	}
	f.contents, f.summary = nil, kept
}

func (s *summary) chunk(schema *arrow.Schema, group int, column string) (Chunk, bool) {
	at := schema.FieldIndices(column)
	place := group * schema.NumFields()
	if len(at) != 1 || group < 0 || place >= len(s.bytes) {
		return Chunk{}, false
	}
	if chunks := s.chunks[column]; chunks != nil {
		return chunks[group], true
	}
	return Chunk{Bytes: s.bytes[place+at[0]], Statistics: Statistics{Nulls: -1}}, true
}

// statistics returns what is known of a flat column in a row group.
func (c *contents) statistics(n node, field arrow.Field, group format.RowGroup) Statistics {
	known := Statistics{Nulls: -1}
	switch {
	case n.Logical.ID == format.Null:
		known.Nulls = group.Rows
	case n.Repetition == format.Required:
		known.Nulls = 0
	}
	chunk := group.Columns[n.leaf]
	said, err := format.ParseStatistics(chunk.Statistics)
	if err != nil || chunk.Physical != n.Physical {
		return known
	}
	if n.Repetition == format.Optional && said.Nulls >= 0 && said.Nulls <= group.Rows {
		known.Nulls = said.Nulls
	}
	if bounds := c.bounds(n, field, said); bounds != nil && !n.reorders(bounds) {
		known.Bounds = bounds
	}
	return known
}

// bounds returns those of the statistics of a flat column, nil if there are none that can be
// trusted. Timestamps are as they are stored.
func (c *contents) bounds(n node, field arrow.Field, said format.Statistics) arrow.Array {
	least, most := c.trusted(n, field, said)
	if least == nil || most == nil {
		return nil
	}
	if n.Physical == format.Float || n.Physical == format.Double || n.Logical.ID == format.Float16 {
		least, most = widenZeros(least, most)
	}
	leaf := column.Column{Physical: n.Physical, Length: n.TypeLength, Type: field.Type}
	if n.hybrid != nil && n.Logical.ID == format.Date {
		leaf.Hybrid = n.hybrid
	}
	bounds, err := column.FromPlain(leaf, least, most)
	if err != nil || !isOrdered(bounds) {
		return nil
	}
	return bounds
}

// reorders says whether values between two bounds may not keep their order when they move to
// another calendar: dates do, timestamps may not where clocks were set back.
func (n node) reorders(bounds arrow.Array) bool {
	return n.hybrid != nil && n.Logical.ID == format.Timestamp && moves(bounds)
}

// trusted returns the bounds whose order is known, nil if there are none. Bounds from
// before there were column orders compare as signed numbers, or in no order at all.
func (c *contents) trusted(n node, field arrow.Field, said format.Statistics) (least, most []byte) {
	if !hasOrder(n, field) {
		return nil, nil
	}
	if n.leaf < len(c.meta.Orders) && c.meta.Orders[n.leaf] == format.TypeOrder && said.MinValue != nil && said.MaxValue != nil {
		return said.MinValue, said.MaxValue
	}
	isUnsigned := n.Logical.ID == format.Integer && !n.Logical.Signed
	if n.Physical == format.ByteArray || n.Physical == format.FixedLenByteArray || isUnsigned {
		return nil, nil
	}
	return said.Min, said.Max
}

// hasOrder says whether Parquet defines an order for the values of a column.
func hasOrder(n node, field arrow.Field) bool {
	switch batch.LogicalType(field) {
	case batch.LogicalInt96, batch.LogicalInterval, batch.LogicalGeometry, batch.LogicalGeography, batch.LogicalUnknown:
		return false
	}
	return n.Logical.ID != format.Null
}

// widenZeros makes a lower bound of zero negative and an upper one positive: writers did
// not agree on which zero is less.
func widenZeros(least, most []byte) (widerLeast, widerMost []byte) {
	if isZero(least) {
		least = bytes.Clone(least)
		least[len(least)-1] = 0x80
	}
	if isZero(most) {
		most = make([]byte, len(most))
	}
	return least, most
}

// isZero says whether a little-endian floating-point number is zero of either sign.
func isZero(number []byte) bool {
	for i, b := range number {
		if i == len(number)-1 {
			b &= 0x7f
		}
		if b != 0 {
			return false
		}
	}
	return len(number) > 0
}

// isOrdered says whether the first of two values is not above the second one, as writers
// can say otherwise. It is false for NaN and for types without an order.
func isOrdered(bounds arrow.Array) bool {
	switch b := bounds.(type) {
	case *array.Boolean:
		return !b.Value(0) || b.Value(1)
	case *array.Int8:
		return isAscending(b)
	case *array.Int16:
		return isAscending(b)
	case *array.Int32:
		return isAscending(b)
	case *array.Int64:
		return isAscending(b)
	case *array.Uint8:
		return isAscending(b)
	case *array.Uint16:
		return isAscending(b)
	case *array.Uint32:
		return isAscending(b)
	case *array.Uint64:
		return isAscending(b)
	case *array.Float32:
		return isAscending(b)
	case *array.Float64:
		return isAscending(b)
	case *array.Date32:
		return isAscending(b)
	case *array.Time32:
		return isAscending(b)
	case *array.Time64:
		return isAscending(b)
	case *array.Timestamp:
		return isAscending(b)
	case *array.Duration:
		return isAscending(b)
	case *array.String:
		return isAscending(b)
	}
	return isOrderedWide(bounds)
}

// isOrderedWide is isOrdered for types that Go has no operator for.
func isOrderedWide(bounds arrow.Array) bool {
	switch b := bounds.(type) {
	case *array.Float16:
		return isAscending(floats{b})
	case *array.Decimal128:
		return b.Value(0).Cmp(b.Value(1)) <= 0
	case *array.Decimal256:
		return b.Value(0).Cmp(b.Value(1)) <= 0
	case *array.Binary:
		return bytes.Compare(b.Value(0), b.Value(1)) <= 0
	case *array.FixedSizeBinary:
		return bytes.Compare(b.Value(0), b.Value(1)) <= 0
	}
	return false
}

// floats is an array of floats of 16 bits as such of 32.
type floats struct{ *array.Float16 }

func (f floats) Value(i int) float32 {
	if value := f.Float16.Value(i); !value.IsNaN() {
		return value.Float32()
	}
	return float32(math.NaN())
}

func isAscending[T cmp.Ordered](bounds interface{ Value(int) T }) bool {
	return bounds.Value(0) <= bounds.Value(1)
}
