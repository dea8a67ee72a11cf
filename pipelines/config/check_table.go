package config

import (
	"fmt"
	"slices"
	"strings"
)

// checkRejects checks where rejects go and how many there may be.
func (c *Config) checkRejects(key string, index int) error {
	rejects := c.Tables[index].Rejects
	path := key + ".path"
	switch {
	case c.Written(path) && rejects.Path == "":
		return c.Problem(path, "%s is empty; give it a folder, or leave the key out to count rejects only", path)
	case rejects.MaxRows != nil && *rejects.MaxRows < 0:
		return c.Problem(key+".max_rows", "%s.max_rows is negative; 0 allows no rejects", key)
	case rejects.MaxRatio != nil && *rejects.MaxRatio > 1:
		return c.Problem(key+".max_ratio", "%s.max_ratio is a part of all rows, at most 1; write 0.01 for 1 %%", key)
	}
	for i, other := range c.Tables[:index] {
		if rejects.Path != "" && rejects.Path == other.Rejects.Path {
			return c.Problem(path, "%s is that of tables[%d], too; every table needs a folder of its own", path, i)
		}
	}
	return c.CheckPath(path, rejects.Path)
}

// checkChecks checks what needs no schema; the rest is checked when the plan is made.
func (c *Config) checkChecks(key string, checks []CheckConfig) error {
	for i, check := range checks {
		at := fmt.Sprintf("%s[%d]", key, i)
		kinds := check.kinds()
		if len(kinds) != 1 {
			return c.Problem(at, "%s is %s; a check is one of sql, unique, row_count, foreign_keys: true, freshness and compare_previous",
				at, joinOr(kinds, "none of the kinds of checks"))
		}
		if err := c.checkKind(at, check); err != nil {
			return err
		}
	}
	return nil
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
	case check.RowCount != nil && check.RowCount.Min == nil && check.RowCount.Max == nil:
		return c.Problem(at+".row_count", "%s.row_count has no bound; give it min, max or both", at)
	case check.RowCount != nil && check.RowCount.Min != nil && check.RowCount.Max != nil && *check.RowCount.Min > *check.RowCount.Max:
		return c.Problem(at+".row_count", "%s.row_count: no number is at least %d and at most %d", at, *check.RowCount.Min, *check.RowCount.Max)
	case check.Freshness != nil && check.Freshness.Column == "":
		return c.Problem(at+".freshness", "%s.freshness has no column; name a column of dates or timestamps", at)
	case check.Freshness != nil && check.Freshness.MaxAge == 0:
		return c.Problem(at+".freshness", "%s.freshness has no max_age; give it one, such as 36h or 7d", at)
	case check.ComparePrevious != nil && !c.Written(at+".compare_previous.max_change"):
		return c.Problem(at+".compare_previous", "%s.compare_previous has no max_change; give it one, such as 0.3", at)
	}
	return nil
}
