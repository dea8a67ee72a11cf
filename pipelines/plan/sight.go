package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/validate"
)

// Sight is what there is to read for a configuration, before any file of it is opened: which files there are, and what
// table formats say of theirs.
type Sight struct {
	tables []tableSight
	wrong  error // with the configuration, whatever is there
}

// tableSight is what there is to read for one table.
type tableSight struct {
	loose *Listing        // nil for a table of a table format
	table *Source         // but for its files; nil for loose ones
	rules []validate.Rule // with the values of their files
	wrong error
}

// See looks at what there is to read for a configuration. What is wrong with it is told by [Sight.Plan], which uses it up.
func See(ctx context.Context, cfg *config.Config) *Sight {
	if err := checkApart(cfg); err != nil {
		return &Sight{wrong: err}
	}
	s := &Sight{tables: make([]tableSight, len(cfg.Tables))}
	for i, table := range cfg.Tables {
		s.tables[i].wrong = s.tables[i].see(ctx, table)
	}
	return s
}

func (s *tableSight) see(ctx context.Context, cfg config.TableConfig) error {
	found, err := findTable(ctx, cfg.Source)
	switch {
	case err != nil:
	case found != nil:
		s.table, err = openTable(ctx, cfg.Source, *found)
	default:
		s.loose, err = ListFiles(ctx, cfg.Source)
	}
	if err != nil {
		return err
	}
	if s.rules, err = validate.ReadSets(ctx, cfg.Rules); err != nil || cfg.Rejects.Path == "" {
		return err
	}
	return checkRejectsPlace(ctx, cfg.Rejects.Path)
}

// Digest stands for all that was seen: as long as it is the same, so is the plan of the same configuration on the same date. It is
// empty where something is wrong.
func (s *Sight) Digest() string {
	if s.wrong != nil {
		return ""
	}
	sum := sha256.New()
	for _, table := range s.tables {
		if table.wrong != nil || table.encode(json.NewEncoder(sum)) != nil { // there are times that JSON has no form for
			return ""
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// encode writes what was seen of a table.
func (s *tableSight) encode(to *json.Encoder) error {
	type file struct {
		storage.Info
		Below string
	}
	type alias struct {
		file
		As     file
		Linked bool
	}
	seen := struct {
		Rules    []validate.Rule
		Files    []file
		LeftOut  []alias
		Tables   []lake.Table
		Format   lake.Format
		Folder   string
		Version  string
		Metadata []storage.Info
	}{Rules: s.rules}
	if s.loose == nil {
		is := s.table.table
		seen.Format, seen.Folder, seen.Version, seen.Metadata = is.Format, is.Folder, is.Version, is.Metadata
		return to.Encode(seen)
	}
	for _, f := range s.loose.Files {
		seen.Files = append(seen.Files, file{f.Info, f.below})
	}
	for _, other := range s.loose.leftOut {
		seen.LeftOut = append(seen.LeftOut, alias{file{other.Info, other.below}, file{other.as.Info, other.as.below}, other.linked})
	}
	seen.Tables = s.loose.tables
	return to.Encode(seen)
}
