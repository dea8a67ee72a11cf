package parquetread

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// Check refuses a file that has a column in a type whose values a declared one of the table does not hold, or is not
// meant to: with a failure of kind Source that names the file, the column and both types. A table that declares
// no types takes what its files have, and refuses nothing here. The footer is in the names of the table.
func (t Projection) Check(footer Footer) error {
	if err := t.check(footer.Schema); err != nil {
		return failure.New(failure.Source, "file %s: %w", footer.Info.URI, err).WithHint("%s", mappingHint).BeforeData()
	}
	return nil
}

func (t Projection) check(schema *arrow.Schema) error {
	if t.Mapping == nil {
		return nil
	}
	for _, field := range t.Schema.Fields() {
		found, ok := schema.FieldsByName(field.Name)
		if !ok || t.isPartition(field.Name) {
			continue
		}
		if err := fit(field.Name, found[0], field); err != nil {
			return err
		}
	}
	return nil
}

// fit says what in a file's column a column of a table does not hold.
func fit(path string, from, to arrow.Field) error {
	switch want := to.Type.(type) {
	case *arrow.StructType:
		if has, ok := from.Type.(*arrow.StructType); ok {
			return fitFields(path, has, want)
		}
	case *arrow.ListType:
		if has, ok := from.Type.(*arrow.ListType); ok {
			return fit(path+".element", has.ElemField(), want.ElemField())
		}
	case *arrow.MapType:
		if has, ok := from.Type.(*arrow.MapType); ok {
			if err := fit(path+".key", has.KeyField(), want.KeyField()); err != nil {
				return err
			}
			return fit(path+".value", has.ItemField(), want.ItemField())
		}
	default:
		if isNested(from.Type) {
			break
		}
		if fitsLeaf(from, to) {
			return nil
		}
	}
	if from.Type.ID() == arrow.NULL {
		return nil
	}
	return fmt.Errorf("%w: column %q is %s there, which is not to be read as the table's %s",
		errMapping, path, Form{Field: from}.Type(), Form{Field: to}.Type())
}

func fitFields(path string, has, want *arrow.StructType) error {
	for _, field := range want.Fields() {
		at, ok := has.FieldIdx(field.Name)
		switch {
		case !ok && !field.Nullable:
			return fmt.Errorf("%w: column %q has no field %q, which must not be NULL", errMapping, path, field.Name)
		case !ok:
			continue
		}
		if err := fit(path+"."+field.Name, has.Field(at), field); err != nil {
			return err
		}
	}
	return nil
}

// fitsLeaf says whether the values of a file's column, of a type without parts, are values of a table's.
func fitsLeaf(from, to arrow.Field) bool {
	a, isStamp := from.Type.(*arrow.TimestampType)
	b, becomesStamp := to.Type.(*arrow.TimestampType)
	isInt96 := batch.LogicalType(from) == batch.LogicalInt96
	switch {
	case arrow.TypeEqual(from.Type, to.Type) && from.Metadata.Equal(to.Metadata):
		return true
	case isStamp && becomesStamp: // INT96 is an instant: its writers knew no other times
		isInstant := a.TimeZone != "" || isInt96
		return isInstant == (b.TimeZone != "") && (a.Unit == b.Unit || b.Unit == arrow.Microsecond)
	case isBytes(from.Type) && isBytes(to.Type):
		return from.Metadata.Equal(to.Metadata) || isRefinement(from) && isRefinement(to) || isUntold(from) && to.Type.ID() == arrow.BINARY
	case !from.Metadata.Equal(to.Metadata):
		return false
	case from.Type.ID() == arrow.DATE32:
		return becomesStamp && b.TimeZone == "" && b.Unit == arrow.Microsecond
	case isTime(from.Type) && isTime(to.Type):
		return arrow.TypeEqual(to.Type, arrow.FixedWidthTypes.Time64us)
	}
	wide, ok := widest(from.Type, to.Type)
	return ok && arrow.TypeEqual(wide, to.Type)
}

// isBytes is true of text and of bytes, which old writers did not tell apart.
func isBytes(t arrow.DataType) bool { return t.ID() == arrow.STRING || t.ID() == arrow.BINARY }

// isUntold says whether nobody knows what the bytes of a column mean.
func isUntold(field arrow.Field) bool { return batch.LogicalType(field) == batch.LogicalUnknown }
