package delta_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/delta"
	"hyperlake/transforms/parquetread"
)

// lines are the lines of a file of a log.
func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestReplay(t *testing.T) {
	t.Parallel()
	v0, v1, v2 := vectorOf(1), vectorOf(50), vectorOf(99)
	compacted := "00000000000000000001.00000000000000000003.compacted.json"
	cases := map[string]struct {
		log  map[string]string
		want []string
	}{
		"an empty table": {map[string]string{commit(0): first}, []string{}},
		"added and removed": {
			map[string]string{commit(0): lines(first, addOf("a"), addOf("b")), commit(1): lines(removeOf("a"), addOf("c"))},
			[]string{"b", "c"},
		},
		"removed and added again": {
			map[string]string{commit(0): lines(first, addOf("a")), commit(1): removeOf("a"), commit(2): addOf("a")},
			[]string{"a"},
		},
		"added twice": {
			map[string]string{commit(0): lines(first, addOf("a")), commit(1): addOf("a"), commit(2): lines(addOf("a"), addOf("a"))},
			[]string{"a"},
		},
		"removed before it was added": {map[string]string{commit(0): lines(first, removeOf("a")), commit(1): addOf("a")}, []string{"a"}},
		"paths of one file": {
			map[string]string{commit(0): lines(first, addOf("a%20b"), addOf("%61")), commit(1): lines(removeOf("a b"), removeOf("a"))},
			[]string{},
		},
		"absolute paths of one file": {
			map[string]string{
				commit(0): lines(first, addOf("/some/a%20b"), addOf("file:///some/c"), addOf("file:/some/p@%23h")),
				commit(1): lines(removeOf("file:/some/a%20b"), removeOf("/some/c"), removeOf("file:///some/p@%23h")),
			},
			[]string{},
		},
		"encoded paths": {
			map[string]string{commit(0): lines(first, addOf("p=a%2520b/x%20y.parquet"), addOf("100%25"), addOf("a+b"), addOf("%C3%BC"), addOf("k=1:2/a:/b"))},
			[]string{"100%", "a+b", "k=1:2/a:/b", "p=a%20b/x y.parquet", "ü"},
		},
		"a vector that is replaced": {
			map[string]string{
				commit(0): lines(first, addOf("a"), addOf("b")),
				commit(1): lines(removeOf("a"), withVector("add", "a", v0)),
				commit(2): lines(withVector("add", "a", v1), withVector("remove", "a", v0)),
			},
			[]string{"a -6@50", "b"},
		},
		"a vector that was there before": {
			map[string]string{
				commit(0): lines(first, withVector("add", "a", v0)),
				commit(1): lines(withVector("remove", "a", v0), withVector("add", "a", v1)),
				commit(2): lines(withVector("remove", "a", v1), withVector("add", "a", v0)),
			},
			[]string{"a -6@1"},
		},
		"a vector that goes": {
			map[string]string{
				commit(0): lines(first, withVector("add", "a", v2)),
				commit(1): lines(withVector("remove", "a", v2), addOf("a")),
			},
			[]string{"a"},
		},
		"all that is not known": {
			map[string]string{commit(0): lines(first, `{"cdc":{"path":"x"}}`, `{"txn":{"appId":"a","version":1}}`, `{"new":[1]}`, `{}`, "", addOf("a"))},
			[]string{"a"},
		},
		"lines with all actions": {
			map[string]string{commit(0): lines(first, `{"commitInfo":null,"add":{"path":"a","deletionVector":null,"stats":null,"partitionValues":{}},"remove":null,"metaData":null,"protocol":null}`)},
			[]string{"a"},
		},
		"a hint that lies": {
			map[string]string{commit(0): lines(first, addOf("a")), "_last_checkpoint": `{"version":7,"size":3}`, commit(1): addOf("b")},
			[]string{"a", "b"},
		},
		"a hint that is damaged": {map[string]string{commit(0): lines(first, addOf("a")), "_last_checkpoint": `{"ver`}, []string{"a"}},
		"files that are none of the log": {
			map[string]string{
				commit(0): lines(first, addOf("a")), "1.json": "x", "00000000000000000001.json.tmp": "x", "00000000000000000001.crc": "x",
				"00000000000000000002.checkpoint.json": "x", "99999999999999999999.json": "x", "_staged_commits/" + commit(1): "x",
				"00000000000000000005.00000000000000000004.compacted.json": "x",
			},
			[]string{"a"},
		},
		"compacted commits": {
			map[string]string{
				commit(0): lines(first, addOf("a"), addOf("b")), commit(1): addOf("c"), commit(2): removeOf("a"), commit(3): lines(removeOf("c"), addOf("d")),
				commit(4): addOf("e"), compacted: lines(removeOf("a"), removeOf("c"), addOf("d"), addOf("from the compacted ones")),
			},
			[]string{"b", "d", "e", "from the compacted ones"},
		},
		"compacted commits that others reach into": {
			map[string]string{
				commit(0): first, commit(1): addOf("a"), commit(2): addOf("b"), commit(3): addOf("c"), commit(4): removeOf("b"), compacted: lines(addOf("a"), addOf("b"), addOf("c")),
				"00000000000000000002.00000000000000000004.compacted.json": lines(addOf("c"), removeOf("b"), addOf("unused")),
				"00000000000000000004.00000000000000000009.compacted.json": addOf("from later on"),
				"00000000000000000001.00000000000000000002.compacted.json": addOf("of the shorter one"),
			},
			[]string{"a", "c"},
		},
		"compacted commits that contradict themselves": {
			map[string]string{
				commit(0): first, commit(1): addOf("a"), commit(2): removeOf("a"), commit(3): addOf("b"), compacted: lines(removeOf("a"), addOf("a"), addOf("b")),
			},
			[]string{"b"},
		},
		"compacted commits with a file twice": {
			map[string]string{
				commit(0): first, commit(1): withVector("add", "a", v0), commit(2): lines(withVector("remove", "a", v0), withVector("add", "a", v1)), commit(3): addOf("b"),
				compacted: lines(withVector("add", "a", v1), withVector("add", "a", v0), addOf("b")),
			},
			[]string{"a -6@50", "b"},
		},
		"compacted commits that are cut off": {
			map[string]string{commit(0): first, commit(1): addOf("a"), commit(2): removeOf("a"), commit(3): addOf("b"), compacted: `{"add`},
			[]string{"b"},
		},
		"commits that only the compacted ones have": {
			map[string]string{commit(0): first, commit(4): addOf("e"), compacted: addOf("a")},
			[]string{"a", "e"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := tableOf(t, c.log)
			_, found, err := openAt(t, folder, delta.Latest())
			require.NoError(t, err)
			assert.Equal(t, c.want, found)
		})
	}
}

func TestDamagedLogs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		log  map[string]string
		want string
	}{
		"a gap":                      {map[string]string{commit(0): first, commit(2): addOf("a")}, "the commit 00000000000000000001.json is missing"},
		"an empty commit":            {map[string]string{commit(0): first, commit(1): "\n"}, commit(1) + ": it is empty"},
		"a commit that is cut off":   {map[string]string{commit(0): first, commit(1): lines(addOf("a")) + addOf("b")[:20]}, commit(1) + ": line 2: it is cut off"},
		"a line that is no object":   {map[string]string{commit(0): lines(first, "null")}, "line 3: it is no JSON object"},
		"zeros":                      {map[string]string{commit(0): lines(first) + "\x00\x00"}, "line 3: it is no JSON object"},
		"another type":               {map[string]string{commit(0): lines(first, `{"add":{"path":1}}`)}, "line 3: it is cut off or damaged"},
		"a path that is not encoded": {map[string]string{commit(0): lines(first, addOf("100%"))}, `line 3: "100%" is no path`},
		"no path":                    {map[string]string{commit(0): lines(first, `{"remove":{}}`)}, `"" is no path`},
		"added and removed at once": {
			map[string]string{commit(0): lines(first, addOf("a")), commit(1): lines(removeOf("a"), addOf("a"))},
			`line 2: "a" is both added and removed`,
		},
		"two vectors at once": {
			map[string]string{commit(0): lines(first, addOf("a")), commit(1): withVector("add", "a", vectorOf(1))},
			"/a is in the table twice, with different deleted rows",
		},
		"two vectors in one commit": {
			map[string]string{commit(0): lines(first, withVector("add", "a", vectorOf(1)), withVector("add", "a", vectorOf(2)))},
			`"a" is added twice in one commit, with different deleted rows`,
		},
		"compacted commits without the commits": {
			map[string]string{commit(0): first, "00000000000000000001.00000000000000000002.compacted.json": "x", commit(3): addOf("a")}, "compacted.json: line 1",
		},
		"no protocol":     {map[string]string{commit(0): metadataOf(oneColumn, "", "")}, "a protocol"},
		"no metadata":     {map[string]string{commit(0): plain}, "the metadata"},
		"a negative size": {map[string]string{commit(0): lines(first, `{"add":{"path":"a","size":-1}}`)}, "/a: it has -1 bytes"},
		"no such vector":  {map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"x","sizeInBytes":1}`))}, `"x", which is not known`},
		"a short vector":  {map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"u","pathOrInlineDv":"ab","sizeInBytes":1}`))}, "too short"},
		"a vector in the log that is no Z85": {
			map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"i","pathOrInlineDv":"##093","sizeInBytes":4,"cardinality":1}`))}, "no group of Z85",
		},
		"a vector in the log of another size": {
			map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"i","pathOrInlineDv":"HelloWorld","sizeInBytes":4,"cardinality":1}`))}, "has 8 bytes, not 4",
		},
		"a vector by a relative path": {
			map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"p","pathOrInlineDv":"v.bin","sizeInBytes":4,"cardinality":1}`))}, "is not absolute",
		},
		"a vector of no bytes": {
			map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"i","sizeInBytes":0,"cardinality":1}`))}, "0 bytes with 1 rows",
		},
		"a vector by no UUID": {
			map[string]string{commit(0): lines(first, withVector("add", "a", `{"storageType":"u","pathOrInlineDv":"~~~~~~~~~~~~~~~~~~~~","sizeInBytes":4,"cardinality":1}`))}, "no character of Z85",
		},
		"more deleted rows":  {map[string]string{commit(0): lines(first, `{"add":{"path":"a","stats":"{\"numRecords\":5}","deletionVector":`+vectorOf(1)+`}}`)}, "6 of its 5 rows are deleted"},
		"reader version 0":   {map[string]string{commit(0): lines(`{"protocol":{}}`, metadataOf(oneColumn, "", ""))}, "reader version 0"},
		"features without":   {map[string]string{commit(0): lines(`{"protocol":{"minReaderVersion":3}}`, metadataOf(oneColumn, "", ""))}, "no list of reader features"},
		"a damaged schema":   {map[string]string{commit(0): lines(plain, metadataOf(`{`, "", ""))}, "its schema is damaged"},
		"a strange property": {map[string]string{commit(0): lines(plain, metadataOf(oneColumn, "", `"delta.enableInCommitTimestamps":"true","delta.inCommitTimestampEnablementVersion":"x"`))}, `version "x"`},
		"no commit time":     {map[string]string{commit(0): lines(plain, metadataOf(oneColumn, "", `"delta.enableInCommitTimestamps":"true"`))}, "inCommitTimestamp"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := openAt(t, tableOf(t, c.log), delta.Latest())
			failed := failureOf(t, err)
			assert.Contains(t, failed.Message, "the log of the Delta table is damaged")
			assert.Contains(t, failed.Message, c.want)
			assert.False(t, failed.Early, "a damaged log is exit code 1")
			assert.False(t, failed.Retry)
			assert.NotEmpty(t, failed.Hint)
		})
	}
}

func TestDamageBehindTheVersionDoesNotMatter(t *testing.T) {
	t.Parallel()
	folder := tableOf(t, map[string]string{commit(0): lines(first, addOf("a")), commit(1): addOf("b"), commit(2): "", commit(4): "x"})
	for version, want := range map[int64][]string{0: {"a"}, 1: {"a", "b"}} {
		snapshot, found, err := openAt(t, folder, delta.Number(version))
		require.NoError(t, err)
		assert.Equal(t, want, found)
		assert.Len(t, snapshot.Version, 1)
	}
}

func TestVersionsThatAreNotThere(t *testing.T) {
	t.Parallel()
	folder := tableOf(t, map[string]string{commit(0): first, commit(1): addOf("a"), commit(3): addOf("b")})
	for _, version := range []int64{-1, 4, 1 << 62} {
		_, _, err := openAt(t, folder, delta.Number(version))
		failed := failureOf(t, err)
		assert.Contains(t, failed.Message, "has no version")
		assert.Equal(t, "versions that can be read: 0 to 1", failed.Hint)
		assert.True(t, failed.Early)
	}
	_, _, err := openAt(t, tableOf(t, map[string]string{commit(5): addOf("a"), commit(6): addOf("a")}), delta.Latest())
	failed := failureOf(t, err)
	assert.Contains(t, failed.Message, "version 6")
	assert.Contains(t, failed.Message, "cannot be made any more")
	assert.Equal(t, "versions that can be read: none", failed.Hint)
	assert.True(t, failed.Early)

	_, _, err = openAt(t, t.TempDir(), delta.Latest())
	failed = failureOf(t, err)
	assert.Contains(t, failed.Message, "is no Delta table")
	assert.True(t, failed.Early)
}

func TestTheOrderIsTheSame(t *testing.T) {
	t.Parallel()
	folder := tableOf(t, map[string]string{commit(0): lines(first, addOf("z"), addOf("b")), commit(1): lines(addOf("a"), removeOf("b")), commit(2): addOf("c")})
	snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
	require.NoError(t, err)
	for range 3 {
		var found []string
		for _, file := range filesOf(t, snapshot) {
			found = append(found, file.URI[len(folder)+1:])
		}
		assert.Equal(t, []string{"z", "a", "c"}, found)
	}
}
