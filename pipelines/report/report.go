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
	Succeeded   Status = "succeeded"
	Rejected    Status = "rejected" // the data broke a rule, check or threshold
	Failed      Status = "failed"
	Unpublished Status = "unpublished" // the extract is in place, but publishing it failed
	Interrupted Status = "interrupted"
	Running     Status = "running"   // it has not ended yet
	Lost        Status = "lost"      // it ended without a word: its process was killed, or its machine
	Unchanged   Status = "unchanged" // the extract that stood there is the one that would have been made
)

// Report is the record of a run.
type Report struct {
	Version       int       `json:"version"`
	RunID         string    `json:"run_id"`
	Name          string    `json:"name"`
	Status        Status    `json:"status"`
	Started       time.Time `json:"started"`
	Finished      time.Time `json:"finished"`
	Runner        string    `json:"runner,omitempty"` // empty where an extract is published that stands there
	HyperdVersion string    `json:"hyperd_version"`
	Output        Output    `json:"output"`

	// Configuration is its file, Host the name of the machine that ran it, HyperlakeVersion that of the program there; each is
	// empty where it is not known.
	Configuration    string `json:"configuration,omitempty"`
	Host             string `json:"host,omitempty"`
	HyperlakeVersion string `json:"hyperlake_version,omitempty"`

	// Outputs are the extracts of a table that is split by a column, or of partials that are
	// not merged, as far as they are in place. Output then has the path that their names are made of, and the sum of their bytes.
	Outputs []Extract `json:"outputs,omitempty"`

	Tables   []TableAccount `json:"tables"`
	Shards   int            `json:"shards"`
	Partials int            `json:"partials"`
	Complete bool           `json:"complete"` // every row was read; else the counts are partial
	Stages   []Stage        `json:"stages"`
	Warnings []string       `json:"warnings,omitempty"`
	Error    *Error         `json:"error,omitempty"`

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
	RefreshFull      RefreshMode = "full"
	RefreshChanged   RefreshMode = "changed"
	RefreshUnchanged RefreshMode = "unchanged"
)

// RefreshAccount is what a run made anew.
type RefreshAccount struct {
	Mode         RefreshMode `json:"mode"`
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
	Schema string     `json:"schema"`
	Name   string     `json:"name"`
	Units  []UnitRows `json:"units"`
}

// UnitRows is what became of the rows of one unit.
type UnitRows struct {
	Unit         string `json:"unit"`
	RowsLoaded   int64  `json:"rows_loaded"`
	RowsRejected int64  `json:"rows_rejected"`
}

// RunBefore is what an earlier run made.
type RunBefore struct {
	RunID        string    `json:"run_id"`
	Finished     time.Time `json:"finished"`
	RowsLoaded   int64     `json:"rows_loaded"`
	RowsRejected int64     `json:"rows_rejected"`
}

// Engine is a run as its engine knows it.
type Engine struct {
	JobID    string    `json:"job_id"`             // of the last job
	Attempts []Attempt `json:"attempts,omitempty"` // at all jobs, in order
}

// Attempt is one try of the engine.
type Attempt struct {
	JobID  string    `json:"job_id"`
	Ended  time.Time `json:"ended"`
	Reason string    `json:"reason,omitempty"` // why it failed; empty for one that did not
}

// Output is the extract. Only its path is known before it is in place.
type Output struct {
	Path          string        `json:"path"`
	Bytes         int64         `json:"bytes"`
	SHA256        string        `json:"sha256"`
	FormatVersion hyper.Version `json:"format_version"`
}

// TableAccount is what became of the rows of one table, and what its rules and checks said.
type TableAccount struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`

	// Source is the version of a table that was read; nil for loose files.
	Source *TableVersion `json:"source,omitempty"`

	// Newest is when the lake was changed last that the table is made of: the newest of its files, or the version of a table.
	Newest time.Time `json:"newest,omitzero"`

	Files        int    `json:"files"`
	RowGroups    int    `json:"row_groups"`
	BytesIn      int64  `json:"bytes_in"`
	RowsInFiles  int64  `json:"rows_in_files"`
	RowsPruned   int64  `json:"rows_pruned"`
	RowsDeleted  int64  `json:"rows_deleted"` // in files that were read, by what the table says
	RowsRead     int64  `json:"rows_read"`
	RowsFiltered int64  `json:"rows_filtered"`
	RowsRejected int64  `json:"rows_rejected"`
	RowsLoaded   int64  `json:"rows_loaded"`
	Rules        []Rule `json:"rules"`

	// RejectsPath is the folder of the reject files, Samples are up to three rejects of
	// every rule, and Thresholds is what was allowed; empty without them.
	RejectsPath string     `json:"rejects_path,omitempty"`
	Samples     []Sample   `json:"samples,omitempty"`
	Thresholds  *Threshold `json:"thresholds,omitempty"`

	Checks  []CheckResult `json:"checks"`
	Columns []Column      `json:"columns,omitempty"`
}

// TableVersion is one version of a table of a table format.
type TableVersion struct {
	Format    string    `json:"format"`
	Version   string    `json:"version"`
	Timestamp time.Time `json:"timestamp,omitzero"`
}

// Sample is a rejected row.
type Sample struct {
	Rule     string `json:"rule"`
	File     string `json:"file"`
	RowGroup int    `json:"row_group"`
	Row      int64  `json:"row"`              // 0-based in the file
	Form     string `json:"form,omitempty"`   // of the values that broke the rule: digits are 9, letters a or A
	Reason   string `json:"reason,omitempty"` // holds values of the row: only where they may be shown
}

// Threshold is how many rows may be rejected.
type Threshold struct {
	MaxRows  *int          `json:"max_rows,omitempty"`
	MaxRatio *config.Ratio `json:"max_ratio,omitempty"`
	Passed   bool          `json:"passed"`
	OnFail   string        `json:"on_fail"` // fail or warn
}

// Rule says how many rows broke a rule. The rules that the types call for are
// listed only when a row broke them.
type Rule struct {
	Name   string `json:"name"`
	Failed int64  `json:"failed"`
	OnFail string `json:"on_fail"`
}

// Stage is a timed part of the run.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
}

// Error is why a run did not succeed.
type Error struct {
	Kind    failure.Kind `json:"kind"`
	Message string       `json:"message"`
	Hint    string       `json:"hint"`

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
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	SQL    string `json:"sql"`
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
	Name    string `json:"name"`
	SQLType string `json:"sql_type"`
	Nulls   int64  `json:"nulls"`
	Min     string `json:"min,omitempty"` // as text; empty where the type has no order, or without values
	Max     string `json:"max,omitempty"`
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
	Value  string `json:"value"` // as the name of the file spells it; without a merge its number, 00001-of-00008
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Publishing is what became of one data source.
type Publishing struct {
	Mode         config.PublishMode `json:"mode"`
	DatasourceID string             `json:"datasource_id"`
	JobID        string             `json:"job_id"` // empty without a job; of several the last
	Seconds      float64            `json:"seconds"`

	// Outcome is published, failed, unknown, unchanged or untried; followed_up where no rows were to be sent, skipped
	// where others were changing it.
	Outcome    string `json:"outcome"`
	Server     string `json:"server"`
	Site       string `json:"site"`
	Project    string `json:"project"`
	Datasource string `json:"datasource"`
	Rows       int64  `json:"rows"`
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
	Kind  string `json:"kind"` // workbook, flow or task
	Name  string `json:"name"`
	JobID string `json:"job_id"` // empty where the same was waiting for its turn already
}

// Part is what a run finished of its work, for another one to go on with.
type Part struct {
	RunID    string `json:"run_id"` // the name of its folder on staging
	Partials int    `json:"partials"`
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
	// stages than load. Of files that it reads itself, it counts rows only when a statement ends.
	Written int64

	// Bytes and TotalBytes are those of a file that is being sent; 0 in other stages.
	Bytes, TotalBytes int64
}
