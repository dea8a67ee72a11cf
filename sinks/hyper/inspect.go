package hyper

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// Catalog is what a .hyper file says about itself.
type Catalog struct {
	FormatVersion Version        `json:"format_version"`
	CreatedBy     string         `json:"created_by"` // version of the hyperd that made the file
	Schemas       []string       `json:"schemas"`    // also those without tables, in the order of their making
	Tables        []CatalogTable `json:"tables"`     // in the order of their making
}

// CatalogTable is a table of a .hyper file.
type CatalogTable struct {
	Schema      string          `json:"schema"`
	Name        string          `json:"name"`
	Rows        int64           `json:"rows"` // as counted by hyperd
	Columns     []CatalogColumn `json:"columns"`
	PrimaryKey  []string        `json:"primary_key"`  // column names; empty if there is none
	UniqueKeys  [][]string      `json:"unique_keys"`  // column names of each
	ForeignKeys []ForeignKey    `json:"foreign_keys"` // to tables of the same file
}

// CatalogColumn is a column of such a table.
type CatalogColumn struct {
	Name      string `json:"name"`
	SQLType   string `json:"sql_type"` // as in CREATE TABLE, without nullability and collation
	Nullable  bool   `json:"nullable"`
	Collation string `json:"collation,omitempty"` // empty for the default one, which compares bytes
	Default   string `json:"default,omitempty"`   // an SQL expression; empty if there is none
	Comment   string `json:"comment,omitempty"`
}

// ForeignKey says that columns refer to rows of a table. hyperd never checks it, nor any
// other key: they are all assumed.
type ForeignKey struct {
	Columns []string `json:"columns"`
	Schema  string   `json:"schema"`
	Table   string   `json:"table"`
	To      []string `json:"to"` // columns of that table
}

// ReadSchemas names the schemas of the database that the session attached as alias, also
// those without tables, in the order in which they were made. Failures are of kind Hyperd.
func ReadSchemas(ctx context.Context, conn *hyperd.Conn, alias string) ([]string, error) {
	schemas := []string{}
	const statement = `SELECT nspname FROM {pg_catalog}.pg_namespace
		WHERE nspname NOT IN ('pg_catalog', 'pg_temp', 'tableau', 'information_schema') ORDER BY oid`
	err := queryCatalog(ctx, conn, alias, statement, func(values []string) error {
		schemas = append(schemas, values[0])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return schemas, nil
}

// ReadCatalog describes the database that the session attached as alias, and counts the
// rows of its tables. Failures are of kind Hyperd.
func ReadCatalog(ctx context.Context, conn *hyperd.Conn, alias string) (Catalog, error) {
	r := catalogReader{conn: conn, alias: alias, tables: map[string]*CatalogTable{}}
	for _, step := range []func(context.Context) error{r.readFile, r.readTables, r.readColumns, r.readKeys, r.countRows} {
		if err := step(ctx); err != nil {
			return Catalog{}, fmt.Errorf("read the catalog: %w", err)
		}
	}
	var err error
	r.file.Schemas, err = ReadSchemas(ctx, conn, alias)
	return r.catalog(), err
}

// catalogReader collects a catalog from hyperd's system tables.
type catalogReader struct {
	conn  *hyperd.Conn
	alias string

	file   Catalog // without its tables
	tables map[string]*CatalogTable
	order  []string // of the tables, by their numbers in the file
}

func (r *catalogReader) catalog() Catalog {
	described := r.file
	described.Tables = []CatalogTable{}
	for _, id := range r.order {
		described.Tables = append(described.Tables, *r.tables[id])
	}
	return described
}

func (r *catalogReader) query(ctx context.Context, statement string, row func(values []string) error) error {
	return queryCatalog(ctx, r.conn, r.alias, statement, row)
}

// queryCatalog calls row with the texts of each row; NULL is the empty text. In the
// statement, {pg_catalog} stands for the database's own system schema and {alias} for the
// alias as text.
func queryCatalog(ctx context.Context, conn *hyperd.Conn, alias, statement string, row func(values []string) error) error {
	statement = strings.NewReplacer(
		"{pg_catalog}", hyperd.QuoteName(alias, "pg_catalog"),
		"{alias}", hyperd.QuoteText(alias),
	).Replace(statement)
	return conn.Query(ctx, statement, func(_ []hyperd.Field, raw [][]byte) error {
		values := make([]string, len(raw))
		for i := range raw {
			values[i] = string(raw[i])
		}
		return row(values)
	})
}

// readFile finds the file among all that the session attached.
func (r *catalogReader) readFile(ctx context.Context) error {
	const statement = `SELECT d.database_version, d.creation_hyper_version
		FROM {pg_catalog}.hyper_database d JOIN {pg_catalog}.hyper_attached_database a ON a.database_name = d.datname
		WHERE a.database_alias = {alias}`
	return r.query(ctx, statement, func(values []string) error {
		version, err := strconv.Atoi(values[0])
		if err != nil {
			return failure.New(failure.Hyperd, "hyperd calls the format version %q", values[0])
		}
		r.file.FormatVersion, r.file.CreatedBy = Version(version), values[1]
		return nil
	})
}

func (r *catalogReader) readTables(ctx context.Context) error {
	const statement = `SELECT c.oid, n.nspname, c.relname
		FROM {pg_catalog}.pg_class c JOIN {pg_catalog}.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'pg_catalog' ORDER BY c.oid`
	return r.query(ctx, statement, func(values []string) error {
		r.order = append(r.order, values[0])
		r.tables[values[0]] = &CatalogTable{
			Schema: values[1], Name: values[2],
			Columns: []CatalogColumn{}, PrimaryKey: []string{}, UniqueKeys: [][]string{}, ForeignKeys: []ForeignKey{},
		}
		return nil
	})
}

func (r *catalogReader) readColumns(ctx context.Context) error {
	const statement = `SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			CASE WHEN l.collname <> 'default' THEN l.collname END, e.adsrc, o.description
		FROM {pg_catalog}.pg_attribute a
			JOIN {pg_catalog}.pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relpersistence = 'p'
			LEFT JOIN {pg_catalog}.pg_collation l ON l.oid = a.attcollation
			LEFT JOIN {pg_catalog}.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
			LEFT JOIN {pg_catalog}.pg_description o ON o.objoid = a.attrelid AND o.objsubid = a.attnum
		WHERE a.attnum > 0 ORDER BY a.attrelid, a.attnum`
	return r.query(ctx, statement, func(values []string) error {
		if table, ok := r.tables[values[0]]; ok { // not a system table
			table.Columns = append(table.Columns, CatalogColumn{
				Name: values[1], SQLType: sqlName(values[2]), Nullable: values[3] != "t",
				Collation: values[4], Default: unqualified(values[5]), Comment: values[6],
			})
		}
		return nil
	})
}

// sqlName turns the name of a type as the catalog has it, which is PostgreSQL's, into the
// one that hyperd's documentation and the type map use.
func sqlName(formatted string) string {
	name := strings.ToUpper(formatted)
	for postgres, hyper := range map[string]string{"BYTEA": "BYTES", "CHARACTER VARYING": "VARCHAR", "CHARACTER(": "CHAR("} {
		if rest, ok := strings.CutPrefix(name, postgres); ok {
			return hyper + rest
		}
	}
	return name
}

// qualifiers matches what hyperd writes before the names of functions and types in a
// default: the alias that the file had in the session that made the table. Texts match, too,
// so that nothing in them is taken for a name.
var qualifiers = regexp.MustCompile(`[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"\."pg_catalog"\.`)

// unqualified makes a default one that any session understands.
func unqualified(expression string) string {
	return qualifiers.ReplaceAllStringFunc(expression, func(found string) string {
		if strings.HasSuffix(found, "'") {
			return found
		}
		return ""
	})
}

// The kinds of keys in pg_constraint.
const (
	primaryKey = "p"
	uniqueKey  = "u"
	foreignKey = "f"
)

func (r *catalogReader) readKeys(ctx context.Context) error {
	const statement = `SELECT conrelid, contype, conkey, confrelid, confkey FROM {pg_catalog}.pg_constraint ORDER BY oid`
	return r.query(ctx, statement, func(values []string) error {
		table, ok := r.tables[values[0]]
		if !ok {
			return nil
		}
		columns, err := table.columnsAt(values[2])
		if err != nil {
			return err
		}
		switch values[1] {
		case primaryKey:
			table.PrimaryKey = columns
		case uniqueKey:
			table.UniqueKeys = append(table.UniqueKeys, columns)
		case foreignKey:
			target, ok := r.tables[values[3]]
			if !ok {
				return failure.New(failure.Hyperd, "a foreign key of table %s.%s leads to no table", table.Schema, table.Name)
			}
			to, err := target.columnsAt(values[4])
			if err != nil {
				return err
			}
			table.ForeignKeys = append(table.ForeignKeys, ForeignKey{Columns: columns, Schema: target.Schema, Table: target.Name, To: to})
		}
		return nil
	})
}

// columnsAt names the columns whose numbers, from 1, are in an array of hyperd's text
// form, such as [1,2].
func (t *CatalogTable) columnsAt(numbers string) ([]string, error) {
	var positions []int
	if err := json.Unmarshal([]byte(numbers), &positions); err != nil {
		return nil, failure.New(failure.Hyperd, "a key of table %s.%s has the columns %q: %w", t.Schema, t.Name, numbers, err)
	}
	names := make([]string, len(positions))
	for i, position := range positions {
		if position < 1 || position > len(t.Columns) {
			return nil, failure.New(failure.Hyperd, "a key of table %s.%s has column %d of %d", t.Schema, t.Name, position, len(t.Columns))
		}
		names[i] = t.Columns[position-1].Name
	}
	return names, nil
}

func (r *catalogReader) countRows(ctx context.Context) error {
	for _, id := range r.order {
		table := r.tables[id]
		text, err := r.conn.QueryValue(ctx, "SELECT count(*) FROM "+hyperd.QuoteName(r.alias, table.Schema, table.Name))
		if err != nil {
			return fmt.Errorf("count the rows of table %s.%s: %w", table.Schema, table.Name, err)
		}
		if table.Rows, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("count the rows of table %s.%s: %w", table.Schema, table.Name, err)
		}
	}
	return nil
}
