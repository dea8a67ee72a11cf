package parquetread_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

// oneRow makes a record of a row whose columns have the given names and types, and no values.
func oneRow(fields ...arrow.Field) arrow.Record {
	columns := make([]arrow.Array, len(fields))
	for i, field := range fields {
		columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, field.Type, 1)
		fields[i].Nullable = true
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, 1)
}

func projectionOf(fields ...arrow.Field) parquetread.Projection {
	return parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema(fields, nil)}}
}

func TestWhatHyperdFindsInFiles(t *testing.T) {
	t.Parallel()
	field := func(name string, of arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: of, Nullable: true}
	}
	int64s, int32s, texts := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String
	required := arrow.Field{Name: "a", Type: int64s}
	moved := &parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "a", Stored: "col-1"}, {Name: "b"}}}
	plain := &arrow.TimestampType{Unit: arrow.Microsecond}
	for name, c := range map[string]struct {
		file    arrow.Record
		columns []arrow.Field
		mapping *parquetread.Mapping
		want    []batch.StoredColumn
		refusal string
	}{
		"as it is":              {oneRow(field("a", int64s)), []arrow.Field{field("a", int64s)}, nil, nil, ""},
		"as the table says":     {oneRow(field("col-1", int64s), field("b", texts)), []arrow.Field{field("a", int64s), field("b", texts)}, moved, nil, ""},
		"missing":               {oneRow(field("b", texts)), []arrow.Field{field("a", int64s), field("b", texts)}, nil, []batch.StoredColumn{{Column: "a"}}, ""},
		"missing in a table":    {oneRow(field("a", int64s)), []arrow.Field{field("a", int64s)}, moved, []batch.StoredColumn{{Column: "a"}}, ""},
		"missing, but required": {oneRow(field("b", texts)), []arrow.Field{required}, nil, nil, "column a is missing in some files"},
		"missing, of a type that has no NULL": {
			oneRow(field("b", texts)), []arrow.Field{field("a", arrow.ListOf(int64s))}, nil, nil, "column a is missing in some files",
		},
		"narrower": {
			oneRow(field("a", int32s)), []arrow.Field{field("a", int64s)}, nil, []batch.StoredColumn{{Column: "a", Stored: "a", From: "INTEGER", To: "BIGINT"}}, "",
		},
		"required in the file": {
			array.NewRecord(arrow.NewSchema([]arrow.Field{required}, nil), []arrow.Array{valuesOf(t, int64s, "1")}, 1), []arrow.Field{field("a", int64s)}, nil,
			[]batch.StoredColumn{{Column: "a", Stored: "a", From: "BIGINT NOT NULL", To: "BIGINT"}}, "",
		},
		"required in the table": {
			oneRow(field("a", int64s)), []arrow.Field{required}, nil, []batch.StoredColumn{{Column: "a", Stored: "a", From: "BIGINT NULL", To: "BIGINT"}}, "",
		},
		"of the same type there": {oneRow(field("a", arrow.PrimitiveTypes.Int8)), []arrow.Field{field("a", arrow.PrimitiveTypes.Int16)}, nil, nil, ""},
		"a date": {
			oneRow(field("a", arrow.FixedWidthTypes.Date32)), []arrow.Field{field("a", plain)}, nil, []batch.StoredColumn{{Column: "a", Stored: "a", From: "DATE", To: "TIMESTAMP"}}, "",
		},
		"milliseconds": {oneRow(field("a", &arrow.TimestampType{Unit: arrow.Millisecond})), []arrow.Field{field("a", plain)}, nil, nil, ""},
		"wider":        {oneRow(field("a", int64s)), []arrow.Field{field("a", int32s)}, nil, nil, "column a has several types"},
		"bytes that are the table's text": {
			oneRow(field("a", arrow.BinaryTypes.Binary)), []arrow.Field{field("a", texts)},
			&parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "a"}}}, nil, "column a has several types",
		},
		"bytes as text":   {oneRow(field("a", arrow.BinaryTypes.Binary)), []arrow.Field{field("a", texts)}, nil, nil, "column a has several types"},
		"numbers as text": {oneRow(field("a", int64s)), []arrow.Field{field("a", texts)}, nil, nil, "column a has several types"},
		"in another zone": {
			oneRow(field("a", arrow.FixedWidthTypes.Timestamp_us)), []arrow.Field{field("a", plain)}, nil, nil, "column a has several types",
		},
		"nanoseconds": {
			oneRow(field("a", &arrow.TimestampType{Unit: arrow.Nanosecond})), []arrow.Field{field("a", plain)}, nil, nil,
			"column a is stored in a form that not every reader takes for the same",
		},
		"without a name": {
			oneRow(field("", int64s)), []arrow.Field{field("a", int64s)},
			&parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{{Name: "a", ID: 1}}}, nil, "column a is stored under a name that SQL cannot have",
		},
		"under a name of the system": {
			oneRow(field("ctid", int64s)), []arrow.Field{field("a", int64s)},
			&parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "a", Stored: "ctid"}}}, nil, "column a is stored under a name that SQL cannot have",
		},
		"by id": {
			oneRow(field("b", int64s)), []arrow.Field{field("a", int64s)},
			&parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{{Name: "a", Stored: "x", ID: 1}}}, []batch.StoredColumn{{Column: "a", Stored: "b"}}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := withIDs(t, c.file)
			table := projectionOf(c.columns...)
			table.Mapping = c.mapping
			footer := footerOf(t, path)
			if c.mapping != nil {
				var err error
				footer, err = mappedFooter(t, path, *c.mapping)
				require.NoError(t, err)
			}
			columns, refusal := table.Deferral(footer, nil)
			assert.Equal(t, c.refusal, refusal)
			assert.Equal(t, c.want, columns)
		})
	}
	table := projectionOf(field("day", int64s))
	table.Partitions = []string{"day"}
	bad := "one"
	_, refusal := table.Deferral(footerOf(t, fixture("codec_none")), []*string{&bad})
	assert.Equal(t, "column day has a value that cannot be written in SQL", refusal)
}

// deferMapped sends a file in which "a" is stored as "col-1" next to another "a", and "b" is missing.
func deferMapped(t *testing.T, change func(*parquetread.FileRef)) []batch.Batch {
	record := oneRow(arrow.Field{Name: "a", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "col-1", Type: arrow.PrimitiveTypes.Int32})
	path := writeRecord(t, record, parquet.NewWriterProperties())
	table := projectionOf(
		arrow.Field{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
	)
	table.Partitions = []string{"day"}
	table.Mapping = &parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: "a", Stored: "col-1"}, {Name: "b", Stored: "col-2"}, {Name: "day", Stored: "col-3"}}}
	footer, err := mappedFooter(t, path, *table.Mapping)
	require.NoError(t, err)
	day := "2026-11-30"
	ref := parquetread.FileRef{Info: footer.Info, RowGroups: footer.RowGroups, Partitions: []*string{&day}, Deferred: true}
	var refusal string
	ref.Columns, refusal = table.Deferral(footer, ref.Partitions)
	require.Empty(t, refusal)
	change(&ref)
	batches, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{ref}}, table)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	return batches
}

func TestDeferredFilesOfTables(t *testing.T) {
	t.Parallel()
	columns := []batch.StoredColumn{{Column: "a", Stored: "col-1", From: "INTEGER", To: "BIGINT"}}
	constants := []batch.Constant{{Column: "day", SQL: "DATE '2026-11-30'"}, {Column: "b", SQL: "CAST(NULL AS TEXT)"}}
	local := deferMapped(t, func(*parquetread.FileRef) {})[0].Deferred
	require.NotNil(t, local)
	assert.Equal(t, columns, local.Columns)
	assert.Equal(t, constants, local.Constants)
	assert.Empty(t, local.Unverified)

	remote := deferMapped(t, func(ref *parquetread.FileRef) { ref.Info.URI, ref.Info.Version = "gs://no-such-bucket/a.parquet", "1" })[0].Deferred
	require.NotNil(t, remote)
	assert.Equal(t, columns, remote.Columns)
	assert.Equal(t, constants, remote.Constants)
	assert.Equal(t, []string{"col-1"}, remote.Unverified, "by the names in the file")

	other := deferMapped(t, func(ref *parquetread.FileRef) {
		ref.Columns = []batch.StoredColumn{{Column: "a", Stored: "a"}, {Column: "b"}}
	})
	assert.Nil(t, other[0].Deferred, "what the file says otherwise is not left to hyperd")
	assert.Equal(t, []string{"(null)"}, texts(other, "a"))
}

func TestDeferredFilesThatLackColumns(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("codec_none"))
	fields := append(table.Schema.Fields(), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	table = projectionOf(fields...)
	shard.Files[0].Deferred = true
	var refusal string
	shard.Files[0].Columns, refusal = table.Deferral(footerOf(t, fixture("codec_none")), nil)
	require.Empty(t, refusal)
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	require.NotNil(t, batches[0].Deferred)
	assert.Equal(t, []batch.StoredColumn{{Column: "id", Stored: "id"}, {Column: "text", Stored: "text"}}, batches[0].Deferred.Columns)
	assert.Equal(t, []batch.Constant{{Column: "more", SQL: "CAST(NULL AS BIGINT)"}}, batches[0].Deferred.Constants)

	shard.Files[0].Columns = nil
	batches, err = readAll(shard, table)
	require.NoError(t, err)
	assert.Nil(t, batches[0].Deferred, "who did not look for missing columns does not get away with it")
	assert.EqualValues(t, 200, rowsOf(batches))
}
