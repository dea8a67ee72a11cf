package job

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/plan"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/repartition"
)

const (
	sampledGroups = 32   // row groups of a table that are sampled
	sampledRows   = 1024 // rows of each of them
)

// SampleRanges divides the values of ranges anew, by a sample of the rows: the footers do
// not tell where between the least and the greatest value the others crowd. It returns, for every
// table of the plan, where its rows move. It fails as [parquetread.ReadRows] does: with one of kind Source
// for a file that cannot be read, or that is no longer the one that was planned for.
func SampleRanges(ctx context.Context, p *plan.Plan) ([]repartition.Moves, error) {
	moves := make([]repartition.Moves, len(p.Tables))
	for i, table := range p.Tables {
		r := table.Repartition
		if r == nil {
			continue
		}
		moves[i] = r.Table
		if r.Range == "" || !stores(table, r.Field) {
			continue
		}
		samples, err := sample(ctx, table, r.Field)
		if err != nil {
			return nil, err
		}
		if moves[i].Bounds, err = repartition.FindBounds(r.Field, samples, r.Shards); err != nil {
			return nil, failure.New(failure.Engine, "divide the values of column %s: %w", r.Range, err)
		}
	}
	return moves, nil
}

// stores says whether a column is in the files as batches have it after their conversion.
func stores(t *plan.TablePlan, column arrow.Field) bool {
	found, ok := t.Read.Schema.FieldsByName(column.Name)
	if !ok || !arrow.TypeEqual(found[0].Type, column.Type) {
		return false
	}
	_, isNested := column.Type.(arrow.NestedType)
	return !isNested
}

// sample reads a column in rows that lie evenly in row groups that lie evenly in the table.
func sample(ctx context.Context, t *plan.TablePlan, column arrow.Field) ([]repartition.Sample, error) {
	table := t.Read
	table.Schema = batch.Schema{Schema: arrow.NewSchema([]arrow.Field{column}, nil)}
	var groups int
	for _, file := range t.ToRead {
		groups += len(file.Groups)
	}
	var samples []repartition.Sample
	next := 0 // row group of the table
	for _, file := range t.ToRead {
		for _, group := range file.Groups {
			next++
			if next*sampledGroups/groups == (next-1)*sampledGroups/groups {
				continue
			}
			ref := parquetread.FileRef{Info: file.Info, Partitions: file.Partitions, Folders: file.Folders, RowGroups: []parquetread.RowGroup{group}}
			err := parquetread.ReadRows(ctx, 0, ref, table, evenly(group, sampledRows), func(b batch.Batch) error {
				samples = append(samples, repartition.Sample{Values: b.Record.Column(0), Rows: group.Rows})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}

// evenly chooses rows of a row group, by their numbers in the file.
func evenly(group parquetread.RowGroup, most int64) []int64 {
	n := min(group.Rows, most)
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = group.FirstRow + int64(i)*group.Rows/n
	}
	return rows
}
