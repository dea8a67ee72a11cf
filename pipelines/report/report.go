package report

import (
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
)

// Version is the version of the report's layout. Keys may be added to it, never renamed.
const Version = 1

// Status is the outcome of a run.
type Status string

// The outcomes of a run.
const (
	Succeeded   Status = "succeeded"   // and published, if that was to be
	Rejected    Status = "rejected"    // the data broke a rule, check or threshold
	Failed      Status = "failed"      // for any other reason; see error
	Unpublished Status = "unpublished" // the extract is in place, but publishing it failed
	Interrupted Status = "interrupted" // by a signal
	Running     Status = "running"     // it has not ended yet
	Lost        Status = "lost"        // it ended without a word: its process was killed, or its machine
	Unchanged   Status = "unchanged"   // the extract that stood there is the one that would have been made
)

// Report is the record of a run.
type Report struct {
	Version       int       `json:"version"`          // of this layout
	RunID         string    `json:"run_id"`           // names the run: the time of its start, and what is random
	Name          string    `json:"name"`             // of the configuration
	Status        Status    `json:"status"`           // how it ended
	Started       time.Time `json:"started"`          // in UTC
	Finished      time.Time `json:"finished"`         // in UTC; zero as long as it runs
	Runner        string    `json:"runner,omitempty"` // empty where an extract is published that stands there
	HyperdVersion string    `json:"hyperd_version"`   // empty where none was started
	Output        Output    `json:"output"`           // the extract

	// Configuration is its file, Host the name of the machine that ran it, HyperlakeVersion that of the program there; each is
	// empty where it is not known.
	Configuration    string `json:"configuration,omitempty"`
	Host             string `json:"host,omitempty"`
	HyperlakeVersion string `json:"hyperlake_version,omitempty"`

	// Outputs are the extracts of a table that is split by a column, or of partials that are
	// not merged, as far as they are in place. Output then has the path that their names are made of, and the sum of their bytes.
	Outputs []Extract `json:"outputs,omitempty"`

	// Ingest is what was brought into the lake first, in the order of the configuration. IngestOnly says that no extract was to be made
	// after it, so that Output and Tables are empty.
	Ingest     []IngestAccount `json:"ingest,omitempty"`
	IngestOnly bool            `json:"ingest_only,omitempty"`

	Tables   []TableAccount `json:"tables"`             // in the order of the configuration
	Shards   int            `json:"shards"`             // into how many parts the work was divided
	Partials int            `json:"partials"`           // how many extracts of parts were merged
	Complete bool           `json:"complete"`           // every row was read; else the counts are partial
	Stages   []Stage        `json:"stages"`             // in the order in which they began
	Warnings []string       `json:"warnings,omitempty"` // what somebody should look at, in words
	Error    *Error         `json:"error,omitempty"`    // why it did not succeed

	// Refresh is what of the extract was made anew; nil where the configuration has all of it made by every run.
	Refresh *RefreshAccount `json:"refresh,omitempty"`

	// History is the last runs before this one, up to 30, the newest last. Reports that are kept in the state have none.
	History []RunSummary `json:"history,omitempty"`

	// Reused is what an earlier run had finished of this one, and Resumable what this one
	// leaves to another.
	Reused    *Part `json:"reused,omitempty"`
	Resumable *Part `json:"resumable,omitempty"`

	// Engine is what the engine knows of the jobs of the run; nil where it is this process.
	Engine *Engine `json:"engine,omitempty"`

	// Publish is what became of the data source; nil if publishing was not tried.
	Publish *Publishing `json:"publish,omitempty"`
}

// RefreshMode says what of an extract a run made anew.
type RefreshMode string

// The modes.
const (
	RefreshFull      RefreshMode = "full"      // all of it
	RefreshChanged   RefreshMode = "changed"   // the units that changed
	RefreshUnchanged RefreshMode = "unchanged" // nothing
)

// RefreshAccount is what a run made anew.
type RefreshAccount struct {
	Mode         RefreshMode `json:"mode"`             // what was made anew
	Reason       string      `json:"reason,omitempty"` // of a full build
	UnitsChanged int         `json:"units_changed"`    // those that are gone among them
	Units        int         `json:"units"`            // now
	RowsRead     int64       `json:"rows_read"`        // by this run, those included that the tables say are deleted
	BytesRead    int64       `json:"bytes_read"`       // of the columns that it read, as stored

	// Extracts are those of a table that is split by a column, where some may stay as they are; nil where there is one extract, or
	// all are made anew.
	Extracts *ExtractsRemade `json:"extracts,omitempty"`

	// Tables says why tables are made anew, where others are not.
	Tables []string `json:"tables,omitempty"`

	// RowsByUnit has the tables of which rows are counted by unit, if it has not very many units.
	RowsByUnit []TableUnits `json:"rows_by_unit,omitempty"`

	// Before is the last success, whose extract stood at the output; nil if there was none.
	Before *RunBefore `json:"before,omitempty"`
}

// ExtractsRemade says which extracts of several are made anew.
type ExtractsRemade struct {
	Made []string `json:"made"` // the values; before the run, also of those of which no row may be left
	Stay int      `json:"stay"` // how many are not touched
}

// TableUnits is the units of a table in the whole extract, sorted.
type TableUnits struct {
	Schema string     `json:"schema"` // in the extract
	Name   string     `json:"name"`   // in the extract
	Units  []UnitRows `json:"units"`  // by name
}

// UnitRows is what became of the rows of one unit.
type UnitRows struct {
	Unit         string `json:"unit"`          // a partition, else a file
	RowsLoaded   int64  `json:"rows_loaded"`   // in the extract
	RowsRejected int64  `json:"rows_rejected"` // that broke rules
}

// RunBefore is what an earlier run made.
type RunBefore struct {
	RunID        string    `json:"run_id"`        // as in its own report
	Finished     time.Time `json:"finished"`      // in UTC
	RowsLoaded   int64     `json:"rows_loaded"`   // in its extract
	RowsRejected int64     `json:"rows_rejected"` // of its extract
}

// Engine is a run as its engine knows it.
type Engine struct {
	JobID    string    `json:"job_id"`             // of the last job
	Attempts []Attempt `json:"attempts,omitempty"` // at all jobs, in order
}

// Attempt is one try of the engine.
type Attempt struct {
	JobID  string    `json:"job_id"`           // of the job that it was a try of
	Ended  time.Time `json:"ended"`            // in UTC
	Reason string    `json:"reason,omitempty"` // why it failed; empty for one that did not
}

// Output is the extract. Only its path is known before it is in place.
type Output struct {
	Path          string        `json:"path"`           // local, or on object storage
	Bytes         int64         `json:"bytes"`          // its size
	SHA256        string        `json:"sha256"`         // in hexadecimal digits
	FormatVersion hyper.Version `json:"format_version"` // of hyperd's files
}

// IngestAccount is what one entry brought into the lake, or failed to.
type IngestAccount struct {
	Name     string  `json:"name"`     // of the entry
	To       string  `json:"to"`       // the folder
	Rows     int64   `json:"rows"`     // that fit
	Rejected int64   `json:"rejected"` // rows that did not fit
	Bytes    int64   `json:"bytes"`    // of the Parquet files
	Seconds  float64 `json:"seconds"`  // that it took

	// Failed says that the folder stayed as it was: there were too many rejects, or no rows, or what the rows came to could not be put
	// into place.
	Failed bool `json:"failed,omitempty"`

	// RejectsPath is the folder of the reject files, Rules why rows were rejected, the most frequent first, and Drift what has changed
	// of the source, and was accepted.
	RejectsPath string       `json:"rejects_path,omitempty"`
	Rules       []IngestRule `json:"rules,omitempty"`
	Drift       []string     `json:"drift,omitempty"`

	Columns []IngestColumn `json:"columns,omitempty"` // in the order in which they are pinned
}

// IngestColumn is a column of what an entry brought into the lake.
type IngestColumn struct {
	Name string `json:"name"` // in the Parquet files
	Type string `json:"type"` // in SQL, as it is pinned
}

// IngestRule is how many rows were rejected for one reason.
type IngestRule struct {
	Rule   string `json:"rule"`             // such as type bigint
	Column string `json:"column,omitempty"` // empty where the row as a whole did not fit
	Rows   int64  `json:"rows"`             // that were rejected for it
}

// TableAccount is what became of the rows of one table, and what its rules and checks said.
type TableAccount struct {
	Schema string `json:"schema"` // in the extract
	Name   string `json:"name"`   // in the extract

	// Source is the version of a table that was read; nil for loose files.
	Source *TableVersion `json:"source,omitempty"`

	// Newest is when the lake was changed last that the table is made of: the newest of its files, or the version of a table.
	Newest time.Time `json:"newest,omitzero"`

	Files        int    `json:"files"`         // of the lake that belong to it
	RowGroups    int    `json:"row_groups"`    // in these files
	BytesIn      int64  `json:"bytes_in"`      // of the columns that are read, as stored
	RowsInFiles  int64  `json:"rows_in_files"` // as their footers say
	RowsPruned   int64  `json:"rows_pruned"`   // in files and row groups that need not be read
	RowsDeleted  int64  `json:"rows_deleted"`  // in files that were read, by what the table says
	RowsRead     int64  `json:"rows_read"`     // of the lake
	RowsFiltered int64  `json:"rows_filtered"` // for which where is not true
	RowsRejected int64  `json:"rows_rejected"` // that broke a rule with on_fail: reject
	RowsLoaded   int64  `json:"rows_loaded"`   // in the extract
	Rules        []Rule `json:"rules"`         // in the order of the configuration

	// RejectsPath is the folder of the reject files, Samples are up to three rejects of
	// every rule, and Thresholds is what was allowed; empty without them.
	RejectsPath string     `json:"rejects_path,omitempty"`
	Samples     []Sample   `json:"samples,omitempty"`
	Thresholds  *Threshold `json:"thresholds,omitempty"`

	Checks  []CheckResult `json:"checks"`            // in the order of the configuration
	Columns []Column      `json:"columns,omitempty"` // in the order of the extract
}

// TableVersion is one version of a table of a table format.
type TableVersion struct {
	Format    string    `json:"format"`             // delta or iceberg
	Version   string    `json:"version"`            // as the table names it
	Timestamp time.Time `json:"timestamp,omitzero"` // when it was committed
}

// Sample is a rejected row.
type Sample struct {
	Rule     string `json:"rule"`             // its name
	File     string `json:"file"`             // of the lake
	RowGroup int    `json:"row_group"`        // 0-based in the file
	Row      int64  `json:"row"`              // 0-based in the file
	Place    string `json:"place,omitempty"`  // instead of both, of what is ingested: such as line 7, page 2 or a key
	Form     string `json:"form,omitempty"`   // of the values that broke the rule: digits are 9, letters a or A
	Reason   string `json:"reason,omitempty"` // holds values of the row: only where they may be shown
}

// Threshold is how many rows may be rejected.
type Threshold struct {
	MaxRows  *int          `json:"max_rows,omitempty"`  // how many
	MaxRatio *config.Ratio `json:"max_ratio,omitempty"` // how many of those that were read
	Passed   bool          `json:"passed"`              // not more were rejected
	OnFail   string        `json:"on_fail"`             // fail or warn
}

// Rule says how many rows broke a rule. The rules that the types call for are
// listed only when a row broke them.
type Rule struct {
	Name   string `json:"name"`    // its own, or what it says
	Failed int64  `json:"failed"`  // how many rows broke it
	OnFail string `json:"on_fail"` // reject, fail or warn
}

// Stage is a timed part of the run.
type Stage struct {
	Name    string  `json:"name"`    // of the stage
	Seconds float64 `json:"seconds"` // that it took
	Rows    int64   `json:"rows"`    // that went through it
	Bytes   int64   `json:"bytes"`   // that went through it
}

// Error is why a run did not succeed.
type Error struct {
	Kind    failure.Kind `json:"kind"`    // see exit-codes.md
	Message string       `json:"message"` // what failed, and where
	Hint    string       `json:"hint"`    // what to do next

	// More is what else was wrong at the same time, with its hint.
	More []string `json:"more,omitempty"`
}

// RowsLoaded is the sum over all tables.
func (r *Report) RowsLoaded() int64 {
	var rows int64
	for _, table := range r.Tables {
		rows += table.RowsLoaded
	}
	return rows
}

// RowsRejected is the sum over all tables.
func (r *Report) RowsRejected() int64 {
	var rows int64
	for _, table := range r.Tables {
		rows += table.RowsRejected
	}
	return rows
}

// IngestRejected is the sum over all that was brought into the lake, or was to be.
func (r *Report) IngestRejected() int64 {
	_, rejected := r.Ingested()
	return rejected
}

// Ingested is how many rows were brought into the lake, and how many did not fit.
func (r *Report) Ingested() (rows, rejected int64) {
	for _, entry := range r.Ingest {
		if !entry.Failed {
			rows += entry.Rows
		}
		rejected += entry.Rejected
	}
	return rows, rejected
}

// BytesIn is the sum over all tables.
func (r *Report) BytesIn() int64 {
	var bytes int64
	for _, table := range r.Tables {
		bytes += table.BytesIn
	}
	return bytes
}

// CheckResult is what became of a check.
type CheckResult struct {
	Name   string `json:"name"`    // its own, or what it says
	Passed bool   `json:"passed"`  // false also of one that only warns
	SQL    string `json:"sql"`     // the query that hyperd was given
	OnFail string `json:"on_fail"` // fail or warn

	// Offending is how many rows break the check, where that can be said; Samples are up to
	// three of them, if values may be shown.
	Offending *int64     `json:"offending,omitempty"`
	Samples   [][]string `json:"samples,omitempty"`

	// Message says what is wrong with a check that did not pass, and what one that did could not be held against.
	Message string `json:"message,omitempty"`
}

// Column is what hyperd says about the loaded values of a column.
type Column struct {
	Name    string `json:"name"`             // in the extract
	SQLType string `json:"sql_type"`         // hyperd's
	Nulls   int64  `json:"nulls"`            // how many rows have no value
	Min     string `json:"min,omitempty"`    // the least, as text; empty where the type has no order, or without values
	Max     string `json:"max,omitempty"`    // the greatest, likewise
	Hidden  bool   `json:"hidden,omitempty"` // Min and Max are, as the configuration says

	// Distinct is how many different values there are, NULL not among them; nil where they are not counted: in tables of more than
	// 16,384 rows or 1,048,576 values, and of types that cannot be compared.
	Distinct *int64 `json:"distinct,omitempty"`

	// DistinctRows is in reports of earlier versions, whose Distinct is an estimate for this many rows.
	DistinctRows int64 `json:"distinct_rows,omitempty"`
}

// Extract is one of several extracts: of a table that is split by a column, or of
// partials that are not merged.
type Extract struct {
	Value  string `json:"value"`  // as the name of the file spells it; without a merge its number, 00001-of-00008
	Path   string `json:"path"`   // local, or on object storage
	Rows   int64  `json:"rows"`   // in it
	Bytes  int64  `json:"bytes"`  // its size
	SHA256 string `json:"sha256"` // in hexadecimal digits
}

// Publishing is what became of one data source.
type Publishing struct {
	Mode         config.PublishMode `json:"mode"`          // as configured
	DatasourceID string             `json:"datasource_id"` // Tableau's; empty as long as it is not known
	JobID        string             `json:"job_id"`        // empty without a job; of several the last
	Seconds      float64            `json:"seconds"`       // that it took

	// Outcome is published, failed, unknown, unchanged or untried; followed_up where no rows were to be sent, skipped
	// where others were changing it.
	Outcome    string `json:"outcome"`
	Server     string `json:"server"`          // its address
	Site       string `json:"site"`            // empty: the default one
	Project    string `json:"project"`         // its path
	Datasource string `json:"datasource"`      // its name
	Rows       int64  `json:"rows"`            // that were sent
	Bytes      int64  `json:"bytes"`           // sent
	Parts      int    `json:"parts,omitempty"` // of a data update, or extracts of a set, that were applied

	// Reason says why mode sync sent all rows; empty where it sent only those of the units that changed, UnitsChanged of Units.
	Reason       string `json:"reason,omitempty"`
	UnitsChanged int    `json:"units_changed,omitempty"`
	Units        int    `json:"units,omitempty"`

	// RepeatedKeys is how many rows of an update or upsert have the keys of others, beyond the first of each.
	RepeatedKeys int64 `json:"repeated_keys,omitempty"`

	// Confirmed says that the reply was lost, and that the success is known from looking.
	Confirmed bool `json:"confirmed,omitempty"`

	// RolledBackTo is the number of the revision that was published again.
	RolledBackTo int `json:"rolled_back_to,omitempty"`

	// PropertiesChanged names what was changed of what is said about the data source: description, certified,
	// certification_note, owner, tags.
	PropertiesChanged []string `json:"properties_changed,omitempty"`

	// Refreshed is what was refreshed after all data sources were published; only the first of them has it.
	Refreshed []Refresh `json:"refreshed,omitempty"`

	// Others are the other data sources of the extract.
	Others []*Publishing `json:"others,omitempty"`
}

// Refresh is something that depends on a data source, and was refreshed.
type Refresh struct {
	Kind  string `json:"kind"`   // workbook, flow or task
	Name  string `json:"name"`   // of it
	JobID string `json:"job_id"` // empty where the same was waiting for its turn already
}

// Part is what a run finished of its work, for another one to go on with.
type Part struct {
	RunID    string `json:"run_id"`           // the name of its folder on staging
	Partials int    `json:"partials"`         // that are finished
	Rows     int64  `json:"rows"`             // of the lake, that need not be read again
	Merged   bool   `json:"merged,omitempty"` // they are one extract, that need not be made again
}

// Progress is the state of a run.
type Progress struct {
	Stage     string // as in the report
	Detail    string // what it does there, or waits for, for people; may be empty
	Rows      int64
	TotalRows int64         // that the footers promise; 0 as long as they are not read
	Elapsed   time.Duration // in this stage
	Uncounted bool          // how many rows are done is not known, or not yet

	// Written is how many bytes hyperd has written, as far as its files have grown; 0 in other
	// stages than load and patch. Of files that it reads itself, it counts rows only when a statement ends.
	Written int64

	// Bytes and TotalBytes are those of a file that is hashed, copied or sent; 0 otherwise.
	Bytes, TotalBytes int64
}
