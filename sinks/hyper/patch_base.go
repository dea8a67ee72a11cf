package hyper

import (
	"context"
	"fmt"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// baseAlias is that of the extract that is patched.
const baseAlias = "base"

// open looks at the files, holds them against the patch, and plans the new one.
func (m *patcher) open(ctx context.Context) (err error) {
	if err := m.checkTables(); err != nil {
		return err
	}
	if m.base, err = openInput(ctx, m.conn, m.Base, baseAlias); err != nil {
		return unreadable(err)
	}
	if err := m.Layout.checkCatalog(m.base.catalog); err != nil {
		return notTheBase("%w", err)
	}
	if m.Added != "" {
		if m.added, err = openInput(ctx, m.conn, m.Added, inputAlias); err != nil {
			return err
		}
		if err := m.Layout.checkCatalog(m.added.catalog); err != nil {
			return failure.New(failure.Engine, "%s: %w", m.Added, err)
		}
	}
	m.want = m.base.catalog
	m.want.Tables = slices.Clone(m.want.Tables)
	for i := range m.Tables {
		if err := m.checkRows(i); err != nil {
			return err
		}
	}
	return nil
}

// close closes the files that were read, so that they can be moved or written at once.
func (m *patcher) close(ctx context.Context) error {
	for _, file := range []InputFile{m.base, m.added} {
		if file.alias == "" {
			continue
		}
		if err := m.conn.Detach(ctx, file.alias); err != nil {
			return fmt.Errorf("close %s: %w", file.Path, err)
		}
	}
	return nil
}

// checkTables holds the patch against the layout.
func (m *patcher) checkTables() error {
	if len(m.Tables) != len(m.Layout.Tables) {
		return failure.New(failure.Engine, "the patch has %d tables, the layout %d", len(m.Tables), len(m.Layout.Tables))
	}
	for i, table := range m.Tables {
		if len(table.Columns) == 0 && len(table.Units) > 0 {
			return failure.New(failure.Engine, "table %s: the patch has units, but no columns to know them by", m.Layout.Tables[i])
		}
		for _, name := range table.Columns {
			if !slices.ContainsFunc(m.Layout.Tables[i].Columns, func(c Column) bool { return c.Name == name }) {
				return failure.New(failure.Engine, "table %s: it has no column %q, by which the patch knows units", m.Layout.Tables[i], name)
			}
		}
		for _, unit := range table.Units {
			if len(unit.Values) != len(table.Columns) {
				return failure.New(failure.Engine, "table %s: the unit %v has %d values for the columns %q",
					m.Layout.Tables[i], unit, len(unit.Values), table.Columns)
			}
		}
	}
	return nil
}

// checkRows holds the rows that a table has, loses and gets against the patch.
func (m *patcher) checkRows(i int) error {
	table, patch := m.Layout.Tables[i], m.Tables[i]
	var goes, comes int64
	for _, unit := range patch.Units {
		goes += unit.Before
		comes += unit.After
	}
	if len(patch.Columns) > 0 && comes != m.comes(i) {
		return miscounted("table %s: %s holds %d rows, but the units that changed have %d", table, m.Added, m.comes(i), comes)
	}
	standing := &m.want.Tables[slices.IndexFunc(m.want.Tables, func(t CatalogTable) bool {
		return t.Schema == table.Schema && t.Name == table.Name // checkCatalog has found it
	})]
	switch {
	case patch.Whole && m.comes(i) != patch.Rows:
		return miscounted("table %s: %s holds %d rows of %d", table, m.Added, m.comes(i), patch.Rows)
	case !patch.Whole && standing.Rows-goes+m.comes(i) != patch.Rows:
		return notTheBase("table %s holds %d rows instead of %d", table, standing.Rows, patch.Rows+goes-m.comes(i))
	}
	standing.Rows = patch.Rows
	return nil
}

// comes is how many rows Added has of a table.
func (m *patcher) comes(i int) int64 {
	found, _ := m.added.catalog.find(m.Layout.Tables[i].Schema, m.Layout.Tables[i].Name)
	return found.Rows
}

// checkCatalog says what a file, which may have defaults and comments of its own, has otherwise than the layout.
func (l Layout) checkCatalog(c Catalog) error {
	if c.FormatVersion != l.Version {
		return fmt.Errorf("it has format version %d instead of %d", c.FormatVersion, l.Version)
	}
	if len(c.Tables) != len(l.Tables) {
		return fmt.Errorf("it has %d tables instead of %d", len(c.Tables), len(l.Tables))
	}
	for _, table := range l.Tables {
		found, ok := c.find(table.Schema, table.Name)
		if !ok {
			return fmt.Errorf("it has no table %s", table)
		}
		want := CatalogTable{Schema: table.Schema, Name: table.Name, PrimaryKey: table.PrimaryKey, ForeignKeys: table.ForeignKeys}
		for i, column := range table.Columns {
			same := CatalogColumn{Name: column.Name, SQLType: column.SQLType, Nullable: column.Nullable}
			if i < len(found.Columns) && found.Columns[i].Name == same.Name && found.Columns[i].form() == same.form() {
				same = found.Columns[i]
			}
			want.Columns = append(want.Columns, same)
		}
		if !found.sameDefinition(want) || len(found.ForeignKeys) != len(want.ForeignKeys) || len(want.foreignKeysSQL("", found)) > 0 {
			return fmt.Errorf("table %s has other columns or keys than it should", table)
		}
	}
	return nil
}

// notTheBase is the failure that the base is another extract than the patch was made for.
func notTheBase(format string, args ...any) error {
	err := fmt.Errorf("%w: %w", ErrBase, fmt.Errorf(format, args...))
	return failure.New(failure.Hyperd, "%w", err).WithHint("build the extract in full")
}

// unreadable is the failure of a base that hyperd does not take for a whole .hyper file.
func unreadable(err error) error {
	if failed := failure.Of(err, failure.Hyperd); hyperd.IsAnswer(err) && failed.Kind == failure.Hyperd && !failed.Retry {
		return notTheBase("%w", err)
	}
	return err
}
