package htmlreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/words"
)

// Verdict is what a page says first.
type Verdict struct {
	Headline string
	Mark     Mark
	Extract  string   // what stands at the output now; empty where none was to be built
	Lake     string   // what was brought into the lake first; empty if nothing was to be
	Tableau  []string // what stands in each data source
	Next     string   // what to do
}

// HasDelivered says whether the extract at the output is the one that the run should make.
func (r *Report) HasDelivered() bool {
	switch r.Status {
	case succeeded, unchanged, unpublished:
		return true
	}
	return r.isInPlace()
}

// isInPlace says whether the run moved an extract to the output: only of such one its checksum is known.
func (r *Report) isInPlace() bool { return r.Output.SHA256 != "" || len(r.Outputs) > 0 }

// Verdict says whether the run delivered, what stands where now, and what to do next.
func (r *Report) Verdict() Verdict {
	headline, mark := r.headline()
	v := Verdict{Headline: headline, Mark: mark, Lake: r.lake(), Next: r.next()}
	if r.IngestOnly {
		return v
	}
	v.Extract = r.standing()
	for _, source := range r.Deliveries() {
		v.Tableau = append(v.Tableau, source.standing())
	}
	if r.Publish == nil && !r.HasDelivered() {
		v.Tableau = []string{"Nothing was sent to Tableau."}
	}
	return v
}

func (r *Report) headline() (string, Mark) {
	if r.IngestOnly || r.hasIngestFailed() {
		return r.headlineOfIngest()
	}
	switch r.Status {
	case succeeded:
		return "Delivered", good
	case unchanged:
		return "Delivered: nothing had changed", good
	case rejected:
		return "Nothing was delivered: the data was rejected", bad
	case unpublished:
		return "Not delivered to Tableau: publishing failed", doubt
	case failed:
		if r.isInPlace() {
			return "The extract is in place, but the run failed after that", doubt
		}
		return "Nothing was delivered: the run failed", bad
	case interrupted:
		if r.isInPlace() {
			return "The extract is in place, but the run was stopped after that", doubt
		}
		return "Nothing was delivered: the run was stopped", bad
	case running:
		return "Not delivered yet: the run was under way", neutral
	case lost:
		return "Not known: the run ended without a word", bad
	}
	return "Ended as " + cmp.Or(r.Status, "nothing"), neutral
}

// standing says what is at the output.
func (r *Report) standing() string {
	switch {
	case r.Status == unchanged:
		return "The extract of the last success stays: " + r.rowsText() + "."
	case r.Status == lost:
		return "The output holds a whole extract: the one of before, or that of this run."
	case r.HasDelivered():
		return "The new extract is in place: " + r.rowsText() + "."
	case r.Status != rejected && r.Status != failed && r.Status != interrupted && r.Status != running:
		return r.Outcome().Sentence
	}
	before := r.Before()
	if before == nil {
		return "The output holds what it held before: no extract, where there was none."
	}
	text := "The extract of the last success stays: " + words.Count(*before.RowsLoaded, "row")
	if !before.Started.IsZero() {
		text += ", of " + moment(before.Started)
	}
	return text + "."
}

func (r *Report) rowsText() string {
	rows := r.Total(func(t *Table) *int64 { return t.RowsLoaded })
	if rows == nil {
		return "the report does not say of how many rows"
	}
	text := words.Count(*rows, "row") + " in " + words.Count(int64(len(r.Tables)), "table")
	if n := len(r.Outputs); n > 1 {
		text += ", in " + words.Count(int64(n), "extract")
	}
	return text
}

// standing says what the data source holds.
func (p Publish) standing() string {
	name := p.name()
	switch p.Outcome {
	case "published":
		text := name + " in Tableau has the new data"
		switch {
		case p.Reason != "":
			text += "; all rows were sent, since " + p.Reason
		case p.Units > 0:
			text += "; " + count(&p.UnitsChanged) + " of " + words.Count(p.Units, "unit") + " were sent"
		}
		return text + "."
	case "unchanged":
		return name + " in Tableau had this data already."
	case "failed":
		return name + " in Tableau does not have the new data: it shows what it showed before."
	case "unknown":
		return "It is not known whether " + name + " in Tableau has the new data."
	case "untried", "":
		return "Nothing was sent to " + name + " in Tableau."
	case "skipped":
		return name + " in Tableau was left alone: others were changing it."
	case "followed_up":
		return name + " in Tableau was sent no rows; what follows a publication was done."
	}
	return name + " in Tableau: " + p.Outcome + "."
}

// next says what to do.
func (r *Report) next() string {
	if r.Error != nil && r.Error.Hint != "" {
		return r.Error.Hint
	}
	switch {
	case r.Error != nil, r.Status == lost:
		return "see the log of the run, then run it again"
	case r.Status == running:
		return "look again when it has ended"
	case len(r.Warnings) > 0:
		return "read the " + words.Plural(int64(len(r.Warnings)), "warning", "warnings") + " below"
	case r.ingestRejected() > 0:
		return "see below which rows of the sources were rejected; the others are in the lake"
	case len(r.Broken()) > 0:
		return "see below which rows were rejected; the others are delivered"
	case r.HasDelivered():
		return "nothing"
	}
	return ""
}

// Broken is a rule that rows broke, or a check that did not pass.
type Broken struct {
	Table  string
	Number int // of the table, from 1
	What   string
	Mark   Mark
	Fate   string // of the rows, or of the run
	Rows   *int64 // nil where that is not known
	Share  string // of the rows read
	Forms  []string
	Why    string // of a check
}

// mostBroken is how many rules and checks a page puts first.
const mostBroken = 20

// Broken are the checks that did not pass, then the rules that rows broke, those that most broke first.
func (r *Report) Broken() []Broken {
	var checks, rules []Broken
	for i := range r.Tables {
		table := &r.Tables[i]
		for _, check := range table.Checks {
			if !check.Passed {
				checks = append(checks, Broken{
					Table: table.Name, Number: i + 1, What: check.Name, Mark: check.Mark(), Fate: fateOfRun(check.OnFail),
					Rows: check.Offending, Why: check.Message,
				})
			}
		}
		for _, rule := range table.Rules {
			if isZero(rule.Failed) {
				continue
			}
			rules = append(rules, Broken{
				Table: table.Name, Number: i + 1, What: rule.Name, Mark: doubt, Fate: fateOfRows(rule.OnFail), Rows: rule.Failed,
				Share: Share(rule.Failed, table.RowsRead), Forms: table.formsOf(rule.Name),
			})
		}
	}
	slices.SortStableFunc(rules, func(a, b Broken) int { return cmp.Compare(*b.Rows, *a.Rows) })
	return append(checks, rules...)
}

// FewBroken are those that a page puts first.
func (r *Report) FewBroken() []Broken {
	broken := r.Broken()
	return broken[:min(len(broken), mostBroken)]
}

// MoreBroken says how many it leaves to the tables; empty if none.
func (r *Report) MoreBroken() string {
	if more := len(r.Broken()) - mostBroken; more > 0 {
		return "and " + fmt.Sprint(more) + " more, with the tables below"
	}
	return ""
}

func fateOfRun(onFail string) string {
	if onFail == "warn" {
		return "check, only warned of"
	}
	return "check that did not pass"
}

func fateOfRows(onFail string) string {
	switch onFail {
	case "warn":
		return "only warned of: the rows are loaded"
	case "fail":
		return "ends the run"
	}
	return "the rows are left out"
}

// formsOf are the forms of the values that broke a rule, each once.
func (t *Table) formsOf(rule string) []string {
	var forms []string
	for _, sample := range t.Samples {
		if sample.Rule == rule && sample.Form != "" && !slices.Contains(forms, sample.Form) {
			forms = append(forms, sample.Form)
		}
	}
	return forms
}

// name is that of the data source, with its project.
func (p Publish) name() string {
	return strings.TrimPrefix(p.Project+"/"+cmp.Or(p.Datasource, p.DatasourceID), "/")
}
