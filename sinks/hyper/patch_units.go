package hyper

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/hyperd"
)

// maxStatement is about how long a statement may get that lists units, in bytes.
const maxStatement = 256 << 10

// unitList is a temporary table of hyperd that lists units of a table: what joins it with the
// table, one scan, costs next to nothing, however many units there are, and finds NULL as
// any other value.
type unitList struct {
	conn    *hyperd.Conn
	table   Table
	patch   TablePatch
	rows    int64    // of the table in the base
	name    string   // quoted
	columns []Column // those of the table that make units
}

// listUnits makes the list of the units of a table.
func (m *patcher) listUnits(ctx context.Context, i int) (*unitList, error) {
	u := &unitList{conn: m.conn, table: m.Layout.Tables[i], patch: m.Tables[i], name: hyperd.QuoteName("pg_temp", fmt.Sprintf("units%d", i))}
	standing, _ := m.base.catalog.find(u.table.Schema, u.table.Name)
	u.rows = standing.Rows
	if len(u.patch.Units) == 0 {
		return u, nil
	}
	definitions := []string{"unit BIGINT", "after BIGINT"}
	for k, name := range u.patch.Columns {
		column := u.table.Columns[slices.IndexFunc(u.table.Columns, func(c Column) bool { return c.Name == name })] // checkTables has found it
		u.columns = append(u.columns, column)
		definitions = append(definitions, unitColumn(k)+" "+column.SQLType)
	}
	create := fmt.Sprintf("CREATE TEMPORARY TABLE %s (%s)", u.name, strings.Join(definitions, ", "))
	if _, err := m.conn.Exec(ctx, create); err != nil {
		return nil, fmt.Errorf("list its units: %w", err)
	}
	return u, u.fill(ctx)
}

func unitColumn(k int) string { return fmt.Sprintf("value%d", k) }

// fill lists the units, by statements of limited length.
func (u *unitList) fill(ctx context.Context) error {
	var rows []string
	length := 0
	for i, unit := range u.patch.Units {
		row := fmt.Sprintf("(%d, %d", i, unit.After)
		for k, value := range unit.Values {
			row += fmt.Sprintf(", CAST(%s AS %s)", value, u.columns[k].SQLType)
		}
		rows = append(rows, row+")")
		if length += len(row); length < maxStatement && i < len(u.patch.Units)-1 {
			continue
		}
		if _, err := u.conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s VALUES %s", u.name, strings.Join(rows, ", "))); err != nil {
			return fmt.Errorf("list its units: %w", err)
		}
		rows, length = nil, 0
	}
	return nil
}

// isListed is the condition that a row of the table, known as rows, belongs to one of the units.
func (u *unitList) isListed() string {
	conditions := make([]string, len(u.columns))
	for k, column := range u.columns {
		conditions[k] = fmt.Sprintf("listed.%s IS NOT DISTINCT FROM rows.%s", unitColumn(k), hyperd.QuoteName(column.Name))
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS listed WHERE %s)", u.name, strings.Join(conditions, " AND "))
}

// goes is how many rows the units had.
func (u *unitList) goes() int64 {
	var rows int64
	for _, unit := range u.patch.Units {
		rows += unit.Before
	}
	return rows
}

// remove deletes the rows of the units, which must be as many as the patch says.
func (u *unitList) remove(ctx context.Context) error {
	if len(u.patch.Units) == 0 {
		return nil
	}
	gone, err := u.conn.Exec(ctx, fmt.Sprintf("DELETE FROM %s AS rows WHERE %s", u.table.in(outputAlias), u.isListed()))
	if err != nil {
		return unreadable(fmt.Errorf("delete rows: %w", err))
	}
	if gone != u.goes() {
		return notTheBase("the units that changed have %d rows in it instead of %d", gone, u.goes())
	}
	return nil
}

// keep writes the rows of all other units to the new table, which is empty; they must be as many as the patch says.
func (u *unitList) keep(ctx context.Context) error {
	statement := fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %s AS rows",
		u.table.in(outputAlias), u.table.columnNames(), u.table.in(baseAlias))
	if len(u.patch.Units) > 0 {
		statement += " WHERE NOT " + u.isListed()
	}
	kept, err := u.conn.Exec(ctx, statement)
	if err != nil {
		return unreadable(fmt.Errorf("write its rows anew: %w", err))
	}
	if gone := u.rows - kept; gone != u.goes() {
		return notTheBase("the units that changed have %d rows in it instead of %d", gone, u.goes())
	}
	return nil
}

// check compares the rows that each unit has now with those that it should have. Units whose
// values are the same to hyperd count as one.
func (u *unitList) check(ctx context.Context) error {
	if len(u.patch.Units) == 0 {
		return nil
	}
	var values, names, conditions []string
	for k, column := range u.columns {
		values = append(values, unitColumn(k))
		names = append(names, hyperd.QuoteName(column.Name)+" AS "+unitColumn(k))
		conditions = append(conditions, fmt.Sprintf("found.%s IS NOT DISTINCT FROM units.%[1]s", unitColumn(k)))
	}
	statement := fmt.Sprintf(`SELECT units.unit, units.after, coalesce(found.count, 0)
		FROM (SELECT %[1]s, min(unit) AS unit, CAST(sum(after) AS BIGINT) AS after FROM %[2]s GROUP BY %[1]s) AS units
			LEFT JOIN (SELECT %[1]s, count(*) AS count
				FROM (SELECT %[3]s FROM %[4]s AS rows WHERE %[5]s) AS those GROUP BY %[1]s) AS found
			ON %[6]s
		WHERE units.after <> coalesce(found.count, 0) ORDER BY units.unit LIMIT 1`,
		strings.Join(values, ", "), u.name, strings.Join(names, ", "), u.table.in(outputAlias), u.isListed(), strings.Join(conditions, " AND "))
	var wrong error
	err := u.conn.Query(ctx, statement, func(_ []hyperd.Field, row [][]byte) error {
		unit, err := strconv.Atoi(string(row[0]))
		if err != nil || unit < 0 || unit >= len(u.patch.Units) {
			return miscounted("hyperd calls unit %s of %d", row[0], len(u.patch.Units))
		}
		wrong = miscounted("the unit (%s) has %s rows instead of %s", strings.Join(u.patch.Units[unit].Values, ", "), row[2], row[1])
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the rows of its units: %w", err)
	}
	return wrong
}
