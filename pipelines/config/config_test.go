package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

const configFolder = "testdata/config"

// TestLoadGolden compares whole configurations with what they resolve to, which stands
// beside them as JSON with FOLDER for the folder of the configuration. UPDATE_GOLDEN=1
// writes the JSON anew.
func TestLoadGolden(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]config.LoadOptions{
		"minimal": {},
		"full":    {},
		"aliases": {},
		"split":   {},
		"set":     {},
		"text":    {},
		"variables": {Vars: map[string]string{
			"YEAR": "2026", "REGION": "eu: [1]", "COLUMN": "a # b", "STRICT": "true", "COUNT": "7", "UNUSED": "x",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Load(filepath.Join(configFolder, name+".yaml"), opts)
			require.NoError(t, err)
			got, err := json.MarshalIndent(cfg, "", "  ")
			require.NoError(t, err)
			folder, err := filepath.Abs(configFolder)
			require.NoError(t, err)
			text := strings.ReplaceAll(string(got), filepath.Dir(folder), "FOLDER/..") + "\n"
			text = strings.ReplaceAll(text, "FOLDER/../config/", "FOLDER/")
			golden := filepath.Join(configFolder, name+".json")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
		})
	}
}

// TestLoadLineEnds reads the same configuration as other systems write it.
func TestLoadLineEnds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(configFolder, "full.yaml"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "full.yaml")
	load := func(text string) *config.Config {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		cfg, err := config.Load(path, config.LoadOptions{Date: "2026-11-28"})
		require.NoError(t, err)
		return cfg
	}
	want := load(string(text))
	assert.Equal(t, want, load("\ufeff"+string(text)), "with a byte order mark")
	assert.Equal(t, want, load(strings.ReplaceAll(string(text), "\n", "\r\n")), "with CR LF")
	assert.Equal(t, want, load(strings.TrimSuffix(string(text), "\n")), "without a last line end")
}

// TestLoadPaths reads a configuration from another working folder.
func TestLoadPaths(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	conf, working := filepath.Join(root, "conf [v1] {a}*"), filepath.Join(root, "work")
	require.NoError(t, os.MkdirAll(conf, 0o755))
	require.NoError(t, os.MkdirAll(working, 0o755))
	text := "name: x\ntables: [{source: {uri: [lake/*.parquet, ../more/a.parquet, /abs/*.parquet]}}]\n" +
		"hyperd: {log_dir: logs}\nstaging: ${S}\n"
	require.NoError(t, os.WriteFile(filepath.Join(conf, "x.yaml"), []byte(text), 0o644))
	t.Chdir(working)

	relative, err := filepath.Rel(working, filepath.Join(conf, "x.yaml"))
	require.NoError(t, err)
	for _, path := range []string{relative, filepath.Join(conf, "x.yaml")} {
		cfg, err := config.Load(path, config.LoadOptions{
			Vars: map[string]string{"S": "staging"},
			Sets: []string{"hyperd.path=bin/hyperd", "hyperd.domain_socket_dir=/tmp/s", "tables.0.source.uri[3]=mine/*.parquet"},
		})
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(conf, "x.hyper"), cfg.Output.Path, "the default stands beside the configuration")
		assert.Equal(t, filepath.Join(conf, "staging"), cfg.Staging, "a variable fills the file")
		assert.Equal(t, filepath.Join(conf, "logs"), cfg.Hyperd.LogDir)
		assert.Equal(t, filepath.Join(working, "bin", "hyperd"), cfg.Hyperd.Path, "the command line starts at the working folder")
		assert.Equal(t, "/tmp/s", cfg.Hyperd.DomainSocketDir)
		assert.Equal(t, config.Globs{
			root + `/conf \[v1] \{a\}\*/lake/*.parquet`,
			root + `/more/a.parquet`,
			`/abs/*.parquet`,
			working + `/mine/*.parquet`,
		}, cfg.Tables[0].Source.URI, "the folder is escaped, what the user wrote is not")
	}

	cfg, err := config.Load(relative, config.LoadOptions{
		Vars: map[string]string{"S": "s"},
		Sets: []string{"output.path=out/y.hyper", "tables.0.source.uri=*.parquet"},
	})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(working, "out", "y.hyper"), cfg.Output.Path)
	assert.Equal(t, config.Globs{working + "/*.parquet"}, cfg.Tables[0].Source.URI)
}

func TestWhere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(configFolder, "full.yaml")
	cfg, err := config.Load(path, config.LoadOptions{Sets: []string{"tables[1].schema=x"}, Runner: "prism"})
	require.NoError(t, err)
	assert.Equal(t, path+":15:28", cfg.Where("tables[0].source.select[1]"))
	assert.Equal(t, path+":25:9", cfg.Where("tables[0].rules[0]"))
	assert.Equal(t, path+":49:5", cfg.Where("tables[1].rules[3].column"), "not written: the place around it")
	assert.Equal(t, path+":2:1", cfg.Where("nothing.like.this"))
	assert.Equal(t, "--set tables[1].schema", cfg.Where("tables[1].schema"))
	assert.Equal(t, "--runner", cfg.Where("runner.name"))
	assert.Empty(t, new(config.Config).Where("name"))
}
