package starter

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// Write writes a configuration for the files that a path stands for, with comments. The
// paths in it are good for a configuration in folder. A plan accepts it as it is. It fails with one of kind
// Usage where the path stands for no files, of kind Data where none of them has columns or rows, and of kind
// Source where they cannot be read, or belong to a table that format does not insist on reading.
func Write(ctx context.Context, uri, folder string, format config.SourceFormat) (string, error) {
	at, err := plan.FindPath(ctx, uri, format)
	if err != nil {
		return "", err
	}
	cfg := config.TableConfig{Source: config.SourceConfig{URI: config.Globs{at.Glob}, Format: format, OnDrift: config.OnDriftUnion}}
	cfg.Source.SetDefaults()
	src, err := at.Source(ctx, cfg)
	if err != nil {
		return "", err
	}
	if len(src.Footers) == 0 && src.Version() == nil {
		return "", plan.AllHollow(cfg.Source)
	}
	for i := range src.Footers {
		if _, err := src.FoldersOf(i, src.Schema); err != nil {
			return "", err
		}
	}
	s := starter{src: src, name: starterName(uri), glob: at.Glob, format: cfg.Source.Format, notes: at.Notes}
	if s.glob, err = relativeTo(folder, at.Glob); err != nil {
		return "", err
	}
	s.addAll()
	return s.text(), nil
}

// starterName makes a name of the last part of a path that has no wildcards.
func starterName(uri string) string {
	part := path.Clean(filepath.ToSlash(uri))
	for strings.ContainsAny(path.Base(part), "*?[{") {
		part = path.Dir(part)
	}
	if absolute, err := filepath.Abs(part); err == nil && (part == "." || part == "..") {
		part = filepath.ToSlash(absolute)
	}
	part = strings.TrimSuffix(path.Base(part), ".parquet")
	if kind, compressed := endingOf(part); kind != "" {
		part = part[:len(part)-len(kind)-len(compressed)]
	}
	return nameOf(part)
}

// nameOf makes a name of a text.
func nameOf(part string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(config.BadInNames, r) {
			return '-'
		}
		return r
	}, part), ". ")
	if name == "" || config.ReservedName.MatchString(name) || len(name) > config.MaxRunName {
		return "extract"
	}
	return name
}

// relativeTo is a glob as a configuration in folder writes it.
func relativeTo(folder, glob string) (string, error) {
	if !config.IsRelative(glob) {
		return glob, nil
	}
	absolute, err := filepath.Abs(glob)
	if err != nil {
		return "", failure.New(failure.Usage, "%w", err)
	}
	if relative, err := filepath.Rel(folder, absolute); err == nil {
		return filepath.ToSlash(relative), nil
	}
	return absolute, nil
}

// starter is a configuration in the making.
type starter struct {
	src    *plan.Source
	name   string
	glob   string
	format config.SourceFormat
	notes  []string // on files that are left out
	lines  []starterColumn
}

// starterColumn is what a configuration says about a column.
type starterColumn struct {
	name    string
	sql     string // empty if the column cannot be stored
	note    string
	isDrift bool   // the files have it in several forms
	asJSON  bool   // it is nested
	rename  string // a name that hyperd takes, where it does not take that of the source
	rule    string // a rule that its values meet, if there is one
}

// add looks at a column of the source, of which the summary is that of its files.
func (s *starter) add(field arrow.Field, summary *parquetread.ColumnSummary, known *plan.LakeColumn) {
	c := starterColumn{name: field.Name}
	var notes []string
	switch {
	case known == nil:
		notes = s.partitionNotes(field.Name)
	case known.Doubled:
		c.note = "left out: a file has two columns of this name"
	case !known.Fits:
		c.note = "left out: " + summary.String()
	case summary.Drifts():
		c.isDrift = true
		notes = append(notes, known.Outcome())
	}
	if c.note != "" {
		s.lines = append(s.lines, c)
		return
	}
	_, c.asJSON = field.Type.(arrow.NestedType)
	column, err := plan.MapAlone(field, convert.JSON)
	if err != nil {
		c.note = "left out: " + err.Error()
		s.lines = append(s.lines, c)
		return
	}
	if c.sql = column.SQLType; hyper.IsSystemColumn(field.Name) {
		c.rename = hyper.FreeName(field.Name, s.columns())
		notes = append(notes, "renamed, since hyperd keeps this name for itself")
	}
	if !column.Nullable {
		c.sql += " NOT NULL"
	}
	if column.Warning != "" {
		notes = append(notes, column.Warning)
	}
	if summary != nil {
		notes = append(notes, summaryNotes(*summary)...)
		c.rule = ruleFor(*summary)
	}
	c.note = strings.Join(notes, "; ")
	s.lines = append(s.lines, c)
}

// partitionNotes say of a column that the files need not have where it comes from.
func (s *starter) partitionNotes(column string) []string {
	switch {
	case s.src.Version() == nil:
		return []string{"from the names of folders"}
	case s.src.IsPartition(column):
		return []string{"partitions the table"}
	}
	return nil
}

// columns are the names that are taken.
func (s *starter) columns() []hyper.Column {
	var columns []hyper.Column
	for _, field := range s.src.Schema.Fields() {
		columns = append(columns, hyper.Column{Name: field.Name})
	}
	return columns
}

// summaryNotes says what the footers say about the values of a column.
func summaryNotes(s parquetread.ColumnSummary) []string {
	var notes []string
	switch {
	case s.Nulls == 0 && s.Field.Nullable:
		notes = append(notes, "no NULLs")
	case s.Nulls > 0:
		notes = append(notes, words.Count(s.Nulls, "NULL"))
	}
	if least, greatest, ok := literals(s.Bounds); ok {
		notes = append(notes, least+" to "+greatest)
	}
	if s.LooksUnique {
		notes = append(notes, "looks unique")
	}
	return notes
}

// ruleFor is a rule that all values meet now; empty where there is nothing to say.
func ruleFor(s parquetread.ColumnSummary) string {
	var conditions []string
	if s.Nulls == 0 {
		conditions = append(conditions, "not_null: true")
	}
	if least, greatest, ok := literals(s.Bounds); ok {
		if id := s.Field.Type.ID(); !arrow.IsInteger(id) && !arrow.IsDecimal(id) {
			least, greatest = strconv.Quote(least), strconv.Quote(greatest)
		}
		conditions = append(conditions, "min: "+least, "max: "+greatest)
	}
	if len(conditions) == 0 {
		return ""
	}
	return fmt.Sprintf("{column: %s, %s}", config.Scalar(s.Field.Name), strings.Join(conditions, ", "))
}

// literals writes two bounds as rules read them; false for types whose bounds say little.
func literals(bounds arrow.Array) (least, greatest string, ok bool) {
	if bounds == nil {
		return "", "", false
	}
	switch b := bounds.(type) {
	case *array.Decimal128:
		scale := b.DataType().(*arrow.Decimal128Type).Scale
		return b.Value(0).ToString(scale), b.Value(1).ToString(scale), scale >= 0
	case *array.Timestamp:
		return timestampLiteral(b, 0), timestampLiteral(b, 1), true
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64, *array.Uint8, *array.Uint16, *array.Uint32, *array.Uint64, *array.Date32:
		return b.ValueStr(0), b.ValueStr(1), true
	}
	return "", "", false
}

func timestampLiteral(values *array.Timestamp, i int) string {
	t := values.DataType().(*arrow.TimestampType)
	layout := "2006-01-02T15:04:05.999999999"
	if t.TimeZone != "" {
		layout += "Z"
	}
	return values.Value(i).ToTime(t.Unit).UTC().Format(layout)
}
