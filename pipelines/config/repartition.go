package config

import (
	"fmt"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/transforms/repartition"
)

// RepartitionConfig says to which shards or files the rows of a table are moved, and in
// which order they stand in the extract. Columns are named as rules name them. The zero
// value leaves rows where they are.
type RepartitionConfig struct {
	// By names columns: rows that are equal in all of them go to one shard.
	By []string `yaml:"by"`

	// Range is a column with whose values shards ascend.
	Range string `yaml:"range"`

	// SplitBy is a column for each of whose values there is an extract of its own.
	SplitBy string `yaml:"split_by"`

	// Shards is how many shards there are, from 1 to 10,000. Required with By; with Range
	// the default is a few for each worker. On its own, rows are dealt out evenly.
	Shards *int `yaml:"shards"`

	// Sort names columns by which rows are sorted: the whole table, or with By and Shards
	// each shard on its own, or with SplitBy each extract. With Range it begins with that column.
	Sort []string `yaml:"sort"`
}

// checkRepartition checks what needs no schema; the rest is checked when the plan is made.
func (c *Config) checkRepartition(key string, index int) error {
	if !c.Written(key) || !c.IsSound(key) {
		return nil
	}
	r := c.Tables[index].Repartition
	if err := c.checkRepartitionColumns(key, r); err != nil {
		return err
	}
	ways := r.ways()
	shards := key + ".shards"
	switch {
	case len(ways) == 0 && r.Shards == nil && len(r.Sort) == 0:
		return c.Problem(key, "%s is empty; give it by, range, split_by, shards or sort, or remove it", key)
	case len(ways) > 1:
		return c.Problem(key, "%s has %s and %s, which exclude each other; keep one of them", key, ways[0], ways[1])
	case r.SplitBy != "" && r.Shards != nil:
		return c.Problem(shards, "%s has no meaning with split_by, which makes an extract for each value; remove it", shards)
	case r.Shards != nil && (*r.Shards < 1 || *r.Shards > repartition.MaxTargets):
		return c.Problem(shards, "%s must be from 1 to %d, not %d", shards, repartition.MaxTargets, *r.Shards)
	case len(r.By) > 0 && r.Shards == nil:
		return c.Problem(key, "%s.by needs shards, the number of shards to make; add it, as in shards: 8", key)
	case r.Range != "" && len(r.Sort) > 0 && r.Sort[0] != r.Range:
		return c.Problem(key+".sort[0]", "%s.sort begins with %s, but the range is that of %s; begin with the same column, or leave range out",
			key, words.Shorten(r.Sort[0]), words.Shorten(r.Range))
	case r.SplitBy != "" && len(c.Tables) > 1:
		return c.Problem(key+".split_by", "%s.split_by makes an extract for each value, which can hold no other table; "+
			"give the other tables a configuration of their own", key)
	}
	return c.checkSplitChecks(key, index)
}

// ways are the keys that say where rows go.
func (r RepartitionConfig) ways() []string {
	var ways []string
	if len(r.By) > 0 {
		ways = append(ways, "by")
	}
	if r.Range != "" {
		ways = append(ways, "range")
	}
	if r.SplitBy != "" {
		ways = append(ways, "split_by")
	}
	return ways
}

// checkRepartitionColumns refuses names that are empty or given twice.
func (c *Config) checkRepartitionColumns(key string, r RepartitionConfig) error {
	var wrong []error
	for _, one := range []struct{ key, name string }{{key + ".range", r.Range}, {key + ".split_by", r.SplitBy}} {
		if c.Written(one.key) && one.name == "" {
			wrong = append(wrong, c.Problem(one.key, "%s is empty; give the name of a column, or remove the key", one.key))
		}
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{key + ".by", r.By}, {key + ".sort", r.Sort}} {
		if c.Written(list.key) && len(list.names) == 0 {
			wrong = append(wrong, c.Problem(list.key, "%s is an empty list; name columns, or remove the key", list.key))
		}
		wrong = append(wrong, c.checkNames(list.key, list.names))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkSplitChecks refuses checks that compare with the one file at the output path, or with earlier ones.
func (c *Config) checkSplitChecks(key string, index int) error {
	table := c.Tables[index]
	for i, check := range table.Checks {
		at := fmt.Sprintf("tables[%d].checks[%d].", index, i)
		switch {
		case table.Repartition.SplitBy == "":
			continue
		case check.ComparePrevious != nil:
			at += "compare_previous"
		case check.RowCount != nil && check.RowCount.VsHistory != nil:
			at += "row_count.vs_history"
		default:
			continue
		}
		return c.Problem(at, "%s cannot be held against several extracts; remove it, or %s.split_by", at, key)
	}
	return nil
}
