package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// Plan is what a run will do. It is made from file names and footers alone; no data is
// read for it, and it writes nothing.
type Plan struct {
	Name          string             `json:"name"`
	Output        string             `json:"output"`
	Merge         config.MergeChoice `json:"merge,omitempty"`
	FormatVersion hyper.Version      `json:"format_version"`
	FormatReason  string             `json:"format_reason"` // why this version
	Tables        []*TablePlan       `json:"tables"`
	Shards        int                `json:"shards"`
	Warnings      []string           `json:"warnings,omitempty"`

	Workers int `json:"-"` // to plan for
}

// TablePlan is the part of one table.
type TablePlan struct {
	TableOutline

	// RowsDeleted is how many rows of the files the table says are deleted of the files that are read, and DeleteFiles how
	// many other files say of more rows that they are: of how many, and which, is not known before they are read.
	RowsDeleted int64 `json:"rows_deleted,omitempty"`
	DeleteFiles int   `json:"delete_files,omitempty"`

	// Partitions names the columns that are made of the names of folders.
	Partitions []string `json:"partitions,omitempty"`

	// LeftOut says which files are others by a second name.
	LeftOut []string `json:"left_out,omitempty"`

	// Drift says how the columns of files differ, and what becomes of that.
	Drift []string `json:"drift,omitempty"`

	// Where is the condition that rows are read under; RowByRow are the parts of it, and of
	// the rules' expressions, that have no columnar form.
	Where    string   `json:"where,omitempty"`
	Window   string   `json:"window,omitempty"` // which dates are not too old, in words
	RowByRow []string `json:"row_by_row,omitempty"`

	// Deferred is how many files hyperd reads itself, and Materialised why it is not more.
	Deferred     int      `json:"files_deferred"`
	Materialised []string `json:"materialised_because,omitempty"`

	// RejectsPath is the folder of the reject files; empty where rejects are only counted.
	RejectsPath string `json:"rejects_path,omitempty"`

	// Rules are all that the rows are held against, as they are counted: the user's, then
	// those that the types call for. Every one has its name.
	Rules []validate.Rule `json:"rules"`

	// Repartition is where rows are moved and how they are sorted; nil if neither.
	Repartition *RepartitionPlan `json:"repartition,omitempty"`

	warnings []string // on the source

	// ToRead are the files with what is read of them; Read and Apply say how, and RuleColumns are the
	// columns that rules and where read.
	ToRead      []PlannedFile          `json:"-"`
	Read        parquetread.Projection `json:"-"`
	Apply       validate.Ruleset       `json:"-"`
	RuleColumns []string               `json:"-"`

	units         []Unit // sorted by key
	countsUnits   bool   // the rows of each
	conditions    []condition
	rulesUseToday bool
	mayLackWindow bool // since nothing says which columns there are
	limit         int64
}

// PlannedFile is the row groups to read of a file.
type PlannedFile struct {
	Info       storage.Info
	Partitions []*string // values of the partition columns
	Folders    []parquetread.FolderValue
	Groups     []parquetread.RowGroup
	Table      lake.File // what the table says of it, its deleted rows among that; nothing of loose files
	keys       *batch.KeyValues
	answers    answers   // of the conditions on partition columns
	deferred   bool      // hyperd reads it
	isCut      bool      // not all rows of its last row group are read
	values     []*string // of the unit columns
	sql        []string  // the same as constants of hyperd
	columns    []batch.StoredColumn
}

// TableFile is a file of a table of the plan.
type TableFile struct {
	Table int // its index
	URI   string
}

// Layout is the extract that the plan leads to.
func (p *Plan) Layout() hyper.Layout {
	layout := hyper.Layout{Version: p.FormatVersion}
	for _, table := range p.Tables {
		layout.Tables = append(layout.Tables, table.Table)
	}
	return layout
}

// Rows is the number of rows to read, over all tables.
func (p *Plan) Rows() int64 {
	var rows int64
	for _, table := range p.Tables {
		rows += table.RowsToRead()
	}
	return rows
}

// Plan reads the footers of the files that were seen for a configuration, and decides on types,
// format version and shards. What it refuses was known before any data was read: of kind Config where the
// configuration is to be changed, of kind Source where the lake is, of kind Data where the files have
// neither columns nor rows, and of kind Storage where rejects cannot be put. What is wrong with several
// tables is told at once.
func (s *Sight) Plan(ctx context.Context, cfg *config.Config) (*Plan, error) {
	if s.wrong != nil {
		return nil, s.wrong
	}
	plan := &Plan{Name: cfg.Name, Output: cfg.Output.Path, Merge: cfg.Output.Merge}
	if !cfg.Sample.IsNone() {
		plan.Warnings = append(plan.Warnings, cfg.Sample.String())
	}
	var columns []hyper.Column
	var wrong []error
	for i, tableCfg := range cfg.Tables {
		table, err := planTable(ctx, cfg, tableCfg, s.tables[i])
		if err != nil {
			wrong = append(wrong, cfg.InTable(i, err))
			continue
		}
		plan.Tables = append(plan.Tables, table)
		columns = append(columns, table.Columns...)
		for _, warning := range table.warnings {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("table %s: %s", table.Table, warning))
		}
		for _, column := range table.Columns {
			if column.Warning != "" {
				plan.Warnings = append(plan.Warnings, fmt.Sprintf("table %s, column %s: %s", table.Table, column.Source, column.Warning))
			}
		}
	}
	if err := failure.Join(failure.Config, wrong...); err != nil {
		return nil, err
	}
	if err := plan.checkWindow(cfg); err != nil {
		return nil, err
	}
	if err := plan.addKeys(cfg); err != nil {
		return nil, cfg.Placed(err)
	}
	if err := plan.checkHidden(cfg); err != nil {
		return nil, err
	}
	var err error
	if plan.FormatVersion, plan.FormatReason, err = hyper.FormatVersion(columns, cfg.Output.FormatVersion); err != nil {
		return nil, err
	}
	plan.Workers = max(int(cfg.Runner.Parallelism), 1)
	plan.Shards = len(plan.Cut(nil))
	return plan, nil
}

// Cut divides the work, as often as it is asked, always alike. Files of read are read in Go whatever
// was planned. A single worker reads the shards in their order.
func (p *Plan) Cut(read map[TableFile]bool) []parquetread.Shard {
	return cutShards(p.Tables, p.Workers, read)
}

// checkRejectsPlace refuses a folder that cannot be replaced by reject files.
func checkRejectsPlace(ctx context.Context, folder string) error {
	err := rejects.CheckFolder(ctx, folder)
	var known *failure.Error
	switch {
	case errors.As(err, &known):
		return known.BeforeData()
	case err != nil:
		return err
	}
	place := really(folder)
	return staging.CheckLocalPlace("the folder of rejects", "rejects.path", place, rejects.HiddenPrefix(filepath.Base(place)))
}

func planTable(ctx context.Context, cfg *config.Config, tableCfg config.TableConfig, seen tableSight) (*TablePlan, error) {
	src, err := seen.open(ctx, cfg, tableCfg, func(column string) bool { return mayRead(cfg, tableCfg, column) })
	if err != nil {
		return nil, err
	}
	tableCfg.Rules = seen.rules
	m, err := newMapping(src.Schema, tableCfg, cfg)
	if err != nil {
		return nil, err
	}
	table := &TablePlan{
		Where: tableCfg.Source.Where, RejectsPath: tableCfg.Rejects.Path, LeftOut: src.leftOut, warnings: src.Warnings,
		limit: cfg.Sample.Limit,
	}
	table.Source, table.Schema, table.Name = src.Version(), tableCfg.Schema, tableCfg.Name
	if table.Drift, err = src.Columns.check(m.sourceNames(), tableCfg.Source.OnDrift, tableCfg.Columns); err != nil {
		return nil, err
	}
	if err := table.mapColumns(m, cfg, tableCfg); err != nil {
		return nil, err
	}
	validator, err := table.addRules(m)
	if err != nil {
		return nil, err
	}
	if table.RejectsPath != "" {
		if err := rejects.CheckNames(m.source); err != nil {
			return nil, err
		}
	}
	table.RowByRow = validator.RowByRow()
	if err := table.planRepartition(cfg, tableCfg.Repartition, validator.Schema()); err != nil {
		return nil, err
	}
	if src.table != nil {
		wanted := func(column string) bool { return mayRead(cfg, tableCfg, column) }
		if err := src.readTable(ctx, wanted, validator.MayKeep, table.pruneFile); err != nil {
			return nil, err
		}
		if table.Files == 0 && len(src.Footers) == 0 && cfg.OnEmpty != config.OnEmptyAllow {
			return nil, emptyTable(src.table)
		}
	}
	table.Drift = append(table.Drift, src.PartitionDrift(m.source)...)
	if err := m.checkWindow(cfg, src); err != nil {
		return nil, err
	}
	constants := src.unitConstants()
	m.setFixed(constants, tableCfg.Columns)
	if err := table.addFiles(src, constants, m, validator, cfg); err != nil {
		return nil, err
	}
	table.setUnits(constants, tableCfg)
	table.Window, table.mayLackWindow = m.window.String(), len(src.Footers) == 0 && src.table == nil
	table.conditions, table.rulesUseToday = m.conditions, validator.RulesUseToday()
	if cfg.Refresh.IsChanged() {
		table.units, table.countsUnits = table.findUnits(), len(table.UnitColumns) > 0
	}
	return table, table.Repartition.setBounds()
}

// mapColumns decides as what the columns are stored that are loaded.
func (t *TablePlan) mapColumns(m *mapping, cfg *config.Config, tableCfg config.TableConfig) error {
	for _, name := range m.loaded {
		asked := tableCfg.Columns[name]
		field := m.field(name)
		column, err := hyper.MapField(field, formatFor(field, asked, cfg.Output.FormatVersion))
		if err != nil {
			return err
		}
		column.Name = cmp.Or(asked.Rename, name)
		if asked.Nullable != nil {
			column.Nullable = *asked.Nullable
		}
		m.describe(&column)
		for _, other := range t.Columns {
			if other.Name == column.Name {
				return failure.New(failure.Config, "columns %q and %q are both named %q in the extract", other.Source, column.Source, column.Name).
					WithHint("rename one of them in columns")
			}
		}
		t.Columns = append(t.Columns, column)
	}
	return hyper.CheckNames(t.Columns)
}

// formatFor lets a column be REAL, which needs a recent format version, when that is what
// was asked for.
func formatFor(field arrow.Field, asked config.ColumnConfig, format hyper.FormatChoice) hyper.FormatChoice {
	if asked.Type != "" && field.Type.ID() == arrow.FLOAT32 {
		return hyper.FormatChoice{Pinned: true, Version: 4}
	}
	return format
}

// addRules adds the rules that keep values out which hyperd cannot store.
func (t *TablePlan) addRules(m *mapping) (*validate.Validator, error) {
	for _, column := range t.Columns {
		if lowest, highest, ok := hyper.StoredRange(column); ok {
			m.table.Rules = append(m.table.Rules, rangeRule(column.Source, lowest, highest))
		}
	}
	validator, err := compile(m.table, m.source)
	if err != nil {
		return nil, err
	}
	t.Apply, t.Rules = m.table, validator.Rules()
	return validator, nil
}

// addFiles takes the row groups in which where can be true into the plan, and counts the others.
// It refuses files that are read whole and have values that cannot be.
func (t *TablePlan) addFiles(
	src *Source, constants []unitConstant, m *mapping, validator *validate.Validator, cfg *config.Config,
) error {
	columns := m.source
	t.Read = parquetread.Projection{Schema: batch.Schema{Schema: columns}, Mapping: src.mapping(), Keys: src.deleteKeys()}
	partitions := src.partitionsIn(columns)
	for _, p := range partitions {
		t.Read.Partitions = append(t.Read.Partitions, p.name)
	}
	t.Partitions = t.Read.Partitions
	t.RuleColumns = validator.Columns()
	defers := newDeferral(cfg, t, src, columns, validator)
	t.Files += len(src.Footers)
	t.Newest = src.newest()
	for i := range src.Footers {
		footer := &src.Footers[i]
		folders, err := src.FoldersOf(i, columns)
		if err == nil {
			err = t.Read.Check(*footer)
		}
		if err == nil && src.table != nil {
			folders, err = src.constantsOf(i, columns)
		}
		if err != nil {
			return err
		}
		file := PlannedFile{Info: footer.Info, Folders: folders, Table: src.tableFile(i)}
		if file.keys, err = src.deleteKeysOf(file.Table); err != nil {
			return err
		}
		for _, p := range partitions {
			file.Partitions = append(file.Partitions, p.values[i])
		}
		if file.answers, err = m.answersFor(constants, i); err != nil {
			return err
		}
		t.chooseGroups(&file, statistics{footer: *footer, columns: columns, partitions: partitions, file: i, folders: folders}, validator)
		if len(file.Groups) == 0 && footer.Rows > 0 {
			t.Pruned.Files++
		}
		if len(file.Groups) == len(footer.RowGroups) {
			if err := footer.CheckZones(columns); err != nil {
				return err
			}
		}
		if deletes := file.Table.Deletes; deletes != nil && len(file.Groups) > 0 {
			t.RowsDeleted += deletes.Cardinality
		}
		t.decide(defers, &file, *footer)
		footer.Release()
		t.ToRead = append(t.ToRead, file)
	}
	t.DeleteFiles = deleteFilesOf(t.ToRead)
	return nil
}

// chooseGroups takes the row groups of a file in which where can be true, by what is known of each, and counts the others.
func (t *TablePlan) chooseGroups(file *PlannedFile, known statistics, validator *validate.Validator) {
	for _, group := range known.footer.RowGroups {
		group.Bytes = bytesOf(known.footer, group.Index, known.columns)
		t.RowGroups++
		t.Rows += group.Rows
		t.Bytes += group.Bytes
		known.group = group
		switch {
		case group.Rows == 0:
		case !file.answers.isLeftOut && validator.MayKeep(known.ranges):
			t.takeGroup(file, known)
		default:
			t.Pruned.add(group)
		}
	}
}

// takeGroup takes a row group into the plan, as far as the limit of the table goes, and counts the rest.
func (t *TablePlan) takeGroup(file *PlannedFile, known statistics) {
	group := known.group
	if t.limit > 0 {
		left := t.limit - (t.RowsToRead() - group.Rows)
		switch {
		case left <= 0:
			t.Pruned.add(group)
			return
		case left < group.Rows:
			t.Pruned.Rows += group.Rows - left
			group.Rows, group.Of = left, group.Rows
			file.isCut = true
		}
	}
	file.Groups = append(file.Groups, group)
	t.Repartition.take(known)
}

// bytesOf is the bytes of columns in a row group.
func bytesOf(footer parquetread.Footer, group int, columns *arrow.Schema) int64 {
	var bytes int64
	for _, field := range columns.Fields() {
		if chunk, ok := footer.Chunk(group, field.Name); ok {
			bytes += chunk.Bytes
		}
	}
	return bytes
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
