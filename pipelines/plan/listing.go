package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// SourceFile is a file of a table, and its path below the part that no user wrote.
type SourceFile struct {
	storage.Info
	below string
}

// Listing is the files of a source.
type Listing struct {
	Files   []SourceFile
	leftOut []otherName
	tables  []lake.Table // that the files belong to, which are read as loose ones all the same
}

// otherName is a file that is read under another name.
type otherName struct {
	SourceFile
	as     SourceFile
	linked bool // symbolic links lead to it, but not to the other one; else neither is the first
}

// ListFiles expands the globs of a source. A file that several of them match, or that links
// give several names, counts once. Files of a table that no format is given for are refused,
// and so is what is no file of Parquet for sure: with a failure of kind Source, as where they cannot
// be listed. No files are no error.
func ListFiles(ctx context.Context, source config.SourceConfig) (*Listing, error) {
	found, err := findFiles(ctx, source)
	if err != nil {
		return nil, err
	}
	return found, found.settle(ctx, source.Format)
}

// settle refuses what cannot be read, and leaves each file one name.
func (l *Listing) settle(ctx context.Context, format config.SourceFormat) error {
	if len(l.tables) > 0 && format != config.FormatParquet {
		return refuseTables(l.tables)
	}
	for _, file := range l.Files {
		if !utf8.ValidString(file.URI) {
			return failure.New(failure.Source, "the path %q is not in UTF-8", file.URI).
				WithHint("rename it, or leave it out of source.uri").BeforeData()
		}
		if file.Size == 0 {
			return failure.New(failure.Source, "file %s: the file is empty (0 bytes)", file.URI).
				WithHint("remove the file, which a writer may have left that did not finish, or leave it out of source.uri").BeforeData()
		}
	}
	l.keepDistinct(ctx)
	return nil
}

// findFiles lists what globs match, each path once, sorted.
func findFiles(ctx context.Context, source config.SourceConfig) (*Listing, error) {
	found := &Listing{}
	paths, folders := map[string]bool{}, map[string]bool{}
	for i, uri := range source.URI {
		files, tables, err := findIn(ctx, uri)
		if err != nil {
			return nil, err
		}
		for _, table := range tables {
			if !folders[table.Folder] {
				folders[table.Folder] = true
				found.tables = append(found.tables, table)
			}
		}
		for _, file := range files {
			if !paths[file.URI] {
				paths[file.URI] = true
				found.Files = append(found.Files, SourceFile{file, below(file.URI, source.Bases[i])})
			}
		}
	}
	slices.SortFunc(found.Files, func(a, b SourceFile) int { return cmp.Compare(a.URI, b.URI) })
	return found, nil
}

// filesBelow are the files that a folder stands for, as a glob in it.
const filesBelow = "**/*.parquet"

// findIn lists what a glob matches; all Parquet files in and below it if it is a folder.
func findIn(ctx context.Context, glob string) ([]storage.Info, []lake.Table, error) {
	store, err := storage.For(glob)
	if err != nil {
		return nil, nil, failure.New(failure.Config, "%w", err)
	}
	if base, rest := storage.SplitGlob(glob); rest == "" {
		if info, err := store.Stat(ctx, strings.TrimRight(base, "/")); err == nil && info.Folder {
			glob = storage.Join(glob, filesBelow)
		}
	}
	files, tables, err := lake.Find(ctx, glob)
	if err != nil {
		return nil, nil, listFailure(err)
	}
	return files, tables, nil
}

// keepDistinct leaves each file one name.
func (l *Listing) keepDistinct(ctx context.Context) {
	byURI := map[string]SourceFile{}
	infos := make([]storage.Info, len(l.Files))
	for i, file := range l.Files {
		byURI[file.URI], infos[i] = file, file.Info
	}
	distinct, aliases := storage.Distinct(infos)
	if len(aliases) == 0 {
		return
	}
	l.Files = nil
	for _, info := range distinct {
		l.Files = append(l.Files, byURI[info.URI])
	}
	for _, alias := range aliases {
		slog.DebugContext(ctx, "left out a file that is another one by a second name", "path", alias.URI, "as", alias.Of.URI)
		l.leftOut = append(l.leftOut, otherName{byURI[alias.URI], byURI[alias.Of.URI], alias.Linked})
	}
}

// maxNamed is how many of several things one message names.
const maxNamed = 3

// notes says for people which files were left out.
func (l *Listing) notes() []string {
	var notes []string
	for _, other := range l.leftOut[:min(len(l.leftOut), maxNamed)] {
		notes = append(notes, fmt.Sprintf("%s is %s by another name, and is read once", other.URI, other.as.URI))
	}
	if more := len(l.leftOut) - len(notes); more > 0 {
		notes = append(notes, fmt.Sprintf("%s by other names as well, which --log-level debug lists", words.Count(int64(more), "more file")))
	}
	return notes
}

// infos describes the files.
func (l *Listing) infos() []storage.Info {
	infos := make([]storage.Info, len(l.Files))
	for i, file := range l.Files {
		infos[i] = file.Info
	}
	return infos
}

// keys are the keys in the names of folders.
func (l *Listing) keys() map[string]bool {
	keys := map[string]bool{}
	for _, file := range l.Files {
		found, _ := hiveKeys(file) // partitionsOf refuses what is wrong with them
		for _, key := range found {
			keys[key.name] = true
		}
	}
	return keys
}

// keepOnly keeps the files that footers, which are in the same order, are of.
func (l *Listing) keepOnly(footers []parquetread.Footer) {
	kept := make([]SourceFile, 0, len(footers))
	for _, file := range l.Files {
		if len(kept) < len(footers) && footers[len(kept)].Info.URI == file.URI {
			kept = append(kept, file)
		}
	}
	l.Files = kept
}

// Warnings says what reading tables as loose files means.
func (l *Listing) Warnings() []string {
	if len(l.tables) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("format: parquet reads all files of %s as they lie there: "+
		"rows that were removed or replaced come back, and rows may be there twice", nameTables(l.tables))}
}

// clashes warns of files whose second name lies in folders that have other values than those
// of the first. Where links make neither name the first, or only the second has values, nobody
// knows which are meant.
func (l *Listing) clashes(mode config.Partitions) ([]string, error) {
	if mode == config.PartitionsNone {
		return nil, nil
	}
	var warnings []string
	for _, other := range l.leftOut {
		theirs, err := hiveKeys(other.SourceFile)
		if err != nil {
			return nil, err
		}
		kept, err := hiveKeys(other.as)
		if err != nil {
			return nil, err
		}
		switch {
		case len(theirs) == 0 || slices.EqualFunc(theirs, kept, hiveKey.equal):
		case other.linked && slices.EqualFunc(theirs, kept, func(a, b hiveKey) bool { return a.name == b.name }):
			warnings = append(warnings, fmt.Sprintf("%s is a link to %s: its rows are read once, "+
				"with the values that the folders of the latter have", other.URI, other.as.URI))
		default:
			return nil, failure.New(failure.Source, "%s and %s are one file, but their folders stand for different values", other.as.URI, other.URI).
				WithHint("copy the file if both are meant, choose one with source.uri, " +
					"or set source.partitions: none to leave such folders alone").BeforeData()
		}
	}
	if more := len(warnings) - maxNamed; more > 0 {
		warnings = append(warnings[:maxNamed], fmt.Sprintf("so are %s, in folders of other values", words.Count(int64(more), "more file")))
	}
	return warnings, nil
}

// refuseTables is the failure of files that are a table only together with what its format
// says about them.
func refuseTables(tables []lake.Table) error {
	const insist = "or insist with source.format: parquet on reading all files as they lie there: removed rows come back"
	is, way := "is a table, not loose files", "set source.uri to "+tables[0].Folder
	if len(tables) > 1 {
		is, way = "are tables, not loose files", "give each an entry of its own in tables, with its folder as source.uri"
	}
	why := ""
	for _, table := range tables {
		if !slices.ContainsFunc(table.Formats, isRead) {
			why, way = fmt.Sprintf(", and %s is not read", table.Formats[0]), "choose with source.uri what is no such table"
		}
	}
	return failure.New(failure.Source, "%s %s: the files also hold rows that were removed or replaced%s", nameTables(tables), is, why).
		WithHint("%s, %s", way, insist).BeforeData()
}

// isRead says whether tables of a format are read.
func isRead(format lake.Format) bool { return formatWords[format] != "" }

// nameTables names some of several tables.
func nameTables(tables []lake.Table) string {
	var names []string
	for _, table := range tables[:min(len(tables), maxNamed)] {
		names = append(names, table.String())
	}
	if more := len(tables) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// noFiles is the failure of globs that match nothing.
func noFiles(ctx context.Context, source config.SourceConfig) error {
	return failure.New(failure.Source, "no files match %s", strings.Join(source.URI, ", ")).
		WithHint("%s", WhyNoFiles(ctx, source.URI, "source.uri")).BeforeData()
}

// WhyNoFiles says what may be wrong with globs that match nothing, and where they stand.
func WhyNoFiles(ctx context.Context, globs []string, place string) string {
	for _, glob := range globs {
		plain := storage.EscapeBrackets(glob)
		store, err := storage.For(glob)
		if err != nil || plain == glob {
			continue
		}
		if found, err := store.Glob(ctx, plain); err == nil && len(found) > 0 {
			return fmt.Sprintf("in a glob, [ ] and { } stand for one of several; to mean the characters themselves, write %s", plain)
		}
	}
	return "check " + place + "; files whose names start with _ or . are not matched"
}

func listFailure(err error) error {
	var known *failure.Error
	if errors.As(err, &known) {
		return err
	}
	return failure.New(failure.Source, "%w", err).WithHint("%s", storage.Hint(err))
}

// below is the part of a file's path below a folder; all of it where it is not below.
func below(uri, folder string) string {
	if path, local := storage.LocalPath(uri); local && folder != "" {
		if rest, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rest) {
			return rest
		}
	}
	return uri
}
