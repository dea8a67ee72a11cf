package hyper

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/hyperd"
)

// TableDifference is what differs between a table of two .hyper files, A and B.
type TableDifference struct {
	A, B *CatalogTable // nil where only the other file has it

	// Compared are the columns that both have with the same name and type, in the order of A. OnlyA and OnlyB are how many rows
	// one has more often than the other, by these columns: nil where there are none.
	Compared     []string
	OnlyA, OnlyB *int64

	Figures []Figure // of the columns compared, those that differ
}

// Figure is a figure of a column in two tables: nil is NULL, that of no value.
type Figure struct {
	Column string  `json:"column"`
	Figure string  `json:"figure"` // nulls, min, max or sum
	A      *string `json:"a"`
	B      *string `json:"b"`
}

// Differences compares two .hyper files, table by table and in any order of rows. Both are opened read-only, and may be the same.
// All rows are read once to compare them, and those of tables that differ once more for their figures. Rows are compared as hyperd
// writes them out, which is exact but for coordinates of geography: those have 7 decimals. Failures are as those of [ReadContent].
func Differences(ctx context.Context, lease *hyperd.Lease, a, b string) ([]TableDifference, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return nil, err
	}
	conn := sessions[0]
	first, err := openInput(ctx, conn, a, inputAlias)
	if err != nil {
		return nil, err
	}
	second := first // a session knows a file by one name only
	if !isSameFile(a, b) {
		if second, err = openInput(ctx, conn, b, otherAlias); err != nil {
			return nil, err
		}
	}
	var all []TableDifference
	for i := range first.catalog.Tables {
		d := TableDifference{A: &first.catalog.Tables[i]}
		if table, ok := second.catalog.find(d.A.Schema, d.A.Name); ok {
			d.B = &table
			if err := d.compare(ctx, conn, first.alias, second.alias); err != nil {
				return nil, fmt.Errorf("compare table %s of %s and %s: %w", d.A, a, b, err)
			}
		}
		all = append(all, d)
	}
	for i, table := range second.catalog.Tables {
		if _, ok := first.catalog.find(table.Schema, table.Name); !ok {
			all = append(all, TableDifference{B: &second.catalog.Tables[i]})
		}
	}
	return all, nil
}

func isSameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// compare compares the rows of a table that both files have.
func (d *TableDifference) compare(ctx context.Context, conn *hyperd.Conn, aliasA, aliasB string) error {
	columns := slices.DeleteFunc(slices.Clone(d.A.Columns), func(c CatalogColumn) bool { return !d.B.hasSame(c) })
	if len(columns) == 0 {
		return nil
	}
	d.Compared = make([]string, len(columns))
	for i, c := range columns {
		d.Compared[i] = c.Name
	}
	a, b := d.A.in(aliasA), d.B.in(aliasB)
	text := rowText(columns)
	row, err := queryTexts(ctx, conn, fmt.Sprintf(
		`SELECT coalesce(sum(CASE WHEN n > 0 THEN n ELSE 0 END), 0), coalesce(sum(CASE WHEN n < 0 THEN -n ELSE 0 END), 0)
		FROM (SELECT h, sum(n) AS n
			FROM (SELECT sha256(%[1]s) AS h, 1 AS n FROM %[2]s UNION ALL SELECT sha256(%[1]s), -1 FROM %[3]s) AS rows GROUP BY h) AS kinds`,
		text, a, b))
	if err != nil {
		return err
	}
	for i, into := range []**int64{&d.OnlyA, &d.OnlyB} {
		count, err := strconv.ParseInt(*row[i], 10, 64)
		if err != nil {
			return err
		}
		*into = &count
	}
	if *d.OnlyA == 0 && *d.OnlyB == 0 {
		return nil
	}
	for some := range slices.Chunk(columns, figuresAtOnce) {
		if err := d.compareFigures(ctx, conn, a, b, some); err != nil {
			return err
		}
	}
	return nil
}

// figuresAtOnce is of how many columns one query asks for figures: one of thousands takes long to prepare.
const figuresAtOnce = 128

// compareFigures compares the figures of some columns.
func (d *TableDifference) compareFigures(ctx context.Context, conn *hyperd.Conn, a, b string, columns []CatalogColumn) error {
	var names []Figure
	var parts []string
	for _, c := range columns {
		for _, figure := range c.figures() {
			names, parts = append(names, Figure{Column: c.Name, Figure: figure[0]}), append(parts, figure[1])
		}
	}
	var rows [2][]*string
	for i, table := range []string{a, b} {
		var err error
		if rows[i], err = queryTexts(ctx, conn, "SELECT "+strings.Join(parts, ", ")+" FROM "+table); err != nil {
			return err
		}
	}
	for i, figure := range names {
		figure.A, figure.B = rows[0][i], rows[1][i]
		if (figure.A == nil) != (figure.B == nil) || figure.A != nil && *figure.A != *figure.B {
			d.Figures = append(d.Figures, figure)
		}
	}
	return nil
}

// figures are the names of the figures of a column, each with its SQL. Only sums that are exact are taken: none of floats, which depend
// on the order of the rows, nor of decimals so wide that hyperd may have no type for them.
func (c CatalogColumn) figures() [][2]string {
	name := hyperd.QuoteName(c.Name)
	figures := [][2]string{{"nulls", "count(*) - count(" + name + ")"}}
	base, _, _ := strings.Cut(c.SQLType, "(")
	if slices.Contains(withLeast, base) {
		figures = append(figures, [2]string{"min", "min(" + name + ")"}, [2]string{"max", "max(" + name + ")"})
	}
	var precision, scale int
	switch base {
	case "SMALLINT", "INTEGER", "BIGINT":
	case "NUMERIC":
		if _, err := fmt.Sscanf(c.SQLType, "NUMERIC(%d,%d)", &precision, &scale); err != nil || precision > mostSummed {
			return figures
		}
	default:
		return figures
	}
	return append(figures, [2]string{"sum", fmt.Sprintf("sum(CAST(%s AS NUMERIC(38,%d)))", name, scale)})
}

// mostSummed is the precision of decimals of which 10^12 rows have a sum.
const mostSummed = 26

// withLeast are the types that have a least value.
var withLeast = []string{
	"SMALLINT", "INTEGER", "BIGINT", "NUMERIC", "REAL", "DOUBLE PRECISION", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ",
	"TEXT", "VARCHAR", "CHAR", "BOOLEAN",
}

// queryTexts returns the values of the one row of a query; NULL is nil.
func queryTexts(ctx context.Context, conn *hyperd.Conn, sql string) ([]*string, error) {
	var row []*string
	err := conn.Query(ctx, sql, func(_ []hyperd.Field, values [][]byte) error {
		row = nil
		for _, value := range values {
			if value == nil {
				row = append(row, nil)
				continue
			}
			text := string(value)
			row = append(row, &text)
		}
		return nil
	})
	return row, err
}
