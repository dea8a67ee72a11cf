package config

import (
	"fmt"

	"hyperlake/internal/words"
)

// MergeChoice says whether the partials of a run become one extract.
type MergeChoice string

// What becomes of partials.
const (
	MergeAuto MergeChoice = ""     // one extract
	MergeNone MergeChoice = "none" // each is an extract of its own
)

// UnmarshalText reads the word as a configuration gives it.
func (m *MergeChoice) UnmarshalText(text []byte) error {
	switch string(text) {
	case "auto":
		*m = MergeAuto
	case string(MergeNone):
		*m = MergeNone
	default:
		return &words.UnknownError{Known: []string{"auto", string(MergeNone)}, Word: string(text)}
	}
	return nil
}

// checkMerge refuses what needs one extract where there will be several.
func (c *Config) checkMerge() error {
	if c.Output.Merge != MergeNone || !c.IsSound("output.merge") {
		return nil
	}
	for i, table := range c.Tables {
		at := fmt.Sprintf("tables[%d].", i)
		r := table.Repartition
		switch {
		case !c.IsSound(at+"checks", at+"repartition"):
			continue
		case len(table.Checks) > 0:
			return c.Problem(at+"checks", "%schecks look at a whole table, but with output.merge: none no file holds one; "+
				"remove the checks, or merge", at)
		case r.SplitBy != "":
			return c.Problem(at+"repartition.split_by", "%srepartition.split_by makes an extract for each value, "+
				"and output.merge: none one for each partial; keep one of them", at)
		case len(r.Sort) > 0 && len(r.ways()) == 0 && r.Shards == nil:
			return c.Problem(at+"repartition.sort", "%srepartition.sort alone sorts when partials are merged, which output.merge: none leaves out; "+
				"add range, with the same column, for files that follow one another, or shards for files that are each sorted", at)
		}
	}
	return c.checkMergePublish()
}

// checkMergePublish refuses what cannot be published in several requests.
func (c *Config) checkMergePublish() error {
	p := c.Publish
	switch {
	case p == nil || !c.IsSound("publish"):
		return nil
	case len(c.Tables) > 1:
		return c.Problem("output.merge", "with output.merge: none, publish sends the first file and appends the others, "+
			"and rows can be appended to one table only; give the other tables a configuration of their own, or merge")
	case !p.Mode.Renews():
		return c.Problem("publish.mode", "mode %s cannot send several files, which output.merge: none makes; "+
			"use create, overwrite or replace, or merge", p.Mode)
	case p.IfChanged:
		return c.Problem("publish.if_changed", "publish.if_changed compares whole extracts, "+
			"but output.merge: none makes several files; remove it, or merge")
	}
	return nil
}
