package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// parquetListing is what inspect prints of Parquet files.
type parquetListing struct {
	Path string `json:"path"`
	Kind string `json:"kind"` // parquet, or a table format

	// Table is the version of a table; nil for loose files.
	Table *plan.TableVersion `json:"table,omitempty"`

	Files     int             `json:"files"`
	RowGroups int             `json:"row_groups"`
	Rows      int64           `json:"rows"` // of a table: without those that are deleted, as far as it counts them
	Deleted   int64           `json:"rows_deleted,omitempty"`
	Deletes   int             `json:"delete_files,omitempty"` // that say of more rows that they are deleted, of how many is not known
	Bytes     int64           `json:"bytes"`                  // of the files
	Columns   []parquetColumn `json:"columns"`                // of all files, as in the first that has them
	Drift     []drift         `json:"drift"`                  // the columns that are not alike in all files
	LeftOut   []string        `json:"left_out,omitempty"`
	Warnings  []string        `json:"warnings,omitempty"`
}

// parquetColumn is a column and what an extract would make of it.
type parquetColumn struct {
	Name        string           `json:"name"`
	ArrowType   string           `json:"arrow_type"`
	LogicalType string           `json:"logical_type,omitempty"` // where the Arrow type says less than Parquet's
	SQLType     string           `json:"sql_type"`               // empty if it cannot be stored
	Nullable    bool             `json:"nullable"`               // in any file
	Nulls       *int64           `json:"nulls,omitempty"`        // if the footers say so
	Bytes       int64            `json:"bytes"`                  // as stored, in all files
	Codecs      []string         `json:"codecs"`
	Partition   bool             `json:"partition,omitempty"` // it is made of the names of folders
	Conversion  hyper.Conversion `json:"conversion"`
	Warning     string           `json:"warning,omitempty"`
	Problem     string           `json:"problem,omitempty"` // why it cannot be stored
}

// drift is a column that some files have otherwise than others.
type drift struct {
	Column   string    `json:"column"`
	Variants []variant `json:"variants"` // two or more

	words string
}

// variant is one form of a column.
type variant struct {
	Type      string `json:"type"` // empty: the column is missing
	Files     int    `json:"files"`
	FirstFile string `json:"first_file"`
}

func (a *app) inspectParquet(ctx context.Context, path string, format config.SourceFormat) error {
	listing, err := during(a, "look at the files", "", func() (listing parquetListing, err error) {
		at, err := plan.FindPath(ctx, path, format)
		if err == nil {
			listing, err = listPath(ctx, path, at)
		}
		return listing, err
	})
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(listing)
	}
	return a.printPage(listing.page(a.resultPage()))
}

// listPath lists what a path stands for: loose files, or a table.
func listPath(ctx context.Context, path string, at *plan.PathFiles) (parquetListing, error) {
	if at.IsTable() {
		return listTable(ctx, path, at)
	}
	footers, err := parquetread.ReadFooters(ctx, at.Files(), parquetread.FooterOptions{})
	if err != nil {
		return parquetListing{}, err
	}
	footers, hollow := plan.WithoutHollow(footers)
	listing := listParquet(path, footers)
	listing.LeftOut, listing.Warnings = at.Notes, slices.Concat(at.Warnings, hollow)
	for _, field := range plan.PartitionColumns(footers) {
		listing.Columns = append(listing.Columns, mapPartition(field))
	}
	return listing, nil
}

// listTable lists a table: its columns as it has them, with what the footers of its files say of them.
func listTable(ctx context.Context, path string, at *plan.PathFiles) (parquetListing, error) {
	src, err := at.Source(ctx, config.TableConfig{})
	if err != nil {
		return parquetListing{}, err
	}
	listing := listParquet(path, src.Footers)
	listing.Table = src.Version()
	listing.Kind, listing.Columns, listing.Deleted = listing.Table.Format, []parquetColumn{}, src.Deleted()
	listing.Rows -= listing.Deleted
	listing.Deletes = src.DeleteFiles()
	summaries := map[string]parquetread.ColumnSummary{}
	for _, summary := range parquetread.Summarize(src.Footers) {
		summaries[summary.Field.Name] = summary
	}
	for _, field := range src.Schema.Fields() {
		summary, ok := summaries[field.Name]
		if !ok {
			summary.Nulls = -1
		}
		summary.Field = field
		column := mapColumn(summary)
		column.Partition = src.IsPartition(field.Name)
		listing.Columns = append(listing.Columns, column)
	}
	return listing, nil
}

func listParquet(path string, footers []parquetread.Footer) parquetListing {
	listing := parquetListing{Path: path, Kind: "parquet", Files: len(footers), Columns: []parquetColumn{}, Drift: []drift{}}
	for _, footer := range footers {
		listing.RowGroups += len(footer.RowGroups)
		listing.Rows += footer.Rows
		listing.Bytes += footer.Info.Size
	}
	for _, c := range parquetread.Summarize(footers) {
		listing.Columns = append(listing.Columns, mapColumn(c))
		if !c.Drifts() {
			continue
		}
		d := drift{Column: c.Field.Name, words: c.String()}
		for _, form := range c.Forms {
			d.Variants = append(d.Variants, variant{Type: form.Type(), Files: form.Files, FirstFile: form.FirstFile})
		}
		listing.Drift = append(listing.Drift, d)
	}
	return listing
}

// mapPartition maps a column that the names of folders make.
func mapPartition(field arrow.Field) parquetColumn {
	c := mapColumn(parquetread.ColumnSummary{FoundColumn: parquetread.FoundColumn{Field: field}, Nulls: -1})
	c.Partition = true
	return c
}

func mapColumn(s parquetread.ColumnSummary) parquetColumn {
	c := parquetColumn{
		Name: s.Field.Name, ArrowType: s.Field.Type.String(), LogicalType: batch.LogicalType(s.Field), Nullable: s.Field.Nullable,
		Bytes: s.Bytes, Codecs: s.Codecs,
	}
	if s.Nulls >= 0 {
		c.Nulls = &s.Nulls
	}
	mapped, err := plan.MapField(s.Field)
	if err != nil {
		problem := failure.Of(err, failure.Source)
		c.Problem = problem.Message + "; " + problem.Hint
		return c
	}
	c.SQLType, c.Nullable, c.Conversion, c.Warning = mapped.SQLType, mapped.Nullable, mapped.Conversion, mapped.Warning
	return c
}

// page writes the listing for people.
func (l parquetListing) page(p *page) *page {
	p.line("%s: %s, %s, %s, %s", visible(l.Path), words.Count(int64(l.Files), "Parquet file"),
		words.Count(int64(l.RowGroups), "row group"), words.Count(l.Rows, "row"), size(l.Bytes))
	if l.Table != nil {
		p.line("%s", visible(l.Table.String()))
	}
	if l.Deleted > 0 {
		p.line("%s of the files are deleted", words.Count(l.Deleted, "row"))
	}
	if l.Deletes > 0 {
		p.line("the rows of %s are deleted, too, and counted here all the same", words.Count(int64(l.Deletes), "delete file"))
	}
	p.line("")
	var rows [][]string
	var notes []string
	for _, c := range l.Columns {
		source := c.ArrowType
		if c.LogicalType != "" {
			source += " (" + c.LogicalType + ")"
		}
		codecs, stored := strings.Join(c.Codecs, ", "), humanize.Bytes(uint64(c.Bytes))
		if c.Partition {
			codecs, stored = "folder names", "-"
			if l.Table != nil {
				codecs = "partition"
			}
		}
		rows = append(rows, []string{
			visible(c.Name), visible(source), orDash(c.SQLType), yesNo(c.Nullable), conversionText(c.Conversion), codecs, stored,
		})
		if c.Problem != "" {
			notes = append(notes, "cannot be stored as it is: "+c.Problem)
		}
		if c.Warning != "" {
			notes = append(notes, fmt.Sprintf("warning: column %q: %s", c.Name, c.Warning))
		}
	}
	headings := []column{
		{name: "column"}, {name: "Arrow type", minor: 1}, {name: "SQL type"}, {name: "nullable", minor: 2},
		{name: "conversion", optional: true, minor: 3}, {name: "codec", minor: 5}, {name: "stored", number: true, minor: 4},
	}
	p.table(headings, rows)
	for _, d := range l.Drift {
		notes = append(notes, "drift: "+d.words)
	}
	for _, note := range l.LeftOut {
		notes = append(notes, "left out: "+note)
	}
	if len(notes) > 0 || len(l.Warnings) > 0 {
		p.line("")
	}
	for _, note := range notes {
		p.line("%s", visible(note))
	}
	p.warnings(l.Warnings)
	return p
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// conversionText is empty for columns that are stored as they are.
func conversionText(c hyper.Conversion) string {
	if c == hyper.Direct {
		return ""
	}
	return string(c)
}
