package report

import "time"

// RunSummary is an earlier run in a few figures. Those that the run did not come to know are nil.
type RunSummary struct {
	RunID        string    `json:"run_id"`                  // as in its own report
	Status       Status    `json:"status"`                  // how it ended
	Started      time.Time `json:"started"`                 // in UTC
	Seconds      *float64  `json:"seconds,omitempty"`       // nil of a run that never said that it ended
	RowsLoaded   *int64    `json:"rows_loaded,omitempty"`   // as RowsRejected of runs that counted every row
	RowsRejected *int64    `json:"rows_rejected,omitempty"` // of the whole extract, also where only a part was made anew
	Bytes        int64     `json:"bytes,omitempty"`         // of the extract
	BytesRead    *int64    `json:"bytes_read,omitempty"`    // by the run

	// Tables are those of the last run that ended with an extract at the output; others of the history of a report have none.
	Tables []TableSummary `json:"tables,omitempty"`
}

// TableSummary is a table as an earlier run left it.
type TableSummary struct {
	Schema       string          `json:"schema"`            // in the extract
	Name         string          `json:"name"`              // in the extract
	RowsLoaded   int64           `json:"rows_loaded"`       // in the extract
	RowsRejected int64           `json:"rows_rejected"`     // that broke rules
	Columns      []ColumnSummary `json:"columns,omitempty"` // as far as its report has them
}

// ColumnSummary is the name and type of a column.
type ColumnSummary struct {
	Name    string `json:"name"`     // in the extract
	SQLType string `json:"sql_type"` // hyperd's
}

// HasExtract says whether a run ended with an extract at its output that holds what its figures say.
func (s Status) HasExtract() bool {
	return s == Succeeded || s == Unpublished || s == Unchanged
}
