package plan

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// Source is what the footers of a table's files say, and what its table format says, if it has one.
type Source struct {
	Footers    []parquetread.Footer
	Columns    lakeColumns   // of loose files
	partitions []partition   // keys of folders that no file has as a column
	keys       []partition   // keys of folders that files have as a column, too
	Schema     *arrow.Schema // columns of the files, then those of the partitions

	leftOut  []string // which files are read under another name
	Warnings []string

	table    *lake.Snapshot // nil for loose files
	files    []lake.File    // of the table, as the footers are of
	compared comparedFields
}

// PartitionDrift says which keys some files lack, and what becomes of that.
func (s *Source) PartitionDrift(columns *arrow.Schema) []string {
	var notes []string
	for _, p := range s.partitionsIn(columns) {
		if p.missingIn != "" {
			notes = append(notes, fmt.Sprintf("the key %q is missing in the folders of some files (such as %s): NULL there", p.name, p.missingIn))
		}
	}
	return notes
}

// open reads the footers of the files of a table, with the statistics of wanted columns; nil wants all. Of a table of a
// table format, they are read once it is known which are.
func (s tableSight) open(
	ctx context.Context, run *config.Config, cfg config.TableConfig, wanted func(column string) bool,
) (*Source, error) {
	found := s.loose
	switch {
	case s.wrong != nil:
		return nil, s.wrong
	case s.table != nil:
		return s.table, nil
	}
	if len(found.Files) == 0 && run.OnEmpty == config.OnEmptyAllow {
		return emptySource(cfg)
	}
	if len(found.Files) == 0 {
		return nil, noFiles(ctx, cfg.Source)
	}
	src, err := ReadSource(ctx, found, cfg, wanted)
	switch {
	case err != nil || len(src.Footers) > 0:
		return src, err
	case run.OnEmpty != config.OnEmptyAllow:
		return nil, AllHollow(cfg.Source)
	}
	empty, err := emptySource(cfg)
	if err == nil {
		empty.Warnings = src.Warnings
	}
	return empty, err
}

// newest is when the source was changed last: the time of its version, or of the newest file; zero where nothing says so.
func (s *Source) newest() time.Time {
	if s.table != nil {
		return s.Version().Timestamp.UTC()
	}
	var newest time.Time
	for _, footer := range s.Footers {
		if footer.Info.Modified.After(newest) {
			newest = footer.Info.Modified.UTC()
		}
	}
	return newest
}

// AllHollow is the failure of files of which none has columns or rows.
func AllHollow(source config.SourceConfig) error {
	return failure.New(failure.Data, "the files of %s hold no rows to load: they have no columns either", strings.Join(source.URI, ", ")).
		WithHint("check source.uri, or set on_empty: allow and give every column a type in columns")
}

// ReadSource reads the footers of files. Those that have neither columns nor rows are left out,
// which may be all. It fails with one of kind Source for a file that cannot be read or whose format is not
// supported, and for folders that contradict each other.
func ReadSource(ctx context.Context, found *Listing, cfg config.TableConfig, wanted func(column string) bool) (*Source, error) {
	s := &Source{leftOut: found.notes(), Warnings: found.Warnings()}
	clashes, err := found.clashes(cfg.Source.Partitions)
	if err != nil {
		return nil, err
	}
	s.Warnings = append(s.Warnings, clashes...)
	options := parquetread.FooterOptions{IsWanted: withKeys(wanted, found.keys())}
	if s.Footers, err = parquetread.ReadFooters(ctx, found.infos(), options); err != nil {
		return nil, err
	}
	var hollow []string
	if s.Footers, hollow = WithoutHollow(s.Footers); len(hollow) > 0 {
		s.Warnings = append(s.Warnings, hollow...)
		found.keepOnly(s.Footers)
	}
	keys, err := partitionsOf(found.Files, cfg.Source.Partitions, cfg.Source.OnDrift == config.OnDriftUnion)
	if err != nil {
		return nil, err
	}
	s.Columns = columnsOf(s.Footers, cfg.Columns)
	for _, key := range keys {
		if at := s.Columns.at(key.name); at >= 0 {
			s.Columns[at].isKey = true
			s.keys = append(s.keys, key)
		} else {
			s.partitions = append(s.partitions, key)
		}
	}
	fields := s.Columns.fields()
	for _, p := range s.partitions {
		fields = append(fields, p.columnOf(cfg.Columns))
	}
	s.Schema = arrow.NewSchema(fields, nil)
	return s, nil
}

// withKeys wants the statistics of keys of folders, too, which say whether the files agree.
func withKeys(wanted func(column string) bool, keys map[string]bool) func(column string) bool {
	if wanted == nil {
		return nil
	}
	return func(column string) bool { return wanted(column) || keys[column] }
}

// WithoutHollow leaves out files that have neither columns nor rows, and says so.
func WithoutHollow(footers []parquetread.Footer) (kept []parquetread.Footer, notes []string) {
	first := ""
	for _, footer := range footers {
		if !footer.IsHollow() {
			kept = append(kept, footer)
		} else if first == "" {
			first = footer.Info.URI
		}
	}
	switch more := int64(len(footers) - len(kept) - 1); {
	case more < 0:
		return footers, nil
	case more == 0:
		return kept, []string{first + " has neither columns nor rows: it is skipped"}
	default:
		return kept, []string{fmt.Sprintf("%s and %s have neither columns nor rows: they are skipped", first, words.Count(more, "more file"))}
	}
}

// mentions says whether where may ask for the statistics of a column, from its text alone:
// they are needed before it can be compiled, and kept for no other column. A name that is
// written otherwise in the text is one that nothing is pruned by.
func mentions(where, column string) bool { return strings.Contains(where, column) }

// mayRead says whether where or the window may ask for the statistics of a column, or they may divide
// the table into ranges.
func mayRead(run *config.Config, t config.TableConfig, column string) bool {
	if w := run.Refresh.Window; w != nil && within(w.Column, column) {
		return true
	}
	return mentions(t.Source.Where, column) || t.Repartition.Range != "" && column == sourceOf(t, t.Repartition.Range)
}

// sourceOf is the name in the source of a column that may be renamed.
func sourceOf(t config.TableConfig, name string) string {
	for source, column := range t.Columns {
		if column.Rename == name {
			return source
		}
	}
	return name
}

// emptySource stands for files that are not there. Its columns are those that the
// configuration gives a type to.
func emptySource(cfg config.TableConfig) (*Source, error) {
	names := cfg.Source.Select
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(cfg.Columns))
	}
	var fields []arrow.Field
	for _, name := range names {
		if cfg.Columns[name].Type != "" {
			fields = append(fields, arrow.Field{Name: name, Type: arrow.Null, Nullable: true})
		}
	}
	if len(fields) == 0 || len(fields) < len(names) {
		return nil, failure.New(failure.Source, "no files with columns match %s, so that nothing says which types the columns have",
			strings.Join(cfg.Source.URI, ", ")).
			WithHint("give every column a type in columns, or check source.uri").BeforeData()
	}
	return &Source{Schema: arrow.NewSchema(fields, nil)}, nil
}

// rowsPerValue is how many rows there are for each combination of values that partitions have in
// files, on average; very many without partitions.
func (s *Source) rowsPerValue(partitions []partition) int64 {
	if len(partitions) == 0 {
		return math.MaxInt64
	}
	var rows int64
	combinations := map[string]bool{}
	for i := range s.Footers {
		var values strings.Builder
		for _, p := range partitions {
			if value := p.values[i]; value != nil {
				fmt.Fprintf(&values, "%q", *value)
			}
			values.WriteByte(',')
		}
		combinations[values.String()] = true
		rows += s.Footers[i].Rows
	}
	return rows / int64(max(len(combinations), 1))
}

// partitionsIn are the partitions whose columns are read.
func (s *Source) partitionsIn(columns *arrow.Schema) []partition {
	var read []partition
	for _, p := range s.partitions {
		if columns.HasField(p.name) {
			read = append(read, p)
		}
	}
	return read
}

// columnOf is the column of a partition. Where the configuration gives it a type, it is
// text, of which the type is made as of any other text.
func (p partition) columnOf(columns map[string]config.ColumnConfig) arrow.Field {
	field := p.field()
	if columns[p.name].Type != "" {
		field.Type = arrow.BinaryTypes.String
	}
	return field
}
