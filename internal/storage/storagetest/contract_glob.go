package storagetest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

func testGlob(t *testing.T, f folder) {
	for _, name := range []string{
		"a.parquet", "b.parquet", "c.txt", "_hidden.parquet", ".hidden.parquet",
		"year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet", "year=2026/_temporary/z.parquet",
		".git/q.parquet", "odd [1]/p.parquet", "_odd [1]/r.parquet", "_SUCCESS",
	} {
		f.put(t, name, []byte(name))
	}
	cases := []struct {
		pattern string
		want    []string
	}{
		{"*.parquet", []string{"a.parquet", "b.parquet"}},
		{"a.parquet", []string{"a.parquet"}},
		{"a.parque", nil},
		{"missing.parquet", nil},
		{"missing/*.parquet", nil},
		{"**/*.parquet", []string{"a.parquet", "b.parquet", "odd [1]/p.parquet", "year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet"}},
		{"year=*/**/*.parquet", []string{"year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet"}},
		{"year=*/m=?/[!x].parquet", []string{"year=2026/m=2/y.parquet"}},
		{"year=2026/m=1/**", []string{"year=2026/m=1/x.parquet"}},
		{"{a,b}.parquet", []string{"a.parquet", "b.parquet"}},
		{"{a.parquet,year=2026/m=1/*}", []string{"a.parquet", "year=2026/m=1/x.parquet"}},
		{"[ab].parquet", []string{"a.parquet", "b.parquet"}},
		{`odd \[1\]/*.parquet`, []string{"odd [1]/p.parquet"}},
		{"_hidden.parquet", []string{"_hidden.parquet"}},
		{".git/*.parquet", []string{".git/q.parquet"}},
		{`_odd \[1\]/*`, []string{"_odd [1]/r.parquet"}},
		{"year=*/_temporary/*", []string{"year=2026/_temporary/z.parquet"}},
		{"year=2026", nil}, // a folder is no file
	}
	for _, c := range cases {
		t.Run(c.pattern, func(t *testing.T) { assert.Equal(t, c.want, f.glob(t, c.pattern)) })
	}
	found, err := f.Glob(t.Context(), f.uri("year=2026/m=1/*"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.EqualValues(t, len("year=2026/m=1/x.parquet"), found[0].Size)
}

// Marks count at, above and below the part of a pattern that is none, and nowhere else.
func testSearch(t *testing.T, f folder) {
	for _, name := range []string{
		"lake/t/_log/0.json", "lake/t/a.parquet", "lake/t/day=1/b.parquet", "lake/t/_log/c.parquet",
		"lake/loose/metadata/readme", "lake/loose/a.parquet", "lake/i/metadata/v1.meta.json", "lake/i/metadata/v2.meta.json",
		"lake/i/data/k=1/a.parquet", "lake/my_log/x/a.parquet", "lake/deep/er/_log/0", "other/a.parquet", "other/_log2/0.json",
	} {
		f.put(t, name, []byte(name))
	}
	const folderMark, fileMark = "_log/", "metadata/*.meta.json"
	table := []string{"lake/t " + folderMark}
	iceberg := []string{"lake/i " + fileMark}
	cases := []struct {
		pattern string
		want    []string
	}{
		{"lake/t", table},
		{"lake/t/*.parquet", table},
		{"lake/t/a.parquet", table},
		{"lake/t/**/*.parquet", table},
		{"lake/t/day=1/*.parquet", table},
		{"lake/t/day=*/*.parquet", table},
		{"lake/t/nothing/*.parquet", table},
		{"lake/t/_log/*.parquet", table},
		{"lake/i/data/**", iceberg},
		{"lake/i/data/k=1/a.parquet", iceberg},
		{"lake/{i,loose}/**/*.parquet", iceberg},
		{"lake/[it]/**/*.parquet", append(iceberg, table...)},
		{"lake/**/*.parquet", append(iceberg, table...)},
		{"**/*.parquet", append(iceberg, table...)},
		{"lake/loose/**/*.parquet", nil},
		{"lake/my_log/**", nil},
		{"lake/*.parquet", nil},
		{"lake/**/d.parquet", nil},
		{"other/**", nil},
		{"missing/*.parquet", nil},
	}
	for _, c := range cases {
		t.Run(c.pattern, func(t *testing.T) {
			files, marks, err := f.Search(t.Context(), f.uri(c.pattern), []string{folderMark, fileMark, "metadata/version"})
			require.NoError(t, err)
			assert.Equal(t, f.glob(t, c.pattern), f.names(t, files))
			var got []string
			for _, mark := range marks {
				name, _ := strings.CutPrefix(filepath.ToSlash(mark.Folder), filepath.ToSlash(f.root)+"/")
				got = append(got, name+" "+mark.Name)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// What Glob leaves out is listed, too.
func testFoldersAndList(t *testing.T, f folder) {
	for _, name := range []string{
		"run/a", "run/b/c", "run/b/.hidden", "run/_SUCCESS", "run-2/a", "run.txt", ".hidden/deep/a", "_odd [1]/x", "z/a",
	} {
		f.put(t, name, []byte(name))
	}
	cases := []struct {
		folder  string
		folders []string
		files   []string
	}{
		{"run", []string{"b"}, []string{"run/_SUCCESS", "run/a", "run/b/.hidden", "run/b/c"}},
		{"run/", []string{"b"}, []string{"run/_SUCCESS", "run/a", "run/b/.hidden", "run/b/c"}},
		{".hidden", []string{"deep"}, []string{".hidden/deep/a"}},
		{"_odd [1]", nil, []string{"_odd [1]/x"}},
		{"ru", nil, nil},
		{"missing", nil, nil},
		{"missing/too", nil, nil},
	}
	for _, c := range cases {
		t.Run(c.folder, func(t *testing.T) {
			folders, err := f.Folders(t.Context(), f.uri(c.folder))
			require.NoError(t, err)
			assert.Equal(t, c.folders, folders)
			files, err := f.List(t.Context(), f.uri(c.folder))
			require.NoError(t, err)
			assert.ElementsMatch(t, c.files, f.names(t, files))
		})
	}
	folders, err := f.Folders(t.Context(), f.root)
	require.NoError(t, err)
	assert.Equal(t, []string{".hidden", "_odd [1]", "run", "run-2", "z"}, folders)

	listed, err := f.List(t.Context(), f.uri("z"))
	require.NoError(t, err)
	require.Len(t, listed, 1)
	described, err := f.Stat(t.Context(), f.uri("z/a"))
	require.NoError(t, err)
	assert.True(t, described.SameVersion(listed[0]), "listed: %+v, described: %+v", listed[0], described)
}

func testMalformedGlob(t *testing.T, f folder) {
	for _, pattern := range []string{"[a.parquet", "{a,b.parquet", "x/[]/y"} {
		_, err := f.Glob(t.Context(), f.uri(pattern))
		require.ErrorContains(t, err, "malformed", pattern)
		require.ErrorContains(t, err, pattern)
	}
}

// Names that need care in a URL, in a glob, or in text.
func testOddNames(t *testing.T, f folder) {
	names := []string{
		"a b.parquet", "a#b.parquet", "a?b.parquet", "a%b.parquet", "a%20b.parquet", "a+b.parquet", "a[1].parquet",
		"a{b,c}.parquet", "a*b.parquet", "a'\"b.parquet", "a&b=c;d.parquet", "a:b@c.parquet", "line\nbreak.parquet",
		"číslo ✓/数据.parquet", "day=2026-01-31 00%3A00%3A00/é.parquet", "~.parquet",
	}
	for _, name := range names {
		info := f.put(t, name, []byte(name))
		data, err := f.Get(t.Context(), info.URI)
		require.NoError(t, err, name)
		assert.Equal(t, name, string(data))
	}
	for _, name := range names {
		pattern := storage.EscapeGlob(f.uri(name))
		found, err := f.Glob(t.Context(), pattern)
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		assert.Equal(t, f.uri(name), found[0].URI)
	}
	slices.Sort(names)
	assert.Equal(t, names, f.glob(t, "**/*.parquet"))
	for _, name := range names {
		require.NoError(t, f.RemoveAll(t.Context(), f.uri(name)), name)
	}
	assert.Empty(t, f.glob(t, "**"))
}
