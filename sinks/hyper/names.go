package hyper

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
)

// systemColumns are the names of columns that every table of hyperd has anyway. Those that
// differ in case are free.
var systemColumns = []string{"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}

// IsSystemColumn says whether hyperd keeps the name of a column for itself.
func IsSystemColumn(name string) bool { return slices.Contains(systemColumns, name) }

// CheckNames refuses columns whose final names hyperd does not take, all at once, with what to
// write instead. Its errors are failures of kind Config.
func CheckNames(columns []Column) error {
	var kept, renames []string
	for _, column := range columns {
		if column.Name != column.Source {
			if err := checkName(column.Name); err != nil {
				return err
			}
		}
		if IsSystemColumn(column.Name) {
			kept = append(kept, strconv.Quote(column.Name))
			renames = append(renames, fmt.Sprintf("%s: {rename: %s}", strconv.Quote(column.Source), FreeName(column.Name, columns)))
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return failure.New(failure.Config, "hyperd keeps the name %s for itself, so that no column of an extract can have it",
		strings.Join(kept, ", ")).
		WithHint("give the column another name, such as columns: {%s}", strings.Join(renames, ", "))
}

// FreeName is a name like that of a system column which no column has.
func FreeName(name string, columns []Column) string {
	for {
		name += "_"
		if !slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name }) {
			return name
		}
	}
}
