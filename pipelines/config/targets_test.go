package config_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/config/configtest"
)

const withTargets = `name: n
x-rules: &rules [{column: a, not_null: true}]
output: {path: /o.hyper, format_version: 4}
tables:
  - {name: a, source: {uri: /a, where: "x > 1"}, rules: *rules}
  - {name: b, source: {uri: /b}}
publish: {datasource: D, project: P}
targets:
  dev:
    output: {path: /dev.hyper}
    tables: {0: {source: {uri: [/a1, /a2]}}, 2: {name: c, source: {uri: /c}}}
    publish:
  prod:
    staging: ${BUCKET:-/nowhere}/staging
    tables: [{name: only, source: {uri: /only}}]
    publish: {project: Q}
  other: {name: ${UNKNOWN}}
`

func TestTargets(t *testing.T) {
	t.Parallel()
	type picked struct {
		output, staging, project string
		tables                   []string
		uris                     []string
	}
	pick := func(cfg *config.Config) (p picked) {
		p.output, p.staging = cfg.Output.Path, cfg.Staging
		if cfg.Publish != nil {
			p.project = cfg.Publish.Project
		}
		for _, table := range cfg.Tables {
			p.tables = append(p.tables, table.Name)
			p.uris = append(p.uris, table.Source.URI...)
		}
		return p
	}
	for name, c := range map[string]struct {
		opts config.LoadOptions
		want picked
	}{
		"none": {config.LoadOptions{}, picked{"/o.hyper", "", "P", []string{"a", "b"}, []string{"/a", "/b"}}},
		"over mappings and entries": {config.LoadOptions{Target: "dev"},
			picked{"/dev.hyper", "", "", []string{"a", "b", "c"}, []string{"/a1", "/a2", "/b", "/c"}}},
		"instead of a list": {config.LoadOptions{Target: "prod"}, picked{"/o.hyper", "/nowhere/staging", "Q", []string{"only"}, []string{"/only"}}},
		"below --set": {config.LoadOptions{Target: "prod", Sets: []string{"publish.project=S"}, Vars: map[string]string{"BUCKET": "/b"}},
			picked{"/o.hyper", "/b/staging", "S", []string{"only"}, []string{"/only"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, message := loadText(t, withTargets, c.opts)
			require.Empty(t, message)
			assert.Equal(t, c.want, pick(cfg))
		})
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	writeConfig(t, path, withTargets)
	assert.NoError(t, configtest.RefusedBySchema(withTargets))
	assert.Error(t, configtest.RefusedBySchema(good+"targets: {dev: {outptu: {}}}\n"))
	file, err := config.Read(path)
	require.NoError(t, err)
	names, err := file.Targets(config.LoadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"dev", "prod", "other"}, names)
}

func TestTargetsRefuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ targets, target, message string }{
		"unknown":         {"{dev: {}, prod: {}}", "test", "--target test: the configuration has no such target; it has dev, prod"},
		"misspelt":        {"{dev: {}, prod: {}}", "pord", `--target pord: the configuration has no such target; did you mean "prod"?`},
		"no mapping":      {"dev", "", `x.yaml:3:10: targets must be a mapping from names to what is different there, not text "dev"`},
		"no mappings":     {"{dev: x, prod: [1]}", "", "x.yaml:3:16: targets.dev must be a mapping (key: value), not text \"x\"\nx.yaml:3:25: targets.prod must be a mapping (key: value), not a list"},
		"inside":          {"{dev: {targets: {}}}", "", "x.yaml:3:16: targets.dev has targets of its own; name all of them beside each other"},
		"unknown key":     {"{dev: {outptu: {}}}", "dev", `x.yaml:3:17: unknown key "outptu"; did you mean "output"?`},
		"wrong value":     {"{dev: {spool: {max_bytes: many}}}", "dev", "x.yaml:3:36: spool.max_bytes"},
		"past the end":    {"{dev: {tables: {2: {name: c}}}}", "dev", "x.yaml:3:26: tables has no entry 2; the next new one is 1"},
		"name of a table": {"{dev: {tables: {Extract: {}}}}", "dev", "x.yaml:3:26: tables is a list: write the number of an entry, such as 0, or a list that takes its place"},
		"no variable":     {"{dev: {staging: \"${X}\"}}", "dev", "x.yaml:3:26: the variable ${X} has no value; give it one with --var X=VALUE"},
		"twice":           {"{dev: {}, dev: {}}", "dev", `x.yaml:3:20: the key "dev" appears twice; the first one is on line 3`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, message := loadText(t, "name: n\ntables: [{source: {uri: /a}}]\ntargets: "+c.targets+"\n", config.LoadOptions{Target: c.target})
			if name == "wrong value" {
				assert.Contains(t, message, c.message)
				return
			}
			assert.Equal(t, c.message, message)
		})
	}
	_, message := loadText(t, good, config.LoadOptions{Target: "dev"})
	assert.Equal(t, "--target dev: the configuration has no targets", message)
}
