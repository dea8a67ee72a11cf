package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"hyperlake/internal/convert"
	"hyperlake/internal/environment"
	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// IngestConfig is something that is brought into the lake before tables are made of it. It has one of CSV, JSONL,
// XLSX, Postgres, HTTP and Command.
type IngestConfig struct {
	// Name names the entry in reports and messages; no two have the same. Default: the last part of the folder in which its types are
	// pinned.
	Name string `yaml:"name"`

	// To is the folder of the lake that holds the rows, absolute or remote, which is replaced as a whole. Types are pinned in it, or in
	// the folder above its first variable, as in lake/orders/day=${date}. Required.
	To string `yaml:"to"`

	// CSV is text files of values with delimiters between them.
	CSV *IngestCSV `yaml:"csv" json:",omitempty"`

	// JSONL is text files with a JSON object in each line.
	JSONL *IngestJSONL `yaml:"jsonl" json:",omitempty"`

	// XLSX is a sheet of Excel workbooks.
	XLSX *IngestXLSX `yaml:"xlsx" json:",omitempty"`

	// Postgres is what a query of PostgreSQL gives.
	Postgres *IngestPostgres `yaml:"postgres" json:",omitempty"`

	// HTTP is what an API answers with, page by page.
	HTTP *IngestHTTP `yaml:"http" json:",omitempty"`

	// Command is what a program writes to stdout.
	Command *IngestCommand `yaml:"command" json:",omitempty"`

	// Columns is what to do with columns, by their names in the source. Default: nothing.
	Columns map[string]IngestColumn `yaml:"columns" json:",omitempty"`

	// Rejects is what becomes of rows that do not fit.
	Rejects RejectsConfig `yaml:"rejects"`

	// OnEmpty says what a source without rows is. Default: fail.
	OnEmpty OnEmpty `yaml:"on_empty"`

	// OnDrift says what becomes of a source whose columns are not those that are pinned. Default: fail. With union, columns that are
	// new or gone are accepted, and types that hold more.
	OnDrift OnDrift `yaml:"on_drift"`

	// Pinned is the folder in which types are pinned: To, or one around it.
	Pinned string `yaml:"-"`
}

// IngestColumn is what to do with a column of a source.
type IngestColumn struct {
	// Type is the SQL type in which it is pinned. Default: that which its values are taken for.
	Type string `yaml:"type"`
}

// IngestCSV says which files there are, and how they are written.
type IngestCSV struct {
	// URI holds globs of the files, absolute or remote: at least one, none twice. Required.
	URI Globs `yaml:"uri"`

	// Header says whether the first line of every file names its columns. Default: true, unless there are Names.
	Header *bool `yaml:"header" json:",omitempty"`

	// Names are those of the columns, of files without a header.
	Names []string `yaml:"names" json:",omitempty"`

	// Delimiter is the character between values. Default: a comma.
	Delimiter string `yaml:"delimiter" json:",omitempty"`

	// Quote is the character around values that hold others; none where quotes mean nothing. Default: a double quote.
	Quote string `yaml:"quote" json:",omitempty"`

	// Encoding is that of the text, by its IANA name. Default: UTF-8.
	Encoding string `yaml:"encoding" json:",omitempty"`

	// Null are texts that are NULL where they are not quoted. Default: the empty one.
	Null []string `yaml:"null" json:",omitempty"`

	// Compression is auto, gzip, zstd or none. Default: auto, as files begin.
	Compression Compression `yaml:"compression" json:",omitempty"`
}

// HasHeader says whether the first line of every file names its columns.
func (c *IngestCSV) HasHeader() bool {
	if c.Header == nil {
		return len(c.Names) == 0
	}
	return *c.Header
}

// Compression is how text files are compressed.
type Compression string

// The ways in which they can be.
const (
	CompressionAuto Compression = "auto"
	CompressionGzip Compression = "gzip"
	CompressionZstd Compression = "zstd"
	CompressionNone Compression = "none"
)

// UnmarshalText reads the word as a configuration gives it.
func (c *Compression) UnmarshalText(text []byte) error {
	return words.OneOf(c, text, CompressionAuto, CompressionGzip, CompressionZstd, CompressionNone)
}

// IngestJSONL says which files there are, and what becomes of nested values.
type IngestJSONL struct {
	// URI holds globs of the files, absolute or remote: at least one, none twice. Required.
	URI Globs `yaml:"uri"`

	// Nested says what becomes of objects and lists: json or flatten. Default: json.
	Nested NestedText `yaml:"nested" json:",omitempty"`
}

// NestedText says what becomes of nested values of text files.
type NestedText string

// What becomes of them.
const (
	NestedJSON    NestedText = "json"    // text
	NestedFlatten NestedText = "flatten" // of objects, a column for each key; text of lists
)

// UnmarshalText reads the word as a configuration gives it.
func (n *NestedText) UnmarshalText(text []byte) error {
	return words.OneOf(n, text, NestedJSON, NestedFlatten)
}

// IngestPostgres says which server is asked, and for what.
type IngestPostgres struct {
	// URLEnv names the variable of the environment that holds the address of the server. Default: what libpq finds in the environment.
	URLEnv string `yaml:"url_env" json:",omitempty"`

	// Query is one statement that gives rows. Required.
	Query string `yaml:"query"`

	// SplitBy is a column of whole numbers, dates or times by whose ranges several connections read. Default: one connection reads all.
	SplitBy string `yaml:"split_by" json:",omitempty"`

	// Parallel is how many connections read, where there is a split_by. Default: 2.
	Parallel int `yaml:"parallel" json:",omitempty"`

	// Timeout bounds how long a statement takes. Default: what the server has.
	Timeout Span `yaml:"timeout" json:",omitzero"`
}

// RefuseKey says why an address does not stand in a configuration.
func (IngestPostgres) RefuseKey(key string) (why string, isKnown bool) {
	switch key {
	case "url", "dsn", "password", "connection":
		return fmt.Sprintf("%s has no place in a configuration, for it is or holds a secret; put the address into a variable of the "+
			"environment, and name that: url_env: PG_URL", key), true
	}
	return "", false
}

// mostParallel is how many connections may read at the same time.
const mostParallel = 64

// kind names the kind of source that an entry has, if it has one.
func (i *IngestConfig) kind() (kinds []string) {
	for _, k := range []struct {
		name string
		is   bool
	}{
		{"csv", i.CSV != nil}, {"jsonl", i.JSONL != nil}, {"xlsx", i.XLSX != nil}, {"postgres", i.Postgres != nil}, {"http", i.HTTP != nil},
		{"command", i.Command != nil},
	} {
		if k.is {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// setIngestDefaults fills in what entries leave out. root is what the file says.
func (c *Config) setIngestDefaults(root *strictyaml.Node) {
	entries := root.Value("ingest").Items()
	for i := range c.Ingest {
		entry := &c.Ingest[i]
		entry.OnEmpty, entry.OnDrift = cmp.Or(entry.OnEmpty, OnEmptyFail), cmp.Or(entry.OnDrift, OnDriftFail)
		if i < len(entries) {
			entry.Pinned = pinnedFolder(entry.To, entries[i].Value("to").Unfilled())
		}
		if !c.Written(fmt.Sprintf("ingest[%d].name", i)) {
			entry.Name = path.Base(filepath.ToSlash(entry.Pinned))
		}
		if entry.JSONL != nil {
			entry.JSONL.Nested = cmp.Or(entry.JSONL.Nested, NestedJSON)
		}
		if entry.CSV != nil {
			entry.CSV.Compression = cmp.Or(entry.CSV.Compression, CompressionAuto)
		}
		if entry.HTTP != nil {
			entry.HTTP.setHTTPDefaults()
		}
		if entry.Command != nil {
			entry.Command.setCommandDefaults(filepath.Dir(c.File))
		}
	}
}

// pinnedFolder is the folder above the first variable of a path, as it was written, that has one above it; else the path itself.
func pinnedFolder(filled, written string) string {
	for rest := 0; ; {
		at := strings.Index(written[rest:], "${")
		if at < 0 {
			return filled
		}
		above := written[:rest+at]
		above = above[:strings.LastIndexAny(above, `/`)+1]
		if parts := strings.Trim(above, "/"); parts != "" && !strings.HasSuffix(parts, ":") {
			folder := filled
			for range strings.Count(strings.TrimRight(written[len(above):], "/"), "/") + 1 { // variables above may hold slashes
				folder = strings.TrimRight(folder, "/")
				folder = folder[:max(strings.LastIndex(folder, "/"), 0)]
			}
			return cmp.Or(folder, filled)
		}
		rest += at + len("${")
	}
}

func (c *Config) checkIngest() error {
	var wrong []error
	for i := range c.Ingest {
		wrong = append(wrong, c.checkIngestEntry(fmt.Sprintf("ingest[%d]", i), i))
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkIngestEntry(at string, index int) error {
	entry := &c.Ingest[index]
	wrong := []error{c.checkIngestTo(at, index), c.checkIngestName(at, index)}
	kinds := entry.kind()
	if len(kinds) != 1 {
		return failure.Join(failure.Config, append(wrong,
			c.Problem(at, "%s needs one of csv, jsonl, xlsx, postgres, http and command, but has %s", at,
				cmp.Or(strings.Join(kinds, " and "), "none")))...)
	}
	switch {
	case entry.CSV != nil:
		wrong = append(wrong, c.checkFiles(at+".csv.uri", entry.CSV.URI), c.checkCSV(at+".csv", entry.CSV))
	case entry.JSONL != nil:
		wrong = append(wrong, c.checkFiles(at+".jsonl.uri", entry.JSONL.URI))
	case entry.XLSX != nil:
		wrong = append(wrong, c.checkFiles(at+".xlsx.uri", entry.XLSX.URI), c.checkXLSX(at+".xlsx", entry.XLSX))
	case entry.HTTP != nil:
		wrong = append(wrong, c.checkHTTP(at+".http", entry.HTTP))
	case entry.Command != nil:
		wrong = append(wrong, c.checkCommand(at+".command", entry.Command))
	default:
		wrong = append(wrong, c.checkPostgres(at+".postgres", entry.Postgres))
	}
	for _, name := range slices.Sorted(maps.Keys(entry.Columns)) {
		key := strictyaml.JoinKey(at+".columns", name)
		asked := entry.Columns[name]
		switch _, _, err := convert.TypeNamed(asked.Type); {
		case asked.Type == "":
			wrong = append(wrong, c.Problem(key, "%s says nothing; give it a type, such as type: text, or remove it", key))
		case err != nil:
			wrong = append(wrong, c.problemOf(key+".type", key, err))
		}
	}
	return failure.Join(failure.Config, append(wrong, c.checkIngestRejects(at+".rejects", index))...)
}

func (c *Config) checkIngestName(at string, index int) error {
	entry := c.Ingest[index]
	key := at + ".name"
	if entry.Name == "" && c.Written(key) {
		return c.Problem(key, "%s is empty; give it a value, or leave the key out", key)
	}
	for i, other := range c.Ingest[:index] {
		if other.Name == entry.Name && entry.Name != "" {
			return c.Problem(key, "ingest[%d] and %s are both named %q; give one another name", i, at, entry.Name)
		}
	}
	return nil
}

// checkIngestTo refuses a folder that is that of another entry, or lies in it: each is replaced as a whole.
func (c *Config) checkIngestTo(at string, index int) error {
	entry := c.Ingest[index]
	key := at + ".to"
	if entry.To == "" {
		return c.Problem(key, "%s is missing; give the folder of the lake that is to hold the rows, such as to: lake/orders", key)
	}
	if err := c.CheckWritten(key, entry.To); err != nil {
		return err
	}
	for i, other := range c.Ingest[:index] {
		if other.To != "" && (holds(other.To, entry.To) || holds(entry.To, other.To)) {
			return c.Problem(key, "%s and ingest[%d].to are, or hold, the same folder, which each would replace; give one another", key, i)
		}
	}
	return nil
}

// holds says whether a folder is another one, or lies around it, as they are spelled.
func holds(outer, inner string) bool {
	outer, inner = path.Clean(filepath.ToSlash(outer)), path.Clean(filepath.ToSlash(inner))
	return outer == inner || strings.HasPrefix(inner, strings.TrimSuffix(outer, "/")+"/")
}

func (c *Config) checkFiles(key string, globs Globs) error {
	if len(globs) == 0 {
		return c.Problem(key, "%s is missing; give the files to read, such as uri: drop/*.csv", key)
	}
	var wrong []error
	for i, glob := range globs {
		at := c.GlobKey(key, i)
		err := c.CheckPath(at, glob)
		switch {
		case err != nil:
		case glob == "":
			err = c.Problem(at, "%s is empty; give the files to read, such as drop/*.csv", at)
		case !doublestar.ValidatePattern(filepath.ToSlash(glob)):
			err = c.Problem(at, "%s is no valid glob: in %s, %s", at, words.Shorten(glob), BracketHint)
		case slices.Contains(globs[:i], glob):
			err = c.Problem(at, "%s names %s twice; remove one", key, words.Shorten(glob))
		}
		wrong = append(wrong, err)
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkCSV(key string, csv *IngestCSV) error {
	if csv.HasHeader() && len(csv.Names) > 0 {
		return c.Problem(key+".names", "%s.names are of files without a header; say header: false, or leave names out", key)
	}
	if !csv.HasHeader() && len(csv.Names) == 0 {
		return c.Problem(key+".header", "%s: files without a header need names, such as names: [id, amount]", key)
	}
	if err := csv.Options().Check(); err != nil {
		return c.problemOf(key, key, err)
	}
	return nil
}

// Options are what reads the files.
func (c *IngestCSV) Options() ingest.CSVOptions {
	return ingest.CSVOptions{
		URI: c.URI, Header: c.HasHeader(), Names: c.Names, Delimiter: c.Delimiter, Quote: c.Quote, Encoding: c.Encoding, Null: c.Null,
		Compression: string(c.Compression),
	}
}

func (c *Config) checkPostgres(key string, asked *IngestPostgres) error {
	switch {
	case strings.TrimSpace(asked.Query) == "":
		return c.Problem(key+".query", "%s.query is missing; write the rows to read, such as query: select * from orders", key)
	case asked.URLEnv != "" && !environmentName.MatchString(asked.URLEnv): // it is not repeated: it may be the address
		return c.Problem(key+".url_env", "%s.url_env must be the name of a variable of the environment, made of letters, digits and _, "+
			"and not the address itself", key)
	case environment.IsInherited(asked.URLEnv):
		return c.Problem(key+".url_env", "%s.url_env names %s, which the programs get that a run starts, but the address is a secret; "+
			"take another name", key, asked.URLEnv)
	case c.Written(key+".parallel") && (asked.Parallel < 1 || asked.Parallel > mostParallel):
		return c.Problem(key+".parallel", "%s.parallel must be from 1 to %d", key, mostParallel)
	case asked.Parallel > 1 && asked.SplitBy == "":
		return c.Problem(key+".parallel", "%s.parallel needs split_by: the column by whose ranges the connections read", key)
	}
	return nil
}

func (c *Config) checkIngestRejects(key string, index int) error {
	rejects := c.Ingest[index].Rejects
	at := key + ".path"
	wrong := []error{c.CheckWritten(at, rejects.Path), c.checkRejectLimits(key, rejects)}
	if c.Written(at) && rejects.Path == "" {
		wrong = append(wrong, c.Problem(at, "%s is empty; give it a folder, or leave the key out to count rejects only", at))
	}
	for i, other := range c.Tables {
		if rejects.Path != "" && rejects.Path == other.Rejects.Path {
			wrong = append(wrong, c.Problem(at, "%s is that of tables[%d], too; each needs a folder of its own", at, i))
		}
	}
	for i, other := range c.Ingest[:index] {
		if rejects.Path != "" && rejects.Path == other.Rejects.Path {
			wrong = append(wrong, c.Problem(at, "%s is that of ingest[%d], too; each needs a folder of its own", at, i))
		}
	}
	for i, other := range c.Ingest {
		if rejects.Path != "" && other.To != "" && (holds(other.To, rejects.Path) || holds(rejects.Path, other.To)) {
			wrong = append(wrong, c.Problem(at, "%s is, holds or lies in ingest[%d].to, which is replaced as a whole", at, i))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// resolveIngest makes the paths of entries absolute. start is the folder in which the path of a key starts.
func (c *Config) resolveIngest(start func(key string) string) {
	absolute := func(key, path string) string {
		if path != "" && IsRelative(path) {
			path = filepath.Join(start(key), path)
		}
		return storage.Canonical(path)
	}
	for i := range c.Ingest {
		entry, at := &c.Ingest[i], fmt.Sprintf("ingest[%d]", i)
		entry.To, entry.Pinned = absolute(at+".to", entry.To), absolute(at+".to", entry.Pinned)
		entry.Rejects.Path = absolute(at+".rejects.path", entry.Rejects.Path)
		files := map[string]Globs{}
		if entry.CSV != nil {
			files[at+".csv.uri"] = entry.CSV.URI
		}
		if entry.JSONL != nil {
			files[at+".jsonl.uri"] = entry.JSONL.URI
		}
		if entry.XLSX != nil {
			files[at+".xlsx.uri"] = entry.XLSX.URI
		}
		for key, globs := range files {
			for j, glob := range globs {
				if IsRelative(glob) {
					glob = filepath.Join(storage.EscapeGlob(start(c.GlobKey(key, j))), glob)
				}
				globs[j] = storage.Canonical(glob)
			}
		}
	}
}
