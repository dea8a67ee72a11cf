package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/config/configtest"
)

// structural matches what a schema has to find: keys that there are not, values of another kind, words that are not known, and what is
// always missing.
var structural = regexp.MustCompile(`: unknown key | must be (?:a list|a mapping|text|true or false|a whole number)\b|` +
	` must be [a-z]+(?:, [a-z]+)* or [a-z]+, not "|the key (?:name|tables) is missing`)

// blindFile lists the cases by their names; UPDATE_GOLDEN=1 adds those that are not there.
const blindFile = "testdata/schema_blind.txt"

// blind are the cases of errors that the schema lets pass: only looking across keys, or into values, finds them.
var blind = sync.OnceValue(func() []string {
	text, _ := os.ReadFile(blindFile) // none are blind then, and the tests fail
	return strings.Split(strings.TrimSpace(string(text)), "\n")
})

// checkSchemaSees holds the schema against a configuration that Load refuses.
func checkSchemaSees(t *testing.T, text, message string) {
	t.Helper()
	refused := configtest.RefusedBySchema(text)
	listed := slices.Contains(blind(), t.Name())
	if os.Getenv("UPDATE_GOLDEN") != "" && refused == nil && !listed {
		file, err := os.OpenFile(blindFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		_, err = file.WriteString(t.Name() + "\n")
		require.NoError(t, errors.Join(err, file.Close()))
		listed = true
	}
	switch {
	case refused != nil:
		assert.False(t, listed, "the schema finds it, too; remove it from %s", blindFile)
	case structural.MatchString(message):
		t.Errorf("the schema lets pass what it has to find: %s", message)
	default:
		assert.True(t, listed, "the schema lets it pass; if it cannot see that, UPDATE_GOLDEN=1 adds it to %s: %s", blindFile, message)
	}
}

func TestSchemaAcceptsGoldens(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(configFolder, "*.yaml"))
	require.NoError(t, err)
	files = append(files, "../../testdata/tpch.yaml")
	require.Greater(t, len(files), 5)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, configtest.RefusedBySchema(string(text)), file)
	}
}

// Each place at which the schema says more than what kind of value it takes refuses something that Load refuses.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		good + "runner: {name: spark}\n", good + "runner: {parallelism: 0}\n", good + "runner: {parallelism: 10001}\n", good + "runner: {parallelism: many}\n",
		good + "hyperd: {telemetry: maybe}\n", good + "publish: {timeout: soon}\n", good + "publish: {chunk_bytes: 1t}\n", good + "publish: {as_job: no}\n",
		good + "output: {format_version: 1}\n", good + "refresh: {rewrite_over: -1}\n", good + "refresh: {window: {column: a}}\n",
		good + "publish: {refresh: {wait: true}}\n", good + "publish:\n", "tables: [{source: {uri: a}}]\n", "name: n\ntables: []\n", "name: n\ntables: [{}]\n",
		"name: n\ntables: [{source: {}}]\n", "name: n\ntables: [{source: {uri: []}}]\n", "name: n\ntables:\n",
		"name: n\ntables: [{source: {uri: a}, rules: [{column: a}]}]\n", "name: n\ntables: [{source: {uri: a}, checks: [{name: a}]}]\n",
		"name: n\ntables: [{source: {uri: a}, rules: [{column: a, in: []}]}]\n", "name: n\ntables: [{source: {uri: a}, repartition: {}}]\n",
		"name: n\ntables: [{source: {uri: a, select: []}}]\n", "name: n\ntables: [{source: {uri: a}, rules: [{expr: a, on_fail: later}]}]\n",
	} {
		path := filepath.Join(t.TempDir(), "x.yaml")
		writeConfig(t, path, text)
		_, err := config.Load(path, config.LoadOptions{})
		require.Error(t, err, text)
		assert.Error(t, configtest.RefusedBySchema(text), text)
	}
}
