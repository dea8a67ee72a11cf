package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/config/configtest"
)

// goodTables is what a configuration needs besides a name.
const goodTables = "tables: [{source: {uri: a.parquet}}]\n"

// good is a configuration to which a wrong line is added as line 3.
const good = "name: n\n" + goodTables

// loadText loads a configuration from a file of its own that is called x.yaml, and
// returns the error as the command line prints it, with the file named x.yaml.
func loadText(t *testing.T, text string, opts config.LoadOptions) (*config.Config, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.yaml")
	writeConfig(t, path, text)
	cfg, err := config.Load(path, opts)
	if err == nil {
		if len(opts.Sets)+len(opts.Flags) == 0 { // which may make a file right that is not by itself
			assert.NoError(t, configtest.RefusedBySchema(text), "what Load accepts, the schema does")
		}
		return cfg, ""
	}
	assert.Nil(t, cfg)
	return nil, strings.ReplaceAll(printed(t, err), path, "x.yaml")
}

func writeConfig(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// printed checks what every error of Load promises, and returns its messages with their hints, a line each.
func printed(t *testing.T, err error) string {
	t.Helper()
	var failed *failure.Error
	require.True(t, errors.As(err, &failed), "%T: %v", err, err)
	assert.Equal(t, failure.Config, failed.Kind)
	assert.True(t, failed.Early, "known before any data is read")
	var all []string
	for _, one := range append([]*failure.Error{failed}, failed.More...) {
		message := one.Message
		if one.Hint != "" {
			message += "; " + one.Hint
		}
		assert.NotContains(t, message, "\n")
		all = append(all, message)
	}
	return strings.Join(all, "\n")
}

type badConfig struct {
	name, text, message string
}

func testBad(t *testing.T, cases []badConfig) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, message := loadText(t, c.text, config.LoadOptions{})
			assert.Equal(t, c.message, message)
			checkSchemaSees(t, c.text, message)
		})
	}
}

func TestLoadRefusesYAML(t *testing.T) {
	t.Parallel()
	testBad(t, []badConfig{
		{"empty", "", `x.yaml: the file is empty; a configuration needs at least the keys name and tables`},
		{"comments", "# name: n\n\n", `x.yaml: the file is empty; a configuration needs at least the keys name and tables`},
		{"list", "- name: n\n", `x.yaml:1:1: a configuration is made of keys and values (name: lineitem), but this is a list; check for a missing space after a colon`},
		{"no space", "name:n\noutput:x\n", `x.yaml:1:1: a configuration is made of keys and values (name: lineitem), but this is text "name:n output:x"; check for a missing space after a colon`},
		{"null", "~\n", `x.yaml:1:1: a configuration is made of keys and values (name: lineitem), but this is empty; check for a missing space after a colon`},
		{"two documents", good + "---\nname: m\n", `x.yaml:3:1: a second document starts here; a configuration is one document`},
		{"duplicate key", good + "name: m\n", `x.yaml:3:1: the key "name" appears twice; the first one is on line 1`},
		{"duplicate key inside", good + "output:\n  path: a.hyper\n  format_version: 2\n  path: b.hyper\n", `x.yaml:6:3: the key "path" appears twice; the first one is on line 4`},
		{"tab", "name: n\noutput:\n\tpath: x\n", `x.yaml:3:1: not valid YAML: a tab in the indentation; use spaces`},
		{"colon in text", "name: n: m\n", `x.yaml:1:7: not valid YAML: a colon with a space after it does not belong here; check the indentation, or quote the text that holds it`},
		{"indentation", "name: n\n  output: x\n", `x.yaml:1:7: not valid YAML: a colon with a space after it does not belong here; check the indentation, or quote the text that holds it`},
		{"no colon", "name: n\ntables\n", `x.yaml:2:1: not valid YAML: this line is no "key: value"; check the colon, the space after it, and the indentation`},
		{"list beside keys", "tables:\n  - source: {uri: a}\n  name: n\n", `x.yaml:3:3: not valid YAML: this does not belong here; check the indentation`},
		{"list on the line", "tables: - source\n", `x.yaml:1:9: not valid YAML: a list starts on the line after its key`},
		{"open quote", "name: \"n\n", `x.yaml:1:7: not valid YAML: the quoted text has no closing "`},
		{"open single quote", "name: 'n\n", `x.yaml:1:7: not valid YAML: the quoted text has no closing '`},
		{"after quotes", "name: \"a\" b\n", `x.yaml:1:11: not valid YAML: text after the end of a value; quote the whole value`},
		{"open list", "name: n\nselect: [a, b\ntables: []\n", `x.yaml:3:1: not valid YAML: a comma or the closing ] is missing before this`},
		{"open mapping", "output: {path: x\n", `x.yaml:1:9: not valid YAML: the closing } is missing`},
		{"open mapping, more", "output: {path: x\nname: n\n", `x.yaml:2:1: not valid YAML: a comma or the closing } is missing before this`},
		{"at sign", "name: @n\n", `x.yaml:1:7: not valid YAML: text that starts with @ needs quotes`},
		{"percent", "name: %n\n", `x.yaml:1:7: not valid YAML: text that starts with % needs quotes`},
		{"star", "name: n\ntables:\n  - source:\n      uri: *.parquet\n", `x.yaml:4:12: there is no anchor &.parquet for the alias *.parquet; quote text that starts with *`},
		{"two stars", "name: n\ntables:\n  - source:\n      uri: **/*.parquet\n", "x.yaml:4:13: not valid YAML: no value can start here; quote text that starts with * & ! % @ or `"},
		{"alias to itself", "name: n\ntables: &t [*t]\n", `x.yaml:2:13: the alias *t stands inside its own anchor`},
		{"aliases of aliases", bomb(), `x.yaml:1:16: the aliases expand to more than 100000 values`},
		{"tag", "name: !!str 5\n" + goodTables, `x.yaml:1:7: tags are not supported; write the value without !!str`},
		{"merge of text", "name: n\ntables:\n  - <<: x\n", `x.yaml:3:9: "<<" merges mappings, not text "x"`},
		{"two merges", "a: &a {}\nb:\n  <<: *a\n  <<: *a\n", `x.yaml:4:3: the key "<<" appears twice; merge a list of aliases instead`},
		{"key that is no text", "*a : b\n", `x.yaml:1:1: a key must be plain text`},
		{"not UTF-8", "name: n\nstaging: caf\xe9\n", `x.yaml:2:13: not UTF-8 text; save the file as UTF-8`},
		{"UTF-16", "\xff\xfen\x00", `x.yaml:1:1: not UTF-8 text; save the file as UTF-8`},
		{"control character", "name: a\x1bb\n", `x.yaml:1:8: the character U+001B is not allowed; remove it`},
		{"a Parquet file", "PAR1\x15\x04\x15", `x.yaml:1:5: the character U+0015 is not allowed; remove it`},
		{"deep", "name: " + strings.Repeat("[", 100), `x.yaml:1:71: lists and mappings nest more than 64 deep here`},
		{"deep blocks", strings.Repeat("- ", 100), `x.yaml:1:129: lists and mappings nest more than 64 deep here`},
		{"many keys", strings.Repeat("a: 1\n", 40_000), `x.yaml:30001:2: this is too much for a configuration; is it the right file?`},
		{"many values", "a: [" + strings.Repeat("1,", 80_000) + "]", `x.yaml:1:150002: this is too much for a configuration; is it the right file?`},
		{"large", "# " + strings.Repeat("x", 1<<20), `x.yaml: the file is larger than 1 MiB; is it a configuration?`},
	})
}

// A configuration may say something of each column of a wide table.
func TestManyColumnsCanBeConfigured(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("name: n\ntables:\n  - source: {uri: x.parquet}\n    columns:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "      c%d: {rename: x%[1]d, type: text, default: none}\n", i)
	}
	cfg, problem := loadText(t, text.String(), config.LoadOptions{})
	require.Empty(t, problem)
	assert.Len(t, cfg.Tables[0].Columns, 5000)
}

// bomb is a small text that aliases expand to a million values.
func bomb() string {
	text := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i, name := range []string{"a1", "a2", "a3", "a4", "a5"} {
		before := "*a" + string(rune('0'+i))
		text += name + ": &" + name + " [" + strings.Repeat(before+",", 9) + before + "]\n"
	}
	return text
}

func TestLoadRefusesKeys(t *testing.T) {
	t.Parallel()
	source := func(text string) string { return "name: n\ntables:\n  - source:\n      " + text + "\n" }
	testBad(t, []badConfig{
		{"misspelt", "name: n\ntabels: []\n", `x.yaml:2:1: unknown key "tabels"; did you mean "tables"?`},
		{"misspelt inside", source("uri: a\n      selekt: [a]"), `x.yaml:5:7: unknown key "selekt"; did you mean "select"?`},
		{"case", good + "Output: {}\n", `x.yaml:3:1: unknown key "Output"; did you mean "output"?`},
		{"dash", good + "on-empty: fail\n", `x.yaml:3:1: unknown key "on-empty"; did you mean "on_empty"?`},
		{"rule", "name: n\ntables:\n  - source: {uri: a}\n    rules:\n      - {colum: a}\n", `x.yaml:5:10: unknown key "colum"; did you mean "column"?`},
		{"not of a rule's file", "name: n\ntables:\n  - source: {uri: a}\n    rules: [{builtin: true, column: a, finite: true}]\n", `x.yaml:4:14: unknown key "builtin"; the keys here are name, column, not_null, min, max, in, in_file, min_length, max_length, matches, finite, expr, on_fail`},
		{"hyperd", good + "hyperd: {memory: 4g}\n", `x.yaml:3:10: unknown key "memory"; the keys here are path, memory_limit, use_tcp_port, domain_socket_dir, log_dir, log_config, log_file_max_count, log_file_size_limit, default_database_version, telemetry, settings`},
		{"too high", "name: n\ntables:\n  - uri: a\n", `x.yaml:3:5: unknown key "uri"; did you mean source.uri?`},
		{"too high, two ways", good + "path: x.hyper\n", `x.yaml:3:1: unknown key "path"; did you mean output.path or spool.path or hyperd.path?`},
		{"nothing like it", good + "colour: red\n", `x.yaml:3:1: unknown key "colour"; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
		{"number", good + "7: x\n", `x.yaml:3:1: unknown key "7"; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
		{"empty key", good + "'': x\n", `x.yaml:3:1: unknown key ""; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
		{"long key", good + strings.Repeat("k", 80) + ": x\n", `x.yaml:3:1: unknown key "` + strings.Repeat("k", 60) + `"…; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
		{"variable in a key", good + "${K}: x\n", `x.yaml:3:1: unknown key "${K}"; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
		{"before a wrong type", "nam: n\ntables: 5\n", "x.yaml:1:1: unknown key \"nam\"; did you mean \"name\"?\n" +
			`x.yaml:2:9: tables must be a list, not the number 5; start each entry with "- "`},
		{"merged", "name: n\ntables:\n  - source: &s {url: a}\n  - source: {<<: *s}\n    name: m\n", `x.yaml:3:17: unknown key "url"; did you mean "uri"?`},
		{"of a later version", good + "schedule: {}\n", `x.yaml:3:1: unknown key "schedule"; the keys here are name, output, staging, state, refresh, timezone, on_empty, ingest, tables, publish, notify, metrics, report, runner, validate, spool, hyperd`},
	})
}

func TestLoadRefusesTypes(t *testing.T) {
	t.Parallel()
	rule := func(text string) string {
		return "name: n\ntables:\n  - source: {uri: a}\n    rules:\n      - {" + text + "}\n"
	}
	testBad(t, []badConfig{
		{"list for text", good + "output:\n  path: [a]\n", `x.yaml:4:9: output.path must be text, not a list`},
		{"mapping for text", good + "output:\n  path: {a: b}\n", `x.yaml:4:9: output.path must be text, not a mapping`},
		{"text for a mapping", good + "output: out/x.hyper\n", `x.yaml:3:9: output must be a mapping with the keys path, format_version, merge, not text "out/x.hyper"`},
		{"list for a mapping", good + "output:\n  - path: x\n", `x.yaml:4:3: output must be a mapping with the keys path, format_version, merge, not a list`},
		{"mapping for a list", "name: n\ntables:\n  name: x\n", `x.yaml:3:3: tables must be a list, not a mapping; start each entry with "- "`},
		{"text for a list", "name: n\ntables: x\n", `x.yaml:2:9: tables must be a list, not text "x"; start each entry with "- "`},
		{"one column", "name: n\ntables: [{source: {uri: a, select: b}}]\n", `x.yaml:2:36: tables[0].source.select must be a list, not text "b"; start each entry with "- "`},
		{"list in a list", "name: n\ntables: [{source: {uri: [a, [b]]}}]\n", `x.yaml:2:29: tables[0].source.uri[1] must be text, not a list`},
		{"mapping of globs", "name: n\ntables: [{source: {uri: {a: b}}}]\n", `x.yaml:2:25: tables[0].source.uri must be text or a list, not a mapping`},
		{"no value", good + "staging:\n", `x.yaml:3:1: staging has no value; give it one, or remove the key`},
		{"no value in a list", "name: n\ntables:\n  -\n", `x.yaml:3:3: tables[0] has no value; give it one, or remove the entry`},
		{"null column", "name: n\ntables: [{source: {uri: a, select: [a, ~]}}]\n", `x.yaml:2:40: tables[0].source.select[1] has no value; give it one, or remove the entry`},
		{"text for a number", good + "hyperd: {log_file_max_count: many}\n", `x.yaml:3:30: hyperd.log_file_max_count must be a whole number, not text "many"`},
		{"quoted number", good + "hyperd: {log_file_max_count: '3'}\n", `x.yaml:3:30: hyperd.log_file_max_count must be a whole number, not text "3"`},
		{"fraction", good + "hyperd: {log_file_max_count: 1.5}\n", `x.yaml:3:30: hyperd.log_file_max_count must be a whole number, not the number 1.5`},
		{"map of lists", good + "hyperd: {settings: {a: [1]}}\n", `x.yaml:3:24: hyperd.settings.a must be text, not a list`},
		{"text for a map", good + "hyperd: {settings: a}\n", `x.yaml:3:20: hyperd.settings must be a mapping (key: value), not text "a"`},
		{"no setting", good + "hyperd: {settings: {a: }}\n", `x.yaml:3:21: hyperd.settings.a has no value; give it one, or remove the key`},
		{"text for a boolean", rule("column: a, not_null: yes"), `x.yaml:5:31: tables[0].rules[0].not_null must be true or false, not text "yes"`},
		{"list for a literal", rule("column: a, min: [1]"), `x.yaml:5:26: tables[0].rules[0].min must be a single value, not a list`},
		{"null literal", rule("column: a, min: null"), `x.yaml:5:21: tables[0].rules[0].min has no value; give it one, or remove the key`},
		{"null in a set", rule("column: a, in: [A, null]"), `x.yaml:5:29: tables[0].rules[0].in[1] has no value; give it one, or remove the entry`},
		{"no set", rule("column: a, not_null: true, in: "), `x.yaml:5:37: tables[0].rules[0].in has no value; give it one, or remove the key`},
		{"one value for a set", rule("column: a, in: A"), `x.yaml:5:25: tables[0].rules[0].in must be a list, not text "A"; start each entry with "- "`},
	})
}

func TestLoadRefusesValues(t *testing.T) {
	t.Parallel()
	named := func(name string) string { return "name: " + name + "\n" + goodTables }
	table := func(text string) string { return "name: n\ntables: [{" + text + "}]\n" }
	source := func(text string) string { return table("source: {" + text + "}") }
	rule := func(text string) string { return table("source: {uri: a}, rules: [{" + text + "}]") }
	testBad(t, []badConfig{
		{"no name", "\n" + goodTables, `x.yaml:2:1: the key name is missing; add a line such as "name: lineitem"`},
		{"empty name", named("''"), `x.yaml:1:7: name is empty; it names the run, the report and the default output`},
		{"name with a slash", named("sales/eu"), `x.yaml:1:7: name is also the name of files, so it cannot hold '/'`},
		{"name with a colon", named("sales:eu"), `x.yaml:1:7: name is also the name of files, so it cannot hold ':'`},
		{"name with a line end", named("\"a\\nb\""), `x.yaml:1:7: name is also the name of files, so it cannot hold '\n'`},
		{"name with NUL", named("\"a\\0b\""), `x.yaml:1:7: name is also the name of files, so it cannot hold '\x00'`},
		{"name with blanks", named("' n'"), `x.yaml:1:7: name is also the name of files, so it cannot start or end with a space or a dot`},
		{"hidden name", named(".n"), `x.yaml:1:7: name is also the name of files, so it cannot start or end with a space or a dot`},
		{"reserved name", named("Aux.1"), `x.yaml:1:7: name is also the name of files, but Windows reserves "Aux.1"; take another`},
		{"long name", named(strings.Repeat("é", 101)), `x.yaml:1:7: name is 202 bytes long; at most 200 fit into the names of files`},

		{"no tables", "name: n\n", `x.yaml:1:1: the key tables is missing; it lists what to load, each with a source`},
		{"tables of comments", "name: n\ntables:\n  # - source: {uri: a}\n", `x.yaml:1:1: the key tables is missing; it lists what to load, each with a source`},
		{"empty tables", "name: n\ntables: []\n", `x.yaml:2:9: tables is an empty list; add a table with a source`},
		{"same table", "name: n\ntables:\n  - source: {uri: a}\n  - {name: b, source: {uri: b}}\n  - {name: Extract, source: {uri: c}}\n", `x.yaml:5:12: tables[0] and tables[2] are both named "Extract"."Extract"; give one another name`},
		{"empty table name", table("source: {uri: a}, name: ''"), `x.yaml:2:35: tables[0].name is empty; give it a value, or leave the key out for "Extract"`},
		{"NUL in a table name", table("source: {uri: a}, name: \"a\\0\""), `x.yaml:2:35: tables[0].name holds a NUL character, which hyperd does not take`},
		{"long table name", table("source: {uri: a}, name: " + strings.Repeat("ü", 256)), `x.yaml:2:35: tables[0].name is 256 characters long; at most 255 are accepted`},
		{"empty schema", table("source: {uri: a}, schema: ''"), `x.yaml:2:37: tables[0].schema is empty; give it a value, or leave the key out for "Extract"`},
		{"reserved schema", table("source: {uri: a}, schema: pg_catalog"), `x.yaml:2:37: tables[0].schema is "pg_catalog", which hyperd keeps for itself; take another`},

		{"no source", table("name: a"), `x.yaml:2:10: tables[0].source.uri is missing; give the Parquet files to load, such as uri: lake/*.parquet`},
		{"no uri", source("select: [a]"), `x.yaml:2:19: tables[0].source.uri is missing; give the Parquet files to load, such as uri: lake/*.parquet`},
		{"no globs", source("uri: []"), `x.yaml:2:25: tables[0].source.uri is missing; give the Parquet files to load, such as uri: lake/*.parquet`},
		{"empty glob", source("uri: ['', a]"), `x.yaml:2:26: tables[0].source.uri[0] is empty; give the Parquet files to load, such as lake/*.parquet`},
		{"broken glob", source("uri: 'lake/[a'"), `x.yaml:2:25: tables[0].source.uri is no valid glob: in "lake/[a", close every [ and {; to mean the characters themselves, write \[ and \{`},
		{"glob twice", source("uri: [a, b, a]"), `x.yaml:2:32: tables[0].source.uri names "a" twice; remove one`},
		{"no columns", source("uri: a, select: []"), `x.yaml:2:36: tables[0].source.select is an empty list; name the columns to load, or leave the key out to load all`},
		{"empty column", source("uri: a, select: ['']"), `x.yaml:2:37: tables[0].source.select[0] is empty; give the name of a column`},
		{"column twice", source("uri: a, select: [a, b, a]"), `x.yaml:2:43: tables[0].source.select names the column "a" twice; remove one`},
		{"format", source("uri: a, format: orc"), `x.yaml:2:36: tables[0].source.format must be auto, parquet, delta or iceberg, not "orc"`},
		{"version", source("uri: a, version: ' '"), `x.yaml:2:37: tables[0].source.version must be latest, a number, a time such as 2026-11-28T06:00:00Z, or the name of a branch or a tag`},
		{"catalog and uri", source("uri: a, catalog: {type: rest, uri: 'http://h', table: a.b}"), `x.yaml:2:37: tables[0].source.catalog names a table, and tables[0].source.uri names files; leave one of them out`},
		{"catalog of files", source("format: delta, catalog: {type: rest, uri: 'http://h', table: a.b}"), `x.yaml:2:28: tables[0].source.format is delta, but the tables of a catalog are Iceberg's; leave it out`},
		{"catalog without type", source("catalog: {uri: 'http://h', table: a.b}"), `x.yaml:2:29: tables[0].source.catalog.type is missing; write type: rest`},
		{"catalog of a kind", source("catalog: {type: glue, uri: 'http://h', table: a.b}"), `x.yaml:2:36: tables[0].source.catalog.type must be rest, not "glue"`},
		{"catalog without table", source("catalog: {type: rest, uri: 'http://h'}"), `x.yaml:2:29: tables[0].source.catalog.table is missing; name the table with its namespace, such as sales.orders`},
		{"catalog without address", source("catalog: {type: rest, uri: host, table: a.b}"), `x.yaml:2:29: tables[0].source.catalog.uri must be the address of the catalog, such as https://catalog.example.com/iceberg`},
		{"catalog with a secret", source("catalog: {type: rest, uri: 'https://me:secret@h', table: a.b}"), `x.yaml:2:29: tables[0].source.catalog.uri must be the address of the catalog, such as https://catalog.example.com/iceberg`},
		{"version of loose files", source("uri: a, format: parquet, version: 3"), `x.yaml:2:54: tables[0].source.version: loose files have no versions; leave it out, or read the table with format: auto`},
		{"partitions", source("uri: a, partitions: yes"), `x.yaml:2:40: tables[0].source.partitions must be auto, hive or none, not "yes"`},
		{"nested", source("uri: a, nested: text"), `x.yaml:2:36: tables[0].source.nested must be error, json or flatten, not "text"`},
		{"drift", source("uri: a, on_drift: ignore"), `x.yaml:2:38: tables[0].source.on_drift must be fail or union, not "ignore"`},
		{"empty where", source("uri: a, where: ''"), `x.yaml:2:35: tables[0].source.where is empty; write a condition such as "amount > 0", or remove the key`},
		{"empty type", table("source: {uri: a}, columns: {x: {type: ''}}"), `x.yaml:2:49: tables[0].columns.x.type is empty; give it a value, or remove the key`},
		{"default and nullable", table("source: {uri: a}, columns: {x: {default: 0, nullable: true}}"), `x.yaml:2:65: tables[0].columns.x is nullable, but its default fills every NULL; remove one of the two`},
		{"column key", table("source: {uri: a}, columns: {x: {typ: text}}"), `x.yaml:2:43: unknown key "typ"; did you mean "type"?`},

		{"rule without a column", rule(`not_null: true`), `x.yaml:2:37: tables[0].rules[0]: it names no column; add column: NAME, or write the condition as expr`},
		{"rule without a condition", rule(`column: a, not_null: false`), `x.yaml:2:37: tables[0].rules[0]: it has no condition; add not_null: true, min, max, in, in_file, min_length, max_length, matches or finite: true`},
		{"empty set", rule(`column: a, in: []`), `x.yaml:2:53: tables[0].rules[0]: in is empty, so that no value passes; list the values that do`},
		{"two sets", rule(`column: a, in: [1], in_file: f`), `x.yaml:2:67: tables[0].rules[0]: it has both in and in_file; move the values into one of them`},
		{"on_fail", rule(`column: a, min: 1, on_fail: drop`), `x.yaml:2:66: tables[0].rules[0]: on_fail is "drop"; write reject, fail or warn`},
		{"lengths", rule(`column: a, min_length: 3, max_length: 2`), `x.yaml:2:76: tables[0].rules[0]: no text has at least 3 characters and at most 2 characters`},
		{"negative length", rule(`column: a, max_length: -1`), `x.yaml:2:61: tables[0].rules[0]: max_length is -1; lengths are 0 or more characters`},
		{"pattern", rule(`column: a, matches: "(a"`), `x.yaml:2:58: tables[0].rules[0]: matches: error parsing regexp: missing closing ): ` + "`(a`" + `; write a regular expression as RE2 knows them`},
		{"empty pattern", rule(`column: a, min: 1, matches: ""`), `x.yaml:2:66: tables[0].rules[0].matches is empty; give it a value, or remove the key`},
		{"empty column of a rule", rule(`column: "", min: 1`), `x.yaml:2:46: tables[0].rules[0].column is empty; give it a value, or remove the key`},
		{"empty expression", rule(`expr: " "`), `x.yaml:2:44: tables[0].rules[0].expr is empty; give it a value, or remove the key`},
		{"expression with a column", rule(`column: a, expr: b > c`), `x.yaml:2:46: tables[0].rules[0]: expr names its columns itself; remove column`},
		{"expression with a condition", rule(`expr: b > c, max_length: 5`), `x.yaml:2:63: tables[0].rules[0]: expr stands alone; move max_length into a rule of its own`},
		{"set on a server", rule(`column: a, in_file: ftp://b/codes.txt`), `x.yaml:2:58: tables[0].rules[0].in_file: storage of the kind ftp:// is not supported; use a local path, gs://, s3:// or az://`},
		{"set at home", rule(`column: a, in_file: ~/codes.txt`), `x.yaml:2:58: tables[0].rules[0].in_file starts with ~, which only a shell expands; write the folder out`},

		{"output of another kind", good + "output: {path: out/x.csv}\n", `x.yaml:3:16: output.path must end in .hyper, or Tableau does not open the file; not "out/x.csv"`},
		{"output is a folder", good + "output: {path: out/x.hyper/}\n", `x.yaml:3:16: output.path must end in .hyper, or Tableau does not open the file; not "out/x.hyper/"`},
		{"empty output", good + "output: {path: ''}\n", `x.yaml:3:16: output.path is empty; give it a value, or leave the key out for the default`},
		{"output with a password", good + "output: {path: gs://me:secret@b/x.hyper}\n", `x.yaml:3:16: output.path: an address gs:// holds no user or password; who reads and writes there comes from the environment`},
		{"output on s3 with a password", good + "output: {path: s3://me:secret@b/x.hyper}\n", `x.yaml:3:16: output.path: an address s3:// holds no user or password; who reads and writes there comes from the environment`},
		{"output without a bucket", good + "output: {path: gs:///x.hyper}\n", `x.yaml:3:16: output.path: "gs:///x.hyper" names no bucket; write gs://BUCKET/PATH`},
		{"output with a SAS token", good + "output: {path: 'https://a.blob.core.windows.net/lake/x.hyper?sig=secret'}\n", `x.yaml:3:16: output.path: a URL of a blob has no ? and no #, nor a pattern with ?: use abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, and AZURE_STORAGE_SAS_TOKEN for what stands behind the ? of a URL with a SAS token`},
		{"output with a user", good + "output: {path: 'az://me:secret@lake/x.hyper'}\n", `x.yaml:3:16: output.path: an address az:// has no account, user or password; use az://CONTAINER/PATH or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`},
		{"staging with a password", good + "staging: abfss://c:secret@a.dfs.core.windows.net/x\n", `x.yaml:3:10: staging: an address of Azure's storage whose container has other characters than a-z, 0-9, $ and -: use abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`},
		{"staging with a SAS token", good + "staging: https://a.blob.core.windows.net/lake/s?sig=secret\n", `x.yaml:3:10: staging: a URL of a blob has no ? and no #, nor a pattern with ?: use abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, and AZURE_STORAGE_SAS_TOKEN for what stands behind the ? of a URL with a SAS token`},
		{"staging on a web server", good + "staging: https://example.com/s\n", `x.yaml:3:10: staging: "https://example.com/s" is on a web server, which is only read from; use a local path, gs://, s3:// or az://`},
		{"state on a web server", good + "state: https://example.com/s\n", `x.yaml:3:8: state: "https://example.com/s" is on a web server, which is only read from; use a local path, gs://, s3:// or az://`},
		{"output on a web server", good + "output: {path: https://Example.com:443/x.hyper}\n", `x.yaml:3:16: output.path: "https://Example.com:443/x.hyper" is on a web server, which is only read from; use a local path, gs://, s3:// or az://`},
		{"rejects on a web server", "name: n\ntables: [{source: {uri: a}, rejects: {path: https://example.com/r}}]\n", `x.yaml:2:45: tables[0].rejects.path: "https://example.com/r" is on a web server, which is only read from; use a local path, gs://, s3:// or az://`},
		{"pattern on a web server", source("uri: https://example.com/*.parquet"), `x.yaml:2:25: tables[0].source.uri: https://example.com/*.parquet: a web server lists no files, so that no pattern can be looked for: name each file (%2A, %5B, %7B stand for * [ { in a name), or use s3://, gs:// or az://`},
		{"folder on a web server", source("uri: https://example.com/lake/"), `x.yaml:2:25: tables[0].source.uri: https://example.com/lake/: this is a folder, not a file`},
		{"signature for a web server", source("uri: 'https://example.com/[a.parquet?X-Amz-Signature=secret'"), `x.yaml:2:25: tables[0].source.uri: a URL https:// has no ? and no #: a signature behind it is a secret, and a pattern needs a server that lists files; name one file, or use s3://, gs:// or az:// with credentials of the environment`},
		{"password for a web server", source("uri: https://me:secret@example.com/a.parquet"), `x.yaml:2:25: tables[0].source.uri: a URL https:// holds no user or password: no credentials are sent to web servers`},
		{"source by http", source("uri: http://me:secret@example.com/a.parquet"), `x.yaml:2:25: tables[0].source.uri: http:// is not read, for everybody on the way could change the files; use https://`},
		{"staging without an account", good + "staging: abfss://lake/s\n", `x.yaml:3:10: staging: abfss://lake/s: the account is missing: use abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`},
		{"staging on a server", good + "staging: ftp://b/s\n", `x.yaml:3:10: staging: storage of the kind ftp:// is not supported; use a local path, gs://, s3:// or az://`},
		{"source on a server", source("uri: ftp://b/*.parquet"), `x.yaml:2:25: tables[0].source.uri: storage of the kind ftp:// is not supported; use a local path, gs://, s3:// or az://`},
		{"hyperd on gs", good + "hyperd: {path: gs://b/hyperd}\n", `x.yaml:3:16: hyperd.path must be a local path, not "gs://b/hyperd"`},
		{"NUL in a path", good + "staging: \"a\\0b\"\n", `x.yaml:3:10: staging holds a NUL character, which no path can`},
		{"home", good + "hyperd: {log_dir: ~/logs}\n", `x.yaml:3:19: hyperd.log_dir starts with ~, which only a shell expands; write the folder out`},
		{"empty staging", good + "staging: ''\n", `x.yaml:3:10: staging is empty; give it a value, or leave the key out for the default`},
		{"staging is the output", good + "staging: n.hyper\n", `x.yaml:3:10: staging is the output, or inside it, but the output is a file; name another folder`},
		{"staging in the output", good + "output: {path: o.hyper}\nstaging: ../001/o.hyper/s\n", `x.yaml:4:10: staging is the output, or inside it, but the output is a file; name another folder`},

		{"format version", good + "output: {format_version: 5}\n", `x.yaml:3:26: output.format_version: format version "5" is not one of auto, 0, 2, 3, 4`},
		{"format version 1", good + "output: {format_version: 1}\n", `x.yaml:3:26: output.format_version: format version 1 is deprecated: use 0 or 2`},
		{"on_empty", good + "on_empty: ignore\n", `x.yaml:3:11: on_empty must be fail or allow, not "ignore"`},
		{"runner", good + "runner: {name: spark}\n", `x.yaml:3:16: runner.name must be direct, or its alias prism, flink or dataflow, not "spark"`},
		{"no workers", good + "runner: {parallelism: 0}\n", `x.yaml:3:23: runner.parallelism must be auto or a number of workers from 1 to 10000, not "0"`},
		{"half a worker", good + "runner: {parallelism: 0.5}\n", `x.yaml:3:23: runner.parallelism must be auto or a number of workers from 1 to 10000, not "0.5"`},
		{"too many workers", good + "runner: {parallelism: 99999999999999999999999}\n", `x.yaml:3:23: runner.parallelism must be auto or a number of workers from 1 to 10000, not "99999999999999999999999"`},
		{"memory", good + "hyperd: {memory_limit: lots}\n", `x.yaml:3:24: hyperd.memory_limit: "lots" is not accepted; accepted: auto, a size such as 4g (with the unit k, m, g or t), or a percentage such as 60%`},
		{"own key", good + "hyperd: {settings: {telemetry: on}}\n", `x.yaml:3:32: hyperd.settings.telemetry: this setting has its own key; set hyperd.telemetry instead`},
	})
}

func TestLoadRefusesFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := config.Load(filepath.Join(folder, "none.yaml"), config.LoadOptions{})
	assert.Equal(t, "there is no configuration at "+filepath.Join(folder, "none.yaml")+"; check the path; it starts at the working folder", printed(t, err))

	_, err = config.Load(folder, config.LoadOptions{})
	assert.Equal(t, folder+" is a folder, not a configuration; name the YAML file inside it", printed(t, err))

	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err = config.Load(filepath.Join(file, "x.yaml"), config.LoadOptions{})
	assert.Contains(t, printed(t, err), "read the configuration: open "+filepath.Join(file, "x.yaml")+": ")
}

func TestPublishConfigurationErrors(t *testing.T) {
	testBad(t, []badConfig{
		{"unknown key", good + "publish: {projekt: a}\n", `x.yaml:3:11: unknown key "projekt"; did you mean "project"?`},
		{"a secret in the file", good + "publish: {tab_secret_id: a}\n", `x.yaml:3:11: unknown key "tab_secret_id"; the keys here are server, site, project, project_id, create_project, datasource, ` +
			"mode, match, target, if_changed, confirm, as_job, allow_http, ca_file, chunk_bytes, payload_bytes, timeout, on_busy, " +
			"description, tags, certified, certification_note, owner, refresh"},
		{"mode", good + "publish: {mode: merge}\n", `x.yaml:3:17: publish.mode must be create, overwrite, append, replace, insert, update, upsert, delete or sync, not "merge"`},
		{"match is missing", good + "publish: {mode: delete}\n", `x.yaml:3:17: mode delete needs match; name the columns that identify a row, as in match: [id]`},
		{"match is too much", good + "publish: {mode: insert, match: [a]}\n", `x.yaml:3:32: publish.match has no meaning in mode insert; remove it, or use update, upsert or delete`},
		{"target is too much", good + "publish: {target: {name: t}}\n", `x.yaml:3:19: publish.target has no meaning in mode overwrite, which publishes all tables; remove it`},
		{"http", good + "publish: {server: \"http://example.org\"}\n", `x.yaml:3:19: publish.server: read the server's address: http is not allowed; use https://; ` +
			"only allow_http: true permits http, where everybody on the way can read the token"},
		{"chunks", good + "publish: {chunk_bytes: 65m}\n", `x.yaml:3:24: publish.chunk_bytes is 68157440, but servers take at most 67108864 (64m)`},
		{"as_job", good + "publish: {as_job: maybe}\n", `x.yaml:3:19: publish.as_job must be auto, true or false, not "maybe"`},
		{"project", good + "publish: {project: a//b}\n", `x.yaml:3:20: publish.project: project path "a//b" has an empty name; write a path such as Sales/Nightly, and \/ for a slash inside of a name`},
		{"two names of a project", good + "publish: {project: a, project_id: b}\n", "x.yaml:3:35: publish.project_id names a project that is there, " +
			"and publish.project has no meaning beside it; remove one of them"},
		{"a project to make by its id", good + "publish: {create_project: true, project_id: b}\n", "x.yaml:3:45: publish.project_id names a project " +
			"that is there, and publish.create_project has no meaning beside it; remove one of them"},
		{"busy", good + "publish: {on_busy: panic}\n", `x.yaml:3:20: publish.on_busy must be wait, skip or fail, not "panic"`},
		{"description", good + "publish: {description: ''}\n", `x.yaml:3:24: publish.description is empty; give it a value, or remove the key`},
		{"tag", good + "publish: {tags: [a, ' b']}\n", `x.yaml:3:21: publish.tags[1] is empty, or has blanks around it; write the tag alone`},
		{"tag in quotes", good + "publish: {tags: ['\"a\"']}\n", `x.yaml:3:18: publish.tags[0] has a quotation mark, which Tableau has no tag with; leave it out`},
		{"tag twice", good + "publish: {tags: [a, A]}\n", `x.yaml:3:21: publish.tags names "A" twice; remove one`},
		{"note alone", good + "publish: {certification_note: by us}\n", `x.yaml:3:31: publish.certification_note belongs to certified: true; add that, or remove it`},
		{"note of none", good + "publish: {certified: false, certification_note: by us}\n", `x.yaml:3:49: publish.certification_note belongs to certified: true; add that, or remove it`},
		{"refresh of nothing", good + "publish: {refresh: {wait: true}}\n", `x.yaml:3:20: publish.refresh names nothing; list workbooks, flows or tasks, or remove it`},
		{"workbook", good + "publish: {refresh: {workbooks: [a//b]}}\n", `x.yaml:3:33: publish.refresh.workbooks[0] is no name; write one, or a path such as Sales/Nightly/Orders, and \/ for a slash inside of a name`},
		{"flow twice", good + "publish: {refresh: {flows: [a, a]}}\n", `x.yaml:3:32: publish.refresh.flows names "a" twice; remove one`},
		{"task", good + "publish: {refresh: {tasks: [a/b]}}\n", `x.yaml:3:29: publish.refresh.tasks[0] is no id of a task; it looks like 1f4b3a52-…`},
		{"empty", good + "publish:\n", `x.yaml:3:1: publish has no value; give it one, or remove the key`},
		{
			"split", "name: n\ntables: [{source: {uri: a.parquet}, repartition: {split_by: k}}]\npublish: {mode: create}\n",
			"x.yaml:2:61: tables[0].repartition.split_by makes several extracts, but publish sends one; leave publish out, and publish each file with `hyperlake publish FILE`",
		},
		{
			"two tables in one update", "name: n\ntables: [{name: a, source: {uri: a.parquet}}, {name: b, source: {uri: a.parquet}}]\npublish: {mode: insert}\n",
			`x.yaml:3:17: mode insert changes one table, but 2 tables go to the data source "n"; give each a datasource of its own, or use mode overwrite`,
		},
	})
}

func TestLoadRefusesRepartition(t *testing.T) {
	t.Parallel()
	const table = "name: n\ntables:\n  - source: {uri: a.parquet}\n"
	at := func(settings string) string { return table + "    repartition: " + settings + "\n" }
	testBad(t, []badConfig{
		{"empty", at("{}"), `x.yaml:4:18: tables[0].repartition is empty; give it by, range, split_by, shards or sort, or remove it`},
		{"unknown key", at("{shard: 3}"), `x.yaml:4:19: unknown key "shard"; did you mean "shards"?`},
		{"two ways", at("{by: [a], range: b, shards: 2}"), `x.yaml:4:18: tables[0].repartition has by and range, which exclude each other; keep one of them`},
		{"range and split", at("{split_by: a, range: b}"), `x.yaml:4:18: tables[0].repartition has range and split_by, which exclude each other; keep one of them`},
		{"split and shards", at("{split_by: a, shards: 2}"), `x.yaml:4:40: tables[0].repartition.shards has no meaning with split_by, which makes an extract for each value; remove it`},
		{"no shards", at("{shards: 0}"), `x.yaml:4:27: tables[0].repartition.shards must be from 1 to 10000, not 0`},
		{"too many shards", at("{shards: 10001}"), `x.yaml:4:27: tables[0].repartition.shards must be from 1 to 10000, not 10001`},
		{"by alone", at("{by: [a]}"), `x.yaml:4:18: tables[0].repartition.by needs shards, the number of shards to make; add it, as in shards: 8`},
		{"sorted otherwise", at("{range: a, sort: [b, a]}"), `x.yaml:4:36: tables[0].repartition.sort begins with "b", but the range is that of "a"; begin with the same column, or leave range out`},
		{"twice", at("{sort: [a, a]}"), `x.yaml:4:29: tables[0].repartition.sort names the column "a" twice; remove one`},
		{"no columns", at("{by: [], shards: 2}"), `x.yaml:4:23: tables[0].repartition.by is an empty list; name columns, or remove the key`},
		{"empty column", at("{sort: [a, '']}"), `x.yaml:4:29: tables[0].repartition.sort[1] is empty; give the name of a column`},
		{"empty range", at("{range: ''}"), `x.yaml:4:26: tables[0].repartition.range is empty; give the name of a column, or remove the key`},
		{"two tables", at("{split_by: a}") + "  - {name: b, source: {uri: b.parquet}}\n", `x.yaml:4:29: tables[0].repartition.split_by makes an extract for each value, which can hold no other table; give the other tables a configuration of their own`},
		{"compared", at("{split_by: a}") + "    checks: [{compare_previous: {max_change: 0.3}}]\n", `x.yaml:5:33: tables[0].checks[0].compare_previous cannot be held against several extracts; remove it, or tables[0].repartition.split_by`},
		{"compared with history", at("{split_by: a}") + "    checks: [{row_count: {vs_history: 2, max_deviation: 4}}]\n", `x.yaml:5:39: tables[0].checks[0].row_count.vs_history cannot be held against several extracts; remove it, or tables[0].repartition.split_by`},
	})
}

func TestLoadRefusesMerge(t *testing.T) {
	t.Parallel()
	const table = "name: n\noutput: {merge: none}\ntables:\n  - source: {uri: a.parquet}\n"
	testBad(t, []badConfig{
		{"unknown", good + "output: {merge: never}\n", `x.yaml:3:17: output.merge must be auto or none, not "never"`},
		{"checks", table + "    checks: [{row_count: {min: 1}}]\n",
			`x.yaml:5:13: tables[0].checks look at a whole table, but with output.merge: none no file holds one; remove the checks, or merge`},
		{"split", table + "    repartition: {split_by: a}\n",
			`x.yaml:5:29: tables[0].repartition.split_by makes an extract for each value, and output.merge: none one for each partial; keep one of them`},
		{"sort alone", table + "    repartition: {sort: [a]}\n",
			`x.yaml:5:25: tables[0].repartition.sort alone sorts when partials are merged, which output.merge: none leaves out; ` +
				`add range, with the same column, for files that follow one another, or shards for files that are each sorted`},
		{"two tables", table + "  - {name: b, source: {uri: b.parquet}}\npublish: {}\n",
			`x.yaml:2:17: with output.merge: none, publish sends the first file and appends the others, and rows can be appended to one table only; ` +
				`give the other tables a configuration of their own, or merge`},
		{"append", table + "publish: {mode: append}\n",
			`x.yaml:5:17: mode append cannot send several files, which output.merge: none makes; use create, overwrite or replace, or merge`},
		{"if changed", table + "publish: {if_changed: true}\n",
			`x.yaml:5:23: publish.if_changed compares whole extracts, but output.merge: none makes several files; remove it, or merge`},
	})
}

func TestLoadRefusesBounds(t *testing.T) {
	t.Parallel()
	const table = "name: n\ntables:\n  - source: {uri: a.parquet}\n"
	at := func(rows string) string { return table + "    checks: [{row_count: " + rows + "}]\n" }
	testBad(t, []badConfig{
		{"no bound", at("{}"), `x.yaml:4:26: tables[0].checks[0].row_count has no bound; give it min, max or vs_history`},
		{"no number", at("{min: 2, max: 1}"), `x.yaml:4:26: tables[0].checks[0].row_count: no number is at least 2 and at most 1`},
		{"no runs", at("{vs_history: 0, max_deviation: 4}"), `x.yaml:4:39: tables[0].checks[0].row_count.vs_history is a number of runs, from 1 to 1000`},
		{"too many runs", at("{vs_history: 1001, max_deviation: 4}"), `x.yaml:4:39: tables[0].checks[0].row_count.vs_history is a number of runs, from 1 to 1000`},
		{"no deviation", at("{vs_history: 14}"), `x.yaml:4:26: tables[0].checks[0].row_count.vs_history needs max_deviation, a number above 0; give it one, such as 4`},
		{"none allowed", at("{vs_history: 14, max_deviation: 0}"), `x.yaml:4:26: tables[0].checks[0].row_count.vs_history needs max_deviation, a number above 0; give it one, such as 4`},
		{"no history", at("{min: 1, max_deviation: 4}"), `x.yaml:4:26: tables[0].checks[0].row_count.max_deviation is about vs_history; give that a number of runs, such as 14`},
		{"unknown word", table + "    checks: [{unique: [a], on_fail: reject}]\n", `x.yaml:4:37: tables[0].checks[0].on_fail must be fail or warn, not "reject"`},
		{"no threshold", table + "    rejects: {on_fail: warn}\n", `x.yaml:4:24: tables[0].rejects.on_fail is about max_rows and max_ratio, of which there is none; give it one, or remove it`},
	})
}

// All that is wrong is told at once, and nothing that only follows from it.
func TestLoadTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	testBad(t, []badConfig{
		{
			"everywhere", `name: a/b
on_empty: no
timezone: Mars
staging: ${WHERE}/s
output: {path: x.txt, format_version: 7, merge: never}
tables:
  - source: {uri: [a, a, "b["], where: ' '}
    name: ''
    columns: {c: {type: ''}, d: {rename: '', default: 1, nullable: true}}
    rules:
      - {column: c, matches: "(", min_length: -1, on_fail: later}
      - {colum: c}
    checks: [{sql: x, unique: [a]}, {row_count: {}}, {}]
    rejects: {max_rows: -1, max_ratio: 2}
publish: {mode: merge, match: [a], server: 'http://x', tags: ['', a, A], allow_http: maybe}
spool: {max_bytes: much}
staging: twice
`, `x.yaml:1:7: name is also the name of files, so it cannot hold '/'
x.yaml:2:11: on_empty must be fail or allow, not "no"
x.yaml:3:11: timezone: there is no time zone "Mars"; give its IANA name, such as Europe/Berlin or UTC
x.yaml:4:10: the variable ${WHERE} has no value; give it one with --var WHERE=VALUE
x.yaml:5:16: output.path must end in .hyper, or Tableau does not open the file; not "x.txt"
x.yaml:5:39: output.format_version: format version "7" is not one of auto, 0, 2, 3, 4
x.yaml:5:49: output.merge must be auto or none, not "never"
x.yaml:7:23: tables[0].source.uri names "a" twice; remove one
x.yaml:7:26: tables[0].source.uri[2] is no valid glob: in "b[", close every [ and {; to mean the characters themselves, write \[ and \{
x.yaml:7:40: tables[0].source.where is empty; write a condition such as "amount > 0", or remove the key
x.yaml:8:11: tables[0].name is empty; give it a value, or leave the key out for "Extract"
x.yaml:9:25: tables[0].columns.c.type is empty; give it a value, or remove the key
x.yaml:9:42: tables[0].columns.d.rename is empty; give it a value, or remove the key
x.yaml:9:68: tables[0].columns.d is nullable, but its default fills every NULL; remove one of the two
x.yaml:11:30: tables[0].rules[0]: matches: error parsing regexp: missing closing ): ` + "`(`" + `; write a regular expression as RE2 knows them
x.yaml:11:47: tables[0].rules[0]: min_length is -1; lengths are 0 or more characters
x.yaml:11:60: tables[0].rules[0]: on_fail is "later"; write reject, fail or warn
x.yaml:12:10: unknown key "colum"; did you mean "column"?
x.yaml:13:14: tables[0].checks[0] is sql and unique; a check is one of sql, unique, row_count, foreign_keys: true, freshness and compare_previous
x.yaml:13:49: tables[0].checks[1].row_count has no bound; give it min, max or vs_history
x.yaml:13:54: tables[0].checks[2] is none of the kinds of checks; a check is one of sql, unique, row_count, foreign_keys: true, freshness and compare_previous
x.yaml:14:25: tables[0].rejects.max_rows is negative; 0 allows no rejects
x.yaml:14:40: tables[0].rejects.max_ratio is a part of all rows, at most 1; write 0.01 for 1 %
x.yaml:15:17: publish.mode must be create, overwrite, append, replace, insert, update, upsert, delete or sync, not "merge"
x.yaml:15:63: publish.tags[0] is empty, or has blanks around it; write the tag alone
x.yaml:15:70: publish.tags names "A" twice; remove one
x.yaml:15:86: publish.allow_http must be true or false, not text "maybe"
x.yaml:16:20: spool.max_bytes: "much" is no size; accepted: auto, or a size such as 2g (with the unit k, m, g or t), of 64m or more
x.yaml:17:1: the key "staging" appears twice; the first one is on line 4`,
		},
		{
			"what follows", `naem: n
tabels: []
runner: {name: [flink]}
output: {merg: none}
`, `x.yaml:1:1: unknown key "naem"; did you mean "name"?
x.yaml:2:1: unknown key "tabels"; did you mean "tables"?
x.yaml:3:16: runner.name must be text, not a list
x.yaml:4:10: unknown key "merg"; did you mean "merge"?`,
		},
	})
}

// A configuration may be somebody else's: its SQL reads the extract and nothing else.
func TestLoadRefusesSQL(t *testing.T) {
	t.Parallel()
	const hint = "; write one query of the extract alone, whose one value is true where all is well"
	for sql, message := range map[string]string{
		`drop table "Extract"."orders"`:                                                      "a query begins with SELECT or WITH, but this begins with drop",
		"copy (select true) to 'made'":                                                       "a query begins with SELECT or WITH, but this begins with copy",
		`create database "made"`:                                                             "a query begins with SELECT or WITH, but this begins with create",
		`/* select */ attach database "made" as "a"`:                                         "a query begins with SELECT or WITH, but this begins with attach",
		"select true; copy (select 1) to 'made'":                                             "there are several statements where one query is expected",
		"select a from external('secret', format => 'csv')":                                  "the query calls external(…), which reads other files",
		"with x as (select * from \"external\" /* */ ('secret')) select count(*) > 0 from x": `the query calls "external"(…), which reads other files`,
		"select (true": "a ( is not closed",
	} {
		_, problem := loadText(t, fmt.Sprintf("name: n\ntables: [{source: {uri: a.parquet}, checks: [{sql: %q}]}]\n", sql), config.LoadOptions{})
		assert.Equal(t, "x.yaml:2:52: tables[0].checks[0].sql: "+message+hint, problem, sql)
	}
}

func TestLoadRefusesForeignKeys(t *testing.T) {
	t.Parallel()
	keys := func(key string) string {
		return "name: n\ntables:\n  - {name: a, source: {uri: a.parquet}, primary_key: [id]}\n  - {name: a, schema: s, source: {uri: a.parquet}}\n" +
			"  - {name: orders, source: {uri: b.parquet}, foreign_keys: [{" + key + "}]}\n"
	}
	testBad(t, []badConfig{
		{"no such table", keys("columns: [x], references: order, to: [id]"), `x.yaml:5:88: tables[2].foreign_keys[0].references: 0 tables of this extract are named "order"; did you mean "orders"?`},
		{"two tables", keys("columns: [x], references: a, to: [id]"), `x.yaml:5:88: tables[2].foreign_keys[0].references: 2 tables of this extract are named "a"; write SCHEMA.NAME of a table in this configuration`},
		{"more columns", keys("columns: [x, y], references: s.a, to: [id]"), `x.yaml:5:61: tables[2].foreign_keys[0] has 2 columns, but refers to 1; name as many columns under to as under columns`},
		{"no columns", keys("columns: [], references: s.a, to: []"), `x.yaml:5:61: tables[2].foreign_keys[0] has 0 columns, but refers to 0; name as many columns under to as under columns`},
	})
}

// What needs no columns is said of conditions, types and constants without the lake.
func TestLoadRefusesWhatNoLakeMakesRight(t *testing.T) {
	t.Parallel()
	const before = "name: n\ntables:\n  - source: {uri: a.parquet}\n    "
	column := func(text string) string { return before + "columns: {c: {" + text + "}}\n" }
	testBad(t, []badConfig{
		{"where", "name: n\ntables: [{source: {uri: a, where: \"a.startWith('x')\"}}]\n", `x.yaml:2:35: tables[0].source.where: character 12: there is no function startWith; did you mean startsWith?`},
		{"expr", before + "rules: [{expr: 'a in []'}]\n", `x.yaml:4:20: tables[0].rules[0].expr: character 6: the list is empty, so that no row is in it; list the values that are, or leave the condition out`},
		{"type", column("type: integr"), `x.yaml:4:25: tables[0].columns.c: hyperd has no type "integr"; did you mean integer?`},
		{"format", column("type: date, format: '%Q'"), `x.yaml:4:39: tables[0].columns.c: column "c": format "%Q": %Q is not known; write it like %Y-%m-%d %H:%M:%S.%f`},
		{"timezone", column("type: timestamptz, timezone: Mars"), `x.yaml:4:48: tables[0].columns.c: column "c": there is no time zone "Mars"; give its IANA name, such as Europe/Berlin or UTC`},
		{"default", column("type: date, default: 31.1.2026"), `x.yaml:4:40: tables[0].columns.c: column "c": the default "31.1.2026" does not convert to DATE; write it as the text of a DATE value`},
	})
}
