package validate

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/wire"
)

func init() {
	beam.RegisterDoFn(&rulesFn{})
}

var (
	rowsFiltered = beam.NewCounter("hyperlake", "rows_filtered")
	rowsRejected = beam.NewCounter("hyperlake", "rows_rejected")
)

// Rules applies tables to their batches (batch.Batch.Table is the index)
// and emits batch.Batch, one for one also when no row is left, and batch.Rejects. Deferred
// batches are given the table's conditions. Failures
// are encoded with package failure: a broken rule with on_fail: fail, or rules that do not
// fit the columns, which the plan should have found.
func Rules(s beam.Scope, batches beam.PCollection, tables []Ruleset) (good, rejects beam.PCollection) {
	s = s.Scope("validate.Rules")
	return beam.ParDo2(s, &rulesFn{Params: wire.Pack(tables)}, batches)
}

// rulesFn applies the rules of tables.
type rulesFn struct {
	Params wire.Params[[]Ruleset]

	tables     []Ruleset
	validators map[int]*Validator // by table, for the columns that its last batch had
}

// Setup decodes the tables; a worker calls it before anything else.
func (fn *rulesFn) Setup() (err error) {
	fn.tables, err = fn.Params.Unpack()
	return err
}

func (fn *rulesFn) ProcessElement(ctx context.Context, b batch.Batch, good func(batch.Batch), rejects func(batch.Rejects)) error {
	if b.Deferred != nil {
		deferred, err := fn.attach(b)
		if err == nil {
			good(deferred)
		}
		return failure.Encode(err, failure.Engine)
	}
	v, err := fn.validator(b)
	if err != nil {
		return failure.Encode(fmt.Errorf("%v: %w", b.Origin, err), failure.Data)
	}
	kept, rejected, err := v.Apply(b)
	if err != nil {
		return failure.Encode(err, failure.Data)
	}
	rowsFiltered.Inc(ctx, kept.Tally.Filtered-b.Tally.Filtered)
	good(kept)
	if rejected != nil {
		rowsRejected.Inc(ctx, rejected.Record.NumRows())
		rejects(*rejected)
	}
	return nil
}

// attach tells hyperd what to do with the rows of a file that it reads itself.
func (fn *rulesFn) attach(b batch.Batch) (batch.Batch, error) {
	if b.Table < 0 || b.Table >= len(fn.tables) || fn.tables[b.Table].SQL == nil {
		return b, failure.New(failure.Engine, "file %s was deferred, but table %d has no conditions in SQL", b.Origin.File, b.Table)
	}
	attached := *b.Deferred
	attached.Conditions = *fn.tables[b.Table].SQL
	b.Deferred = &attached
	return b, nil
}

func (fn *rulesFn) validator(b batch.Batch) (*Validator, error) {
	schema := b.Record.Schema()
	if v := fn.validators[b.Table]; v != nil && v.Fits(schema) {
		return v, nil
	}
	if b.Table < 0 || b.Table >= len(fn.tables) {
		return nil, failure.New(failure.Engine, "a batch is of table %d, but the run has %d tables", b.Table, len(fn.tables))
	}
	v, err := Compile(fn.tables[b.Table], schema)
	if err != nil {
		return nil, err
	}
	if fn.validators == nil {
		fn.validators = make(map[int]*Validator)
	}
	fn.validators[b.Table] = v
	return v, nil
}
