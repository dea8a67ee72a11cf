package parquetread_test

import (
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread"
)

// declared is a table of one column, which declares its type.
func declared(of arrow.DataType, metadata arrow.Metadata) parquetread.Projection {
	table := projectionOf(arrow.Field{Name: "c", Type: of, Nullable: true, Metadata: metadata})
	table.Mapping = &parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "c"}}}
	return table
}

// valuesOf makes an array of values as texts; "(null)" for nulls.
func valuesOf(t *testing.T, of arrow.DataType, values ...string) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, of)
	for _, value := range values {
		require.NoError(t, b.AppendValueFromString(value))
	}
	return b.NewArray()
}

func TestTypesThatTablesDeclare(t *testing.T) {
	t.Parallel()
	local := func(unit arrow.TimeUnit) arrow.DataType { return &arrow.TimestampType{Unit: unit} }
	utc := func(unit arrow.TimeUnit) arrow.DataType { return &arrow.TimestampType{Unit: unit, TimeZone: "UTC"} }
	decimal := func(precision, scale int32) arrow.DataType {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	structure := func(names string, of arrow.DataType) arrow.DataType {
		var fields []arrow.Field
		for _, name := range names {
			fields = append(fields, arrow.Field{Name: string(name), Type: of, Nullable: true})
		}
		return arrow.StructOf(fields...)
	}
	p, null := arrow.PrimitiveTypes, "(null)"
	for name, c := range map[string]struct {
		from, to arrow.DataType
		values   []string
		want     []string // nil: refused
	}{
		"byte to short":                {p.Int8, p.Int16, []string{"-128", null}, []string{"-128", null}},
		"int to long":                  {p.Int32, p.Int64, []string{"-2147483648", null}, []string{"-2147483648", null}},
		"long to int":                  {p.Int64, p.Int32, []string{"1"}, nil},
		"unsigned to short":            {p.Uint8, p.Int16, []string{"255"}, []string{"255"}},
		"unsigned to int":              {p.Uint32, p.Int32, []string{"1"}, nil},
		"float to double":              {p.Float32, p.Float64, []string{"0.5", null}, []string{"0.5", null}},
		"double to float":              {p.Float64, p.Float32, []string{"0.5"}, nil},
		"int to double":                {p.Int32, p.Float64, []string{"2147483647", null}, []string{"2.147483647e+09", null}},
		"long to double":               {p.Int64, p.Float64, []string{"1"}, nil},
		"int to float":                 {p.Int32, p.Float32, []string{"1"}, nil},
		"int to decimal":               {p.Int32, decimal(12, 2), []string{"-2147483648", null}, []string{"-2147483648.00", null}},
		"int to a decimal too narrow":  {p.Int32, decimal(11, 2), []string{"1"}, nil},
		"long to decimal":              {p.Int64, decimal(20, 0), []string{"9223372036854775807"}, []string{"9223372036854775807"}},
		"decimal to wider":             {decimal(9, 2), decimal(14, 4), []string{"-9999999.99", null}, []string{"-9999999.9900", null}},
		"decimal to more digits":       {decimal(9, 2), decimal(38, 2), []string{"1.5"}, []string{"1.50"}},
		"decimal to narrower":          {decimal(9, 2), decimal(8, 2), []string{"1.5"}, nil},
		"decimal to fewer digits left": {decimal(9, 2), decimal(9, 3), []string{"1.5"}, nil},
		"decimal to double":            {decimal(9, 2), p.Float64, []string{"1.5"}, nil},
		"date to local time":           {arrow.FixedWidthTypes.Date32, local(arrow.Microsecond), []string{"1969-12-31", null}, []string{"-86400000000us", null}},
		"date to instant":              {arrow.FixedWidthTypes.Date32, utc(arrow.Microsecond), []string{"1969-12-31"}, nil},
		"date to int":                  {arrow.FixedWidthTypes.Date32, p.Int32, []string{"1969-12-31"}, nil},
		"local time to date":           {local(arrow.Microsecond), arrow.FixedWidthTypes.Date32, []string{"1969-12-31"}, nil},
		"instants in other units":      {utc(arrow.Millisecond), utc(arrow.Microsecond), []string{"1970-01-01T00:00:01.5Z", null}, []string{"1500000us", null}},
		"nanoseconds":                  {local(arrow.Nanosecond), local(arrow.Microsecond), []string{"1969-12-31 23:59:59.999999999", null}, []string{"-1us", null}},
		"micros to millis":             {local(arrow.Microsecond), local(arrow.Millisecond), []string{"1970-01-01"}, nil},
		"local time to instant":        {local(arrow.Microsecond), utc(arrow.Microsecond), []string{"1970-01-01"}, nil},
		"instant to local time":        {utc(arrow.Microsecond), local(arrow.Microsecond), []string{"1970-01-01T00:00:00Z"}, nil},
		"text to bytes":                {arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, []string{"ž", "", null}, []string{"c5be", "", null}},
		"bytes to text":                {arrow.BinaryTypes.Binary, arrow.BinaryTypes.String, []string{"xb4=", "", null}, []string{"\xc5\xbe", "", null}},
		"int to text":                  {p.Int32, arrow.BinaryTypes.String, []string{"1"}, nil},
		"text to int":                  {arrow.BinaryTypes.String, p.Int32, []string{"1"}, nil},
		"fixed to bytes":               {&arrow.FixedSizeBinaryType{ByteWidth: 3}, arrow.BinaryTypes.Binary, []string{"AAAA"}, nil},
		"boolean to int":               {arrow.FixedWidthTypes.Boolean, p.Int32, []string{"true"}, nil},
		"int to boolean":               {p.Int32, arrow.FixedWidthTypes.Boolean, []string{"1"}, nil},
		"time to micros":               {arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, []string{"00:00:01.5", null}, []string{"00:00:01.500000", null}},
		"structures": {
			structure("xy", p.Int32), structure("yz", p.Int64), []string{`{"x": 1, "y": 2}`, null}, []string{`{"y":2,"z":null}`, null},
		},
		"structures that do not fit": {structure("x", p.Int64), structure("x", p.Int32), []string{`{"x": 1}`}, nil},
		"lists": {
			arrow.ListOf(arrow.BinaryTypes.Binary), arrow.ListOf(arrow.BinaryTypes.String), []string{`["YQ==", null]`, null}, []string{`["a",null]`, null},
		},
		"lists that do not fit": {arrow.ListOf(p.Int32), arrow.ListOf(arrow.BinaryTypes.String), []string{`[1]`}, nil},
		"maps": {
			arrow.MapOf(arrow.BinaryTypes.String, p.Int32), arrow.MapOf(arrow.BinaryTypes.String, p.Int64),
			[]string{`[{"key": "a", "value": 1}]`}, []string{`[{"key":"a","value":1}]`},
		},
		"maps that do not fit":   {arrow.MapOf(p.Int32, p.Int32), arrow.MapOf(arrow.BinaryTypes.String, p.Int32), []string{`[{"key": 1, "value": 1}]`}, nil},
		"a list for a number":    {arrow.ListOf(p.Int32), p.Int32, []string{`[1]`}, nil},
		"a number for a list":    {p.Int32, arrow.ListOf(p.Int32), []string{`1`}, nil},
		"a structure for a list": {structure("x", p.Int32), arrow.ListOf(p.Int32), []string{`{"x": 1}`}, nil},
		"nothing but NULL":       {arrow.Null, utc(arrow.Microsecond), []string{null}, []string{null}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := valuesOf(t, c.from, c.values...)
			record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "c", Type: c.from, Nullable: true}}, nil), []arrow.Array{values}, int64(values.Len()))
			shard, _ := allOf(t, writeRecord(t, record, parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_LATEST))))
			table := declared(c.to, arrow.Metadata{})
			batches, err := readAll(shard, table)
			refused := table.Check(footerOf(t, shard.Files[0].Info.URI))
			if c.want == nil {
				assertSourceError(t, err, shard.Files[0].Info.URI, `"c`, "which is not to be read as the table's")
				assert.EqualError(t, refused, err.Error())
				assert.True(t, failure.Of(refused, failure.Engine).Early)
				return
			}
			require.NoError(t, err)
			require.NoError(t, refused)
			require.True(t, arrow.TypeEqual(c.to, batches[0].Record.Column(0).DataType()))
			assert.Equal(t, c.want, texts(batches, "c"))
		})
	}
}

func TestFieldsThatTablesRequire(t *testing.T) {
	t.Parallel()
	has := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true})
	wants := arrow.StructOf(has.Field(0), arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int32})
	shard, _ := allOf(t, writeRecord(t, oneRow(arrow.Field{Name: "c", Type: has}), parquet.NewWriterProperties()))
	_, err := readAll(shard, declared(wants, arrow.Metadata{}))
	assertSourceError(t, err, `column "c" has no field "y"`)
}

// INT96 is an instant, whatever a file can say of it, and no local time.
func TestInt96InTables(t *testing.T) {
	t.Parallel()
	shard, _ := allOf(t, fixture("int96"))
	read := func(of arrow.DataType) ([]batch.Batch, error) {
		table := declared(of, arrow.Metadata{})
		table.Mapping.Columns[0].Stored = "ts"
		return readAll(shard, table)
	}
	batches, err := read(arrow.FixedWidthTypes.Timestamp_us)
	require.NoError(t, err)
	assert.Equal(t, "1767323045678901us", texts(batches, "c")[5])
	_, err = read(&arrow.TimestampType{Unit: arrow.Microsecond})
	assertSourceError(t, err, `column "c" is timestamp[us] (int96) there, which is not to be read as the table's timestamp[us]`)
}

func TestLogicalTypesInTables(t *testing.T) {
	t.Parallel()
	uuid := marked("", arrow.Null, batch.LogicalUUID).Metadata
	for file, c := range map[string]struct {
		column  string
		of      arrow.DataType
		logical arrow.Metadata
		fits    bool
	}{
		"JSON as text":        {"json", arrow.BinaryTypes.String, arrow.Metadata{}, true},
		"JSON as bytes":       {"json", arrow.BinaryTypes.Binary, arrow.Metadata{}, true},
		"UUIDs as UUIDs":      {"uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}, uuid, true},
		"UUIDs as bytes":      {"uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}, arrow.Metadata{}, false},
		"UUIDs as text":       {"uuid", arrow.BinaryTypes.String, arrow.Metadata{}, false},
		"bytes as they are":   {"fixed", &arrow.FixedSizeBinaryType{ByteWidth: 3}, arrow.Metadata{}, true},
		"bytes of other size": {"fixed", &arrow.FixedSizeBinaryType{ByteWidth: 4}, arrow.Metadata{}, false},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			table := declared(c.of, c.logical)
			table.Mapping.Columns[0].Stored = c.column
			shard, _ := allOf(t, fixture("types"))
			_, err := readAll(shard, table)
			assert.Equal(t, c.fits, err == nil, err)
		})
	}
}

func TestDatesThatAreTooFarAway(t *testing.T) {
	t.Parallel()
	b := array.NewDate32Builder(memory.DefaultAllocator)
	b.AppendValues([]arrow.Date32{math.MaxInt32, 5}, []bool{false, true})
	local := arrow.Field{Name: "c", Type: &arrow.TimestampType{Unit: arrow.Microsecond}}
	table, day := declared(local.Type, arrow.Metadata{}), arrow.Field{Name: "c", Type: arrow.FixedWidthTypes.Date32}
	widened, err := table.Widen(b.NewArray(), day, local)
	require.NoError(t, err)
	assert.Equal(t, "432000000000us", text(widened, 1))
	assert.True(t, widened.IsNull(0))

	b.Append(math.MaxInt32)
	_, err = table.Widen(b.NewArray(), day, local)
	require.ErrorContains(t, err, "too far away")
	_, err = parquetread.Widen(valuesOf(t, day.Type, "1970-01-01"), day, local)
	require.Error(t, err, "files do not come to that by themselves")
}
