package format

import (
	"encoding/binary"
	"iter"
	"slices"
)

// ArrowField is what an Arrow schema says about a field beyond what Parquet can say.
type ArrowField struct {
	Name       string
	IsDuration bool
	Unit       int               // of a duration: 0 seconds, 1 milliseconds, 2 microseconds, 3 nanoseconds
	Metadata   map[string]string // of the keys that were asked for
	Children   []ArrowField
}

// Bounds on what is read of an embedded schema: in damaged bytes, many offsets may point
// to one place.
const (
	maxFields  = 1 << 16 // at all depths
	maxNesting = 128
	maxPairs   = 64
)

// ParseArrowSchema reads the fields of an Arrow schema in the form that Arrow's writers
// embed in files: an IPC message. Of their metadata, it keeps the given keys. Types that it
// does not know do no harm. It returns nil for anything else: the decoder of the Arrow
// module would trust the lengths that such bytes hold, and take hundreds of gigabytes.
func ParseArrowSchema(message []byte, keys ...string) []ArrowField {
	const continuation = 0xffffffff
	buf := flatbuffer(message)
	if buf.uint32(0) == continuation {
		buf = buf.from(4)
	}
	buf = buf.from(4) // the length of the message
	const schemaHeader = 1
	root := buf.table(0)
	if root.uint8(1) != schemaHeader {
		return nil
	}
	p := arrowParser{keys: keys, fields: maxFields, bytes: len(message)}
	return p.parse(root.child(2), 1, maxNesting)
}

// arrowParser holds what may still be made of a schema: no sound one needs more.
type arrowParser struct {
	keys   []string
	fields int
	bytes  int // of texts, which lie one behind the other
}

// parse reads the fields of a vector in a table.
func (p *arrowParser) parse(t table, number, depth int) []ArrowField {
	if depth == 0 {
		return nil
	}
	var fields []ArrowField
	for field := range t.children(number, p.fields) {
		if p.fields == 0 {
			break
		}
		p.fields--
		const durationType = 18
		f := ArrowField{Name: p.text(field, 0), IsDuration: field.uint8(2) == durationType}
		if f.IsDuration {
			f.Unit = field.child(3).int16(0, 1)
		}
		for pair := range field.children(6, maxPairs) {
			if key := p.text(pair, 0); slices.Contains(p.keys, key) {
				if f.Metadata == nil {
					f.Metadata = map[string]string{}
				}
				f.Metadata[key] = p.text(pair, 1)
			}
		}
		f.Children = p.parse(field, 5, depth-1)
		fields = append(fields, f)
	}
	return fields
}

func (p *arrowParser) text(t table, number int) string {
	pos, size := t.vector(number)
	rest := t.buf.from(pos)
	size = min(size, len(rest), p.bytes)
	p.bytes -= size
	return string(rest[:size])
}

// flatbuffer is bytes in the format of that name. What lies outside of them is zero.
type flatbuffer []byte

func (f flatbuffer) from(pos int) flatbuffer { return f[min(max(pos, 0), len(f)):] }

func (f flatbuffer) uint16(pos int) int {
	if pos < 0 || pos > len(f)-2 {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f[pos:]))
}

func (f flatbuffer) uint32(pos int) int {
	if pos < 0 || pos > len(f)-4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(f[pos:]))
}

// table is a table of a flatbuffer; its fields are numbered. An absent one has no fields.
type table struct {
	buf flatbuffer
	pos int // 0 if absent
}

// table follows the offset at pos.
func (f flatbuffer) table(pos int) table {
	offset := f.uint32(pos)
	if offset == 0 {
		return table{}
	}
	return table{f, pos + offset}
}

// field returns the position of a field, 0 if it is absent.
func (t table) field(number int) int {
	if t.pos == 0 {
		return 0
	}
	list := t.pos - int(int32(t.buf.uint32(t.pos)))
	entry := 4 + 2*number
	if entry+2 > t.buf.uint16(list) {
		return 0
	}
	offset := t.buf.uint16(list + entry)
	if offset == 0 {
		return 0
	}
	return t.pos + offset
}

func (t table) uint8(number int) int {
	if pos := t.field(number); pos > 0 && pos < len(t.buf) {
		return int(t.buf[pos])
	}
	return 0
}

func (t table) int16(number, absent int) int {
	if pos := t.field(number); pos != 0 {
		return int(int16(t.buf.uint16(pos)))
	}
	return absent
}

func (t table) child(number int) table {
	pos := t.field(number)
	if pos == 0 {
		return table{}
	}
	return t.buf.table(pos)
}

// children visits the tables of a vector, at most the given number.
func (t table) children(number, most int) iter.Seq[table] {
	pos, size := t.vector(number)
	return func(yield func(table) bool) {
		for i := range min(size, len(t.buf)/4, most) {
			if !yield(t.buf.table(pos + 4*i)) {
				return
			}
		}
	}
}

// vector returns the position and the number of the elements of a vector.
func (t table) vector(number int) (pos, size int) {
	pos = t.field(number)
	if pos == 0 {
		return 0, 0
	}
	pos += t.buf.uint32(pos)
	return pos + 4, t.buf.uint32(pos)
}
