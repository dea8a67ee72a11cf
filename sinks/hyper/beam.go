package hyper

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/reflectx"
	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/trace"
	"hyperlake/internal/wire"
)

func init() {
	beam.RegisterDoFn(&writeFn{})
	beam.RegisterDoFn(&mergeFn{})
	beam.RegisterType(reflect.TypeFor[File]())
	beam.RegisterType(reflect.TypeFor[Doubtful]())
}

// TravelsAsJSON makes File a [wire.Element].
func (File) TravelsAsJSON() {}

// TravelsAsJSON makes Doubtful a [wire.Element].
func (Doubtful) TravelsAsJSON() {}

// Params says what the sink writes and with which hyperd. All fields travel to workers.
type Params struct {
	Layout  Layout        `json:"layout"`
	Hyperd  hyperd.Config `json:"hyperd"`
	Spool   SpoolConfig   `json:"spool"`
	Staging string        `json:"staging"` // folder of this run that every worker and the driver reach

	// Checksums has every File carry the checksum of its bytes, and files verified by it where they
	// are read. Files on remote staging have one in any case.
	Checksums bool `json:"checksums,omitempty"`

	// Verify is called for the copies of remote files; without it, none can be deferred.
	Verify Verify `json:"-"`

	// Split says that every target that has a name is an extract of its own.
	Split bool `json:"split,omitempty"`

	// Keep says that there is no merge: every partial with rows is an extract of its own.
	Keep bool `json:"keep,omitempty"`
}

// Several says whether there are several extracts.
func (p Params) Several() bool { return p.Split || p.Keep }

// paramsFn carries Params to workers inside a DoFn.
type paramsFn struct {
	Params wire.Params[Params]

	params Params
}

// Setup decodes the params; a worker calls it before anything else.
func (fn *paramsFn) Setup() (err error) {
	fn.params, err = fn.Params.Unpack()
	return err
}

// Write is HyperSink: it loads a PCollection<batch.Batch> into partials, one for each
// bundle that had input, each target and each attempt in it, and returns a PCollection<KV<int, File>> that refers to them,
// all under one key, and a PCollection<Doubtful> of the deferred files that have to be
// read once more.
func Write(s beam.Scope, batches beam.PCollection, params Params) (partials, doubtful beam.PCollection) {
	s = s.Scope("hyper.Write")
	fn := &writeFn{paramsFn: paramsFn{Params: wire.Pack(params)}}
	if params.Verify != nil {
		fn.Verify = &beam.EncodedFunc{Fn: reflectx.MakeFunc(params.Verify)}
	}
	return beam.ParDo2(s, fn, batches)
}

// writeFn writes one partial for each target and attempt in a bundle, under a new name per attempt. It
// never depends on Teardown, which workers do not call, nor on FinishBundle after a failure.
type writeFn struct {
	paramsFn
	Verify *beam.EncodedFunc

	loader  *loader      // of the target in work; nil before the first batch
	of      batch.Target // whose rows the loader has
	attempt string       // in which they were read
	target  workFile     // where the loader writes
	written int64        // bytes of it that were counted
	span    trace.Span   // of the partial
}

// Setup decodes the params; a worker calls it before anything else.
func (fn *writeFn) Setup() error {
	if err := fn.paramsFn.Setup(); err != nil || fn.Verify == nil {
		return err
	}
	verify := reflectx.ToFunc3x1(fn.Verify.Fn)
	fn.params.Verify = func(ctx context.Context, path string, columns []string) error {
		err, _ := verify.Call3x1(ctx, path, columns).(error)
		return err
	}
	return nil
}

// StartBundle drops what a failed bundle may have left in this instance.
func (fn *writeFn) StartBundle(_ context.Context, _ func(int, File), _ func(Doubtful)) { fn.abandon() }

// ProcessElement hands one batch to the loader of its target and attempt, and closes the
// partial of those before.
func (fn *writeFn) ProcessElement(ctx context.Context, b batch.Batch, emit func(int, File), doubt func(Doubtful)) error {
	if fn.loader != nil && (fn.of != b.Target || fn.attempt != b.Attempt) {
		if err := fn.FinishBundle(ctx, emit, doubt); err != nil {
			return err
		}
	}
	fn.of, fn.attempt = b.Target, b.Attempt
	err := fn.add(ctx, b)
	if err != nil {
		fn.span.End(err)
		fn.abandon()
		return failure.Encode(err, failure.Hyperd)
	}
	return nil
}

// add gives a batch to the loader. Beam asks for counters only while an element is processed, not
// while a bundle is finished: so it is with the last file that the sink waits for hyperd.
func (fn *writeFn) add(ctx context.Context, b batch.Batch) error {
	if fn.loader == nil {
		loader, err := fn.newLoader(ctx)
		if err != nil {
			return err
		}
		fn.loader = loader
	}
	if b.Deferred == nil {
		err := fn.loader.add(b)
		if err == nil {
			rowsLoaded.Inc(ctx, b.Record.NumRows())
			fn.count(ctx)
		}
		return err
	}
	return fn.counting(ctx, func() error {
		err := fn.loader.add(b)
		if err == nil && b.Deferred.Last {
			err = fn.loader.drain()
		}
		return err
	})
}

func (fn *writeFn) newLoader(ctx context.Context) (*loader, error) {
	target, err := newWorkFile(fn.params.Staging, "partials")
	if err != nil {
		return nil, err
	}
	fn.target, fn.written = target, 0
	_, fn.span = trace.Start(ctx, "partial")
	lease, err := hyperd.Acquire(ctx, fn.params.Hyperd)
	if err != nil {
		return nil, err
	}
	return newLoader(fn.params.Layout, fn.params.Spool, fn.params.Verify, lease, target.path)
}

// FinishBundle closes the partial and emits its reference.
func (fn *writeFn) FinishBundle(ctx context.Context, emit func(int, File), doubt func(Doubtful)) error {
	if fn.loader == nil {
		return nil
	}
	partial, err := fn.finish(ctx, doubt)
	if err != nil {
		fn.span.End(err)
		fn.abandon()
		return failure.Encode(err, failure.Hyperd)
	}
	fn.loader = nil
	if partial, err = fn.target.stage(ctx, partial, fn.params.Checksums); err != nil {
		fn.span.End(err)
		return failure.Encode(err, failure.Storage)
	}
	partial.Target, partial.Attempt = fn.of, fn.attempt
	fn.span.Note(attribute.Int64("hyperlake.rows", partial.Rows()), attribute.Int64("hyperlake.bytes", partial.Bytes))
	fn.span.End(nil)
	emit(0, partial)
	return nil
}

// finish ends the loading. While hyperd brings the partial to the disk, doubtful files are
// handed over, which are read where this is called.
func (fn *writeFn) finish(ctx context.Context, doubt func(Doubtful)) (partial File, err error) {
	loader := fn.loader
	if err := fn.counting(ctx, loader.wait); err != nil {
		return File{}, err
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		partial, err = loader.finish(ctx)
	}()
	defer func() { <-closed }() // also when a consumer of doubtful files panics
	for _, d := range loader.doubtful() {
		d.Attempt = fn.attempt
		doubt(d)
	}
	return
}

func (fn *writeFn) abandon() {
	if fn.loader != nil {
		fn.loader.abandon()
		fn.loader = nil
	}
	fn.target.discard()
}

// MergePartials makes one extract of all partials that Write referred to, even of none,
// and returns a PCollection<KV<int, File>> with the one reference to it. With Params.Split
// there is one for each target, and one without rows that has the account of what no target has.
// With Params.Keep they are the partials, see [Layout.keep].
func MergePartials(s beam.Scope, partials beam.PCollection, params Params) beam.PCollection {
	s = s.Scope("hyper.Merge")
	seed := beam.AddFixedKey(s, beam.Impulse(s)) // so that there is a merge without partials, too
	return beam.ParDo(s, &mergeFn{paramsFn: paramsFn{Params: wire.Pack(params)}}, beam.CoGroupByKey(s, seed, partials))
}

type mergeFn struct{ paramsFn }

// ProcessElement merges the partials of the run, or of each target, or numbers them.
func (fn *mergeFn) ProcessElement(
	ctx context.Context, key int, _ func(*[]byte) bool, partials func(*File) bool, emit func(int, File),
) error {
	if fn.params.Keep {
		return fn.keep(ctx, key, partials, emit)
	}
	byName := map[string][]File{"": nil} // so that there is an account without partials, too
	for partial := (File{}); partials(&partial); partial = (File{}) {
		name := ""
		if fn.params.Split {
			name = partial.Target.Name
		}
		byName[name] = append(byName[name], partial)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		extract, err := fn.merge(ctx, byName[name])
		if err != nil {
			return failure.Encode(err, failure.Hyperd)
		}
		extract.Target.Name = name
		emit(key, extract)
	}
	return nil
}

// keep emits the partials as extracts.
func (fn *mergeFn) keep(ctx context.Context, key int, partials func(*File) bool, emit func(int, File)) error {
	var all []File
	for partial := (File{}); partials(&partial); partial = (File{}) {
		all = append(all, partial)
	}
	if len(all) == 0 {
		empty, err := fn.merge(ctx, nil)
		if err != nil {
			return failure.Encode(err, failure.Hyperd)
		}
		all = []File{empty}
	}
	for _, extract := range fn.params.Layout.keep(all) {
		emit(key, extract)
	}
	return nil
}

func (fn *mergeFn) merge(ctx context.Context, partials []File) (File, error) {
	lease, err := hyperd.Acquire(ctx, fn.params.Hyperd)
	if err != nil {
		return File{}, err
	}
	defer lease.Release()
	target, err := newWorkFile(fn.params.Staging, "extract")
	if err != nil {
		return File{}, err
	}
	merging, span := trace.Start(ctx, "merge", attribute.Int("hyperlake.partials", len(partials)))
	extract, err := Merge(merging, lease, fn.params.Layout, partials, target.path)
	span.End(err)
	if err != nil || extract.Path != target.path {
		target.discard()
		return extract, err
	}
	return target.stage(ctx, extract, fn.params.Checksums)
}
