package rejects

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// originColumn names the file of the source that a row was in.
const originColumn = "_file"

// addedColumns are the columns of a reject file behind those of the source.
func addedColumns() []arrow.Field {
	texts := arrow.ListOfNonNullable(arrow.BinaryTypes.String)
	return []arrow.Field{
		{Name: originColumn, Type: arrow.BinaryTypes.String},
		{Name: "_row_group", Type: arrow.PrimitiveTypes.Int32}, // 0-based in the file
		{Name: "_row", Type: arrow.PrimitiveTypes.Int64},       // 0-based in the file
		{Name: "_rules", Type: texts},                          // names of the rules that the row broke
		{Name: "_reasons", Type: texts},                        // of each of them: what was found, what was expected
	}
}

// CheckNames refuses the columns of a source whose reject files would have two columns of
// one name. Its errors are failures of kind Config.
func CheckNames(source *arrow.Schema) error {
	for _, added := range addedColumns() {
		if source.HasField(added.Name) {
			return failure.New(failure.Config, "column %q: reject files have a column of this name already", added.Name).
				WithHint("leave the column out with source.select, or leave rejects.path out")
		}
	}
	return nil
}

// fileRecord is the rows of a reject file: rejects with what is added to them. It needs the
// names of the table's rules.
func fileRecord(r batch.Rejects, names []string) (arrow.Record, error) {
	if err := checkRejects(r, names); err != nil {
		return nil, err
	}
	source, added := r.Record.Schema(), addedColumns()
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(added, nil))
	rules, reasons := builder.Field(3).(*array.ListBuilder), builder.Field(4).(*array.ListBuilder)
	for i, row := range r.Rows {
		builder.Field(0).(*array.StringBuilder).Append(r.Origin.File)
		builder.Field(1).(*array.Int32Builder).Append(int32(r.Origin.RowGroup))
		builder.Field(2).(*array.Int64Builder).Append(row)
		rules.Append(true)
		reasons.Append(true)
		for j, rule := range r.Rules[i] {
			rules.ValueBuilder().(*array.StringBuilder).Append(names[rule])
			reasons.ValueBuilder().(*array.StringBuilder).Append(r.Reasons[i][j])
		}
	}
	fields := slices.Concat(source.Fields(), added)
	columns := slices.Concat(r.Record.Columns(), builder.NewRecord().Columns())
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, r.Record.NumRows()), nil
}

// checkRejects says whether the parts of r fit each other and the rules.
func checkRejects(r batch.Rejects, names []string) error {
	rows := len(r.Rows)
	if int64(rows) != r.Record.NumRows() || rows != len(r.Rules) || rows != len(r.Reasons) {
		return failure.New(failure.Engine, "%v: %d rejects with %d rows, the rules of %d and the reasons of %d",
			r.Origin, rows, r.Record.NumRows(), len(r.Rules), len(r.Reasons))
	}
	for i, rules := range r.Rules {
		if len(rules) != len(r.Reasons[i]) {
			return failure.New(failure.Engine, "%v: row %d broke %d rules for %d reasons", r.Origin, r.Rows[i], len(rules), len(r.Reasons[i]))
		}
		for _, rule := range rules {
			if rule < 0 || rule >= len(names) {
				return failure.New(failure.Engine, "%v: row %d broke rule %d of %d", r.Origin, r.Rows[i], rule, len(names))
			}
		}
	}
	return nil
}

// AddedTo names the columns of a source that Write added to it: none, unless the source is
// reject files, which have all of them.
func AddedTo(source *arrow.Schema) []string {
	var names []string
	for _, added := range addedColumns() {
		found, ok := source.FieldsByName(added.Name)
		if !ok || found[0].Type.ID() != added.Type.ID() {
			return nil
		}
		names = append(names, added.Name)
	}
	return names
}
