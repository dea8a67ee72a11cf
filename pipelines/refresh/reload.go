package refresh

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/transforms/parquetread"
)

// Reloads are the keys of the units of each table, sorted, that are to be loaded whether they changed or not. Errors, of kind Usage, are
// an expression that no table has the unit columns for, and one that has no value for a unit.
func (n Now) Reloads() ([][]string, error) {
	keys := make([][]string, len(n.Plan.Tables))
	if n.Reload == "" {
		return keys, nil
	}
	var refused error
	isAsked := false
	for i, table := range n.Plan.Tables {
		if len(table.UnitColumns) == 0 {
			continue
		}
		program, err := expr.Compile(n.Reload, arrow.NewSchema(unitFields(table), nil), n.Config.Date)
		if err != nil { // it may be meant for another table
			if refused == nil {
				refused = failure.Of(err, failure.Usage)
			}
			continue
		}
		isAsked = true
		if keys[i], err = reloads(program, table); err != nil {
			return nil, err
		}
	}
	switch {
	case isAsked:
		return keys, nil
	case refused != nil:
		of := failure.Of(refused, failure.Usage)
		return nil, failure.New(failure.Usage, "--reload: %w", refused).
			WithHint("%s; only columns that tell units apart can be asked for", of.Hint)
	}
	return nil, failure.New(failure.Usage, "--reload: no table has columns that tell its units apart").
		WithHint("leave it out; set refresh.mode to full to have everything made anew")
}

// unitFields are the unit columns of a table, as the lake has them.
func unitFields(table *plan.TablePlan) []arrow.Field {
	var fields []arrow.Field
	for _, column := range table.UnitColumns {
		found, _ := table.Read.Schema.FieldsByName(column.Source)
		fields = append(fields, found[0])
	}
	return fields
}

// reloads are the keys of the units of a table for which a condition is true.
func reloads(program *expr.Program, table *plan.TablePlan) ([]string, error) {
	fields := unitFields(table)
	var keys []string
	for _, unit := range table.Units() {
		var columns []arrow.Array
		for i, field := range fields {
			value, err := parquetread.PartitionValue(field, unit.Values[i])
			if err != nil {
				return nil, err
			}
			columns = append(columns, value)
		}
		truth, err := program.Eval(array.NewRecord(arrow.NewSchema(fields, nil), columns, 1))
		if err != nil {
			return nil, err
		}
		switch {
		case len(truth.Failed) > 0 && truth.Failed[0]&1 != 0:
			return nil, failure.New(failure.Usage, "--reload: it has no value for the unit %s of table %s", unit.Key, table.Table).
				WithHint("write a condition that can be evaluated for every unit")
		case len(truth.True) > 0 && truth.True[0]&1 != 0:
			keys = append(keys, unit.Key)
		}
	}
	return keys, nil
}

// reload has units loaded, too, that did not change.
func (d *TableDecision) reload(keys []string, before []UnitState) {
	for _, key := range keys {
		at, isLoaded := slices.BinarySearch(d.Load, key)
		if isLoaded {
			continue
		}
		d.Load = slices.Insert(d.Load, at, key)
		for _, unit := range before {
			if unit.Key == key {
				d.Remove = append(d.Remove, unit)
			}
		}
	}
}

// CheckReload refuses an expression where it has no meaning, since every run makes everything. The error is of kind Usage.
func CheckReload(cfg *config.Config, reload string) error {
	if reload == "" || cfg.Refresh.IsChanged() {
		return nil
	}
	return failure.New(failure.Usage, "--reload has no meaning with refresh.mode: full, where every run makes everything anyway").
		WithHint("leave it out, or set refresh.mode to changed")
}
