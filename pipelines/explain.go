package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// explainTable is how the rows of a table are read once more.
type explainTable struct {
	Read  parquetread.Table `json:"read"`
	Rules parquetread.Table `json:"rules"` // the columns that rules and where read
	Apply validate.Table    `json:"apply"`
	Whole bool              `json:"whole"` // rejects are kept with all their columns
}

// explain reads doubtful files in Go. It returns what a refused file should have given as
// any other file would, batches and rejects; the rejects of the others, with batches that
// have nothing but a tally; and a PCollection<hyper.Doubtful> of the files of which Go
// and hyperd keep different rows.
func explain(s beam.Scope, doubtful beam.PCollection, tables []explainTable) (batches, rejects, disputed beam.PCollection) {
	encoded, err := json.Marshal(tables)
	if err != nil {
		encoded = nil // Setup reports it
	}
	return beam.ParDo3(s.Scope("Explain"), &explainFn{Encoded: encoded}, doubtful)
}

// explainFn carries the tables as JSON: Beam has no way of its own to serialise all of it.
type explainFn struct {
	Encoded []byte

	tables []explainTable
}

// Setup decodes the tables; a worker calls it before anything else.
func (fn *explainFn) Setup() error {
	if err := json.Unmarshal(fn.Encoded, &fn.tables); err != nil {
		return fmt.Errorf("decode the tables to explain: %w", err)
	}
	return nil
}

// ProcessElement reads one file.
func (fn *explainFn) ProcessElement(
	ctx context.Context, d hyper.Doubtful, batches func(batch.Batch), rejects func(batch.Rejects), disputed func(hyper.Doubtful),
) error {
	if d.Table < 0 || d.Table >= len(fn.tables) {
		return failure.Encode(failure.New(failure.Engine, "a file of table %d of %d is in doubt", d.Table, len(fn.tables)), failure.Engine)
	}
	table := fn.tables[d.Table]
	d.File.Deferred = false
	if d.Refused != "" {
		return failure.Encode(table.each(ctx, d, table.Read, d.File.RowGroups, func(good batch.Batch, bad *batch.Rejects) {
			batches(good)
			if bad != nil {
				rejects(*bad)
			}
		}), failure.Engine)
	}
	tally, aside, err := table.explain(ctx, d)
	if err != nil {
		return failure.Encode(err, failure.Engine)
	}
	if tally.Filtered != d.Filtered || tally.Rejected != d.Rejected {
		disputed(d)
		return nil
	}
	batches(batch.Batch{
		Table: d.Table, Origin: batch.Origin{File: d.File.Info.URI}, Tally: batch.Tally{Failed: tally.Failed},
		Record: emptyRecord(table.Read.Schema.Schema),
	})
	for _, bad := range aside {
		rejects(bad)
	}
	return nil
}

// explain finds the rejects of a file: with the columns of the rules first, and, where the
// whole rows are wanted, with all columns in the row groups that have some.
func (t explainTable) explain(ctx context.Context, d hyper.Doubtful) (tally batch.Tally, aside []batch.Rejects, err error) {
	var groups []int
	err = t.each(ctx, d, t.Rules, d.File.RowGroups, func(good batch.Batch, bad *batch.Rejects) {
		tally.Add(good.Tally)
		if bad != nil {
			aside = append(aside, *bad)
			groups = append(groups, bad.Origin.RowGroup)
		}
	})
	if err != nil || !t.Whole || len(aside) == 0 {
		return tally, aside, err
	}
	var chosen []parquetread.RowGroup
	for _, group := range d.File.RowGroups {
		if slices.Contains(groups, group.Index) {
			chosen = append(chosen, group)
		}
	}
	aside = nil
	err = t.each(ctx, d, t.Read, chosen, func(_ batch.Batch, bad *batch.Rejects) {
		if bad != nil {
			aside = append(aside, *bad)
		}
	})
	return tally, aside, err
}

// each reads row groups of a file and applies the rules to them.
func (t explainTable) each(
	ctx context.Context, d hyper.Doubtful, read parquetread.Table, groups []parquetread.RowGroup, use func(batch.Batch, *batch.Rejects),
) error {
	validator, err := validate.Compile(t.Apply, read.Schema.Schema)
	if err != nil {
		return failure.New(failure.Engine, "explain %s: %w", d.File.Info.URI, err)
	}
	file := d.File
	file.RowGroups = groups
	shard := parquetread.Shard{Table: d.Table, Files: []parquetread.FileRef{file}}
	return parquetread.ReadShard(ctx, shard, read, func(b batch.Batch) error {
		good, bad, err := validator.Apply(b)
		if err == nil {
			use(good, bad)
		}
		return err
	})
}

func emptyRecord(schema *arrow.Schema) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	return builder.NewRecord()
}

// explainTables prepares what explain needs of a plan.
func (p *Plan) explainTables() []explainTable {
	var tables []explainTable
	for _, table := range p.Tables {
		e := explainTable{Read: table.read, Rules: table.read, Apply: table.apply, Whole: table.RejectsPath != ""}
		var fields []arrow.Field
		for _, field := range table.read.Schema.Fields() {
			if slices.Contains(table.ruleColumns, field.Name) {
				fields = append(fields, field)
			}
		}
		e.Rules.Schema = batch.Schema{Schema: arrow.NewSchema(fields, nil)}
		tables = append(tables, e)
	}
	return tables
}
