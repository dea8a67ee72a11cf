package hyper

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// String is the table's name as it is written in SQL.
func (t CatalogTable) String() string { return hyperd.QuoteName(t.Schema, t.Name) }

// in is the table's quoted name inside the database that is attached as alias.
func (t CatalogTable) in(alias string) string { return hyperd.QuoteName(alias, t.Schema, t.Name) }

// sqlType is the type as CREATE TABLE and CAST take it.
func (c CatalogColumn) sqlType() string {
	if strings.HasSuffix(geographyType, "."+c.SQLType) {
		return geographyType
	}
	return c.SQLType
}

// form is what two columns must have in common to hold the same values.
func (c CatalogColumn) form() string {
	form := c.sqlType()
	if c.Collation != "" {
		form += " COLLATE " + hyperd.QuoteName(c.Collation)
	}
	if !c.Nullable {
		form += " NOT NULL"
	}
	return form
}

func (c CatalogColumn) createSQL() string {
	definition := hyperd.QuoteName(c.Name) + " " + c.form()
	if c.Default != "" {
		definition += " DEFAULT " + c.Default
	}
	return definition
}

func (t CatalogTable) columnNames() string {
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = column.Name
	}
	return quoteNames(names)
}

// createSQL are the statements that make the table, without foreign keys, in the database
// attached as alias.
func (t CatalogTable) createSQL(alias string) []string {
	var parts, comments []string
	for _, c := range t.Columns {
		parts = append(parts, c.createSQL())
		if c.Comment != "" {
			comments = append(comments, fmt.Sprintf("COMMENT ON COLUMN %s.%s IS %s",
				t.in(alias), hyperd.QuoteName(c.Name), hyperd.QuoteText(c.Comment)))
		}
	}
	if len(t.PrimaryKey) > 0 {
		parts = append(parts, "ASSUMED PRIMARY KEY ("+quoteNames(t.PrimaryKey)+")")
	}
	for _, key := range t.UniqueKeys {
		parts = append(parts, "ASSUMED UNIQUE ("+quoteNames(key)+")")
	}
	create := fmt.Sprintf("CREATE TABLE %s (%s)", t.in(alias), strings.Join(parts, ", "))
	return append([]string{create}, comments...)
}

// foreignKeysSQL are the statements that add the foreign keys which standing lacks.
func (t CatalogTable) foreignKeysSQL(alias string, standing CatalogTable) []string {
	var statements []string
	for _, key := range t.ForeignKeys {
		if !slices.ContainsFunc(standing.ForeignKeys, key.equal) {
			statements = append(statements, Table{Schema: t.Schema, Name: t.Name}.foreignKeySQL(alias, key))
		}
	}
	return statements
}

// sameDefinition says whether both tables are the same but for rows and foreign keys.
func (t CatalogTable) sameDefinition(other CatalogTable) bool {
	return slices.Equal(t.Columns, other.Columns) && slices.Equal(t.PrimaryKey, other.PrimaryKey) &&
		slices.EqualFunc(t.UniqueKeys, other.UniqueKeys, slices.Equal[[]string])
}

func (k ForeignKey) equal(other ForeignKey) bool {
	return k.Schema == other.Schema && k.Table == other.Table && slices.Equal(k.Columns, other.Columns) && slices.Equal(k.To, other.To)
}

// publicSchema is made with every database.
const publicSchema = "public"

// create makes a new database file that holds what the catalog describes, but no rows, and
// leaves it attached as outputAlias.
func (c Catalog) create(ctx context.Context, conn *hyperd.Conn, path string) error {
	err := conn.CreateDatabase(ctx, path, int(c.FormatVersion))
	if err == nil {
		err = conn.Attach(ctx, path, outputAlias)
	}
	if err == nil && !slices.Contains(c.Schemas, publicSchema) {
		_, err = conn.Exec(ctx, "DROP SCHEMA "+hyperd.QuoteName(outputAlias, publicSchema))
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return c.complete(ctx, conn, outputAlias, Catalog{Schemas: []string{publicSchema}})
}

// complete adds what the catalog describes to a database, attached as alias, that holds
// what standing describes: schemas, tables and foreign keys.
func (c Catalog) complete(ctx context.Context, conn *hyperd.Conn, alias string, standing Catalog) error {
	var statements, foreign []string
	for _, schema := range c.Schemas {
		if !slices.Contains(standing.Schemas, schema) {
			statements = append(statements, "CREATE SCHEMA "+hyperd.QuoteName(alias, schema))
		}
	}
	for _, table := range c.Tables {
		before, ok := standing.find(table.Schema, table.Name)
		if !ok {
			statements = append(statements, table.createSQL(alias)...)
		}
		foreign = append(foreign, table.foreignKeysSQL(alias, before)...)
	}
	for _, statement := range append(statements, foreign...) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// find looks a table up.
func (c Catalog) find(schema, name string) (CatalogTable, bool) {
	i := slices.IndexFunc(c.Tables, func(t CatalogTable) bool { return t.Schema == schema && t.Name == name })
	if i < 0 {
		return CatalogTable{}, false
	}
	return c.Tables[i], true
}

// check compares the catalog of a finished file with the one that it was meant to have.
func (c Catalog) check(want Catalog) error {
	defect := func(format string, args ...any) error {
		return failure.New(failure.Hyperd, format, args...).WithHint("the output was left as it was; please report this as a defect")
	}
	if c.FormatVersion != want.FormatVersion {
		return defect("the new file has format version %d instead of %d", c.FormatVersion, want.FormatVersion)
	}
	if !sameElements(c.Schemas, want.Schemas) || len(c.Tables) != len(want.Tables) {
		return defect("the new file has other schemas or tables than it was meant to have: %q with %d tables", c.Schemas, len(c.Tables))
	}
	for _, table := range want.Tables {
		made, ok := c.find(table.Schema, table.Name)
		switch {
		case !ok:
			return defect("table %s is missing in the new file", table)
		case made.Rows != table.Rows:
			return defect("table %s of the new file holds %d rows instead of %d", table, made.Rows, table.Rows)
		case !made.sameDefinition(table), len(made.ForeignKeys) != len(table.ForeignKeys), len(table.foreignKeysSQL("", made)) > 0:
			return defect("table %s of the new file has other columns or keys than it was meant to have", table)
		}
	}
	return nil
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
