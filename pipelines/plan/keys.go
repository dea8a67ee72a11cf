package plan

import (
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
)

// addKeys gives the tables of a plan their assumed keys.
func (p *Plan) addKeys(cfg *config.Config) error {
	tables := cfg.Tables
	for i, table := range p.Tables {
		key := fmt.Sprintf("tables[%d].primary_key", i)
		names, err := table.ExtractNames(tables[i].PrimaryKey, key)
		if err != nil {
			return err
		}
		table.PrimaryKey = names
	}
	for i, table := range p.Tables {
		for j, key := range tables[i].ForeignKeys {
			at := fmt.Sprintf("tables[%d].foreign_keys[%d]", i, j)
			foreign, err := p.foreignKey(cfg, table, key, at)
			if err != nil {
				return err
			}
			table.ForeignKeys = append(table.ForeignKeys, foreign)
		}
	}
	return nil
}

// foreignKey finds what a foreign key refers to, which has to be a primary key.
func (p *Plan) foreignKey(cfg *config.Config, table *TablePlan, key config.ForeignKeyConfig, at string) (hyper.ForeignKey, error) {
	columns, err := table.ExtractNames(key.Columns, at+".columns")
	if err != nil {
		return hyper.ForeignKey{}, err
	}
	referred, err := cfg.TableNamed(at+".references", key.References)
	if err != nil {
		return hyper.ForeignKey{}, err
	}
	parent := p.Tables[referred]
	to, err := parent.ExtractNames(key.To, at+".to")
	if err != nil {
		return hyper.ForeignKey{}, err
	}
	sorted := func(names []string) []string { return slices.Sorted(slices.Values(names)) }
	if !slices.Equal(sorted(to), sorted(parent.PrimaryKey)) {
		return hyper.ForeignKey{}, failure.New(failure.Config, "%s refers to (%s) of table %s, which is not its primary key",
			at, strings.Join(key.To, ", "), parent.Table).
			WithHint("set primary_key: [%s] on that table", strings.Join(key.To, ", "))
	}
	return hyper.ForeignKey{Columns: columns, Schema: parent.Schema, Table: parent.Name, To: to}, nil
}

// ExtractNames are the names in the extract of columns that a configuration names as rules
// do, by the source, or as they are renamed. One that the table does not load, or that is named twice, is an
// error of kind Config about the key at.
func (t *TablePlan) ExtractNames(columns []string, at string) ([]string, error) {
	var names, known []string
	for _, column := range t.Columns {
		known = append(known, column.Source)
	}
	for i, name := range columns {
		found := slices.IndexFunc(t.Columns, func(c hyper.Column) bool { return c.Source == name })
		if found < 0 {
			found = slices.IndexFunc(t.Columns, func(c hyper.Column) bool { return c.Name == name })
		}
		if found < 0 {
			e := failure.New(failure.Config, "%s: table %s has no column %q", at, t.Table, name)
			if near, ok := words.Nearest(name, known); ok {
				return nil, e.WithHint("did you mean %q?", near)
			}
			return nil, e.WithHint("name columns that the table loads")
		}
		if slices.Contains(columns[:i], name) {
			return nil, failure.New(failure.Config, "%s names the column %q twice", at, name).WithHint("remove one")
		}
		names = append(names, t.Columns[found].Name)
	}
	return names, nil
}
