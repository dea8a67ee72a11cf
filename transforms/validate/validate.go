// Package validate holds every row of a batch against the rules of its table and splits
// the batch into good rows and rejects.
//
// What it promises:
//
//   - Comparisons are exact. A literal is kept as it was written and never passes through
//     a float; only where the column itself is a float is it rounded, to the column's type.
//   - NULL passes every rule but not_null. NaN fails min, max, in and finite. -0 equals 0.
//   - Lengths count code points. Patterns are RE2; each value of a dictionary is matched once.
//   - An expression that cannot be evaluated for a row, as it divides by zero, is broken by it.
//   - A row is held against no rule on a value that did not convert: that alone rejects it.
//   - A row that breaks several rules is rejected once and counted for each of them.
//   - Rules only look: the good rows and the rejects hold the values of the source.
//   - No message, name or counter holds a value of a row. Values may be personal data.
//
// A [Rule] is what users write. [Compile] type-checks what a [Ruleset] asks for against the
// columns of its source and makes a [Validator], whose Apply is a pure function of a
// batch. [Rules] is its shell for Beam.
package validate

import (
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
)

// Ruleset is what becomes of the rows of one table of the run, in this order: columns are
// converted, rows for which Where is not true are left out, and the others are held
// against the rules. Where and rules name mapped columns, those of a [convert.Converter].
// A Ruleset travels to workers as JSON.
type Ruleset struct {
	Nested  convert.Nested   `json:"nested,omitempty"`  // what becomes of nested columns
	Columns []convert.Column `json:"columns,omitempty"` // conversions
	Where   string           `json:"where,omitempty"`   // CEL; empty keeps all rows
	Rules   []Rule           `json:"rules,omitempty"`

	// Today is the date, in UTC, that Where and Rules call today(); zero where none of them does.
	Today time.Time `json:"today,omitzero"`

	// SQL is the same for deferred batches, from [Validator.SQL].
	SQL *batch.Conditions `json:"sql,omitempty"`
}

// Validator is a Ruleset compiled for the columns of one source schema. It never changes, so
// any number of goroutines may share it.
type Validator struct {
	source  *arrow.Schema
	mapping *convert.Converter
	where   *filter // nil if all rows are kept
	rules   []compiledRule

	conversion []int // by mapped column: the index of the rule that its values convert, or noRule
	evaluation int   // the index of the rule that where can be evaluated
}

// noRule is the index of no rule.
const noRule = -1

// compiledRule is a rule as a list of conditions: a row breaks it by breaking any of them.
type compiledRule struct {
	Rule
	columns    []string // mapped columns that the conditions read
	conditions []condition
	expected   string // the conditions in words
}

// condition adds the rows of record that do not meet it to broken.
type condition interface {
	mark(record arrow.Record, broken *rowSet) error
}

// broken are the rows that break a rule. Those where a value did not convert are none of
// them: the value is there, though not in the record.
func (r compiledRule) broken(record arrow.Record, unconverted map[string]rowSet) (rowSet, error) {
	broken := newRowSet(int(record.NumRows()))
	for _, c := range r.conditions {
		if err := c.mark(record, &broken); err != nil {
			return rowSet{}, fmt.Errorf("rule %q: %w", r.Name, err)
		}
	}
	for _, column := range r.columns {
		broken.remove(unconverted[column])
	}
	return broken, nil
}

// Rules are the rules in the order of batch.Tally.Failed and of the indexes in
// batch.Rejects.Rules: those of the Ruleset, in its order, then the built-in ones: that the
// values of a column convert, that where can be evaluated, and that text is UTF-8. Every
// one has its Name and its OnFail.
func (v *Validator) Rules() []Rule {
	rules := make([]Rule, len(v.rules))
	for i, r := range v.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Schema is the schema of the good rows: the mapped columns.
func (v *Validator) Schema() *arrow.Schema { return v.mapping.Schema() }

// Fits says whether records of schema can be applied: the columns have the names and types
// that the rules were compiled for. Nullability and metadata do not matter.
func (v *Validator) Fits(schema *arrow.Schema) bool {
	if schema == v.source {
		return true
	}
	if schema.NumFields() != v.source.NumFields() {
		return false
	}
	for i, f := range v.source.Fields() {
		other := schema.Field(i)
		if f.Name != other.Name || !arrow.TypeEqual(f.Type, other.Type) {
			return false
		}
	}
	return true
}

// Apply splits b, as it was read, into the rows to keep, with the mapped columns, and the
// rejects, with the source columns; the latter are nil when there are none. b and its
// record are left as they are; when nothing is converted and no row goes, good has the very
// same record. To the tally of b, good adds the filtered and the rejected rows and, for
// every rule, the rows that broke it. The rules of a reject are all that it broke, also
// those that only warn. A row that where leaves out is held against no rule.
//
// A broken rule with on_fail: fail is an error of kind failure.Data, which names the rule
// and the first row that broke it.
func (v *Validator) Apply(b batch.Batch) (good batch.Batch, rejects *batch.Rejects, err error) {
	if !v.Fits(b.Record.Schema()) {
		return batch.Batch{}, nil, errOtherColumns
	}
	judged, err := v.judge(b)
	if err != nil {
		return batch.Batch{}, nil, err
	}
	good = b
	good.Record, good.Rows = judged.record, nil
	good.Tally = judged.tally(b.Tally)
	if judged.rejected.empty() && judged.filtered.empty() {
		return good, nil, nil
	}
	gone := judged.filtered.clone()
	gone.union(judged.rejected)
	kept, _ := gone.split()
	if good.Record, err = kept.Record(judged.record); err != nil {
		return batch.Batch{}, nil, fmt.Errorf("set rows aside: %v: %w", b.Origin, err)
	}
	if judged.rejected.empty() {
		return good, nil, nil
	}
	_, dropped := judged.rejected.split()
	rejects = &batch.Rejects{Table: b.Table, Origin: b.Origin, Attempt: b.Attempt, Unit: b.Unit}
	rejects.Rows, rejects.Rules = brokenRules(judged.rejected, judged.broken, b)
	rejects.Reasons = v.reasonsOf(judged, b.Record, rejects.Rules)
	if rejects.Record, err = dropped.Record(b.Record); err != nil {
		return batch.Batch{}, nil, fmt.Errorf("set rejects aside: %v: %w", b.Origin, err)
	}
	return good, rejects, nil
}

// Find is Apply without the rows: it returns the tally that good would have, and the
// 0-based numbers in the file of the rows that are rejected. It fails as Apply does.
func (v *Validator) Find(b batch.Batch) (tally batch.Tally, rejected []int64, err error) {
	if !v.Fits(b.Record.Schema()) {
		return batch.Tally{}, nil, errOtherColumns
	}
	judged, err := v.judge(b)
	if err != nil {
		return batch.Tally{}, nil, err
	}
	for _, row := range judged.rejected.positions() {
		rejected = append(rejected, b.Number(row))
	}
	return judged.tally(b.Tally), rejected, nil
}

var errOtherColumns = errors.New("the columns of the batch are not those that its rules were compiled for")

// judgement is what becomes of the rows of a batch.
type judgement struct {
	record   arrow.Record // mapped, all rows
	filtered rowSet
	broken   []rowSet // by rule
	rejected rowSet
}

func (v *Validator) judge(b batch.Batch) (judgement, error) {
	record, failures, err := v.mapping.Apply(b.Record)
	if err != nil {
		return judgement{}, fmt.Errorf("%v: %w", b.Origin, err)
	}
	rows := int(record.NumRows())
	j := judgement{record: record, filtered: newRowSet(rows), broken: make([]rowSet, len(v.rules)), rejected: newRowSet(rows)}
	unconverted := make(map[string]rowSet, len(failures))
	for _, failed := range failures {
		set := newRowSet(rows)
		for _, row := range failed.Rows {
			set.add(row)
		}
		unconverted[record.ColumnName(failed.Column)] = set
		j.broken[v.conversion[failed.Column]] = set
	}
	if v.where != nil {
		if j.filtered, j.broken[v.evaluation], err = v.where.apply(record, unconverted); err != nil {
			return judgement{}, fmt.Errorf("%v: where: %w", b.Origin, err)
		}
	}
	for i, rule := range v.rules {
		if rule.conditions != nil {
			if j.broken[i], err = rule.broken(record, unconverted); err != nil {
				return judgement{}, fmt.Errorf("%v: %w", b.Origin, err)
			}
		}
		j.broken[i].remove(j.filtered)
		if j.broken[i].empty() {
			continue
		}
		switch rule.OnFail {
		case Fail:
			return judgement{}, brokenRule(rule.Rule, b, j.broken[i].first())
		case Reject:
			j.rejected.union(j.broken[i])
		}
	}
	return j, nil
}

// tally is before with the rows of this batch added; before is left as it is.
func (j judgement) tally(before batch.Tally) batch.Tally {
	added := batch.Tally{
		Filtered: int64(j.filtered.count()), Rejected: int64(j.rejected.count()), Failed: make([]int64, len(j.broken)),
	}
	for i, rows := range j.broken {
		added.Failed[i] = int64(rows.count())
	}
	added.Add(before)
	return added
}

// brokenRules gives the number in the file of each rejected row, and the rules that it broke.
func brokenRules(rejected rowSet, broken []rowSet, of batch.Batch) (rows []int64, rules [][]int) {
	var all []int // the rules of one row after another, to share memory
	for _, row := range rejected.positions() {
		start := len(all)
		for i, b := range broken {
			if b.has(row) {
				all = append(all, i)
			}
		}
		rows = append(rows, of.Number(row))
		rules = append(rules, all[start:len(all):len(all)])
	}
	return rows, rules
}

func brokenRule(rule Rule, b batch.Batch, row int) error {
	where := ""
	if rule.Column != "" {
		where = "column " + rule.Column + ", "
	}
	return failure.New(failure.Data, "rule %q is broken: %sfile %s, row group %d, row %d (counted from 0 in the file)",
		rule.Name, where, b.Origin.File, b.Origin.RowGroup, b.Number(row)).
		WithHint("correct the row, or let the rule have on_fail: reject, which sets such rows aside and goes on")
}
