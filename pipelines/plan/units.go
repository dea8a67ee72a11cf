package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/repartition"
	"hyperlake/transforms/validate"
)

// UnitColumn is a column whose values tell the units of a table apart.
type UnitColumn struct {
	Source string `json:"source"` // name in the lake
	Name   string `json:"name"`   // name in the extract
}

// Unit is a part of a table that is replaced as a whole when it changed: all files with the same values of the
// partition columns, or one file of a table without any. Files of which nothing is read are in no unit.
type Unit struct {
	Key     string    // the same for the same part in every plan: how people are told of it, too
	Values  []*string // of the unit columns, as the lake has them; nil of a file
	Version string    // stands for the files, their versions, and the rows that are deleted of them
	Rows    int64     // to read, those included that the table says are deleted
	Bytes   int64     // to read
	Files   int
}

// setUnits gives each file that is read its unit, if the rows of units can be told apart in the extract: the columns that have
// one value in each file are all there, and as they were. Files are their own units then, which nothing can remove.
func (t *TablePlan) setUnits(constants []unitConstant, cfg config.TableConfig) {
	for _, constant := range constants {
		at := slices.IndexFunc(t.Columns, func(c hyper.Column) bool { return c.Source == constant.column })
		if asked := cfg.Columns[constant.column]; at < 0 || asked.Type != "" || asked.Default != nil {
			t.UnitColumns, t.Indivisible = nil, fmt.Sprintf("the partition column %s is not in the extract as it is in the lake", constant.column)
			return
		}
		t.UnitColumns = append(t.UnitColumns, UnitColumn{Source: constant.column, Name: t.Columns[at].Name})
	}
	for i := range t.ToRead {
		file := &t.ToRead[i]
		for _, constant := range constants {
			file.values = append(file.values, constant.values[i])
		}
		var ok bool
		if file.sql, ok = t.UnitSQL(file.values); !ok {
			t.UnitColumns, t.Indivisible = nil, "hyperd has no constants for the values of the partition columns"
			return
		}
	}
}

// unitConstant is a column with one value in each file.
type unitConstant struct {
	column string
	values []*string // of the files, in their order, as the lake has them; nil is NULL
}

// unitConstants are the partition columns of a table; of an Iceberg table, whose files need not have the same, those that all files have
// that may be read.
func (s *Source) unitConstants() []unitConstant {
	var found []unitConstant
	for _, p := range s.partitions {
		found = append(found, unitConstant{p.name, p.values})
	}
	if len(s.files) == 0 {
		return found
	}
	for _, column := range s.table.Columns {
		constant := unitConstant{column: column.Name}
		for _, file := range s.files {
			if value, ok := file.Constants[column.ID]; ok {
				constant.values = append(constant.values, value)
			}
		}
		if len(constant.values) == len(s.files) {
			found = append(found, constant)
		}
	}
	return found
}

// UnitSQL are values of the unit columns as constants of hyperd, and whether all have one.
func (t *TablePlan) UnitSQL(values []*string) (sql []string, ok bool) {
	if len(values) != len(t.UnitColumns) {
		return nil, false
	}
	for i, column := range t.UnitColumns {
		field, _ := t.Read.Schema.FieldsByName(column.Source)
		constant, ok := parquetread.PartitionSQL(field[0], values[i])
		if !ok {
			return nil, false
		}
		sql = append(sql, constant)
	}
	return sql, true
}

// SplitName is the name of the extract that all rows of a unit go to, whose values these are. It is only there for a table that is
// split by a unit column: see [TablePlan.SplitsUnits].
func (t *TablePlan) SplitName(values []*string) (string, error) {
	at := t.splitColumn()
	if at < 0 || len(values) != len(t.UnitColumns) {
		return "", fmt.Errorf("%d values do not tell the extract of a unit of table %s", len(values), t.Table)
	}
	field, _ := t.Read.Schema.FieldsByName(t.UnitColumns[at].Source)
	value, err := parquetread.PartitionValue(field[0], values[at])
	if err != nil {
		return "", err
	}
	return repartition.NameOf(field[0], value, 0)
}

// SplitsUnits says whether there is an extract for each value of a unit column, so that each unit is in one of them.
func (t *TablePlan) SplitsUnits() bool { return t.splitColumn() >= 0 }

// splitColumn is which unit column the table is split by; -1 if none.
func (t *TablePlan) splitColumn() int {
	if t.Repartition == nil {
		return -1
	}
	return slices.IndexFunc(t.UnitColumns, func(c UnitColumn) bool { return c.Source == t.Repartition.SplitBy })
}

// UnitOf is the key of the unit of a file.
func (t *TablePlan) UnitOf(file PlannedFile) string {
	if len(t.UnitColumns) == 0 {
		return file.Info.URI
	}
	parts := make([]string, len(t.UnitColumns))
	for i, column := range t.UnitColumns {
		parts[i] = column.Source + "=" + file.sql[i]
	}
	return strings.Join(parts, ", ")
}

// Units are the units of the files that are read, sorted by key. They are only known where a run makes anew what changed.
func (t *TablePlan) Units() []Unit { return t.units }

// findUnits finds the units of the files that are read.
func (t *TablePlan) findUnits() []Unit {
	units, sums := map[string]*Unit{}, map[string]hash.Hash{}
	for _, file := range t.ToRead {
		if len(file.Groups) == 0 {
			continue
		}
		key := t.UnitOf(file)
		unit := units[key]
		if unit == nil {
			unit = &Unit{Key: key, Values: file.values}
			units[key], sums[key] = unit, sha256.New()
		}
		unit.Files++
		for _, group := range file.Groups {
			unit.Rows += group.Rows
			unit.Bytes += group.Bytes
		}
		_, _ = fmt.Fprintln(sums[key], file.version()) // never fails
	}
	sorted := make([]Unit, 0, len(units))
	for _, key := range slices.Sorted(maps.Keys(units)) {
		units[key].Version = hex.EncodeToString(sums[key].Sum(nil)[:16])
		sorted = append(sorted, *units[key])
	}
	return sorted
}

// version stands for a file, the rows that are deleted of it, and what the conditions on partition columns say of it: a
// file of a table format never changes, any other has the version that the storage says.
func (f PlannedFile) version() string {
	known := struct {
		URI                 string
		Info                *storage.Info `json:",omitempty"`
		Deletes             string
		Positions, Equality []string
		Answers             string `json:",omitempty"`
	}{URI: f.Info.URI, Answers: f.answers.text}
	if f.Table.URI == "" {
		known.Info = &f.Info
	}
	if f.Table.Deletes != nil {
		known.Deletes = f.Table.Deletes.ID
	}
	for _, deletes := range f.Table.PositionDeletes {
		known.Positions = append(known.Positions, deletes.URI)
	}
	for _, deletes := range f.Table.EqualityDeletes {
		known.Equality = append(known.Equality, deletes.URI)
	}
	text, err := json.Marshal(known)
	if err != nil { // of texts and numbers, never
		return fmt.Sprintf("%+v", known)
	}
	return string(text)
}

// Making is what decides what becomes of the rows of a unit, as long as the unit is the same: the rules, and the conditions whose
// answers are not in the versions of units. The date is only there if it matters to them, and not at all
// where that is to be undated.
func (t *TablePlan) Making(undated bool) validate.Ruleset {
	rules := t.Apply
	rules.SQL = nil // which of them evaluates the rules changes nothing
	var open []condition
	usesToday := t.rulesUseToday
	for _, c := range t.conditions {
		if len(t.UnitColumns) == 0 || !c.isFixed {
			if undated {
				c.text = c.undated
			}
			open = append(open, c)
			usesToday = usesToday || c.program.UsesToday()
		}
	}
	switch {
	case len(open) > 0:
		rules.Where = allOf(open)
	case len(t.conditions) > 0:
		rules.Where = alwaysTrue // it has a rule of its own: that it can be evaluated
	}
	if !usesToday || undated {
		rules.Today = time.Time{}
	}
	return rules
}

// Only is the part of a plan that reads some units of its tables, and counts the rows of each. Its figures are of them alone.
func (p *Plan) Only(isWanted func(table int, unit string) bool) *Plan {
	part := *p
	part.Tables = nil
	for i, table := range p.Tables {
		some := *table
		some.Files, some.RowGroups, some.Rows, some.Bytes, some.Pruned, some.RowsDeleted = 0, 0, 0, 0, Pruned{}, 0
		some.ToRead, some.Deferred = nil, 0
		some.units = slices.DeleteFunc(slices.Clone(table.units), func(u Unit) bool { return !isWanted(i, u.Key) })
		for _, file := range table.ToRead {
			if isWanted(i, table.UnitOf(file)) {
				some.take(file)
			}
		}
		some.DeleteFiles = deleteFilesOf(some.ToRead)
		part.Tables = append(part.Tables, &some)
	}
	part.Shards = len(part.Cut(nil))
	return &part
}

// take adds a planned file to a part of its plan.
func (t *TablePlan) take(file PlannedFile) {
	t.ToRead = append(t.ToRead, file)
	t.Files++
	for _, group := range file.Groups {
		t.RowGroups++
		t.Rows += group.Rows
		t.Bytes += group.Bytes
	}
	if file.deferred {
		t.Deferred++
	}
	if deletes := file.Table.Deletes; deletes != nil && len(file.Groups) > 0 {
		t.RowsDeleted += deletes.Cardinality
	}
}
