package delta

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                              "",
		` { "a" : 1 , "b":"x,}" } `:       `a=1 b="x,}" `,
		`{"a":{"b":[1,2,{"c":"]"}]}}`:     `a={"b":[1,2,{"c":"]"}]} `,
		`{"a\"\u00fc":null,"b":[ ]}`:      `a"ü=null b=[ ] `,
		`{"a":-1.5e+3,"b":true,"c":"\\"}`: `a=-1.5e+3 b=true c="\\" `,
	} {
		var found strings.Builder
		assert.True(t, members(text, func(key, value string) { found.WriteString(key + "=" + value + " ") }), text)
		assert.Equal(t, want, found.String())
	}
	for _, text := range []string{``, `[]`, `1`, `{`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{"a":1}}`, `{"a":1}x`, `{"a":"x`, `{"a":1 2}`, `{"a":{}`, `{a:1}`, `{"\x":1}`} {
		assert.False(t, members(text, func(string, string) {}), text)
	}
}

// FuzzMembers holds that of a JSON object the members are those that encoding/json finds.
func FuzzMembers(f *testing.F) {
	f.Add(`{"numRecords":9,"minValues":{"id":1,"s":{"x":"a\"}"}},"maxValues":{},"nullCount":null}`)
	f.Add(`{"a" : [1, 2,[]] , "b\u0020":"\\"}`)
	f.Fuzz(func(t *testing.T, text string) {
		found := map[string]string{}
		isObject := members(text, func(key, value string) { found[key] = value })
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return
		}
		require.True(t, isObject)
		require.Len(t, found, len(want))
		for key, value := range want {
			if strings.ToValidUTF8(text, "") == text {
				require.Equal(t, strings.TrimSpace(string(value)), found[key])
			}
		}
	})
}
