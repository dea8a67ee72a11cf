package htmlreport

import (
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/words"
)

// Refresh is what of the extract a run made anew.
type Refresh struct {
	Mode         string `json:"mode"` // full, changed or unchanged
	Reason       string `json:"reason"`
	UnitsChanged *int64 `json:"units_changed"`
	Units        *int64 `json:"units"`
	RowsRead     *int64 `json:"rows_read"`
	BytesRead    *int64 `json:"bytes_read"`

	Extracts *Extracts `json:"extracts"` // of a table that is split by a column
	Tables   []string  `json:"tables"`   // why tables were made anew, where others were not
}

// Extracts are which of several extracts were made anew.
type Extracts struct {
	Made []string `json:"made"`
	Stay int64    `json:"stay"`
}

// Words says what was made anew.
func (r Refresh) Words() string {
	switch r.Mode {
	case "full":
		return "everything"
	case "changed":
		return "only what changed"
	case "unchanged":
		return "nothing: the extract stays"
	}
	return r.Mode
}

// Changed says how many units changed.
func (r Refresh) Changed() string {
	if r.UnitsChanged == nil || r.Units == nil {
		return unknown
	}
	return count(r.UnitsChanged) + " of " + count(r.Units)
}

// Parts says how many extracts were made anew; empty where there is only one.
func (r Refresh) Parts() string {
	if r.Extracts == nil {
		return ""
	}
	made := int64(len(r.Extracts.Made))
	return humanize.Comma(made) + " made anew, " + words.Plural(r.Extracts.Stay, "1 stays", "stay")
}

// Read says how many bytes were read.
func (r Refresh) Read() string { return readText(r.BytesRead) }

// readText is a number of bytes that were read: none is said, too.
func readText(bytes *int64) string {
	if bytes != nil && *bytes == 0 {
		return "none"
	}
	return size(bytes)
}

// Run is an earlier run in a few figures.
type Run struct {
	RunID        string        `json:"run_id"`
	Status       string        `json:"status"`
	Started      time.Time     `json:"started"`
	Seconds      *float64      `json:"seconds"`
	RowsLoaded   *int64        `json:"rows_loaded"`
	RowsRejected *int64        `json:"rows_rejected"`
	Bytes        *int64        `json:"bytes"`
	BytesRead    *int64        `json:"bytes_read"`
	Tables       []TableBefore `json:"tables"`
}

// TableBefore is a table as an earlier run left it.
type TableBefore struct {
	Schema  string   `json:"schema"`
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// HasExtract says whether a run ended with an extract at the output, of which it counted the rows.
func (r Run) HasExtract() bool {
	return slices.Contains([]string{succeeded, unpublished, unchanged}, r.Status) && r.RowsLoaded != nil
}

// Outcome is how it ended.
func (r Run) Outcome() Outcome { return (&Report{Status: r.Status}).Outcome() }

// Took is how long it took.
func (r Run) Took() string {
	if r.Seconds == nil {
		return unknown
	}
	return Seconds(*r.Seconds)
}

// itself is the run of the report, as others tell of it later.
func (r *Report) itself() Run {
	run := Run{RunID: r.RunID, Status: r.Status, Started: r.Started, Bytes: r.Output.Bytes}
	if !r.Finished.IsZero() {
		seconds := r.Seconds()
		run.Seconds = &seconds
	}
	if r.Counted() {
		run.RowsLoaded = r.Total(func(t *Table) *int64 { return t.RowsLoaded })
		run.RowsRejected = r.Total(func(t *Table) *int64 { return t.RowsRejected })
		run.BytesRead = r.Total(func(t *Table) *int64 { return t.BytesIn })
	}
	if r.Refresh != nil {
		run.BytesRead = r.Refresh.BytesRead
	}
	return run
}

// Before is the last run that ended with an extract; nil if the report knows of none.
func (r *Report) Before() *Run {
	for i := range slices.Backward(r.History) {
		if r.History[i].HasExtract() {
			return &r.History[i]
		}
	}
	return nil
}

// Compared is a figure of two runs.
type Compared struct {
	Label, Before, Now, Change string
}

// Beside puts the figures of this run beside those of the one before.
func (r *Report) Beside() []Compared {
	before, now := r.Before(), r.itself()
	if before == nil {
		return nil
	}
	loaded := "Rows loaded"
	if !r.HasDelivered() {
		loaded, now.Bytes = "Rows that would have been loaded", nil
	}
	return []Compared{
		{loaded, count(before.RowsLoaded), count(now.RowsLoaded), change(before.RowsLoaded, now.RowsLoaded, humanize.Comma)},
		{"Rows rejected", count(before.RowsRejected), count(now.RowsRejected), change(before.RowsRejected, now.RowsRejected, humanize.Comma)},
		{"Duration", before.Took(), now.Took(), changeOfSeconds(before.Seconds, now.Seconds)},
		{"Extract size", size(before.Bytes), size(now.Bytes), change(before.Bytes, now.Bytes, bytesText)},
		{"Bytes read", readText(before.BytesRead), readText(now.BytesRead), change(before.BytesRead, now.BytesRead, bytesText)},
	}
}

func bytesText(n int64) string { return humanize.Bytes(uint64(n)) }

// change is a difference with its sign and its part of what was before; empty where one is not known.
func change(before, now *int64, text func(int64) string) string {
	switch {
	case before == nil || now == nil || *before < 0 || *now < 0:
		return ""
	case *before == *now:
		return "none"
	}
	sign, difference := "+", *now-*before
	if difference < 0 {
		sign, difference = "−", -difference
	}
	words := sign + text(difference)
	if share := Share(&difference, before); share != "" && difference/10 <= *before { // more says nothing
		words += " (" + sign + share + ")"
	}
	return words
}

func changeOfSeconds(before, now *float64) string {
	switch {
	case before == nil || now == nil || *before == *now:
		return ""
	case *now < *before:
		return "−" + Seconds(*before-*now)
	}
	return "+" + Seconds(*now-*before)
}

// Turn is a table or column that came, went, or became another.
type Turn struct {
	Table, Column string
	What          string
}

// mostTurns is how many of them a page lists.
const mostTurns = 40

// Turns are the tables and columns that came or went since the run before, as far as both runs know them.
func (r *Report) Turns() []Turn {
	before := r.Before()
	if before == nil || len(before.Tables) == 0 || len(r.Tables) == 0 {
		return nil
	}
	tables := map[[2]string]TableBefore{}
	for _, table := range before.Tables {
		tables[[2]string{table.Schema, table.Name}] = table
	}
	var turns []Turn
	for _, table := range r.Tables {
		key := [2]string{table.Schema, table.Name}
		known, isKnown := tables[key]
		delete(tables, key)
		switch {
		case !isKnown:
			turns = append(turns, Turn{Table: table.Name, What: "came"})
		case len(known.Columns) > 0 && len(table.Columns) > 0:
			turns = append(turns, turnsOf(table.Name, known.Columns, table.Columns)...)
		}
	}
	for _, table := range before.Tables {
		if _, isGone := tables[[2]string{table.Schema, table.Name}]; isGone {
			turns = append(turns, Turn{Table: table.Name, What: "went"})
		}
	}
	return turns
}

// FewTurns are those that a page lists.
func (r *Report) FewTurns() []Turn {
	turns := r.Turns()
	return turns[:min(len(turns), mostTurns)]
}

// MoreTurns says how many it does not list; empty if none.
func (r *Report) MoreTurns() string {
	if more := len(r.Turns()) - mostTurns; more > 0 {
		return "and " + fmt.Sprint(more) + " more"
	}
	return ""
}

func turnsOf(table string, before, now []Column) []Turn {
	types := map[string]string{}
	for _, column := range before {
		types[column.Name] = column.SQLType
	}
	var turns []Turn
	for _, column := range now {
		switch was, isKnown := types[column.Name]; {
		case !isKnown:
			turns = append(turns, Turn{table, column.Name, "came (" + column.SQLType + ")"})
		case was != column.SQLType:
			turns = append(turns, Turn{table, column.Name, fmt.Sprintf("is %s, was %s", column.SQLType, was)})
		}
		delete(types, column.Name)
	}
	for _, column := range before {
		if _, isGone := types[column.Name]; isGone {
			turns = append(turns, Turn{table, column.Name, "went (was " + column.SQLType + ")"})
		}
	}
	return turns
}
