package validate

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/expr"
)

// filter is the where of a table.
type filter struct {
	program *expr.Program
	columns []string // mapped columns that it reads
}

func newFilter(where string, mapped *arrow.Schema, today time.Time) (*filter, error) {
	program, err := expr.Compile(where, mapped, today)
	if err != nil {
		return nil, err
	}
	return &filter{program, program.Columns()}, nil
}

// apply finds the rows to leave out, and those for which that cannot be decided. A row for
// which where is NULL is left out, unless it is NULL because a value did not convert.
func (f *filter) apply(record arrow.Record, unconverted map[string]rowSet) (filtered, failed rowSet, err error) {
	truth, err := f.program.Eval(record)
	if err != nil {
		return rowSet{}, rowSet{}, err
	}
	unknown := newRowSet(truth.Rows)
	for _, column := range f.columns {
		unknown.union(unconverted[column])
	}
	filtered, failed = newRowSet(truth.Rows), newRowSet(truth.Rows)
	all := bitmap{length: truth.Rows}
	for i := range all.words() {
		kept := wordAt(truth.True, i) | wordAt(truth.Failed, i) | wordAt(truth.Null, i)&wordAt(unknown.words, i)
		filtered.addWord(i, all.mask(i)&^kept)
		failed.addWord(i, wordAt(truth.Failed, i))
	}
	return filtered, failed, nil
}

// wordAt is a word of a bitmap that has no words when no bit is set.
func wordAt(words []uint64, i int) uint64 {
	if i >= len(words) {
		return 0
	}
	return words[i]
}

// MayKeep is false only if where leaves out every row, given the ranges of source columns. Rows for which it is NULL, since a value
// does not convert, are not left out.
func (v *Validator) MayKeep(ranges func(source string) expr.Range) bool {
	if v.where == nil {
		return true
	}
	schema := v.mapping.Schema()
	isConverted := false
	known := func(column string) expr.Range {
		at := schema.FieldIndices(column)
		if len(at) != 1 || !v.mapping.Shared(at[0]) {
			isConverted = true
			return expr.Range{}
		}
		return ranges(v.source.Field(v.mapping.Sources()[at[0]][0]).Name)
	}
	return v.where.program.MayBeTrue(known) || isConverted && v.where.program.MayBeNull(known)
}
