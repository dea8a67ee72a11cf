// Package htmlreport shows the report of a run to people: as one HTML page that needs
// nothing but itself. It reads the JSON that a run wrote, by its own definition and with
// every figure optional, so that reports of older versions can be shown, too; and it
// computes nothing that the report does not say, except whether the rows add up.
//
// All values of a report are data of somebody else: they are escaped, and kept from
// turning the direction of the text around them.
package htmlreport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hyperlake/internal/words"
)

// knownVersion is the newest layout of reports that this package can read.
const knownVersion = 1

// Report is what a page shows. Pointers are nil where the report does not know a figure.
type Report struct {
	Version       int       `json:"version"`
	RunID         string    `json:"run_id"`
	Name          string    `json:"name"`
	Status        string    `json:"status"`
	Started       time.Time `json:"started"`
	Finished      time.Time `json:"finished"`
	Runner        string    `json:"runner"`
	HyperdVersion string    `json:"hyperd_version"`
	Output        Output    `json:"output"`
	Outputs       []Output  `json:"outputs"` // where there are several extracts

	Configuration    string `json:"configuration"`
	Host             string `json:"host"`
	HyperlakeVersion string `json:"hyperlake_version"`

	// IngestOnly says that no extract was to be made.
	IngestOnly bool `json:"ingest_only"`

	Ingest   []Ingest `json:"ingest"` // what was brought into the lake first
	Tables   []Table  `json:"tables"`
	Shards   *int64   `json:"shards"`
	Partials *int64   `json:"partials"`
	Complete *bool    `json:"complete"` // see [Report.Counted]
	Stages   []Stage  `json:"stages"`
	Warnings []string `json:"warnings"`
	Publish  *Publish `json:"publish"`
	Error    *Error   `json:"error"`
	Refresh  *Refresh `json:"refresh"` // nil where a run makes everything anew
	History  []Run    `json:"history"` // the runs before, the newest last
}

// Publish is what became of a data source.
type Publish struct {
	Mode         string    `json:"mode"`
	Outcome      string    `json:"outcome"`
	Server       string    `json:"server"`
	Project      string    `json:"project"`
	Datasource   string    `json:"datasource"`
	DatasourceID string    `json:"datasource_id"`
	JobID        string    `json:"job_id"`
	Reason       string    `json:"reason"` // why mode sync sent all rows
	UnitsChanged int64     `json:"units_changed"`
	Units        int64     `json:"units"`
	Others       []Publish `json:"others"`
}

// Words says it in a line.
func (p Publish) Words() string {
	name := p.name()
	text := fmt.Sprintf("%s, mode %s", name, p.Mode)
	if p.Server != "" {
		text = fmt.Sprintf("%s on %s, mode %s", name, p.Server, p.Mode)
	}
	if p.JobID != "" {
		text += ", job " + p.JobID
	}
	if p.Outcome != "" {
		text += ": " + p.Outcome
	}
	switch {
	case p.Outcome != "published":
	case p.Reason != "":
		text += "; all rows were sent: " + p.Reason
	case p.Units > 0:
		text += fmt.Sprintf("; %s of %s changed", count(&p.UnitsChanged), words.Count(p.Units, "unit"))
	}
	return text
}

// Deliveries are all data sources that the run was to publish.
func (r *Report) Deliveries() []Publish {
	if r.Publish == nil {
		return nil
	}
	return append([]Publish{*r.Publish}, r.Publish.Others...)
}

// Output is the extract. Only its path is known before it is in place.
type Output struct {
	Path          string `json:"path"`
	Bytes         *int64 `json:"bytes"`
	SHA256        string `json:"sha256"`
	FormatVersion *int64 `json:"format_version"`
}

// Error is why a run did not succeed.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint"`

	More []string `json:"more"` // what else was wrong
}

// Table is what a report says of one table. Numbers that it leaves out are nil.
type Table struct {
	Schema       string     `json:"schema"`
	Name         string     `json:"name"`
	Files        *int64     `json:"files"`
	RowGroups    *int64     `json:"row_groups"`
	BytesIn      *int64     `json:"bytes_in"`
	RowsInFiles  *int64     `json:"rows_in_files"`
	RowsPruned   *int64     `json:"rows_pruned"`
	RowsDeleted  *int64     `json:"rows_deleted"` // of tables that keep track of that
	RowsRead     *int64     `json:"rows_read"`
	RowsFiltered *int64     `json:"rows_filtered"`
	RowsRejected *int64     `json:"rows_rejected"`
	RowsLoaded   *int64     `json:"rows_loaded"`
	RejectsPath  string     `json:"rejects_path"`
	Thresholds   Thresholds `json:"thresholds"`
	Rules        []Rule     `json:"rules"`
	Checks       []Check    `json:"checks"`
	Columns      []Column   `json:"columns"`
	Samples      []Sample   `json:"samples"`
}

// Thresholds are how many rows, and which part of the rows read, may be rejected.
type Thresholds struct {
	MaxRows  *int64   `json:"max_rows"`
	MaxRatio *float64 `json:"max_ratio"` // 0 to 1
	OnFail   string   `json:"on_fail"`   // fail or warn
}

// Rule says how many rows broke a rule.
type Rule struct {
	Name   string `json:"name"`
	Failed *int64 `json:"failed"`
	OnFail string `json:"on_fail"`
}

// Check is the result of a check on the finished extract.
type Check struct {
	Name      string     `json:"name"`
	Passed    bool       `json:"passed"`
	OnFail    string     `json:"on_fail"` // fail or warn
	SQL       string     `json:"sql"`
	Offending *int64     `json:"offending"` // rows; nil where the check has no such number
	Message   string     `json:"message"`
	Samples   [][]*Value `json:"samples"` // offending rows of the table
}

// Column says what was loaded into a column.
type Column struct {
	Name    string `json:"name"`
	SQLType string `json:"sql_type"`
	Nulls   *int64 `json:"nulls"`
	Min     *Value `json:"min"`
	Max     *Value `json:"max"`
	Hidden  bool   `json:"hidden"` // Min and Max are, as the configuration says

	// Distinct is how many different values there are. Where there is DistinctRows, it is an estimate for the first of so many rows.
	Distinct     *int64 `json:"distinct"`
	DistinctRows *int64 `json:"distinct_rows"`
}

// Sample is a rejected row. Its numbers count from 0.
type Sample struct {
	Rule     string `json:"rule"`
	File     string `json:"file"`
	RowGroup *int64 `json:"row_group"`
	Row      *int64 `json:"row"`
	Form     string `json:"form"`
	Reason   string `json:"reason"`
}

// Stage is a timed part of the run.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Rows    *int64  `json:"rows"`
	Bytes   *int64  `json:"bytes"`
}

// Value is a value of the data, as text: a JSON string without its quotes, other JSON as
// it is written. NULL is a nil *Value.
type Value string

// Text returns the text of a value.
func (v Value) Text() string { return string(v) }

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Value) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(v))
	}
	var text bytes.Buffer
	if err := json.Compact(&text, data); err != nil {
		return err
	}
	*v = Value(text.String())
	return nil
}

// Decode reads the JSON of a report. Errors say why it is none, or none that this version
// knows.
func Decode(data []byte) (*Report, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty")
	}
	report := &Report{}
	if err := json.Unmarshal(data, report); err != nil {
		return nil, fmt.Errorf("it is not the JSON of a report: %w", err)
	}
	switch {
	case report.Version < 1 || report.Status == "":
		return nil, errors.New("the keys version and status of a report are missing")
	case report.Version > knownVersion:
		return nil, fmt.Errorf("it has version %d, and this hyperlake knows reports up to version %d", report.Version, knownVersion)
	}
	return report, nil
}

// Counted says whether the run counted every row. If it did not, figures are partial.
func (r *Report) Counted() bool {
	if r.Complete == nil { // the first reports did not say
		return r.Status == succeeded
	}
	return *r.Complete
}

// Seconds is how long the run took, or 0 where the report does not say.
func (r *Report) Seconds() float64 {
	if r.Started.IsZero() || r.Finished.Before(r.Started) {
		return 0
	}
	return r.Finished.Sub(r.Started).Seconds()
}
