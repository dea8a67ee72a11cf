package lake_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// Of the parts of an ingest, only those are listed that belong to what was ingested; other files are what they are.
func TestPartsThatBelong(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	old, now, more, theirs := lake.PartName(0, "old"), lake.PartName(0, "now"), lake.PartName(1, "now"), "part-00000-spark.snappy.parquet"
	for place, root := range map[string]string{"local": t.TempDir(), "gs": bucket} {
		for name, c := range map[string]struct {
			files    []string
			ingested string // "" for none
			want     []string
			err      string
		}{
			"those that are named":       {files: []string{old, now, theirs}, ingested: named(t, now), want: []string{now, theirs}},
			"before the first has ended": {files: []string{now}, ingested: named(t), want: nil},
			"taken elsewhere":            {files: []string{old, now}, want: []string{now, old}},
			"no ingest at all":           {files: []string{theirs}, ingested: "{", want: []string{theirs}},
			"all are gone":               {files: []string{old}, ingested: named(t, now), err: now + " is not there: an ingest replaces these files again and again"},
			"one is gone":                {files: []string{now}, ingested: named(t, now, more), err: more + " is not there"},
			"of a later version":         {files: []string{old}, ingested: `{"version": 2}`, err: "version 2, which this hyperlake does not know"},
			"damaged":                    {files: []string{old}, ingested: "{", err: lake.IngestedFile},
		} {
			t.Run(name+", "+place, func(t *testing.T) {
				folder := storage.Join(root, name, "day=1")
				for _, file := range c.files {
					require.NoError(t, storage.Put(t.Context(), storage.Join(folder, file), []byte("x")))
				}
				if c.ingested != "" {
					require.NoError(t, storage.Put(t.Context(), storage.Join(folder, lake.IngestedFile), []byte(c.ingested)))
				}
				files, _, err := lake.Find(t.Context(), storage.Join(root, name, "**", "*.parquet"))
				if c.err != "" {
					require.ErrorContains(t, err, c.err)
					return
				}
				require.NoError(t, err)
				var got []string
				for _, file := range files {
					got = append(got, filepath.Base(file.URI))
				}
				assert.Equal(t, c.want, got)
			})
		}
	}
}

// Whoever lists a folder while an ingest puts several parts into it finds all of them, or those of before: not those alone that were
// there in time.
func TestPartsThatComeWhileTheyAreListed(t *testing.T) {
	for name, times := range map[string]int{"once": 1, "again and again": 0} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			put := func(name, content string) {
				assert.NoError(t, storage.Put(t.Context(), bucket+"/lake/"+name, []byte(content)))
			}
			put(lake.PartName(0, "old"), "x")
			put(lake.PartName(0, "run1"), "x")
			put(lake.IngestedFile, named(t, lake.PartName(0, "old")))
			runs := 0
			faults.Inject(storagetest.Fault{On: storagetest.Read, Name: lake.IngestedFile, Times: times, Before: func() {
				runs++
				run := fmt.Sprint("run", runs)
				put(lake.PartName(1, run), "x")
				put(lake.IngestedFile, namedBy(t, run, lake.PartName(0, run), lake.PartName(1, run)))
				put(lake.PartName(0, fmt.Sprint("run", runs+1)), "x")
			}})
			files, _, err := lake.Find(t.Context(), bucket+"/lake/*.parquet")
			if times == 0 {
				require.ErrorContains(t, err, "an ingest replaces these files again and again")
				return
			}
			require.NoError(t, err)
			require.Len(t, files, 2)
			assert.Equal(t, bucket+"/lake/"+lake.PartName(1, "run1"), files[1].URI)
		})
	}
}

// Some of the parts can be asked for.
func TestSomeOfTheParts(t *testing.T) {
	folder := t.TempDir()
	first, second := lake.PartName(0, "now"), lake.PartName(1, "now")
	for name, text := range map[string]string{first: "x", second: "x", lake.PartName(0, "old"): "x", lake.IngestedFile: named(t, first, second)} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	files, _, err := lake.Find(t.Context(), folder+"/ingest-00000*.parquet")
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, filepath.Join(folder, first), files[0].URI)
}

func named(t *testing.T, names ...string) string { return namedBy(t, "now", names...) }

func namedBy(t *testing.T, run string, names ...string) string {
	parts := []lake.Part{}
	for _, name := range names {
		parts = append(parts, lake.Part{Name: name})
	}
	text, err := json.Marshal(lake.Ingested{Version: lake.IngestedVersion, RunID: run, Parts: parts})
	require.NoError(t, err)
	return string(text)
}

// What an ingest leaves beside its parts is no file of the lake for anybody who lists it.
func TestIngestedFileIsHidden(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, lake.IngestedFile), []byte(named(t)), 0o600))
	files, _, err := lake.Find(t.Context(), folder+"/**/*")
	require.NoError(t, err)
	assert.Empty(t, files)
}
