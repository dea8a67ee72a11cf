package parquetread

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/hypersql"
)

// Deferral says of a file, with its values of the partition columns, why hyperd cannot read from it what a reader here
// would, in words; or, if it can, which columns it finds there in another form than the table has them, for
// [FileRef].Columns. The footer is in the names of the table.
func (t Projection) Deferral(footer Footer, values []*string) (columns []batch.StoredColumn, refusal string) {
	names := t.storedNames()
	for _, field := range t.Schema.Fields() {
		if at := slices.Index(t.Partitions, field.Name); at >= 0 {
			if _, ok := PartitionSQL(field, values[at]); !ok {
				return nil, fmt.Sprintf("column %s has a value that cannot be written in SQL", field.Name)
			}
			continue
		}
		column, refusal := footer.inHyperd(field)
		if refusal != "" {
			return nil, refusal
		}
		if usual := (batch.StoredColumn{Column: field.Name, Stored: names.of(field.Name)}); column != usual {
			columns = append(columns, column)
		}
	}
	return columns, ""
}

// inHyperd says how hyperd finds a column of a table in the file, or why it does not.
func (f Footer) inHyperd(field arrow.Field) (column batch.StoredColumn, refusal string) {
	column.Column = field.Name
	found, _ := f.Schema.FieldsByName(field.Name)
	to, isKnown := hypersql.Type(field.Type)
	switch {
	case len(found) == 0 && field.Nullable && isKnown:
		return column, ""
	case len(found) != 1:
		return column, fmt.Sprintf("column %s is missing in some files", field.Name)
	case !f.IsPlain(field.Name):
		return column, fmt.Sprintf("column %s is stored in a form that not every reader takes for the same", field.Name)
	}
	if column.Stored = f.Stored(field.Name); !canBeAsked(column.Stored) {
		return column, fmt.Sprintf("column %s is stored under a name that SQL cannot have", field.Name)
	}
	from, isPlain := hypersql.Type(found[0].Type)
	isSame := arrow.TypeEqual(found[0].Type, field.Type)
	if !isSame && (!isPlain || !isKnown || !castsExactly(found[0], field)) {
		return column, fmt.Sprintf("column %s has several types", field.Name)
	}
	if found[0].Nullable != field.Nullable {
		from += requiredOrNot[found[0].Nullable] // hyperd reads no files of both kinds together
	}
	if isKnown && from != to {
		column.From, column.To = from, to
	}
	return column, ""
}

// requiredOrNot says of a column whether its values may be NULL.
var requiredOrNot = map[bool]string{true: " NULL", false: " NOT NULL"}

// systemNames are those that mean something else to hyperd in any table.
var systemNames = []string{"xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"}

// canBeAsked says whether a statement can name a column of a file.
func canBeAsked(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsRune(name, 0) && !slices.Contains(systemNames, name)
}

// castsExactly says whether a cast in SQL gives what [Widen] does: it does for numbers, for dates that become
// timestamps, and for timestamps in other units.
func castsExactly(from, to arrow.Field) bool {
	a, isStamp := from.Type.(*arrow.TimestampType)
	b, becomesStamp := to.Type.(*arrow.TimestampType)
	switch {
	case batch.LogicalType(from) != "" || batch.LogicalType(to) != "":
		return false
	case isStamp && becomesStamp:
		return a.TimeZone == b.TimeZone && b.Unit == arrow.Microsecond
	case becomesStamp:
		return from.Type.ID() == arrow.DATE32 && b.TimeZone == "" && b.Unit == arrow.Microsecond
	}
	wide, ok := widest(from.Type, to.Type)
	return ok && arrow.TypeEqual(wide, to.Type)
}

func (t Projection) isPartition(column string) bool { return slices.Contains(t.Partitions, column) }

// storedNames is the names under which files have the columns of a table, by those of the table, where they differ.
type storedNames map[string]string

func (n storedNames) of(column string) string {
	if stored, ok := n[column]; ok {
		return stored
	}
	return column
}

// storedNames are those that the table says; files in which columns are found by their ids may have others.
func (t Projection) storedNames() storedNames {
	names := storedNames{}
	if t.Mapping != nil {
		for _, column := range t.Mapping.Columns {
			if column.Stored != "" {
				names[column.Name] = column.Stored
			}
		}
	}
	return names
}

// asHyperdReads lists how hyperd finds the columns that a file has, and gives the values of the others, of which the
// names of folders and the file's metadata are none of its business.
func (t Projection) asHyperdReads(ref FileRef) (columns []batch.StoredColumn, constants []batch.Constant, err error) {
	names := t.storedNames()
	for _, field := range t.Schema.Fields() {
		if at := slices.Index(t.Partitions, field.Name); at >= 0 {
			sql, ok := PartitionSQL(field, ref.Partitions[at])
			if !ok {
				return nil, nil, fmt.Errorf("hyperd has no constant for the value of the partition column %q", field.Name)
			}
			constants = append(constants, batch.Constant{Column: field.Name, SQL: sql})
			continue
		}
		column := batch.StoredColumn{Column: field.Name, Stored: names.of(field.Name)}
		if at := slices.IndexFunc(ref.Columns, func(c batch.StoredColumn) bool { return c.Column == field.Name }); at >= 0 {
			column = ref.Columns[at]
		}
		if column.Stored != "" {
			columns = append(columns, column)
			continue
		}
		to, ok := hypersql.Type(field.Type)
		if !ok {
			return nil, nil, fmt.Errorf("hyperd has no NULL for the column %q, which the file lacks", field.Name)
		}
		constants = append(constants, batch.Constant{Column: field.Name, SQL: hypersql.Null(to)})
	}
	return columns, constants, nil
}

// renamed is the columns that hyperd has to be told of; nil where all are in the file as they are, and nothing else can
// be taken for one.
func (t Projection) renamed(columns []batch.StoredColumn, ref FileRef) []batch.StoredColumn {
	if t.Mapping == nil && len(ref.Columns) == 0 {
		return nil
	}
	return append([]batch.StoredColumn{}, columns...)
}
