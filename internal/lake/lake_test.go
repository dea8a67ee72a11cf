package lake_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
)

func TestFind(t *testing.T) {
	cases := map[string]struct {
		files   []string
		pattern string
		want    []string
	}{
		"delta":                     {[]string{"t/_delta_log/00000000000000000000.json", "t/a"}, "t/*", []string{"t (Delta Lake)"}},
		"iceberg by a catalog":      {[]string{"t/metadata/00001-b2.metadata.json", "t/data/a"}, "t/data/*", []string{"t (Iceberg)"}},
		"iceberg, compressed":       {[]string{"t/metadata/v1.gz.metadata.json", "t/data/a"}, "t/**", []string{"t (Iceberg)"}},
		"iceberg, compressed early": {[]string{"t/metadata/v1.metadata.json.gz", "t/data/a"}, "t/**", []string{"t (Iceberg)"}},
		"iceberg by a hint":         {[]string{"t/metadata/version-hint.text", "t/data/a"}, "t/data/a", []string{"t (Iceberg)"}},
		"hudi":                      {[]string{"t/.hoodie/hoodie.properties", "t/k=1/a"}, "t/k=1/*", []string{"t (Hudi)"}},
		"two formats":               {[]string{"t/_delta_log/0.json", "t/metadata/v1.metadata.json", "t/a"}, "t/*", []string{"t (Delta Lake and Iceberg)"}},
		"two tables":                {[]string{"t/_delta_log/0.json", "t/a", "s/.hoodie/x", "s/a", "u/.hoodie/x"}, "**/a", []string{"s (Hudi)", "t (Delta Lake)"}},
		"loose":                     {[]string{"t/metadata/a", "t/metadata/notes.json", "t/delta_log/0.json", "t/_delta_log.parquet"}, "t/**", nil},
		"a partition of Hudi":       {[]string{"k=1/.hoodie_partition_metadata", "k=1/a"}, "k=1/*", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for _, file := range c.files {
				path := filepath.Join(folder, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, nil, 0o600))
			}
			_, tables, err := lake.Find(t.Context(), filepath.Join(folder, c.pattern))
			require.NoError(t, err)
			var got []string
			for _, table := range tables {
				name, err := filepath.Rel(folder, table.String())
				require.NoError(t, err)
				got = append(got, name)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFindThroughLinks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, file := range []string{"t/_delta_log/0.json", "t/day=1/a"} {
		path := filepath.Join(folder, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "lake"), 0o755))
	require.NoError(t, os.Symlink("../t/day=1", filepath.Join(folder, "lake", "latest")))
	require.NoError(t, os.Symlink("../t/day=1/a", filepath.Join(folder, "lake", "file")))
	for _, pattern := range []string{"lake/**/a", "lake/latest/*", "lake/file", "lake/f*"} {
		_, tables, err := lake.Find(t.Context(), filepath.Join(folder, pattern))
		require.NoError(t, err)
		require.Len(t, tables, 1, pattern)
		real, err := filepath.EvalSymlinks(filepath.Join(folder, "t"))
		require.NoError(t, err)
		assert.Equal(t, real, tables[0].Folder)
	}
}

func TestAround(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, file := range []string{"t/_delta_log/0.json", "t/day=1/a.parquet", "deep/u/.hoodie/x", "loose/a.parquet"} {
		path := filepath.Join(folder, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	for pattern, want := range map[string]string{
		"t": "t (Delta Lake)", "t/": "t (Delta Lake)", "t/*.parquet": "t (Delta Lake)", "t/**": "t (Delta Lake)",
		"t/day=1/*.parquet": "t (Delta Lake)", "t/day=1/a.parquet": "t (Delta Lake)", "t/day=*/a": "t (Delta Lake)",
		"t/missing/**": "t (Delta Lake)",
		"**/*.parquet": "", "deep/**": "", "loose/*": "", "loose/a.parquet": "", "gone/*": "",
	} {
		tables, err := lake.Around(t.Context(), filepath.Join(folder, pattern))
		require.NoError(t, err, pattern)
		if want == "" {
			assert.Empty(t, tables, pattern)
			continue
		}
		require.Len(t, tables, 1, pattern)
		name, err := filepath.Rel(folder, tables[0].String())
		require.NoError(t, err)
		assert.Equal(t, want, name, pattern)
	}
}
