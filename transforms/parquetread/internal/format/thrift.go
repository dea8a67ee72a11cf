package format

import (
	"encoding/binary"
	"errors"
)

// kind is the type of a value in Thrift's compact protocol.
type kind byte

const (
	kindStop   kind = 0
	kindTrue   kind = 1
	kindFalse  kind = 2
	kindByte   kind = 3
	kindI16    kind = 4
	kindI32    kind = 5
	kindI64    kind = 6
	kindDouble kind = 7
	kindBinary kind = 8
	kindList   kind = 9
	kindSet    kind = 10
	kindMap    kind = 11
	kindStruct kind = 12
	kindUUID   kind = 13
)

// ErrShort says that the bytes end inside a structure.
var ErrShort = errors.New("the structure is cut off")

var errMalformed = errors.New("the structure is malformed")

// maxDepth bounds how deep structures nest; Parquet's own go four deep.
const maxDepth = 32

// thrift reads the compact protocol. The first error sticks: every later read returns
// zero values, and nothing is ever read outside data.
type thrift struct {
	data  []byte
	pos   int
	depth int
	err   error
}

func (t *thrift) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// take returns the next n bytes, or nil after an error.
func (t *thrift) take(n uint64) []byte {
	if t.err == nil && n > uint64(len(t.data)-t.pos) {
		t.fail(ErrShort)
	}
	if t.err != nil {
		return nil
	}
	taken := t.data[t.pos : t.pos+int(n)]
	t.pos += int(n)
	return taken
}

func (t *thrift) byte() byte {
	if b := t.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (t *thrift) uvarint() uint64 {
	if t.err != nil {
		return 0
	}
	value, n := binary.Uvarint(t.data[t.pos:])
	switch {
	case n == 0:
		t.fail(ErrShort)
		return 0
	case n < 0:
		t.fail(errMalformed)
		return 0
	}
	t.pos += n
	return value
}

func (t *thrift) varint() int64 {
	u := t.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// fields visits the fields of a structure. A visitor returns true when it has read the
// value of the field; a field that it does not know is skipped.
func (t *thrift) fields(visit func(id int16, k kind) bool) {
	t.depth++
	defer func() { t.depth-- }()
	if t.depth > maxDepth {
		t.fail(errMalformed)
	}
	var id int16
	for t.err == nil {
		head := t.byte()
		k := kind(head & 0x0f)
		if k == kindStop {
			return
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			id = int16(t.varint())
		}
		if t.err == nil && !visit(id, k) {
			t.skip(k)
		}
	}
}

// list visits the elements of a list of structures that take at least so many bytes each. A
// list of anything else is skipped.
func (t *thrift) list(k kind, least int, visit func(size int)) bool {
	if k != kindList {
		return false
	}
	size, found := t.listHead()
	if found == kindStruct && size > (len(t.data)-t.pos)/least {
		t.fail(ErrShort)
	}
	for range size {
		if t.err != nil {
			return true
		}
		if found == kindStruct {
			visit(size)
		} else {
			t.skipElement(found)
		}
	}
	return true
}

// listHead returns the number and the kind of the elements of a list. No element is
// smaller than a byte, so that no list can be longer than what is left.
func (t *thrift) listHead() (int, kind) {
	head := t.byte()
	size := uint64(head >> 4)
	if size == 15 {
		size = t.uvarint()
	}
	if size > uint64(len(t.data)-t.pos) {
		t.fail(ErrShort)
	}
	if t.err != nil {
		return 0, kindStop
	}
	return int(size), kind(head & 0x0f)
}

func (t *thrift) skip(k kind) {
	switch k {
	case kindTrue, kindFalse: // the field's head is the value
	case kindByte:
		t.take(1)
	case kindI16, kindI32, kindI64:
		t.uvarint()
	case kindDouble:
		t.take(8)
	case kindBinary:
		t.take(t.uvarint())
	case kindUUID:
		t.take(16)
	case kindList, kindSet:
		t.skipList()
	case kindMap:
		t.skipMap()
	case kindStruct:
		t.fields(func(int16, kind) bool { return false })
	default:
		t.fail(errMalformed)
	}
}

func (t *thrift) skipList() {
	size, elem := t.listHead()
	for i := 0; i < size && t.err == nil; i++ {
		t.skipElement(elem)
	}
}

func (t *thrift) skipMap() {
	size := t.uvarint()
	if size == 0 {
		return
	}
	kinds := t.byte()
	for i := uint64(0); i < size && t.err == nil; i++ {
		t.skipElement(kind(kinds >> 4))
		t.skipElement(kind(kinds & 0x0f))
	}
}

// skipElement skips an element of a list, set or map, where lists nest without a
// structure between them and a boolean takes a byte.
func (t *thrift) skipElement(k kind) {
	t.depth++
	defer func() { t.depth-- }()
	switch {
	case t.depth > maxDepth:
		t.fail(errMalformed)
	case k == kindTrue || k == kindFalse:
		t.take(1)
	default:
		t.skip(k)
	}
}

// The functions below read a value of one kind into a target, and leave a value of any
// other kind to be skipped.

func (t *thrift) readBool(k kind, target *bool) bool {
	if k != kindTrue && k != kindFalse {
		return false
	}
	*target = k == kindTrue
	return true
}

func (t *thrift) readInt8(k kind, target *int8) bool {
	if k != kindByte {
		return false
	}
	*target = int8(t.byte())
	return true
}

func (t *thrift) readInt32(k kind, target *int32) bool {
	if k != kindI32 {
		return false
	}
	*target = int32(t.varint())
	return true
}

func (t *thrift) readInt64(k kind, target *int64) bool {
	if k != kindI64 {
		return false
	}
	*target = t.varint()
	return true
}

func (t *thrift) readString(k kind, target *string) bool {
	if k != kindBinary {
		return false
	}
	*target = string(t.take(t.uvarint()))
	return true
}

// readBytes refers to the bytes where they are.
func (t *thrift) readBytes(k kind, target *[]byte) bool {
	if k != kindBinary {
		return false
	}
	*target = t.take(t.uvarint())
	return true
}

func (t *thrift) readStruct(k kind, visit func(id int16, k kind) bool) bool {
	if k != kindStruct {
		return false
	}
	t.fields(visit)
	return true
}
