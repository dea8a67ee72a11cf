package rejects

import (
	"cmp"
	"slices"

	"hyperlake/internal/batch"
)

// maxSamples is how many rows are kept as samples of a rule.
const maxSamples = 3

// File refers to one version of a reject file on staging.
type File struct {
	URI     string `json:"uri"`
	Bytes   int64  `json:"bytes"`
	Rows    int64  `json:"rows"`
	Version string `json:"version,omitempty"` // as [storage.Info] has it
	SHA256  string `json:"sha256"`            // in hexadecimal
}

// Sample is one of the rows that broke a rule.
type Sample struct {
	Rule     int    `json:"rule"`           // index into the rules of the table
	Unit     string `json:"unit,omitempty"` // as in batch.Batch
	File     string `json:"file"`
	RowGroup int    `json:"row_group"`        // 0-based in the file
	Row      int64  `json:"row"`              // 0-based in the file
	Form     string `json:"form,omitempty"`   // of the values that broke the rule; see [Form]
	Reason   string `json:"reason,omitempty"` // holds values of the row; only where they are asked for
}

// compare orders the samples of one rule and unit, and those of different ones by the rule and the unit.
func (s Sample) compare(other Sample) int {
	return cmp.Or(
		cmp.Compare(s.Rule, other.Rule), cmp.Compare(s.Unit, other.Unit), cmp.Compare(s.File, other.File), cmp.Compare(s.Row, other.Row),
	)
}

// WithoutUnits are the samples of a table, whatever their units: by rule, at most three of each, that come
// first by file and row.
func WithoutUnits(samples []Sample) []Sample {
	var all Account
	for _, s := range samples {
		s.Unit = ""
		all.addSamples([]Sample{s})
	}
	return all.Samples
}

// Account is what one bundle of a runner rejected of one table, in one attempt.
type Account struct {
	Table   int     `json:"table"`
	Attempt string  `json:"attempt,omitempty"` // of its batches; see batch.Batch
	Rows    int64   `json:"rows"`
	Rules   []int64 `json:"rules"`           // by rule: the rejected rows that broke it
	Files   []File  `json:"files,omitempty"` // none where rejects are only counted

	// Samples are by rule and unit, at most three of each, and of the rows that broke it those that
	// come first by file and row.
	Samples []Sample `json:"samples,omitempty"`
}

// Add adds other, of the same table, to b. The sum does not depend on the order of the
// bundles, but for that of Files.
func (b *Account) Add(other Account) {
	b.Rows += other.Rows
	b.Files = append(b.Files, other.Files...)
	for rule, rows := range other.Rules {
		b.count(rule, rows)
	}
	b.addSamples(other.Samples)
}

func (b *Account) count(rule int, rows int64) {
	for len(b.Rules) <= rule {
		b.Rules = append(b.Rules, 0)
	}
	b.Rules[rule] += rows
}

func (b *Account) addSamples(samples []Sample) {
	all := slices.Concat(b.Samples, samples)
	slices.SortFunc(all, Sample.compare)
	b.Samples = nil
	for i, s := range all {
		if i < maxSamples || all[i-maxSamples].Rule != s.Rule || all[i-maxSamples].Unit != s.Unit {
			b.Samples = append(b.Samples, s)
		}
	}
}

// addRejects counts rejects, and keeps samples of them, with the forms of their values, and with their reasons if withValues.
func (b *Account) addRejects(r batch.Rejects, withValues bool) {
	b.Rows += int64(len(r.Rows))
	var samples []Sample
	var columns []string
	for _, field := range r.Record.Schema().Fields() {
		columns = append(columns, field.Name)
	}
	seen := make(map[int]int) // by rule; rows ascend, so that the first ones are the ones to keep
	for i, rules := range r.Rules {
		for j, rule := range rules {
			b.count(rule, 1)
			if seen[rule]++; seen[rule] > maxSamples {
				continue
			}
			s := Sample{
				Rule: rule, Unit: r.Unit, File: r.Origin.File, RowGroup: r.Origin.RowGroup, Row: r.Rows[i],
				Form: Form(r.Reasons[i][j], columns),
			}
			if withValues {
				s.Reason = r.Reasons[i][j]
			}
			samples = append(samples, s)
		}
	}
	b.addSamples(samples)
}
