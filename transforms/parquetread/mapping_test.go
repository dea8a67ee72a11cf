package parquetread_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// mappedFooter is the footer of a file in the names of a table.
func mappedFooter(t testing.TB, path string, mapping parquetread.Mapping) (parquetread.Footer, error) {
	info, err := storage.Stat(t.Context(), path)
	if err != nil {
		return parquetread.Footer{}, err
	}
	footers, err := parquetread.ReadFooters(t.Context(), []storage.Info{info}, parquetread.FooterOptions{Mapping: &mapping})
	if err != nil {
		return parquetread.Footer{}, err
	}
	return footers[0], nil
}

// readMapped reads the columns that a footer in the names of a table has. The mapping travels first.
func readMapped(t testing.TB, footer parquetread.Footer, mapping parquetread.Mapping) ([]batch.Batch, error) {
	table := tableOf(footer)
	table.Mapping = &mapping
	text, err := json.Marshal(table)
	require.NoError(t, err)
	var arrived parquetread.Projection
	require.NoError(t, json.Unmarshal(text, &arrived))
	return readAll(parquetread.Shard{Files: []parquetread.FileRef{{Info: footer.Info, RowGroups: footer.RowGroups}}}, arrived)
}

// drawer draws mappings of columns that a file has.
type drawer struct {
	*rand.Rand
	names int
}

// oddName is one that nobody else has, of characters that need care.
func (d *drawer) oddName() string {
	d.names++
	return []string{`a.b`, `it's "x"`, `ž`, ` `, ``, `name`, `NAME`, `element`, `list`}[d.IntN(9)] + strconv.Itoa(d.names)
}

// column draws a mapping of a field, and returns what its values come to.
func (d *drawer) column(field arrow.Field) (parquetread.MappedColumn, func(any) any) {
	mapped, inside := d.inside(field.Type)
	id, _ := field.Metadata.GetValue("PARQUET:field_id")
	number, _ := strconv.ParseInt(id, 10, 32)
	return parquetread.MappedColumn{Name: d.oddName(), Stored: field.Name, ID: int32(number), Fields: mapped}, inside
}

func (d *drawer) inside(of arrow.DataType) ([]parquetread.MappedColumn, func(any) any) {
	same := func(value any) any { return value }
	if _, isNested := of.(arrow.NestedType); !isNested || d.IntN(8) == 0 {
		return nil, same
	}
	switch of := of.(type) {
	case *arrow.StructType:
		return d.structure(of)
	case *arrow.ListType:
		element, inside := d.column(of.ElemField())
		return []parquetread.MappedColumn{element}, eachItem(inside)
	case *arrow.MapType:
		key, keys := d.column(of.KeyField())
		value, values := d.column(of.ItemField())
		return []parquetread.MappedColumn{key, value}, eachItem(func(pair any) any {
			return []any{keys(pair.([]any)[0]), values(pair.([]any)[1])}
		})
	}
	return nil, same
}

func (d *drawer) structure(of *arrow.StructType) ([]parquetread.MappedColumn, func(any) any) {
	var columns []parquetread.MappedColumn
	var kept []func([]any) any
	none := d.IntN(6) == 0
	for i, field := range of.Fields() {
		if none || d.IntN(3) == 0 {
			continue
		}
		column, inside := d.column(field)
		columns = append(columns, column)
		kept = append(kept, func(values []any) any { return inside(values[i]) })
	}
	missing := parquetread.MappedColumn{Name: d.oddName(), Stored: "no such column", ID: 1 << 30}
	columns = slices.Insert(columns, d.IntN(len(columns)+1), missing)
	return columns, func(value any) any {
		if value == nil {
			return nil
		}
		fields := []any{}
		for _, keep := range kept {
			fields = append(fields, keep(value.([]any)))
		}
		return fields
	}
}

func eachItem(inside func(any) any) func(any) any {
	return func(value any) any {
		if value == nil {
			return nil
		}
		items := []any{}
		for _, item := range value.([]any) {
			if item != nil {
				item = inside(item)
			}
			items = append(items, item)
		}
		return items
	}
}

// requireMapped reads a file under drawn mappings, and compares what comes of it with what it has without.
func requireMapped(t *testing.T, random *rand.Rand, path string, schema *arrow.Schema, byID bool) {
	t.Helper()
	whole := readFile(t, path)
	for range 6 {
		d := drawer{Rand: random}
		mapping := parquetread.Mapping{ByID: byID, Columns: []parquetread.MappedColumn{{Name: "missing", Stored: "no such column", ID: 1 << 30}}}
		values := map[string][]any{}
		for i, field := range schema.Fields() {
			if d.IntN(5) == 0 {
				continue
			}
			column, inside := d.column(field)
			mapping.Columns = append(mapping.Columns, column)
			for _, b := range whole {
				for row := range int(b.Record.NumRows()) {
					values[column.Name] = append(values[column.Name], inside(canonical(t, b.Record.Column(i), row)))
				}
			}
		}
		random.Shuffle(len(mapping.Columns), func(i, j int) {
			mapping.Columns[i], mapping.Columns[j] = mapping.Columns[j], mapping.Columns[i]
		})
		footer, err := mappedFooter(t, path, mapping)
		require.NoError(t, err)
		require.Equal(t, len(mapping.Columns)-1, footer.Schema.NumFields())
		batches, err := readMapped(t, footer, mapping)
		require.NoError(t, err)
		for _, column := range mapping.Columns {
			if column.Name == "missing" {
				continue
			}
			var found []any
			for _, b := range batches {
				at := b.Record.Schema().FieldIndices(column.Name)
				require.Len(t, at, 1)
				for row := range int(b.Record.NumRows()) {
					found = append(found, canonical(t, b.Record.Column(at[0]), row))
				}
			}
			require.Equal(t, values[column.Name], found, "%s, %q, which is %q", path, column.Stored, column.Name)
			require.Equal(t, column.Stored, footer.Stored(column.Name))
			chunk, ok := footer.Chunk(0, column.Name)
			require.True(t, ok)
			require.Positive(t, chunk.Bytes)
		}
	}
}

// TestMappedColumns renames and drops columns and what is in them, in files of all the forms that nested columns have.
func TestMappedColumns(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for _, name := range []string{
		"nested", "nested_shapes_v1", "nested_shapes_v2", "nested_shapes_odd", "nested_polars", "nested_duckdb", "embedded", "embedded_odd", "int96", "types",
	} {
		schema := footerOf(t, fixture(name)).Schema
		if hasTwins(schema) {
			continue
		}
		requireMapped(t, random, fixture(name), schema, false)
	}
}

// numbered gives fields, and those in them, ids as writers do.
func numbered(next *int, field arrow.Field) arrow.Field {
	*next++
	field.Metadata = arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{strconv.Itoa(*next)})
	switch of := field.Type.(type) {
	case *arrow.StructType:
		var fields []arrow.Field
		for _, inner := range of.Fields() {
			fields = append(fields, numbered(next, inner))
		}
		field.Type = arrow.StructOf(fields...)
	case *arrow.ListType:
		field.Type = arrow.ListOfField(numbered(next, of.ElemField()))
	case *arrow.MapType:
		key, value := numbered(next, of.KeyField()), numbered(next, of.ItemField())
		field.Type = arrow.MapOfWithMetadata(key.Type, key.Metadata, value.Type, value.Metadata)
	}
	return field
}

// withIDs writes a file whose columns, of flat types, have ids from 1 on.
func withIDs(t testing.TB, record arrow.Record) (string, *arrow.Schema) {
	schema := allNumbered(record.Schema())
	return writeRecord(t, array.NewRecord(schema, record.Columns(), record.NumRows()), parquet.NewWriterProperties()), schema
}

// allNumbered is the columns of a file with the ids that they have if all have some, depth first.
func allNumbered(schema *arrow.Schema) *arrow.Schema {
	var fields []arrow.Field
	next := 0
	for _, field := range schema.Fields() {
		fields = append(fields, numbered(&next, field))
	}
	return arrow.NewSchema(fields, nil)
}

func TestColumnsMappedByID(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	path, schema := withIDs(t, randomRecord(t, random, 300))
	requireMapped(t, random, path, schema, true)
	for range 10 {
		requireMapped(t, random, fixture("nested_ids"), allNumbered(footerOf(t, fixture("nested_ids")).Schema), true)
	}
}

func TestMappingsOfSnapshots(t *testing.T) {
	t.Parallel()
	snapshot := lake.Snapshot{Mapping: lake.ByID, Columns: []lake.Column{
		{ID: 1, Name: "a", Stored: "col-1", Fields: []lake.Column{{ID: 3, Name: "element", Stored: "element"}}}, {ID: 2, Name: "day", Stored: "day", Partition: true},
	}}
	assert.Equal(t, &parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{
		{Name: "a", Stored: "col-1", ID: 1, Fields: []parquetread.MappedColumn{{Name: "element", Stored: "element", ID: 3}}}, {Name: "day", Stored: "day", ID: 2},
	}}, parquetread.MappingOf(&snapshot))
	snapshot.Mapping = lake.ByName
	assert.False(t, parquetread.MappingOf(&snapshot).ByID)
}

// Names can be swapped, and a column can have the name that another one has in files.
func TestNamesThatChangedPlaces(t *testing.T) {
	t.Parallel()
	footer, batches := footerOf(t, fixture("codec_none")), readFile(t, fixture("codec_none"))
	require.Equal(t, "id", footer.Schema.Field(0).Name)
	mapping := parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "id", Stored: "text"}, {Name: "text", Stored: "id"}}}
	mapped, err := mappedFooter(t, fixture("codec_none"), mapping)
	require.NoError(t, err)
	found, err := readMapped(t, mapped, mapping)
	require.NoError(t, err)
	assert.Equal(t, texts(batches, "id"), texts(found, "text"))
	assert.Equal(t, texts(batches, "text"), texts(found, "id"))
	assert.Equal(t, "text", mapped.Stored("id"))
	assert.Equal(t, "other", mapped.Stored("other"))
	for _, names := range [][2]string{{"id", "text"}, {"text", "id"}} {
		was, _ := footer.Chunk(0, names[0])
		is, ok := mapped.Chunk(0, names[1])
		require.True(t, ok)
		assert.Equal(t, was, is)
	}
}

func TestTablesOfWhoseColumnsAFileHasNone(t *testing.T) {
	t.Parallel()
	mapping := parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "id", Stored: "col-1"}}}
	footer, err := mappedFooter(t, fixture("codec_none"), mapping)
	require.NoError(t, err)
	assert.False(t, footer.IsHollow(), "it has rows")
	table := parquetread.Projection{Mapping: &mapping, Schema: batch.Schema{Schema: arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)}}
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: footer.Info, RowGroups: footer.RowGroups}}}
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]string{"(null)"}, 200), texts(batches, "id"))

	table.Schema = batch.Schema{Schema: arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)}
	_, err = readAll(shard, table)
	assertSourceError(t, err, fixture("codec_none"), `there is no "id"`)
}

func int64s(values ...int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func TestMappingsThatDoNotFit(t *testing.T) {
	t.Parallel()
	twice, _ := withIDs(t, array.NewRecord(arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.PrimitiveTypes.Int64},
	}, nil), slices.Repeat([]arrow.Array{int64s(1)}, 2), 1))
	columns := func(c ...parquetread.MappedColumn) []parquetread.MappedColumn { return c }
	for name, c := range map[string]struct {
		path    string
		mapping parquetread.Mapping
		want    string
	}{
		"no ids": {
			fixture("codec_none"), parquetread.Mapping{ByID: true, Columns: columns(parquetread.MappedColumn{Name: "id", ID: 1})}, "no field ids",
		},
		"two columns of one name": {
			twice, parquetread.Mapping{Columns: columns(parquetread.MappedColumn{Name: "x", Stored: "a"})}, `"a" and "a" are both the column "x"`,
		},
		"one name for two": {
			twice, parquetread.Mapping{Columns: columns(parquetread.MappedColumn{Name: "a", Stored: "b"}, parquetread.MappedColumn{Name: "a"})}, `two columns are named "a"`,
		},
		"two stored as one": {
			twice, parquetread.Mapping{Columns: columns(parquetread.MappedColumn{Name: "b", Stored: "a"}, parquetread.MappedColumn{Name: "a"})}, `columns "b" and "a" are stored as "a"`,
		},
		"one id for two": {
			twice, parquetread.Mapping{ByID: true, Columns: columns(parquetread.MappedColumn{Name: "b", ID: 1}, parquetread.MappedColumn{Name: "a", ID: 1})}, `columns "b" and "a" have the id 1`,
		},
		"inside": {
			twice, parquetread.Mapping{Columns: columns(parquetread.MappedColumn{Name: "s", Fields: columns(parquetread.MappedColumn{Name: "b"}, parquetread.MappedColumn{Name: "b"})})}, `column "s": two columns are named "b"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mappedFooter(t, c.path, c.mapping)
			assertSourceError(t, err, c.want)
			table := parquetread.Projection{Mapping: &c.mapping, Schema: batch.Schema{Schema: arrow.NewSchema(nil, nil)}}
			_, err = readAll(parquetread.Shard{Files: []parquetread.FileRef{{Info: stat(t, c.path)}}}, table)
			assertSourceError(t, err, c.want)
		})
	}
	byID := parquetread.Mapping{ByID: true, Columns: columns(parquetread.MappedColumn{Name: "x", ID: 2})}
	footer, err := mappedFooter(t, twice, byID)
	require.NoError(t, err, "ids tell columns of one name apart")
	assert.Equal(t, []string{"x"}, []string{footer.Schema.Field(0).Name})
}

// Footers of files that are alike share what they say of columns, also in the names of a table.
func TestMappedFootersInSummary(t *testing.T) {
	t.Parallel()
	mapping := parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "number", Stored: "id"}}}
	files := slices.Repeat([]storage.Info{stat(t, fixture("codec_none"))}, 3)
	footers, err := parquetread.ReadFooters(t.Context(), files, parquetread.FooterOptions{
		Mapping: &mapping, IsWanted: func(column string) bool { return column == "number" },
	})
	require.NoError(t, err)
	for _, footer := range footers {
		assert.Same(t, footers[0].Schema, footer.Schema)
		assert.Equal(t, "id", footer.Stored("number"))
		chunk, ok := footer.Chunk(0, "number")
		require.True(t, ok)
		require.NotNil(t, chunk.Statistics.Bounds)
		assert.Equal(t, "[0 199]", fmt.Sprint(chunk.Statistics.Bounds))
		_, ok = footer.Chunk(0, "id")
		assert.False(t, ok)
	}
	found := parquetread.FindColumns(footers)
	require.Len(t, found, 1)
	assert.Equal(t, "number", found[0].Field.Name)
	assert.False(t, found[0].Drifts())
}
