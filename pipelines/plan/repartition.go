package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/repartition"
)

// RepartitionPlan is where the rows of a table go, and how they are sorted.
type RepartitionPlan struct {
	By      []string `json:"by,omitempty"`
	Range   string   `json:"range,omitempty"`
	SplitBy string   `json:"split_by,omitempty"`
	Shards  int      `json:"shards,omitempty"` // 0 if rows are not moved, or for each value of a column
	Sort    []string `json:"sort,omitempty"`
	Notes   []string `json:"notes"` // what happens, in words

	Table   repartition.Moves    `json:"-"` // what is done; its bounds are those that the footers give
	Field   arrow.Field          `json:"-"` // of the range
	samples []repartition.Sample // of the range, by row group
}

// moves says whether rows go through spills.
func (r *RepartitionPlan) moves() bool { return r != nil && r.Table.Moves() }

// planRepartition decides where the rows of a table go, whose batches have these columns.
func (t *TablePlan) planRepartition(cfg *config.Config, asked config.RepartitionConfig, columns *arrow.Schema) error {
	key := t.key(cfg) + ".repartition"
	if !cfg.Written(key) {
		return nil
	}
	r := &RepartitionPlan{Shards: defaultShards(cfg, asked)}
	var err error
	if r.By, err = t.movedColumns(cfg, key+".by", asked.By); err != nil {
		return err
	}
	if r.Range, err = t.movedColumn(cfg, key+".range", asked.Range); err != nil {
		return err
	}
	if r.SplitBy, err = t.movedColumn(cfg, key+".split_by", asked.SplitBy); err != nil {
		return err
	}
	if r.Sort, err = t.movedColumns(cfg, key+".sort", asked.Sort); err != nil {
		return err
	}
	r.Table = repartition.Moves{By: r.By, Range: r.Range, SplitBy: r.SplitBy, Shards: r.Shards}
	for _, column := range t.Columns {
		r.Table.Columns = append(r.Table.Columns, column.Source)
	}
	if err := r.Table.Check(columns); err != nil {
		refused := failure.Of(err, failure.Config)
		return strictyaml.Problem(cfg.Place(key), "%s", refused.Message).WithHint("%s", refused.Hint)
	}
	if r.Range != "" {
		found, _ := columns.FieldsByName(r.Range)
		r.Field = found[0]
	}
	if err := t.sortBy(cfg, key, r); err != nil {
		return err
	}
	t.Repartition = r
	return nil
}

// key is that of the table in the configuration.
func (t *TablePlan) key(cfg *config.Config) string {
	return fmt.Sprintf("tables[%d]", slices.IndexFunc(cfg.Tables, func(c config.TableConfig) bool {
		return c.Schema == t.Schema && c.Name == t.Name
	}))
}

// defaultShards is a few shards for each worker where rows go by range and no number is given.
func defaultShards(cfg *config.Config, asked config.RepartitionConfig) int {
	switch {
	case asked.Shards != nil:
		return *asked.Shards
	case asked.Range != "":
		return min(max(int(cfg.Runner.Parallelism), 1)*shardsPerWorker, repartition.MaxTargets)
	}
	return 0
}

// movedColumns finds columns that the table loads by their names in the source, or as they
// are renamed.
func (t *TablePlan) movedColumns(cfg *config.Config, key string, names []string) ([]string, error) {
	var found []string
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", key, i)
		source, err := t.movedColumn(cfg, at, name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(found, source) {
			return nil, cfg.Problem(at, "%s names the column %s twice; remove one", key, words.Shorten(source))
		}
		found = append(found, source)
	}
	return found, nil
}

func (t *TablePlan) movedColumn(cfg *config.Config, key, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	var known []string
	for _, column := range t.Columns {
		if column.Source == name {
			return name, nil
		}
		known = append(known, column.Source)
	}
	for _, column := range t.Columns {
		if column.Name == name {
			return column.Source, nil
		}
	}
	e := strictyaml.Problem(cfg.Place(key), "%s: the table loads no column %q", key, name)
	if near, ok := words.Nearest(name, known); ok {
		return "", e.WithHint("did you mean %q?", near)
	}
	return "", e.WithHint("name columns that the table loads")
}

// sortBy gives the table in the extract its order.
func (t *TablePlan) sortBy(cfg *config.Config, key string, r *RepartitionPlan) error {
	t.Order = hyper.Order{Within: len(r.Sort) > 0 && r.Table.Moves(), ByTarget: r.Range != ""}
	for i, name := range r.Sort {
		at := slices.IndexFunc(t.Columns, func(c hyper.Column) bool { return c.Source == name })
		column := t.Columns[at]
		if !hyper.CanSort(column) {
			return cfg.Problem(fmt.Sprintf("%s.sort[%d]", key, i),
				"%s.sort: column %s is %s, which has no order; sort by another column", key, name, column.SQLType)
		}
		t.Order.Sort = append(t.Order.Sort, column.Name)
	}
	return nil
}

// take keeps what the footer says about the column of the range in a row group that is read.
func (r *RepartitionPlan) take(s statistics) {
	if r == nil || r.Range == "" {
		return
	}
	if sample, ok := s.sample(r.Field); ok {
		r.samples = append(r.samples, sample)
	}
}

// setBounds divides the values of the range among shards, by what was taken.
func (r *RepartitionPlan) setBounds() error {
	if r == nil {
		return nil
	}
	var err error
	if r.Range != "" {
		r.Table.Bounds, err = repartition.FindBounds(r.Field, r.samples, r.Shards)
	}
	if err != nil {
		return failure.New(failure.Engine, "divide the values of column %s: %w", r.Range, err)
	}
	r.samples = nil
	r.describe()
	return nil
}

// sample is the least and the greatest value of a row group, if they are known and stored
// as they are in the files.
func (s statistics) sample(field arrow.Field) (repartition.Sample, bool) {
	known := s.ranges(field.Name)
	if known.Bounds == nil || !arrow.TypeEqual(known.Bounds.DataType(), field.Type) {
		return repartition.Sample{}, false
	}
	return repartition.Sample{Values: known.Bounds, Rows: s.group.Rows, Spread: true}, true
}

// describe says what happens, for people.
func (r *RepartitionPlan) describe() {
	r.Notes = append(r.Notes, r.where())
	if len(r.Sort) == 0 {
		return
	}
	columns := strings.Join(r.Sort, ", ")
	switch {
	case r.SplitBy != "":
		r.Notes = append(r.Notes, fmt.Sprintf("each extract is sorted by %s", columns))
	case r.Range != "":
		r.Notes = append(r.Notes, fmt.Sprintf("shards are sorted by %s and stand one after another, so that the whole table is sorted", columns))
	case r.Table.Moves():
		r.Notes = append(r.Notes, fmt.Sprintf("each shard is sorted by %s on its own; the table as a whole is not", columns))
	default:
		r.Notes = append(r.Notes, fmt.Sprintf("the whole table is sorted by %s when the extract is made", columns))
	}
}

func (r *RepartitionPlan) where() string {
	switch made := len(r.Table.Bounds) + 1; {
	case r.SplitBy != "":
		return fmt.Sprintf("an extract for each value of %s; rows go through spills on staging", r.SplitBy)
	case r.Range != "" && made == 1 && r.Shards > 1:
		return fmt.Sprintf("all rows go to one shard: the footers do not tell the values of %s apart; rows go through spills on staging", r.Range)
	case r.Range != "":
		return fmt.Sprintf("%d shards by ranges of %s, of about equally many rows by the statistics in the footers, "+
			"to which a run adds a sample of the rows; rows go through spills on staging", made, r.Range)
	case len(r.By) > 0:
		return fmt.Sprintf("%d shards by the hash of %s; rows go through spills on staging", r.Shards, strings.Join(r.By, ", "))
	case r.Table.Moves():
		return fmt.Sprintf("%d shards of batches, dealt out evenly; rows go through spills on staging", r.Shards)
	}
	return "rows stay with who read them"
}

// MovesRows says whether rows of any table go through spills.
func (p *Plan) MovesRows() bool {
	return slices.ContainsFunc(p.Tables, func(t *TablePlan) bool { return t.Repartition.moves() })
}

// MakesSeveral says whether a run makes extracts whose names are made of that of the output, however many.
func (p *Plan) MakesSeveral() bool { return p.SplitsTables() || p.Merge == config.MergeNone }

// SplitsTables says whether there is an extract for each value of a column.
func (p *Plan) SplitsTables() bool {
	return slices.ContainsFunc(p.Tables, func(t *TablePlan) bool { return t.Repartition != nil && t.Repartition.SplitBy != "" })
}
