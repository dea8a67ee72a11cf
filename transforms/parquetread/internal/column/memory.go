package column

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// MaxHeld bounds how many bytes of pages and dictionaries, decompressed, are held at the same time of
// all columns of a row group.
const MaxHeld = 256 << 20

// Memory is what pages may take that are held at the same time by several readers. It is safe for
// concurrent use.
type Memory struct {
	most, used atomic.Int64
}

// NewMemory makes a Memory of a number of bytes.
func NewMemory(most int64) *Memory {
	m := &Memory{}
	m.most.Store(most)
	return m
}

// ErrMemory says that other readers hold what the next page needs. Nothing was read then: the same can
// be asked for again when others are suspended.
var ErrMemory = errors.New("the pages of other columns take too much memory")

// take takes bytes, all or none. It fails with ErrMemory, or for good where nothing could make room.
func (m *Memory) take(bytes int64) error {
	if m == nil {
		return nil
	}
	if bytes > m.most.Load() {
		return errLargePage(bytes, m.most.Load())
	}
	if m.used.Add(bytes) > m.most.Load() {
		m.used.Add(-bytes)
		return ErrMemory
	}
	return nil
}

func (m *Memory) give(bytes int64) {
	if m != nil {
		m.used.Add(-bytes)
	}
}

func errLargePage(bytes, most int64) error {
	return fmt.Errorf("a page of %d bytes, where %d are the most, is %w", bytes, most, ErrUnsupported)
}
