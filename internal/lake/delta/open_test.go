package delta_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/transforms/parquetread"
)

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	features := func(names string) string {
		return fmt.Sprintf(`{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[%s],"writerFeatures":["rowTracking"]}}`, names)
	}
	variant := `{"type":"struct","fields":[{"name":"v","type":"variant","nullable":true,"metadata":{}}]}`
	cases := map[string]struct{ protocol, metadata, want string }{
		"a newer version": {`{"protocol":{"minReaderVersion":4,"minWriterVersion":7}}`, metadataOf(oneColumn, "", ""), "it needs reader version 4"},
		"a feature":       {features(`"deletionVectors","catalogManaged"`), metadataOf(oneColumn, "", ""), `the reader feature "catalogManaged" is not implemented`},
		"several":         {features(`"x","variantType"`), metadataOf(oneColumn, "", ""), "the reader features x, variantType are not implemented"},
		"a mapping":       {features(`"columnMapping"`), metadataOf(oneColumn, "", `"delta.columnMapping.mode":"new"`), `the mode "new" of column mapping`},
		"a type":          {plain, metadataOf(variant, "", ""), `column "v": the type "variant" is not implemented`},
		"a format":        {plain, `{"metaData":{"format":{"provider":"orc"},"schemaString":"{}"}}`, `the format "orc"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := openAt(t, tableOf(t, map[string]string{commit(0): lines(c.protocol, c.metadata)}), delta.Latest())
			failed := failureOf(t, err)
			assert.Contains(t, failed.Message, c.want)
			assert.True(t, failed.Early)
			assert.NotEmpty(t, failed.Hint)
		})
	}
}

func TestFeaturesThatAreKnown(t *testing.T) {
	t.Parallel()
	protocol := `{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["columnMapping","deletionVectors","timestampNtz",` +
		`"typeWidening","typeWidening-preview","v2Checkpoint","vacuumProtocolCheck"],"writerFeatures":["inCommitTimestamp","clustering","what comes"]}}`
	snapshot, _, err := openAt(t, tableOf(t, map[string]string{commit(0): lines(protocol, metadataOf(oneColumn, "", ""))}), delta.Latest())
	require.NoError(t, err)
	assert.Equal(t, lake.ByName, snapshot.Mapping)
}

func TestMappingOfTablesThatCannotHaveOne(t *testing.T) {
	t.Parallel()
	mapped := metadataOf(oneColumn, "", `"delta.columnMapping.mode":"id"`)
	snapshot, _, err := openAt(t, tableOf(t, map[string]string{commit(0): lines(plain, mapped)}), delta.Latest())
	require.NoError(t, err)
	assert.Equal(t, lake.ByName, snapshot.Mapping)
	assert.Equal(t, "id", snapshot.Columns[0].Stored)
}

func TestTheLatestMetadataCounts(t *testing.T) {
	t.Parallel()
	other := `{"type":"struct","fields":[{"name":"other","type":"string","nullable":false,"metadata":{}}]}`
	folder := tableOf(t, map[string]string{
		commit(0): first, commit(1): lines(`{"commitInfo":{"operation":"REPLACE","timestamp":1}}`, metadataOf(other, "", "")), commit(2): addOf("a"),
	})
	snapshot, _, err := openAt(t, folder, delta.Latest())
	require.NoError(t, err)
	assert.Equal(t, "other", snapshot.Columns[0].Name)
	assert.Empty(t, snapshot.Operation)
	snapshot, _, err = openAt(t, folder, delta.Number(1))
	require.NoError(t, err)
	assert.Equal(t, "REPLACE", snapshot.Operation)
	snapshot, _, err = openAt(t, folder, delta.Number(0))
	require.NoError(t, err)
	assert.Equal(t, "id", snapshot.Columns[0].Name)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "of another table")
	folder := tableOf(t, map[string]string{commit(0): lines(
		first, addOf("file:"+filepath.Dir(other)+"/of%20another%20table"), addOf("file://"+other+"2"), addOf("file://localhost"+other+"3"), addOf(other+"4"),
		addOf("gs://bucket/a%20b"), addOf("s3a://bucket/c%25d"), addOf("../beside"),
		withVector("add", "x", `{"storageType":"p","pathOrInlineDv":"file:///v%20v/d.bin","offset":1,"sizeInBytes":40,"cardinality":1}`),
		withVector("add", "y", vectorOf(1)),
		withVector("add", "z", `{"storageType":"u","pathOrInlineDv":"^-aqEH.-t@S}K{vb[*k^","offset":1,"sizeInBytes":40,"cardinality":1}`),
	)})
	snapshot, err := delta.Open(t.Context(), folder+"/", delta.Latest(), parquetread.ReadColumns)
	require.NoError(t, err)
	var uris, vectors []string
	for _, file := range filesOf(t, snapshot) {
		uris = append(uris, file.URI)
		if file.Deletes != nil {
			vectors = append(vectors, file.Deletes.URI)
		}
	}
	assert.Equal(t, []string{
		other, other + "2", other + "3", other + "4", "gs://bucket/a b", "s3://bucket/c%d", folder + "/../beside", folder + "/x", folder + "/y", folder + "/z",
	}, uris)
	assert.Equal(t, []string{
		"/v v/d.bin", folder + "/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin", folder + "/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
	}, vectors)
}

func TestTablesInBuckets(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := bucket + "/a [table]"
	for name, text := range map[string]string{
		commit(0): lines(first, addOf("a%20b"), addOf("c")), commit(1): removeOf("c"),
	} {
		require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "_delta_log", name), []byte(text)))
	}
	snapshot, found, err := openAt(t, folder, delta.Latest())
	require.NoError(t, err)
	assert.Equal(t, []string{"a b"}, found)
	assert.WithinDuration(t, time.Now(), snapshot.Time, time.Minute)

	for _, path := range []string{"file:///etc/passwd", "/etc/passwd"} {
		require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "_delta_log", commit(2)), []byte(addOf(path))))
		_, _, err = openAt(t, folder, delta.Latest())
		assert.Contains(t, failureOf(t, err).Message, "is a file of the machine that wrote the table")
	}
	require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "_delta_log", commit(2)), []byte(addOf("https://example.com/a?sig=s3cr3t"))))
	_, _, err = openAt(t, folder, delta.Latest())
	assert.Contains(t, failureOf(t, err).Message, "on a web server, from which no table is read")
	assert.NotContains(t, err.Error(), "s3cr3t")
}

// TestOneListing holds that the log is listed, not asked for file by file, and that no more of it is read than is needed.
func TestOneListing(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := bucket + "/t"
	for version := range 30 {
		text := addOf(fmt.Sprint(version))
		if version == 0 {
			text = lines(first, text)
		}
		require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "_delta_log", commit(version)), []byte(text)))
	}
	lists, reads := faults.Count(storagetest.List), faults.Count(storagetest.Read)
	_, found, err := openAt(t, folder, delta.Number(2))
	require.NoError(t, err)
	assert.Len(t, found, 3)
	assert.Equal(t, 1, faults.Count(storagetest.List)-lists)
	assert.Equal(t, 3, faults.Count(storagetest.Read)-reads, "each commit is read once")
}

// TestAGapIsLookedAtTwice holds that a gap is believed only when a second listing has it, too.
func TestAGapIsLookedAtTwice(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	for version, text := range map[int]string{0: lines(first, addOf("a")), 2: addOf("b")} {
		require.NoError(t, storage.Put(t.Context(), storage.Join(bucket, "t", "_delta_log", commit(version)), []byte(text)))
	}
	before := faults.Count(storagetest.List)
	_, _, err := openAt(t, bucket+"/t", delta.Latest())
	assert.Contains(t, failureOf(t, err).Message, commit(1)+" is missing")
	assert.Equal(t, 2, faults.Count(storagetest.List)-before)
}

func TestAFolderOfLinks(t *testing.T) {
	t.Parallel()
	folder := tableOf(t, map[string]string{commit(0): lines(first, addOf("a"))})
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(folder, link))
	_, found, err := openAt(t, link, delta.Latest())
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, found)
}

func TestErrorsOfEmitAndOfTheContext(t *testing.T) {
	t.Parallel()
	folder := tableOf(t, map[string]string{commit(0): lines(first, addOf("a"), addOf("b"))})
	snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
	require.NoError(t, err)
	enough, seen := errors.New("enough"), 0
	err = snapshot.Files(t.Context(), nil, func(lake.File) error { seen++; return enough })
	assert.Same(t, enough, err)
	assert.Equal(t, 1, seen)

	ctx, cancel := context.WithCancel(t.Context())
	err = snapshot.Files(ctx, nil, func(lake.File) error { cancel(); return nil })
	assert.Equal(t, context.Canceled, err)
	_, err = delta.Open(ctx, folder, delta.Latest(), parquetread.ReadColumns)
	assert.Equal(t, context.Canceled, err)
}

func TestALogThatIsCleanedUpMeanwhile(t *testing.T) {
	t.Parallel()
	whole := checkpointOf(t, protocolRow, metadataRow, addRow("a"))
	large := lines(first, addOf("a")) + strings.Repeat("\n", 2<<20)
	for name, log := range map[string]map[string]string{classic: {classic: whole}, commit(0): {commit(0): large}} {
		folder := tableOf(t, log)
		snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
		require.NoError(t, err)
		assert.Len(t, filesOf(t, snapshot), 1)
		require.NoError(t, os.Remove(filepath.Join(folder, "_delta_log", name)))
		failed := failureOf(t, snapshot.Files(t.Context(), nil, func(lake.File) error { return nil }))
		assert.True(t, failed.Retry)
		assert.Contains(t, failed.Message, name)
	}
}
