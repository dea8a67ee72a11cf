package plan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

// PathFiles is the Parquet files, or the table, that a path of the command line stands for.
type PathFiles struct {
	Glob string // that a configuration names them by

	// Notes say what was left out, and Warnings what may not be meant.
	Notes, Warnings []string

	found *Listing
	table *lake.Table // nil for loose files
}

// IsTable says whether it is a table of a table format.
func (p *PathFiles) IsTable() bool { return p.table != nil }

// Files are the loose files.
func (p *PathFiles) Files() []storage.Info { return p.found.infos() }

// Source reads what all files say, as a configuration of a table would, of which the uri is that of the path. It fails as
// [ReadSource] does, and where a table cannot be read.
func (p *PathFiles) Source(ctx context.Context, cfg config.TableConfig) (*Source, error) {
	if p.table == nil {
		return ReadSource(ctx, p.found, cfg, nil)
	}
	s, err := openTable(ctx, cfg.Source, *p.table)
	if err != nil {
		return nil, err
	}
	all := func(func(string) expr.Range) bool { return true }
	return s, s.readTable(ctx, nil, all, nil)
}

// FindPath lists the files that a path stands for: those in a folder and below it whose names
// end in .parquet, a file, or a glob; or finds the table that they are. It fails with one of kind Usage where there are
// none, and of kind Source where they are a table that cannot be read, or a part of one.
func FindPath(ctx context.Context, uri string, format config.SourceFormat) (*PathFiles, error) {
	glob, isFolder, err := globOf(ctx, uri)
	if err != nil {
		return nil, err
	}
	source := config.SourceConfig{URI: config.Globs{glob}, Bases: []string{""}, Format: format}
	if table, err := findTable(ctx, source); err != nil {
		return nil, insisting(err)
	} else if table != nil {
		return &PathFiles{Glob: storage.EscapeGlob(table.Folder), table: table}, nil
	}
	if isFolder {
		source.URI[0] = strings.TrimSuffix(glob, "*.parquet") + likeParquet
	}
	found, err := findFiles(ctx, source)
	if err != nil {
		return nil, err
	}
	notes := found.dropOthers(isFolder)
	isRefused := len(found.tables) > 0 && format != config.FormatParquet
	if len(found.Files) == 0 && !isRefused {
		e := failure.New(failure.Usage, "no files match %s", glob).WithHint("%s", WhyNoFiles(ctx, config.Globs{glob}, "the path"))
		if len(notes) > 0 {
			e.Message += "; left out was " + notes[0]
		}
		return nil, e
	}
	if err := found.settle(ctx, format); err != nil {
		if isRefused {
			err = insisting(err)
		}
		return nil, err
	}
	return &PathFiles{Glob: glob, Notes: append(notes, found.notes()...), Warnings: found.Warnings(), found: found}, nil
}

// insisting says how commands that are given a path are told that loose files are meant.
func insisting(err error) error {
	e := failure.Of(err, failure.Source)
	if !strings.Contains(e.Hint, "source.format: parquet") {
		return e
	}
	return e.WithHint("%s; here that is --format parquet", e.Hint)
}

// likeParquet matches the names that Parquet files have with some programs.
const likeParquet = "*.{[pP][aA][rR][qQ]*,[pP][qQ]}"

// globOf is the glob that a path stands for, and whether it is a folder.
func globOf(ctx context.Context, uri string) (glob string, isFolder bool, err error) {
	store, err := storage.For(uri)
	if err != nil {
		return "", false, failure.New(failure.Usage, "%w", err)
	}
	if err := storage.Check(uri); err != nil {
		return "", false, failure.New(failure.Usage, "%w", err)
	}
	info, err := store.Stat(ctx, uri)
	switch {
	case err != nil && !storage.IsLocal(uri) && !errors.Is(err, fs.ErrNotExist):
		return "", false, listFailure(err)
	case err == nil && info.Folder:
		return storage.Join(storage.EscapeGlob(uri), filesBelow), true, nil
	case err == nil:
		return storage.EscapeGlob(uri), false, nil
	case !strings.ContainsAny(uri, "*?[{"):
		return "", false, failure.New(failure.Usage, "there is no file or folder %s", uri).WithHint("check the path")
	case !doublestar.ValidatePattern(uri):
		return "", false, failure.New(failure.Usage, "%s is neither a file nor a valid glob", uri).
			WithHint("%s", config.BracketHint)
	}
	return uri, false, nil
}

// dropOthers leaves out what a folder holds whose name does not end in .parquet, and says so.
func (l *Listing) dropOthers(isFolder bool) []string {
	if !isFolder {
		return nil
	}
	var kept, others []SourceFile
	for _, file := range l.Files {
		if strings.HasSuffix(file.URI, ".parquet") {
			kept = append(kept, file)
		} else {
			others = append(others, file)
		}
	}
	l.Files = kept
	if len(others) == 0 {
		return nil
	}
	which := others[0].URI
	if more := len(others) - 1; more > 0 {
		which += fmt.Sprintf(" and %s", words.Count(int64(more), "more file"))
	}
	return []string{fmt.Sprintf("%s, for the name does not end in .parquet: a glob such as **/*%s takes in such names",
		which, storage.EscapeGlob(path.Ext(others[0].URI)))}
}
