package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/transforms/parquetread"
)

// comparedFields are the fields of a table that equality deletes compare, of the files that are read.
type comparedFields struct {
	ids     map[int32]bool
	columns []lake.Column // that have them, with nothing else in them, under names that no two have
}

// compare takes note of the equality deletes of a file, and refuses what is too much or cannot be compared.
func (s *Source) compare(file lake.File) error {
	rows := int64(0)
	for _, deletes := range file.EqualityDeletes {
		if rows += deletes.Rows; deletes.Rows > parquetread.MaxEqualityDeletes || rows > parquetread.MaxEqualityDeletes {
			return failure.New(failure.Source, "more than %s rows of equality deletes are for the file %s",
				humanize.Comma(parquetread.MaxEqualityDeletes), file.URI).
				WithHint("have the table compacted (rewrite_data_files), or read an older version of it (source.version)").BeforeData()
		}
		for _, id := range deletes.Fields {
			if s.compared.ids[id] {
				continue
			}
			if err := s.compareField(id); err != nil {
				return failure.New(failure.Source, "the equality deletes in %s: %w", deletes.URI, err).
					WithHint("have the table compacted (rewrite_data_files), or read an older version of it (source.version)").BeforeData()
			}
		}
	}
	return nil
}

// compareField adds a field.
func (s *Source) compareField(id int32) error {
	way := s.table.Field(id)
	if len(way) == 0 {
		return fmt.Errorf("no version of the table has their field %d", id)
	}
	last := way[len(way)-1]
	for _, around := range way[:len(way)-1] {
		if around.Type.ID() != arrow.STRUCT {
			return fmt.Errorf("deletes by what is in a list or map, as the field %d (%s) in %s, are not implemented", id, last.Name, around.Name)
		}
	}
	if !iceberg.IsComparable(last.Type) {
		return fmt.Errorf("deletes by the field %d (%s), which is %s, are not implemented", id, last.Name, last.Type)
	}
	if s.compared.ids == nil {
		s.compared.ids = map[int32]bool{}
	}
	s.compared.ids[id] = true
	s.compared.columns = withField(s.compared.columns, way)
	return nil
}

// withField adds the field that a way leads to, to what columns have already.
func withField(columns, way []lake.Column) []lake.Column {
	c := way[0]
	at := slices.IndexFunc(columns, func(known lake.Column) bool { return known.ID == c.ID })
	if at < 0 {
		if slices.ContainsFunc(columns, func(known lake.Column) bool { return known.Name == c.Name }) {
			c.Name = fmt.Sprintf("%s (field %d)", c.Name, c.ID) // one of the two was dropped, and the other is its successor
		}
		c.Nullable, c.Fields = true, nil
		at, columns = len(columns), append(columns, c)
	}
	if len(way) > 1 {
		columns[at].MakeStruct(withField(columns[at].Fields, way[1:]))
	}
	return columns
}

// deleteKeys says how the compared fields are read; nil if there are none.
func (s *Source) deleteKeys() *parquetread.Projection {
	if len(s.compared.columns) == 0 {
		return nil
	}
	var fields []arrow.Field
	keys := &parquetread.Projection{
		Mapping: parquetread.MappingOf(&lake.Snapshot{Mapping: s.table.Mapping, Names: s.table.Names, Columns: s.compared.columns}),
	}
	for _, c := range s.compared.columns {
		fields = append(fields, parquetread.FieldOf(c))
		if c.Partition {
			keys.Partitions = append(keys.Partitions, c.Name)
		}
	}
	keys.Schema = batch.Schema{Schema: arrow.NewSchema(fields, nil)}
	return keys
}

// deleteKeysOf is what the table says of the compared columns of a file; nil if nothing, or nothing is compared with it.
func (s *Source) deleteKeysOf(file lake.File) (*batch.KeyValues, error) {
	if len(file.EqualityDeletes) == 0 {
		return nil, nil
	}
	values := &batch.KeyValues{}
	for _, c := range s.compared.columns {
		if c.Partition {
			values.Partitions = append(values.Partitions, file.Partition[s.partitionAt(c.ID)])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(file.Constants)) {
		if !s.compared.ids[id] {
			continue
		}
		at := slices.IndexFunc(s.compared.columns, func(c lake.Column) bool { return c.ID == id })
		if at < 0 {
			return nil, failure.New(failure.Source, "file %s: the value of the field %d, by which rows are deleted, may be in the partition alone, "+
				"which is not read of fields of structures", file.URI, id).
				WithHint("have the table compacted (rewrite_data_files)").BeforeData()
		}
		values.Constants = append(values.Constants, parquetread.FolderValue{Column: s.compared.columns[at].Name, Text: file.Constants[id]})
	}
	if len(values.Partitions)+len(values.Constants) == 0 {
		return nil, nil
	}
	return values, nil
}

// partitionAt is the index of a column among the partition columns of the table.
func (s *Source) partitionAt(id int32) int {
	at := 0
	for _, c := range s.table.Columns {
		switch {
		case c.ID == id:
			return at
		case c.Partition:
			at++
		}
	}
	return at
}
