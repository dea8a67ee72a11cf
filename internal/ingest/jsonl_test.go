package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

func jsonlOf(uri ...string) ingest.JSONLOptions { return ingest.JSONLOptions{URI: uri} }

func TestJSONLRows(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		rows    [][]string
		rejects []rejectedRow
	}{
		"values as they are written": {
			content: `{"t":"x","n":9007199254740993,"d":1.10}` + "\r\n" + `{"d":123456789012345678.25,"t":"ä€\u00e4\ud83d\ude00\n"}` + "\n",
			rows:    [][]string{{"x", "9007199254740993", "1.1"}, {"ä€ä😀\n", null, "123456789012345678.25"}},
		},
		"no line end at the end, and empty lines":   {content: "\n{}\n \t\r\n{\"n\":null,\"t\":\"\"}", rows: [][]string{{null, null, null}, {"", null, null}}},
		"a byte order mark":                         {content: "\xef\xbb\xbf{\"n\":1}\n", rows: [][]string{{null, "1", null}}},
		"numbers and booleans as text":              {content: `{"t":1.50}` + "\n" + `{"t":true}` + "\n", rows: [][]string{{"1.50", null, null}, {"true", null, null}}},
		"nested values as text":                     {content: `{"t": {"a" : [1, 2.50, "\u00e4\/"], "b":12345678901234567890} }`, rows: [][]string{{`{"a":[1,2.50,"ä/"],"b":12345678901234567890}`, null, null}}},
		"texts of numbers":                          {content: `{"n":"12"}` + "\n" + `{"n":"x"}`, rows: [][]string{{null, "12", null}}, rejects: []rejectedRow{{2, "n", "type bigint"}}},
		"numbers that do not fit":                   {content: `{"n":9223372036854775808}` + "\n" + `{"n":1.5}` + "\n" + `{"d":0.001}`, rejects: []rejectedRow{{1, "n", "type bigint"}, {2, "n", "type bigint"}, {3, "d", "type numeric(20,2)"}}},
		"nested values are no numbers":              {content: `{"n":[1]}`, rejects: []rejectedRow{{1, "n", "type bigint"}}},
		"keys that nobody knows":                    {content: `{"x":1}` + "\n" + `{"x":null,"n":1}`, rows: [][]string{{null, "1", null}}, rejects: []rejectedRow{{1, "x", "unknown key"}}},
		"what is no JSON":                           {content: "{\"n\":1\n{n:1}\n{\"n\":NaN}\n{\"n\":01}\nnull\n[1]\n{\"n\":1}}\n{\"n\":1}{}\n'x'\n{\"n\":2}\n", rows: [][]string{{null, "2", null}}, rejects: []rejectedRow{{1, "", "json"}, {2, "", "json"}, {3, "", "json"}, {4, "", "json"}, {5, "", "json"}, {6, "", "json"}, {7, "", "json"}, {8, "", "json"}, {9, "", "json"}}},
		"keys that stand twice":                     {content: `{"n":1,"n":1}` + "\n" + `{"t":{"a":1,"\u0061":2}}`, rejects: []rejectedRow{{1, "", "json"}, {2, "", "json"}}},
		"bytes that are not UTF-8":                  {content: "{\"t\":\"\xff\"}\n{\"\xc3\":1}\n", rejects: []rejectedRow{{1, "", "encoding"}, {2, "", "encoding"}}},
		"halves of characters":                      {content: `{"t":"\ud83d"}` + "\n" + `{"t":["\ude00"]}` + "\n", rejects: []rejectedRow{{1, "", "json"}, {2, "", "json"}}},
		"NUL":                                       {content: `{"t":"\u0000"}` + "\n\x00\n", rows: [][]string{{"\x00", null, null}}, rejects: []rejectedRow{{2, "", "json"}}},
		"a line that is too long":                   {content: `{"t":"` + strings.Repeat("x", 40<<20) + "\"}\n" + `{"n":1}`, rows: [][]string{{null, "1", null}}, rejects: []rejectedRow{{1, "", "length"}}},
		"a line that is too long, at the end":       {content: `{"n":1}` + "\n" + strings.Repeat("x", 17<<20), rows: [][]string{{null, "1", null}}, rejects: []rejectedRow{{2, "", "length"}}},
		"nesting without end":                       {content: `{"t":` + strings.Repeat("[", 1<<20) + "\n", rejects: []rejectedRow{{1, "", "json"}}},
		"a row after one that is cut in its middle": {content: `{"t":"gone","n":1,` + "\n" + `{"n":2}`, rows: [][]string{{null, "2", null}}, rejects: []rejectedRow{{1, "", "json"}}},
	} {
		t.Run(name, func(t *testing.T) {
			schema := columns("t", arrow.BinaryTypes.String, "n", arrow.PrimitiveTypes.Int64, "d", &arrow.Decimal128Type{Precision: 20, Scale: 2})
			sink := readAs(t, ingest.NewJSONL(jsonlOf(write(t, "f.jsonl", c.content))), schema)
			require.Equal(t, c.rows, sink.rows)
			require.ElementsMatch(t, c.rejects, rejected(sink.rejects))
		})
	}
}

func TestJSONLColumns(t *testing.T) {
	const content = `{"id":1,"at":"2026-01-31T12:00:00Z","day":"2026-01-31","code":"007","flag":true,"price":1.5,"o":null,"none":null}
{"id":2,"o":{"a":1,"b":{"c":"x","d":[1,{"e":2}]}},"price":2,"mixed":1,"big":12345678901234567890,"exact":1.00000000000000000001}
{"mixed":"x","number":"12","o":{"a":2},"late":false}
`
	path := write(t, "f.jsonl", content)
	schema, sink := read(t, ingest.NewJSONL(jsonlOf(path)))
	require.Equal(t, map[string]string{
		"id": "int64", "at": "timestamp[us, tz=UTC]", "day": "date32", "code": "utf8", "flag": "bool", "price": "float64", "o": "utf8",
		"none": "utf8", "mixed": "utf8", "big": "decimal(38, 0)", "exact": "utf8", "number": "utf8", "late": "bool",
	}, types(schema))
	require.Equal(t, "id", schema.Field(0).Name)
	require.Equal(t, "late", schema.Field(schema.NumFields()-1).Name)
	require.Equal(t, `{"a":1,"b":{"c":"x","d":[1,{"e":2}]}}`, sink.rows[1][6])

	schema, sink = read(t, ingest.NewJSONL(ingest.JSONLOptions{URI: []string{path}, Nested: "flatten"}))
	found := types(schema)
	require.NotContains(t, found, "o")
	require.Equal(t, "int64", found["o.a"])
	require.Equal(t, "utf8", found["o.b.c"])
	at := schema.FieldIndices("o.b.d")[0]
	require.Equal(t, `[1,{"e":2}]`, sink.rows[1][at])
	require.Equal(t, null, sink.rows[2][at])
	require.Len(t, sink.rows, 3)
}

// A key of the sample that the pinned schema does not have is one that was decided to be left out.
func TestJSONLLeavesOutWhatIsNotPinned(t *testing.T) {
	source := ingest.NewJSONL(jsonlOf(write(t, "f.jsonl", `{"a":1,"b":2}`)))
	_, err := source.Columns(t.Context())
	require.NoError(t, err)
	require.Equal(t, [][]string{{"2", null}}, readAs(t, source, columns("b", arrow.PrimitiveTypes.Int64, "c", arrow.BinaryTypes.String)).rows)
}

func TestJSONLFlattenRefusesTwoValuesOfAColumn(t *testing.T) {
	o := ingest.JSONLOptions{URI: []string{write(t, "f.jsonl", `{"a":{"b":1},"a.b":2}`+"\n"+`{"a":{"b":3},"a.b":null}`+"\n"+`{"a":{}}`)}, Nested: "flatten"}
	sink := readAs(t, ingest.NewJSONL(o), columns("a.b", arrow.PrimitiveTypes.Int64))
	require.Equal(t, [][]string{{null}}, sink.rows)
	require.Equal(t, []rejectedRow{{1, "a.b", "json"}, {2, "a.b", "json"}}, rejected(sink.rejects))
}

func TestJSONLThatIsRefused(t *testing.T) {
	_, err := ingest.NewJSONL(ingest.JSONLOptions{Nested: "error"}).Columns(t.Context())
	require.ErrorContains(t, err, `nested is "error"`)
	require.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
	_, err = ingest.NewJSONL(jsonlOf(write(t, "array.json", "[\n  {\"a\": 1},\n  {\"a\": 2}\n]\n"))).Columns(t.Context())
	require.ErrorContains(t, err, "3 of the first 4 rows cannot be read; of line 1")
	keys := `{"a":1`
	for i := range 17_000 {
		keys += fmt.Sprintf(`,"day %d":1`, i)
	}
	_, err = ingest.NewJSONL(jsonlOf(write(t, "f.jsonl", keys+"}\n"))).Columns(t.Context())
	require.ErrorContains(t, err, "have more than 16384 keys")
}
