package config

import (
	"errors"
	"fmt"
	"slices"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/transforms/validate"
)

// ComparesPrevious says whether a check is about the extract that stood at the output before.
func (c *Config) ComparesPrevious() bool {
	return c.hasCheck(func(check CheckConfig) bool { return check.ComparePrevious != nil })
}

// HasSQLChecks says whether statements of the configuration itself are executed.
func (c *Config) HasSQLChecks() bool {
	return c.hasCheck(func(check CheckConfig) bool { return check.SQL != "" })
}

func (c *Config) hasCheck(is func(CheckConfig) bool) bool {
	return slices.ContainsFunc(c.Tables, func(table TableConfig) bool { return slices.ContainsFunc(table.Checks, is) })
}

// Partitions says whether folders that are named key=value become columns.
type Partitions string

// What becomes of folders that are named key=value.
const (
	PartitionsAuto Partitions = "auto" // columns, if there are any
	PartitionsHive Partitions = "hive" // columns, and there must be some
	PartitionsNone Partitions = "none" // nothing
)

// UnmarshalText reads the word as a configuration gives it.
func (p *Partitions) UnmarshalText(text []byte) error {
	return words.OneOf(p, text, PartitionsAuto, PartitionsHive, PartitionsNone)
}

// InTable adds to what is wrong with a table which one it is, and where its rule, its where or what is asked for a column
// stands in the configuration. It keeps its kind; an error without one becomes one of kind Engine. Of nil it is nil.
func (c *Config) InTable(index int, err error) error {
	if err == nil {
		return nil
	}
	table, first := c.Tables[index], failure.Of(err, failure.Engine)
	var named []error
	for _, one := range append([]*failure.Error{first}, first.More...) {
		alone := *one
		alone.More = nil
		at := ""
		part, column := (*validate.PartError)(nil), (*convert.ColumnError)(nil)
		switch {
		case c.places == nil:
		case errors.As(one, &part):
			at = c.Place(c.keyOfPart(index, part.Rule)).String() + ": "
		case errors.As(one, &column):
			at = c.Place(fmt.Sprintf("tables[%d].columns.%s", index, column.Source)).String() + ": "
		}
		named = append(named, fmt.Errorf("%stable %s.%s: %w", at, table.Schema, table.Name, &alone))
	}
	return failure.Join(failure.Engine, named...)
}

// keyOfPart is the key of a rule of a table, or of its where; rules beyond those that are written
// are what columns call for.
func (c *Config) keyOfPart(table, rule int) string {
	key := fmt.Sprintf("tables[%d].", table)
	switch {
	case rule < 0:
		return key + "source.where"
	case rule < len(c.Tables[table].Rules):
		key = fmt.Sprintf("%srules[%d]", key, rule)
		if c.Written(key + ".expr") {
			key += ".expr"
		}
		return key
	}
	return key + "columns"
}
