package ingest

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	chunkRows  = 16 << 10
	chunkBytes = 4 << 20 // of text, after which a chunk is full
)

// textColumn is the texts of a column in the making.
type textColumn struct {
	data    []byte
	offsets []int32
	valid   []byte
	nulls   int
}

// rows is how many values the column has.
func (c *textColumn) rows() int { return len(c.offsets) }

// begin starts a value, whose text is what is appended to data until the next begins.
func (c *textColumn) begin(valid bool) {
	row := len(c.offsets)
	if row/8 == len(c.valid) {
		c.valid = append(c.valid, 0)
	}
	if valid {
		c.valid[row/8] |= 1 << (row % 8)
	} else {
		c.nulls++
	}
	c.offsets = append(c.offsets, int32(len(c.data)))
}

func (c *textColumn) appendNull() { c.begin(false) }

func (c *textColumn) append(text []byte) {
	c.begin(true)
	c.data = append(c.data, text...)
}

// cells are where all texts stand in the data.
func (c *textColumn) cells() []textCell {
	cells := make([]textCell, c.rows())
	end := int32(len(c.data))
	for row := range slices.Backward(cells) {
		cells[row] = textCell{c.offsets[row], end}
		if end = c.offsets[row]; bitutil.BitIsNotSet(c.valid, row) {
			cells[row] = nullCell
		}
	}
	return cells
}

// padTo adds NULLs until the column has so many values.
func (c *textColumn) padTo(rows int) {
	for c.rows() < rows {
		c.appendNull()
	}
}

// truncate takes back all but the first values.
func (c *textColumn) truncate(rows int) {
	if c.rows() <= rows {
		return
	}
	for row := rows; row < c.rows(); row++ {
		if bitutil.BitIsNotSet(c.valid, row) {
			c.nulls--
		}
		bitutil.ClearBit(c.valid, row)
	}
	c.data, c.offsets = c.data[:c.offsets[rows]], c.offsets[:rows]
	c.valid = c.valid[:bitutil.BytesForBits(int64(rows))]
}

// finish makes an array that takes over what the column holds.
func (c *textColumn) finish() arrow.Array { return c.finishAs(arrow.BinaryTypes.String) }

// finishAs is finish for another type of values that are bytes.
func (c *textColumn) finishAs(t arrow.DataType) arrow.Array {
	rows := c.rows()
	offsets := append(c.offsets, int32(len(c.data)))
	buffers := []*memory.Buffer{
		memory.NewBufferBytes(c.valid), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)), memory.NewBufferBytes(c.data),
	}
	if c.nulls == 0 {
		buffers[0] = nil
	}
	return array.MakeFromData(array.NewData(t, rows, buffers, nil, c.nulls, 0))
}

// texts are rows of text in the making: those that can be read, and those that cannot.
type texts struct {
	columns []textColumn
	lines   []int64 // where each row begins
	rejects []Reject
	bytes   int // of text, rejects included
}

func newTexts(columns int) *texts {
	return &texts{columns: make([]textColumn, columns)}
}

const maxShown = 64 << 10 // bytes of a value that a reject shows

// shown is a value as a reject shows it.
func shown(text string) string {
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown
	for cut > maxShown-4 && text[cut]&0xc0 == 0x80 { // within a character
		cut--
	}
	return text[:cut]
}
