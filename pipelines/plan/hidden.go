package plan

import (
	"fmt"
	"slices"

	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
)

// Hidden are the columns, by their names in the extract, of whose values a report tells none.
func (t *TableOutline) Hidden(about config.ReportConfig) map[string]bool {
	hidden := map[string]bool{}
	for _, column := range t.Columns {
		if !about.TextValues && hyper.HoldsText(column.SQLType) ||
			slices.ContainsFunc(about.Hide, func(name string) bool { return t.isNamed(column, name) }) {
			hidden[column.Name] = true
		}
	}
	return hidden
}

// isNamed says whether a name is that of a column, alone or behind those of its table.
func (t *TableOutline) isNamed(column hyper.Column, name string) bool {
	for _, own := range []string{column.Name, column.Source} {
		if name == own || name == t.Name+"."+own || name == t.Schema+"."+t.Name+"."+own {
			return true
		}
	}
	return false
}

// checkHidden refuses names of hidden columns that no table has: what they were to hide would be told.
func (p *Plan) checkHidden(cfg *config.Config) error {
	var known []string
	for i, name := range cfg.Report.Hide {
		found := false
		for _, table := range p.Tables {
			for _, column := range table.Columns {
				found = found || table.isNamed(column, name)
				known = append(known, column.Name, table.Name+"."+column.Name)
			}
		}
		if found {
			continue
		}
		key := fmt.Sprintf("report.hide[%d]", i)
		e := strictyaml.Problem(cfg.Place(key), "%s: no table loads a column %q", key, name)
		if near, ok := words.Nearest(name, known); ok {
			return e.WithHint("did you mean %q?", near)
		}
		return e.WithHint("name columns that are loaded: COLUMN, TABLE.COLUMN or SCHEMA.TABLE.COLUMN")
	}
	return nil
}
