package storage_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

func TestFor(t *testing.T) {
	t.Parallel()
	store, err := storage.For("/a/path")
	require.NoError(t, err)
	assert.Equal(t, storage.Local{}, store)
	for _, uri := range []string{"gs://bucket/name", "s3://bucket/key", "az://container/name"} {
		store, err = storage.For(uri)
		require.NoError(t, err)
		assert.IsType(t, &storage.Objects{}, store)
		_, err = storage.For("hdfs://host/name")
		require.ErrorContains(t, err, `"hdfs" is not supported`)
		require.ErrorContains(t, err, uri, "it says what is")
	}
}

func TestSameVersion(t *testing.T) {
	t.Parallel()
	now := time.Now()
	local := storage.Info{URI: "a", Size: 1, Modified: now}
	remote := storage.Info{URI: "gs://b/a", Size: 1, Modified: now, Version: "5"}
	cases := []struct {
		name string
		a, b storage.Info
		want bool
	}{
		{"same", local, local, true},
		{"other zone", local, storage.Info{URI: "a", Size: 1, Modified: now.UTC()}, true},
		{"other name", local, storage.Info{URI: "b", Size: 1, Modified: now}, false},
		{"other size", local, storage.Info{URI: "a", Size: 2, Modified: now}, false},
		{"other time", local, storage.Info{URI: "a", Size: 1, Modified: now.Add(1)}, false},
		{"folders", storage.Info{URI: "a", Folder: true}, storage.Info{URI: "a", Folder: true}, false},
		{"same version", remote, storage.Info{URI: "gs://b/a", Version: "5"}, true},
		{"other version", remote, storage.Info{URI: "gs://b/a", Size: 1, Modified: now, Version: "6"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, c.a.SameVersion(c.b)) })
	}
}

func TestInfoTravelsAsJSON(t *testing.T) {
	t.Parallel()
	info := storage.Info{URI: "gs://b/a", Size: 1, Modified: time.Now().UTC(), Version: "1234567890123456789"}
	raw, err := json.Marshal(info)
	require.NoError(t, err)
	var back storage.Info
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.True(t, info.SameVersion(back))
	raw, err = json.Marshal(storage.Info{URI: "a"})
	require.NoError(t, err)
	assert.NotContains(t, string(raw), "generation")
}

func TestEscapeGlob(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `gs://b/a\*\?\[1]\{x\}\\y`, storage.EscapeGlob(`gs://b/a*?[1]{x}\y`))
}

func TestEscapeBrackets(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `a\[1]/\{x\}*?\[2]\\`, storage.EscapeBrackets(`a[1]/{x}*?\[2]\\`))
}

func TestSplitGlob(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string][2]string{
		"a/b/*.parquet": {"a/b", "*.parquet"}, "a/b": {"a/b", ""}, "*": {".", "*"}, "gs://bucket/a/**/b": {"gs://bucket/a", "**/b"},
		`a/\[1]/*`: {"a/[1]", "*"}, "gs://bucket/**": {"gs://bucket", "**"}, `a/b\*`: {"a/b*", ""}, "gs://bucket/a/": {"gs://bucket/a/", ""},
		"/*": {"/", "*"}, `a\\b/*`: {`a\b`, "*"}, `a\\b`: {`a\b`, ""},
	} {
		base, rest := storage.SplitGlob(glob)
		assert.Equal(t, want, [2]string{base, rest}, glob)
	}
}
