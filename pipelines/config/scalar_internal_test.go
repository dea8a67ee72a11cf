package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever columns are called, a configuration that names them is read as it was meant.
func TestNamesInAConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"plain", "two words", "a.b/c*", "Größe", "gs://b/a", "", " ", "a ", "~", "null", "yes", "1e3", "2026-01-31", "-", "- ", "a: b", "a:", "a #b", "#a",
		"*&!|>", "%a", "@a", "`a`", "'", `"`, `\`, "it's", `a"b`, "[a", "a]", "{{.}}", "a,b", "${HOME}", "$${HOME}", "a\nb: c", "\t", "a\r", "\a\x1b[31m", "\x7f",
		"\u0085", "\u009b31m", "\u2028", "\ufeffa", "\u200bz", "\u202eabc", "\U000e0041", "😀", "?", "? a", "a?", "<<", "=", "!a", "|", ">", "&a",
	} {
		written := Scalar(name)
		text := fmt.Sprintf("name: x\ntables:\n  - source: {uri: a.parquet, select: [first, %s]}\n    columns:\n      %s: {type: text}\n    rules:\n      - {column: %[1]s, not_null: true}\n", written, MapKey(name))
		path := filepath.Join(t.TempDir(), "x.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		if name == "" {
			assert.Equal(t, `""`, written)
			continue
		}
		cfg, err := Load(path, LoadOptions{})
		if !assert.NoError(t, err, written) {
			continue
		}
		table := cfg.Tables[0]
		assert.Equal(t, []string{"first", name}, table.Source.Select, written)
		assert.Contains(t, table.Columns, name, written)
		assert.Equal(t, name, table.Rules[0].Column, written)
	}
}
