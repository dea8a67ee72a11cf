package hyper

import (
	"context"
	"fmt"
	"strconv"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// Holding says how much of the rows of one table another one holds.
type Holding struct {
	Rows   int64 // of the selection
	Others int64 // of the whole other table, whatever they are

	Copies int64 // rows of the other table that are like one of the selection
	All    bool  // it holds every row of the selection, as often as the selection does
}

// Compare counts which rows of a selection, of the .hyper file payload, the table name in schema of another
// .hyper file holds, which may have more columns. Both are opened read-only. It fails as [ReadContent] does, and
// for a table that is missing, or whose columns are not of the same names and types: then nobody can compare.
func Compare(ctx context.Context, lease *hyperd.Lease, payload string, s Selection, other, schema, name string) (Holding, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return Holding{}, err
	}
	conn := sessions[0]
	source, err := findTable(ctx, conn, payload, inputAlias, s.Schema, s.Name)
	if err != nil {
		return Holding{}, err
	}
	target, err := findTable(ctx, conn, other, otherAlias, schema, name)
	if err != nil {
		return Holding{}, err
	}
	for _, column := range source.Columns {
		if !target.hasSame(column) {
			return Holding{}, failure.New(failure.Hyperd, "%s has no column %s of type %s to compare with",
				hyperd.QuoteName(schema, name), hyperd.QuoteName(column.Name), column.SQLType)
		}
	}
	holding := Holding{Others: target.Rows}
	err = conn.Query(ctx, s.compareSQL(source, target), func(_ []hyperd.Field, values [][]byte) (err error) {
		var kinds, all int64
		for i, into := range []*int64{&holding.Rows, &kinds, &all, &holding.Copies} {
			if *into, err = strconv.ParseInt(string(values[i]), 10, 64); err != nil {
				return err
			}
		}
		holding.All = all == kinds
		return nil
	})
	if err != nil {
		return Holding{}, fmt.Errorf("compare the rows of %s with those of %s: %w", payload, other, err)
	}
	return holding, nil
}

// otherAlias is that of a file to compare with.
const otherAlias = "other"

// findTable opens a file and finds a table of it.
func findTable(ctx context.Context, conn *hyperd.Conn, path, alias, schema, name string) (CatalogTable, error) {
	file, err := openInput(ctx, conn, path, alias)
	if err != nil {
		return CatalogTable{}, err
	}
	table, ok := file.catalog.find(schema, name)
	if !ok {
		return CatalogTable{}, failure.New(failure.Hyperd, "%s has no table %s", path, hyperd.QuoteName(schema, name))
	}
	return table, nil
}

// hasSame says whether the table has a column of that name and type.
func (t CatalogTable) hasSame(column CatalogColumn) bool {
	for _, c := range t.Columns {
		if c.Name == column.Name {
			return c.SQLType == column.SQLType
		}
	}
	return false
}

// compareSQL counts the rows of the selection, the different ones, and those of them that the other table has at
// least as often; and the rows there that are like one of them.
func (s Selection) compareSQL(source, target CatalogTable) string {
	text := rowText(source.Columns)
	where := ""
	if s.To > 0 {
		where = fmt.Sprintf("WHERE get_byte(h, 0) * 256 + get_byte(h, 1) BETWEEN %d AND %d", s.From, s.To-1)
	}
	return fmt.Sprintf(`SELECT coalesce(sum(p.n), 0), count(*), coalesce(sum(CASE WHEN coalesce(o.n, 0) >= p.n THEN 1 ELSE 0 END), 0),
		coalesce(sum(o.n), 0)
		FROM (SELECT h, count(*) AS n FROM (SELECT sha256(%[1]s) AS h FROM %[2]s) AS rows %[4]s GROUP BY h) AS p
		LEFT JOIN (SELECT h, count(*) AS n FROM (SELECT sha256(%[1]s) AS h FROM %[3]s) AS rows GROUP BY h) AS o ON o.h = p.h`,
		text, source.in(inputAlias), target.in(otherAlias), where)
}
