package pipelines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread"
)

// commonSchema is the schema of the columns that a table needs, the same in all its
// files: the selected ones in the order of select, or all in the order of the first file,
// then those that only rules name. The order of a file's columns and whether they may be
// NULL does not matter; a column is nullable if it is in any file.
func commonSchema(files []parquetread.Footer, cfg TableConfig) (*arrow.Schema, error) {
	names, err := neededColumns(files[0], cfg)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		found, ok := files[0].Schema.FieldsByName(name)
		if !ok {
			return nil, noSuchColumn(files[0], name)
		}
		fields[i] = found[0]
	}
	var drift []string
	for _, file := range files[1:] {
		drift = append(drift, compare(fields, files[0], file, len(cfg.Source.Select) == 0)...)
		const enough = 10
		if len(drift) >= enough {
			break
		}
	}
	if len(drift) > 0 {
		return nil, failure.New(failure.Source, "the files differ: %s", strings.Join(drift, "; ")).
			WithHint("make the files alike, or choose with source.uri or source.select what belongs together").BeforeData()
	}
	return arrow.NewSchema(fields, nil), nil
}

// neededColumns names the columns to read.
func neededColumns(first parquetread.Footer, cfg TableConfig) ([]string, error) {
	names := slices.Clone(cfg.Source.Select)
	if len(names) == 0 {
		for _, field := range first.Schema.Fields() {
			if slices.Contains(names, field.Name) {
				return nil, failure.New(failure.Source, "file %s has two columns named %q", first.Info.URI, field.Name).
					WithHint("rename one of them in the file").BeforeData()
			}
			names = append(names, field.Name)
		}
		if len(names) == 0 {
			return nil, failure.New(failure.Source, "file %s has no columns", first.Info.URI).BeforeData()
		}
	}
	for _, rule := range cfg.Rules {
		if !slices.Contains(names, rule.Column) {
			names = append(names, rule.Column)
		}
	}
	return names, nil
}

// compare lists how the columns of a file differ from those of the first file, and names
// one file of each kind.
func compare(want []arrow.Field, first, file parquetread.Footer, whole bool) []string {
	var differences []string
	for i, field := range want {
		found, ok := file.Schema.FieldsByName(field.Name)
		switch {
		case !ok:
			differences = append(differences, fmt.Sprintf("column %q of %s is missing in %s", field.Name, first.Info.URI, file.Info.URI))
		case !sameType(field, found[0]):
			differences = append(differences, fmt.Sprintf("column %q is %s in %s but %s in %s",
				field.Name, field.Type, first.Info.URI, found[0].Type, file.Info.URI))
		default:
			want[i].Nullable = want[i].Nullable || found[0].Nullable
		}
	}
	if !whole {
		return differences
	}
	for _, field := range file.Schema.Fields() {
		if !slices.ContainsFunc(want, func(f arrow.Field) bool { return f.Name == field.Name }) {
			differences = append(differences, fmt.Sprintf("column %q of %s is missing in %s", field.Name, file.Info.URI, first.Info.URI))
		}
	}
	return differences
}

// sameType says whether two columns of one name hold the same type, in Arrow and in Parquet.
func sameType(a, b arrow.Field) bool {
	return arrow.TypeEqual(a.Type, b.Type) && batch.LogicalType(a) == batch.LogicalType(b)
}

func noSuchColumn(file parquetread.Footer, name string) error {
	var names []string
	for _, field := range file.Schema.Fields() {
		names = append(names, field.Name)
	}
	e := failure.New(failure.Source, "there is no column %q in file %s", name, file.Info.URI).BeforeData()
	if near, ok := nearest(name, names); ok {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("`hyperlake inspect %s` lists its columns", file.Info.URI)
}
