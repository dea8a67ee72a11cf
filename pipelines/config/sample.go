package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// Sample is the part of a configuration that is run to try it.
type Sample struct {
	Tables []string // their names, or SCHEMA.NAME; none for all
	Limit  int64    // of the rows of each table that are read; 0 for none
}

// IsNone says that everything is run.
func (s Sample) IsNone() bool { return len(s.Tables) == 0 && s.Limit == 0 }

// String says what is run, in words.
func (s Sample) String() string {
	text := "this is a sample, which is not published:"
	if len(s.Tables) > 0 {
		text += " of the tables " + strings.Join(s.Tables, ", ")
	}
	if s.Limit > 0 {
		text += " of at most " + words.Count(s.Limit, "row") + " of each table, and what checks and thresholds say of so few is a warning"
	}
	return text
}

// sampleMark is in the names of what a sample makes, before the ending.
const sampleMark = ".sample"

// TakeSample makes the configuration one of a part of its tables or rows, which leaves alone what whole runs make and know: the extract
// is NAME.sample.hyper beside theirs, the rejects are in a folder NAME.sample, the state is beside that extract, everything is made
// anew, nothing is published, and nobody is told. Of some rows, broken checks and thresholds are warnings. A table that there is not is a
// failure of kind Usage.
func (c *Config) TakeSample(sample Sample) error {
	if sample.IsNone() {
		return nil
	}
	if c.IngestsOnly() {
		return failure.New(failure.Usage, "--table and --limit try tables, and the configuration has none").
			WithHint("leave them out; `hyperlake ingest --only NAME` brings in one entry alone")
	}
	if err := c.keepTables(sample.Tables); err != nil {
		return err
	}
	c.Sample, c.Publish, c.Notify, c.Metrics, c.State, c.Refresh.Mode = sample, nil, nil, MetricsConfig{}, "", RefreshFull
	extension := filepath.Ext(c.Output.Path)
	c.Output.Path = strings.TrimSuffix(c.Output.Path, extension) + sampleMark + extension
	for i := range c.Tables {
		table := &c.Tables[i]
		if table.Rejects.Path != "" {
			table.Rejects.Path = strings.TrimRight(filepath.ToSlash(table.Rejects.Path), "/") + sampleMark
		}
		if sample.Limit > 0 {
			table.Rejects.OnFail = OnFailWarn
			for j := range table.Checks {
				table.Checks[j].OnFail = OnFailWarn
			}
		}
	}
	return nil
}

// keepTables keeps the tables of some names, and of their keys those between them; none stands for all.
func (c *Config) keepTables(names []string) error {
	if len(names) == 0 {
		return nil
	}
	var known []string
	for _, table := range c.Tables {
		known = append(known, table.Name)
	}
	for _, name := range names {
		if slices.ContainsFunc(c.Tables, func(table TableConfig) bool { return table.isCalled(name) }) {
			continue
		}
		problem := failure.New(failure.Usage, "--table %s: the configuration has no such table; it has %s", name, strings.Join(known, ", "))
		if near, ok := words.Nearest(name, known); ok {
			return problem.WithHint("did you mean %s?", near)
		}
		return problem
	}
	isKept := func(table TableConfig) bool { return slices.ContainsFunc(names, table.isCalled) }
	var kept []TableConfig
	places := map[string]strictyaml.Place{}
	for i, table := range c.Tables {
		from, to := fmt.Sprintf("tables[%d]", i), fmt.Sprintf("tables[%d]", len(kept))
		if !isKept(table) {
			continue
		}
		for key, at := range c.places {
			if rest, ok := strings.CutPrefix(key, from); ok {
				places[to+rest] = at
			}
		}
		table.ForeignKeys = slices.DeleteFunc(slices.Clone(table.ForeignKeys), func(key ForeignKeyConfig) bool {
			return !slices.ContainsFunc(c.Tables, func(other TableConfig) bool { return isKept(other) && other.isCalled(key.References) })
		})
		kept = append(kept, table)
	}
	for key, at := range c.places {
		if !strings.HasPrefix(key, "tables[") {
			places[key] = at
		}
	}
	if c.places != nil {
		c.places = places
	}
	c.Tables = kept
	return nil
}

// isCalled says whether a name is that of the table, with or without its schema.
func (t TableConfig) isCalled(name string) bool {
	return name == t.Name || name == t.Schema+"."+t.Name
}
