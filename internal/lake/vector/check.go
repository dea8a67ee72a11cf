package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// The portable format of roaring bitmaps, see RoaringFormatSpec. All numbers are in little-endian.
const (
	cookieNoRuns  = 12346
	cookieRuns    = 12347 // in the lower half of a cookie whose upper half is the number of containers less 1
	offsetsFrom   = 4     // containers, from which on a bitmap with runs has offsets
	maxContainers = 1 << 16
	maxArray      = 4096 // values; containers with more are bitmaps
	bitmapBytes   = 8192
)

var errCut = errors.New("it is cut off")

// scan takes bytes from the front of a set.
type scan struct{ rest []byte }

func (s *scan) take(n int) ([]byte, error) {
	if n > len(s.rest) {
		return nil, errCut
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken, nil
}

func (s *scan) uint16() (uint16, error) {
	raw, err := s.take(2)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint16(raw), nil
}

func (s *scan) uint32() (uint32, error) {
	raw, err := s.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(raw), nil
}

// check makes sure that bytes are a bitmap of 64 bits as a writer writes it, and nothing else: the library
// takes memory and answers by what the bytes say about themselves. It takes time in proportion to the bytes.
func check(set []byte) error {
	s := &scan{set}
	raw, err := s.take(8)
	if err != nil {
		return err
	}
	last := int64(-1)
	for count := binary.LittleEndian.Uint64(raw); count > 0; count-- {
		key, err := s.uint32()
		switch {
		case err != nil:
			return err
		case int64(key) <= last || key > math.MaxInt32:
			return fmt.Errorf("part %d follows part %d", key, last)
		}
		last = int64(key)
		if err := s.checkBitmap(); err != nil {
			return err
		}
	}
	if len(s.rest) > 0 {
		return fmt.Errorf("%d bytes are left over", len(s.rest))
	}
	return nil
}

// checkBitmap checks a bitmap of 32 bits.
func (s *scan) checkBitmap() error {
	count, runs, err := s.header()
	if err != nil {
		return err
	}
	descriptions, err := s.take(4 * count)
	if err != nil {
		return err
	}
	if runs == nil || count >= offsetsFrom {
		if _, err := s.take(4 * count); err != nil {
			return err
		}
	}
	last := -1
	for i := range count {
		key := int(binary.LittleEndian.Uint16(descriptions[4*i:]))
		if key <= last {
			return fmt.Errorf("container %d follows container %d", key, last)
		}
		last = key
		values := int(binary.LittleEndian.Uint16(descriptions[4*i+2:])) + 1
		switch {
		case runs != nil && runs[i/8]>>(i%8)&1 == 1:
			err = s.checkRuns(values)
		case values <= maxArray:
			err = s.checkArray(values)
		default:
			err = s.checkBits(values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// header returns how many containers a bitmap has, and the bits that say which of them are runs; nil if none are.
func (s *scan) header() (count int, runs []byte, err error) {
	cookie, err := s.uint32()
	if err != nil {
		return 0, nil, err
	}
	switch {
	case cookie&math.MaxUint16 == cookieRuns:
		count = int(cookie>>16) + 1
		runs, err = s.take((count + 7) / 8)
		return count, runs, err
	case cookie != cookieNoRuns:
		return 0, nil, fmt.Errorf("its cookie is %d", cookie)
	}
	containers, err := s.uint32()
	if err == nil && (containers == 0 || containers > maxContainers) {
		err = fmt.Errorf("it has %d containers", containers)
	}
	return int(containers), nil, err
}

func (s *scan) checkArray(values int) error {
	raw, err := s.take(2 * values)
	if err != nil {
		return err
	}
	for i := 2; i < len(raw); i += 2 {
		if binary.LittleEndian.Uint16(raw[i:]) <= binary.LittleEndian.Uint16(raw[i-2:]) {
			return errors.New("values are out of order")
		}
	}
	return nil
}

func (s *scan) checkBits(values int) error {
	raw, err := s.take(bitmapBytes)
	if err != nil {
		return err
	}
	found := 0
	for i := 0; i < len(raw); i += 8 {
		found += bits.OnesCount64(binary.LittleEndian.Uint64(raw[i:]))
	}
	if found != values {
		return fmt.Errorf("a container has %d values, not %d", found, values)
	}
	return nil
}

func (s *scan) checkRuns(values int) error {
	count, err := s.uint16()
	if err != nil {
		return err
	}
	raw, err := s.take(4 * int(count))
	if err != nil {
		return err
	}
	found, end := 0, -1
	for i := 0; i < len(raw); i += 4 {
		start, more := int(binary.LittleEndian.Uint16(raw[i:])), int(binary.LittleEndian.Uint16(raw[i+2:]))
		if start <= end || start+more > math.MaxUint16 {
			return errors.New("runs are out of order")
		}
		found, end = found+more+1, start+more
	}
	if found != values {
		return fmt.Errorf("a container has %d values, not %d", found, values)
	}
	return nil
}
