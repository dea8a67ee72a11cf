package convert_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
)

var asJSON = convert.Column{Nested: convert.JSON}

func TestJSON(t *testing.T) {
	t.Parallel()
	uuid := arrow.Field{Name: "item", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true, Metadata: logical(batch.LogicalUUID)}
	int96 := arrow.Field{Name: "item", Type: stamp(arrow.Microsecond, ""), Metadata: logical(batch.LogicalInt96)}
	cases := []struct {
		of     arrow.DataType
		source string
		want   []string
	}{
		{arrow.ListOfField(int96), `[["2026-01-31 12:30:00"]]`, []string{`["2026-01-31T12:30:00Z"]`}},
		{arrow.ListOf(p.Int64), `[["9223372036854775807", "-9223372036854775808"], [], null, [null]]`, []string{"[9223372036854775807,-9223372036854775808]", "[]", "(null)", "[null]"}},
		{arrow.LargeListOf(p.Uint64), `[["18446744073709551615"]]`, []string{"[18446744073709551615]"}},
		{arrow.FixedSizeListOf(2, w.Boolean), `[[true, null], null, [false, true]]`, []string{"[true,null]", "(null)", "[false,true]"}},
		{arrow.ListOf(p.Float64), `[[0.1, -0.0, 1e21, 1e-7, "NaN", "+Inf", "-Inf"]]`, []string{`[0.1,-0,1e+21,1e-07,"NaN","Infinity","-Infinity"]`}},
		{arrow.ListOf(p.Float32), `[[0.1, 16777216]]`, []string{`[0.1,16777216]`}},
		{arrow.ListOf(decimal(38, 2)), `[["123456789012345678901234567890123456.70", "-0.05"]]`, []string{"[123456789012345678901234567890123456.70,-0.05]"}},
		{arrow.ListOf(b.String), `[["", "a\"b\\c", "\u0000\u0008\u001f\t\r\n\u007f", "<&>é\u2028😀"]]`,
			[]string{`["","a\"b\\c","\u0000\u0008\u001f\t\r\n` + "\u007f" + `","<&>é` + "\u2028" + `😀"]`}},
		{arrow.ListOf(b.Binary), `[["AP+r", ""]]`, []string{`["AP+r",""]`}},
		{arrow.ListOfField(uuid), `[["ABEiM0RVZneImaq7zN3u/w==", null]]`, []string{`["00112233-4455-6677-8899-aabbccddeeff",null]`}},
		{arrow.ListOf(w.Date32), `[["2026-01-31"]]`, []string{`["2026-01-31"]`}},
		{arrow.ListOf(w.Time64us), `[["12:30:00.25"]]`, []string{`["12:30:00.25"]`}},
		{arrow.ListOf(stamp(arrow.Nanosecond, "UTC")), `[["2026-01-31 12:30:00.123456789"]]`, []string{`["2026-01-31T12:30:00.123456789Z"]`}},
		{arrow.ListOf(stamp(arrow.Millisecond, "Europe/Berlin")), `[["2026-01-31 12:30:00"]]`, []string{`["2026-01-31T12:30:00Z"]`}},
		{arrow.ListOf(stamp(arrow.Second, "")), `[["2026-01-31 12:30:00"]]`, []string{`["2026-01-31T12:30:00"]`}},
		{arrow.ListOf(w.MonthDayNanoInterval), `[[{"months": 1, "days": 0, "nanoseconds": 5}]]`, []string{`["P1MT0.000000005S"]`}},
		{arrow.ListOf(arrow.Null), `[[null, null]]`, []string{`[null,null]`}},
		{arrow.ListOf(arrow.ListOf(p.Int8)), `[[[1], null, []]]`, []string{`[[1],null,[]]`}},
		{arrow.MapOf(b.String, p.Int64), `[[{"key": "b", "value": 1}, {"key": "a", "value": null}], [], null, [{"key": "a", "value": 1}, {"key": "a", "value": 2}]]`,
			[]string{`{"b":1,"a":null}`, `{}`, "(null)", `[{"key":"a","value":1},{"key":"a","value":2}]`}},
		{arrow.MapOf(p.Int64, b.String), `[[{"key": 1, "value": "x"}, {"key": 1, "value": null}]]`, []string{`[{"key":1,"value":"x"},{"key":1,"value":null}]`}},
		{arrow.StructOf(nullable("b", p.Int64), nullable("a\"", arrow.ListOf(b.String))), `[{"b": 1, "a\"": ["x"]}, {"b": null, "a\"": null}, null]`,
			[]string{`{"b":1,"a\"":["x"]}`, `{"b":null,"a\"":null}`, "(null)"}},
		{arrow.StructOf(), `[{}, null]`, []string{`{}`, "(null)"}},
		{arrow.ListOf(arrow.StructOf(nullable("x", p.Int64))), `[[{"x": 1}, null, {"x": null}]]`, []string{`[{"x":1},null,{"x":null}]`}},
	}
	for _, c := range cases {
		t.Run(c.of.String(), func(t *testing.T) {
			t.Parallel()
			source := values(t, c.of, c.source)
			_, out, failed := column(t, nullable("c", c.of), source, asJSON)
			assert.Empty(t, failed)
			assert.Equal(t, c.want, printed(out))
			_, out, _ = column(t, nullable("c", c.of), array.NewSlice(source, 1, int64(source.Len())), asJSON)
			assert.Equal(t, c.want[1:], printed(out))
		})
	}
}

func TestJSONOfEqualNames(t *testing.T) {
	t.Parallel()
	of := arrow.StructOf(nullable("a", p.Int64), nullable("b", b.String))
	twins := arrow.StructOf(nullable("a", p.Int64), nullable("a", b.String))
	pair := values(t, of, `[{"a": 1, "b": "x"}, {"a": null, "b": null}]`)
	data := array.NewData(twins, 2, pair.Data().Buffers(), pair.Data().Children(), 0, 0)
	_, out, _ := column(t, nullable("c", twins), array.NewStructData(data), asJSON)
	assert.Equal(t, []string{`[{"key":"a","value":1},{"key":"a","value":"x"}]`, `[{"key":"a","value":null},{"key":"a","value":null}]`}, printed(out))
}

func TestJSONOfManyNames(t *testing.T) {
	t.Parallel()
	builder := array.NewMapBuilder(memory.DefaultAllocator, b.String, p.Int64, false)
	for _, last := range []string{"k99", "k7"} {
		builder.Append(true)
		for i := range 100 {
			name := fmt.Sprintf("k%d", i)
			if i == 99 {
				name = last
			}
			builder.KeyBuilder().(*array.StringBuilder).Append(name)
			builder.ItemBuilder().(*array.Int64Builder).Append(int64(i))
		}
	}
	maps := builder.NewArray()
	_, out, _ := column(t, nullable("c", maps.DataType()), maps, asJSON)
	var object map[string]int
	require.NoError(t, json.Unmarshal([]byte(out.ValueStr(0)), &object))
	assert.Len(t, object, 100)
	var entries []struct {
		Key   string
		Value int
	}
	require.NoError(t, json.Unmarshal([]byte(out.ValueStr(1)), &entries))
	assert.Len(t, entries, 100)
	assert.Equal(t, "k7", entries[99].Key)
}

func TestJSONOfInvalidText(t *testing.T) {
	t.Parallel()
	builder := array.NewListBuilder(memory.DefaultAllocator, b.String)
	for _, text := range []string{"ok", "\xff", "a\xc3", "é"} {
		builder.Append(true)
		builder.ValueBuilder().(*array.StringBuilder).Append(text)
	}
	lists := builder.NewArray()
	_, out, failed := column(t, nullable("c", lists.DataType()), lists, asJSON)
	assert.Equal(t, []int{1, 2}, failed)
	assert.Equal(t, []string{`["ok"]`, "(null)", "(null)", `["é"]`}, printed(out))
}

func TestJSONOfDictionaries(t *testing.T) {
	t.Parallel()
	coded := &arrow.DictionaryType{IndexType: p.Int8, ValueType: b.String}
	of := arrow.StructOf(nullable("a", coded))
	words := array.NewDictionaryArray(coded, values(t, p.Int8, `[1, null, 0]`), textValues("x", "y"))
	data := array.NewData(of, 3, []*memory.Buffer{nil}, []arrow.ArrayData{words.Data()}, 0, 0)
	_, out, _ := column(t, nullable("c", of), array.NewStructData(data), asJSON)
	assert.Equal(t, []string{`{"a":"y"}`, `{"a":null}`, `{"a":"x"}`}, printed(out))
}

// TestJSONReadsBack parses the text of random values with the standard library.
func TestJSONReadsBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	of := arrow.StructOf(nullable("i", p.Int64), nullable("f", p.Float64), nullable("s", b.String), nullable("b", b.Binary), nullable("d", decimal(38, 7)))
	lists := array.NewListBuilder(memory.DefaultAllocator, of)
	var want [][]map[string]any
	for range 500 {
		lists.Append(true)
		elements := []map[string]any{}
		for range random.IntN(4) {
			elements = append(elements, appendRandom(random, lists.ValueBuilder().(*array.StructBuilder)))
		}
		want = append(want, elements)
	}
	arr := lists.NewArray()
	_, out, failed := column(t, nullable("c", arr.DataType()), arr, asJSON)
	require.Empty(t, failed)
	for row := range out.Len() {
		decoder := json.NewDecoder(bytes.NewReader([]byte(out.(*array.String).Value(row))))
		decoder.UseNumber()
		got := []map[string]any{}
		require.NoError(t, decoder.Decode(&got))
		for _, element := range got {
			if number, ok := element["f"].(json.Number); ok {
				f, err := number.Float64()
				require.NoError(t, err)
				element["f"] = math.Float64bits(f)
			}
		}
		require.Equal(t, want[row], got)
	}
}

// appendRandom appends a structure and returns what encoding/json should read.
func appendRandom(random *rand.Rand, builder *array.StructBuilder) map[string]any {
	i, f, bytes := int64(random.Uint64()), math.Float64frombits(random.Uint64()), make([]byte, random.IntN(5))
	for j := range bytes {
		bytes[j] = byte(random.Uint32())
	}
	text := string([]rune{rune(random.IntN(0x80)), rune(random.IntN(0xd800)), rune(0x10000 + random.IntN(0x10000))})
	d := decimal128.New(int64(random.Uint64()>>2)-1<<61, random.Uint64())
	builder.Append(true)
	builder.FieldBuilder(0).(*array.Int64Builder).Append(i)
	builder.FieldBuilder(1).(*array.Float64Builder).Append(f)
	builder.FieldBuilder(2).(*array.StringBuilder).Append(text)
	builder.FieldBuilder(3).(*array.BinaryBuilder).Append(bytes)
	builder.FieldBuilder(4).(*array.Decimal128Builder).Append(d)
	var float any = math.Float64bits(f)
	if math.IsNaN(f) {
		float = "NaN"
	}
	return map[string]any{"i": json.Number(strconv.FormatInt(i, 10)), "f": float, "s": text,
		"b": base64.StdEncoding.EncodeToString(bytes), "d": json.Number(d.ToString(7))}
}
