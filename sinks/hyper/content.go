package hyper

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// Content is what a .hyper file holds, however its bytes lie: hyperd writes the same rows
// to other bytes every time.
type Content struct {
	Catalog Catalog

	checksums map[string]string // of the rows, by the quoted name of the table
}

// ReadContent reads all of a .hyper file, which is opened read-only. The time is that of a
// hash of every row; about as long as it takes to load them. Failures are of kind Hyperd; of a file that
// is not there, of kind Storage.
func ReadContent(ctx context.Context, lease *hyperd.Lease, path string) (Content, error) {
	content, err := ReadLayout(ctx, lease, path)
	if err == nil {
		err = content.ReadRows(ctx, lease, path, func(string, string) bool { return true })
	}
	return content, err
}

// ReadLayout is ReadContent without the rows, which takes no time.
func ReadLayout(ctx context.Context, lease *hyperd.Lease, path string) (Content, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return Content{}, err
	}
	file, err := openInput(ctx, sessions[0], path, inputAlias)
	if err != nil {
		return Content{}, err
	}
	return Content{Catalog: file.catalog, checksums: map[string]string{}}, nil
}

// ReadRows reads all rows of those tables of the same file that take names.
func (c Content) ReadRows(ctx context.Context, lease *hyperd.Lease, path string, take func(schema, name string) bool) error {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return err
	}
	file, err := openInput(ctx, sessions[0], path, inputAlias)
	if err != nil {
		return err
	}
	for _, table := range c.Catalog.Tables {
		if !take(table.Schema, table.Name) {
			continue
		}
		if c.checksums[table.String()], err = checksum(ctx, sessions[0], file.alias, table); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}

// Hash is equal for files whose tables, of those that take names, are the same: names,
// columns, keys, and rows in any order. Rows are compared as hyperd writes them out, which
// is exact but for coordinates of geography: those have 7 decimals. It fails only for a table whose rows
// were not read.
func (c Content) Hash(take func(schema, name string) bool) (string, error) {
	type digest struct {
		CatalogTable
		Checksum string
	}
	tables := []digest{}
	for _, table := range c.Catalog.Tables {
		if !take(table.Schema, table.Name) {
			continue
		}
		sum, known := c.checksums[table.String()]
		if !known {
			return "", fmt.Errorf("the rows of table %s were not read", table)
		}
		tables = append(tables, digest{table, sum})
	}
	slices.SortFunc(tables, func(a, b digest) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	text, err := json.Marshal(tables)
	if err != nil {
		return "", fmt.Errorf("hash the content: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Buckets is how many parts the rows of a table fall into, by a hash of their values: the
// same row falls into the same part in every file.
const Buckets = 1 << 16

// Selection is a part of a table.
type Selection struct {
	Schema, Name string

	// Columns are those to take, each combination of values once. Nil: all, in all rows.
	Columns []string

	// From and To bound the buckets to take, from From up to but without To. Both 0: all.
	From, To int

	// Units are the keys, see [UnitKey], of the units to take, which are told apart by UnitColumns. Nil: all.
	Units       []string
	UnitColumns []string
}

// Extract writes parts of tables of one .hyper file to a new one: at path, an absolute path
// at which nothing stands. Assumed keys stay as far as their columns and tables do. The
// input is opened read-only. On failure, as of [ReadContent] or for a table that the input lacks,
// nothing stays at path. It returns the number of rows of the new file.
func Extract(ctx context.Context, lease *hyperd.Lease, input, path string, selections []Selection) (int64, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return 0, err
	}
	conn := sessions[0]
	file, err := openInput(ctx, conn, input, inputAlias)
	if err != nil {
		return 0, err
	}
	want, err := file.catalog.selected(selections)
	if err != nil {
		return 0, err
	}
	var rows int64
	err = rewrite(ctx, conn, path, want, func() error {
		if err := want.create(ctx, conn, path); err != nil {
			return err
		}
		for i := range want.Tables {
			table := &want.Tables[i]
			source, _ := file.catalog.find(table.Schema, table.Name)
			statement, err := selections[i].insertSQL(source, *table)
			if err != nil {
				return err
			}
			if table.Rows, err = conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("insert into table %s: %w", table, err)
			}
			rows += table.Rows
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take a part of %s: %w", input, err)
	}
	return rows, nil
}

// inputAlias is that of a file that is read.
const inputAlias = "input"

// insertSQL is the statement that copies the part of a table.
func (s Selection) insertSQL(source, table CatalogTable) (string, error) {
	distinct, where := "", ""
	if s.Columns != nil {
		distinct = "DISTINCT "
	}
	from := source.in(inputAlias)
	switch {
	case s.Units != nil:
		listed, err := s.isListed(source)
		if err != nil {
			return "", err
		}
		from, where = from+" AS rows", " WHERE "+listed
	case s.To > 0:
		from = fmt.Sprintf("(SELECT *, sha256(%s) AS %s FROM %s) AS hashed", rowText(source.Columns), bucketColumn(source), from)
		where = fmt.Sprintf(" WHERE get_byte(%s, 0) * 256 + get_byte(%[1]s, 1) BETWEEN %d AND %d", bucketColumn(source), s.From, s.To-1)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s%s FROM %s%s",
		table.in(outputAlias), table.columnNames(), distinct, table.columnNames(), from, where), nil
}

// bucketColumn is a name, quoted, that no column of the table has.
func bucketColumn(table CatalogTable) string {
	name := "h"
	for slices.ContainsFunc(table.Columns, func(c CatalogColumn) bool { return c.Name == name }) {
		name += "h"
	}
	return hyperd.QuoteName(name)
}

// selected describes the file that holds the selections, without rows.
func (c Catalog) selected(selections []Selection) (Catalog, error) {
	want := Catalog{FormatVersion: c.FormatVersion, Schemas: []string{}}
	for _, s := range selections {
		table, ok := c.find(s.Schema, s.Name)
		if !ok {
			return Catalog{}, failure.New(failure.Hyperd, "the file has no table %s", hyperd.QuoteName(s.Schema, s.Name))
		}
		if !slices.Contains(want.Schemas, s.Schema) {
			want.Schemas = append(want.Schemas, s.Schema)
		}
		want.Tables = append(want.Tables, table.narrowed(s.Columns))
	}
	for i, table := range want.Tables {
		table.ForeignKeys = slices.DeleteFunc(slices.Clone(table.ForeignKeys), func(key ForeignKey) bool {
			to, ok := want.find(key.Schema, key.Table)
			return !ok || !table.has(key.Columns) || !to.has(key.To)
		})
		want.Tables[i] = table
	}
	return want, nil
}

// narrowed is the table with some of its columns, in the order of the table; nil is all.
func (t CatalogTable) narrowed(columns []string) CatalogTable {
	if columns == nil {
		return t
	}
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c CatalogColumn) bool { return !slices.Contains(columns, c.Name) })
	if !t.has(t.PrimaryKey) {
		t.PrimaryKey = []string{}
	}
	t.UniqueKeys = slices.DeleteFunc(slices.Clone(t.UniqueKeys), func(key []string) bool { return !t.has(key) })
	return t
}

// has says whether the table has all of those columns.
func (t CatalogTable) has(columns []string) bool {
	return !slices.ContainsFunc(columns, func(name string) bool {
		return !slices.ContainsFunc(t.Columns, func(c CatalogColumn) bool { return c.Name == name })
	})
}
