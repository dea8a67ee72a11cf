package ingest

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// postgresCell takes the values of a column, one after the other.
type postgresCell interface {
	// add appends a value that is not NULL, or nothing if it fails. The error is for people, without the value.
	add(raw []byte) error

	// null appends NULL.
	null()

	// drop takes back the latest value, or NULL.
	drop()

	// finish makes an array of all values, and begins anew.
	finish() arrow.Array
}

// nullRows are the rows that are NULL, in their order.
type nullRows []int

// drop takes a row back, which is the last.
func (n *nullRows) drop(row int) {
	if last := len(*n) - 1; last >= 0 && (*n)[last] == row {
		*n = (*n)[:last]
	}
}

// validity is the bitmap of so many rows; nil if none is NULL.
func (n nullRows) validity(rows int) *memory.Buffer {
	if len(n) == 0 {
		return nil
	}
	valid := make([]byte, bitutil.BytesForBits(int64(rows)))
	bitutil.SetBitsTo(valid, 0, int64(rows), true)
	for _, row := range n {
		bitutil.ClearBit(valid, row)
	}
	return memory.NewBufferBytes(valid)
}

// fixedArray is an array that takes over values of fixed width.
func fixedArray[T arrow.FixedWidthType](t arrow.DataType, values []T, nulls nullRows) arrow.Array {
	buffers := []*memory.Buffer{nulls.validity(len(values)), memory.NewBufferBytes(arrow.GetBytes(values))}
	return array.MakeFromData(array.NewData(t, len(values), buffers, nil, len(nulls), 0))
}

// fixedCell is of values of fixed width.
type fixedCell[T arrow.FixedWidthType] struct {
	read   func(raw []byte) (T, error)
	data   arrow.DataType
	values []T
	nulls  nullRows
}

func (c *fixedCell[T]) add(raw []byte) error {
	value, err := c.read(raw)
	if err == nil {
		c.values = append(c.values, value)
	}
	return err
}

func (c *fixedCell[T]) null() {
	var none T
	c.nulls = append(c.nulls, len(c.values))
	c.values = append(c.values, none)
}

func (c *fixedCell[T]) drop() {
	c.values = c.values[:len(c.values)-1]
	c.nulls.drop(len(c.values))
}

func (c *fixedCell[T]) finish() arrow.Array {
	made := fixedArray(c.data, c.values, c.nulls)
	c.values, c.nulls = make([]T, 0, len(c.values)), c.nulls[:0]
	return made
}

// booleanCell is of booleans.
type booleanCell struct {
	values []bool
	nulls  nullRows
}

func (c *booleanCell) add(raw []byte) error {
	value, err := readBool(raw)
	if err == nil {
		c.values = append(c.values, value)
	}
	return err
}

func (c *booleanCell) null() {
	c.nulls = append(c.nulls, len(c.values))
	c.values = append(c.values, false)
}

func (c *booleanCell) drop() {
	c.values = c.values[:len(c.values)-1]
	c.nulls.drop(len(c.values))
}

func (c *booleanCell) finish() arrow.Array {
	bits := make([]byte, bitutil.BytesForBits(int64(len(c.values))))
	for row, value := range c.values {
		bitutil.SetBitTo(bits, row, value)
	}
	buffers := []*memory.Buffer{c.nulls.validity(len(c.values)), memory.NewBufferBytes(bits)}
	made := array.MakeFromData(array.NewData(arrow.FixedWidthTypes.Boolean, len(c.values), buffers, nil, len(c.nulls), 0))
	c.values, c.nulls = c.values[:0], c.nulls[:0]
	return made
}

// bytesCell is of values of any length: texts and bytes.
type bytesCell struct {
	read   func(raw []byte) ([]byte, error) // the result is valid until the next is read
	data   arrow.DataType
	values textColumn
}

func (c *bytesCell) add(raw []byte) error {
	value, err := c.read(raw)
	if err == nil {
		c.values.append(value)
	}
	return err
}

func (c *bytesCell) null() { c.values.appendNull() }

func (c *bytesCell) drop() { c.values.truncate(c.values.rows() - 1) }

func (c *bytesCell) finish() arrow.Array {
	made := c.values.finishAs(c.data)
	c.values = textColumn{
		data: make([]byte, 0, len(c.values.data)), offsets: make([]int32, 0, c.values.rows()+1), valid: make([]byte, 0, len(c.values.valid)),
	}
	return made
}
