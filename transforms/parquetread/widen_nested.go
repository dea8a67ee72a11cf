package parquetread

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// widenNested widens what is in structures, lists or maps of one kind. All else of an array,
// such as where its lists end, stays as it is.
func (w widener) widenNested(values arrow.Array, from, to arrow.Field) (arrow.Array, error) {
	data := values.Data()
	var children []arrow.ArrayData
	switch want := to.Type.(type) {
	case *arrow.StructType:
		rows := data.Offset() + data.Len()
		for _, field := range want.Fields() {
			child, err := w.widenField(data, from.Type.(*arrow.StructType), field, rows)
			if err != nil {
				return nil, fmt.Errorf("field %q: %w", field.Name, err)
			}
			children = append(children, child.Data())
		}
	case *arrow.ListType:
		items, err := w.widen(array.MakeFromData(data.Children()[0]), from.Type.(*arrow.ListType).ElemField(), want.ElemField())
		if err != nil {
			return nil, err
		}
		children = []arrow.ArrayData{items.Data()}
	case *arrow.MapType:
		pairs, err := w.widen(array.MakeFromData(data.Children()[0]), from.Type.(*arrow.MapType).ElemField(), want.ElemField())
		if err != nil {
			return nil, err
		}
		children = []arrow.ArrayData{pairs.Data()}
	}
	return array.MakeFromData(array.NewData(to.Type, data.Len(), data.Buffers(), children, values.NullN(), data.Offset())), nil
}

// widenField widens the field of some structures that has the name of another, which is NULL
// in all rows where they lack it.
func (w widener) widenField(structures arrow.ArrayData, from *arrow.StructType, to arrow.Field, rows int) (arrow.Array, error) {
	at, ok := from.FieldIdx(to.Name)
	if !ok {
		return allNull(to.Type, rows), nil
	}
	return w.widen(array.MakeFromData(structures.Children()[at]), from.Field(at), to)
}
