package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/convert"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/validate"
)

// Config is a configuration as [Load] returns it: complete, valid, with defaults filled
// in and paths made absolute. A key of the file is a field with that yaml tag.
type Config struct {
	// Name names the run, the report and the default output. Required. It can be part of
	// a file's name on every system.
	Name string `yaml:"name"`

	// Output is the extract.
	Output OutputConfig `yaml:"output"`

	// Staging is a folder for partials that every worker reaches. Empty (the default):
	// a hidden folder beside the output, which is removed at the end of the run.
	Staging string `yaml:"staging"`

	// State is a folder for what has to be remembered between runs. Default: NAME.hyperlake beside the output, see [Config.StateFolder].
	State string `yaml:"state"`

	// Refresh is how much of the extract a run makes anew.
	Refresh RefreshConfig `yaml:"refresh"`

	// Timezone is the zone, by its IANA name, in which a run has its date. Default: UTC.
	Timezone Timezone `yaml:"timezone" json:",omitempty"`

	// Date is the date of the run, at midnight in UTC: that of [LoadOptions], else today in Timezone.
	Date time.Time `yaml:"-" json:"-"`

	// OnEmpty says what no files, or files without rows, are. Default: fail.
	OnEmpty OnEmpty `yaml:"on_empty"`

	// Ingest is what is brought into the lake first, in this order. Default: nothing.
	Ingest []IngestConfig `yaml:"ingest" json:",omitempty"`

	// Tables are the tables of the extract: one or more, no two with the same schema and name. Only a configuration that has something to
	// ingest, and makes no extract, has none.
	Tables []TableConfig `yaml:"tables"`

	// Publish is where the extract is published; nil: nowhere.
	Publish *PublishConfig `yaml:"publish"`

	// Notify is who is told how runs end, none twice. Default: nobody.
	Notify []NotifyConfig `yaml:"notify" json:",omitempty"`

	// Metrics is where figures of the last run are left for those who watch. What is built does not depend on it.
	Metrics MetricsConfig `yaml:"metrics" json:",omitzero"`

	// Report is which values reports tell.
	Report ReportConfig `yaml:"report" json:",omitzero"`

	// Runner is the engine that runs the pipeline.
	Runner RunnerConfig `yaml:"runner"`

	// Validate is how rules are evaluated.
	Validate ValidateConfig `yaml:"validate"`

	// Spool is where workers keep rows on their way into hyperd. Its path is absolute or empty.
	Spool hyper.SpoolConfig `yaml:"spool"`

	// Hyperd is how hyperd is found and started. Its paths are absolute or empty.
	Hyperd hyperd.Config `yaml:"hyperd"`

	// Sample is what of it is run, see [Config.TakeSample].
	Sample Sample `yaml:"-" json:"-"`

	// File is the configuration that was read, absolute; empty where it was not read from a file.
	File string `yaml:"-" json:"-"`

	places map[string]strictyaml.Place
	broken []string // keys of which something is wrong, so that nothing follows from their values
}

// OutputConfig is the extract that a run writes.
type OutputConfig struct {
	// Path is the file, local and absolute, whose name ends in .hyper. Default:
	// NAME.hyper beside the configuration. Missing folders are made by the run.
	Path string `yaml:"path"`

	// FormatVersion is the version of Hyper's file format: auto (the default), 0, 2, 3 or 4.
	FormatVersion hyper.FormatChoice `yaml:"format_version"`

	// Merge is auto (the default): the partials of a run become one extract. Or none: each
	// is an extract of its own, NAME-00001-of-00008.hyper beside Path.
	Merge MergeChoice `yaml:"merge" json:",omitzero"`
}

// TableConfig is one table of the extract and where its rows come from.
type TableConfig struct {
	// Name and Schema name the table in the extract. Default: Extract, both.
	Name   string `yaml:"name"`
	Schema string `yaml:"schema"`

	// Source is the part of the lake that the table is made of.
	Source SourceConfig `yaml:"source"`

	// Columns is what to do with columns, by the names they have in the source; a field of
	// a flattened column is named by its path, a.b. Default: nothing.
	Columns map[string]ColumnConfig `yaml:"columns"`

	// Rules are conditions on each row, in the order of the report. Default: none.
	Rules []validate.Rule `yaml:"rules"`

	// Rejects is what becomes of the rows that break rules.
	Rejects RejectsConfig `yaml:"rejects"`

	// Checks are conditions on the finished table, in the order of the report. Default: none.
	Checks []CheckConfig `yaml:"checks"`

	// PrimaryKey and ForeignKeys are assumed keys of the table, which Tableau reads. Their
	// columns are named as rules name them. Default: none.
	PrimaryKey  []string           `yaml:"primary_key"`
	ForeignKeys []ForeignKeyConfig `yaml:"foreign_keys"`

	// Datasource is the data source that the table is published to. Default: publish.datasource.
	Datasource string `yaml:"datasource"`

	// Repartition is where rows are moved and how they are sorted. Default: neither.
	Repartition RepartitionConfig `yaml:"repartition" json:",omitzero"`
}

// RejectsConfig is what becomes of the rows of a table that break rules.
type RejectsConfig struct {
	// Path is the folder of the reject files of the last run, absolute or remote. Empty (the
	// default): rejects are only counted.
	Path string `yaml:"path"`

	// MaxRows and MaxRatio are how many rows, and which part of the rows read, may be
	// rejected; more end the run. Default: any number.
	MaxRows  *int   `yaml:"max_rows"`
	MaxRatio *Ratio `yaml:"max_ratio"`

	// OnFail is what becomes of a run that breaks one of them. Default: it fails.
	OnFail OnFail `yaml:"on_fail" json:",omitempty"`
}

// ForeignKeyConfig is an assumed foreign key of a table.
type ForeignKeyConfig struct {
	Columns    []string `yaml:"columns"`    // columns of this table
	References string   `yaml:"references"` // a table of the extract: NAME or SCHEMA.NAME
	To         []string `yaml:"to"`         // columns of that table: its primary key
}

// CheckConfig is a condition on a finished table: one of its kinds.
type CheckConfig struct {
	// Name is the check's name in the report. Default: what it says, in words.
	Name string `yaml:"name"`

	// SQL is a query whose one value must be true. It can name every table of the extract.
	SQL string `yaml:"sql"`

	// Unique names columns of which no two rows have the same values; NULLs are not compared.
	Unique []string `yaml:"unique"`

	// RowCount bounds the number of rows.
	RowCount *RowCountCheck `yaml:"row_count"`

	// ForeignKeys, when true, holds the assumed keys of the table against the rows.
	ForeignKeys bool `yaml:"foreign_keys"`

	// Freshness bounds the age of the latest value of a column of dates or timestamps.
	Freshness *FreshnessCheck `yaml:"freshness"`

	// ComparePrevious bounds how much the number of rows may differ from that in the file
	// that stands at the output path.
	ComparePrevious *ComparePreviousCheck `yaml:"compare_previous"`

	// OnFail is what becomes of a run that breaks it. Default: it fails.
	OnFail OnFail `yaml:"on_fail" json:",omitempty"`
}

// RowCountCheck bounds the number of rows of a table; all bounds are included.
type RowCountCheck struct {
	// Min and Max are the least and the greatest number that passes.
	Min *int `yaml:"min"`
	Max *int `yaml:"max"`

	// VsHistory is with how many of the last runs that made an extract the number is compared: from the median of their numbers it
	// may differ by MaxDeviation times the median of their differences from that. Default: it is not compared.
	VsHistory    *int   `yaml:"vs_history" json:",omitempty"`
	MaxDeviation *Ratio `yaml:"max_deviation" json:",omitempty"`
}

// OnFail is what becomes of a run that breaks a check or a threshold.
type OnFail string

// What becomes of it.
const (
	OnFailStop OnFail = "fail" // it ends before the extract is moved into place
	OnFailWarn OnFail = "warn" // it says so, and goes on
)

// UnmarshalText reads the word as a configuration gives it.
func (o *OnFail) UnmarshalText(text []byte) error {
	return words.OneOf(o, text, OnFailStop, OnFailWarn)
}

// IsWarn says whether a run goes on.
func (o OnFail) IsWarn() bool { return o == OnFailWarn }

// FreshnessCheck bounds the age of the latest value of a column, at the time of the check.
type FreshnessCheck struct {
	// Column is one of dates or timestamps, and MaxAge how old its latest value may be, such as 36h or 7d. Required.
	Column string `yaml:"column"`
	MaxAge Span   `yaml:"max_age"`
}

// ComparePreviousCheck bounds the change of the number of rows, as a part of the number before.
type ComparePreviousCheck struct {
	// MaxChange is the part, such as 0.3, by which the number may be more or less. Required.
	MaxChange Ratio `yaml:"max_change"`
}

// Ratio is a part of a whole, from 0 to 1, or more where a change is meant.
type Ratio float64

// UnmarshalText reads a number as a configuration gives it.
func (r *Ratio) UnmarshalText(text []byte) error {
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return fmt.Errorf("must be a number such as 0.01, not %s", words.Shorten(string(text)))
	}
	*r = Ratio(value)
	return nil
}

// SourceConfig is a part of the lake.
type SourceConfig struct {
	// URI holds the globs of the Parquet files, or the folder of a table, absolute or remote: at least
	// one, none twice. Required, unless there is a catalog. Characters of the configuration's own folder that would mean
	// something in a glob are escaped.
	URI Globs `yaml:"uri"`

	// Format says what the files are. Default: auto.
	Format SourceFormat `yaml:"format"`

	// Version says which version is read, where the files are a table of a table format. Default: latest.
	Version TableVersion `yaml:"version"`

	// Catalog names an Iceberg table instead of URI. Default: none.
	Catalog *CatalogConfig `yaml:"catalog"`

	// Partitions says whether folders named key=value become columns. Default: auto.
	Partitions Partitions `yaml:"partitions"`

	// Select names the columns to load, in this order, none twice. Empty (the default): all.
	Select []string `yaml:"select"`

	// Nested says what becomes of lists, structs and maps. Default: they are refused.
	Nested convert.Nested `yaml:"nested"`

	// Where is a CEL expression over the columns: rows for which it is not true are left
	// out. Empty (the default): none are.
	Where string `yaml:"where"`

	// OnDrift says what becomes of files whose columns differ. Default: fail.
	OnDrift OnDrift `yaml:"on_drift"`

	// Bases are the folders, one for each of URI, below which folders count as partitions:
	// the part of a path that the user did not write does not.
	Bases []string `json:"-"`
}

// ColumnConfig is what to do with one column. The zero value is nothing.
type ColumnConfig struct {
	// Type is the SQL type to store, as Hyper names it. Values that do not convert are
	// rejects. Empty (the default): the type that stores the source's values as they are.
	Type string `yaml:"type"`

	// Rename is the column's name in the extract. Default: that in the source.
	Rename string `yaml:"rename"`

	// Default fills NULLs, before rules. It is written as text of the type.
	Default *string `yaml:"default"`

	// Nullable, when false, refuses NULLs, by a rule, and makes the column NOT NULL; when
	// true, the column is not NOT NULL even where the files say that there are no NULLs.
	Nullable *bool `yaml:"nullable"`

	// Nested is what becomes of this list, struct or map. Default: source.nested.
	Nested convert.Nested `yaml:"nested"`

	// Format is how dates and times are written as text. Default: ISO 8601.
	Format string `yaml:"format"`

	// Timezone is the zone, by its IANA name, of dates and times that name none.
	Timezone string `yaml:"timezone"`
}

// OnDrift says what becomes of files whose columns differ.
type OnDrift string

// What becomes of files whose columns differ.
const (
	OnDriftFail  OnDrift = "fail"  // the plan is refused
	OnDriftUnion OnDrift = "union" // types widen without loss, missing columns are NULL
)

// UnmarshalText reads the word as a configuration gives it.
func (o *OnDrift) UnmarshalText(text []byte) error {
	return words.OneOf(o, text, OnDriftFail, OnDriftUnion)
}

// Globs is one or more glob patterns. In a configuration, one alone need not be a list.
type Globs []string

// Where says where the value of a key was written, as "FILE:LINE:COLUMN" or as the flag
// that set it, for errors that are found later than [Load] finds them. The key is a path
// such as tables[0].source.select[2]. For a value that was not written (a default) it is
// the place of the nearest key around it; for a Config that Load did not make it is empty.
func (c *Config) Where(key string) string {
	if len(c.places) == 0 {
		return ""
	}
	return c.Place(key).String()
}

// Place is where a key was written: its value, else the nearest mapping or list around it.
func (c *Config) Place(key string) strictyaml.Place {
	for {
		if at, ok := c.places[key]; ok {
			return at
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
}

// Problem is a failure of kind Config that names the place of a key, before any data is read.
func (c *Config) Problem(key, format string, args ...any) error {
	return strictyaml.KeyProblem(c.Place(key), key, format, args...)
}

// IsSound says whether nothing is wrong with keys, in them or around them, as far as that is known: what is said of sound values
// does not follow from something else that is wrong.
func (c *Config) IsSound(keys ...string) bool {
	holds := func(outer, inner string) bool {
		rest, ok := strings.CutPrefix(inner, outer)
		return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
	}
	return !slices.ContainsFunc(c.broken, func(broken string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return holds(broken, key) || holds(key, broken) })
	})
}

// Written says whether the configuration gives a value to a key, be it an empty one.
func (c *Config) Written(key string) bool {
	_, ok := c.places[key]
	return ok
}

// OnEmpty says what becomes of a run without rows.
type OnEmpty string

// What becomes of a run without rows.
const (
	OnEmptyFail  OnEmpty = "fail"  // it fails
	OnEmptyAllow OnEmpty = "allow" // the extract has an empty table
)

// UnmarshalText reads the word as a configuration gives it.
func (o *OnEmpty) UnmarshalText(text []byte) error {
	return words.OneOf(o, text, OnEmptyFail, OnEmptyAllow)
}

// ValidateConfig is how rules are evaluated.
type ValidateConfig struct {
	// Engine is auto (the default): hyperd reads and filters the files of which it makes
	// exactly what this program would. Or go: all rows pass through this program.
	Engine ValidateEngine `yaml:"engine"`
}

// ValidateEngine says who evaluates rules.
type ValidateEngine string

// The engines.
const (
	ValidateAuto ValidateEngine = "auto"
	ValidateGo   ValidateEngine = "go"
)

// UnmarshalText reads the word as a configuration gives it.
func (e *ValidateEngine) UnmarshalText(text []byte) error {
	return words.OneOf(e, text, ValidateAuto, ValidateGo)
}

// Parallelism is a number of workers, or ParallelismAuto.
type Parallelism int

// ParallelismAuto leaves the number of workers to the engine.
const ParallelismAuto Parallelism = 0

const maxParallelism = 10_000

// UnmarshalText reads a number of workers as a configuration gives it.
func (p *Parallelism) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*p = ParallelismAuto
		return nil
	}
	workers, err := strconv.Atoi(string(text))
	if err != nil || workers < 1 || workers > maxParallelism {
		return fmt.Errorf("must be auto or a number of workers from 1 to %d, not %s", maxParallelism, words.Shorten(string(text)))
	}
	*p = Parallelism(workers)
	return nil
}
