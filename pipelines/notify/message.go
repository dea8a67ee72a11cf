package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/transforms/validate"
)

const (
	// messageVersion is that of the layout of a Message. Keys may be added to it, never renamed.
	messageVersion = 1

	// maxText is how many characters title and text have at most, together with what a format adds.
	maxText = 3000

	// maxPart is how many characters one part of a text has at most, such as what an error says.
	maxPart = 1000

	// maxName is how many characters a name has at most, or one problem of several.
	maxName = 200

	// maxRules is how many rules, and how many problems, are named at most.
	maxRules = 10

	// commandIngest is the command that brings entries into the lake, and builds nothing.
	commandIngest = "ingest"
)

// Message is what is told of a run, as JSON: by webhooks of the format plain, and on the stdin of commands. Title and Text say all
// of it in words. No value of a row is in it.
type Message struct {
	Version  int           `json:"version"`
	Event    string        `json:"event"`  // as a configuration names it, or test
	Title    string        `json:"title"`  // a line
	Text     string        `json:"text"`   // lines
	Status   report.Status `json:"status"` // as in the report
	ExitCode int           `json:"exit_code"`
	Name     string        `json:"name"`    // of the configuration
	Command  string        `json:"command"` // run, generate, publish or ingest
	Host     string        `json:"host"`    // on which it ran
	RunID    string        `json:"run_id"`  // empty of a run that did not begin
	Started  time.Time     `json:"started"`
	Seconds  float64       `json:"seconds"`
	Output   string        `json:"output"` // the path of the extract, as far as it is known

	// RowsLoaded and RowsRejected are known of runs that counted every row.
	RowsLoaded   *int64        `json:"rows_loaded,omitempty"`
	RowsRejected *int64        `json:"rows_rejected,omitempty"`
	Rejects      []RuleRejects `json:"rejects,omitempty"` // by rule, of up to ten rules

	// Ingest is what was brought into the lake, or was to be, of up to ten entries.
	Ingest []Ingested `json:"ingest,omitempty"`

	// UnitsChanged of Units were made anew, where the configuration has only those made anew that changed.
	UnitsChanged *int `json:"units_changed,omitempty"`
	Units        *int `json:"units,omitempty"`

	Warnings int           `json:"warnings"`        // how many are in the report
	Error    *report.Error `json:"error,omitempty"` // nil after exit code 0

	// FailingSince is when the first of the runs began that failed before this one, which did not.
	FailingSince time.Time `json:"failing_since,omitzero"`

	Report  string `json:"report"`  // where the report is; empty if it is not kept
	History string `json:"history"` // the command line that shows the runs

	refresh *report.RefreshAccount
	publish *report.Publishing
	rejects []string // the folders that hold them
	aside   int64    // rows that were rejected, of tables and of what was ingested

	ingestOnly bool // no extract was to be made
}

// Ingested is what became of the rows of an entry.
type Ingested struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"` // that fit
	Rejected int64  `json:"rejected"`
	Failed   bool   `json:"failed,omitempty"` // its folder stays as it was
}

// RuleRejects is how many rows broke a rule.
type RuleRejects struct {
	Table string `json:"table"` // or "ingest" and the name of an entry
	Rule  string `json:"rule"`
	Rows  int64  `json:"rows"`
}

// message is what is known of a run that has ended, without its words.
func (n *Notifier) message(o Outcome) Message {
	m := Message{
		Version: messageVersion, Status: report.Succeeded, ExitCode: o.ExitCode,
		Name: clean(n.told.Name), Command: n.command, Host: clean(hostName()), Started: n.started.UTC(),
		Seconds: time.Since(n.started).Seconds(), History: clean(o.History), ingestOnly: n.command == commandIngest,
	}
	if r := o.Report; r != nil {
		m.addReport(r)
	}
	if f := o.Failure; f != nil {
		m.Error = &report.Error{Kind: f.Kind, Message: clean(f.Message), Hint: clean(f.Hint)}
		for _, other := range f.More[:min(len(f.More), maxRules)] {
			m.Error.More = append(m.Error.More, bounded(clean(other.Sentence()), maxName))
		}
		if o.Report == nil || o.Report.Error == nil {
			m.Status = report.Failed
		}
		if f.Kind == failure.Interrupted {
			m.Status = report.Interrupted
		}
	}
	return m
}

// addReport takes over what the report of the run says.
func (m *Message) addReport(r *report.Report) {
	m.Status, m.RunID, m.Output, m.Warnings = r.Status, r.RunID, clean(r.Output.Path), len(r.Warnings)
	m.refresh, m.publish, m.aside = r.Refresh, r.Publish, r.RowsRejected()+r.IngestRejected()
	m.addIngest(r)
	if m.ingestOnly = m.ingestOnly || r.IngestOnly; m.ingestOnly {
		m.Output = ""
		return
	}
	if r.Complete || r.Status == report.Succeeded || r.Status == report.Unchanged {
		loaded, rejected := r.RowsLoaded(), r.RowsRejected()
		m.RowsLoaded, m.RowsRejected = &loaded, &rejected
	}
	if r.Refresh != nil {
		m.UnitsChanged, m.Units = &r.Refresh.UnitsChanged, &r.Refresh.Units
	}
	for _, table := range r.Tables {
		if table.RejectsPath != "" && table.RowsRejected > 0 {
			m.rejects = append(m.rejects, clean(table.RejectsPath))
		}
		for _, rule := range table.Rules {
			if rule.Failed > 0 && rule.OnFail == string(validate.Reject) && len(m.Rejects) < maxRules {
				m.Rejects = append(m.Rejects, RuleRejects{
					bounded(clean(table.Schema+"."+table.Name), maxName), bounded(clean(rule.Name), maxName), rule.Failed,
				})
			}
		}
	}
}

// addIngest takes over what was brought into the lake.
func (m *Message) addIngest(r *report.Report) {
	for _, entry := range r.Ingest {
		name := bounded(clean(entry.Name), maxName)
		if len(m.Ingest) < maxRules {
			m.Ingest = append(m.Ingest, Ingested{name, entry.Rows, entry.Rejected, entry.Failed})
		}
		if entry.RejectsPath != "" && entry.Rejected > 0 {
			m.rejects = append(m.rejects, clean(entry.RejectsPath))
		}
		for _, rule := range entry.Rules {
			said := rule.Rule
			if rule.Column != "" {
				said = rule.Column + ": " + rule.Rule
			}
			if len(m.Rejects) < maxRules {
				m.Rejects = append(m.Rejects, RuleRejects{"ingest " + name, bounded(clean(said), maxName), rule.Rows})
			}
		}
	}
}

// write puts all of it into words, for an event.
func (m *Message) write(event config.NotifyEvent) {
	m.Event, m.Title = string(event), m.title(event)
	lines := []string{m.happened(event)}
	if m.Error != nil {
		if m.Error.Hint != "" {
			lines = append(lines, "Next: "+m.Error.Hint)
		}
		lines = append(lines, m.Error.More...)
	}
	for _, entry := range m.Ingest {
		text := "Ingested: %s: %s, %s rejected"
		if entry.Failed {
			text = "Not ingested: %s: %s, %s rejected; its folder stays as it was"
		}
		lines = append(lines, fmt.Sprintf(text, entry.Name, words.Count(entry.Rows, "row"), humanize.Comma(entry.Rejected)))
	}
	if m.RowsLoaded != nil {
		text := "Rows: %s loaded, %s rejected"
		if m.Error != nil && !m.Status.HasExtract() {
			text = "Rows: %s good, %s rejected; what stood at the output stays"
		}
		lines = append(lines, fmt.Sprintf(text, humanize.Comma(*m.RowsLoaded), humanize.Comma(*m.RowsRejected)))
	}
	for _, broken := range m.Rejects {
		lines = append(lines, fmt.Sprintf("- %s of %s broke %q", words.Count(broken.Rows, "row"), broken.Table, broken.Rule))
	}
	for _, folder := range m.rejects {
		lines = append(lines, "Rejects: "+folder)
	}
	lines = append(lines, m.changed()...)
	if m.Warnings > 0 {
		lines = append(lines, fmt.Sprintf("Warnings: %d, in the report", m.Warnings))
	}
	if m.Output != "" {
		lines = append(lines, "Output: "+m.Output)
	}
	place := bounded(m.place(), maxText/2)
	m.Text = bounded(strings.Join(lines, "\n"), maxText-utf8.RuneCountInString(m.Title+place)-2) + "\n" + place
}

// title is the line that people see first.
func (m *Message) title(event config.NotifyEvent) string {
	what := "succeeded"
	switch event {
	case config.NotifyRecovered:
		what = "recovered"
	case config.NotifyUnchanged:
		what = "found nothing changed"
	case config.NotifyRejects:
		what = "succeeded with " + words.Count(m.aside, "reject")
	case config.NotifyFailure:
		what = m.failed()
	}
	return bounded(fmt.Sprintf("%s %s (%s on %s)", m.Name, what, m.Command, m.Host), maxPart)
}

// failed is how a run failed, in a few words.
func (m *Message) failed() string {
	var kind failure.Kind
	if m.Error != nil {
		kind = m.Error.Kind
	}
	switch {
	case kind == failure.Locked && m.ingestOnly:
		return "did not run, because another run has the lock of a folder"
	case kind == failure.Locked:
		return "did not run, because another run has the lock of the output"
	case m.Status == report.Interrupted:
		return "was interrupted"
	case m.Status == report.Rejected:
		return "failed: the data was refused"
	case m.Status == report.Unpublished:
		return "made the extract, but did not publish it"
	case m.RunID == "":
		return "failed before it began"
	}
	return "failed"
}

// happened is a sentence that says what became of the run.
func (m *Message) happened(event config.NotifyEvent) string {
	if m.Error != nil {
		return m.Error.Message
	}
	text := "The extract is in place."
	switch {
	case m.ingestOnly:
		text = "The lake has what the configuration brings into it."
	case m.Status == report.Unchanged:
		text = "Nothing changed: the extract stays."
	case m.publish != nil && m.Command == "publish":
		text = "The extract was sent."
	}
	if event == config.NotifyRecovered && !m.FailingSince.IsZero() {
		text += " Runs had failed since " + m.FailingSince.UTC().Format("2006-01-02 15:04 MST") + "."
	}
	return text
}

// changed says what was made anew, and what became of data sources.
func (m *Message) changed() []string {
	var lines []string
	switch r := m.refresh; {
	case r == nil || r.Mode == report.RefreshUnchanged || !m.Status.HasExtract():
	case r.Mode == report.RefreshChanged:
		lines = append(lines, fmt.Sprintf("Changed: %s of %s", humanize.Comma(int64(r.UnitsChanged)), words.Count(int64(r.Units), "unit")))
	default:
		lines = append(lines, "Changed: everything was made anew: "+clean(r.Reason))
	}
	if m.refresh != nil && m.refresh.Before != nil && m.RowsLoaded != nil && m.Status.HasExtract() {
		lines = append(lines, fmt.Sprintf("Before: %s", words.Count(m.refresh.Before.RowsLoaded, "row")))
	}
	if m.publish != nil {
		for _, source := range append([]*report.Publishing{m.publish}, m.publish.Others...) {
			lines = append(lines, fmt.Sprintf("Data source: %s: %s", clean(source.Datasource), cmp.Or(source.Outcome, "failed")))
		}
	}
	return lines
}

// place says where to look on.
func (m *Message) place() string {
	text := fmt.Sprintf("Host: %s; took %.1f s", m.Host, m.Seconds)
	if m.RunID != "" {
		text += "; run " + m.RunID
	}
	if m.Report != "" {
		text += "\nReport: " + clean(m.Report)
	}
	if m.History != "" {
		text += "\nRuns: " + m.History
	}
	return text
}

// clean is a text on one line, without what a screen obeys, and not too long.
func clean(text string) string {
	return bounded(words.Printable(words.OneLine(text), ""), maxPart)
}

// bounded is a text of so many characters at most.
func bounded(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:max(most-1, 0)]) + "…"
	}
	return text
}

// encode writes a value as JSON, with < and > as they are.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}
