package hyper

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/hyperd"
)

// Order is how the rows of a table stand in the extract. The zero value is any order.
//
// hyperd keeps rows in the blocks in which they were inserted, so that a query for a range
// of values looks at few of them. It promises no order to a query that does not ask for
// one: a scan by several threads hands out blocks as they are ready.
type Order struct {
	// Sort names columns of the extract by which rows are sorted: ascending, text by its
	// bytes, with NaN and then NULL last.
	Sort []string `json:"sort,omitempty"`

	// Within says that the rows of each target are sorted on their own, in its partial. Else
	// all rows of the table are, when the partials are merged.
	Within bool `json:"within,omitempty"`

	// ByTarget says that targets stand one after another, ascending.
	ByTarget bool `json:"by_target,omitempty"`
}

// sortsPartials says whether partials are sorted.
func (l Layout) sortsPartials() bool {
	return slices.ContainsFunc(l.Tables, Table.sortsPartial)
}

// sortsExtract says whether merging sorts.
func (l Layout) sortsExtract() bool {
	return slices.ContainsFunc(l.Tables, func(t Table) bool { return len(t.Order.Sort) > 0 && !t.Order.Within })
}

// inOrder returns the partials that hold rows, or one if none does, in the order in which
// they are merged: by target where that matters, else the largest first, which is cheapest.
func (l Layout) inOrder(partials []File) []File {
	filled := bySize(partials)
	if slices.ContainsFunc(l.Tables, func(t Table) bool { return t.Order.ByTarget }) {
		slices.SortStableFunc(filled, func(a, b File) int { return cmp.Compare(a.Target.Shard, b.Target.Shard) })
	}
	return filled
}

// isFinal says whether partials are the extract as they are.
func (l Layout) isFinal(filled []File) bool { return len(filled) == 1 && !l.sortsExtract() }

// orderSQL is the ORDER BY of a statement that sorts rows of the table; empty if none does.
func (t Table) orderSQL() string {
	if len(t.Order.Sort) == 0 {
		return ""
	}
	keys := make([]string, len(t.Order.Sort))
	for i, name := range t.Order.Sort {
		keys[i] = hyperd.QuoteName(name) + " ASC NULLS LAST"
	}
	return " ORDER BY " + strings.Join(keys, ", ")
}

// sortsPartial says whether the rows of the table are sorted in every partial.
func (t Table) sortsPartial() bool { return len(t.Order.Sort) > 0 && t.Order.Within }

const unsortedAlias = "unsorted"

// unsortedPath is where rows wait that are too many for the spool, to be sorted together.
func (s *session) unsortedPath() string { return s.path + ".unsorted" }

// setAside makes the file for rows of a table that are sorted later.
func (s *session) setAside(ctx context.Context, table int) error {
	if s.aside == nil {
		if err := s.layout.create(ctx, s.conn, s.unsortedPath(), unsortedAlias); err != nil {
			return err
		}
		s.aside = make([]bool, len(s.layout.Tables))
	}
	s.aside[table] = true
	return nil
}

// sortAside moves what was set aside into the partial, sorted. hyperd sorts outside of
// memory what does not fit into its limit.
func (s *session) sortAside(ctx context.Context) error {
	if s.aside == nil {
		return nil
	}
	for i, table := range s.layout.Tables {
		if !s.aside[i] {
			continue
		}
		sql := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s",
			table.in(partialAlias), table.columnNames(), table.columnNames(), table.in(unsortedAlias), table.orderSQL())
		if _, err := s.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("sort table %s: %w", table, err)
		}
	}
	if err := s.conn.Detach(ctx, unsortedAlias); err != nil {
		return fmt.Errorf("close %s: %w", s.unsortedPath(), err)
	}
	return stagingError(removeFile(s.unsortedPath()))
}

// mergeQueries are the queries whose rows are inserted one after another to merge sources:
// one, unless the order of sources matters.
func (t Table) mergeQueries(sources []string) []string {
	switch {
	case len(sources) == 0:
		return nil
	case t.Order.ByTarget || t.Order.Within:
		return sources
	}
	return []string{strings.Join(sources, " UNION ALL ") + t.orderSQL()}
}

// CanSort says whether rows can be sorted by a column.
func CanSort(column Column) bool {
	return column.SQLType != geographyType && column.SQLType != "INTERVAL"
}
