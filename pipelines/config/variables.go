package config

import (
	"maps"
	"slices"
)

// Variables are the names of the variables of the environment that a configuration has values taken from at the time of the run, each once,
// sorted: addresses, tokens, headers, and what programs get that a run starts. The credentials of Tableau and of object storage, which
// have names of their own, are not among them.
func (c *Config) Variables() []string {
	found := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			found[name] = name != ""
		}
	}
	for _, table := range c.Tables {
		if table.Source.Catalog != nil {
			add(table.Source.Catalog.TokenEnv)
		}
	}
	for _, entry := range c.Ingest {
		switch {
		case entry.Postgres != nil:
			add(entry.Postgres.URLEnv)
		case entry.HTTP != nil:
			add(slices.Collect(maps.Values(entry.HTTP.HeaderEnv))...)
		case entry.Command != nil:
			add(entry.Command.Environment...)
		}
	}
	for _, target := range c.Notify {
		add(target.URLEnv, target.PingEnv)
		add(target.Environment...)
	}
	maps.DeleteFunc(found, func(_ string, isName bool) bool { return !isName })
	return slices.Sorted(maps.Keys(found))
}
