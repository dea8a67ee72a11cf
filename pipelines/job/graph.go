package job

import (
	"context"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/repartition"
	"hyperlake/transforms/validate"
)

func init() {
	beam.RegisterDoFn(&explainFn{})
	beam.RegisterDoFn(&listFn{})
	beam.RegisterDoFn(&recordFn{})
}

// build makes the pipeline of a run: references are shuffled, batches are not. The stages
// from reading to loading fuse into one, with those that set rejects aside and that make
// the manifest: what a bundle writes belongs to one attempt.
func (j *Job) build(s beam.Scope) {
	plan, sink := j.plan, j.sink
	var reads []parquetread.Projection
	var rules []validate.Ruleset
	for _, table := range plan.Tables {
		reads = append(reads, table.Read)
		rules = append(rules, table.Apply)
	}
	shards := beam.ParDo(s.Scope("plan.Shards"), &listFn{Shards: inOrder(j.left, plan.Workers), Workers: plan.Workers}, beam.Impulse(s))
	batches := parquetread.Read(s, startAttempts(s, beam.GroupByKey(s, shards), j.sink.Staging, j.fingerprint), reads)
	good, bad := validate.Rules(s, batches, rules)
	partials, doubtful := j.writeRows(s, good)
	accounts := noteRejects(s, rejects.Write(s, bad, j.aside), j.sink.Staging)
	morePartials, moreAccounts, disputed := j.writeExplained(s.Scope("Again"), doubtful)
	partials, accounts = reuse(s, j.finished, beam.Flatten(s, partials, morePartials), beam.Flatten(s, accounts, moreAccounts))
	extract := hyper.MergePartials(s, partials, sink)
	record := &recordFn{URI: j.resultURI, Tables: len(plan.Tables), Split: sink.Several()}
	beam.ParDo0(s.Scope("Record"), record, beam.CoGroupByKey(s, extract, beam.AddFixedKey(s, accounts), beam.AddFixedKey(s, disputed)))
}

// writeExplained reads doubtful files once more, and loads what hyperd could not read.
func (j *Job) writeExplained(s beam.Scope, doubtful beam.PCollection) (partials, accounts, disputed beam.PCollection) {
	good, bad, disputed := explain(s, doubtful, explainTables(j.plan))
	partials, none := hyper.Write(s, good, j.sink)
	accounts = noteRejects(s, rejects.Write(s, bad, j.aside), j.sink.Staging)
	return notePartials(s, partials, j.sink.Staging), accounts, beam.Flatten(s, noteDisputed(s, disputed, j.sink.Staging), none)
}

// writeRows loads batches into partials. Those of tables that are repartitioned go through
// spills and come out again by target, in a stage of their own: a flatten of batches would
// part reading from loading, and send every batch through the runner.
func (j *Job) writeRows(s beam.Scope, good beam.PCollection) (partials, doubtful beam.PCollection) {
	if !j.plan.MovesRows() {
		partials, doubtful = hyper.Write(s, good, j.sink)
		return notePartials(s, partials, j.sink.Staging), doubtful
	}
	others, parts := repartition.Spill(s, good, j.moves)
	partials, doubtful = hyper.Write(s, others, j.sink)
	moved, _ := hyper.Write(s.Scope("Moved"), repartition.Read(s, parts), j.sink) // no file is deferred whose rows move
	repartition.Remove(s, parts, moved)
	return beam.Flatten(s, notePartials(s, partials, j.sink.Staging), moved), doubtful
}

// inOrder has the last of shards say that it is, where a single worker reads them in their order.
func inOrder(shards []parquetread.Shard, workers int) []parquetread.Shard {
	shards = slices.Clone(shards)
	if n := len(shards); n > 0 {
		shards[n-1].Last = workers == 1
	}
	return shards
}

// listFn emits the shards of the plan: each under its own key for several workers to share
// them, all under one for a single worker.
type listFn struct {
	Shards  []parquetread.Shard
	Workers int
}

// ProcessElement turns the impulse into shards.
func (fn *listFn) ProcessElement(_ []byte, emit func(int, parquetread.Shard)) {
	for i, shard := range fn.Shards {
		if fn.Workers == 1 {
			i = 0
		}
		emit(i, shard)
	}
}

// recordFn writes the result of the job to staging, where the driver reads it.
type recordFn struct {
	URI    string
	Tables int
	Split  bool // there are several extracts
}

// ProcessElement records the one extract of the run.
func (fn *recordFn) ProcessElement(
	ctx context.Context, _ int, extracts func(*hyper.File) bool, accounts func(*rejects.Account) bool, disputed func(*hyper.Doubtful) bool,
) error {
	return failure.Encode(fn.record(ctx, extracts, accounts, disputed), failure.Storage)
}

func (fn *recordFn) record(
	ctx context.Context, extracts func(*hyper.File) bool, accounts func(*rejects.Account) bool, disputed func(*hyper.Doubtful) bool,
) error {
	r := Result{Rejects: make([]rejects.Account, fn.Tables)}
	if fn.Split {
		r.addOutputs(extracts, fn.Tables)
	} else if !extracts(&r.Extract) {
		return failure.New(failure.Engine, "the merge gave no extract")
	}
	for account := (rejects.Account{}); accounts(&account); account = (rejects.Account{}) {
		r.Rejects[account.Table].Add(account)
	}
	for file := (hyper.Doubtful{}); disputed(&file); file = (hyper.Doubtful{}) {
		r.Disputed = append(r.Disputed, file)
	}
	if err := storage.PutJSON(ctx, fn.URI, r); err != nil {
		return failure.New(failure.Storage, "write the result of the job: %w", err).WithHint("%s", storage.Hint(err))
	}
	return nil
}
