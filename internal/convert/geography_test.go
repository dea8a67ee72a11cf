package convert_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkt"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// shapes are texts and what becomes of them.
var shapes = []struct{ source, want string }{
	{"POINT(1 2)", "POINT (1 2)"},
	{"\tpoint \n( -1.50 +2e1 ) ", "POINT (-1.5 20)"},
	{"POINT(.5 2.)", "POINT (0.5 2)"},
	{"POINT(180 90)", "POINT (180 90)"},
	{"POINT(-360 -90)", "POINT (-360 -90)"},
	{"POINT(0.00000000000000000001 0)", "POINT (1e-20 0)"},
	{"POINT EMPTY", "POINT EMPTY"},
	{"LINESTRING empty", "LINESTRING EMPTY"},
	{"GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION EMPTY"},
	{"LINESTRING(0 0,1 1)", "LINESTRING (0 0, 1 1)"},
	{"LINESTRING(0 0,0 0,0 1)", "LINESTRING (0 0, 0 0, 0 1)"},
	{"LINESTRING(0 90,10 90)", "LINESTRING (0 90, 10 90)"},
	{"POLYGON((0 0,1 0,1 1,0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))"},
	{"POLYGON((0 0,4 0,4 4,0 0),(2 1,3 1,3 2,2 1))", "POLYGON ((0 0, 4 0, 4 4, 0 0), (2 1, 3 1, 3 2, 2 1))"},
	{"POLYGON((0 0,0 0,0 0,0 0))", "POLYGON ((0 0, 0 0, 0 0, 0 0))"},
	{"MULTIPOINT(1 2,3 4)", "MULTIPOINT ((1 2), (3 4))"},
	{"MULTIPOINT((1 2), (3 4))", "MULTIPOINT ((1 2), (3 4))"},
	{"MULTILINESTRING((0 0,1 1),(2 2,3 3))", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))"},
	{"MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))"},
	{"GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(POINT EMPTY,LINESTRING(0 0,1 1)))",
		"GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (POINT EMPTY, LINESTRING (0 0, 1 1)))"},
	{strings.Repeat("GEOMETRYCOLLECTION(", 8) + "POINT(1 2)" + strings.Repeat(")", 8),
		strings.Repeat("GEOMETRYCOLLECTION (", 8) + "POINT (1 2)" + strings.Repeat(")", 8)},

	{strings.Repeat("GEOMETRYCOLLECTION(", 9) + "POINT(1 2)" + strings.Repeat(")", 9), fails},
	{strings.Repeat("GEOMETRYCOLLECTION(", 100000), fails},
	{"POINT(1 90.5)", fails}, {"POINT(1 -90.0000001)", fails}, {"POINT(360.1 0)", fails}, {"POINT(NaN 0)", fails}, {"POINT(0 inf)", fails},
	{"POINT(1e400 0)", fails}, {"POINT(0x1 2)", fails}, {"POINT(1 2 3)", fails}, {"POINT(1)", fails}, {"POINT(1,2)", fails}, {"POINT(1 2", fails},
	{"POINT(1 2))", fails}, {"POINT(1 2) x", fails}, {"POINT(1 2, 3 4)", fails}, {"POINT Z (1 2 3)", fails}, {"POINTZ(1 2 3)", fails},
	{"POINT M (1 2 3)", fails}, {"POINT ZM (1 2 3 4)", fails}, {"POINT Z EMPTY", fails}, {"POINT X (1 2)", fails}, {"POINT ()", fails},
	{"LINESTRING(1 2)", fails}, {"LINESTRING(1 2,1 2)", fails}, {"LINESTRING(0 0,1e-9 0)", fails}, {"LINESTRING(0 0,360 0)", fails},
	{"LINESTRING(-360 0,360 0)", fails}, {"LINESTRING(EMPTY)", fails}, {"LINESTRING((0 0),(1 1))", fails},
	{"POLYGON((0 0,1 0,1 1))", fails}, {"POLYGON((0 0,1 0,1 1,0 1))", fails}, {"POLYGON((0 0))", fails}, {"POLYGON(0 0,1 0,1 1,0 0)", fails},
	{"POLYGON((0 0,1 0,1 1,0 0),EMPTY)", fails}, {"POLYGON((0 0,1 0,1 1,0 0),(0 0))", fails}, {"POLYGON((0 0,1 0,1 91,0 0))", fails},
	{"MULTIPOINT(EMPTY,(1 2))", fails}, {"MULTILINESTRING((0 0,1 1),EMPTY)", fails}, {"MULTIPOLYGON(((0 0,1 0,1 1,0 0)),EMPTY)", fails},
	{"MULTILINESTRING((0 0,0 0),(1 1,2 2))", fails}, {"GEOMETRYCOLLECTION(POINT Z (1 2 3))", fails}, {"GEOMETRYCOLLECTION(LINESTRING(0 0,0 0))", fails},
	{"SRID=4326;POINT(1 2)", fails}, {"CIRCULARSTRING(0 0,1 1,2 0)", fails}, {"TRIANGLE((0 0,1 0,1 1,0 0))", fails}, {"", fails}, {"garbage", fails}, {"GEOMETRYCOLLECTION", fails},
}

func TestTextToGeography(t *testing.T) {
	t.Parallel()
	var sources, want []string
	var wantFailed []int
	for i, s := range shapes {
		sources = append(sources, s.source)
		if s.want == fails {
			wantFailed = append(wantFailed, i)
			s.want = array.NullValueStr
		}
		want = append(want, s.want)
	}
	mapped, out, failed := column(t, nullable("c", b.String), textValues(sources...), ask("tableau.tabgeography"))
	assert.Equal(t, want, printed(out))
	assert.Equal(t, wantFailed, failed)
	assert.Equal(t, b.String, mapped.Type)
	assert.Equal(t, batch.LogicalGeography, batch.LogicalType(mapped))
	requireStored(t, out)
}

// requireStored has hyperd cast the texts, and returns what it made of them.
func requireStored(t *testing.T, texts arrow.Array) []string {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	var rows []string
	for i := range texts.Len() {
		if texts.IsValid(i) {
			rows = append(rows, fmt.Sprintf("(%d,'%s')", i, texts.ValueStr(i)))
		}
	}
	var stored []string
	query := "SELECT cast(cast(g AS tableau.tabgeography) AS text) FROM (VALUES " + strings.Join(rows, ",") + ") AS t(i, g) ORDER BY i"
	require.NoError(t, conn.Query(t.Context(), query, func(_ []hyperd.Field, values [][]byte) error {
		stored = append(stored, string(values[0]))
		return nil
	}))
	require.Len(t, stored, len(rows))
	return stored
}

func wkbArray(t *testing.T, list ...geom.T) arrow.Array {
	t.Helper()
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for i, g := range list {
		order := []binary.ByteOrder{wkb.NDR, wkb.XDR}[i%2]
		data, err := wkb.Marshal(g, order)
		require.NoError(t, err)
		builder.Append(data)
	}
	return builder.NewArray()
}

// randomShapes makes shapes of all kinds that are fit for hyperd.
func randomShapes(random *rand.Rand, count int) []geom.T {
	x := func() float64 { return (random.Float64() - 0.5) * 360 }
	y := func() float64 { return (random.Float64() - 0.5) * 180 }
	line := func() []float64 { return []float64{x(), y(), x(), y(), x(), y()} }
	ring := func() []float64 {
		left, low := x()/2, y()/2
		return []float64{left, low, left + 10, low, left + 10, low + 10, left, low}
	}
	list := make([]geom.T, count)
	for i := range list {
		points := geom.NewMultiPointFlat(geom.XY, line())
		lines := geom.NewMultiLineStringFlat(geom.XY, append(line(), line()...), []int{6, 12})
		two := geom.NewMultiPolygonFlat(geom.XY, append(ring(), ring()...), [][]int{{8}, {16}})
		switch i % 7 {
		case 0:
			list[i] = geom.NewPointFlat(geom.XY, []float64{x(), y()})
		case 1:
			list[i] = geom.NewLineStringFlat(geom.XY, line())
		case 2:
			list[i] = geom.NewPolygonFlat(geom.XY, ring(), []int{8})
		case 3:
			list[i] = points
		case 4:
			list[i] = lines
		case 5:
			list[i] = two
		default:
			list[i] = geom.NewGeometryCollection().MustPush(points, lines, two)
		}
	}
	return list
}

// TestShapesAgainstGeom compares with another implementation of WKB and WKT, and with hyperd.
func TestShapesAgainstGeom(t *testing.T) {
	t.Parallel()
	list := randomShapes(rand.New(rand.NewPCG(17, 18)), 350)
	source := wkbArray(t, list...)
	field := nullable("c", b.Binary)
	field.Metadata = logical(batch.LogicalGeometry)
	mapped, out, failed := column(t, field, source, ask(""))
	require.Empty(t, failed)
	assert.Equal(t, batch.LogicalGeography, batch.LogicalType(mapped))
	var texts []string
	for i, g := range list {
		read, err := wkt.Unmarshal(out.ValueStr(i))
		require.NoError(t, err)
		data, err := wkb.Marshal(read, wkb.NDR)
		require.NoError(t, err)
		want, err := wkb.Marshal(g, wkb.NDR)
		require.NoError(t, err)
		require.Equal(t, want, data, out.ValueStr(i))
		text, err := wkt.Marshal(g)
		require.NoError(t, err)
		texts = append(texts, text)
	}
	_, fromText, failed := column(t, nullable("c", b.String), textValues(texts...), ask("geography"))
	require.Empty(t, failed)
	assert.True(t, array.Equal(out, fromText))
	stored := requireStored(t, out)
	for i := 0; i < len(list); i += 7 {
		p := list[i].(*geom.Point)
		var x, y float64
		_, err := fmt.Sscanf(stored[i], "POINT(%f %f)", &x, &y)
		require.NoError(t, err)
		const step = 360.0 / (1 << 32) // hyperd's
		assert.InDelta(t, p.X(), x, 2*step)
		assert.InDelta(t, p.Y(), y, 2*step)
	}
}

func TestShapesToText(t *testing.T) {
	t.Parallel()
	field := nullable("c", b.Binary)
	field.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey, batch.CRSKey}, []string{batch.LogicalGeometry, "EPSG:3857"})
	source := wkbArray(t, geom.NewPointFlat(geom.XYZ, []float64{1e6, 2e6, 3}), geom.NewPointFlat(geom.XYM, []float64{1, 2, 3}),
		geom.NewLineStringFlat(geom.XYZM, []float64{1, 2, 3, 4, 5, 6, 7, 8}), geom.NewPointFlat(geom.XY, []float64{1, math.NaN()}),
		geom.NewPolygon(geom.XY), geom.NewPointFlat(geom.XY, []float64{math.NaN(), math.NaN()}), geom.NewMultiPoint(geom.XYZ))
	mapped, out, failed := column(t, field, source, ask("text"))
	assert.Equal(t, []int{3}, failed)
	assert.Equal(t, []string{"POINT Z (1000000 2000000 3)", "POINT M (1 2 3)", "LINESTRING ZM (1 2 3 4, 5 6 7 8)", "(null)", "POLYGON EMPTY", "POINT EMPTY",
		"MULTIPOINT Z EMPTY"}, printed(out))
	assert.Empty(t, batch.LogicalType(mapped))

	mapped, out, failed = column(t, field, source, ask("bytes"))
	assert.Empty(t, failed)
	assert.True(t, array.Equal(source, out))
	assert.Empty(t, batch.LogicalType(mapped))
}

func TestExtendedWKB(t *testing.T) {
	t.Parallel()
	point := func(flags uint32, numbers ...float64) string {
		data := binary.LittleEndian.AppendUint32([]byte{1}, 1|flags)
		for _, x := range numbers {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
		}
		return string(data)
	}
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	builder.AppendStringValues([]string{point(1<<31, 1, 2, 3), point(1<<30, 1, 2, 3), point(3<<30, 1, 2, 3, 4), point(1<<29, 1, 2)}, nil)
	field := nullable("c", b.Binary)
	field.Metadata = logical(batch.LogicalGeography)
	_, out, failed := column(t, field, builder.NewArray(), ask("text"))
	assert.Equal(t, []string{"POINT Z (1 2 3)", "POINT M (1 2 3)", "POINT ZM (1 2 3 4)", "(null)"}, printed(out))
	assert.Equal(t, []int{3}, failed, "a reference system is nowhere else either")
}

// TestDamagedWKB cuts and changes good values: they are rejected, or read as some shape, and
// never take more memory than they are long.
func TestDamagedWKB(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(19, 20))
	good := wkbArray(t, randomShapes(random, 70)...).(*array.Binary)
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for i := range 20 * good.Len() {
		data := append([]byte(nil), good.Value(i%good.Len())...)
		if i < 10*good.Len() {
			builder.Append(data[:random.IntN(len(data))])
			continue
		}
		for range 1 + random.IntN(3) {
			data[random.IntN(min(len(data), 30))] = byte(random.Uint32())
		}
		builder.Append(data)
	}
	source := builder.NewArray()
	field := nullable("c", b.Binary)
	field.Metadata = logical(batch.LogicalGeometry)
	_, out, failed := column(t, field, source, ask(""))
	for row := range 10 * good.Len() {
		require.Contains(t, failed[:10*good.Len()], row, "it was cut off")
	}
	requireStored(t, out)
}

// A collection may hold shapes with height beside flat ones: as text it is kept, and as a geography it has height.
func TestWKBOfUnlikeShapes(t *testing.T) {
	t.Parallel()
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	const head, flat, high = "\x01\x07\x00\x00\x00\x02\x00\x00\x00", "\x01\x01\x00\x00\x00", "\x01\xe9\x03\x00\x00"
	const system = "\x01\x01\x00\x00\x20\xe6\x10\x00\x00" // 4326
	zero := strings.Repeat("\x00", 8)
	builder.AppendStringValues([]string{head + flat + zero + zero + high + zero + zero + zero, system + zero + zero, system}, nil)
	source := builder.NewArray()
	field := nullable("c", b.Binary)
	field.Metadata = logical(batch.LogicalGeography)
	_, out, failed := column(t, field, source, ask("text"))
	assert.Equal(t, "GEOMETRYCOLLECTION (POINT (0 0), POINT Z (0 0 0))", out.ValueStr(0))
	assert.Equal(t, []int{1, 2}, failed)

	schema := arrow.NewSchema([]arrow.Field{field}, nil)
	c, err := convert.Compile(schema, convert.Refuse, []convert.Column{{Source: "c", Type: "geography"}})
	require.NoError(t, err)
	record := array.NewRecord(schema, []arrow.Array{source}, 3)
	for row, want := range []string{"it has height", "it names a reference system (SRID)", "it is no well-known binary"} {
		assert.Equal(t, c.Reason(0)+": "+want, c.Explain(0, record, row))
	}
}

// What is wrong with a shape is said of each one.
func TestFlawsOfShapes(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{nullable("id", p.Int8), nullable("c", b.String)}, nil)
	c, err := convert.Compile(schema, convert.Refuse, []convert.Column{{Source: "c", Type: "geography"}})
	require.NoError(t, err)
	for text, want := range map[string]string{
		"POINT Z (1 2 3)": "it has height", "POINTM(1 2 3)": "it has a measure", "POINT ZM (1 2 3 4)": "it has height and a measure",
		"MULTIPOINT(1 2, nan 3)": "a coordinate is not finite", "POINT(1 -Infinity)": "a coordinate is not finite", "POINT(1e999 2)": "a coordinate is not finite",
		"POINT(1 91)": "a coordinate is not in degrees of longitude and latitude", "LINESTRING(1 2, 1 2)": "a line does not have two different points",
		"POLYGON((0 0, 0 1, 1 1, 1 0))": "a ring is not closed", "MULTIPOINT(1 2, EMPTY)": "a part of it is empty", "GEOMETRYCOLLECTION(POINT(1 99))": "a coordinate is not in degrees of longitude and latitude",
		"POINT(1 2 3)": "it has height", "LINESTRING(1 2, 3 4 5)": "it has height", "MULTIPOINT(1 2 3 4, 5 6)": "it has height and a measure", "POINT(1 2 NaN)": "a coordinate is not finite",
		"GEOMETRYCOLLECTION(POINT Z (1 2 3))": "it has height", "GEOMETRYCOLLECTION Z (POINT(1 2 3))": "it has height", "GEOMETRYCOLLECTION(POINT(1 2),POINT M (1 2 3))": "it has a measure",
		"SRID=4326;POINT(1 2)": "it names a reference system (SRID)", "srid = 25832 ; POINT Z (1 2 3)": "it names a reference system (SRID)", "SRID=4326;POINT(1 2": "it is no well-known text",
		"SRID=4326": "it is no well-known text", "POINT(1 2 3 4 5)": "it is no well-known text", "POINT Z (1 2 3 4)": "it is no well-known text", "POINT(1 2 x)": "it is no well-known text",
		"": "it is no well-known text", "POINT(1 -)": "it is no well-known text", "POINT(1 2": "it is no well-known text", "POINT(1 x)": "it is no well-known text",
	} {
		record := array.NewRecord(schema, []arrow.Array{array.MakeArrayOfNull(memory.DefaultAllocator, p.Int8, 2), textValues("POINT(1 2)", text)}, 2)
		_, failures, err := c.Apply(record)
		require.NoError(t, err)
		require.Equal(t, []convert.Failure{{Column: 1, Rows: []int{1}}}, failures, text)
		assert.Equal(t, c.Reason(1)+": "+want, c.Explain(1, record, 1), text)
		assert.Equal(t, c.Reason(1), c.Explain(1, record.NewSlice(0, 1), 0))
	}
}
