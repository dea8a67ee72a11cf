package refresh

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// builder changes with what this program makes of the same rows under the same configuration.
const builder = 1

// fingerprint stands for all that decides what becomes of the rows of a table's files: the configuration but for where the
// files are and where others go, the columns as they were found, and the rules. If it is undated, what today() is does not matter.
func (n Now) fingerprint(index int, undated bool) (string, error) {
	table, cfg := n.Plan.Tables[index], n.Config.Tables[index]
	cfg.Source.URI, cfg.Source.Bases, cfg.Source.Version, cfg.Source.Catalog = nil, nil, "", nil
	cfg.Datasource = ""
	hasRejects := cfg.Rejects.Path != ""
	cfg.Rejects.Path = ""
	cfg.Source.Where = "" // as far as it matters, the rules have it
	rules := table.Making(undated)
	read := table.Read
	read.Keys = nil // what deletes rows of files is in the versions of these
	all := struct {
		Builder   int
		Config    config.TableConfig
		OnEmpty   config.OnEmpty
		Rejects   bool
		LogValues bool
		Table     hyper.Table
		Read      parquetread.Projection
		Apply     validate.Ruleset
		Units     []plan.UnitColumn
	}{
		builder, cfg, n.Config.OnEmpty, hasRejects, n.LogValues,
		table.Table, read, rules, table.UnitColumns,
	}
	return digest(table.Table, all)
}

// definition stands for the columns and keys of a table in the extract.
func definition(table hyper.Table) (string, error) { return digest(table, table) }

// digest stands for something about a table.
func digest(table hyper.Table, about any) (string, error) {
	text, err := json.Marshal(about)
	if err != nil {
		return "", fmt.Errorf("describe the table %s: %w", table, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
