package starter

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

// How the names of files end that are ingested: with what they hold, and of text after it, with how they are compressed.
var (
	csvEndings        = []string{".csv", ".tsv", ".txt"}
	jsonlEndings      = []string{".jsonl", ".ndjson"}
	xlsxEndings       = []string{".xlsx", ".xlsm"}
	compressedEndings = []string{".gz", ".zst"}
)

// endingOf is how the name of a file that is ingested, or a glob of such, ends; empty for any other.
func endingOf(name string) (kind, compressed string) {
	if end := path.Ext(name); slices.Contains(compressedEndings, strings.ToLower(end)) {
		compressed = end
	}
	kind = path.Ext(strings.TrimSuffix(name, compressed))
	switch lower := strings.ToLower(kind); {
	case slices.Contains(csvEndings, lower), slices.Contains(jsonlEndings, lower), slices.Contains(xlsxEndings, lower) && compressed == "":
		return kind, compressed
	}
	return "", ""
}

// IsIngested says whether a path is, by its end, a file that is ingested, a glob of such, or a folder that programs name like one.
func IsIngested(uri string) bool {
	kind, _ := endingOf(filepath.ToSlash(uri))
	return kind != ""
}

// WriteFiles writes a configuration that ingests the files that a path stands for, and makes an extract of them, with comments. How
// they are written, and their types, are found by the beginnings of the files. The paths in it are good for a configuration in folder.
// It fails with one of kind Usage or Config where the path cannot be meant, and of kind Source where the files cannot be read.
func WriteFiles(ctx context.Context, uri, folder string) (string, error) {
	glob, err := filesGlob(ctx, uri)
	if err != nil {
		return "", err
	}
	s := ingestStarter{name: filesName(uri), folder: folder}
	if s.made, err = madeFrom(ctx, glob); err != nil {
		return "", err
	}
	written, err := relativeTo(folder, glob)
	if err != nil {
		return "", err
	}
	kind, _ := endingOf(filepath.ToSlash(uri))
	switch kind = strings.ToLower(kind); {
	case slices.Contains(jsonlEndings, kind):
		s.source = []string{"jsonl:", "  uri: " + config.Scalar(written),
			"  # nested: flatten # a column for each key of objects, instead of JSON as text"}
		return s.text(ctx, ingest.Entry{Infers: true, Sparse: true}, ingest.NewJSONL(ingest.JSONLOptions{URI: []string{glob}}))
	case slices.Contains(xlsxEndings, kind):
		s.source = []string{"xlsx:", "  uri: " + config.Scalar(written),
			"  # sheet: NAME # another than the first that is not hidden", "  header: 1 # the row that names the columns"}
		return s.text(ctx, ingest.Entry{Infers: true}, ingest.NewXLSX(ingest.XLSXOptions{URI: []string{glob}}))
	}
	options, err := ingest.DetectCSV(ctx, glob)
	if err != nil {
		return "", err
	}
	s.source = csvLines(options, written)
	return s.text(ctx, ingest.Entry{Infers: true}, ingest.NewCSV(options))
}

// filesName makes a name of a path of files: of what the names of several begin with, if they begin alike.
func filesName(uri string) string {
	base := path.Base(filepath.ToSlash(uri))
	if at := strings.IndexAny(base, "*?[{"); at >= 0 {
		if alike := strings.Trim(base[:at], "-_. "); alike != "" {
			return nameOf(alike)
		}
	}
	return starterName(uri)
}

// WritePostgres writes a configuration that ingests the rows of a query of PostgreSQL, and makes an extract of them, with comments. The
// address of the server is in the variable of the environment that options name. The query is described, and not run. It
// fails as [ingest.Postgres] does.
func WritePostgres(ctx context.Context, options ingest.PostgresOptions, folder string) (text string, err error) {
	s := ingestStarter{name: nameOf(queriedName(options.Query)), folder: folder, made: "the columns of the query", ownTypes: true}
	s.source = []string{"postgres:"}
	if options.URLEnv != "" {
		s.source = append(s.source, "  url_env: "+config.Scalar(options.URLEnv)+" # the variable of the environment that holds the address")
	}
	s.source = append(s.source, "  query: "+config.Scalar(options.Query),
		"  # split_by: COLUMN # of whole numbers, dates or times, by whose ranges several connections read")
	source := ingest.NewPostgres(options)
	defer func() { _ = source.Close() }() // nothing was read that could be lost
	return s.text(ctx, ingest.Entry{}, source)
}

// queriedTable finds what a query names first behind FROM.
var queriedTable = regexp.MustCompile(`(?i)\bfrom\s+(?:"?\w+"?\.)?"?(\w+)`)

// queriedName is the name of the first table of a query, as far as that can be seen.
func queriedName(query string) string {
	if found := queriedTable.FindStringSubmatch(query); found != nil {
		return found[1]
	}
	return ""
}

// filesGlob is the glob that a path of files stands for. A folder stands for the files in it whose names end as its own does.
func filesGlob(ctx context.Context, uri string) (string, error) {
	store, err := storage.For(uri)
	if err == nil {
		err = storage.Check(uri)
	}
	if err != nil {
		return "", failure.New(failure.Usage, "%w", err)
	}
	info, err := store.Stat(ctx, uri)
	switch {
	case err == nil && info.Folder:
		kind, compressed := endingOf(filepath.ToSlash(uri))
		return storage.Join(storage.EscapeGlob(uri), "*"+kind+compressed), nil
	case err == nil:
		return storage.EscapeGlob(uri), nil
	}
	return uri, nil
}

// madeFrom says how many files there are, and how large they are.
func madeFrom(ctx context.Context, glob string) (string, error) {
	store, err := storage.For(glob)
	if err != nil {
		return "", failure.New(failure.Usage, "%w", err)
	}
	files, err := store.Glob(ctx, glob)
	switch {
	case err != nil:
		return "", failure.New(failure.Source, "list %s: %w", glob, err).WithHint("%s", storage.Hint(err))
	case len(files) == 0:
		return "", failure.New(failure.Usage, "there is no file %s", glob).
			WithHint("check the path; files and folders whose names start with _ or . are not matched")
	}
	var bytes int64
	for _, file := range files {
		bytes += file.Size
	}
	return fmt.Sprintf("the beginnings of %s, %s", words.Count(int64(len(files)), "file"), humanize.Bytes(uint64(bytes))), nil
}

// csvLines are the keys of CSV files.
func csvLines(options ingest.CSVOptions, uri string) []string {
	lines := []string{"csv:", "  uri: " + config.Scalar(uri), "  delimiter: " + config.Scalar(options.Delimiter)}
	if options.Encoding != "" {
		lines = append(lines, "  encoding: "+config.Scalar(options.Encoding)+
			" # a guess: the text is not UTF-8, see that letters with accents are right")
	}
	if options.Header {
		return append(lines, "  header: true # the first line of every file names the columns")
	}
	names := make([]string, len(options.Names))
	for i, name := range options.Names {
		names[i] = config.Scalar(name)
	}
	return append(lines, "  header: false # the first line looks like a row; if it names the columns, remove this and names",
		"  names: ["+strings.Join(names, ", ")+"]")
}

// ingestStarter is a configuration that ingests, in the making.
type ingestStarter struct {
	name     string
	folder   string   // of the configuration
	made     string   // of what, for people
	source   []string // lines that say what is ingested
	ownTypes bool     // the source has types; else they are inferred
}

// text is the configuration. Types are those that a first run of the entry would pin.
func (s *ingestStarter) text(ctx context.Context, entry ingest.Entry, source ingest.Source) (string, error) {
	to, err := s.freeFolder()
	if err != nil {
		return "", err
	}
	entry.Name, entry.Pinned = s.name, filepath.Join(s.folder, filepath.FromSlash(to))
	schema, err := ingest.LookAt(ctx, entry, source)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeEditorLines(&b)
	fmt.Fprintf(&b, "# Made by `hyperlake init` from %s.\n", s.made)
	b.WriteString("# `hyperlake run` brings the rows into the lake and builds the extract; `hyperlake ingest` builds nothing.\n")
	fmt.Fprintf(&b, "name: %s\noutput:\n  path: %s\n", config.Scalar(s.name), config.Scalar(s.name+".hyper"))
	fmt.Fprintf(&b, "ingest:\n  - to: %s # replaced as a whole by every run; put /day=${date} behind it to keep one for each day\n",
		config.Scalar(to))
	for _, line := range s.source {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	s.writeColumns(&b, schema)
	fmt.Fprintf(&b, "    # rejects: {path: %s, max_rows: 100} # where rows that do not fit go, and how many may\n",
		comment(config.Scalar("rejects/"+s.name)))
	fmt.Fprintf(&b, "tables:\n  - name: Extract\n    schema: Extract\n    source:\n      uri: %s\n", config.Scalar(storage.EscapeGlob(to)))
	fmt.Fprintf(&b, "    rules:\n      # - {column: COLUMN, not_null: true, min: 1}\n")
	writePublish(&b, s.name)
	return b.String(), nil
}

// freeFolder is a folder of the lake, relative to that of the configuration, that is not there yet: what is in one would be replaced, or
// keep the ingest from running.
func (s *ingestStarter) freeFolder() (string, error) {
	for n := 1; ; n++ {
		to := "lake/" + s.name
		if n > 1 {
			to = fmt.Sprintf("lake/%s-%d", s.name, n)
		}
		_, err := os.Lstat(filepath.Join(s.folder, filepath.FromSlash(to)))
		switch {
		case os.IsNotExist(err):
			return to, nil
		case err != nil:
			return "", failure.New(failure.Storage, "look for a folder for the rows: %w", err).WithHint("%s", storage.Hint(err))
		}
	}
}

// writeColumns lists the columns: as they are pinned where types are inferred, so that they can be corrected before the first run.
func (s *ingestStarter) writeColumns(b *strings.Builder, schema *ingest.Schema) {
	if s.ownTypes {
		fmt.Fprintf(b, "    # The columns of the source, and what they become:\n")
		for _, c := range schema.Columns {
			fmt.Fprintf(b, "    #   %s  %s\n", comment(c.Name), comment(c.Type))
		}
		return
	}
	fmt.Fprintf(b, "    # What the values of the first rows look like. A value that does not fit makes its row a reject:\n    columns:\n")
	for _, c := range schema.Columns {
		fmt.Fprintf(b, "      %s: {type: %s}\n", config.MapKey(c.Name), config.Scalar(c.Type))
	}
}
