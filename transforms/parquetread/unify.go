package parquetread

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
)

// Unify returns the field, under the name of a, that holds the values of both a and b
// without loss; false where that takes more than a widening of integers, floats or
// decimals, microseconds for other units of time (nanoseconds are cut down to them in any
// extract), or fields that structures lack and are NULL there. INT96 is an instant beside
// instants. A column that holds nulls only can become any other. The result is nullable if
// a or b is.
//
// What else differs becomes text where carried, which may be nil, says of both fields that
// text carries their values. It is given the names of the structures around a field, too, as
// in a.b.c.
func Unify(a, b arrow.Field, carried func(path string, field arrow.Field) bool) (arrow.Field, bool) {
	return unifier{carried}.unify(a.Name, a, b)
}

type unifier struct {
	carried func(path string, field arrow.Field) bool
}

func (u unifier) unify(path string, a, b arrow.Field) (arrow.Field, bool) {
	unified := a
	unified.Nullable = a.Nullable || b.Nullable
	var ok bool
	switch {
	case a.Type.ID() == arrow.NULL:
		unified.Type, unified.Metadata = b.Type, b.Metadata
		return unified, true
	case b.Type.ID() == arrow.NULL:
		return unified, true
	case isNested(a.Type) || isNested(b.Type):
		unified.Type, ok = u.nested(path, a.Type, b.Type)
		return unified, ok && a.Metadata.Equal(b.Metadata)
	case arrow.TypeEqual(a.Type, b.Type) && a.Metadata.Equal(b.Metadata):
		return unified, true
	}
	unified.Metadata = arrow.Metadata{}
	switch {
	case arrow.TypeEqual(a.Type, b.Type):
		ok = isRefinement(a) && isRefinement(b)
	case a.Type.ID() == b.Type.ID() || isTime(a.Type) && isTime(b.Type):
		if unified.Type, ok = inMicros(a, b); !ok {
			unified.Type, ok = widest(a.Type, b.Type)
		}
	default:
		unified.Type, ok = widest(a.Type, b.Type)
	}
	if !ok && u.carried != nil && u.carried(path, a) && u.carried(path, b) {
		unified.Type, ok = arrow.BinaryTypes.String, true
	}
	return unified, ok
}

func isNested(t arrow.DataType) bool {
	_, nested := t.(arrow.NestedType)
	return nested
}

// nested unifies what is in structures, lists and maps.
func (u unifier) nested(path string, a, b arrow.DataType) (arrow.DataType, bool) {
	switch a := a.(type) {
	case *arrow.StructType:
		if b, ok := b.(*arrow.StructType); ok {
			return u.structures(path, a, b)
		}
	case *arrow.ListType:
		if b, ok := b.(*arrow.ListType); ok {
			if item, fits := (unifier{}).unify("", a.ElemField(), b.ElemField()); fits {
				return arrow.ListOfField(item), true
			}
		}
	case *arrow.MapType:
		if b, ok := b.(*arrow.MapType); ok {
			return unifyMaps(a, b)
		}
	}
	return a, false
}

func unifyMaps(a, b *arrow.MapType) (arrow.DataType, bool) {
	key, keysFit := unifier{}.unify("", a.KeyField(), b.KeyField())
	item, itemsFit := unifier{}.unify("", a.ItemField(), b.ItemField())
	if !keysFit || !itemsFit {
		return a, false
	}
	unified := arrow.MapOfWithMetadata(key.Type, key.Metadata, item.Type, item.Metadata)
	unified.SetItemNullable(item.Nullable)
	return unified, true
}

// structures unifies the fields of one name, and has those that one structure lacks behind.
func (u unifier) structures(path string, a, b *arrow.StructType) (arrow.DataType, bool) {
	fields := slices.Clone(a.Fields())
	for i, field := range fields {
		others, ok := b.FieldsByName(field.Name)
		if !ok {
			fields[i].Nullable = true
			continue
		}
		if fields[i], ok = u.unify(path+"."+field.Name, field, others[0]); !ok {
			return a, false
		}
	}
	for _, field := range b.Fields() {
		if _, ok := a.FieldIdx(field.Name); !ok {
			field.Nullable = true
			fields = append(fields, field)
		}
	}
	return arrow.StructOf(fields...), !hasTwins(a) && !hasTwins(b)
}

// hasTwins says whether two fields have one name.
func hasTwins(s *arrow.StructType) bool {
	return slices.ContainsFunc(s.Fields(), func(f arrow.Field) bool {
		same, _ := s.FieldsByName(f.Name)
		return len(same) > 1
	})
}

func isTime(t arrow.DataType) bool { return t.ID() == arrow.TIME32 || t.ID() == arrow.TIME64 }

// inMicros returns the type for both of two times, durations, local timestamps or instants
// of different units.
func inMicros(a, b arrow.Field) (arrow.DataType, bool) {
	switch x := a.Type.(type) {
	case *arrow.Time32Type, *arrow.Time64Type:
		return arrow.FixedWidthTypes.Time64us, true
	case *arrow.DurationType:
		return arrow.FixedWidthTypes.Duration_us, true
	case *arrow.TimestampType:
		y := b.Type.(*arrow.TimestampType)
		zone := max(x.TimeZone, y.TimeZone)
		isInstant := func(f arrow.Field, t *arrow.TimestampType) bool {
			return t.TimeZone == zone || batch.LogicalType(f) == batch.LogicalInt96
		}
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}, isInstant(a, x) && isInstant(b, y)
	}
	return nil, false
}

// isRefinement says whether a column is stored in the extract as one of its Arrow type
// without a logical type would be.
func isRefinement(field arrow.Field) bool {
	switch batch.LogicalType(field) {
	case "", batch.LogicalEnum, batch.LogicalJSON, batch.LogicalBSON, batch.LogicalInt96:
		return true
	}
	return false
}

// widest returns the narrowest type of numbers that holds all values of a and of b.
func widest(a, b arrow.DataType) (arrow.DataType, bool) {
	x, y := numberOf(a), numberOf(b)
	switch {
	case x == nil || y == nil:
		return nil, false
	case x.isFloat && y.isFloat:
		return floatOf(max(x.bits, y.bits)), true
	case x.isFloat:
		return floatFor(x, y)
	case y.isFloat:
		return floatFor(y, x)
	case x.bits > 0 && y.bits > 0:
		if wide := integerFor(*x, *y); wide != nil {
			return wide, true
		}
	}
	return decimalFor(*x, *y)
}

// numberType is what a type of numbers can hold: integers of some bits, floats of some bits,
// or decimals (bits is 0).
type numberType struct {
	isFloat, isSigned bool
	bits              int
	whole, scale      int32 // digits before and after the decimal point; of floats unused
}

var numbers = map[arrow.Type]numberType{
	arrow.INT8:    {bits: 8, isSigned: true, whole: 3},
	arrow.INT16:   {bits: 16, isSigned: true, whole: 5},
	arrow.INT32:   {bits: 32, isSigned: true, whole: 10},
	arrow.INT64:   {bits: 64, isSigned: true, whole: 19},
	arrow.UINT8:   {bits: 8, whole: 3},
	arrow.UINT16:  {bits: 16, whole: 5},
	arrow.UINT32:  {bits: 32, whole: 10},
	arrow.UINT64:  {bits: 64, whole: 20},
	arrow.FLOAT32: {bits: 32, isFloat: true},
	arrow.FLOAT64: {bits: 64, isFloat: true},
}

func numberOf(t arrow.DataType) *numberType {
	if decimal, ok := t.(arrow.DecimalType); ok {
		if decimal.GetScale() < 0 || decimal.GetPrecision() > maxDigits {
			return nil
		}
		return &numberType{whole: decimal.GetPrecision() - decimal.GetScale(), scale: decimal.GetScale()}
	}
	if n, ok := numbers[t.ID()]; ok {
		return &n
	}
	return nil
}

func floatOf(bits int) arrow.DataType {
	if bits == 32 {
		return arrow.PrimitiveTypes.Float32
	}
	return arrow.PrimitiveTypes.Float64
}

// floatFor returns the float that holds all integers of a type, too: those of 16 bits fit
// into the 24 of a float32, those of 32 into the 53 of a float64.
func floatFor(float, integer *numberType) (arrow.DataType, bool) {
	switch {
	case integer.bits == 0 || integer.bits > 32:
		return nil, false
	case integer.bits > 16:
		return arrow.PrimitiveTypes.Float64, true
	}
	return floatOf(float.bits), true
}

// integerFor returns the integer type for both, nil where there is none.
func integerFor(a, b numberType) arrow.DataType {
	bits, isSigned := max(a.bits, b.bits), a.isSigned || b.isSigned
	if a.isSigned != b.isSigned {
		unsigned := a
		if a.isSigned {
			unsigned = b
		}
		bits = max(bits, 2*unsigned.bits)
	}
	for id, n := range numbers {
		if n.bits == bits && n.isSigned == isSigned && !n.isFloat {
			return integers[id]
		}
	}
	return nil
}

var integers = map[arrow.Type]arrow.DataType{
	arrow.INT8: arrow.PrimitiveTypes.Int8, arrow.INT16: arrow.PrimitiveTypes.Int16,
	arrow.INT32: arrow.PrimitiveTypes.Int32, arrow.INT64: arrow.PrimitiveTypes.Int64,
	arrow.UINT8: arrow.PrimitiveTypes.Uint8, arrow.UINT16: arrow.PrimitiveTypes.Uint16,
	arrow.UINT32: arrow.PrimitiveTypes.Uint32, arrow.UINT64: arrow.PrimitiveTypes.Uint64,
}

const maxDigits = 38 // of a decimal of 128 bits

func decimalFor(a, b numberType) (arrow.DataType, bool) {
	scale := max(a.scale, b.scale)
	precision := max(a.whole, b.whole) + scale
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}, precision <= maxDigits
}
