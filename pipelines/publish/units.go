package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// maxUnits bounds the units that a ledger remembers.
const maxUnits = 100_000

// TableUnits says what tells the rows of a table apart: all rows with the same values in some columns are a unit.
type TableUnits struct {
	Schema, Name string
	Columns      []string
	Why          string // there are no columns; empty if there are
}

// UnitsOf says what tells the rows of the tables of a plan apart.
func UnitsOf(p *plan.Outline) []TableUnits {
	var all []TableUnits
	for _, table := range p.Tables {
		units := TableUnits{Schema: table.Schema, Name: table.Name, Why: table.Indivisible}
		for _, column := range table.UnitColumns {
			units.Columns = append(units.Columns, column.Name)
		}
		if len(units.Columns) == 0 && units.Why == "" {
			units.Why = "its table has no partition columns, and nothing tells the rows of a file from others"
		}
		all = append(all, units)
	}
	return all
}

// columnsOf finds the columns that tell the rows of tables, that go to one data source, apart, or says why there are none.
// ofLast are those of the last time, if units knows nothing.
func columnsOf(tables []ledgerTable, units []TableUnits, ofLast *heldUnits) (columns []string, why string) {
	if len(tables) != 1 {
		return nil, fmt.Sprintf("%d tables go to it", len(tables))
	}
	table := tables[0]
	at := slices.IndexFunc(units, func(u TableUnits) bool { return u.Schema == table.Schema && u.Name == table.Name })
	switch {
	case at >= 0:
		columns, why = units[at].Columns, units[at].Why
	case ofLast != nil:
		columns = ofLast.Columns
	default:
		why = "only a run knows what tells its rows apart"
	}
	for _, name := range columns {
		known := slices.IndexFunc(table.Columns, func(c tableau.Column) bool { return c.Name == name })
		if known < 0 {
			return nil, fmt.Sprintf("it lacks the column %s, which tells its rows apart", name)
		}
		if column := table.Columns[known]; !tableau.HasConstants(column) {
			return nil, fmt.Sprintf("a server has no constants of the type of %s, %s", name, column.Type)
		}
	}
	return columns, why
}

// heldUnits says which rows of each unit of a table a data source has.
type heldUnits struct {
	Table   string            `json:"table"`   // stands for its columns, types and keys
	Columns []string          `json:"columns"` // that tell units apart
	Sums    map[string]string `json:"units"`   // checksums of rows by the key of the unit; empty: some rows, but nobody knows which
}

// unitsNow is what an extract holds of each unit of its table.
type unitsNow struct {
	table   string // stands for its columns, types and keys
	columns []tableau.Column
	rows    int64 // in all
	content map[string]hyper.UnitContent
}

// newUnits makes those of a table without its content.
func newUnits(table hyper.CatalogTable, columns []string) (*unitsNow, error) {
	u := &unitsNow{rows: table.Rows}
	for _, name := range columns {
		for _, c := range table.Columns {
			if c.Name == name {
				u.columns = append(u.columns, tableau.Column{Name: c.Name, Type: c.SQLType})
			}
		}
	}
	table.Rows = 0
	text, err := json.Marshal(table)
	sum := sha256.Sum256(text)
	u.table = hex.EncodeToString(sum[:])
	return u, err
}

func (u *unitsNow) names() []string {
	names := make([]string, len(u.columns))
	for i, column := range u.columns {
		names[i] = column.Name
	}
	return names
}

// held is what a data source has that holds the extract; nil if units are not known.
func (u *unitsNow) held() *heldUnits {
	if u == nil {
		return nil
	}
	sums := make(map[string]string, len(u.content))
	for key, unit := range u.content {
		sums[key] = unit.Checksum
	}
	return &heldUnits{Table: u.table, Columns: u.names(), Sums: sums}
}

// changed are the keys of the units of which a data source has, or may have, other rows, in order.
func (u *unitsNow) changed(held *heldUnits) []string {
	keys := map[string]bool{}
	for key, unit := range u.content {
		if sum, known := held.Sums[key]; !known || sum != unit.Checksum {
			keys[key] = true
		}
	}
	for key := range held.Sums {
		if _, stays := u.content[key]; !stays {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// rowsOf counts the rows of some units.
func (u *unitsNow) rowsOf(keys []string) (rows int64) {
	for _, key := range keys {
		rows += u.content[key].Rows
	}
	return rows
}

// conditions are those that hold for the rows of a unit, and for no others. why says that there are none.
func (u *unitsNow) conditions(key string) (all []tableau.Condition, why string) {
	values, err := hyper.UnitValues(key, len(u.columns))
	if err != nil {
		return nil, "the ledger names a unit that is none"
	}
	for i, column := range u.columns {
		if values[i] == nil {
			return nil, fmt.Sprintf("rows without a value of %s changed", column.Name)
		}
		some, ok := tableau.Equals(column, *values[i])
		if !ok {
			return nil, fmt.Sprintf("rows changed whose value of %s, %s, is no constant for a server", column.Name, *values[i])
		}
		all = append(all, some...)
	}
	return all, ""
}

// unsettle notes, before a step of a delivery is sent, that nobody will know what the data source has of what it changes.
func (l *ledger) unsettle(d *delivery, s *step) {
	if !d.Mode.Syncs() || l.Units == nil {
		l.Units = nil
		return
	}
	for _, key := range s.units {
		l.Units.Sums[key] = ""
	}
}

// settleUnits notes what the data source has, once a step was applied by evidence.
func (s *shipment) settleUnits(applied *step) {
	switch {
	case s.units == nil:
	case s.delivery.Mode.Renews():
		s.ledger.Units = s.units.held()
	case s.ledger.Units != nil:
		for _, key := range applied.units {
			if unit, stays := s.units.content[key]; stays {
				s.ledger.Units.Sums[key] = unit.Checksum
			} else {
				delete(s.ledger.Units.Sums, key)
			}
		}
	}
}
