package repartition

import (
	"context"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/typex"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/wire"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Part]())
	beam.RegisterDoFn(&spillFn{})
	beam.RegisterDoFn(&readFn{})
	beam.RegisterDoFn(&removeFn{})
	beam.RegisterFunction(spillOf)
	beam.RegisterFunction(signal)
}

// TravelsAsJSON makes Part a [wire.Element].
func (Part) TravelsAsJSON() {}

var (
	rowsMoved    = beam.NewCounter("hyperlake", "rows_moved")
	bytesSpilled = beam.NewCounter("hyperlake", "bytes_spilled")
)

// Spill takes a PCollection<batch.Batch> and moves the rows of the tables that ask for it.
// It returns the batches of the other tables as they are, and a PCollection<KV<string,
// Part>> by target, for [Read] and [Remove]. Errors carry a failure.Error: of kind Storage
// where staging fails or has no room, of kind Data where a column has too many values to
// split by.
//
// The counters rows_moved and bytes_spilled of the namespace hyperlake grow with every
// finished bundle.
func Spill(s beam.Scope, batches beam.PCollection, params Params) (others, parts beam.PCollection) {
	s = s.Scope("repartition.Spill")
	return beam.ParDo2(s, &spillFn{Params: wire.Pack(params)}, batches)
}

// spillFn writes one spill per bundle, under a new name per attempt. It never depends on
// Teardown, which workers do not call, nor on FinishBundle after a failure.
type spillFn struct {
	Params wire.Params[Params]

	params Params
	writer *Writer // of the bundle in work
}

// Setup decodes the params; a worker calls it before anything else.
func (fn *spillFn) Setup() (err error) {
	fn.params, err = fn.Params.Unpack()
	return err
}

// StartBundle drops what a failed bundle may have left in this instance.
func (fn *spillFn) StartBundle(_ context.Context, _ func(batch.Batch), _ func(string, Part)) {
	fn.abort()
	fn.writer = NewWriter(fn.params)
}

// ProcessElement moves one batch, or passes it on.
func (fn *spillFn) ProcessElement(ctx context.Context, b batch.Batch, others func(batch.Batch), _ func(string, Part)) error {
	if !fn.params.Moves(b.Table) {
		others(b)
		return nil
	}
	err := fn.writer.Add(ctx, b)
	if err != nil {
		fn.abort()
	}
	return failure.Encode(err, failure.Engine)
}

// FinishBundle ends the spill of the bundle and emits the references to its parts.
func (fn *spillFn) FinishBundle(ctx context.Context, _ func(batch.Batch), emit func(string, Part)) error {
	parts, err := fn.writer.Finish(ctx)
	if err != nil {
		fn.abort()
		return failure.Encode(err, failure.Engine)
	}
	bytesSpilled.Inc(ctx, fn.writer.Bytes())
	for _, part := range parts {
		rowsMoved.Inc(ctx, part.Rows)
		emit(part.Key(), part)
	}
	return nil
}

func (fn *spillFn) abort() {
	if fn.writer != nil {
		fn.writer.Abort()
	}
}

// Read turns the parts of [Spill] into a PCollection<batch.Batch>. The batches of a target
// come one after another in one bundle, with no batch of another target between them.
// Errors carry a failure.Error, of kind Storage where a spill fails, which they name.
func Read(s beam.Scope, parts beam.PCollection) beam.PCollection {
	s = s.Scope("repartition.Read")
	return beam.ParDo(s, &readFn{}, beam.GroupByKey(s, parts))
}

type readFn struct{}

// ProcessElement reads the parts of a target.
func (fn *readFn) ProcessElement(ctx context.Context, _ string, parts func(*Part) bool, emit func(batch.Batch)) error {
	var all []Part
	for part := (Part{}); parts(&part); part = (Part{}) {
		all = append(all, part)
	}
	err := ReadTarget(ctx, all, func(b batch.Batch) error {
		emit(b)
		return ctx.Err()
	})
	return failure.Encode(err, failure.Engine)
}

// Remove removes the spills of parts, the output of [Spill], when everything of after, any
// PCollection, is there. It returns a PCollection<int>, how many spills it tried.
//
// A spill holds rows of all targets, and a reader that runs again needs it again. So after
// must be made from everything that was read, and be safe: once the runner has it, nothing
// before it may run again. The partials of the sink are that where the runner keeps what
// crosses a shuffle, and give the room back before the merge; the extract always is. What
// cannot be removed goes with the staging of the run.
func Remove(s beam.Scope, parts, after beam.PCollection) beam.PCollection {
	s = s.Scope("repartition.Remove")
	if typex.IsKV(after.Type()) {
		after = beam.DropKey(s, after)
	}
	spills := beam.ParDo(s, spillOf, parts)
	return beam.ParDo(s, &removeFn{}, beam.CoGroupByKey(s, spills, beam.ParDo(s, signal, after)))
}

// spillOf emits the spill of a part; one part for each table of a bundle has an account.
func spillOf(_ string, part Part, emit func(int, string)) {
	if part.Account != nil && part.Spill.URI != "" {
		emit(0, part.Spill.URI)
	}
}

func signal(_ beam.T) (int, bool) { return 0, true }

type removeFn struct{}

// ProcessElement removes all spills of the run.
func (fn *removeFn) ProcessElement(ctx context.Context, _ int, spills func(*string) bool, _ func(*bool) bool, emit func(int)) {
	seen := map[string]bool{}
	for uri := ""; spills(&uri); {
		seen[uri] = true
	}
	removeSpills(ctx, seen)
	emit(len(seen))
}
