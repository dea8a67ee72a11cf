package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// Plan is what a run will do. It is made from file names and footers alone; no data is
// read for it, and it writes nothing.
type Plan struct {
	Name          string        `json:"name"`
	Output        string        `json:"output"`
	FormatVersion hyper.Version `json:"format_version"`
	FormatReason  string        `json:"format_reason"` // why this version
	Tables        []*TablePlan  `json:"tables"`
	Shards        int           `json:"shards"`
	Warnings      []string      `json:"warnings,omitempty"`

	shards []parquetread.Shard
}

// TablePlan is the part of one table.
type TablePlan struct {
	hyper.Table
	Files     int   `json:"files"`
	RowGroups int   `json:"row_groups"`
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"` // of the files' row groups, as stored

	// Rules are all that the rows are held against, as they are counted: the user's, then
	// those that the types call for. Every one has its name.
	Rules []validate.Rule `json:"rules"`

	files []parquetread.Footer
	read  []string        // source columns to read: those to load, then others that rules need
	rules []validate.Rule // as given to the transform, which adds those that are always there
}

// layout is the extract that the plan leads to.
func (p *Plan) layout() hyper.Layout {
	layout := hyper.Layout{Version: p.FormatVersion}
	for _, table := range p.Tables {
		layout.Tables = append(layout.Tables, table.Table)
	}
	return layout
}

// rows is the number of rows that the footers promise, over all tables.
func (p *Plan) rows() int64 {
	var rows int64
	for _, table := range p.Tables {
		rows += table.Rows
	}
	return rows
}

// MakePlan lists the files of a configuration, reads their footers, and decides on types,
// format version and shards. What it refuses was known before any data was read.
func MakePlan(ctx context.Context, cfg *Config) (*Plan, error) {
	if stat, err := os.Stat(cfg.Output.Path); err == nil && stat.IsDir() {
		return nil, failure.New(failure.Config, "the output %s is a folder", cfg.Output.Path).
			WithHint("set output.path to a file in it").BeforeData()
	}
	plan := &Plan{Name: cfg.Name, Output: cfg.Output.Path}
	var columns []hyper.Column
	for _, tableCfg := range cfg.Tables {
		table, err := planTable(ctx, cfg, tableCfg)
		if err != nil {
			return nil, fmt.Errorf("table %s.%s: %w", tableCfg.Schema, tableCfg.Name, err)
		}
		plan.Tables = append(plan.Tables, table)
		columns = append(columns, table.Columns...)
		for _, column := range table.Columns {
			if column.Warning != "" {
				plan.Warnings = append(plan.Warnings, fmt.Sprintf("table %s, column %s: %s", table.Table, column.Source, column.Warning))
			}
		}
	}
	var err error
	if plan.FormatVersion, plan.FormatReason, err = hyper.FormatVersion(columns, cfg.Output.FormatVersion); err != nil {
		return nil, err
	}
	plan.shards = cutShards(plan.Tables, max(int(cfg.Runner.Parallelism), 1))
	plan.Shards = len(plan.shards)
	return plan, nil
}

func planTable(ctx context.Context, cfg *Config, tableCfg TableConfig) (*TablePlan, error) {
	files, err := listFiles(ctx, tableCfg.Source.URI)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, failure.New(failure.Source, "no files match %s", strings.Join(tableCfg.Source.URI, ", ")).
			WithHint("check source.uri; files whose names start with _ or . are not matched").BeforeData()
	}
	footers, err := parquetread.ReadFooters(ctx, files)
	if err != nil {
		return nil, err
	}
	table := &TablePlan{files: footers, Files: len(footers)}
	table.Schema, table.Name = tableCfg.Schema, tableCfg.Name
	for _, footer := range footers {
		table.Rows += footer.Rows
		for _, group := range footer.RowGroups {
			table.RowGroups++
			table.Bytes += group.Bytes
		}
	}
	schema, err := commonSchema(footers, tableCfg)
	if err != nil {
		return nil, err
	}
	if err := table.mapColumns(schema, cfg, tableCfg); err != nil {
		return nil, err
	}
	return table, table.addRules(schema, tableCfg.Rules)
}

// listFiles expands globs. A file that several of them match counts once.
func listFiles(ctx context.Context, uris []string) ([]storage.Info, error) {
	var files []storage.Info
	seen := map[string]bool{}
	for _, uri := range uris {
		store, err := storage.For(uri)
		if err != nil {
			return nil, failure.New(failure.Config, "%w", err).BeforeData()
		}
		found, err := store.Glob(ctx, uri)
		if err != nil {
			return nil, failure.New(failure.Source, "%w", err)
		}
		if info, err := store.Stat(ctx, uri); len(found) == 0 && err == nil && info.Folder {
			return nil, failure.New(failure.Source, "%s is a folder, not files", uri).
				WithHint("set source.uri to %s", storage.Join(uri, "**", "*.parquet")).BeforeData()
		}
		for _, file := range found {
			if !seen[file.URI] {
				seen[file.URI] = true
				files = append(files, file)
			}
		}
	}
	slices.SortFunc(files, func(a, b storage.Info) int { return cmp.Compare(a.URI, b.URI) })
	return files, nil
}

// mapColumns decides which columns are loaded, in which order and as what.
func (t *TablePlan) mapColumns(schema *arrow.Schema, cfg *Config, tableCfg TableConfig) error {
	for _, field := range schema.Fields() {
		if len(tableCfg.Source.Select) > 0 && !slices.Contains(tableCfg.Source.Select, field.Name) {
			continue // only a rule needs it
		}
		column, err := hyper.MapField(field, cfg.Output.FormatVersion)
		if err != nil {
			return fmt.Errorf("file %s: %w", t.files[0].Info.URI, err)
		}
		t.Columns = append(t.Columns, column)
	}
	for _, field := range schema.Fields() {
		t.read = append(t.read, field.Name)
	}
	return nil
}

// addRules checks the user's rules against the schema and adds those that keep values
// out which hyperd cannot store.
func (t *TablePlan) addRules(schema *arrow.Schema, rules []validate.Rule) error {
	t.rules = slices.Clone(rules)
	for _, column := range t.Columns {
		if lowest, highest, ok := hyper.StoredRange(column); ok {
			t.rules = append(t.rules, rangeRule(column.Source, lowest, highest))
		}
	}
	validator, err := validate.Compile(t.rules, schema)
	if err != nil {
		return failure.New(failure.Config, "%w", err).BeforeData()
	}
	t.Rules = validator.Rules()
	return nil
}

// rangeRule keeps values out of a column that hyperd cannot store.
func rangeRule(column, lowest, highest string) validate.Rule {
	return validate.Rule{
		Name:    fmt.Sprintf("%s can be stored", column),
		Column:  column,
		Min:     &validate.Literal{Text: lowest, Quoted: true},
		Max:     &validate.Literal{Text: highest, Quoted: true},
		Builtin: true,
	}
}
