package ingest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/require"
)

// linesOf are the lines of a text, as a scanner with a small buffer finds them.
func linesOf(t *testing.T, text []byte, limit int) (lines []string, long []bool) {
	t.Helper()
	s := newLineScanner(iotest.HalfReader(bytes.NewReader(text)), "f")
	s.buffer, s.limit = make([]byte, 2), limit
	for {
		found, err := s.scan()
		require.NoError(t, err)
		if !found {
			return lines, long
		}
		require.EqualValues(t, len(lines)+1, s.number)
		lines, long = append(lines, string(s.line)), append(long, s.tooLong)
	}
}

// FuzzJSONL holds what a line becomes against the standard library, which reads it as often as it is valid; lines that are too long do
// not move those around them.
func FuzzJSONL(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":"x","c":[1.50,null,{"d":"ä\ud83d\ude00"}],"e":true,"f":null}`, `{"a":1,"a":2}`, `{"a":{"a":1,"a":2}}`, `{"a":NaN}`, `{}`, `{}{}`,
		`{"a":{"b":{"c":1}},"a.b":{"c":2}}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":-0.0e-10}`, "\r\n\n{\"\":1}\r", `[{"a":1}]`, "\x00", `{"a"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, _ := linesOf(t, text, 1<<20)
		want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(text) == 0 {
			want = nil
		}
		require.Len(t, lines, len(want))
		fewer, long := linesOf(t, text, 8)
		require.Len(t, fewer, len(lines))
		for i, line := range lines {
			require.Equal(t, strings.TrimSuffix(want[i], "\r"), line)
			require.True(t, long[i] || fewer[i] == line)
			checkLine(t, line)
			_, _ = rowOf(line, true)
		}
	})
}

// rowOf is what a line becomes: values by key, or a reject.
func rowOf(line string, flatten bool) (map[string]*string, []Reject) {
	rows := newTexts(0)
	keys := &sampledKeys{texts: rows, index: map[string]int{}}
	newJSONRowReader(flatten, "line", keys, rows).add("f", 1, []byte(line))
	values := map[string]*string{}
	for i, name := range keys.names {
		column := rows.columns[i].finish().(*array.String)
		if column.Len() > 0 && column.IsValid(0) {
			text := column.Value(0)
			values[name] = &text
		} else if column.Len() > 0 {
			values[name] = nil
		}
	}
	return values, rows.rejects
}

// Objects in the form in which most are written become what those in any form do.
func TestPlainJSON(t *testing.T) {
	pieces := []string{`"a"`, `"b"`, `"a":1`, `"b":-2.50`, `,`, `, `, `{`, `}`, `[`, `]`, `:`, `null`, `true`, `false`, `0`, `007`, `1e5`, `-`, `.5`, `"`, `\`, " ", "	",
		`"x"y"`, `"c":[1, {"d":null}]`, `"e": {"f":"}"}`, `"a":"ä"`, `{"g":1,"g":2}`, `"h":tru`, `"i":"j" `}
	draw := rand.New(rand.NewPCG(20, 4))
	plain := 0
	for range 20_000 {
		line := "{"
		for range draw.IntN(7) {
			line += pieces[draw.IntN(len(pieces))]
			line += []string{"", ",", "}"}[draw.IntN(3)]
		}
		for _, flatten := range []bool{false, true} {
			rows := newTexts(0)
			keys := &sampledKeys{texts: rows, index: map[string]int{}}
			if !newJSONRowReader(flatten, "line", keys, rows).plain([]byte(line)) {
				continue
			}
			plain++
			others := newTexts(0)
			otherKeys := &sampledKeys{texts: others, index: map[string]int{}}
			require.Nil(t, newJSONRowReader(flatten, "line", otherKeys, others).decode([]byte(line)), line)
			require.Equal(t, otherKeys.names, keys.names, line)
			require.Equal(t, otherKeys.of, keys.of, line)
			require.Equal(t, others.columns, rows.columns, line)
		}
	}
	require.Greater(t, plain, 200)
}

func checkLine(t *testing.T, line string) {
	t.Helper()
	values, rejects := rowOf(line, false)
	if len(rejects) > 0 {
		require.Empty(t, values)
		return
	}
	var want map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(line), &want))
	require.Len(t, values, len(want))
	for key, raw := range want {
		require.Contains(t, values, key)
		got := values[key]
		switch raw[0] {
		case 'n':
			require.Nil(t, got)
		case '"':
			var text string
			require.NoError(t, json.Unmarshal(raw, &text))
			require.Equal(t, text, *got)
		case '{', '[':
			require.Equal(t, decoded(t, string(raw)), decoded(t, *got))
		default:
			require.Equal(t, string(raw), *got)
		}
	}
}

func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&value))
	return value
}
