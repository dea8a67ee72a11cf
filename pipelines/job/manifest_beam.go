package job

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/internal/wire"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

func init() {
	beam.RegisterDoFn(&attemptFn{})
	beam.RegisterDoFn(&notePartialFn{})
	beam.RegisterDoFn(&noteRejectsFn{})
	beam.RegisterDoFn(&noteDisputedFn{})
	beam.RegisterDoFn(&reuseFn{})
}

// startAttempts turns what a GroupByKey made of shards into a PCollection<Shard>, in which
// each shard has the name of the attempt that reads it, and notes the shards that were read
// to their end. The shards of a key are one attempt.
func startAttempts(s beam.Scope, grouped beam.PCollection, staging, fingerprint string) beam.PCollection {
	return beam.ParDo(s.Scope("Attempt"), &attemptFn{Staging: staging, Fingerprint: fingerprint}, grouped)
}

type attemptFn struct {
	Staging     string
	Fingerprint string
}

// ProcessElement has the shards of a key read, one after another.
func (fn *attemptFn) ProcessElement(ctx context.Context, _ int, shards func(*parquetread.Shard) bool, emit func(parquetread.Shard)) error {
	read := entry{Attempt: uuid.NewString(), Fingerprint: fn.Fingerprint}
	for shard := (parquetread.Shard{}); shards(&shard); shard = (parquetread.Shard{}) {
		shard.Attempt = read.Attempt
		emit(shard)
		read.Shards = append(read.Shards, shard)
	}
	return failure.Encode(read.note(ctx, fn.Staging), failure.Storage)
}

// notePartials passes partials, a PCollection<KV<int, File>>, on when they are noted.
func notePartials(s beam.Scope, partials beam.PCollection, staging string) beam.PCollection {
	return beam.ParDo(s.Scope("Note"), &notePartialFn{Staging: staging}, partials)
}

type notePartialFn struct{ Staging string }

// ProcessElement notes a partial of an attempt.
func (fn *notePartialFn) ProcessElement(ctx context.Context, key int, partial hyper.File, emit func(int, hyper.File)) error {
	if partial.Attempt != "" {
		if err := (entry{Attempt: partial.Attempt, Partial: &partial}).note(ctx, fn.Staging); err != nil {
			return failure.Encode(err, failure.Storage)
		}
	}
	emit(key, partial)
	return nil
}

// noteRejects passes bundles of rejects on when they are noted.
func noteRejects(s beam.Scope, accounts beam.PCollection, staging string) beam.PCollection {
	return beam.ParDo(s.Scope("Note"), &noteRejectsFn{Staging: staging}, accounts)
}

type noteRejectsFn struct{ Staging string }

// ProcessElement notes the rejects of an attempt.
func (fn *noteRejectsFn) ProcessElement(ctx context.Context, account rejects.Account, emit func(rejects.Account)) error {
	if account.Attempt != "" {
		if err := (entry{Attempt: account.Attempt, Rejects: &account}).note(ctx, fn.Staging); err != nil {
			return failure.Encode(err, failure.Storage)
		}
	}
	emit(account)
	return nil
}

// noteDisputed passes disputed files on when their attempt is noted to be of no use.
func noteDisputed(s beam.Scope, disputed beam.PCollection, staging string) beam.PCollection {
	return beam.ParDo(s.Scope("Note"), &noteDisputedFn{Staging: staging}, disputed)
}

type noteDisputedFn struct{ Staging string }

// ProcessElement notes that hyperd and Go keep different rows of an attempt.
func (fn *noteDisputedFn) ProcessElement(ctx context.Context, d hyper.Doubtful, emit func(hyper.Doubtful)) error {
	if err := (entry{Attempt: d.Attempt, Disputed: true}).note(ctx, fn.Staging); err != nil {
		return failure.Encode(err, failure.Storage)
	}
	emit(d)
	return nil
}

// reuse adds what earlier attempts finished to what this job makes.
func reuse(s beam.Scope, done *finished, partials, accounts beam.PCollection) (allPartials, allAccounts beam.PCollection) {
	if len(done.Partials) == 0 {
		return partials, accounts
	}
	s = s.Scope("Reuse")
	earlierPartials, earlierAccounts := beam.ParDo2(s, &reuseFn{Done: wire.Pack(done)}, beam.Impulse(s))
	return beam.Flatten(s, partials, earlierPartials), beam.Flatten(s, accounts, earlierAccounts)
}

// reuseFn emits what is finished.
type reuseFn struct{ Done wire.Params[*finished] }

// ProcessElement turns the impulse into references.
func (fn *reuseFn) ProcessElement(_ []byte, partials func(int, hyper.File), accounts func(rejects.Account)) error {
	done, err := fn.Done.Unpack()
	if err != nil {
		return err
	}
	for _, partial := range done.Partials {
		partials(0, partial)
	}
	for _, account := range done.Rejects {
		accounts(account)
	}
	return nil
}
