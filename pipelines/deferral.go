package pipelines

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// deferral decides which files of a table hyperd reads itself.
type deferral struct {
	columns *arrow.Schema // that have to be read
	reason  string        // why no file is deferred; empty if some can be
}

// newDeferral looks at what is the same for all files of a table, and gives the table its
// conditions in SQL.
func newDeferral(engine ValidateEngine, table *TablePlan, columns *arrow.Schema, validator *validate.Validator) deferral {
	d := deferral{columns: columns}
	conditions, reason := validator.SQL()
	switch {
	case engine == ValidateGo:
		d.reason = "validate.engine is go"
	case table.Repartition.moves():
		d.reason = "repartition moves rows"
	case len(table.read.Partitions) > 0:
		d.reason = fmt.Sprintf("column %s is made of the names of folders", table.read.Partitions[0])
	case reason != "":
		d.reason = reason
	}
	for _, column := range table.Columns {
		if d.reason == "" && !column.ReadsParquet() {
			d.reason = fmt.Sprintf("column %s: hyperd does not read %s from Parquet as it is stored", column.Source, column.SourceType)
		}
	}
	if d.reason == "" {
		table.apply.SQL = &conditions
	}
	return d
}

// refusal says why a file, of which some row groups are to be read, is not deferred; empty
// if it is.
func (d deferral) refusal(footer parquetread.Footer, groups []parquetread.RowGroup) string {
	if d.reason != "" {
		return d.reason
	}
	if _, local := storage.LocalPath(footer.Info.URI); !local {
		return "files are not local"
	}
	if len(groups) != len(footer.RowGroups) {
		return "parts of files are not read"
	}
	for _, column := range d.columns.Fields() {
		found, _ := footer.Schema.FieldsByName(column.Name)
		switch {
		case len(found) != 1:
			return fmt.Sprintf("column %s is missing in some files", column.Name)
		case !arrow.TypeEqual(found[0].Type, column.Type):
			return fmt.Sprintf("column %s has several types", column.Name)
		case !footer.IsPlain(column.Name):
			return fmt.Sprintf("column %s is stored in a form that not every reader takes for the same", column.Name)
		}
	}
	return ""
}

// decide notes of a file whether it is deferred.
func (t *TablePlan) decide(d deferral, file *plannedFile, footer parquetread.Footer) {
	if len(file.groups) == 0 {
		return
	}
	reason := d.refusal(footer, file.groups)
	if reason == "" {
		file.deferred = true
		t.Deferred++
		return
	}
	if !slices.Contains(t.Materialised, reason) {
		t.Materialised = append(t.Materialised, reason)
	}
}

// materialise takes files out of those that hyperd reads itself.
func (p *Plan) materialise(again []hyper.Doubtful) {
	for _, doubtful := range again {
		table := p.Tables[doubtful.Table]
		for i := range table.files {
			if table.files[i].deferred && table.files[i].info.URI == doubtful.File.Info.URI {
				table.files[i].deferred = false
				table.Deferred--
			}
		}
	}
	p.cut()
}
