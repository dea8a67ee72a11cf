package iceberg_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/lake/iceberg/icebergtest"
)

// named makes metadata files of tables that differ by the name of their column, which is that of the file.
func named(t *testing.T, hint string, names ...string) string {
	t.Helper()
	m := newMaker(t)
	for _, name := range names {
		column := object{"id": 1, "name": name, "required": false, "type": "long"}
		m.Metadata(name, object{"schemas": []object{icebergtest.Schema(0, column)}, "current-snapshot-id": nil, "snapshots": []object{}})
	}
	if hint != "" {
		write(t, m.Folder, map[string]string{"metadata/version-hint.text": hint})
	}
	return m.Folder
}

func TestWhichMetadataFileCounts(t *testing.T) {
	t.Parallel()
	uuid := "-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json"
	cases := map[string]struct {
		hint  string
		files []string
		want  string // the file, or what the failure says
	}{
		"numbers, and not texts":        {"", []string{"v9.metadata.json", "v10.metadata.json"}, "v10.metadata.json"},
		"of a catalog":                  {"", []string{"00009" + uuid, "00010" + uuid}, "00010" + uuid},
		"beyond five digits":            {"", []string{"99999" + uuid, "100000" + uuid}, "100000" + uuid},
		"compressed":                    {"", []string{"v1.metadata.json", "v2.gz.metadata.json"}, "v2.gz.metadata.json"},
		"compressed early":              {"", []string{"v1.metadata.json", "v2.metadata.json.gz"}, "v2.metadata.json.gz"},
		"the hint is older":             {"1", []string{"v1.metadata.json", "v2.metadata.json"}, "v2.metadata.json"},
		"the hint is that":              {"2\n", []string{"v1.metadata.json", "v2.metadata.json"}, "v2.metadata.json"},
		"the hint is newer":             {"3", []string{"v1.metadata.json", "v2.metadata.json"}, "newest metadata file is number 3, which is missing"},
		"the hint is none":              {"soon", []string{"v1.metadata.json"}, "v1.metadata.json"},
		"none":                          {"", []string{"notes.metadata.json"}, "no Iceberg table"},
		"two, and only a catalog knows": {"", []string{"00002-a.metadata.json", "00002-b.metadata.json", "00001-c.metadata.json"}, "00002-a.metadata.json, 00002-b.metadata.json"},
		"two, and the hint knows":       {"2", []string{"00002-a.metadata.json", "v2.metadata.json"}, "v2.metadata.json"},
		"two, and the hint names one":   {"00002-b", []string{"00002-a.metadata.json", "00002-b.metadata.json"}, "00002-b.metadata.json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot, err := iceberg.Open(t.Context(), named(t, c.hint, c.files...), iceberg.Latest())
			if !strings.HasPrefix(c.want, "v") && !strings.HasPrefix(c.want, "0") && !strings.HasPrefix(c.want, "1") || strings.Contains(c.want, ", 0") {
				assert.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, snapshot.Columns[0].Name)
			assert.Equal(t, "none", snapshot.Version)
			assert.Empty(t, filesOf(t, snapshot))
		})
	}
}

func TestAMetadataFileAsThePlace(t *testing.T) {
	t.Parallel()
	folder := named(t, "", "v1.metadata.json", "v2.metadata.json")
	snapshot, err := iceberg.Open(t.Context(), folder+"/metadata/v1.metadata.json", iceberg.Latest())
	require.NoError(t, err)
	assert.Equal(t, "v1.metadata.json", snapshot.Columns[0].Name)
	assert.Equal(t, folder, snapshot.Folder)
	_, err = iceberg.Open(t.Context(), folder+"/metadata/v3.metadata.json", iceberg.Latest())
	assert.True(t, failureOf(t, err).Early)
}

func TestCompressedMetadata(t *testing.T) {
	t.Parallel()
	folder := named(t, "", "v1.metadata.json")
	raw, err := os.ReadFile(folder + "/metadata/v1.metadata.json")
	require.NoError(t, err)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err = w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, name := range []string{"v2.gz.metadata.json", "v3.metadata.json.gz", "v4.metadata.json"} {
		write(t, folder, map[string]string{"metadata/" + name: zipped.String()})
		snapshot, err := iceberg.Open(t.Context(), folder, iceberg.Latest())
		require.NoError(t, err, name)
		assert.Equal(t, "v1.metadata.json", snapshot.Columns[0].Name, name)
	}
	write(t, folder, map[string]string{"metadata/v5.metadata.json": zipped.String()[:zipped.Len()/2]})
	_, err = iceberg.Open(t.Context(), folder, iceberg.Latest())
	assert.False(t, failureOf(t, err).Early)
	assert.ErrorContains(t, err, "v5.metadata.json: decompress it")
}

// versioned is a table with snapshots, a branch and a tag: each has a schema of its own, that of its number.
func versioned(t *testing.T) string {
	t.Helper()
	m := newMaker(t)
	schemas, snapshots := []object{}, []object{}
	for i := range 4 {
		schemas = append(schemas, icebergtest.Schema(i, object{"id": 1, "name": fmt.Sprint("c", i), "required": false, "type": "long"}))
		snapshot := icebergtest.With(m.Snapshot(i, "list.avro"), object{"schema-id": i})
		if i > 0 {
			snapshot["parent-snapshot-id"] = i - 1
		}
		snapshots = append(snapshots, snapshot)
	}
	m.List("list.avro")
	at := func(i int) int { return 1700000000000 + 1000*i }
	m.Metadata("v1.metadata.json", object{
		"schemas": schemas, "current-schema-id": 3, "snapshots": snapshots[:3], "current-snapshot-id": 1,
		"snapshot-log": []object{{"timestamp-ms": at(0), "snapshot-id": 0}, {"timestamp-ms": at(1), "snapshot-id": 1}, {"timestamp-ms": at(2), "snapshot-id": 2},
			{"timestamp-ms": at(10), "snapshot-id": 1}, {"timestamp-ms": at(20), "snapshot-id": 9}},
		"refs": object{"main": object{"snapshot-id": 1, "type": "branch"}, "b": object{"snapshot-id": 2, "type": "branch"},
			"t": object{"snapshot-id": 0, "type": "tag"}, "lost": object{"snapshot-id": 9, "type": "tag"}},
	})
	return m.Folder
}

func TestVersions(t *testing.T) {
	t.Parallel()
	folder, at := versioned(t), func(i int64) iceberg.Version { return iceberg.At(time.UnixMilli(1700000000000 + i)) }
	for name, c := range map[string]struct {
		at      iceberg.Version
		version string
		column  string
	}{
		"latest":             {iceberg.Latest(), "1", "c3"},
		"main":               {iceberg.Ref("main"), "1", "c3"},
		"a branch":           {iceberg.Ref("b"), "2", "c3"},
		"a tag":              {iceberg.Ref("t"), "0", "c0"},
		"an id":              {iceberg.Snapshot(2), "2", "c2"},
		"a time":             {at(2000), "2", "c2"},
		"just before":        {at(1999), "1", "c1"},
		"before a rollback":  {at(9999), "2", "c2"},
		"after the rollback": {at(19999), "1", "c1"},
	} {
		snapshot, err := iceberg.Open(t.Context(), folder, c.at)
		require.NoError(t, err, name)
		assert.Equal(t, c.version, snapshot.Version, name)
		assert.Equal(t, c.column, snapshot.Columns[0].Name, name)
		assert.Equal(t, "append", snapshot.Operation, name)
	}
	for name, c := range map[string]struct {
		at   iceberg.Version
		want string
	}{
		"an id":          {iceberg.Snapshot(5), "no snapshot 5"},
		"a name":         {iceberg.Ref("x"), `no branch or tag "x"`},
		"a lost tag":     {iceberg.Ref("lost"), `the snapshot 9, which "lost"`},
		"too early":      {at(-1), "no version from 2023-11-14T22:13:19.999Z"},
		"an expired one": {at(20000), "was expired"},
	} {
		_, err := iceberg.Open(t.Context(), folder, c.at)
		failed := failureOf(t, err)
		assert.Contains(t, failed.Message, c.want, name)
		assert.True(t, failed.Early, name)
		assert.Contains(t, failed.Hint, "2 of 2023-11-14T22:13:22Z, 1 of", name)
		assert.Contains(t, failed.Hint, "branches and tags: b, lost, main, t", name)
	}
}

func TestTimesOfATableWithoutALog(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro")
	first, second := m.Snapshot(1, "list.avro"), icebergtest.With(m.Snapshot(2, "list.avro"), object{"parent-snapshot-id": 1})
	aside := icebergtest.With(m.Snapshot(3, "list.avro"), object{"parent-snapshot-id": 1})
	m.Metadata("v1.metadata.json", object{"snapshots": []object{first, second, aside}, "current-snapshot-id": 2})
	for millis, want := range map[int64]string{1700000001000: "1", 1700000002000: "2", 1700000009000: "2"} {
		snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.At(time.UnixMilli(millis)))
		require.NoError(t, err)
		assert.Equal(t, want, snapshot.Version)
	}
}

func TestWhatIsGoneMayBeRetried(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.Metadata("v1.metadata.json", nil)
	_, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	assert.True(t, failureOf(t, err).Retry, "%v", err)
	m.List("list.avro", m.Manifest("m.avro", data, m.Added("a.parquet", nil)))
	m.Remove("metadata/m.avro")
	assert.True(t, failureOf(t, filesError(t, m.Folder, iceberg.Latest())).Retry)
}

func TestErrorsOfOthersComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro", m.Manifest("m.avro", data, m.Added("a.parquet", nil), m.Added("b.parquet", nil)))
	m.Metadata("v1.metadata.json", nil)
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	mine := os.ErrDeadlineExceeded
	assert.Same(t, mine, snapshot.Files(t.Context(), nil, func(lake.File) error { return mine }))
	ctx, cancel := context.WithCancel(t.Context())
	assert.ErrorIs(t, snapshot.Files(ctx, nil, func(lake.File) error { cancel(); return nil }), context.Canceled)
	_, err = iceberg.Open(ctx, m.Folder, iceberg.Latest())
	assert.Equal(t, context.Canceled, err)
}

func TestTablesThatWereMoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		recorded, file string
		want           string // below the folder, or what the failure says
	}{
		"of a bucket":           {"s3://bucket/lake/t", "s3a://bucket/lake/t/data/a.parquet", "data/a.parquet"},
		"of a machine":          {"file:///old/t", "file:/old/t/data/x=a%20b/a.parquet", "data/x=a%20b/a.parquet"},
		"relative":              {"old/t/", "old/t/data/a.parquet", "data/a.parquet"},
		"on a web server":       {"file:///old/t", "https://example.com/a.parquet?s3cr3t", "a file of the table is on a web server"},
		"elsewhere":             {"file:///old/t", "file:/old/tt/a.parquet", "it was moved to there from /old/t, but has the file file:/old/tt/a.parquet"},
		"out of it":             {"file:///old/t", "file:/old/t/../secret", "is no path of a file of the table"},
		"of a bucket of others": {"gs://a/t", "gs://b/t/a.parquet", "but has the file gs://b/t/a.parquet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMaker(t)
			m.Recorded = c.recorded
			list := strings.TrimRight(c.recorded, "/") + "/metadata/"
			manifest := icebergtest.With(m.Manifest("m.avro", data, object{"data_file": object{"file_path": c.file, "partition": object{}}}),
				object{"manifest_path": list + "m.avro"})
			m.List("list.avro", manifest)
			m.Metadata("v1.metadata.json", object{"snapshots": []object{icebergtest.With(m.Snapshot(7, ""), object{"manifest-list": list + "list.avro"})}})
			snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
			require.NoError(t, err)
			if strings.Contains(c.want, " ") {
				assert.ErrorContains(t, filesError(t, m.Folder, iceberg.Latest()), c.want)
				return
			}
			files := filesOf(t, snapshot)
			require.Len(t, files, 1)
			assert.Equal(t, m.Folder+"/"+c.want, files[0].URI)
			assert.Equal(t, c.file, files[0].Path)
		})
	}
}

func TestFilesElsewhere(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	real := m.Folder
	m.Recorded = "file://" + m.Folder
	m.List("list.avro", m.Manifest("m.avro", data, object{"data_file": object{"file_path": "file:/else where/a%20b.parquet", "partition": object{}}},
		object{"data_file": object{"file_path": "s3a://bucket/b.parquet", "partition": object{}}}))
	m.Metadata("v1.metadata.json", nil)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(real, link))
	for _, folder := range []string{real, real + "/", link} {
		snapshot, err := iceberg.Open(t.Context(), folder, iceberg.Latest())
		require.NoError(t, err)
		files := filesOf(t, snapshot)
		require.Len(t, files, 2)
		assert.Equal(t, "/else where/a%20b.parquet", files[0].URI)
		assert.Equal(t, "s3://bucket/b.parquet", files[1].URI)
	}
}

func TestMetadataThatLieElsewhere(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro", m.Manifest("m.avro", data, m.Added("data/a.parquet", nil)))
	m.Metadata("v1.metadata.json", object{"properties": object{"write.metadata.path": m.Folder + "/aside/metadata"}})
	raw, err := os.ReadFile(m.Folder + "/metadata/v1.metadata.json")
	require.NoError(t, err)
	for _, place := range []string{"aside/metadata/v1.metadata.json", "other/v1.metadata.json"} {
		write(t, m.Folder, map[string]string{place: string(raw)})
		snapshot, err := iceberg.Open(t.Context(), m.Folder+"/"+place, iceberg.Latest())
		require.NoError(t, err)
		assert.Equal(t, m.Folder, snapshot.Folder)
		assert.Equal(t, m.Folder+"/data/a.parquet", filesOf(t, snapshot)[0].URI)
	}
}
