package job_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/runtest"
	"hyperlake/transforms/parquetread"
)

func TestHyperdAndGoGiveTheSame(t *testing.T) {
	for name, rest := range map[string]string{
		"no rules": ``,
		"rules": `
    rules:
      - {column: l_quantity, max: 40}
      - {column: l_shipmode, in: [AIR, MAIL, RAIL, SHIP, TRUCK, FOB]}
      - {column: l_comment, max_length: 40, matches: "^[^x]*$", on_fail: warn}
      - {expr: l_shipdate <= l_receiptdate}
      - {expr: "l_discount < 0.05 || l_tax > 0.01"}
    rejects: {path: rejects}
`,
		"only counted": `
    rules: [{column: l_quantity, max: 40}, {column: l_orderkey, not_null: true}]
`,
		"only warnings": `
    rules: [{column: l_quantity, max: 40, on_fail: warn}]
`,
		"where": `, where: "l_shipdate < date('1995-01-01') && l_returnflag != 'A'"}
    rules: [{column: l_quantity, max: 45}]
    rejects: {path: rejects}
`,
		"where alone":   `, where: "l_shipmode.matches('^(AIR|REG AIR)$')"}`,
		"some columns":  `, select: [l_comment, l_orderkey]}` + "\n    rules: [{column: l_tax, min: 0.02}]\n    rejects: {path: rejects}\n",
		"a new name":    "\n    columns: {l_tax: {rename: tax}}\n",
		"several parts": "\n    rules: [{column: l_tax, min: 0.02}]\n    rejects: {path: rejects}\nrunner: {parallelism: 3}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := `{uri: "%LAKE%/lineitem/*.parquet"}`
			if len(rest) > 0 && rest[0] == ',' {
				source = `{uri: "%LAKE%/lineitem/*.parquet"`
			}
			plan := runtest.RequireSame(t, "name: x\ntables:\n  - source: "+source+rest+"\n")
			assert.Equal(t, 3, plan.Deferred, plan.Materialised)
			assert.Empty(t, plan.Materialised)
		})
	}
}

// plainFields are the types that hyperd reads by itself.
var plainFields = []arrow.Field{
	runtest.Field("n", runtest.Int64Type), runtest.Field("b", arrow.FixedWidthTypes.Boolean),
	runtest.Field("i8", arrow.PrimitiveTypes.Int8), runtest.Field("i16", arrow.PrimitiveTypes.Int16), runtest.Field("i32", arrow.PrimitiveTypes.Int32),
	runtest.Field("u8", arrow.PrimitiveTypes.Uint8), runtest.Field("u16", arrow.PrimitiveTypes.Uint16),
	runtest.Field("f32", arrow.PrimitiveTypes.Float32), runtest.Field("f64", arrow.PrimitiveTypes.Float64),
	runtest.Field("d5", &arrow.Decimal128Type{Precision: 5, Scale: 2}), runtest.Field("d18", &arrow.Decimal128Type{Precision: 18, Scale: 18}),
	runtest.Field("d38", &arrow.Decimal128Type{Precision: 38, Scale: 3}),
	runtest.Field("s", runtest.TextType), runtest.Field("ls", arrow.BinaryTypes.LargeString), runtest.Field("y", arrow.BinaryTypes.Binary), runtest.Field("fy", &arrow.FixedSizeBinaryType{ByteWidth: 3}),
	runtest.Field("day", arrow.FixedWidthTypes.Date32), runtest.Field("time", arrow.FixedWidthTypes.Time64us),
	runtest.Field("ms", &arrow.TimestampType{Unit: arrow.Millisecond}), runtest.Field("us", &arrow.TimestampType{Unit: arrow.Microsecond}),
	runtest.Field("msz", arrow.FixedWidthTypes.Timestamp_ms), runtest.Field("usz", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Oslo"}),
}

// appendPlain adds one of the extremes of a type.
func appendPlain(builder array.Builder, i int) {
	pick := func(values ...int64) int64 { return values[i%len(values)] }
	switch b := builder.(type) {
	case *array.BooleanBuilder:
		b.Append(i%2 == 0)
	case *array.Int8Builder:
		b.Append(int8(pick(-128, 127, 0)))
	case *array.Int16Builder:
		b.Append(int16(pick(-32768, 32767, 0)))
	case *array.Int32Builder:
		b.Append(int32(pick(math.MinInt32, math.MaxInt32, 0)))
	case *array.Int64Builder:
		b.Append(pick(math.MinInt64, math.MaxInt64, int64(i)))
	case *array.Uint8Builder:
		b.Append(uint8(pick(0, 255)))
	case *array.Uint16Builder:
		b.Append(uint16(pick(0, 65535)))
	case *array.Float32Builder:
		b.Append([]float32{0.1, float32(math.NaN()), math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(-1)), 16777216}[i%6])
	case *array.Float64Builder:
		b.Append([]float64{0.1, math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Copysign(0, -1)}[i%6])
	case *array.Decimal128Builder:
		most := decimal128.GetMaxValue(b.Type().(*arrow.Decimal128Type).Precision)
		b.Append([]decimal128.Num{most, most.Negate(), decimal128.FromI64(-1), {}}[i%4])
	case *array.StringBuilder:
		b.Append([]string{"", "žluťoučký 😀", "a\x00b", " trailing  "}[i%4])
	case *array.LargeStringBuilder:
		b.Append([]string{"", "žluťoučký 😀", "a\x00b", " trailing  "}[i%4])
	case *array.BinaryBuilder:
		b.Append([][]byte{{}, {0xff, 0}, []byte("abc")}[i%3])
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte{byte(i), 0, 0xff})
	case *array.Date32Builder:
		b.Append(arrow.Date32(pick(0, -1, -2440588, 2932896, 106751990, 20000)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(pick(0, 1, 86399999999)))
	case *array.TimestampBuilder:
		if b.Type().(*arrow.TimestampType).Unit == arrow.Millisecond {
			b.Append(arrow.Timestamp(pick(0, -1, -210866803200000, 253402300799999, 9224318015999999)))
		} else {
			b.Append(arrow.Timestamp(pick(0, -1, -210866803200000000, 253402300799999999, math.MaxInt64)))
		}
	}
}

func TestHyperdAndGoReadTheSameValues(t *testing.T) {
	folder := t.TempDir()
	schema := arrow.NewSchema(plainFields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 200 {
		for c, b := range builder.Fields() {
			if (i*7+c)%5 == 0 && c > 0 {
				b.AppendNull()
			} else {
				appendPlain(b, i)
			}
		}
	}
	record := builder.NewRecord()
	for name, options := range map[string][]parquet.WriterProperty{
		"v1":    {parquet.WithVersion(parquet.V1_0)},
		"v2":    {parquet.WithVersion(parquet.V2_LATEST), parquet.WithDataPageVersion(parquet.DataPageV2)},
		"plain": {parquet.WithVersion(parquet.V2_LATEST), parquet.WithDictionaryDefault(false), parquet.WithMaxRowGroupLength(30)},
	} {
		path := filepath.Join(folder, name, "a.parquet")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		file, err := os.Create(path)
		require.NoError(t, err)
		w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(options...), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
		require.NoError(t, err)
		require.NoError(t, w.Write(record))
		require.NoError(t, w.Close())
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := runtest.RequireSame(t, fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s'}\n", path))
			if name != "v1" { // which knows no microseconds without a zone
				assert.Equal(t, 1, plan.Deferred, plan.Materialised)
			}
		})
	}
}

// writeCounted writes a file of rows, with its columns n and s in either order.
func writeCounted(t *testing.T, path string, rows int, turned bool) {
	numbers, texts := array.NewInt64Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	for i := range rows {
		numbers.Append(int64(i))
		texts.Append(fmt.Sprint("text ", i%100))
	}
	fields, columns := []arrow.Field{runtest.Field("n", runtest.Int64Type), runtest.Field("s", runtest.TextType)}, []arrow.Array{numbers.NewArray(), texts.NewArray()}
	if turned {
		slices.Reverse(fields)
		slices.Reverse(columns)
	}
	schema := arrow.NewSchema(fields, nil)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(array.NewRecord(schema, columns, int64(rows))))
	require.NoError(t, w.Close())
}

// Where very many rows of a file are rejected, their numbers are not kept: the row groups that
// have some are read whole.
func TestAFileOfRejects(t *testing.T) {
	folder := t.TempDir()
	const rows = 1_100_000
	writeCounted(t, filepath.Join(folder, "lake", "a.parquet"), rows, false)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{column: n, max: 2}]\n    rejects: {path: rejects}\n")
	assert.Equal(t, 1, runtest.PlanOf(t, cfg).Deferred)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, rows-3, report.Tables[0].RowsRejected)
	assert.EqualValues(t, 3, report.Tables[0].RowsLoaded)
	store, err := storage.For(cfg.Tables[0].Rejects.Path)
	require.NoError(t, err)
	files, err := store.Glob(t.Context(), storage.Join(cfg.Tables[0].Rejects.Path, "*.parquet"))
	require.NoError(t, err)
	var kept int64
	for _, info := range files {
		footer, err := parquetread.ReadFooter(t.Context(), info)
		require.NoError(t, err)
		kept += footer.Rows
	}
	assert.EqualValues(t, rows-3, kept)
}

// The names of folders are constants to hyperd, of the type that the column has.
func TestHyperdAndGoReadTheSameFolders(t *testing.T) {
	lake := t.TempDir()
	for i, folder := range []string{
		"day=__HIVE_DEFAULT_PARTITION__/n2=-7/who=%2F%25 it's ž", "day=0001-01-01/n2=9223372036854775807/who=__HIVE_DEFAULT_PARTITION__",
	} {
		for part := range 2 {
			writeCounted(t, filepath.Join(lake, folder, fmt.Sprintf("%d.parquet", part)), 17_000+i, (i+part)%2 == 1)
		}
	}
	for name, rest := range map[string]string{
		"no rules": "}",
		"rules": `}
    rules:
      - {column: n, max: 16990}
      - {column: day, not_null: true, min: 1900-01-01}
      - {expr: 'who != "/% it''s ž" || n < 16900'}
      - {column: n2, in: [5, -7], on_fail: warn}
    rejects: {path: rejects}
`,
		"where": `, where: "n2 < 100 && s != 'text 7'"}
    rules: [{column: who, matches: "^[a-z]"}]
    rejects: {path: rejects}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := runtest.RequireSame(t, fmt.Sprintf("name: x\non_empty: allow\ntables:\n  - source: {uri: '%s/**/*.parquet'%s\n", lake, rest))
			assert.Empty(t, plan.Materialised)
			assert.Equal(t, 4-plan.Pruned.Files, plan.Deferred)
		})
	}
}

// What hyperd refuses is read in Go, file by file: the others stay with hyperd.
func TestFilesThatHyperdRefuses(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	for i, day := range []arrow.Date32{10, math.MaxInt32, 30} {
		dates, texts := array.NewDate32Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
		dates.AppendValues([]arrow.Date32{day, 5}, nil)
		texts.AppendValues([]string{"fine", []string{"fine", "fine", "\xff"}[i]}, nil)
		schema := arrow.NewSchema([]arrow.Field{runtest.Field("day", arrow.FixedWidthTypes.Date32), runtest.Field("text", runtest.TextType)}, nil)
		require.NoError(t, os.MkdirAll(lake, 0o755))
		file, err := os.Create(filepath.Join(lake, fmt.Sprintf("%d.parquet", i)))
		require.NoError(t, err)
		w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
		require.NoError(t, err)
		require.NoError(t, w.Write(array.NewRecord(schema, []arrow.Array{dates.NewArray(), texts.NewArray()}, 2)))
		require.NoError(t, w.Close())
	}
	plan := runtest.RequireSame(t, fmt.Sprintf("name: x\ntables:\n  - source: {uri: '%s/*.parquet'}\n    rejects: {path: rejects}\n", lake))
	assert.Equal(t, 3, plan.Deferred)

	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2, report.Tables[0].RowsRejected)
	assert.Equal(t, []string{"1970-01-06|fine", "1970-01-06|fine", "1970-01-11|fine", "1970-01-31|fine"},
		runtest.RowsIn(t, cfg.Output.Path, `SELECT day, text FROM x."Extract"."Extract" ORDER BY 1`))
	require.Len(t, report.Tables[0].Rules, 2, "the built-in rules that were broken")
}

// hyperd skips row groups by their statistics. Where a writer got these wrong, hyperd and
// the rules disagree, and the rules win.
func TestWrongStatisticsDoNotLoseRows(t *testing.T) {
	folder := t.TempDir()
	const large = 0x1122334455667788
	path := filepath.Join(folder, "lake", "a.parquet")
	runtest.WriteParquet(t, path, 5, large)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	footer := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	right, wrong := binary.LittleEndian.AppendUint64(nil, large), binary.LittleEndian.AppendUint64(nil, 6)
	require.Positive(t, bytes.Count(data[footer:], right))
	data = append(data[:footer:footer], bytes.ReplaceAll(data[footer:], right, wrong)...)
	require.NoError(t, os.WriteFile(path, data, 0o600))

	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{column: n, min: 100}]\n    rejects: {path: rejects}\n")
	assert.Equal(t, 1, runtest.PlanOf(t, cfg).Deferred)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, report.Tables[0].RowsRejected)
	assert.Equal(t, []string{fmt.Sprint(large)}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.Len(t, runtest.RejectRows(t, cfg.Tables[0].Rejects.Path), 1)
}

func TestARuleThatFailsNamesTheRow(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "b.parquet"), 4, 5, 6)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{column: n, max: 4, on_fail: fail}]\n")
	assert.Equal(t, 2, runtest.PlanOf(t, cfg).Deferred)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "b.parquet, row group 0, row 1")
	assert.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
	assert.NoFileExists(t, cfg.Output.Path)
}

// What is asked of a column changes nothing about how rejects are found, be it one that no rule reads.
func TestColumnsThatNoRuleReadsAreConfigured(t *testing.T) {
	lake := t.TempDir()
	runtest.WriteTable(t, filepath.Join(lake, "f.parquet"), `[{"a": 1, "b": 10, "b.c": "x", "at": 0}, {"a": 200, "b": 20, "b.c": "y", "at": 1}, {"a": 3, "b": null, "b.c": null, "at": null}]`,
		runtest.Field("a", runtest.Int64Type), runtest.Field("b", runtest.Int64Type), runtest.Field("b.c", runtest.TextType), runtest.Field("at", &arrow.TimestampType{Unit: arrow.Microsecond}))
	for name, columns := range map[string]string{
		"rename":            `{b: {rename: bee}}`,
		"type":              `{b: {type: bigint}, b.c: {type: text}, at: {type: timestamp}}`,
		"nullable":          `{b: {nullable: true}, b.c: {nullable: true}}`,
		"a name with a dot": `{b.c: {rename: sea}}`,
		"both are read":     `{a: {rename: first}, b: {rename: second}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, rejects := range []string{"", "    rejects: {path: rejects}\n"} {
				plan := runtest.RequireSame(t, "name: x\ntables:\n  - source: {uri: "+lake+"/*.parquet}\n    columns: "+columns+"\n    rules: [{column: a, max: 100}]\n"+rejects)
				assert.Equal(t, 1, plan.Deferred, plan.Materialised)
			}
		})
	}
	for name, columns := range map[string]string{
		"default":              `{b: {default: "7"}}`,
		"another type":         `{b: {type: text}}`,
		"format":               `{at: {type: text, format: "%d.%m.%Y"}}`,
		"timezone":             `{at: {type: timestamptz, timezone: Europe/Oslo}}`,
		"not null":             `{b: {nullable: false}}`,
		"a column left out":    `{b.c: {rename: sea}}`,
		"its namesake is read": `{b: {rename: bee}, b.c: {type: text, rename: sea}}`,
	} {
		t.Run(name, func(t *testing.T) {
			runtest.RequireSame(t, "name: x\ntables:\n  - source: {uri: "+lake+"/*.parquet, select: [a, b, at]}\n    columns: "+columns+"\n    rules: [{column: a, max: 100}]\n    rejects: {path: rejects}\n")
		})
	}
}

// writeInvalidText writes a file of three rows, of which the second has text that is not UTF-8.
func writeInvalidText(t *testing.T, path string) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{runtest.Field("n", runtest.Int64Type), runtest.Field("s", runtest.TextType), runtest.Field("note", runtest.TextType)}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i, text := range []string{"fine", "\xff", "good"} {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.StringBuilder).Append(text)
		builder.Field(2).(*array.StringBuilder).Append("x")
	}
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(builder.NewRecord()))
	require.NoError(t, w.Close())
}

// hyperd need not look at the text of a row that it drops, or of a column that it does not load.
func TestTextThatHyperdDoesNotRead(t *testing.T) {
	lake := t.TempDir()
	writeInvalidText(t, filepath.Join(lake, "f.parquet"))
	for name, rest := range map[string]string{
		"of a row that is dropped":              "}\n    rules: [{column: n, in: [0, 2]}]\n",
		"of one that a rule about it drops":     "}\n    rules: [{column: n, in: [0, 2]}, {column: s, max_length: 10}]\n",
		"of one that where drops":               ", where: \"n != 1\"}\n    rules: [{column: s, max_length: 10}]\n",
		"of a column that only a warning reads": ", select: [n, note]}\n    rules: [{column: s, matches: '^[a-z]*$', on_fail: warn}]\n",
		"of one of which only NULL matters":     ", select: [n, note]}\n    rules: [{column: s, not_null: true}]\n",
		"of one that where need not read":       ", select: [n, note], where: \"s != null\"}\n    rules: [{column: n, max: 1}]\n",
		"of one that an alternative need not":   ", select: [n, note]}\n    rules: [{expr: \"n < 5 || s == 'x'\"}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, rejects := range []string{"", "    rejects: {path: rejects}\n"} {
				plan := runtest.RequireSame(t, "name: x\ntables:\n  - source: {uri: "+lake+"/*.parquet"+rest+rejects)
				assert.Equal(t, 1, plan.Deferred, plan.Materialised)
			}
		})
	}
}

func TestWhyFilesAreNotDeferred(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "k=1", "a.parquet"), `[{"n": 1, "u": 5}, {"n": 2, "u": 6}, {"n": 3, "u": 7}]`,
		runtest.Field("n", runtest.Int64Type), runtest.Field("u", arrow.PrimitiveTypes.Uint32))
	for rest, reason := range map[string]string{
		"":                                 "folders have few rows for each value of column k",
		"    columns: {n: {type: text}}\n": "folders have few rows for each value of column k",
		"partitions: none":                 "column u is stored in a form that not every reader takes for the same",
		"partitions: none, select: [n], where: n > 2":   "parts of files are not read",
		"partitions: none, select: [n], where: n+1 > 0": "where has no SQL form",
		"partitions: none, select: [n]":                 "",
	} {
		config := runtest.NumbersConfig + rest
		if len(rest) > 0 && rest[0] != ' ' {
			config = fmt.Sprintf("name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet, %s}\n", rest)
		}
		plan := runtest.PlanOf(t, runtest.Configure(t, folder, config))
		if reason == "" {
			assert.Equal(t, 1, plan.Deferred)
			assert.Empty(t, plan.Materialised)
		} else {
			assert.Zero(t, plan.Deferred)
			assert.Equal(t, []string{reason}, plan.Materialised, rest)
		}
	}
}
