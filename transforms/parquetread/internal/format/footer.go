package format

import (
	"errors"
	"fmt"
)

// FileMetaData is the footer of a file.
type FileMetaData struct {
	Schema      []SchemaElement // the tree of columns, depth first, the root included
	Rows        int64
	RowGroups   []RowGroup
	KeyValues   map[string]string
	CreatedBy   string
	Orders      []ColumnOrder // of the leaves; may be missing
	IsEncrypted bool          // some columns may not be readable
}

// SchemaElement is a node in the tree of columns.
type SchemaElement struct {
	Name       string
	Physical   Physical // of a leaf
	TypeLength int32    // of FixedLenByteArray, in bytes
	Repetition Repetition
	Children   int32 // 0 for a leaf
	Logical    LogicalType
	FieldID    int32 // 0 if it has none
	Legacy     bool  // Logical is that of a converted type; the file has none of its own
}

// LogicalType is a logical type with its parameters.
type LogicalType struct {
	ID        Logical
	Precision int32    // of Decimal
	Scale     int32    // of Decimal
	UTC       bool     // of Time and Timestamp: an instant, not a reading of a local clock
	Unit      TimeUnit // of Time and Timestamp
	Bits      int8     // of Integer
	Signed    bool     // of Integer
	CRS       string   // of Geometry and Geography: the coordinate reference system, "" for the default
	Edges     Edges    // of Geography
}

// RowGroup is a range of rows.
type RowGroup struct {
	Columns []ColumnChunk // one for each leaf of the schema, in its order
	Rows    int64
}

// ColumnChunk is the part of one column in one row group.
type ColumnChunk struct {
	FilePath         string // of another file that holds it; empty in practice
	IsEncrypted      bool
	HasMetaData      bool
	Physical         Physical
	Codec            Codec
	Values           int64  // nulls included
	UncompressedSize int64  // bytes, page headers included
	CompressedSize   int64  // bytes, page headers included
	DataOffset       int64  // of the first data page in the file
	DictionaryOffset int64  // of the dictionary page in the file; 0 when there is none
	Statistics       []byte // for ParseStatistics; nil when there are none
}

// Bytes that structures take at least, with what the format says they must have: what is made of them
// takes more, and much more must not be made of nothing.
const (
	leastElement = 3 // a name
	leastGroup   = 7 // columns, bytes, rows
	leastChunk   = 3 // an offset
	leastPair    = 3 // a key
	leastOrder   = 3
)

// maxElements bounds how many fields a schema has.
const maxElements = 1 << 17

var errElements = fmt.Errorf("the schema has more than %d fields", maxElements)

// ParseFileMetaData parses a footer: the bytes before its length and the closing magic.
// The result refers to data, which must not change any more, until Compact is called. Bytes that are cut off
// ([ErrShort]) or malformed, and a footer without a schema, are errors.
func ParseFileMetaData(data []byte) (*FileMetaData, error) {
	t := &thrift{data: data}
	m := &FileMetaData{KeyValues: map[string]string{}}
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 2:
			return t.list(k, leastElement, func(size int) {
				if size > maxElements {
					t.fail(errElements)
				} else {
					m.Schema = append(m.Schema, t.schemaElement())
				}
			})
		case 3:
			return t.readInt64(k, &m.Rows)
		case 4:
			return t.list(k, leastGroup, func(int) { m.RowGroups = append(m.RowGroups, t.rowGroup()) })
		case 5:
			return t.list(k, leastPair, func(int) { t.keyValue(m.KeyValues) })
		case 6:
			return t.readString(k, &m.CreatedBy)
		case 7:
			return t.list(k, leastOrder, func(int) { m.Orders = append(m.Orders, t.columnOrder()) })
		case 8:
			m.IsEncrypted = true
		}
		return false
	})
	if t.err != nil {
		return nil, fmt.Errorf("footer: %w", t.err)
	}
	if len(m.Schema) == 0 {
		return nil, errors.New("footer: there is no schema")
	}
	return m, nil
}

// Compact moves what refers to the parsed bytes to memory of its own, and lets go of them.
func (m *FileMetaData) Compact() {
	size := 0
	for _, group := range m.RowGroups {
		for _, chunk := range group.Columns {
			size += len(chunk.Statistics)
		}
	}
	all := make([]byte, 0, size)
	for _, group := range m.RowGroups {
		for i, chunk := range group.Columns {
			start := len(all)
			all = append(all, chunk.Statistics...)
			group.Columns[i].Statistics = all[start:]
		}
	}
}

func (t *thrift) schemaElement() SchemaElement {
	var e SchemaElement
	converted, scale, precision := int32(noConverted), int32(0), int32(0)
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.readInt32(k, (*int32)(&e.Physical))
		case 2:
			return t.readInt32(k, &e.TypeLength)
		case 3:
			return t.readInt32(k, (*int32)(&e.Repetition))
		case 4:
			return t.readString(k, &e.Name)
		case 5:
			return t.readInt32(k, &e.Children)
		case 6:
			return t.readInt32(k, &converted)
		case 7:
			return t.readInt32(k, &scale)
		case 8:
			return t.readInt32(k, &precision)
		case 9:
			return t.readInt32(k, &e.FieldID)
		case 10:
			return t.readStruct(k, func(id int16, k kind) bool {
				e.Logical = t.logicalType(Logical(id), k)
				return true
			})
		}
		return false
	})
	if e.Logical.ID == NoLogical {
		e.Logical = fromConverted(converted, precision, scale)
		e.Legacy = e.Logical.ID != NoLogical
	}
	return e
}

// logicalType reads one member of the union of logical types: a structure with
// parameters, whose numbers differ between the types.
func (t *thrift) logicalType(id Logical, k kind) LogicalType {
	l := LogicalType{ID: id}
	read := t.readStruct(k, func(field int16, k kind) bool {
		switch {
		case id == Decimal && field == 1:
			return t.readInt32(k, &l.Scale)
		case id == Decimal && field == 2:
			return t.readInt32(k, &l.Precision)
		case (id == Time || id == Timestamp) && field == 1:
			return t.readBool(k, &l.UTC)
		case (id == Time || id == Timestamp) && field == 2:
			return t.readStruct(k, func(unit int16, _ kind) bool {
				l.Unit = TimeUnit(unit)
				return false
			})
		case id == Integer && field == 1:
			return t.readInt8(k, &l.Bits)
		case id == Integer && field == 2:
			return t.readBool(k, &l.Signed)
		case (id == Geometry || id == Geography) && field == 1:
			return t.readString(k, &l.CRS)
		case id == Geography && field == 2:
			return t.readInt32(k, (*int32)(&l.Edges))
		}
		return false
	})
	if !read {
		t.skip(k)
	}
	return l
}

func (t *thrift) rowGroup() RowGroup {
	var g RowGroup
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.list(k, leastChunk, func(size int) {
				if g.Columns == nil {
					g.Columns = make([]ColumnChunk, 0, min(size, maxReserved))
				}
				g.Columns = append(g.Columns, t.columnChunk())
			})
		case 3:
			return t.readInt64(k, &g.Rows)
		}
		return false
	})
	return g
}

// maxReserved bounds what is allocated on the word of a list's length alone.
const maxReserved = 1024

func (t *thrift) columnChunk() ColumnChunk {
	var c ColumnChunk
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.readString(k, &c.FilePath)
		case 3:
			c.HasMetaData = true
			return t.readStruct(k, func(id int16, k kind) bool { return t.columnMetaData(&c, id, k) })
		case 8:
			c.IsEncrypted = true
		}
		return false
	})
	return c
}

func (t *thrift) columnMetaData(c *ColumnChunk, id int16, k kind) bool {
	switch id {
	case 1:
		return t.readInt32(k, (*int32)(&c.Physical))
	case 4:
		return t.readInt32(k, (*int32)(&c.Codec))
	case 5:
		return t.readInt64(k, &c.Values)
	case 6:
		return t.readInt64(k, &c.UncompressedSize)
	case 7:
		return t.readInt64(k, &c.CompressedSize)
	case 9:
		return t.readInt64(k, &c.DataOffset)
	case 11:
		return t.readInt64(k, &c.DictionaryOffset)
	case 12:
		start := t.pos
		t.skip(k)
		c.Statistics = t.data[start:t.pos]
		return true
	}
	return false
}

// columnOrder reads one member of the union of column orders.
func (t *thrift) columnOrder() ColumnOrder {
	var order ColumnOrder
	t.fields(func(id int16, _ kind) bool {
		order = ColumnOrder(id)
		return false
	})
	return order
}

func (t *thrift) keyValue(into map[string]string) {
	var key, value string
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.readString(k, &key)
		case 2:
			return t.readString(k, &value)
		}
		return false
	})
	into[key] = value
}
