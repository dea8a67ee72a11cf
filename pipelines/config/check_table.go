package config

import (
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// checkRejects checks where rejects go and how many there may be.
func (c *Config) checkRejects(key string, index int) error {
	rejects := c.Tables[index].Rejects
	path := key + ".path"
	wrong := []error{c.CheckWritten(path, rejects.Path)}
	if c.Written(path) && rejects.Path == "" {
		wrong = append(wrong, c.Problem(path, "%s is empty; give it a folder, or leave the key out to count rejects only", path))
	}
	for i, other := range c.Tables[:index] {
		if rejects.Path != "" && rejects.Path == other.Rejects.Path {
			wrong = append(wrong, c.Problem(path, "%s is that of tables[%d], too; every table needs a folder of its own", path, i))
			break
		}
	}
	return failure.Join(failure.Config, append(wrong, c.checkRejectLimits(key, rejects))...)
}

// checkRejectLimits checks how many rejects there may be.
func (c *Config) checkRejectLimits(key string, rejects RejectsConfig) error {
	var wrong []error
	if rejects.MaxRows != nil && *rejects.MaxRows < 0 {
		wrong = append(wrong, c.Problem(key+".max_rows", "%s.max_rows is negative; 0 allows no rejects", key))
	}
	if rejects.MaxRatio != nil && *rejects.MaxRatio > 1 {
		wrong = append(wrong, c.Problem(key+".max_ratio", "%s.max_ratio is a part of all rows, at most 1; write 0.01 for 1 %%", key))
	}
	if rejects.OnFail != "" && rejects.MaxRows == nil && rejects.MaxRatio == nil && c.IsSound(key) {
		wrong = append(wrong, c.Problem(key+".on_fail",
			"%s.on_fail is about max_rows and max_ratio, of which there is none; give it one, or remove it", key))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkChecks checks what needs no schema; the rest is checked when the plan is made.
func (c *Config) checkChecks(key string, checks []CheckConfig) error {
	var wrong []error
	for i, check := range checks {
		at := fmt.Sprintf("%s[%d]", key, i)
		kinds := check.kinds()
		if len(kinds) != 1 {
			wrong = append(wrong, c.Problem(at,
				"%s is %s; a check is one of sql, unique, row_count, foreign_keys: true, freshness and compare_previous",
				at, joinOr(kinds, "none of the kinds of checks")))
			continue
		}
		wrong = append(wrong, c.checkKind(at, check))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkForeignKeys checks what needs no columns: that there are as many on both sides, of one table.
func (c *Config) checkForeignKeys() error {
	var wrong []error
	for i, table := range c.Tables {
		for j, key := range table.ForeignKeys {
			at := fmt.Sprintf("tables[%d].foreign_keys[%d]", i, j)
			if !c.IsSound(at) {
				continue
			}
			if len(key.Columns) == 0 || len(key.Columns) != len(key.To) {
				wrong = append(wrong, strictyaml.KeyProblem(c.Place(at), at, "%s has %d columns, but refers to %d", at, len(key.Columns), len(key.To)).
					WithHint("name as many columns under to as under columns"))
			}
			wrong = append(wrong, c.checkReference(at+".references", key.References))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkReference checks which table a foreign key refers to.
func (c *Config) checkReference(key, name string) error {
	for i := range c.Tables {
		if at := fmt.Sprintf("tables[%d].", i); !c.IsSound(at+"name", at+"schema") {
			return nil
		}
	}
	_, err := c.TableNamed(key, name)
	return err
}

// TableNamed is the index of the table that the value of a key refers to: by NAME, if no other has it, or by SCHEMA.NAME. If there is
// not one such table, it fails as [Config.Problem] does.
func (c *Config) TableNamed(key, name string) (index int, err error) {
	var found []int
	var names []string
	for i, table := range c.Tables {
		if name == table.Name || name == table.Schema+"."+table.Name {
			found = append(found, i)
		}
		names = append(names, table.Name)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	e := strictyaml.KeyProblem(c.Place(key), key, "%s: %d tables of this extract are named %q", key, len(found), name)
	if near, ok := words.Nearest(name, names); ok && len(found) == 0 {
		return 0, e.WithHint("did you mean %q?", near)
	}
	return 0, e.WithHint("write SCHEMA.NAME of a table in this configuration")
}

// kinds are the kinds that a check is written as.
func (check CheckConfig) kinds() []string {
	var kinds []string
	for kind, is := range map[string]bool{
		"sql": strings.TrimSpace(check.SQL) != "", "unique": len(check.Unique) > 0, "row_count": check.RowCount != nil,
		"foreign_keys": check.ForeignKeys, "freshness": check.Freshness != nil, "compare_previous": check.ComparePrevious != nil,
	} {
		if is {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func joinOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, " and ")
}

func (c *Config) checkKind(at string, check CheckConfig) error {
	switch {
	case check.SQL != "":
		if err := hyperd.CheckQuery(check.SQL, false); err != nil {
			return strictyaml.KeyProblem(c.Place(at+".sql"), at+".sql", "%s.sql: %v", at, err).
				WithHint("write one query of the extract alone, whose one value is true where all is well")
		}
		return nil
	case check.RowCount != nil:
		return c.checkRowCount(at+".row_count", *check.RowCount)
	case check.Freshness != nil && check.Freshness.Column == "":
		return c.Problem(at+".freshness", "%s.freshness has no column; name a column of dates or timestamps", at)
	case check.Freshness != nil && check.Freshness.MaxAge.IsZero():
		return c.Problem(at+".freshness", "%s.freshness has no max_age; give it one, such as 36h or 7d", at)
	case check.ComparePrevious != nil && !c.Written(at+".compare_previous.max_change"):
		return c.Problem(at+".compare_previous", "%s.compare_previous has no max_change; give it one, such as 0.3", at)
	}
	return nil
}

// maxHistory is with how many runs a number can be compared: more are never kept.
const maxHistory = 1000

func (c *Config) checkRowCount(at string, bounds RowCountCheck) error {
	switch {
	case bounds.Min == nil && bounds.Max == nil && bounds.VsHistory == nil && bounds.MaxDeviation == nil:
		return c.Problem(at, "%s has no bound; give it min, max or vs_history", at)
	case bounds.Min != nil && bounds.Max != nil && *bounds.Min > *bounds.Max:
		return c.Problem(at, "%s: no number is at least %d and at most %d", at, *bounds.Min, *bounds.Max)
	case bounds.VsHistory != nil && (*bounds.VsHistory < 1 || *bounds.VsHistory > maxHistory):
		return c.Problem(at+".vs_history", "%s.vs_history is a number of runs, from 1 to %d", at, maxHistory)
	case bounds.VsHistory != nil && (bounds.MaxDeviation == nil || *bounds.MaxDeviation == 0):
		return c.Problem(at, "%s.vs_history needs max_deviation, a number above 0; give it one, such as 4", at)
	case bounds.VsHistory == nil && bounds.MaxDeviation != nil:
		return c.Problem(at, "%s.max_deviation is about vs_history; give that a number of runs, such as 14", at)
	}
	return nil
}
