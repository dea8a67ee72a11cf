package lake_test

import (
	"encoding/json"
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
	old, now, theirs := lake.PartName(0, "old"), lake.PartName(0, "now"), "part-00000-spark.snappy.parquet"
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
			"replaced again and again":   {files: []string{old}, ingested: named(t, now), err: "an ingest replaces these files again and again"},
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

func named(t *testing.T, names ...string) string {
	parts := []lake.Part{}
	for _, name := range names {
		parts = append(parts, lake.Part{Name: name})
	}
	text, err := json.Marshal(lake.Ingested{Version: lake.IngestedVersion, Parts: parts})
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
