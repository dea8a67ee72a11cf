package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"hyperlake/internal/convert"
	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/transforms/validate"
)

const (
	// defaultTable is the table, and its schema, that every version of Tableau opens.
	defaultTable = "Extract"

	// MaxRunName leaves room for what is added to the name in the names of files and
	// folders, which may have 255 bytes.
	MaxRunName = 200

	// maxTableName is this project's bound, in characters; hyperd has none to speak of.
	maxTableName = 255
)

// BadInNames are characters that some system does not take in the name of a file.
const BadInNames = `/\:*?"<>|`

// setTableDefaults fills in what tables and their rules leave out.
func (c *Config) setTableDefaults() {
	for i := range c.Tables {
		table, key := &c.Tables[i], fmt.Sprintf("tables[%d]", i)
		if !c.Written(key + ".name") {
			table.Name = defaultTable
		}
		if !c.Written(key + ".schema") {
			table.Schema = defaultTable
		}
		table.Source.SetDefaults()
		for j := range table.Rules {
			if !c.Written(fmt.Sprintf("%s.rules[%d].on_fail", key, j)) {
				table.Rules[j].OnFail = validate.Reject
			}
		}
	}
}

// SetDefaults fills in what a source that is not of a file leaves open.
func (s *SourceConfig) SetDefaults() {
	s.Format = cmp.Or(s.Format, FormatAuto)
	s.Partitions = cmp.Or(s.Partitions, PartitionsAuto)
	s.Nested = cmp.Or(s.Nested, convert.Refuse)
	s.OnDrift = cmp.Or(s.OnDrift, OnDriftFail)
}

// check reports the values that cannot work, alone or with others, but for what follows from values that are not what was written.
func (c *Config) check() error {
	err := c.unfollowed(failure.Join(failure.Config,
		c.checkName(), c.checkOutput(), c.checkWindow(), c.checkTables(), c.checkRunner(), c.checkHyperd(), c.checkSpool(), c.checkPublish(),
		c.checkNotify(), c.checkMetrics(), c.checkIngest(),
	))
	c.broken = append(c.broken, strictyaml.KeysOfFailure(err)...)
	return failure.Join(failure.Config, err, c.checkLake(), c.checkPublishTables(), c.checkMerge(), c.checkForeignKeys())
}

// unfollowed leaves out what is about keys of which is known already that something is wrong with them.
func (c *Config) unfollowed(err error) error {
	var kept []error
	for _, one := range strictyaml.InOrder(err) {
		if keys := strictyaml.KeysOfFailure(one); c.IsSound(keys...) {
			kept = append(kept, one)
		}
	}
	return failure.Join(failure.Config, kept...)
}

// ReservedName matches what Windows keeps for devices, with any extension.
var ReservedName = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

func (c *Config) checkName() error {
	bad := strings.IndexFunc(c.Name, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(BadInNames, r) })
	switch {
	case !c.Written("name"):
		return c.Problem("name", "the key name is missing; add a line such as \"name: lineitem\"")
	case c.Name == "":
		return c.Problem("name", "name is empty; it names the run, the report and the default output")
	case bad >= 0:
		r, _ := utf8.DecodeRuneInString(c.Name[bad:])
		return c.Problem("name", "name is also the name of files, so it cannot hold %q", r)
	case strings.TrimSpace(c.Name) != c.Name, strings.Trim(c.Name, ".") != c.Name:
		return c.Problem("name", "name is also the name of files, so it cannot start or end with a space or a dot")
	case ReservedName.MatchString(c.Name):
		return c.Problem("name", "name is also the name of files, but Windows reserves %q; take another", c.Name)
	case len(c.Name) > MaxRunName:
		return c.Problem("name", "name is %d bytes long; at most %d fit into the names of files", len(c.Name), MaxRunName)
	}
	return nil
}

func (c *Config) checkOutput() error {
	var wrong []error
	for _, path := range []struct{ key, value string }{
		{"output.path", c.Output.Path}, {"staging", c.Staging}, {"state", c.State},
	} {
		if c.Written(path.key) && path.value == "" {
			wrong = append(wrong, c.Problem(path.key, "%s is empty; give it a value, or leave the key out for the default", path.key))
			continue
		}
		err := c.CheckWritten(path.key, path.value)
		if err == nil && path.key == "output.path" && path.value != "" && !strings.EqualFold(filepath.Ext(path.value), ".hyper") {
			err = c.Problem(path.key, "output.path must end in .hyper, or Tableau does not open the file; not %s", words.Shorten(path.value))
		}
		wrong = append(wrong, err)
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkTables() error {
	switch {
	case c.Written("tables"):
	case len(c.Ingest) > 0:
		return c.checkWithoutTables()
	default:
		return c.Problem("tables", "the key tables is missing; it lists what to load, each with a source")
	}
	if len(c.Tables) == 0 {
		return c.Problem("tables", "tables is an empty list; add a table with a source")
	}
	var wrong []error
	for i := range c.Tables {
		wrong = append(wrong, c.checkTable(i))
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkTable(index int) error {
	table, key := c.Tables[index], fmt.Sprintf("tables[%d]", index)
	return failure.Join(failure.Config,
		c.checkTableName(key+".schema", table.Schema),
		c.checkTableName(key+".name", table.Name),
		c.checkSameName(key+".name", index),
		c.checkSource(key+".source", table.Source),
		c.checkColumns(key+".columns", table.Columns),
		c.checkRules(key+".rules", table.Rules),
		c.checkRejects(key+".rejects", index),
		c.checkChecks(key+".checks", table.Checks),
		c.checkRepartition(key+".repartition", index),
	)
}

// IngestsOnly says whether a configuration brings rows into the lake, and makes no extract.
func (c *Config) IngestsOnly() bool { return len(c.Tables) == 0 && len(c.Ingest) > 0 }

// checkWithoutTables refuses what is about the extract, where there is none.
func (c *Config) checkWithoutTables() error {
	if c.Publish != nil {
		return c.Problem("publish", "publish has no extract to send, for the configuration has no tables; add tables, or remove it")
	}
	return nil
}

// checkSameName refuses a table that has the name of an earlier one.
func (c *Config) checkSameName(key string, index int) error {
	table := c.Tables[index]
	for i, other := range c.Tables[:index] {
		at := fmt.Sprintf("tables[%d].", i)
		if !c.IsSound(at+"schema", at+"name", strings.TrimSuffix(key, "name")+"schema") {
			continue
		}
		if other.Schema == table.Schema && other.Name == table.Name {
			return c.Problem(key, "tables[%d] and tables[%d] are both named %q.%q; give one another name", i, index, table.Schema, table.Name)
		}
	}
	return nil
}

func (c *Config) checkTableName(key, name string) error {
	switch length := utf8.RuneCountInString(name); {
	case name == "":
		return c.Problem(key, "%s is empty; give it a value, or leave the key out for %q", key, defaultTable)
	case strings.ContainsRune(name, 0):
		return c.Problem(key, "%s holds a NUL character, which hyperd does not take", key)
	case length > maxTableName:
		return c.Problem(key, "%s is %d characters long; at most %d are accepted", key, length, maxTableName)
	case strings.HasSuffix(key, ".schema") && (strings.HasPrefix(name, "pg_") || name == "information_schema"):
		return c.Problem(key, "%s is %q, which hyperd keeps for itself; take another", key, name)
	}
	return nil
}

func (c *Config) checkSource(key string, source SourceConfig) error {
	uri := key + ".uri"
	var wrong []error
	if source.Catalog != nil {
		wrong = append(wrong, c.checkCatalog(key, source))
	} else if len(source.URI) == 0 {
		wrong = append(wrong, c.Problem(uri, "%s is missing; give the Parquet files to load, such as uri: lake/*.parquet", uri))
	}
	for i, glob := range source.URI {
		err := c.checkGlob(c.GlobKey(uri, i), glob)
		if err == nil && slices.Contains(source.URI[:i], glob) {
			err = c.Problem(c.GlobKey(uri, i), "%s names %s twice; remove one", uri, words.Shorten(glob))
		}
		wrong = append(wrong, err)
	}
	if source.Version != "" && source.Format == FormatParquet {
		wrong = append(wrong, c.Problem(key+".version",
			"%s.version: loose files have no versions; leave it out, or read the table with format: auto", key))
	}
	wrong = append(wrong, c.checkWhere(key+".where", source.Where), c.checkSelect(key+".select", source.Select))
	return failure.Join(failure.Config, wrong...)
}

// checkWhere checks what needs no schema.
func (c *Config) checkWhere(key, where string) error {
	if c.Written(key) && strings.TrimSpace(where) == "" {
		return c.Problem(key, "%s is empty; write a condition such as \"amount > 0\", or remove the key", key)
	}
	if where == "" {
		return nil
	}
	if err := expr.Check(where, c.Date); err != nil {
		return c.problemOf(key, key, err)
	}
	return nil
}

func (c *Config) checkSelect(key string, columns []string) error {
	if c.Written(key) && len(columns) == 0 {
		return c.Problem(key, "%s is an empty list; name the columns to load, or leave the key out to load all", key)
	}
	return c.checkNames(key, columns)
}

// checkNames refuses names of columns that are empty, or given twice.
func (c *Config) checkNames(key string, names []string) error {
	var wrong []error
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case name == "" && c.IsSound(at):
			wrong = append(wrong, c.Problem(at, "%s is empty; give the name of a column", at))
		case name != "" && slices.Contains(names[:i], name):
			wrong = append(wrong, c.Problem(at, "%s names the column %s twice; remove one", key, words.Shorten(name)))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkColumns checks what needs no schema; the rest is checked when the plan is made.
func (c *Config) checkColumns(key string, columns map[string]ColumnConfig) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		wrong = append(wrong, c.checkColumn(strictyaml.JoinKey(key, name), name, columns[name]))
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkColumn(at, name string, column ColumnConfig) error {
	var wrong []error
	for _, value := range []struct{ key, text string }{
		{"type", column.Type}, {"rename", column.Rename}, {"format", column.Format}, {"timezone", column.Timezone},
	} {
		if place := at + "." + value.key; c.Written(place) && value.text == "" {
			wrong = append(wrong, c.Problem(place, "%s is empty; give it a value, or remove the key", place))
		}
	}
	if column.Default != nil && column.Nullable != nil && *column.Nullable {
		wrong = append(wrong, c.Problem(at+".nullable", "%s is nullable, but its default fills every NULL; remove one of the two", at))
	}
	asked := convert.Column{Source: name, Type: column.Type, Format: column.Format, Timezone: column.Timezone, Default: column.Default}
	for _, problem := range asked.Problems() {
		wrong = append(wrong, c.problemOf(strictyaml.JoinKey(at, problem.Key), at, problem.Err))
	}
	return failure.Join(failure.Config, wrong...)
}

// problemOf adds the place of a key to what another package says of it, and what it is about, with its hint.
func (c *Config) problemOf(key, about string, err error) error {
	found := failure.Of(err, failure.Config)
	return strictyaml.KeyProblem(c.Place(key), key, "%s: %s", about, found.Message).WithHint("%s", found.Hint)
}

// GlobKey is the key of a glob: its own when it stands in a list, else that of the source.
func (c *Config) GlobKey(uri string, index int) string {
	if entry := fmt.Sprintf("%s[%d]", uri, index); c.Written(entry) {
		return entry
	}
	return uri
}

func (c *Config) checkGlob(key, glob string) error {
	if glob == "" {
		return c.Problem(key, "%s is empty; give the Parquet files to load, such as lake/*.parquet", key)
	}
	if err := c.CheckPath(key, glob); err != nil { // before it is repeated, for it may hold a secret
		return err
	}
	if !doublestar.ValidatePattern(filepath.ToSlash(glob)) {
		return c.Problem(key, "%s is no valid glob: in %s, %s", key, words.Shorten(glob), BracketHint)
	}
	return nil
}

// checkRules checks what needs no schema; the rest is checked when the rules are compiled.
func (c *Config) checkRules(key string, rules []validate.Rule) error {
	var wrong []error
	for i, rule := range rules {
		wrong = append(wrong, c.checkRule(fmt.Sprintf("%s[%d]", key, i), rule))
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkRule(at string, rule validate.Rule) error {
	var wrong []error
	for _, text := range []struct{ key, value string }{
		{"column", rule.Column}, {"in_file", rule.InFile}, {"matches", rule.Matches}, {"expr", strings.TrimSpace(rule.Expr)},
	} {
		if place := strictyaml.JoinKey(at, text.key); c.Written(place) && text.value == "" {
			wrong = append(wrong, c.Problem(place, "%s is empty; give it a value, or remove the key", place))
		}
	}
	if len(wrong) > 0 { // that there is no condition follows from it
		return failure.Join(failure.Config, wrong...)
	}
	wrong = append(wrong, c.CheckPath(strictyaml.JoinKey(at, "in_file"), rule.InFile))
	for _, problem := range rule.Problems() {
		key := at
		if problem.Key != "" {
			key = strictyaml.JoinKey(at, problem.Key)
		}
		wrong = append(wrong, c.Problem(key, "%s: %v", at, problem.Err))
	}
	if rule.Expr != "" {
		if err := expr.Check(rule.Expr, c.Date); err != nil {
			wrong = append(wrong, c.problemOf(at+".expr", at+".expr", err))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkHyperd leaves the values to the package that owns them, and adds the place.
func (c *Config) checkHyperd() error {
	wrong := []error{c.Placed(c.Hyperd.Validate())}
	for _, path := range []struct{ key, value string }{
		{"hyperd.path", c.Hyperd.Path}, {"hyperd.log_dir", c.Hyperd.LogDir}, {"hyperd.domain_socket_dir", c.Hyperd.DomainSocketDir},
	} {
		wrong = append(wrong, c.CheckLocalPath(path.key, path.value))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkSpool leaves the values to the package that owns them, and adds the place.
func (c *Config) checkSpool() error {
	return failure.Join(failure.Config, c.CheckLocalPath("spool.path", c.Spool.Path), c.Placed(c.Spool.Validate()))
}

// Placed adds the place of a value to the error, which begins with its key, that another
// package has about it. Of a Config that [Load] did not make, it stays as it is.
func (c *Config) Placed(err error) error {
	if err == nil || len(c.places) == 0 {
		return err
	}
	refused := failure.Of(err, failure.Config)
	key, _, _ := strings.Cut(refused.Message, " ")
	key = strings.TrimSuffix(key, ":")
	return strictyaml.KeyProblem(c.Place(key), key, "%s", refused.Message).WithHint("%s", refused.Hint)
}

// BracketHint says how to write characters that mean something in a glob.
var BracketHint = fmt.Sprintf("close every [ and {; to mean the characters themselves, write %s and %s",
	storage.EscapeGlob("["), storage.EscapeGlob("{"))
