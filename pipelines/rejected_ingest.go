package pipelines

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// rejectedIngests are the rejects of what a configuration ingests.
func rejectedIngests(ctx context.Context, cfg *config.Config, options RejectedOptions) (all []RejectedTable, err error) {
	var runs []report.Report
	for _, entry := range cfg.Ingest {
		found := RejectedTable{Ingest: entry.Name, Path: entry.Rejects.Path, Rules: []RejectedRule{}}
		if found.Path != "" {
			err = found.read(ctx, func(info storage.Info) error { return found.readIngestFile(ctx, info, options) })
		} else {
			if runs == nil {
				runs, err = History(ctx, cfg)
			}
			found.takeIngested(runs)
		}
		if err != nil {
			return nil, err
		}
		found.sort()
		all = append(all, found)
	}
	return all, nil
}

// takeIngested takes what the last of some reports counted that tells of the entry.
func (t *RejectedTable) takeIngested(runs []report.Report) {
	for i := len(runs) - 1; i >= 0; i-- {
		for _, entry := range runs[i].Ingest {
			if entry.Name != t.Ingest {
				continue
			}
			t.RunID, t.Rows = runs[i].RunID, entry.Rejected
			for _, rule := range entry.Rules {
				t.rule(strings.TrimPrefix(rule.Column+": "+rule.Rule, ": ")).Rows = rule.Rows
			}
			return
		}
	}
}

// readIngestFile reads a file of rejects of what was ingested.
func (t *RejectedTable) readIngestFile(ctx context.Context, info storage.Info, options RejectedOptions) error {
	footer, err := parquetread.ReadFooter(ctx, info)
	if err != nil {
		return err
	}
	defer footer.Release()
	if ingest.RejectColumns(footer.Schema) == nil {
		return noRejects(info)
	}
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
	return parquetread.ReadShard(ctx, shard, parquetread.Projection{Schema: batch.Schema{Schema: footer.Schema}}, func(b batch.Batch) error {
		return t.takeIngestRows(b.Record, info, options)
	})
}

// takeIngestRows counts the rows of such a file.
func (t *RejectedTable) takeIngestRows(rows arrow.Record, info storage.Info, options RejectedOptions) error {
	r := rejectedRows{Record: rows, added: ingest.RejectColumns(rows.Schema())}
	rules, areRules := textsOf(r.column(4))
	reasons, areReasons := textsOf(r.column(5))
	if !areRules || !areReasons {
		return failure.New(failure.Source, "%s is no file of rejects: its columns have other types than these have", info.URI)
	}
	t.Rows += rows.NumRows()
	for row := range int(rows.NumRows()) {
		why := reasons(row)
		for j, name := range rules(row) {
			rule, err := t.boundedRule(name, info)
			if err != nil {
				return err
			}
			if rule.Rows++; len(rule.Samples) >= options.Samples || j >= len(why) {
				continue
			}
			sample := report.Sample{Rule: name, File: r.column(0).ValueStr(row), Place: r.place(row), Reason: why[j]}
			switch value, isShown := r.valueOf(name, row); {
			case isShown && options.Values:
				sample.Reason += ": " + strconv.Quote(value)
			case isShown:
				sample.Form = rejects.Form("found "+strconv.Quote(value), nil)
			}
			rule.add(sample, options.Samples)
		}
	}
	return nil
}

// rejectedRows are rows of what was ingested that did not fit.
type rejectedRows struct {
	arrow.Record
	added []string // the names of the columns that the source does not have
}

// column is one of those that were added.
func (r rejectedRows) column(i int) arrow.Array {
	return r.Column(r.Schema().FieldIndices(r.added[i])[0])
}

// place says where a row is in its file: by line, page or key.
func (r rejectedRows) place(row int) string {
	for i, what := range []string{"line", "page"} {
		if numbers, ok := r.column(1 + i).(*array.Int64); ok && numbers.IsValid(row) {
			return fmt.Sprintf("%s %s", what, humanize.Comma(numbers.Value(row)))
		}
	}
	return r.column(3).ValueStr(row)
}

// valueOf is the value that broke a rule, if that is about a column, and the value is known.
func (r rejectedRows) valueOf(rule string, row int) (value string, isShown bool) {
	longest := -1
	for i, field := range r.Schema().Fields() {
		if strings.HasPrefix(rule, field.Name+": ") && (longest < 0 || len(field.Name) > len(r.ColumnName(longest))) {
			longest = i
		}
	}
	if longest < 0 {
		return "", false
	}
	texts, ok := r.Column(longest).(*array.String)
	if !ok || texts.IsNull(row) {
		return "", false
	}
	return texts.Value(row), true
}
