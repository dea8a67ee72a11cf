package config

import (
	"errors"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/strictyaml"
)

// TestGoldenHasEveryKey keeps the full configuration of the golden test full: it gives a
// value to every key that Config knows, with others for keys that exclude others.
func TestGoldenHasEveryKey(t *testing.T) {
	t.Parallel()
	index := regexp.MustCompile(`\[[0-9]+\]`)
	written := map[string]bool{}
	for _, name := range []string{"full", "split", "set"} {
		cfg, err := Load("testdata/config/"+name+".yaml", LoadOptions{})
		require.NoError(t, err)
		for key := range cfg.places {
			written[index.ReplaceAllString(key, "")] = true
		}
	}
	for _, key := range allKeys(reflect.TypeFor[Config](), "") {
		assert.True(t, written[key], "testdata/config/full.yaml has no value for %s", key)
	}
}

// allKeys returns the paths of all keys below a type, without the numbers of entries.
func allKeys(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !strictyaml.IsMapping(t) {
		return []string{path}
	}
	var keys []string
	for _, key := range strictyaml.KeysOf(t) {
		field, _ := strictyaml.FieldOf(t, key)
		keys = append(keys, allKeys(field.Type, strictyaml.JoinKey(path, key))...)
	}
	return keys
}

// panicking and refusing read themselves, as types of other packages do.
type panicking struct{}

func (*panicking) UnmarshalYAML(func(any) error) error {
	var none []error
	return none[len(none)]
}

type refusing struct{}

func (*refusing) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	return errors.Join(unmarshal(&text), errors.New("must not be "+text))
}

func TestDecodeForeignTypes(t *testing.T) {
	t.Parallel()
	decode := func(text string) error {
		at := strictyaml.Place{File: "x"}
		body, err := strictyaml.Parse(text, at)
		require.NoError(t, err)
		root, err := strictyaml.NewBuilder(at, strictyaml.Variables{}.Fill).Build(body)
		require.NoError(t, err)
		var target struct {
			Panics  panicking   `yaml:"panics"`
			Refuses refusing    `yaml:"refuses"`
			Odd     chan int    `yaml:"odd"`
			List    []panicking `yaml:"list"`
		}
		decoder := strictyaml.Decoder{Places: map[string]strictyaml.Place{}}
		return decoder.Decode(root, reflect.ValueOf(&target).Elem(), "")
	}
	require.EqualError(t, decode("panics: 1"), "x:1:9: panics cannot be read: runtime error: index out of range [0] with length 0")
	require.EqualError(t, decode("list: [1]"), "x:1:8: list[0] cannot be read: runtime error: index out of range [0] with length 0")
	require.EqualError(t, decode("refuses: null and void"), "x:1:10: refuses must not be null and void")
	require.EqualError(t, decode("refuses: [1]"), "x:1:10: refuses must be a single value, not a list")
	require.EqualError(t, decode("odd: 1"), "odd: values of type chan int have no form in a configuration")
}
