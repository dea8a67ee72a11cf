package parquetwrite_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
	"hyperlake/sinks/rejects/internal/parquetwrite"
	"hyperlake/transforms/parquetread"
)

// read returns the columns of a file, and its rows.
func read(t *testing.T, path string) (*arrow.Schema, []arrow.Record) {
	t.Helper()
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	footer, err := parquetread.ReadFooter(t.Context(), info)
	require.NoError(t, err)
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
	var records []arrow.Record
	table := parquetread.Projection{Schema: batch.Schema{Schema: footer.Schema}}
	require.NoError(t, parquetread.ReadShard(t.Context(), shard, table, func(b batch.Batch) error {
		records = append(records, b.Record)
		return nil
	}))
	return footer.Schema, records
}

// write writes row groups to a file.
func write(t *testing.T, columns *arrow.Schema, groups ...[]arrow.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.parquet")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	w, err := parquetwrite.New(f, columns)
	require.NoError(t, err)
	for _, group := range groups {
		require.NoError(t, w.WriteRowGroup(group))
	}
	require.NoError(t, w.Close())
	return path
}

// rowsOf is each row of records as text.
func rowsOf(records []arrow.Record) []string {
	var rows []string
	for _, record := range records {
		for row := range int(record.NumRows()) {
			var text strings.Builder
			for _, column := range record.Columns() {
				fmt.Fprintf(&text, "%v|", cell(column, row))
			}
			rows = append(rows, text.String())
		}
	}
	return rows
}

// cell shows everything that a value holds.
func cell(column arrow.Array, row int) string {
	if column.IsNull(row) || column.DataType().ID() == arrow.NULL {
		return "NULL"
	}
	items := func(values arrow.Array, start, end int64) string {
		var texts []string
		for i := start; i < end; i++ {
			texts = append(texts, cell(values, int(i)))
		}
		return strings.Join(texts, ",")
	}
	switch column := column.(type) {
	case *array.Struct:
		var texts []string
		for i := range column.NumField() {
			texts = append(texts, cell(column.Field(i), row))
		}
		return "{" + strings.Join(texts, ",") + "}"
	case *array.Map:
		start, end := column.ValueOffsets(row)
		return "<" + items(column.Keys(), start, end) + ":" + items(column.Items(), start, end) + ">"
	case *array.List:
		start, end := column.ValueOffsets(row)
		return "[" + items(column.ListValues(), start, end) + "]"
	case *array.Timestamp:
		return fmt.Sprint(int64(column.Value(row)))
	case *array.Float32:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.Float64:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.String:
		return fmt.Sprintf("%q", column.Value(row))
	case *array.Binary:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.FixedSizeBinary:
		return fmt.Sprintf("%x", column.Value(row))
	case *array.Decimal128:
		return column.Value(row).ToString(0)
	case *array.Decimal256:
		return column.Value(row).ToString(0)
	}
	return column.ValueStr(row)
}

// requireSame compares columns with their metadata at all depths, and rows.
func requireSame(t *testing.T, want, got *arrow.Schema, wantRecords, gotRecords []arrow.Record) {
	t.Helper()
	require.Equal(t, want.NumFields(), got.NumFields())
	for i, field := range want.Fields() {
		require.True(t, field.Equal(got.Field(i)), "want %v, got %v", field, got.Field(i))
		require.True(t, arrow.TypeEqual(field.Type, got.Field(i).Type, arrow.CheckMetadata()), "want %v, got %v", field, got.Field(i))
		require.Equal(t, fmt.Sprint(field), fmt.Sprint(got.Field(i)), "names and nullability of what is below")
	}
	require.Equal(t, rowsOf(wantRecords), rowsOf(gotRecords))
}

// TestWhatIsReadIsWrittenAsItWas takes every file that the tests of the reader have.
func TestWhatIsReadIsWrittenAsItWas(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../../../transforms/parquetread/testdata/*.parquet")
	require.NoError(t, err)
	require.Greater(t, len(paths), 30)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			columns, records := read(t, path)
			if len(records) == 0 {
				return
			}
			got, gotRecords := read(t, write(t, columns, records))
			requireSame(t, columns, got, records, gotRecords)

			first := records[0]
			for range 3 { // slices, out of order
				from := rand.Int64N(first.NumRows())
				slice := first.NewSlice(from, from+1+rand.Int64N(min(first.NumRows()-from, 100)))
				first := first.NewSlice(0, min(first.NumRows(), 200))
				got, gotRecords = read(t, write(t, columns, []arrow.Record{slice, first}, []arrow.Record{slice}))
				requireSame(t, columns, got, []arrow.Record{slice, first, slice}, gotRecords)
			}
		})
	}
}

func logical(pairs ...string) arrow.Metadata {
	var keys, values []string
	for i := 0; i < len(pairs); i += 2 {
		keys, values = append(keys, pairs[i]), append(values, pairs[i+1])
	}
	return arrow.NewMetadata(keys, values)
}

// leaves is a column of each type that the reader makes.
func leaves() []arrow.Field {
	field := func(name string, dt arrow.DataType, pairs ...string) arrow.Field {
		f := arrow.Field{Name: name, Type: dt, Nullable: true}
		if len(pairs) > 0 {
			f.Metadata = logical(pairs...)
		}
		return f
	}
	key := batch.LogicalTypeKey
	crs := strings.Repeat(`{"type": "GeographicCRS"}`, 100)
	return []arrow.Field{
		field("bool", arrow.FixedWidthTypes.Boolean),
		field("i8", arrow.PrimitiveTypes.Int8), field("i16", arrow.PrimitiveTypes.Int16),
		field("i32", arrow.PrimitiveTypes.Int32), field("i64", arrow.PrimitiveTypes.Int64),
		field("u8", arrow.PrimitiveTypes.Uint8), field("u16", arrow.PrimitiveTypes.Uint16),
		field("u32", arrow.PrimitiveTypes.Uint32), field("u64", arrow.PrimitiveTypes.Uint64),
		field("f16", arrow.FixedWidthTypes.Float16), field("f32", arrow.PrimitiveTypes.Float32), field("f64", arrow.PrimitiveTypes.Float64),
		field("d9", &arrow.Decimal128Type{Precision: 9, Scale: 2}), field("d38", &arrow.Decimal128Type{Precision: 38, Scale: 38}),
		field("d39", &arrow.Decimal256Type{Precision: 39}), field("d76", &arrow.Decimal256Type{Precision: 76, Scale: 5}),
		field("text", arrow.BinaryTypes.String), field("bytes", arrow.BinaryTypes.Binary),
		field("enum", arrow.BinaryTypes.String, key, batch.LogicalEnum), field("json", arrow.BinaryTypes.String, key, batch.LogicalJSON),
		field("bson", arrow.BinaryTypes.Binary, key, batch.LogicalBSON),
		field("fixed", &arrow.FixedSizeBinaryType{ByteWidth: 3}),
		field("uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}, key, batch.LogicalUUID),
		field("interval", &arrow.FixedSizeBinaryType{ByteWidth: 12}, key, batch.LogicalInterval),
		field("date", arrow.FixedWidthTypes.Date32), field("t_ms", arrow.FixedWidthTypes.Time32ms),
		field("t_us", arrow.FixedWidthTypes.Time64us), field("t_ns", arrow.FixedWidthTypes.Time64ns),
		field("ms", &arrow.TimestampType{Unit: arrow.Millisecond}), field("ms_utc", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}),
		field("us", &arrow.TimestampType{Unit: arrow.Microsecond}), field("us_utc", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}),
		field("ns", &arrow.TimestampType{Unit: arrow.Nanosecond}), field("ns_utc", &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}),
		field("int96", &arrow.TimestampType{Unit: arrow.Microsecond}, key, batch.LogicalInt96),
		field("null", arrow.Null),
		field("geometry", arrow.BinaryTypes.Binary, key, batch.LogicalGeometry, batch.CRSKey, crs),
		field("geography", arrow.BinaryTypes.Binary, key, batch.LogicalGeography, batch.CRSKey, "EPSG:4979", batch.EdgesKey, "karney"),
		field("later", arrow.BinaryTypes.Binary, key, batch.LogicalGeography, batch.EdgesKey, "17"),
		field("unknown_i32", arrow.PrimitiveTypes.Int32, key, batch.LogicalUnknown),
		field("unknown_bytes", arrow.BinaryTypes.Binary, key, batch.LogicalUnknown),
		field("unknown_fixed", &arrow.FixedSizeBinaryType{ByteWidth: 5}, key, batch.LogicalUnknown),
	}
}

// columns is all leaves alone and below structs, lists and maps, NULL or not.
func columns() *arrow.Schema {
	fields := leaves()
	for _, unit := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
		fields = append(fields, arrow.Field{Name: "duration_" + unit.String(), Type: &arrow.DurationType{Unit: unit}, Nullable: true})
	}
	for _, field := range leaves() {
		if field.Type.ID() != arrow.NULL {
			field.Name, field.Nullable = "required_"+field.Name, false
			fields = append(fields, field)
		}
	}
	inner := arrow.StructOf(leaves()...)
	odd := arrow.Field{Name: "odd name", Type: inner, Nullable: false, Metadata: logical(batch.LogicalTypeKey, batch.LogicalUnknown)}
	item := arrow.Field{Name: "thing", Type: arrow.ListOfField(odd), Nullable: true}
	pairs := arrow.MapOfWithMetadata(
		&arrow.FixedSizeBinaryType{ByteWidth: 16}, logical(batch.LogicalTypeKey, batch.LogicalUUID),
		arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.BinaryTypes.Binary, Metadata: logical(batch.LogicalTypeKey, batch.LogicalGeometry)}),
		arrow.Metadata{})
	sure := arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8)
	sure.SetItemNullable(false)
	return arrow.NewSchema(append(fields,
		arrow.Field{Name: "struct", Type: inner, Nullable: true},
		arrow.Field{Name: "lists", Type: arrow.ListOfField(item), Nullable: true},
		arrow.Field{Name: "map", Type: pairs, Nullable: true},
		arrow.Field{Name: "sure_map", Type: sure},
		arrow.Field{Name: "deep", Type: arrow.StructOf(arrow.Field{Name: "m", Nullable: true, Type: arrow.MapOf(arrow.PrimitiveTypes.Int16, arrow.ListOf(sure))})},
		arrow.Field{Name: "unknown_struct", Nullable: true, Metadata: logical(batch.LogicalTypeKey, batch.LogicalUnknown),
			Type: arrow.StructOf(arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary})},
	), nil)
}

// fill appends rows with random bits of every type.
func fill(builder array.Builder, field arrow.Field, random *rand.Rand) {
	if field.Nullable && random.IntN(4) == 0 {
		builder.AppendNull()
		return
	}
	size := random.IntN(4)
	switch b := builder.(type) {
	case *array.StructBuilder:
		b.Append(true)
		for i, child := range field.Type.(*arrow.StructType).Fields() {
			fill(b.FieldBuilder(i), child, random)
		}
	case *array.MapBuilder:
		dt := field.Type.(*arrow.MapType)
		b.Append(true)
		for range size {
			key := dt.KeyField()
			key.Nullable = false
			fill(b.KeyBuilder(), key, random)
			fill(b.ItemBuilder(), dt.ItemField(), random)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range size {
			fill(b.ValueBuilder(), field.Type.(*arrow.ListType).ElemField(), random)
		}
	default:
		fillLeaf(builder, field.Type, random)
	}
}

func randomBytes(random *rand.Rand, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// digits is a number with as many digits as a decimal type has, at most.
func digits(random *rand.Rand, dt arrow.DataType) *big.Int {
	n := new(big.Int).SetBytes(randomBytes(random, random.IntN(33)))
	n.Rem(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(dt.(arrow.DecimalType).GetPrecision())), nil))
	if random.IntN(2) == 0 {
		n.Neg(n)
	}
	return n
}

func fillLeaf(builder array.Builder, dt arrow.DataType, random *rand.Rand) {
	switch b := builder.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.BooleanBuilder:
		b.Append(random.IntN(2) == 0)
	case *array.StringBuilder:
		b.Append(string(randomBytes(random, random.IntN(20)))) // not UTF-8
	case *array.BinaryBuilder:
		b.Append(randomBytes(random, random.IntN(20)))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromBigInt(digits(random, dt)))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromBigInt(digits(random, dt)))
	default: // of a fixed width: any bits are a value
		width := (dt.(arrow.FixedWidthDataType).BitWidth() + 7) / 8
		buffers := []*memory.Buffer{nil, memory.NewBufferBytes(randomBytes(random, width))}
		one := array.MakeFromData(array.NewData(dt, 1, buffers, nil, 0, 0))
		appendValue(b, one)
	}
}

// appendValue appends the value of an array of one.
func appendValue(builder array.Builder, one arrow.Array) {
	switch b := builder.(type) {
	case *array.Int8Builder:
		b.Append(one.(*array.Int8).Value(0))
	case *array.Int16Builder:
		b.Append(one.(*array.Int16).Value(0))
	case *array.Int32Builder:
		b.Append(one.(*array.Int32).Value(0))
	case *array.Int64Builder:
		b.Append(one.(*array.Int64).Value(0))
	case *array.Uint8Builder:
		b.Append(one.(*array.Uint8).Value(0))
	case *array.Uint16Builder:
		b.Append(one.(*array.Uint16).Value(0))
	case *array.Uint32Builder:
		b.Append(one.(*array.Uint32).Value(0))
	case *array.Uint64Builder:
		b.Append(one.(*array.Uint64).Value(0))
	case *array.Float16Builder:
		b.Append(one.(*array.Float16).Value(0))
	case *array.Float32Builder:
		b.Append(one.(*array.Float32).Value(0))
	case *array.Float64Builder:
		b.Append(one.(*array.Float64).Value(0))
	case *array.FixedSizeBinaryBuilder:
		b.Append(one.(*array.FixedSizeBinary).Value(0))
	case *array.Date32Builder:
		b.Append(one.(*array.Date32).Value(0))
	case *array.Time32Builder:
		b.Append(one.(*array.Time32).Value(0))
	case *array.Time64Builder:
		b.Append(one.(*array.Time64).Value(0))
	case *array.TimestampBuilder:
		b.Append(one.(*array.Timestamp).Value(0))
	case *array.DurationBuilder:
		b.Append(one.(*array.Duration).Value(0))
	}
}

func randomRecord(schema *arrow.Schema, rows int, seed uint64) arrow.Record {
	random := rand.New(rand.NewPCG(seed, 1))
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for range rows {
		for i, field := range schema.Fields() {
			fill(builder.Field(i), field, random)
		}
	}
	return builder.NewRecord()
}

func TestAllTypesComeBack(t *testing.T) {
	t.Parallel()
	schema := columns()
	for seed := range uint64(3) {
		record := randomRecord(schema, 150, seed)
		want := []arrow.Record{record.NewSlice(7, 77), record, record.NewSlice(149, 150), record.NewSlice(3, 3)}
		got, records := read(t, write(t, schema, want[:3], want[3:], want[:1]))
		requireSame(t, schema, got, append(want, want[0]), records)
	}
}

func TestManyRowsInOneRowGroup(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "texts", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "fixed", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true},
	}, nil)
	record := randomRecord(schema, 80_000, 1) // more than a dictionary takes, and many pages
	got, records := read(t, write(t, schema, []arrow.Record{record, record.NewSlice(5, 70_000)}))
	requireSame(t, schema, got, []arrow.Record{record, record.NewSlice(5, 70_000)}, records)
}

// TestNullsThatHideItems writes arrays whose NULLs stand over values, as slices and other
// programs make them.
func TestNullsThatHideItems(t *testing.T) {
	t.Parallel()
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
	for _, text := range []string{"a", "b", "c"} {
		lists.Append(true)
		lists.ValueBuilder().(*array.StringBuilder).Append(text)
	}
	data := lists.NewArray().Data()
	hidden := array.NewData(data.DataType(), 3, []*memory.Buffer{memory.NewBufferBytes([]byte{0b101}), data.Buffers()[1]}, data.Children(), 1, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "l", Type: data.DataType(), Nullable: true}}, nil)
	record := array.NewRecord(schema, []arrow.Array{array.MakeFromData(hidden)}, 3)
	_, records := read(t, write(t, schema, []arrow.Record{record}))
	assert.Equal(t, []string{`["a"]|`, "NULL|", `["c"]|`}, rowsOf(records))
}

func TestWhatHasNoExactFormIsRefused(t *testing.T) {
	t.Parallel()
	for _, dt := range []arrow.DataType{
		&arrow.TimestampType{Unit: arrow.Second}, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.MonthInterval,
		arrow.ListOf(arrow.BinaryTypes.LargeString),
	} {
		_, err := parquetwrite.New(&strings.Builder{}, arrow.NewSchema([]arrow.Field{{Name: "odd", Type: dt}}, nil))
		require.ErrorContains(t, err, `column "odd": `)
		require.ErrorContains(t, err, "no exact form")
	}
}

func TestNullsWhereNoneMayBe(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int8}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	builder.Field(0).AppendNull()
	w, err := parquetwrite.New(&strings.Builder{}, schema)
	require.NoError(t, err)
	require.ErrorContains(t, w.WriteRowGroup([]arrow.Record{builder.NewRecord()}), `column "n": a value is NULL`)
}

// full is storage that has no room for a write that takes it beyond so many bytes, and
// takes what comes after it.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left >= 0 {
		if f.left -= len(p); f.left < 0 {
			return 0, errFull
		}
	}
	return len(p), nil
}

func TestErrorsOfStorageAreReported(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	record := randomRecord(schema, 50, 1)
	attempt := func(room int) error {
		w, err := parquetwrite.New(&full{room}, schema)
		if err == nil {
			err = w.WriteRowGroup([]arrow.Record{record})
		}
		if err == nil {
			err = w.Close()
		}
		return err
	}
	info, err := os.Stat(write(t, schema, []arrow.Record{record}))
	require.NoError(t, err)
	size := int(info.Size())
	require.NoError(t, attempt(size))
	for room := 0; room < size; room += 7 {
		require.ErrorIs(t, attempt(room), errFull, room)
	}
}
