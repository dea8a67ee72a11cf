package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// parquetListing is what inspect prints of Parquet files.
type parquetListing struct {
	Path      string          `json:"path"`
	Kind      string          `json:"kind"` // parquet
	Files     int             `json:"files"`
	RowGroups int             `json:"row_groups"`
	Rows      int64           `json:"rows"`
	Bytes     int64           `json:"bytes"`   // of the files
	Columns   []parquetColumn `json:"columns"` // of all files, as in the first that has them
	Drift     []drift         `json:"drift"`   // the columns that are not alike in all files
}

// parquetColumn is a column and what an extract would make of it.
type parquetColumn struct {
	Name        string           `json:"name"`
	ArrowType   string           `json:"arrow_type"`
	LogicalType string           `json:"logical_type,omitempty"` // where the Arrow type says less than Parquet's
	SQLType     string           `json:"sql_type"`               // empty if it cannot be stored
	Nullable    bool             `json:"nullable"`               // in any file
	Conversion  hyper.Conversion `json:"conversion"`
	Warning     string           `json:"warning,omitempty"`
	Problem     string           `json:"problem,omitempty"` // why it cannot be stored
}

// drift is a column that some files have otherwise than others.
type drift struct {
	Column   string    `json:"column"`
	Variants []variant `json:"variants"` // two or more
}

// variant is one form of a column.
type variant struct {
	Type      string `json:"type"` // empty: the column is missing
	Files     int    `json:"files"`
	FirstFile string `json:"first_file"`
}

func (a *app) inspectParquetGlob(ctx context.Context, store storage.Store, path, pattern string) error {
	files, err := store.Glob(ctx, pattern)
	if err != nil {
		return failure.New(failure.Source, "%w", err)
	}
	if len(files) == 0 {
		return failure.New(failure.Usage, "no files match %s", pattern).
			WithHint("check the path; files whose names start with _ or . are not matched").BeforeData()
	}
	return a.inspectParquet(ctx, path, files)
}

func (a *app) inspectParquet(ctx context.Context, path string, files []storage.Info) error {
	footers, err := parquetread.ReadFooters(ctx, files)
	if err != nil {
		return err
	}
	listing := listParquet(path, footers)
	if a.flags.json {
		return a.printJSON(listing)
	}
	return a.printText(listing.text())
}

func listParquet(path string, footers []parquetread.Footer) parquetListing {
	listing := parquetListing{Path: path, Kind: "parquet", Files: len(footers), Columns: []parquetColumn{}, Drift: []drift{}}
	var found columnSet
	for _, footer := range footers {
		listing.RowGroups += len(footer.RowGroups)
		listing.Rows += footer.Rows
		listing.Bytes += footer.Info.Size
		found.add(footer)
	}
	for _, c := range found.columns {
		listing.Columns = append(listing.Columns, mapColumn(c.field))
		if missing := len(footers) - c.files; missing > 0 {
			c.variants = append(c.variants, variant{Files: missing, FirstFile: c.missingIn(footers)})
		}
		if len(c.variants) > 1 {
			listing.Drift = append(listing.Drift, drift{Column: c.field.Name, Variants: c.variants})
		}
	}
	return listing
}

// columnSet holds the columns of several files, in the order in which they turn up.
type columnSet struct {
	columns []*foundColumn
	byKey   map[columnKey]*foundColumn
}

// columnKey tells columns apart, also those of one name in a file.
type columnKey struct {
	name string
	nth  int
}

type foundColumn struct {
	key      columnKey
	field    arrow.Field // of the first file that has it; nullable if it is in any
	files    int
	variants []variant
}

func (s *columnSet) add(footer parquetread.Footer) {
	if s.byKey == nil {
		s.byKey = map[columnKey]*foundColumn{}
	}
	for key, field := range keyed(footer.Schema) {
		c, ok := s.byKey[key]
		if !ok {
			c = &foundColumn{key: key, field: field}
			s.byKey[key] = c
			s.columns = append(s.columns, c)
		}
		c.files++
		c.field.Nullable = c.field.Nullable || field.Nullable
		c.count(typeText(field), footer.Info.URI)
	}
}

// keyed iterates over the columns of a file.
func keyed(schema *arrow.Schema) iter.Seq2[columnKey, arrow.Field] {
	return func(yield func(columnKey, arrow.Field) bool) {
		seen := map[string]int{}
		for _, field := range schema.Fields() {
			key := columnKey{field.Name, seen[field.Name]}
			seen[field.Name]++
			if !yield(key, field) {
				return
			}
		}
	}
}

// count notes that a file has the column in some form.
func (c *foundColumn) count(form, file string) {
	for i := range c.variants {
		if c.variants[i].Type == form {
			c.variants[i].Files++
			return
		}
	}
	c.variants = append(c.variants, variant{Type: form, Files: 1, FirstFile: file})
}

// missingIn is the first file that lacks the column.
func (c *foundColumn) missingIn(footers []parquetread.Footer) string {
	for _, footer := range footers {
		found := false
		for key := range keyed(footer.Schema) {
			found = found || key == c.key
		}
		if !found {
			return footer.Info.URI
		}
	}
	return ""
}

// typeText is the type of a column, with the logical type where Arrow's says less.
func typeText(field arrow.Field) string {
	if logical := batch.LogicalType(field); logical != "" {
		return fmt.Sprintf("%s (%s)", field.Type, logical)
	}
	return field.Type.String()
}

func mapColumn(field arrow.Field) parquetColumn {
	c := parquetColumn{
		Name: field.Name, ArrowType: field.Type.String(), LogicalType: batch.LogicalType(field), Nullable: field.Nullable,
	}
	mapped, err := hyper.MapField(field, hyper.FormatChoice{})
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	c.SQLType, c.Nullable, c.Conversion, c.Warning = mapped.SQLType, mapped.Nullable, mapped.Conversion, mapped.Warning
	return c
}

// text is the listing for people.
func (l parquetListing) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s, %s, %s\n\n", visible(l.Path), plural(int64(l.Files), "Parquet file", "Parquet files"),
		plural(int64(l.RowGroups), "row group", "row groups"), plural(l.Rows, "row", "rows"), size(l.Bytes))
	var rows [][]string
	var notes []string
	for _, c := range l.Columns {
		source := c.ArrowType
		if c.LogicalType != "" {
			source += " (" + c.LogicalType + ")"
		}
		rows = append(rows, []string{visible(c.Name), visible(source), orDash(c.SQLType), yesNo(c.Nullable), conversionText(c.Conversion)})
		if c.Problem != "" {
			notes = append(notes, "cannot be stored: "+c.Problem)
		}
		if c.Warning != "" {
			notes = append(notes, fmt.Sprintf("warning: column %q: %s", c.Name, c.Warning))
		}
	}
	headings := []column{{name: "column"}, {name: "Arrow type"}, {name: "SQL type"}, {name: "nullable"}, {name: "conversion", optional: true}}
	fmt.Fprintln(&b, renderTable(headings, rows, true))
	for _, d := range l.Drift {
		notes = append(notes, d.text())
	}
	if len(notes) > 0 {
		b.WriteString("\n")
		for _, note := range notes {
			fmt.Fprintln(&b, visible(note))
		}
	}
	return b.String()
}

func (d drift) text() string {
	forms := make([]string, len(d.Variants))
	for i, v := range d.Variants {
		form := v.Type
		if form == "" {
			form = "missing"
		}
		forms[i] = fmt.Sprintf("%s in %s (first %s)", form, plural(int64(v.Files), "file", "files"), v.FirstFile)
	}
	return fmt.Sprintf("drift: column %q is %s", d.Column, strings.Join(forms, ", "))
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
