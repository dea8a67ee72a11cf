package pipelines

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// RejectedTable is the rejects of a table, or of an entry that was ingested: those in its folder, or where it has none, what the report of
// the last run counted.
type RejectedTable struct {
	Ingest string         `json:"ingest,omitempty"` // the name of the entry; empty of a table
	Schema string         `json:"schema"`
	Name   string         `json:"name"`
	Path   string         `json:"path,omitempty"`   // of the folder; empty where rejects are only counted
	RunID  string         `json:"run_id,omitempty"` // of the report that counted them
	Rows   int64          `json:"rows"`
	Rules  []RejectedRule `json:"rules"` // those that rows broke, the one that most did first
}

// RejectedRule is the rows that broke a rule; a row may have broken several.
type RejectedRule struct {
	Name    string          `json:"name"`
	Rows    int64           `json:"rows"`
	Samples []report.Sample `json:"samples,omitempty"`
}

// RejectedOptions are what is told of rejects.
type RejectedOptions struct {
	Samples int  // of each rule, at most
	Values  bool // in reasons; else forms alone stand for them. Of rejects that are only counted there are no values
}

// Rejected reads the rejects of the last run of a configuration, in the order of what it ingests, and then of its tables. Memory does not
// grow with their number.
func Rejected(ctx context.Context, cfg *config.Config, options RejectedOptions) ([]RejectedTable, error) {
	var last *report.Report
	tables, err := rejectedIngests(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	for _, table := range cfg.Tables {
		found := RejectedTable{Schema: table.Schema, Name: table.Name, Path: table.Rejects.Path, Rules: []RejectedRule{}}
		var err error
		if found.Path != "" {
			err = found.read(ctx, func(info storage.Info) error { return found.readFile(ctx, info, options) })
		} else {
			if last == nil {
				last, err = lastComplete(ctx, cfg)
			}
			found.take(last, options)
		}
		if err != nil {
			return nil, err
		}
		found.sort()
		tables = append(tables, found)
	}
	return tables, nil
}

// sort has the rule first that most rows broke.
func (t *RejectedTable) sort() {
	slices.SortStableFunc(t.Rules, func(a, b RejectedRule) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Name, b.Name))
	})
}

// lastComplete is the report of the last run that counted all rows; one of nothing if there is none.
func lastComplete(ctx context.Context, cfg *config.Config) (*report.Report, error) {
	runs, err := History(ctx, cfg)
	for i := len(runs) - 1; i >= 0; i-- {
		if runs[i].Complete {
			return &runs[i], err
		}
	}
	return &report.Report{}, err
}

// take takes what a report counted.
func (t *RejectedTable) take(r *report.Report, options RejectedOptions) {
	if r == nil {
		return
	}
	t.RunID = r.RunID
	for _, account := range r.Tables {
		if account.Schema != t.Schema || account.Name != t.Name {
			continue
		}
		t.Rows = account.RowsRejected
		for _, rule := range account.Rules {
			if rule.Failed > 0 {
				t.rule(rule.Name).Rows = rule.Failed
			}
		}
		for _, sample := range account.Samples {
			if !options.Values {
				sample.Reason = ""
			}
			t.rule(sample.Rule).add(sample, options.Samples)
		}
	}
}

// mostRules is more than any table has: names come from files, which anybody may have written.
const mostRules = 10_000

// rule is the one of a name, which is added if it is new.
func (t *RejectedTable) rule(name string) *RejectedRule {
	at := slices.IndexFunc(t.Rules, func(r RejectedRule) bool { return r.Name == name })
	if at < 0 {
		t.Rules = append(t.Rules, RejectedRule{Name: name})
		at = len(t.Rules) - 1
	}
	return &t.Rules[at]
}

// boundedRule is the one of a name that a file has.
func (t *RejectedTable) boundedRule(name string, info storage.Info) (*RejectedRule, error) {
	if len(t.Rules) >= mostRules {
		return nil, failure.New(failure.Source, "%s names more than %d rules", info.URI, mostRules)
	}
	return t.rule(name), nil
}

func (r *RejectedRule) add(sample report.Sample, most int) {
	if len(r.Samples) < most {
		r.Samples = append(r.Samples, sample)
	}
}

// read reads the files of the folder, each by readFile.
func (t *RejectedTable) read(ctx context.Context, readFile func(storage.Info) error) error {
	store, err := storage.For(t.Path)
	if err != nil {
		return err
	}
	files, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(t.Path), "*.parquet"))
	if err != nil {
		return err
	}
	for _, info := range files {
		if err := readFile(info); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads what a reject file has beside the columns of the source.
func (t *RejectedTable) readFile(ctx context.Context, info storage.Info, options RejectedOptions) error {
	footer, err := parquetread.ReadFooter(ctx, info)
	if err != nil {
		return err
	}
	defer footer.Release()
	added := rejects.AddedTo(footer.Schema)
	if added == nil {
		return noRejects(info)
	}
	var sources []string
	var fields []arrow.Field
	for _, field := range footer.Schema.Fields() {
		if slices.Contains(added, field.Name) {
			fields = append(fields, field)
		} else {
			sources = append(sources, field.Name)
		}
	}
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
	table := parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema(fields, nil)}}
	return parquetread.ReadShard(ctx, shard, table, func(b batch.Batch) error {
		return t.takeRows(b.Record, sources, info, options)
	})
}

// noRejects is the failure of a file that is not of rejects.
func noRejects(info storage.Info) error {
	return failure.New(failure.Source, "%s is no file of rejects: it has not the columns that these have", info.URI).
		WithHint("rejects.path must be a folder that holds nothing else")
}

// takeRows counts the rows of a reject file, which are all columns but those of the source.
func (t *RejectedTable) takeRows(rows arrow.Record, sources []string, info storage.Info, options RejectedOptions) error {
	files, isFiles := rows.Column(0).(*array.String)
	groups, isGroups := rows.Column(1).(*array.Int32)
	numbers, isNumbers := rows.Column(2).(*array.Int64)
	rules, areRules := textsOf(rows.Column(3))
	reasons, areReasons := textsOf(rows.Column(4))
	if !isFiles || !isGroups || !isNumbers || !areRules || !areReasons {
		return failure.New(failure.Source, "%s is no file of rejects: its columns have other types than these have", info.URI)
	}
	t.Rows += rows.NumRows()
	for i := range int(rows.NumRows()) {
		broken, why := rules(i), reasons(i)
		for j, name := range broken {
			rule, err := t.boundedRule(name, info)
			if err != nil {
				return err
			}
			if rule.Rows++; len(rule.Samples) >= options.Samples || j >= len(why) {
				continue
			}
			sample := report.Sample{Rule: name, File: files.Value(i), RowGroup: int(groups.Value(i)), Row: numbers.Value(i)}
			if sample.Form = rejects.Form(why[j], sources); options.Values {
				sample.Reason = why[j]
			}
			rule.add(sample, options.Samples)
		}
	}
	return nil
}

// textsOf reads the lists of a column of lists of texts.
func textsOf(column arrow.Array) (at func(row int) []string, isLists bool) {
	lists, ok := column.(*array.List)
	if !ok {
		return nil, false
	}
	values, ok := lists.ListValues().(*array.String)
	return func(row int) (texts []string) {
		from, to := lists.ValueOffsets(row)
		for i := from; i < to; i++ {
			texts = append(texts, values.Value(int(i)))
		}
		return texts
	}, ok
}
