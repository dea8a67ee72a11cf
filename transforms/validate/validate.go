// Package validate holds every row of a batch against the rules of its table and splits
// the batch into good rows and rejects.
//
// What it promises:
//
//   - Comparisons are exact. A literal is kept as it was written and never passes through
//     a float; only where the column itself is a float is it rounded, to the column's type.
//   - NULL passes every rule but not_null. NaN fails min, max and in. -0 equals 0.
//   - A row that breaks several rules is rejected once and counted for each of them.
//   - Rules only look: the good rows and the rejects hold the values of the source.
//   - No message, name or counter holds a value of a row. Values may be personal data.
//
// A [Rule] is what users write. [Compile] type-checks rules against the columns of a table
// and makes a [Validator], whose Apply is a pure function of a batch. [Rules] is its shell
// for Beam.
package validate

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// Validator is rules compiled for the columns of one schema. It never changes, so any
// number of goroutines may share it.
type Validator struct {
	schema *arrow.Schema
	rules  []compiledRule
}

// compiledRule is a rule as a list of conditions: a row breaks it by breaking any of them.
type compiledRule struct {
	Rule
	conditions []condition
}

// condition adds the rows of record that do not meet it to broken.
type condition interface {
	mark(record arrow.Record, broken *rowSet)
}

func (r compiledRule) broken(record arrow.Record) rowSet {
	broken := newRowSet(int(record.NumRows()))
	for _, c := range r.conditions {
		c.mark(record, &broken)
	}
	return broken
}

// Rules are the rules in the order of batch.Tally.Failed and of the indexes in
// batch.Rejects.Rules: those that Compile was given, in the order given, then the built-in
// ones. Every one has its Name and its OnFail.
func (v *Validator) Rules() []Rule {
	rules := make([]Rule, len(v.rules))
	for i, r := range v.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Fits says whether records of schema can be applied: the columns have the names and types
// that the rules were compiled for. Nullability and metadata do not matter.
func (v *Validator) Fits(schema *arrow.Schema) bool {
	if schema == v.schema {
		return true
	}
	if schema.NumFields() != v.schema.NumFields() {
		return false
	}
	for i, f := range v.schema.Fields() {
		other := schema.Field(i)
		if f.Name != other.Name || !arrow.TypeEqual(f.Type, other.Type) {
			return false
		}
	}
	return true
}

// Apply splits b into the rows to keep and the rejects, which are nil when there are none.
// b and its record are left as they are; when no row is rejected, good has the very same
// record. To the tally of b, good adds the rejected rows and, for every rule, the rows that
// broke it. The rules of a reject are all that it broke, also those that only warn.
//
// A broken rule with on_fail: fail is an error of kind failure.Data, which names the rule
// and the first row that broke it.
func (v *Validator) Apply(b batch.Batch) (good batch.Batch, rejects *batch.Rejects, err error) {
	if !v.Fits(b.Record.Schema()) {
		return batch.Batch{}, nil, errors.New("the columns of the batch are not those that its rules were compiled for")
	}
	broken := make([]rowSet, len(v.rules))
	rejected := newRowSet(int(b.Record.NumRows()))
	for i, rule := range v.rules {
		broken[i] = rule.broken(b.Record)
		if broken[i].empty() {
			continue
		}
		switch rule.OnFail {
		case Fail:
			return batch.Batch{}, nil, brokenRule(rule.Rule, b.Origin, broken[i].first())
		case Reject:
			rejected.union(broken[i])
		}
	}

	good = b
	good.Tally = tallied(b.Tally, broken, rejected)
	if rejected.empty() {
		return good, nil, nil
	}
	kept, dropped := rejected.split()
	rejects = &batch.Rejects{Table: b.Table, Origin: b.Origin}
	rejects.Rows, rejects.Rules = reasons(rejected, broken, b.Origin.FirstRow)
	if good.Record, err = kept.record(b.Record); err == nil {
		rejects.Record, err = dropped.record(b.Record)
	}
	if err != nil {
		return batch.Batch{}, nil, fmt.Errorf("set rejects aside: %v: %w", b.Origin, err)
	}
	return good, rejects, nil
}

// tallied is before with the rows of this batch added; before is left as it is.
func tallied(before batch.Tally, broken []rowSet, rejected rowSet) batch.Tally {
	added := batch.Tally{Rejected: int64(rejected.count()), Failed: make([]int64, len(broken))}
	for i, rows := range broken {
		added.Failed[i] = int64(rows.count())
	}
	added.Add(before)
	return added
}

// reasons gives the number in the file of each rejected row, and the rules that it broke.
func reasons(rejected rowSet, broken []rowSet, firstRow int64) (rows []int64, rules [][]int) {
	var all []int // the rules of one row after another, to share memory
	for _, row := range rejected.positions() {
		start := len(all)
		for i, b := range broken {
			if b.has(row) {
				all = append(all, i)
			}
		}
		rows = append(rows, firstRow+int64(row))
		rules = append(rules, all[start:len(all):len(all)])
	}
	return rows, rules
}

func brokenRule(rule Rule, origin batch.Origin, row int) error {
	where := ""
	if rule.Column != "" {
		where = "column " + rule.Column + ", "
	}
	return failure.New(failure.Data, "rule %q is broken: %sfile %s, row group %d, row %d (counted from 0 in the file)",
		rule.Name, where, origin.File, origin.RowGroup, origin.FirstRow+int64(row)).
		WithHint("correct the row, or let the rule have on_fail: reject, which sets such rows aside and goes on")
}
