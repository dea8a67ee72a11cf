package parquetread

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/column"
)

const (
	// turnBytes is how many bytes of all columns are decoded in a turn, about: the more, the less often a page
	// is decompressed again.
	turnBytes = 128 << 20

	// freedBytes is from how many bytes on it is worth to look for what can be freed.
	freedBytes = 32 << 20
)

// turns is held by the one row group of this process whose columns are decoded one after another.
var turns = make(chan struct{}, 1)

// takeTurns goes over to decoding columns one after another, as their pages take too much memory
// together. It waits while another row group does so.
func (g *groupReader) takeTurns() error {
	g.suspend()
	select {
	case turns <- struct{}{}:
		g.inTurn = true
		return nil
	case <-g.ctx.Done():
		return g.ctx.Err()
	}
}

// close ends the turns.
func (g *groupReader) close() {
	if g.inTurn {
		<-turns
	}
}

// suspend gives back what the pages of all columns take, and returns how many bytes that was.
func (g *groupReader) suspend() (bytes int64) {
	for i := range g.selected.nodes {
		bytes += g.readers[i].suspend()
	}
	if bytes >= freedBytes {
		runtime.GC() // or as much again would be in use before it runs by itself
	}
	return bytes
}

// decodeInTurn decodes rows of one column after another, and more of each than are sent at once, in
// pieces of at most the given number.
func (g *groupReader) decodeInTurn(rows int) error {
	for _, i := range g.order {
		if len(g.decoded[i]) > 0 {
			continue
		}
		for bytes := int64(0); g.left[i] > 0 && bytes < g.turn/int64(len(g.order)); {
			more, err := g.decodeMore(i, rows)
			if errors.Is(err, column.ErrMemory) && g.suspend() > 0 {
				more, err = g.decodeMore(i, rows)
			}
			if errors.Is(err, column.ErrMemory) {
				return fmt.Errorf("column %q: its pages and dictionary are more than the %d bytes that are held at once, which is %w",
					g.selected.nodes[i].Name, g.held, column.ErrUnsupported)
			}
			if err != nil {
				return err
			}
			bytes += more
		}
	}
	return nil
}

// heldBytes is how much memory an array keeps from being freed.
func heldBytes(data arrow.ArrayData) int64 {
	total := int64(0)
	for _, buffer := range data.Buffers() {
		if buffer != nil {
			total += int64(buffer.Len())
		}
	}
	for _, child := range data.Children() {
		total += heldBytes(child)
	}
	return total
}
