package rejects

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/wire"
)

func init() {
	beam.RegisterDoFn(&writeFn{})
	beam.RegisterType(reflect.TypeFor[Account]())
}

// TravelsAsJSON makes Account a [wire.Element].
func (Account) TravelsAsJSON() {}

// Params says what is written and where. All fields travel to workers.
type Params struct {
	Staging string `json:"staging"` // folder of this run that every worker and the driver reach
	Tables  []Keep `json:"tables"`  // of the run; batch.Rejects.Table is an index
}

// Keep says what happens to the rejects of a table.
type Keep struct {
	Rules  []string `json:"rules"`  // names, by index
	Write  bool     `json:"write"`  // write files; else rejects are only counted
	Values bool     `json:"values"` // samples hold reasons, which may be personal data
}

// Write takes a PCollection<batch.Rejects>, writes them to files under params.Staging, and
// returns a PCollection<Account>: one for each bundle, attempt and table that had rejects, which
// refers to its files. Errors carry a failure.Error, of kind Storage where staging fails.
func Write(s beam.Scope, rejects beam.PCollection, params Params) beam.PCollection {
	s = s.Scope("rejects.Write")
	return beam.ParDo(s, &writeFn{Params: wire.Pack(params)}, rejects)
}

// writeFn writes the files of a bundle under new names per attempt. It never depends on
// Teardown, which workers do not call, nor on FinishBundle after a failure.
type writeFn struct {
	Params wire.Params[Params]

	params  Params
	tables  map[int]*tableWriter // of the bundle in work
	attempt string               // in which their rows were read
}

// Setup decodes the params; a worker calls it before anything else.
func (fn *writeFn) Setup() (err error) {
	fn.params, err = fn.Params.Unpack()
	return err
}

// StartBundle drops what a failed bundle may have left in this instance.
func (fn *writeFn) StartBundle(_ context.Context, _ func(Account)) { fn.abandon() }

// ProcessElement writes the rejects of one batch, and ends the files of the attempt before.
func (fn *writeFn) ProcessElement(ctx context.Context, r batch.Rejects, emit func(Account)) error {
	if fn.attempt != r.Attempt {
		if err := fn.FinishBundle(ctx, emit); err != nil {
			return err
		}
	}
	fn.attempt = r.Attempt
	err := fn.add(ctx, r)
	if err != nil {
		fn.abandon()
	}
	return failure.Encode(err, failure.Storage)
}

func (fn *writeFn) add(ctx context.Context, r batch.Rejects) error {
	if r.Table < 0 || r.Table >= len(fn.params.Tables) {
		return failure.New(failure.Engine, "rejects are of table %d, but the run has %d tables", r.Table, len(fn.params.Tables))
	}
	w := fn.tables[r.Table]
	if w == nil {
		w = &tableWriter{
			limits: defaultLimits, table: fn.params.Tables[r.Table], staging: fn.params.Staging,
			account: Account{Table: r.Table, Attempt: r.Attempt},
		}
		fn.tables[r.Table] = w
	}
	return w.add(ctx, r)
}

// FinishBundle ends the files of the bundle and emits the references to them.
func (fn *writeFn) FinishBundle(ctx context.Context, emit func(Account)) error {
	for _, table := range slices.Sorted(maps.Keys(fn.tables)) {
		bundle, err := fn.tables[table].finish(ctx)
		if err != nil {
			fn.abandon()
			return failure.Encode(err, failure.Storage)
		}
		emit(bundle)
	}
	fn.tables = make(map[int]*tableWriter)
	return nil
}

func (fn *writeFn) abandon() {
	for _, w := range fn.tables {
		w.abandon()
	}
	fn.tables = make(map[int]*tableWriter)
}
