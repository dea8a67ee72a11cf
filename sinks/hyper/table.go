package hyper

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// Table is one table of the extract.
type Table struct {
	Schema  string   `json:"schema"`
	Name    string   `json:"name"`
	Columns []Column `json:"columns"` // at least one; a batch has them by their Source, and may have others

	// PrimaryKey and ForeignKeys are assumed keys, by the names of columns in the extract.
	// hyperd does not check them.
	PrimaryKey  []string     `json:"primary_key,omitempty"`
	ForeignKeys []ForeignKey `json:"foreign_keys,omitempty"`

	// Order is how the rows stand in the extract.
	Order Order `json:"order,omitzero"`
}

// String is the table's name for messages.
func (t Table) String() string { return t.Schema + "." + t.Name }

// in is the table's quoted name inside the database that is attached as alias.
func (t Table) in(alias string) string { return hyperd.QuoteName(alias, t.Schema, t.Name) }

// columnNames lists the quoted names of the columns.
func (t Table) columnNames() string {
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = column.Name
	}
	return quoteNames(names)
}

// createSQL is the statement that makes the table in the database attached as alias.
func (t Table) createSQL(alias string) string {
	columns := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		columns[i] = hyperd.QuoteName(column.Name) + " " + column.SQLType
		if !column.Nullable {
			columns[i] += " NOT NULL"
		}
	}
	if len(t.PrimaryKey) > 0 {
		columns = append(columns, fmt.Sprintf("ASSUMED PRIMARY KEY (%s)", quoteNames(t.PrimaryKey)))
	}
	return fmt.Sprintf("CREATE TABLE %s (%s)", t.in(alias), strings.Join(columns, ", "))
}

// foreignKeySQL is the statement that adds a foreign key, once all tables are there.
func (t Table) foreignKeySQL(alias string, key ForeignKey) string {
	return fmt.Sprintf("ALTER TABLE %s ADD ASSUMED FOREIGN KEY (%s) REFERENCES %s (%s)",
		t.in(alias), quoteNames(key.Columns), hyperd.QuoteName(alias, key.Schema, key.Table), quoteNames(key.To))
}

func quoteNames(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = hyperd.QuoteName(name)
	}
	return strings.Join(quoted, ", ")
}

// geographyType is what hyperd makes of text by a cast only.
const geographyType = "TABLEAU.TABGEOGRAPHY"

// Layout is what a .hyper file is made of: the same for every partial of a run and for
// its extract.
type Layout struct {
	Version Version `json:"version"`
	Tables  []Table `json:"tables"`
}

// create makes a new database file with all its tables, empty, and leaves it attached as alias.
func (l Layout) create(ctx context.Context, conn *hyperd.Conn, path, alias string) error {
	if err := conn.CreateDatabase(ctx, path, int(l.Version)); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := conn.Attach(ctx, path, alias); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	made := map[string]bool{"public": true} // every database has it
	for _, table := range l.Tables {
		if !made[table.Schema] {
			if _, err := conn.Exec(ctx, "CREATE SCHEMA "+hyperd.QuoteName(alias, table.Schema)); err != nil {
				return fmt.Errorf("create schema %s: %w", table.Schema, err)
			}
			made[table.Schema] = true
		}
		if _, err := conn.Exec(ctx, table.createSQL(alias)); err != nil {
			return fmt.Errorf("create table %s: %w", table, err)
		}
	}
	for _, table := range l.Tables {
		for _, key := range table.ForeignKeys {
			if _, err := conn.Exec(ctx, table.foreignKeySQL(alias, key)); err != nil {
				return fmt.Errorf("add a foreign key to table %s: %w", table, err)
			}
		}
	}
	return nil
}

// count asks hyperd how many rows each table holds.
func (l Layout) count(ctx context.Context, conn *hyperd.Conn, alias string) ([]int64, error) {
	counts := make([]int64, len(l.Tables))
	for i, table := range l.Tables {
		text, err := conn.QueryValue(ctx, "SELECT count(*) FROM "+table.in(alias))
		if err != nil {
			return nil, fmt.Errorf("count the rows of table %s: %w", table, err)
		}
		if counts[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("count the rows of table %s: %w", table, err)
		}
	}
	return counts, nil
}

// File refers to a finished .hyper file of a run, a partial or the extract. It is a few
// hundred bytes: what crosses a GroupByKey.
type File struct {
	Path    string     `json:"path"` // URI
	Bytes   int64      `json:"bytes"`
	Version string     `json:"version,omitempty"` // as [storage.Info] has it
	SHA256  string     `json:"sha256,omitempty"`  // lower-case hex; see Params.Checksums
	Tables  []Contents `json:"tables"`            // one for each table of the layout

	// Attempt is that of the batches of a partial; see batch.Batch.
	Attempt string `json:"attempt,omitempty"`

	// Target is whose rows a partial holds; zero unless rows were moved.
	Target batch.Target `json:"target,omitzero"`

	// Partials is how many partials went into an extract, empty ones included.
	Partials int `json:"partials,omitempty"`
}

// Contents is what a file holds of one table, and the account of the rows it came from.
type Contents struct {
	Rows  int64       `json:"rows"` // as counted by hyperd
	Tally batch.Tally `json:"tally"`
}

// Rows is the sum over all tables.
func (f File) Rows() int64 {
	var rows int64
	for _, contents := range f.Tables {
		rows += contents.Rows
	}
	return rows
}

// checkCounts compares what hyperd counted with what was meant to be there.
func (l Layout) checkCounts(path string, counted []int64, want func(table int) int64) error {
	for i, table := range l.Tables {
		if counted[i] != want(i) {
			return failure.New(failure.Hyperd, "table %s of %s holds %d rows, but %d were loaded", table, path, counted[i], want(i)).
				WithHint("nothing was published; please report this as a defect")
		}
	}
	return nil
}
