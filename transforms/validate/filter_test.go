package validate_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

// code is an extension type over any storage.
type code struct{ arrow.ExtensionBase }

type codeArray struct{ array.ExtensionArrayBase }

func newCode(storage arrow.DataType) *code {
	return &code{arrow.ExtensionBase{Storage: storage}}
}

func (*code) ArrayType() reflect.Type { return reflect.TypeOf(codeArray{}) }
func (*code) ExtensionName() string   { return "code" }
func (*code) Serialize() string       { return "" }
func (c *code) ExtensionEquals(other arrow.ExtensionType) bool {
	return arrow.TypeEqual(c.Storage, other.StorageType())
}
func (*code) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return newCode(storage), nil
}

func everyType() []arrow.DataType {
	types := []arrow.DataType{
		arrow.Null, arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		&arrow.Decimal128Type{Precision: 38, Scale: 2}, &arrow.Decimal256Type{Precision: 76, Scale: -2},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Duration_ns,
		arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 3},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.PrimitiveTypes.Int64},
		newCode(&arrow.FixedSizeBinaryType{ByteWidth: 16}),
		newCode(arrow.BinaryTypes.String),
	}
	pair := arrow.StructOf(
		arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int16), Nullable: true},
	)
	return append(types, pair,
		arrow.ListOf(arrow.BinaryTypes.String), arrow.ListOf(pair), arrow.ListOf(arrow.ListOf(arrow.FixedWidthTypes.Boolean)),
		arrow.LargeListOf(arrow.PrimitiveTypes.Int32), arrow.FixedSizeListOf(3, arrow.BinaryTypes.LargeString), arrow.FixedSizeListOf(2, pair),
		arrow.ListViewOf(arrow.PrimitiveTypes.Int32), arrow.LargeListViewOf(arrow.BinaryTypes.String),
		arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
		arrow.StructOf(arrow.Field{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, pair), Nullable: true}),
	)
}

// randomArray has n values of any type, a third of them NULL unless dense.
func randomArray(t testing.TB, r *rand.Rand, dt arrow.DataType, n int, dense bool) arrow.Array {
	if extension, ok := dt.(arrow.ExtensionType); ok {
		return array.NewExtensionArrayWithStorage(extension, randomArray(t, r, extension.StorageType(), n, dense))
	}
	builder := array.NewBuilder(memory.DefaultAllocator, dt)
	for range n {
		appendRandom(t, r, builder, dense)
	}
	return builder.NewArray()
}

func appendRandom(t testing.TB, r *rand.Rand, builder array.Builder, dense bool) {
	if !dense && r.IntN(3) == 0 {
		builder.AppendNull()
		return
	}
	many := func(b array.Builder, n int) {
		for range n {
			appendRandom(t, r, b, dense)
		}
	}
	switch b := builder.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.MapBuilder:
		b.Append(true)
		for range r.IntN(4) {
			appendRandom(t, r, b.KeyBuilder(), true)
			appendRandom(t, r, b.ItemBuilder(), dense)
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		many(b.ValueBuilder(), int(b.Type().(*arrow.FixedSizeListType).Len()))
	case array.VarLenListLikeBuilder:
		n := r.IntN(4)
		b.AppendWithSize(true, n)
		many(b.ValueBuilder(), n)
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			appendRandom(t, r, b.FieldBuilder(i), dense)
		}
	default:
		appendRandomFlat(t, r, builder)
	}
}

func appendRandomFlat(t testing.TB, r *rand.Rand, builder array.Builder) {
	bytes := make([]byte, r.IntN(20))
	for i := range bytes {
		bytes[i] = byte('a' + r.IntN(26))
	}
	switch b := builder.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.FixedSizeBinaryBuilder:
		b.Append(append(bytes, make([]byte, 20)...)[:b.Type().(*arrow.FixedSizeBinaryType).ByteWidth])
	case array.StringLikeBuilder:
		b.Append(string(bytes))
	case interface{ Append([]byte) }:
		b.Append(bytes)
	case *array.BinaryDictionaryBuilder:
		require.NoError(t, b.AppendString(string(bytes[:min(len(bytes), 1)])))
	case *array.Int64DictionaryBuilder:
		require.NoError(t, b.Append(r.Int64N(50)))
	case *array.MonthDayNanoIntervalBuilder:
		b.Append(arrow.MonthDayNanoInterval{Months: r.Int32(), Days: r.Int32(), Nanoseconds: r.Int64()})
	case *array.DayTimeIntervalBuilder:
		b.Append(arrow.DayTimeInterval{Days: r.Int32(), Milliseconds: r.Int32()})
	default: // the types whose text is a small number, a date or a time
		for _, text := range []string{fmt.Sprint(r.IntN(100)), "2026-01-31", "12:30:00", "1s"} {
			if b.AppendValueFromString(text) == nil {
				return
			}
		}
		require.Fail(t, "no value", "%s", builder.Type())
	}
}

// The rows that are kept and those that are set aside are the rows of the source, one by
// one, for every type, every share of rejects, with and without NULLs, from any offset.
func TestFilterMovesRowsUnchanged(t *testing.T) {
	for i, dt := range everyType() {
		t.Run(dt.String(), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for round := range 36 {
				rows := 1 + r.IntN(300)
				share := []float64{0, 0.01, 0.1, 0.5, 0.9, 1}[round%6]
				keep := array.NewBooleanBuilder(memory.DefaultAllocator)
				for range 2 * rows {
					keep.Append(r.Float64() >= share)
				}
				in := record("keep c", keep.NewArray(), randomArray(t, r, dt, 2*rows, round%4 == 0))
				from := int64(r.IntN(rows))
				in = in.NewSlice(from, from+int64(rows))
				checkFilter(t, in)
			}
		})
	}
}

func checkFilter(t *testing.T, in arrow.Record) {
	t.Helper()
	v := compileFor(t, in, "- {column: keep, in: [true]}\n")
	good, rejects, err := v.Apply(batch.Batch{Record: in, Origin: batch.Origin{FirstRow: 7}})
	require.NoError(t, err)
	var kept, dropped []int64
	for row := range in.NumRows() {
		if in.Column(0).(*array.Boolean).Value(int(row)) {
			kept = append(kept, row)
		} else {
			dropped = append(dropped, row)
		}
	}
	_, isNested := in.Column(1).DataType().(arrow.NestedType)
	if !isNested { // else it was mapped to JSON
		sameRows(t, in, kept, good.Record)
	}
	if len(dropped) == 0 {
		require.Nil(t, rejects)
		require.True(t, isNested || in == good.Record)
		return
	}
	sameRows(t, in, dropped, rejects.Record)
	for i, row := range dropped {
		require.Equal(t, row+7, rejects.Rows[i])
	}
}

func sameRows(t *testing.T, in arrow.Record, rows []int64, out arrow.Record) {
	t.Helper()
	require.EqualValues(t, len(rows), out.NumRows())
	records := []arrow.Record{out}
	if out != in {
		records = append(records, throughIPC(t, out))
	}
	for _, got := range records {
		for c := range int(in.NumCols()) {
			nulls := 0
			for i, row := range rows {
				want := array.NewSlice(in.Column(c), row, row+1)
				same := array.SliceEqual(want, 0, 1, got.Column(c), int64(i), int64(i)+1)
				require.True(t, same, "row %d: %v became %v", row, want, got.Column(c))
				nulls += want.NullN()
			}
			assert.Equal(t, nulls, got.Column(c).NullN())
		}
	}
}

// throughIPC writes and reads a record, which needs all its buffers to be well-formed.
func throughIPC(t *testing.T, in arrow.Record) arrow.Record {
	t.Helper()
	for _, f := range in.Schema().Fields() {
		if f.Type.ID() == arrow.EXTENSION { // would have to be registered for all tests
			return in
		}
	}
	var buffer bytes.Buffer
	w := ipc.NewWriter(&buffer, ipc.WithSchema(in.Schema()))
	require.NoError(t, w.Write(in))
	require.NoError(t, w.Close())
	r, err := ipc.NewReader(&buffer)
	require.NoError(t, err)
	out, err := r.Read()
	require.NoError(t, err)
	out.Retain()
	return out
}

func TestFilterKeepsDictionaries(t *testing.T) {
	t.Parallel()
	dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	in := record("keep c", column(t, arrow.FixedWidthTypes.Boolean, `[true, false, true]`), column(t, dt, `["a", "b", "c"]`))
	good, rejects, err := compileFor(t, in, "- {column: keep, in: [true]}\n").Apply(batch.Batch{Record: in})
	require.NoError(t, err)

	want := in.Column(1).(*array.Dictionary).Dictionary()
	for _, out := range []arrow.Record{good.Record, rejects.Record} {
		assert.True(t, array.Equal(want, out.Column(1).(*array.Dictionary).Dictionary()))
	}
}

func TestFilterRefusesTypesThatItCannotCut(t *testing.T) {
	t.Parallel()
	ends := column(t, arrow.PrimitiveTypes.Int32, `[2, 3]`)
	in := record("keep ree", column(t, arrow.FixedWidthTypes.Boolean, `[true, false, true]`),
		array.NewRunEndEncodedArray(ends, column(t, arrow.PrimitiveTypes.Int8, `[1, 2]`), 3, 0))
	_, _, err := compileFor(t, in, "- {column: keep, in: [true]}\n").Apply(batch.Batch{Record: in, Origin: batch.Origin{File: "a.parquet"}})
	assert.ErrorContains(t, err, "file a.parquet")
	assert.ErrorContains(t, err, "column ree")
	assert.ErrorContains(t, err, "run_end_encoded")
}
