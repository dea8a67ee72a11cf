package column

import (
	"encoding/binary"
	"fmt"
	"math"
)

// snappyElement is what a page under snappy is made of: bytes that stand there, or a copy of bytes
// before.
type snappyElement struct {
	head   int  // bytes that say what it is
	length int  // bytes that it becomes
	offset int  // of a copy: how far back it begins
	isCopy bool // else the bytes stand behind the head
}

// parseSnappy reads the head of the element at the start of src.
func parseSnappy(src []byte) (e snappyElement, ok bool) {
	if len(src) == 0 {
		return e, false
	}
	tag := src[0]
	e = snappyElement{head: 1, length: int(tag>>2) + 1, isCopy: tag&3 != 0}
	switch tag & 3 {
	case 0:
		if more := e.length - 60; more > 0 { // bytes that the length takes
			e.head += more
			e.length = 1
			if len(src) >= e.head {
				e.length += littleEndian(src[1:e.head])
			}
		}
	case 1:
		e.head, e.length = 2, int(tag>>2&7)+4
		if len(src) >= e.head {
			e.offset = int(tag>>5)<<8 | int(src[1])
		}
	case 2, 3:
		e.head = 1 + 2*int(tag&3-1)
		if len(src) >= e.head {
			e.offset = littleEndian(src[1:e.head])
		}
	}
	return e, len(src) >= e.head
}

func littleEndian(data []byte) (n int) {
	for i, b := range data {
		n |= int(b) << (8 * i)
	}
	return n
}

var errSnappy = fmt.Errorf("%w: it does not decompress", errMalformed)

// snappyPrefix fills dst with the start of what src decompresses to.
func snappyPrefix(dst, src []byte) error {
	_, n := binary.Uvarint(src)
	if n <= 0 {
		return errSnappy
	}
	src = src[n:]
	for done := 0; done < len(dst); {
		e, ok := parseSnappy(src)
		if !ok || e.isCopy && (e.offset == 0 || e.offset > done) || !e.isCopy && e.length > len(src)-e.head {
			return errSnappy
		}
		src = src[e.head:]
		if e.isCopy {
			for i := range min(e.length, len(dst)-done) {
				dst[done+i] = dst[done+i-e.offset]
			}
		} else {
			copy(dst[done:], src)
			src = src[e.length:]
		}
		done += e.length
	}
	return nil
}

// snappyLanes is how many pages are scanned side by side. Where an element begins is known only
// after the one before it; of several pages, a processor finds out at the same time.
const snappyLanes = 4

// snappyScan looks at the elements of pages under snappy, without decompressing them: whether
// they end where they should, and that none is a copy of offset 0, which some decoders take
// for something else. Its zero value is ready for use.
type snappyScan struct {
	lanes [snappyLanes]snappyLane
	used  int // lanes, the first ones
}

// buffer is where to read the next page into, for add not to copy it.
func (s *snappyScan) buffer() *[]byte { return &s.lanes[s.used].buffer }

// add scans a page, perhaps later. It fails for any of the pages so far.
func (s *snappyScan) add(page []byte) error {
	if len(page) >= largePage { // of which no copy is kept
		var alone snappyLane
		alone.begin(page)
		return alone.finish()
	}
	lane := &s.lanes[s.used]
	if len(page) == 0 || !isWithin(page, lane.buffer) {
		lane.buffer = append(lane.buffer[:0], page...)
		page = lane.buffer
	}
	lane.begin(page)
	s.used++
	for s.used == snappyLanes {
		s.together()
		for i := snappyLanes - 1; i >= 0; i-- {
			lane := &s.lanes[i]
			if !lane.isEnding() {
				if !lane.next() {
					return errSnappy
				}
				continue
			}
			if err := lane.finish(); err != nil {
				return err
			}
			s.used--
			s.lanes[i], s.lanes[s.used] = s.lanes[s.used], s.lanes[i]
		}
	}
	return nil
}

// isWithin says whether a slice, which is not empty, ends where the bytes of a buffer do.
func isWithin(page, buffer []byte) bool {
	return len(buffer) > 0 && &page[len(page)-1] == &buffer[len(buffer)-1]
}

// finish scans what is left of all pages.
func (s *snappyScan) finish() error {
	for s.used > 0 {
		s.used--
		if err := s.lanes[s.used].finish(); err != nil {
			return err
		}
	}
	return nil
}

// together scans all lanes until an element of one of them has to be looked at by itself. Where a lane
// is and what it has become are one number, so that one addition moves both.
func (s *snappyScan) together() {
	l0, l1, l2, l3 := &s.lanes[0], &s.lanes[1], &s.lanes[2], &s.lanes[3]
	p0, p1, p2, p3 := l0.page, l1.page, l2.page, l3.page
	m0, m1, m2, m3 := l0.moved(), l1.moved(), l2.moved(), l3.moved()
	for {
		i0, i1, i2, i3 := int(uint32(m0)), int(uint32(m1)), int(uint32(m2)), int(uint32(m3))
		if i0+snappyWord > len(p0) || i1+snappyWord > len(p1) || i2+snappyWord > len(p2) || i3+snappyWord > len(p3) {
			break
		}
		w0, w1 := binary.LittleEndian.Uint64(p0[i0:]), binary.LittleEndian.Uint64(p1[i1:])
		w2, w3 := binary.LittleEndian.Uint64(p2[i2:]), binary.LittleEndian.Uint64(p3[i3:])
		s0, s1, s2, s3 := &snappySteps[byte(w0)], &snappySteps[byte(w1)], &snappySteps[byte(w2)], &snappySteps[byte(w3)]
		if w0&s0.offset == 0 || w1&s1.offset == 0 || w2&s2.offset == 0 || w3&s3.offset == 0 {
			break
		}
		m0, m1, m2, m3 = m0+s0.move, m1+s1.move, m2+s2.move, m3+s3.move
	}
	l0.moveTo(m0)
	l1.moveTo(m1)
	l2.moveTo(m2)
	l3.moveTo(m3)
}

// snappyLane is a page of which a part is scanned.
type snappyLane struct {
	buffer []byte // in which the page is
	page   []byte
	size   uint64 // that the page says it has
	at     int    // of the next element
	length int    // bytes that the elements before it become
}

// begin starts a page.
func (l *snappyLane) begin(page []byte) {
	l.page, l.length = page, 0
	if l.size, l.at = binary.Uvarint(page); l.at <= 0 {
		l.at = len(page) + 1 // which finish refuses
	}
}

// moved is at and length in one, the latter above.
func (l *snappyLane) moved() uint64 { return uint64(uint32(l.at)) | uint64(l.length)<<32 }

func (l *snappyLane) moveTo(moved uint64) { l.at, l.length = int(uint32(moved)), int(moved>>32) }

// snappyWord is how many bytes are looked at for an element.
const snappyWord = 8

func (l *snappyLane) isEnding() bool { return l.at+snappyWord > len(l.page) }

// next passes an element, unless it is damaged.
func (l *snappyLane) next() bool {
	e, ok := parseSnappy(l.page[l.at:])
	l.at += e.head
	if !e.isCopy {
		l.at += e.length
	}
	l.length += e.length
	return ok && (!e.isCopy || e.offset > 0)
}

// finish scans the rest of a page.
func (l *snappyLane) finish() error {
	ok := true
	for ok && l.at < len(l.page) {
		ok = l.next()
	}
	if !ok || l.at > len(l.page) || uint64(l.length) != l.size {
		return errSnappy
	}
	return nil
}

// snappyStep is what a tag says about an element.
type snappyStep struct {
	offset uint64 // the bits of the word that are the offset of a copy; all of what is none; none if the element is to be looked at
	move   uint64 // bytes to the next element, and those that it becomes above
}

// snappySteps are by tag.
var snappySteps = func() (steps [256]snappyStep) {
	for tag := range steps {
		e, _ := parseSnappy([]byte{byte(tag), 0, 0, 0, 0})
		step := snappyStep{move: uint64(e.head) | uint64(e.length)<<32}
		switch {
		case tag&3 == 1: // three bits are in the tag
			step.offset = 0xffe0
		case e.isCopy:
			step.offset = 1<<(8*e.head) - 1<<8
		case e.head == 1:
			step.offset = math.MaxUint64
			step.move += uint64(e.length)
		}
		steps[tag] = step
	}
	return steps
}()
