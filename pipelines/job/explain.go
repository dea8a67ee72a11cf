package job

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/wire"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// explainTable is how the rows of a table are read once more.
type explainTable struct {
	Read  judgedRows `json:"read"`
	Rules judgedRows `json:"rules"` // only the columns that rules and where read
	Picks judgedRows `json:"picks"` // what of rejected rows has to be read, the same or more
}

// judgedRows is some columns of a table, and what becomes of their rows.
type judgedRows struct {
	Table parquetread.Projection `json:"table"`
	Apply validate.Ruleset       `json:"apply"`
}

// explain reads doubtful files in Go. It returns what a refused file should have given as
// any other file would, batches and rejects; the rejects of the others, with batches that
// have nothing but a tally; and a PCollection<hyper.Doubtful> of the files of which Go
// and hyperd keep different rows.
func explain(s beam.Scope, doubtful beam.PCollection, tables []explainTable) (batches, rejects, disputed beam.PCollection) {
	return beam.ParDo3(s.Scope("Explain"), &explainFn{Params: wire.Pack(tables)}, doubtful)
}

// explainFn reads files once more.
type explainFn struct {
	Params wire.Params[[]explainTable]

	tables []explainTable
}

// Setup decodes the tables; a worker calls it before anything else.
func (fn *explainFn) Setup() (err error) {
	fn.tables, err = fn.Params.Unpack()
	return err
}

// ProcessElement reads files that were loaded together.
func (fn *explainFn) ProcessElement(
	ctx context.Context, d hyper.Doubtful, batches func(batch.Batch), rejects func(batch.Rejects), disputed func(hyper.Doubtful),
) error {
	if d.Table < 0 || d.Table >= len(fn.tables) {
		return failure.Encode(failure.New(failure.Engine, "a file of table %d of %d is in doubt", d.Table, len(fn.tables)), failure.Engine)
	}
	table := fn.tables[d.Table]
	reject := func(bad batch.Rejects) {
		bad.Attempt = d.Attempt
		rejects(bad)
	}
	if d.Refused != "" {
		return failure.Encode(table.each(ctx, d.Table, d.Parts[0].Files[0], table.Read, func(good batch.Batch, bad *batch.Rejects) {
			good.Attempt = d.Attempt
			batches(good)
			if bad != nil {
				reject(*bad)
			}
		}), failure.Engine)
	}
	tallies, err := table.explainAll(ctx, d, reject)
	if err != nil {
		return failure.Encode(err, failure.Engine)
	}
	sum := batch.Tally{Doubtful: -1}
	open := hyper.Doubtful{Table: d.Table, Attempt: d.Attempt}
	for i, part := range d.Parts {
		sum.Add(part.Correction(tallies[i]))
		if part.Differs(tallies[i]) {
			open.Parts = append(open.Parts, part)
		}
	}
	if len(open.Parts) > 0 {
		disputed(open) // which makes all that this job emits worthless
		return nil
	}
	batches(batch.Batch{
		Table: d.Table, Attempt: d.Attempt, Origin: batch.Origin{File: d.Parts[0].Files[0].Info.URI}, Tally: sum,
		Record: emptyRecord(table.Read.Table.Schema.Schema),
	})
	return nil
}

// maxExplained bounds how many files are explained at once.
const maxExplained = 4

// explainAll finds the rejects of all files, several at once, and returns a tally for each
// part. It calls rejects from the caller's own goroutine.
func (t explainTable) explainAll(ctx context.Context, d hyper.Doubtful, rejects func(batch.Rejects)) (tallies []batch.Tally, err error) {
	tallies = make([]batch.Tally, len(d.Parts))
	found := make(chan batch.Rejects)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(found)
		err = t.sendAll(ctx, d, tallies, found)
	}()
	defer func() {
		cancel()
		for range found { // until all have ended, also after a panic of rejects
		}
	}()
	for bad := range found {
		rejects(bad)
	}
	return tallies, err
}

// sendAll is explainAll into a channel.
func (t explainTable) sendAll(ctx context.Context, d hyper.Doubtful, tallies []batch.Tally, found chan<- batch.Rejects) error {
	var mutex sync.Mutex // for tallies
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(runtime.GOMAXPROCS(0), maxExplained))
	for i, part := range d.Parts {
		for _, file := range part.Files {
			group.Go(func() error {
				tally, err := t.rejectsOf(ctx, d.Table, file, func(bad batch.Rejects) {
					select {
					case found <- bad:
					case <-ctx.Done(): // which ends the reading, too
					}
				})
				mutex.Lock()
				defer mutex.Unlock()
				tallies[i].Add(tally.Of(file.Unit))
				return err
			})
		}
	}
	return group.Wait()
}

// maxPicked bounds how many rejects of a file are looked up one by one, of which the
// numbers are kept in memory.
const maxPicked = 1 << 20

// rejectsOf finds the rejects of a file by the columns of the rules; where those are not all that
// matters of a rejected row, it reads the others of these rows after that.
func (t explainTable) rejectsOf(
	ctx context.Context, index int, file parquetread.FileRef, rejects func(batch.Rejects),
) (tally batch.Tally, err error) {
	if t.Picks.Table.Schema.Equal(t.Rules.Table.Schema.Schema) {
		err = t.each(ctx, index, file, t.Rules, func(good batch.Batch, bad *batch.Rejects) {
			tally.Add(good.Tally)
			if bad != nil {
				rejects(*bad)
			}
		})
		return tally, err
	}
	tally, rows, groups, err := t.find(ctx, index, file)
	if err != nil || len(groups) == 0 {
		return tally, err
	}
	picked, err := t.pick(ctx, index, file, rows, groups, rejects)
	for i, failed := range picked.Failed { // a rule that only these rows break, as it is about columns that find did not read
		tally.Failed[i] = max(tally.Failed[i], failed)
	}
	return tally, err
}

// find returns the numbers of the rows of a file that are rejected, or the first ones if they are
// more than maxPicked, and the row groups that have some.
func (t explainTable) find(
	ctx context.Context, index int, file parquetread.FileRef,
) (tally batch.Tally, rows []int64, groups map[int]bool, err error) {
	validator, err := t.Rules.compile(file)
	if err != nil {
		return tally, nil, nil, err
	}
	groups = map[int]bool{}
	err = t.read(ctx, index, file, t.Rules.Table, func(b batch.Batch) error {
		found, rejected, err := validator.Find(b)
		if err != nil {
			return err
		}
		tally.Add(found)
		if len(rejected) > 0 {
			groups[b.Origin.RowGroup] = true
		}
		if len(rows) <= maxPicked {
			rows = append(rows, rejected...)
		}
		return nil
	})
	return tally, rows, groups, err
}

// each reads a file and applies the rules to its rows.
func (t explainTable) each(
	ctx context.Context, index int, file parquetread.FileRef, read judgedRows, use func(batch.Batch, *batch.Rejects),
) error {
	validator, err := read.compile(file)
	if err != nil {
		return err
	}
	return t.read(ctx, index, file, read.Table, func(b batch.Batch) error {
		good, bad, err := validator.Apply(b)
		if err == nil {
			use(good, bad)
		}
		return err
	})
}

// read reads a file as one that is not deferred.
func (t explainTable) read(
	ctx context.Context, index int, file parquetread.FileRef, read parquetread.Projection, use func(batch.Batch) error,
) error {
	file.Deferred = false
	return parquetread.ReadShard(ctx, parquetread.Shard{Table: index, Files: []parquetread.FileRef{file}}, read, use)
}

// pick reads the rejected rows of a file, which are in these row groups, and says again why they
// are; the tally is of these rows at least.
func (t explainTable) pick(
	ctx context.Context, index int, file parquetread.FileRef, rows []int64, groups map[int]bool, rejects func(batch.Rejects),
) (tally batch.Tally, err error) {
	if len(rows) > maxPicked {
		file.RowGroups = slices.DeleteFunc(slices.Clone(file.RowGroups), func(g parquetread.RowGroup) bool { return !groups[g.Index] })
		err = t.each(ctx, index, file, t.Picks, func(good batch.Batch, bad *batch.Rejects) {
			tally.Add(good.Tally)
			if bad != nil {
				rejects(*bad)
			}
		})
		return tally, err
	}
	validator, err := t.Picks.compile(file)
	if err != nil {
		return tally, err
	}
	file.Deferred = false
	err = parquetread.ReadRows(ctx, index, file, t.Picks.Table, rows, func(b batch.Batch) error {
		good, bad, err := validator.Apply(b)
		if err != nil {
			return err
		}
		if bad == nil || len(bad.Rows) != int(b.Record.NumRows()) {
			return failure.New(failure.Engine, "%s: rows that broke a rule no longer do", b.Origin)
		}
		tally.Add(good.Tally)
		bad.Rows, rows = rows[:len(bad.Rows):len(bad.Rows)], rows[len(bad.Rows):]
		rejects(*bad)
		return nil
	})
	return tally, err
}

func (r judgedRows) compile(file parquetread.FileRef) (*validate.Validator, error) {
	validator, err := validate.Compile(r.Apply, r.Table.Schema.Schema)
	if err != nil {
		return nil, failure.New(failure.Engine, "explain %s: %w", file.Info.URI, err)
	}
	return validator, nil
}

func emptyRecord(schema *arrow.Schema) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	return builder.NewRecord()
}

// explainTables prepares what explain needs of a plan.
func explainTables(p *plan.Plan) []explainTable {
	var tables []explainTable
	for _, table := range p.Tables {
		read := judgedRows{table.Read, table.Apply}
		if table.Apply.SQL != nil && table.Apply.SQL.Mapped != "" { // of fewer columns, the rules on conversions have other numbers
			tables = append(tables, explainTable{Read: read, Rules: read, Picks: read})
			continue
		}
		e := explainTable{Read: read, Rules: read.only(table.RuleColumns), Picks: read}
		if table.RejectsPath == "" { // but for what is wrong with rejected rows, nothing of them is kept
			e.Picks = read.only(slices.Concat(table.RuleColumns, read.texts()))
		}
		tables = append(tables, e)
	}
	return tables
}

// texts are the columns of which every value is held against a rule, that of valid UTF-8.
func (r judgedRows) texts() []string {
	var names []string
	for _, field := range r.Table.Schema.Fields() {
		if id := field.Type.ID(); id == arrow.STRING || id == arrow.LARGE_STRING {
			names = append(names, field.Name)
		}
	}
	return names
}

// only is the same of fewer columns.
func (r judgedRows) only(columns []string) judgedRows {
	all := r.Table.Schema.Schema
	fields := slices.DeleteFunc(all.Fields(), func(field arrow.Field) bool { return !slices.Contains(columns, field.Name) })
	r.Table.Schema = batch.Schema{Schema: arrow.NewSchema(fields, nil)}
	r.Apply.Columns = plan.AskedOf(r.Apply.Columns, all, r.Table.Schema.Schema)
	return r
}
