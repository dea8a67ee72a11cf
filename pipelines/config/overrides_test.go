package config_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/runners/options"
)

// overridden has a value of every kind to override.
const overridden = `name: n
output: {format_version: 2}
staging: /s
tables:
  - &first
    name: a
    source: {uri: /a/*.parquet, select: [x, y]}
    rules: [{column: x, min: 1}]
  - <<: *first
    name: b
hyperd: {log_file_max_count: 3, settings: {a_b: "1"}}
`

// picked is a part of a configuration as JSON.
func picked(t *testing.T, cfg *config.Config, pick func(*config.Config) any) string {
	t.Helper()
	text, err := json.Marshal(pick(cfg))
	require.NoError(t, err)
	return string(text)
}

func TestSet(t *testing.T) {
	t.Parallel()
	type loaded = *config.Config
	for name, c := range map[string]struct {
		sets []string
		pick func(loaded) any
		want string
	}{
		"text":                 {[]string{"name=m"}, func(c loaded) any { return c.Name }, `"m"`},
		"the later wins":       {[]string{"name=m", "name=o"}, func(c loaded) any { return c.Name }, `"o"`},
		"number for text":      {[]string{"name=1.10"}, func(c loaded) any { return c.Name }, `"1.10"`},
		"text with a comment":  {[]string{"name=sales #5"}, func(c loaded) any { return c.Name }, `"sales #5"`},
		"quoted text":          {[]string{`tables.0.name="a: \u00e9"`}, func(c loaded) any { return c.Tables[0].Name }, `"a: é"`},
		"text with a colon":    {[]string{"tables.0.name=a: b"}, func(c loaded) any { return c.Tables[0].Name }, `"a: b"`},
		"text that is no YAML": {[]string{"tables.0.name=[a"}, func(c loaded) any { return c.Tables[0].Name }, `"[a"`},
		"an equals sign":       {[]string{"tables.0.name=a=b"}, func(c loaded) any { return c.Tables[0].Name }, `"a=b"`},
		"a variable":           {[]string{"tables.0.name=${X}"}, func(c loaded) any { return c.Tables[0].Name }, `"${X}"`},
		"dots":                 {[]string{"tables.1.name=c"}, func(c loaded) any { return c.Tables[1].Name }, `"c"`},
		"brackets":             {[]string{"tables[1].source.select[0]=z"}, func(c loaded) any { return c.Tables[1].Source.Select }, `["z","y"]`},
		"not the alias": {[]string{"tables[1].source.select[0]=z", "tables.1.rules.0.min=7"},
			func(c loaded) any { return []any{c.Tables[0].Source.Select, c.Tables[0].Rules[0].Min.Text} }, `[["x","y"],"1"]`},
		"append an entry": {[]string{"tables[0].source.select[2]=z"}, func(c loaded) any { return c.Tables[0].Source.Select }, `["x","y","z"]`},
		"append a table": {[]string{"tables.2.name=c", "tables.2.source.uri=/c"},
			func(c loaded) any { return c.Tables[2] },
			`{"Name":"c","Schema":"Extract","Source":{"URI":["/c"],"Format":"auto","Version":"","Catalog":null,"Partitions":"auto","Select":null,"Nested":"error","Where":"","OnDrift":"fail"},"Columns":null,"Rules":null,"Rejects":{"Path":"","MaxRows":null,"MaxRatio":null},"Checks":null,"PrimaryKey":null,"ForeignKeys":null,"Datasource":""}`},
		"a list":             {[]string{"tables.0.source.select=[q, 1.0]"}, func(c loaded) any { return c.Tables[0].Source.Select }, `["q","1.0"]`},
		"a list of globs":    {[]string{"tables.0.source.uri=[/q, /r]"}, func(c loaded) any { return c.Tables[0].Source.URI }, `["/q","/r"]`},
		"a glob with braces": {[]string{"tables.0.source.uri=/{q,r}/*"}, func(c loaded) any { return c.Tables[0].Source.URI }, `["/{q,r}/*"]`},
		"whole rules":        {[]string{"tables.0.rules=[{column: y, not_null: true}]"}, func(c loaded) any { return c.Tables[0].Rules }, `[{"column":"y","not_null":true,"on_fail":"reject"}]`},
		"missing parents":    {[]string{"runner.parallelism=4"}, func(c loaded) any { return c.Runner }, `{"Name":"direct","Parallelism":4,"Retries":2}`},
		"a missing list":     {[]string{"tables.0.rules=", "tables.0.rules[0].column=x", "tables.0.rules[0].in=[1]"}, func(c loaded) any { return c.Tables[0].Rules }, `[{"column":"x","in":[{"text":"1"}],"on_fail":"reject"}]`},
		"a mapping":          {[]string{"output={path: /o.hyper, format_version: 4}"}, func(c loaded) any { return c.Output }, `{"Path":"/o.hyper","FormatVersion":{"pinned":true,"version":4}}`},
		"a key of a map":     {[]string{"hyperd.settings.c_d=2"}, func(c loaded) any { return c.Hyperd.Settings }, `{"a_b":"1","c_d":"2"}`},
		"a number":           {[]string{"hyperd.log_file_max_count=9"}, func(c loaded) any { return c.Hyperd.LogFileMaxCount }, `9`},
		"back to default":    {[]string{"staging=", "output.format_version=null", "tables.1.name=~"}, func(c loaded) any { return []any{c.Staging, c.Output.FormatVersion, c.Tables[1].Name} }, `["",{},"Extract"]`},
		"blanks around keys": {[]string{" tables.0.name = m"}, func(c loaded) any { return c.Tables[0].Name }, `" m"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, message := loadText(t, overridden, config.LoadOptions{Sets: c.sets})
			require.Empty(t, message)
			assert.Equal(t, c.want, picked(t, cfg, c.pick))
		})
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for set, message := range map[string]string{
		"name":                                `--set name: the value is missing; write --set name=VALUE`,
		"":                                    `--set : write a path of keys and a value, as in --set tables.0.name=orders`,
		"=x":                                  `--set : write a path of keys and a value, as in --set tables.0.name=orders`,
		"output..path=x":                      `--set output..path: write a path of keys and a value, as in --set tables.0.name=orders`,
		"tables[0=x":                          `--set tables[0: write a path of keys and a value, as in --set tables.0.name=orders`,
		"tables[a].name=x":                    `--set tables[a].name: write a path of keys and a value, as in --set tables.0.name=orders`,
		"outptu.path=x":                       `--set outptu.path: unknown key "outptu"; did you mean "output"?`,
		"output.pth=x":                        `--set output.pth: unknown key "pth"; did you mean "path"?`,
		"output.format.version=2":             `--set output.format.version: unknown key "format"; the keys here are path, format_version, merge`,
		"tables.name=x":                       `--set tables.name: tables is a list; give the number of an entry, as in tables.0`,
		"tables.4.name=x":                     `--set tables.4.name: tables has no entry 4; the next new one is 2`,
		"tables.-1.name=x":                    `--set tables.-1.name: tables is a list; give the number of an entry, as in tables.0`,
		"tables[99999999999999999999].name=x": `--set tables[99999999999999999999].name: tables is a list; give the number of an entry, as in tables.0`,
		"tables.2.name=c":                     `--set tables.2.name: tables[2].source.uri is missing; give the Parquet files to load, such as uri: lake/*.parquet`,
		"name.first=x":                        `--set name.first: name is text "n" at x.yaml:1:7; nothing can be set inside it`,
		"tables.0.source.uri.0=x":             `--set tables.0.source.uri.0: tables[0].source.uri is text "/a/*.parquet" at x.yaml:7:19; nothing can be set inside it`,
		"tables.0=":                           `--set tables.0: tables[0] has no value; give it one, or remove the entry`,
		"name=":                               `x.yaml:1:1: the key name is missing; add a line such as "name: lineitem"`,
		"tables.0.source.select=x":            `--set tables.0.source.select: tables[0].source.select must be a list, not text "x"; start each entry with "- "`,
		"tables.0.source.select=[x":           `--set tables.0.source.select: not valid YAML: the closing ] is missing`,
		"tables.0.source.select=[x, x]":       `--set tables.0.source.select: tables[0].source.select names the column "x" twice; remove one`,
		"output={path: [a]}":                  `--set output: output.path must be text, not a list`,
		"output=a\n---\nb":                    `--set output: a second document starts here; a configuration is one document`,
		"output=*x":                           `--set output: there is no anchor &x for the alias *x; quote text that starts with *`,
		"hyperd.log_file_max_count=x":         `--set hyperd.log_file_max_count: hyperd.log_file_max_count must be a whole number, not text "x"`,
		"staging=ftp://b/s":                   `--set staging: staging: storage of the kind ftp:// is not supported; use a local path, gs://, s3:// or az://`,
		"output.format_version=7":             `--set output.format_version: output.format_version: format version "7" is not one of auto, 0, 2, 3, 4`,
		"name=\xff":                           `--set name: the value is not UTF-8 text`,
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			_, got := loadText(t, overridden, config.LoadOptions{Sets: []string{set}})
			assert.Equal(t, message, got)
		})
	}
}

func TestRunnerOption(t *testing.T) {
	t.Parallel()
	text := good + "runner: {name: flink}\n"
	cfg, message := loadText(t, text, config.LoadOptions{Runner: "direct", Sets: []string{"runner.name=spark"}})
	require.Empty(t, message)
	assert.Equal(t, options.RunnerDirect, cfg.Runner.Name)
	_, message = loadText(t, text, config.LoadOptions{Runner: "spark"})
	assert.Equal(t, `--runner: runner.name must be direct, or its alias prism, flink or dataflow, not "spark"`, message)
}

func TestVariables(t *testing.T) {
	t.Setenv("HYPERLAKE_TEST", "from there")
	for name, c := range map[string]struct {
		name  string // of the table, as YAML
		value string // of ${X}
		want  string
	}{
		"plain":                      {`${X}`, "a", `"a"`},
		"inside text":                {`a ${X} b${X}`, "-", `"a - b-"`},
		"in double quotes":           {`"${X}\t"`, "a", `"a\t"`},
		"in single quotes":           {`'it''s ${X}'`, "a", `"it's a"`},
		"in a block":                 {"|-\n      one\n      ${X}", "two", `"one\ntwo"`},
		"number":                     {`${X}`, "007", `"007"`},
		"boolean":                    {`${X}`, "true", `"true"`},
		"null is text":               {`${X}`, "null", `"null"`},
		"a mapping is text":          {`${X}`, "{a: b}", `"{a: b}"`},
		"a key is text":              {`${X}`, "a: b", `"a: b"`},
		"a list is text":             {`${X}`, "[a, b]", `"[a, b]"`},
		"an alias is text":           {`${X}`, "*a", `"*a"`},
		"a comment is text":          {`${X}`, "a # b", `"a # b"`},
		"lines are text":             {`${X}`, "a\nname: b", `"a\nname: b"`},
		"quotes are text":            {`"${X}"`, `a" b`, `"a\" b"`},
		"a backslash is text":        {`"${X}"`, `a\tb`, `"a\\tb"`},
		"a variable is text":         {`${X}`, "${X}", `"${X}"`},
		"escaped":                    {`$${X}`, "a", `"${X}"`},
		"escaped beside":             {`$${X}${X}$${`, "a", `"${X}a${"`},
		"two dollars":                {`$$${X}`, "a", `"$${X}"`},
		"dollars without braces":     {`$X $ $$`, "a", `"$X $ $$"`},
		"the same name in a comment": {"a # ${NOBODY}", "", `"a"`},
		"default":                    {`${Y:-a b}`, "x", `"a b"`},
		"default in a flow":          {`"${Y:-a, b}"`, "x", `"a, b"`},
		"default where it is empty":  {`${X:-a}`, "", `"a"`},
		"no default":                 {`${X:-a}`, "b", `"b"`},
		"empty default":              {`a${Y:-}`, "x", `"a"`},
		"default like a variable":    {`${Y:-$X}`, "x", `"$X"`},
		"of the environment":         {`${env:HYPERLAKE_TEST}`, "x", `"from there"`},
		"of the environment or not":  {`${env:HYPERLAKE_NONE:-a}${env:HYPERLAKE_TEST:-b}`, "x", `"afrom there"`},
	} {
		t.Run(name, func(t *testing.T) {
			text := "name: n\ntables:\n  - source: {uri: a}\n    name: " + c.name + "\n"
			cfg, message := loadText(t, text, config.LoadOptions{Vars: map[string]string{"X": c.value}})
			require.Empty(t, message)
			assert.Equal(t, c.want, picked(t, cfg, func(c *config.Config) any { return c.Tables[0].Name }))
		})
	}
}

// TestVariableTypes fills values that are no text.
func TestVariableTypes(t *testing.T) {
	t.Parallel()
	const text = "name: n\ntables: [{source: {uri: a}, rules: [{column: a, not_null: ${B}, min: ${N}, in: [\"${N}\", ${N}]}]}]\n" +
		"hyperd: {log_file_max_count: ${C}, default_database_version: 1${C}}\n"
	load := func(b, n, c string) (*config.Config, string) {
		return loadText(t, text, config.LoadOptions{Vars: map[string]string{"B": b, "N": n, "C": c}})
	}
	_, message := load("true", "1_000", "3")
	assert.Equal(t, `x.yaml:3:62: hyperd.default_database_version: "13" is not accepted; accepted: 0, 1, 2, 3 or 4`, message)
	_, message = load("yes", "1", "")
	assert.Equal(t, `x.yaml:2:59: tables[0].rules[0].not_null must be true or false, not text "yes"`+"\n"+
		`x.yaml:3:30: hyperd.log_file_max_count must be a whole number, not text ""`, message)
	_, message = load("true", "[1]", "3.5")
	assert.Equal(t, `x.yaml:3:30: hyperd.log_file_max_count must be a whole number, not the number 3.5`+"\n"+
		`x.yaml:3:62: hyperd.default_database_version must be a whole number, not the number 13.5`, message)

	cfg, message := loadText(t, text, config.LoadOptions{
		Vars: map[string]string{"B": "true", "N": "2026-01-31", "C": "3"}, Sets: []string{"hyperd.default_database_version="},
	})
	require.Empty(t, message)
	assert.Equal(t, 3, cfg.Hyperd.LogFileMaxCount)
	assert.Equal(t, `{"column":"a","not_null":true,"min":{"text":"2026-01-31"},"in":[{"text":"2026-01-31","quoted":true},{"text":"2026-01-31"}],"on_fail":"reject"}`,
		picked(t, cfg, func(c *config.Config) any { return c.Tables[0].Rules[0] }), "only quotes make a date text")
}

func TestVariablesRefuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value, message string
		vars           map[string]string
	}{
		"none":          {"${YEAR}", "x.yaml:2:10: the variable ${YEAR} has no value; give it one with --var YEAR=VALUE", nil},
		"others":        {"a/${YEAR}", "x.yaml:2:10: the variable ${YEAR} has no value; give it one with --var YEAR=VALUE (known: AREAS, REGION)", map[string]string{"REGION": "", "AREAS": ""}},
		"misspelt":      {"${AERA}", "x.yaml:2:10: the variable ${AERA} has no value; give it one with --var AERA=VALUE, or did you mean ${AREA}?", map[string]string{"AREA": "", "REGION": ""}},
		"case":          {"${DATE}", "x.yaml:2:10: the variable ${DATE} has no value; give it one with --var DATE=VALUE, or did you mean ${date}?", map[string]string{"DATA": ""}},
		"in a list":     {"s\nhyperd: {settings: {a: 'b', c: ${YEAR}}}", "x.yaml:3:32: the variable ${YEAR} has no value; give it one with --var YEAR=VALUE", nil},
		"not closed":    {"a${DATE", "x.yaml:2:10: ${ starts a variable, such as ${DATE}; write $${ for a plain ${", nil},
		"no name":       {"${}", "x.yaml:2:10: ${ starts a variable, such as ${DATE}; write $${ for a plain ${", nil},
		"blank in it":   {"\"${ DATE }\"", "x.yaml:2:10: ${ starts a variable, such as ${DATE}; write $${ for a plain ${", nil},
		"name of a var": {"x", "--var A-B: a name is made of letters, digits and _, as in --var DATE=2026-01-31", map[string]string{"A-B": "x"}},
		"empty name":    {"x", "--var : a name is made of letters, digits and _, as in --var DATE=2026-01-31", map[string]string{"": "x"}},
		"not UTF-8":     {"x", "--var A: the value is not UTF-8 text", map[string]string{"A": "\xff"}},
		"empty path":    {"${A}", "x.yaml:2:10: staging is empty; give it a value, or leave the key out for the default", map[string]string{"A": ""}},
		"environment":   {"${env:HYPERLAKE_NONE}", "x.yaml:2:10: the environment has no variable HYPERLAKE_NONE; set it, or give a default: ${env:HYPERLAKE_NONE:-VALUE}", nil},
		"secret":        {"${env:TAB_SECRET_ID:-x}", "x.yaml:2:10: TAB_SECRET_ID looks like a secret, which a configuration cannot hold, since its values reach logs and reports; where a secret is needed, it is read from the environment itself", nil},
		"name in it":    {"${A-B:-x}", "x.yaml:2:10: ${ starts a variable, such as ${DATE}; write $${ for a plain ${", nil},
		"scheme":        {"${A}://b", "x.yaml:2:10: staging: storage of the kind ftp:// is not supported; use a local path, gs://, s3:// or az://", map[string]string{"A": "ftp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, message := loadText(t, "name: n\nstaging: "+c.value+"\n"+goodTables, config.LoadOptions{Vars: c.vars})
			assert.Equal(t, c.message, message)
		})
	}
}

// FuzzLoad checks that no text, variable or setting breaks what Load promises.
func FuzzLoad(f *testing.F) {
	f.Add(good, "", "")
	f.Add(overridden, "1", "tables[0].source.select[2]=z")
	f.Add("name: ${X}\n"+goodTables, "a: b", "name={")
	f.Add("a: &a [*a]\n? b\n: !!str 'x'\n<<: {c: |\n  d}\n", "", "output=*a")
	f.Add(bomb(), "\n", "a.0[1]=- -")
	f.Add(withTargets, "", "targets.dev.name=x")
	path := filepath.Join(f.TempDir(), "x.yaml")
	f.Fuzz(func(t *testing.T, text, value, set string) {
		writeConfig(t, path, text)
		opts := config.LoadOptions{Vars: map[string]string{"X": value}, Sets: []string{set}, Target: []string{"", "dev"}[len(value)%2]}
		if set == "" {
			opts.Sets = nil
		}
		cfg, err := config.Load(path, opts)
		if err != nil {
			message := printed(t, err)
			_, again := config.Load(path, opts)
			assert.Equal(t, message, printed(t, again), "the first problem is always the same")
			return
		}
		assert.NotEmpty(t, cfg.Name)
		assert.True(t, filepath.IsAbs(cfg.Output.Path), cfg.Output.Path)
		assert.NotEmpty(t, cfg.Tables)
		for _, table := range cfg.Tables {
			assert.NotEmpty(t, table.Name)
			assert.NotEmpty(t, table.Schema)
			require.NotEmpty(t, table.Source.URI)
			for _, glob := range table.Source.URI {
				assert.True(t, filepath.IsAbs(glob), glob)
			}
		}
	})
}
