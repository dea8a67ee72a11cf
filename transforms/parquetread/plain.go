package parquetread

import (
	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
)

// IsPlain says whether a column, by its name, is stored in a form that every reader of
// Parquet takes for the same values: a flat column of a type that the format has from
// early on and that is declared in full, under a usual codec, in the calendar of the format. Where old writers left
// something open, or readers are known to differ, it is not.
func (f Footer) IsPlain(column string) bool {
	at := f.Schema.FieldIndices(column)
	return len(at) == 1 && at[0] < len(f.plain) && f.plain[at[0]]
}

// plainColumns says of each column of the file whether it is plain.
func (c contents) plainColumns(schema *arrow.Schema) []bool {
	plain := make([]bool, len(c.root.children))
	if hasShortChunks(c.meta.CreatedBy) {
		return plain
	}
	for i, n := range c.root.children {
		plain[i] = n.isFlat() && n.isPlain() && c.isUsual(n) && !c.mayMove(n, schema.Field(i))
	}
	return plain
}

// isUsual looks at the codecs and statistics of a leaf in all row groups. Bounds of text from
// before there were column orders are in an order that not every reader knows, and hyperd ends
// over bounds of the wrong length.
func (c contents) isUsual(n node) bool {
	isText := n.Physical == format.ByteArray || n.Physical == format.FixedLenByteArray
	width := column.Column{Physical: n.Physical, Length: n.TypeLength}.Width()
	for _, group := range c.meta.RowGroups {
		if n.leaf >= len(group.Columns) {
			return false
		}
		switch group.Columns[n.leaf].Codec {
		case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd, format.LZ4:
		default:
			return false
		}
		bounds, err := format.ParseStatistics(group.Columns[n.leaf].Statistics)
		if err != nil || isText && bounds.Min != nil && bounds.MinValue == nil {
			return false
		}
		for _, bound := range [][]byte{bounds.Min, bounds.Max, bounds.MinValue, bounds.MaxValue} {
			if bound != nil && width > 0 && len(bound) != width {
				return false
			}
		}
	}
	return true
}

// isPlain looks at the type of a leaf.
func (n node) isPlain() bool {
	logical := n.Logical
	switch n.Physical {
	case format.Boolean, format.Float, format.Double:
		return logical.ID == format.NoLogical
	case format.Int32:
		switch logical.ID {
		case format.NoLogical, format.Date:
			return true
		case format.Decimal:
			return logical.Precision <= 9
		case format.Integer: // some writers order the bounds of unsigned ones as signed
			return logical.Signed || logical.Bits < 32
		}
	case format.Int64:
		switch logical.ID {
		case format.NoLogical:
			return true
		case format.Decimal:
			return logical.Precision <= digitsOf64Bits
		case format.Integer:
			return logical.Signed
		case format.Timestamp:
			return !n.Legacy && (logical.Unit == format.Milliseconds || logical.Unit == format.Microseconds)
		case format.Time:
			return !n.Legacy && logical.Unit == format.Microseconds
		}
	case format.ByteArray:
		return logical.ID == format.String || logical.ID == format.NoLogical
	case format.FixedLenByteArray:
		return logical.ID == format.NoLogical || logical.ID == format.Decimal && n.isPlainDecimal()
	}
	return false
}

// digitsOf64Bits is how many digits a decimal of 64 bits has at most.
const digitsOf64Bits = 18

// isPlainDecimal says whether a decimal takes as many bytes as its digits call for: readers
// that keep those of up to 18 digits in 64 bits take the wrong bytes of longer ones.
func (n node) isPlainDecimal() bool {
	if n.Logical.Precision <= digitsOf64Bits {
		return n.TypeLength <= 8
	}
	return n.TypeLength > 8 && n.TypeLength <= 16
}
