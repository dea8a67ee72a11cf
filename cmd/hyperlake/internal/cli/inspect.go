package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
)

func (a *app) inspectCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Describe a .hyper file, or the schema of Parquet files",
		Long: `Describe what is in PATH: a .hyper file, a Parquet file, a folder of Parquet files
(**/*.parquet below it) or a glob of them. Nothing is changed.

Of a .hyper file it prints the tables with their columns, rows and assumed keys. Of Parquet
files it prints the columns, the SQL types that they would get in an extract, and how the
files differ; it reads no more than their footers.`,
		Example: `  hyperlake inspect out/tpch.hyper
  hyperlake inspect lake/lineitem --json`,
		Args: exactly(1, "one path"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := sourceFormat(format)
			if err != nil {
				return err
			}
			return a.inspect(cmd.Context(), args[0], asked)
		},
	}
	addFormatFlag(cmd, &format)
	return cmd
}

// inspect finds out what a path is and describes it.
func (a *app) inspect(ctx context.Context, path string, format config.SourceFormat) error {
	if err := storage.Check(path); err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	store, err := storage.For(path)
	if err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	info, err := store.Stat(ctx, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failure.New(failure.Storage, "%w", err).WithHint("%s", storage.Hint(err))
	}
	if err == nil && !info.Folder && isHyper(path) {
		return a.inspectHyper(ctx, info)
	}
	return a.inspectParquet(ctx, path, format)
}

// hyperListing is what inspect prints of a .hyper file.
type hyperListing struct {
	Path  string `json:"path"`
	Kind  string `json:"kind"` // hyper
	Bytes int64  `json:"bytes"`
	hyper.Catalog
}

func (a *app) inspectHyper(ctx context.Context, info storage.Info) error {
	file, err := openHyperFile(ctx, info.URI, hyperd.Config{})
	if err != nil {
		return err
	}
	defer file.close()
	catalog, err := hyper.ReadCatalog(ctx, file.conn, file.alias)
	if err != nil {
		return fmt.Errorf("%s: %w", info.URI, err)
	}
	listing := hyperListing{Path: info.URI, Kind: "hyper", Bytes: info.Size, Catalog: catalog}
	if a.flags.json {
		return a.printJSON(listing)
	}
	return a.printPage(listing.page(a.resultPage()))
}

// page writes the listing for people.
func (l hyperListing) page(p *page) *page {
	p.line("%s: format version %d, %s, %s, made by hyperd %s", visible(l.Path),
		l.FormatVersion, words.Count(int64(len(l.Tables)), "table"), size(l.Bytes), l.CreatedBy)
	for _, table := range l.Tables {
		p.line("\n%s: %s", sqlNameText(table.Schema, table.Name), words.Count(table.Rows, "row"))
		writeColumns(p, table.Columns)
		writeKeys(p, table)
	}
	return p
}

func writeColumns(p *page, columns []hyper.CatalogColumn) {
	headings := []column{{name: "column"}, {name: "type"}, {name: "nullable", minor: 1},
		{name: "collation", optional: true}, {name: "default", optional: true}, {name: "comment", optional: true}}
	var rows [][]string
	for _, c := range columns {
		rows = append(rows, []string{visible(c.Name), c.SQLType, yesNo(c.Nullable), visible(c.Collation), visible(c.Default), visible(c.Comment)})
	}
	p.table(headings, rows)
}

func writeKeys(p *page, table hyper.CatalogTable) {
	if len(table.PrimaryKey) > 0 {
		p.line("assumed primary key (%s)", columnList(table.PrimaryKey))
	}
	for _, key := range table.UniqueKeys {
		p.line("assumed unique (%s)", columnList(key))
	}
	for _, key := range table.ForeignKeys {
		p.line("assumed foreign key (%s) references %s (%s)",
			columnList(key.Columns), sqlNameText(key.Schema, key.Table), columnList(key.To))
	}
}

// sqlNameText is a name as it is written in SQL.
func sqlNameText(parts ...string) string { return visible(hyperd.QuoteName(parts...)) }

func columnList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = sqlNameText(name)
	}
	return strings.Join(quoted, ", ")
}

// size is a number of bytes for people, with the exact number where it says more.
func size(bytes int64) string {
	if bytes < 1000 {
		return words.Count(bytes, "byte")
	}
	return fmt.Sprintf("%s (%s bytes)", humanize.Bytes(uint64(bytes)), humanize.Comma(bytes))
}
