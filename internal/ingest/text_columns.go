package ingest

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"hyperlake/internal/convert"
)

// columnReader makes values of a pinned type of texts. Safe for concurrent use.
type columnReader struct {
	name      string
	sql       string             // the type
	texts     *arrow.Schema      // of the one column that is converted
	converter *convert.Converter // of any text
	loss      loss               // nil where nothing can be lost

	// start begins a column of about so many rows, whose texts have about so many bytes.
	start func(r *columnReader, rows, bytes int) valueColumn
}

// newColumnReader refuses a type that text is not read as.
func newColumnReader(field arrow.Field) (*columnReader, error) {
	sql, ok := convert.TypeOf(field)
	if !ok {
		return nil, unreadable(field)
	}
	text := arrow.Field{Name: field.Name, Type: arrow.BinaryTypes.String, Nullable: true}
	r := &columnReader{
		name: field.Name, sql: strings.ToLower(sql), loss: lossOf(field.Type), start: startOf(field.Type),
		texts: arrow.NewSchema([]arrow.Field{text}, nil),
	}
	var err error
	if r.converter, err = convert.Compile(r.texts, convert.Refuse, []convert.Column{{Source: field.Name, Type: sql}}); err != nil {
		return nil, err
	}
	if !arrow.TypeEqual(r.converter.Schema().Field(0).Type, field.Type) {
		return nil, unreadable(field)
	}
	return r, nil
}

// convert makes values of texts, and says which of them do not fit.
func (r *columnReader) convert(texts *array.String) (arrow.Array, []unfit, error) {
	source := array.NewRecord(r.texts, []arrow.Array{texts}, int64(texts.Len()))
	converted, failures, err := r.converter.Apply(source)
	if err != nil {
		return nil, nil, err
	}
	var found []unfit
	for _, f := range failures {
		for _, row := range f.Rows {
			found = append(found, unfit{row, "the value " + r.converter.Explain(0, source, row)})
		}
	}
	for row := 0; r.loss != nil && row < texts.Len(); row++ {
		if texts.IsNull(row) {
			continue
		}
		if reason := r.loss(texts.Value(row)); reason != "" {
			found = append(found, unfit{row, reason})
		}
	}
	return converted.Column(0), found, nil
}

// unfit is a row whose value is none of its column, or would lose something.
type unfit struct {
	row    int
	reason string // for people, without the value
}

// textCell is where the text of a value stands among others; a negative start is NULL.
type textCell struct{ start, end int32 }

var nullCell = textCell{start: -1}

// valueColumn is the values of a column in the making, of texts that come one after another.
type valueColumn interface {
	// add appends the values that cells of a text stand for. The text is valid during the call.
	add(text []byte, cells []textCell)

	// finish makes the array, and says of which texts it does not hold the value. The column is not used any more.
	finish() (arrow.Array, []unfit, error)
}

// startOf is how columns of a type begin.
func startOf(t arrow.DataType) func(r *columnReader, rows, bytes int) valueColumn {
	switch t := t.(type) {
	case *arrow.Int16Type:
		return startPlain(t, plainInteger[int16])
	case *arrow.Int32Type:
		return startPlain(t, plainInteger[int32])
	case *arrow.Int64Type:
		return startPlain(t, convert.PlainInteger)
	case *arrow.Float64Type:
		return startPlain(t, convert.PlainFloat)
	case *arrow.Decimal128Type:
		return startPlain(t, plainDecimal(t))
	case *arrow.Date32Type:
		return startPlain(t, convert.PlainDate)
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return startPlain(t, convert.PlainTimestamp)
		}
		return startPlain(t, convert.PlainInstant)
	}
	return func(r *columnReader, rows, bytes int) valueColumn {
		return &convertedColumn{of: r, texts: textColumn{
			data: make([]byte, 0, bytes), offsets: make([]int32, 0, rows+1), valid: make([]byte, 0, bitutil.BytesForBits(int64(rows))),
		}}
	}
}

// convertedColumn keeps all texts, and converts them at the end. Texts that are not converted to another type become the array.
type convertedColumn struct {
	of    *columnReader
	texts textColumn
}

func (c *convertedColumn) add(text []byte, cells []textCell) {
	for _, cell := range cells {
		if cell.start < 0 {
			c.texts.appendNull()
		} else {
			c.texts.append(text[cell.start:cell.end])
		}
	}
}

func (c *convertedColumn) finish() (arrow.Array, []unfit, error) {
	return c.of.convert(c.texts.finish().(*array.String))
}

// plainColumn reads texts of the form in which nearly all values of its type are written at once, and keeps only the others to be
// converted at the end.
type plainColumn[T arrow.FixedWidthType] struct {
	of     *columnReader
	data   arrow.DataType
	plain  func(text []byte) (T, bool)
	values []T
	nulls  nullRows

	others textColumn // texts of which it is not known yet what they stand for
	rows   []int      // of these
}

func startPlain[T arrow.FixedWidthType](
	t arrow.DataType, plain func(text []byte) (T, bool),
) func(r *columnReader, rows, bytes int) valueColumn {
	return func(r *columnReader, rows, _ int) valueColumn {
		return &plainColumn[T]{of: r, data: t, plain: plain, values: make([]T, 0, rows)}
	}
}

func (c *plainColumn[T]) add(text []byte, cells []textCell) {
	for _, cell := range cells {
		var value T
		if cell.start < 0 {
			c.nulls = append(c.nulls, len(c.values))
		} else if read, ok := c.plain(text[cell.start:cell.end]); ok {
			value = read
		} else {
			c.rows = append(c.rows, len(c.values))
			c.others.append(text[cell.start:cell.end])
		}
		c.values = append(c.values, value)
	}
}

func (c *plainColumn[T]) finish() (arrow.Array, []unfit, error) {
	found, err := c.convertOthers()
	if err != nil {
		return nil, nil, err
	}
	return fixedArray(c.data, c.values, c.nulls), found, nil
}

// convertOthers puts the values in their places that were not read at once.
func (c *plainColumn[T]) convertOthers() ([]unfit, error) {
	if len(c.rows) == 0 {
		return nil, nil
	}
	converted, found, err := c.of.convert(c.others.finish().(*array.String))
	if err != nil {
		return nil, err
	}
	for i, value := range arrow.GetValues[T](converted.Data(), 1) {
		c.values[c.rows[i]] = value
	}
	for i := range found {
		found[i].row = c.rows[found[i].row]
	}
	return found, nil
}

func plainInteger[T int16 | int32](text []byte) (T, bool) {
	n, ok := convert.PlainInteger(text)
	return T(n), ok && int64(T(n)) == n
}

func plainDecimal(t *arrow.Decimal128Type) func(text []byte) (decimal128.Num, bool) {
	return func(text []byte) (decimal128.Num, bool) {
		return convert.PlainDecimal(text, int(t.Precision), int(t.Scale))
	}
}
