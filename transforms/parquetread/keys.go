package parquetread

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/lake/iceberg"
)

// only is the projection of those columns that have some fields, which ascend, and the ways to the fields in its records. Of
// the mapping it has all, since names are found by it.
func (t *Projection) only(fields []int32) (Projection, []iceberg.Path, error) {
	var columns []arrow.Field
	var paths []iceberg.Path
	var kept []int // of the columns, where they were
	for _, id := range fields {
		var path iceberg.Path
		if t != nil {
			path = pathTo(id, t.Mapping.Columns)
		}
		if path == nil {
			return Projection{}, nil, fmt.Errorf("rows are deleted by the field %d, which was not planned for", id)
		}
		at := slices.Index(kept, path[0])
		if at < 0 {
			at = len(kept)
			kept = append(kept, path[0])
			columns = append(columns, t.Schema.Field(path[0]))
		}
		path[0] = at
		paths = append(paths, path)
	}
	return Projection{Schema: batch.Schema{Schema: arrow.NewSchema(columns, nil)}, Partitions: t.Partitions, Mapping: t.Mapping}, paths, nil
}

// pathTo is the way to the field of an id, in columns or in structures.
func pathTo(id int32, columns []MappedColumn) iceberg.Path {
	for i, c := range columns {
		if c.ID == id {
			return iceberg.Path{i}
		}
		if inside := pathTo(id, c.Fields); inside != nil {
			return slices.Insert(inside, 0, i)
		}
	}
	return nil
}

// requirePaths refuses a file of equality deletes that lacks one of its fields: nobody knows which rows it means.
func requirePaths(file *arrow.Schema, keys Projection, paths []iceberg.Path, fields []int32) error {
	for i, path := range paths {
		column := keys.Schema.Field(path[0])
		found, ok := file.FieldsByName(column.Name)
		for _, at := range path[1:] {
			if !ok {
				break
			}
			column = column.Type.(*arrow.StructType).Field(at)
			parts, isStruct := found[0].Type.(*arrow.StructType)
			if ok = isStruct; ok {
				found, ok = parts.FieldsByName(column.Name)
			}
		}
		if !ok {
			return fmt.Errorf("it lacks the field %d (%s), by which it deletes rows", fields[i], column.Name)
		}
	}
	return nil
}

// keysOf is a data file as it is read for the values that equality deletes compare.
func (d *deleteFiles) keysOf(ref FileRef) (FileRef, error) {
	data := FileRef{Info: ref.Info, RowGroups: ref.RowGroups}
	if ref.Keys == nil {
		return data, nil
	}
	data.Partitions = ref.Keys.Partitions
	if len(ref.Keys.Constants) == 0 {
		return data, nil
	}
	names, err := d.keys.Mapping.compile()
	if err != nil {
		return data, err
	}
	footer, err := readFooter(d.ctx, ref.Info, names)
	if err != nil {
		return data, err
	}
	for _, known := range ref.Keys.Constants {
		if !footer.Schema.HasField(known.Column) { // what the file has counts
			data.Folders = append(data.Folders, known)
		}
	}
	return data, nil
}
