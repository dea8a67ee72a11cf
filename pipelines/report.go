package pipelines

import (
	"time"

	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
)

// reportVersion is the version of the report's layout. Keys may be added to it, never renamed.
const reportVersion = 1

// Status is the outcome of a run.
type Status string

// The outcomes of a run.
const (
	Succeeded   Status = "succeeded"
	Rejected    Status = "rejected" // the data broke a rule, check or threshold
	Failed      Status = "failed"
	Unpublished Status = "unpublished" // the extract is in place, but publishing it failed
	Interrupted Status = "interrupted"
)

// Report is the record of a run.
type Report struct {
	Version       int          `json:"version"`
	RunID         string       `json:"run_id"`
	Name          string       `json:"name"`
	Status        Status       `json:"status"`
	Started       time.Time    `json:"started"`
	Finished      time.Time    `json:"finished"`
	Runner        string       `json:"runner"`
	HyperdVersion string       `json:"hyperd_version"`
	Output        ReportOutput `json:"output"`

	// Outputs are the extracts of a table that is split by a column, or of partials that are
	// not merged, as far as they are in place. Output then has the path that their names are made of, and the sum of their bytes.
	Outputs []ReportExtract `json:"outputs,omitempty"`

	Tables   []ReportTable `json:"tables"`
	Shards   int           `json:"shards"`
	Partials int           `json:"partials"`
	Complete bool          `json:"complete"` // every row was read; else the counts are partial
	Stages   []ReportStage `json:"stages"`
	Warnings []string      `json:"warnings,omitempty"`
	Error    *ReportError  `json:"error,omitempty"`

	// Reused is what an earlier run had finished of this one, and Resumable what this one
	// leaves to another.
	Reused    *ReportPart `json:"reused,omitempty"`
	Resumable *ReportPart `json:"resumable,omitempty"`

	// Engine is what the engine knows of the jobs of the run; nil where it is this process.
	Engine *ReportEngine `json:"engine,omitempty"`

	// Publish is what became of the data source; nil if publishing was not tried.
	Publish *ReportPublish `json:"publish,omitempty"`
}

// ReportEngine is a run as its engine knows it.
type ReportEngine struct {
	JobID    string          `json:"job_id"`             // of the last job
	Attempts []ReportAttempt `json:"attempts,omitempty"` // at all jobs, in order
}

// ReportAttempt is one try of the engine.
type ReportAttempt struct {
	JobID  string    `json:"job_id"`
	Ended  time.Time `json:"ended"`
	Reason string    `json:"reason,omitempty"` // why it failed; empty for one that did not
}

// ReportOutput is the extract. Only its path is known before it is in place.
type ReportOutput struct {
	Path          string        `json:"path"`
	Bytes         int64         `json:"bytes"`
	SHA256        string        `json:"sha256"`
	FormatVersion hyper.Version `json:"format_version"`
}

// ReportTable is the account of one table.
type ReportTable struct {
	Schema       string       `json:"schema"`
	Name         string       `json:"name"`
	Files        int          `json:"files"`
	RowGroups    int          `json:"row_groups"`
	BytesIn      int64        `json:"bytes_in"`
	RowsInFiles  int64        `json:"rows_in_files"`
	RowsPruned   int64        `json:"rows_pruned"`
	RowsRead     int64        `json:"rows_read"`
	RowsFiltered int64        `json:"rows_filtered"`
	RowsRejected int64        `json:"rows_rejected"`
	RowsLoaded   int64        `json:"rows_loaded"`
	Rules        []ReportRule `json:"rules"`

	// RejectsPath is the folder of the reject files, Samples are up to three rejects of
	// every rule, and Thresholds is what was allowed; empty without them.
	RejectsPath string           `json:"rejects_path,omitempty"`
	Samples     []ReportSample   `json:"samples,omitempty"`
	Thresholds  *ReportThreshold `json:"thresholds,omitempty"`

	Checks  []CheckResult  `json:"checks"`
	Columns []ReportColumn `json:"columns,omitempty"`
}

// ReportSample is a rejected row.
type ReportSample struct {
	Rule     string `json:"rule"`
	File     string `json:"file"`
	RowGroup int    `json:"row_group"`
	Row      int64  `json:"row"`              // 0-based in the file
	Reason   string `json:"reason,omitempty"` // holds values of the row: only where they may be shown
}

// ReportThreshold is how many rows may be rejected.
type ReportThreshold struct {
	MaxRows  *int   `json:"max_rows,omitempty"`
	MaxRatio *Ratio `json:"max_ratio,omitempty"`
}

// ReportRule says how many rows broke a rule. The rules that the types call for are
// listed only when a row broke them.
type ReportRule struct {
	Name   string `json:"name"`
	Failed int64  `json:"failed"`
	OnFail string `json:"on_fail"`
}

// ReportStage is a timed part of the run.
type ReportStage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
}

// ReportError is why a run did not succeed.
type ReportError struct {
	Kind    failure.Kind `json:"kind"`
	Message string       `json:"message"`
	Hint    string       `json:"hint"`

	// More is what else was wrong at the same time, with its hint.
	More []string `json:"more,omitempty"`
}

func newReport(cfg *Config, options RunOptions) *Report {
	return &Report{
		Version: reportVersion,
		RunID:   options.ID,
		Name:    cfg.Name,
		Started: time.Now().UTC(),
		Runner:  options.Engine.Name(),
		Output:  ReportOutput{Path: cfg.Output.Path},
		Tables:  []ReportTable{},
		Stages:  []ReportStage{},
	}
}

// planned notes what the footers promise.
func (r *Report) planned(plan *Plan) {
	r.Shards = plan.Shards
	r.Output.FormatVersion = plan.FormatVersion
	r.Warnings = plan.Warnings
	for _, table := range plan.Tables {
		r.Tables = append(r.Tables, ReportTable{
			Schema: table.Schema, Name: table.Name,
			Files: table.Files, RowGroups: table.RowGroups, BytesIn: table.bytesToRead(), RowsInFiles: table.Rows, RowsPruned: table.Pruned.Rows,
			Rules: []ReportRule{}, Checks: []CheckResult{},
		})
	}
}

// loaded notes what became of the rows.
func (r *Report) loaded(plan *Plan, done result) {
	r.Complete = true
	r.Partials = done.Extract.Partials
	for i, contents := range done.Extract.Tables {
		table, tally := &r.Tables[i], contents.Tally
		table.RowsRead = tally.Read
		table.RowsFiltered = tally.Filtered
		table.RowsRejected = tally.Rejected
		table.RowsLoaded = contents.Rows
		for j, rule := range plan.Tables[i].Rules {
			var failed int64
			if j < len(tally.Failed) {
				failed = tally.Failed[j]
			}
			if failed > 0 || !rule.Builtin {
				table.Rules = append(table.Rules, ReportRule{Name: rule.Name, Failed: failed, OnFail: string(rule.OnFail)})
			}
		}
		for _, s := range done.Rejects[i].Samples {
			table.Samples = append(table.Samples, ReportSample{
				Rule: plan.Tables[i].Rules[s.Rule].Name, File: s.File, RowGroup: s.RowGroup, Row: s.Row, Reason: s.Reason,
			})
		}
	}
}

// moved notes that the extract is in place.
func (r *Report) moved(extract hyper.File) {
	r.Output.Bytes, r.Output.SHA256 = extract.Bytes, extract.SHA256
}

func (r *Report) addStage(name string, took time.Duration, done work) {
	r.Stages = append(r.Stages, ReportStage{Name: name, Seconds: took.Seconds(), Rows: done.rows, Bytes: done.bytes})
}

// finish closes the report with the outcome of the run.
func (r *Report) finish(err error) {
	r.Finished = time.Now().UTC()
	failed := failure.Of(err, failure.Engine)
	if failed == nil {
		r.Status = Succeeded
		return
	}
	r.Error = &ReportError{Kind: failed.Kind, Message: failed.Message, Hint: failed.Hint}
	for _, other := range failed.More {
		r.Error.More = append(r.Error.More, other.Sentence())
	}
	switch failed.Kind {
	case failure.Data, failure.Check:
		r.Status = Rejected
	case failure.Interrupted:
		r.Status = Interrupted
	case failure.Publish:
		r.Status = Failed
		if r.Output.SHA256 != "" || len(r.Outputs) > 0 { // the extract is in place
			r.Status = Unpublished
		}
	default:
		r.Status = Failed
	}
}

func (r *Report) rowsLoaded() int64 {
	var rows int64
	for _, table := range r.Tables {
		rows += table.RowsLoaded
	}
	return rows
}

func (r *Report) bytesIn() int64 {
	var bytes int64
	for _, table := range r.Tables {
		bytes += table.BytesIn
	}
	return bytes
}
