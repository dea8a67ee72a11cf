package delta

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 90)
	cases := map[string]struct {
		text string
		want []string
		err  string
	}{
		"none":                {"", nil, ""},
		"one without an end":  {"a", []string{"a"}, ""},
		"blank ones":          {"\n a \r\n\n\tb\n \n", []string{"a", "b"}, ""},
		"longer than a piece": {long + "\n" + long + "y", []string{long, long + "y"}, ""},
		"too long":            {"a\n" + long + long, []string{"a"}, "line 2: it is longer than 100 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			err := splitLines(strings.NewReader(c.text), 100, func(line []byte) error {
				found = append(found, string(line))
				return nil
			})
			assert.Equal(t, c.want, found)
			if c.err != "" {
				assert.ErrorContains(t, err, c.err)
				return
			}
			assert.NoError(t, err)
		})
	}
}

func TestErrorsOfLines(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	assert.Same(t, plain, splitLines(strings.NewReader("a\nb"), 100, func([]byte) error { return plain }))
	err := splitLines(strings.NewReader("a\n\nb"), 100, func(line []byte) error {
		if string(line) == "b" {
			return &lineError{plain}
		}
		return nil
	})
	assert.EqualError(t, err, "line 3: plain")
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]provenance{
		`{"operation":"WRITE","inCommitTimestamp":5}`: {"WRITE", 5},
		`{"operation":7,"inCommitTimestamp":"5"}`:     {},
		`{"operation":"X","inCommitTimestamp":-5}`:    {"X", 0},
		`"free text"`: {},
		`[1]`:         {},
	} {
		assert.Equal(t, want, parseProvenance([]byte(text)))
	}
}

// FuzzLine holds that a line is an action or a lineError, that both ways of reading it agree, and that the files
// it names have URIs.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"add":{"path":"a%20b","partitionValues":{"p":null,"q":"x"},"size":1,"modificationTime":2,"stats":"{}"}}`))
	f.Add([]byte(`{"remove":{"path":"file:///x","deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":6}}}`))
	f.Add([]byte(`{"add":{"path":"p","deletionVector":{"storageType":"i","pathOrInlineDv":"wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L","sizeInBytes":40,"cardinality":6}}}`))
	f.Add([]byte(`{"metaData":{"schemaString":"{}","partitionColumns":["a"],"configuration":{"a":"b"}}}`))
	f.Add([]byte(`{"protocol":{"minReaderVersion":3,"readerFeatures":["deletionVectors"]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var bad *lineError
		a, err := parseLine(line)
		if err != nil {
			require.ErrorAs(t, err, &bad)
			return
		}
		var names namesOnly
		require.NoError(t, parseInto(line, &names))
		require.Equal(t, a.Add == nil, names.Add == nil)
		if a.Add == nil {
			return
		}
		require.Equal(t, a.Add.fileName, *names.Add)
		if uri, err := resolve("/t", a.Add.Path); err == nil {
			require.NotEmpty(t, uri)
		}
		if d := a.Add.Vector; d != nil {
			if v, err := d.vector("/t"); err == nil {
				require.NotEqual(t, v.URI == "", v.Inline == nil)
				require.Equal(t, d.Size, v.Size)
			}
		}
	})
}

// FuzzLines holds that lines are those that are there, whatever their lengths.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), uint8(20))
	f.Fuzz(func(t *testing.T, text []byte, most uint8) {
		var found [][]byte
		err := splitLines(bytes.NewReader(text), int(most)+16, func(line []byte) error {
			found = append(found, bytes.Clone(line))
			return nil
		})
		var bad *lineError
		if err != nil {
			require.ErrorAs(t, err, &bad)
			return
		}
		var want [][]byte
		for _, line := range bytes.Split(text, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				want = append(want, line)
			}
		}
		require.Equal(t, want, found)
	})
}
