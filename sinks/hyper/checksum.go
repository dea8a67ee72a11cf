package hyper

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hyperlake/internal/hyperd"
)

// checksumSettings make hyperd write every value out in one way, from which the value
// could be read back.
var checksumSettings = []string{"SET timezone = 'UTC'", "SET extra_float_digits = 3"}

// rowText is an SQL expression of a text that differs for rows that differ in a column.
// Every value is written out: NULL as ~, texts with their lengths before them.
func rowText(columns []CatalogColumn) string {
	parts := []string{"''"} // so that there is one
	for _, c := range columns {
		name := hyperd.QuoteName(c.Name)
		text := fmt.Sprintf("coalesce(CAST(%s AS TEXT), '~')", name)
		if HoldsText(c.SQLType) {
			text = fmt.Sprintf("coalesce(concat(octet_length(CAST(%s AS TEXT)), ':', CAST(%[1]s AS TEXT)), '~')", name)
		}
		parts = append(parts, text, "'|'")
	}
	return "concat(" + strings.Join(parts, ", ") + ")" // a chain of || would be too deep for wide tables
}

// The checksum has lanes of bytes of each row's SHA-256, few enough that the sum of a lane
// fits into 63 bits for 2^39 rows.
const (
	checksumLanes = 4
	laneBytes     = 3
)

// checksum has hyperd add up the hashes of all rows of a table in the database attached as
// alias. It does not depend on the order of the rows. Rows are compared as hyperd writes
// them out, which is exact but for coordinates of geography: those have 7 decimals.
func checksum(ctx context.Context, conn *hyperd.Conn, alias string, table CatalogTable) (string, error) {
	sql := fmt.Sprintf("SELECT %s FROM (SELECT sha256(%s) AS h FROM %s) AS rows",
		checksumSQL(), rowText(table.Columns), table.in(alias))
	sum, err := conn.QueryValue(ctx, sql)
	if err != nil {
		return "", fmt.Errorf("compute the checksum of table %s: %w", table, err)
	}
	return sum, nil
}

// checksumOf is the checksum of some rows.
type checksumOf [checksumLanes]int64

// add takes in that of other rows, as hyperd writes it.
func (c *checksumOf) add(text string) error {
	lanes := strings.Split(text, "-")
	if len(lanes) != checksumLanes {
		return fmt.Errorf("%q is no checksum", text)
	}
	for i, lane := range lanes {
		sum, err := strconv.ParseInt(lane, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no checksum: %w", text, err)
		}
		c[i] += sum
	}
	return nil
}

func (c *checksumOf) String() string {
	lanes := make([]string, checksumLanes)
	for i, sum := range c {
		lanes[i] = strconv.FormatInt(sum, 10)
	}
	return strings.Join(lanes, "-")
}

// checksumSQL is an SQL expression of the checksum of rows whose hashes are h.
func checksumSQL() string {
	lanes := make([]string, checksumLanes)
	for lane := range lanes {
		var parts []string
		for i := range laneBytes {
			parts = append(parts, fmt.Sprintf("CAST(get_byte(h, %d) AS BIGINT) * %d", lane*laneBytes+i, 1<<(8*i)))
		}
		lanes[lane] = "coalesce(sum(" + strings.Join(parts, " + ") + "), 0)"
	}
	return "concat(" + strings.Join(lanes, ", '-', ") + ")"
}

// repeated counts the rows whose values in some columns, none of them NULL, other rows have,
// too, beyond the first. It compares texts: hyperd believes assumed keys, and would not look
// at the rows to say whether the columns themselves repeat.
func repeated(ctx context.Context, conn *hyperd.Conn, alias string, table CatalogTable, key []string) (string, error) {
	var columns []CatalogColumn
	var present []string
	for _, c := range table.Columns {
		for _, name := range key {
			if c.Name == name {
				columns = append(columns, c)
				present = append(present, hyperd.QuoteName(name)+" IS NOT NULL")
			}
		}
	}
	sql := fmt.Sprintf("SELECT count(*) - count(DISTINCT k) FROM (SELECT %s AS k FROM %s WHERE %s) AS keys",
		rowText(columns), table.in(alias), strings.Join(present, " AND "))
	count, err := conn.QueryValue(ctx, sql)
	if err != nil {
		return "", fmt.Errorf("look for repeated keys in table %s: %w", table, err)
	}
	return count, nil
}
