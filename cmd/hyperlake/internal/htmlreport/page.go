package htmlreport

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
)

//go:embed page
var pageFiles embed.FS

// mostUnfolded is how many columns a table may have for them to be unfolded at first.
const mostUnfolded = 40

// HTML renders a report as one page. It refers to nothing outside of itself and holds no
// scripts. It fails only by a defect of its template.
func HTML(report *Report) ([]byte, error) {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"count":   count,
		"size":    size,
		"share":   Share,
		"seconds": Seconds,
		"rate":    rate,
		"length":  length,
		"clip":    clip,
		"nouns":   nouns,
		"moment":  moment,
	}).ParseFS(pageFiles, "page/*")
	if err != nil {
		return nil, fmt.Errorf("the template of the page: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, newView(report)); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return bytes.Map(harmless, out.Bytes()), nil
}

// harmless replaces characters that no page may hold, and those that would make the text
// read otherwise than it is: the controls of direction.
func harmless(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return unicode.ReplacementChar
	}
	return r
}

// view is what the template sees.
type view struct {
	*Report
	Sections []section
	Rejected *int64
	Loaded   *int64
	Read     *int64
}

// section is a table with what was computed about it.
type section struct {
	*Table
	Number  int // from 1
	Account Account
	Limits  []Limit
}

func newView(report *Report) view {
	v := view{Report: report}
	if report.Counted() {
		v.Read = report.Total(func(t *Table) *int64 { return t.RowsRead })
		v.Rejected = report.Total(func(t *Table) *int64 { return t.RowsRejected })
		v.Loaded = report.Total(func(t *Table) *int64 { return t.RowsLoaded })
	}
	for i := range report.Tables {
		table := &report.Tables[i]
		v.Sections = append(v.Sections, section{
			Table: table, Number: i + 1, Account: table.Account(report.Counted()), Limits: table.Limits(report.Counted()),
		})
	}
	return v
}

// Figure is a number that stands large at the top of a page.
type Figure struct {
	Label, Text, More string
}

// Figures are what stands at the output, and what the run did.
func (v view) Figures() []Figure {
	rows := Figure{"Rows in the extract", count(v.Loaded), ""}
	extract := Figure{"Extract size", size(v.Output.Bytes), ""}
	switch before := v.Before(); {
	case !v.HasDelivered() && before == nil:
		rows.Text, extract.Text = unknown, unknown
	case !v.HasDelivered():
		rows = Figure{"Rows in the extract that stays", count(before.RowsLoaded), ""}
		extract = Figure{"Its size", size(before.Bytes), ""}
	case before != nil:
		rows.More = changeOfRows(before.RowsLoaded, v.Loaded)
	}
	took := Figure{"Duration", unknown, ""}
	if seconds := v.Seconds(); seconds > 0 {
		took.Text = Seconds(seconds)
	}
	if v.IngestOnly {
		aside := v.ingestRejected()
		return []Figure{
			{"Rows in the lake", count(v.Ingested(func(i Ingest) *int64 { return i.Rows })), ""}, {"Rows rejected", count(&aside), ""},
			{"Size in the lake", size(v.Ingested(func(i Ingest) *int64 { return i.Bytes })), ""}, took,
		}
	}
	return []Figure{rows, {"Rows rejected", count(v.Rejected), Share(v.Rejected, v.Read)}, extract, took}
}

// changeOfRows is by how many rows an extract grew; empty for none.
func changeOfRows(before, now *int64) string {
	if text, _, _ := strings.Cut(change(before, now, humanize.Comma), " ("); text != "none" {
		return text
	}
	return ""
}

// RuleBars are the rules of a table with bars that compare them with each other.
func (s section) RuleBars() []RuleBar {
	var most int64
	for _, rule := range s.Rules {
		most = max(most, value(rule.Failed))
	}
	bars := make([]RuleBar, len(s.Rules))
	for i, rule := range s.Rules {
		bars[i] = RuleBar{rule, Bar{Width: percentOf(float64(value(rule.Failed)), float64(most))}}
	}
	return bars
}

// RuleBar is a rule with its bar.
type RuleBar struct {
	Rule
	Bar
}

// FewColumns says whether the columns are so few that they need not be folded.
func (s section) FewColumns() bool { return len(s.Columns) <= mostUnfolded }

// HasReasons says whether the samples say what was wrong with a row.
func (s section) HasReasons() bool {
	return slices.ContainsFunc(s.Samples, func(sample Sample) bool { return sample.Reason != "" })
}

// HasForms says whether the samples say what values look like.
func (t *Table) HasForms() bool {
	return slices.ContainsFunc(t.Samples, func(sample Sample) bool { return sample.Form != "" })
}

// HasForms says whether a rule or check that a page puts first does.
func (r *Report) HasForms() bool {
	return slices.ContainsFunc(r.FewBroken(), func(b Broken) bool { return len(b.Forms) > 0 })
}

// Heads says whether the columns are those of the rows: a report names the columns of the
// table, and may leave that out.
func (s section) Heads(rows [][]*Value) bool {
	return !slices.ContainsFunc(rows, func(row []*Value) bool { return len(row) != len(s.Columns) })
}

// DistinctRows is for how many rows the numbers of distinct values are estimates; nil where they are counted.
func (s section) DistinctRows() *int64 {
	if len(s.Columns) == 0 || isZero(s.Columns[0].DistinctRows) {
		return nil
	}
	return s.Columns[0].DistinctRows
}

// moment writes a point of time for people.
func moment(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }
