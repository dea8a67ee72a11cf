package plan

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// TableVersion is the version of a table of a table format that is read.
type TableVersion struct {
	Format    string    `json:"format"` // as source.format names it
	Folder    string    `json:"folder"` // URI
	Version   string    `json:"version"`
	Timestamp time.Time `json:"timestamp,omitzero"`  // of the version
	Operation string    `json:"operation,omitempty"` // what made it, in its writer's words
}

// formatWords are the table formats that are read, as source.format names them.
var formatWords = map[lake.Format]config.SourceFormat{lake.Delta: config.FormatDelta, lake.Iceberg: config.FormatIceberg}

// metadataFile is what the path of a metadata file of Iceberg ends with.
var metadataFile = regexp.MustCompile(`\.metadata\.json(\.gz)?$`)

// findTable finds the table of a table format that a source is; nil if its files are loose, or tables lie further
// down. It fails with one of kind Source where a source is no table as it says, a part of one, or several.
func findTable(ctx context.Context, source config.SourceConfig) (*lake.Table, error) {
	switch {
	case source.Format == config.FormatParquet:
		return nil, nil
	case source.Catalog != nil:
		return inCatalog(ctx, *source.Catalog)
	}
	var found []lake.Table
	for _, uri := range source.URI {
		tables, err := lake.Around(ctx, uri)
		if err != nil {
			return nil, listFailure(err)
		}
		for _, table := range tables {
			if !slices.ContainsFunc(found, func(known lake.Table) bool { return known.Folder == table.Folder }) {
				found = append(found, table)
			}
		}
	}
	switch {
	case len(found) == 0 && insists(source):
		return nil, notThatFormat(source)
	case len(found) == 0 && source.Version != "":
		return nil, failure.New(failure.Source, "%s is no table of a table format, and has no versions", strings.Join(source.URI, ", ")).
			WithHint("leave out source.version, or check source.uri").BeforeData()
	case len(found) == 0:
		return nil, nil
	case len(found) > 1 || len(source.URI) > 1:
		return nil, severalTables(found)
	}
	table := found[0]
	if err := chooseFormat(table, source); err != nil {
		return nil, err
	}
	base, rest := storage.SplitGlob(source.URI[0])
	if rest == "" && metadataFile.MatchString(base) && slices.Contains(table.Formats, lake.Iceberg) {
		table.Folder = base // which is as good a place of the table
		return &table, nil
	}
	inside := partOf(source.URI[0], table.Folder)
	if len(inside) == 0 && sameFolder(base, table.Folder) {
		table.Folder = strings.TrimRight(base, "/") // as the user spells it
	}
	return &table, wholeTable(ctx, source, table, inside)
}

// sameFolder says whether two paths lead to the same.
func sameFolder(a, b string) bool { return absolute(a) == absolute(b) }

// absolute is where a path leads from the working folder.
func absolute(uri string) string {
	if path, err := filepath.Abs(uri); err == nil && storage.IsLocal(uri) {
		return really(path)
	}
	return strings.TrimRight(uri, "/")
}

// inCatalog asks a catalog where a table is.
func inCatalog(ctx context.Context, c config.CatalogConfig) (*lake.Table, error) {
	catalog := iceberg.Catalog{URI: c.URI, Table: c.Table, Warehouse: c.Warehouse}
	if c.TokenEnv != "" {
		if catalog.Token = strings.TrimSpace(os.Getenv(c.TokenEnv)); catalog.Token == "" {
			return nil, failure.New(failure.Config, "the variable %s, which holds the token of the catalog %s, is not set", c.TokenEnv, c.URI).
				WithHint("set it in the environment of the run")
		}
	}
	place, err := catalog.Locate(ctx)
	if err != nil {
		return nil, err
	}
	return &lake.Table{Folder: place, Formats: []lake.Format{lake.Iceberg}}, nil
}

// insists says whether a source names a table format.
func insists(source config.SourceConfig) bool {
	return source.Format != config.FormatAuto && source.Format != ""
}

func notThatFormat(source config.SourceConfig) error {
	return failure.New(failure.Source, "%s is no %s table", strings.Join(source.URI, ", "), source.Format).
		WithHint("check source.uri: it is the folder of a table; or leave out source.format").BeforeData()
}

// severalTables is the failure of a source that is more than one table.
func severalTables(tables []lake.Table) error {
	what := "is a table, and cannot be read together with other files"
	if len(tables) > 1 {
		what = "are several tables"
	}
	return failure.New(failure.Source, "%s %s", nameTables(tables), what).
		WithHint("give each an entry of its own in tables, with the folder as source.uri").BeforeData()
}

// chooseFormat refuses a table that is read in no format, or in one of several that it has.
func chooseFormat(table lake.Table, source config.SourceConfig) error {
	var known []string
	for _, format := range table.Formats {
		word, isRead := formatWords[format]
		if !isRead {
			continue
		}
		if source.Format == word || len(table.Formats) == 1 && !insists(source) {
			return nil
		}
		known = append(known, string(word))
	}
	switch {
	case insists(source):
		return notThatFormat(source)
	case len(known) == 0:
		return refuseTables([]lake.Table{table})
	}
	return failure.New(failure.Source, "%s is a table in several formats, which may be of different versions", table).
		WithHint("choose one with source.format: %s", strings.Join(known, " or ")).BeforeData()
}

// wholeTable refuses a source that means a part of a table, inside it: what belongs to the table only its format says.
func wholeTable(ctx context.Context, source config.SourceConfig, table lake.Table, inside []string) error {
	if len(inside) == 0 {
		return nil
	}
	refused := failure.New(failure.Source, "%s is a part of the table %s, and only the table knows which of its files count",
		source.URI[0], table).
		WithHint("set source.uri to %s, and choose rows with source.where", table.Folder).BeforeData()
	src, err := openTable(ctx, source, table)
	if err != nil {
		return refused
	}
	var conditions []string
	for _, folder := range inside {
		key, value, ok := strings.Cut(folder, "=")
		column, known := src.Schema.FieldsByName(unescape(key))
		if !ok || !known || strings.ContainsAny(folder, `*?[{`) {
			return refused
		}
		conditions = append(conditions, partitionCondition(column[0], unescape(value)))
	}
	return refused.WithHint("set source.uri to %s, and source.where to \"%s\"", table.Folder, strings.Join(conditions, " && "))
}

// partOf are the parts of the path of a source below the folder of a table that do not mean all of it.
func partOf(uri, folder string) []string {
	base, rest := storage.SplitGlob(uri)
	inside := strings.TrimPrefix(absolute(base), absolute(folder))
	parts := strings.FieldsFunc(filepath.ToSlash(inside), func(r rune) bool { return r == '/' })
	if rest != "" {
		parts = append(parts, strings.Split(rest, "/")...)
	}
	return slices.DeleteFunc(parts, func(part string) bool {
		_, value, _ := strings.Cut(part, "=")
		return part == "**" || part == "*" || part == "*.parquet" || value == "*"
	})
}

// partitionCondition is a condition on a partition, from the name of its folder.
func partitionCondition(column arrow.Field, value string) string {
	switch id := column.Type.ID(); {
	case value == hiveNull:
		return column.Name + " == null"
	case id == arrow.DATE32:
		return fmt.Sprintf("%s == date('%s')", column.Name, value)
	case id == arrow.TIMESTAMP:
		return fmt.Sprintf("%s == timestamp('%s')", column.Name, value)
	case id == arrow.STRING:
		return fmt.Sprintf("%s == '%s'", column.Name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
	}
	return fmt.Sprintf("%s == %s", column.Name, value)
}

// openTable reads what a table is at the version that the source names, but for its files.
func openTable(ctx context.Context, source config.SourceConfig, table lake.Table) (*Source, error) {
	open := openDelta
	if source.Format == config.FormatIceberg || !slices.Contains(table.Formats, lake.Delta) {
		open = openIceberg
	}
	snapshot, err := open(ctx, table.Folder, source.Version)
	if err != nil {
		return nil, err
	}
	s := &Source{table: snapshot}
	var fields []arrow.Field
	for _, column := range snapshot.Columns {
		fields = append(fields, parquetread.FieldOf(column))
		if column.Partition {
			s.partitions = append(s.partitions, partition{name: column.Name})
		}
	}
	s.Schema = arrow.NewSchema(fields, nil)
	return s, nil
}

func openDelta(ctx context.Context, folder string, version config.TableVersion) (*lake.Snapshot, error) {
	at := delta.Latest()
	if n, ok := version.Number(); ok {
		at = delta.Number(n)
	} else if t, ok := version.Time(); ok {
		at = delta.At(t)
	} else if version != "" {
		return nil, failure.New(failure.Source, "the delta table %s has no version %q", folder, version).
			WithHint("write latest, a number, or a time such as 2026-11-28T06:00:00Z").BeforeData()
	}
	return delta.Open(ctx, folder, at, parquetread.ReadColumns)
}

func openIceberg(ctx context.Context, folder string, version config.TableVersion) (*lake.Snapshot, error) {
	at := iceberg.Latest()
	if n, ok := version.Number(); ok {
		at = iceberg.Snapshot(n)
	} else if t, ok := version.Time(); ok {
		at = iceberg.At(t)
	} else if version != "" {
		at = iceberg.Ref(string(version))
	}
	return iceberg.Open(ctx, folder, at)
}

// String says for people which version it is.
func (v *TableVersion) String() string {
	text := fmt.Sprintf("%s table %s, version %s", v.Format, v.Folder, v.Version)
	if !v.Timestamp.IsZero() {
		text += fmt.Sprintf(" of %s UTC", v.Timestamp.UTC().Format(time.DateTime))
	}
	if v.Operation != "" {
		text += fmt.Sprintf(" (%s)", v.Operation)
	}
	return text
}

// IsPartition says whether a column has one value in each file, which the file need not have.
func (s *Source) IsPartition(column string) bool {
	return slices.ContainsFunc(s.partitions, func(p partition) bool { return p.name == column })
}

// Version says which version of a table is read; nil for loose files.
func (s *Source) Version() *TableVersion {
	if s.table == nil {
		return nil
	}
	return &TableVersion{
		Format: string(formatWords[s.table.Format]), Folder: s.table.Folder,
		Version: s.table.Version, Timestamp: s.table.Time, Operation: s.table.Operation,
	}
}
