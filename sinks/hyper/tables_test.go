package hyper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// tableType is a type of a table's columns, and what its files may have instead.
type tableType struct {
	of         arrow.DataType
	narrower   []arrow.DataType
	values     []string // in the narrowest, as Arrow reads them
	partitions []string // as a table's metadata has them
}

var (
	plainStamp = &arrow.TimestampType{Unit: arrow.Microsecond}
	zonedStamp = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

	tableTypes = []tableType{
		{arrow.FixedWidthTypes.Boolean, nil, []string{"true", "false"}, []string{"true", "false"}},
		{arrow.PrimitiveTypes.Int8, nil, []string{"-128", "127", "0"}, []string{"-128", "127"}},
		{arrow.PrimitiveTypes.Int16, []arrow.DataType{arrow.PrimitiveTypes.Int8}, []string{"-128", "127", "0"}, []string{"-32768", "32767"}},
		{arrow.PrimitiveTypes.Int32, []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16}, []string{"-128", "127", "0"}, []string{"-2147483648", "2147483647"}},
		{arrow.PrimitiveTypes.Int64, []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int16}, []string{"-32768", "32767"}, []string{"-9223372036854775808", "9223372036854775807"}},
		{arrow.PrimitiveTypes.Float32, nil, []string{"0.1", "-1e-45", "3.4028235e+38", "NaN", "-0"}, []string{"0.1", "-1e-45", "3.4028235e+38", "-0.0"}},
		{arrow.PrimitiveTypes.Float64, []arrow.DataType{arrow.PrimitiveTypes.Float32}, []string{"0.1", "16777217", "-1e-45", "NaN"}, []string{"0.1", "5e-324", "1.7976931348623157E308", "-0.0"}},
		{arrow.PrimitiveTypes.Float64, []arrow.DataType{arrow.PrimitiveTypes.Int32}, []string{"2147483647", "-5"}, []string{"3"}},
		{&arrow.Decimal128Type{Precision: 14, Scale: 4}, []arrow.DataType{&arrow.Decimal128Type{Precision: 9, Scale: 2}, arrow.PrimitiveTypes.Int32}, []string{"-9999999", "12"}, []string{"-9999999999.9999", "1.5", "0"}},
		{&arrow.Decimal128Type{Precision: 38, Scale: 10}, []arrow.DataType{&arrow.Decimal128Type{Precision: 30, Scale: 9}}, []string{"-123456789012345678901.5", "12"}, []string{"9999999999999999999999999999.9999999999"}},
		{arrow.FixedWidthTypes.Date32, nil, []string{"0001-01-01", "9999-12-31"}, []string{"0001-01-01", "9999-12-31", "1969-12-31"}},
		{plainStamp, []arrow.DataType{arrow.FixedWidthTypes.Date32}, []string{"1999-12-31", "2026-01-02"}, []string{"1969-12-31 23:59:59.999999", "2024-01-01 12:34:56"}},
		{plainStamp, []arrow.DataType{&arrow.TimestampType{Unit: arrow.Millisecond}}, []string{"1999-12-31 00:00:00.123", "2026-01-02 01:02:03"}, []string{"2024-01-01T12:34:56.5"}},
		{zonedStamp, []arrow.DataType{&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}}, []string{"1999-12-31T00:00:00.123Z", "2026-01-02T01:02:03Z"}, []string{"2024-01-01T12:34:56.123456Z", "2024-01-01 12:34:56"}},
		{arrow.BinaryTypes.String, nil, []string{"", "it's ž", `a "b" \ c`}, []string{"it's ž", `a "b" \ c`, "NULL"}},
		{arrow.BinaryTypes.Binary, nil, []string{"AAE=", "/w==", ""}, []string{"a'b", "\x01\x02\x00"}},
	}

	oddNames = []string{"a", "A", "a.b", `it's "x"`, " ", "ž", "SELECT", "files", "a/b", "%s", "$1", "col-1"}
)

// tableCase draws a table and files of it.
type tableCase struct {
	*rand.Rand
	columns    []tableType // but for the first, a number of each row
	projection parquetread.Projection
	byID       bool
}

func (c *tableCase) name(i int) string { return oddNames[c.IntN(len(oddNames))] + strconv.Itoa(i) }

func drawTable(random *rand.Rand) *tableCase {
	c := &tableCase{Rand: random, byID: random.IntN(2) == 0}
	mapping := &parquetread.Mapping{ByID: c.byID}
	fields := []arrow.Field{{Name: "number", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}
	for i := range 8 {
		column := tableTypes[c.IntN(len(tableTypes))]
		c.columns = append(c.columns, column)
		fields = append(fields, arrow.Field{Name: c.name(i), Type: column.of, Nullable: true})
		if c.IntN(4) == 0 {
			c.projection.Partitions = append(c.projection.Partitions, fields[i+1].Name)
		}
	}
	stored := random.Perm(len(oddNames)) // some of which differ in case only
	for i, field := range fields {
		mapping.Columns = append(mapping.Columns, parquetread.MappedColumn{Name: field.Name, Stored: oddNames[stored[i]], ID: int32(i + 1)})
	}
	c.projection.Mapping, c.projection.Schema = mapping, batch.Schema{Schema: arrow.NewSchema(fields, nil)}
	return c
}

func (c *tableCase) isPartition(name string) (int, bool) {
	for i, partition := range c.projection.Partitions {
		if partition == name {
			return i, true
		}
	}
	return 0, false
}

// file writes a file of the table, in which columns are missing or narrower, or which has others.
func (c *tableCase) file(t *testing.T, first int) (path string, values []*string) {
	fields, columns := []arrow.Field{}, []arrow.Array{}
	rows := 1 + c.IntN(20)
	values = make([]*string, len(c.projection.Partitions))
	for i, mapped := range c.projection.Mapping.Columns {
		stored := mapped.Stored
		if c.byID && c.IntN(2) == 0 {
			stored = c.name(200 + i)
		}
		field := arrow.Field{Name: stored, Nullable: true, Type: arrow.PrimitiveTypes.Int64, Metadata: arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{strconv.Itoa(i + 1)})}
		if i == 0 {
			b := array.NewInt64Builder(memory.DefaultAllocator)
			for row := range rows {
				b.Append(int64(first + row))
			}
			fields, columns = append(fields, field), append(columns, b.NewArray())
			continue
		}
		of := c.columns[i-1]
		if at, isPartition := c.isPartition(mapped.Name); isPartition {
			if c.IntN(4) > 0 {
				values[at] = &of.partitions[c.IntN(len(of.partitions))]
			}
			if c.IntN(2) == 0 {
				continue // else the file has the column, with other values
			}
		} else if c.IntN(5) == 0 {
			continue
		}
		field.Type = of.of
		if len(of.narrower) > 0 && c.IntN(2) == 0 {
			field.Type = of.narrower[c.IntN(len(of.narrower))]
		}
		b := array.NewBuilder(memory.DefaultAllocator, field.Type)
		field.Nullable = c.IntN(4) > 0
		for range rows {
			if field.Nullable && c.IntN(4) == 0 {
				b.AppendNull()
			} else {
				require.NoError(t, b.AppendValueFromString(of.values[c.IntN(len(of.values))]), "%s", field.Type)
			}
		}
		fields, columns = append(fields, field), append(columns, b.NewArray())
	}
	record := array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	path = filepath.Join(t.TempDir(), fmt.Sprintf("file%d.parquet", first))
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path, values
}

// refs plans files, and says of each whether hyperd can read it; the references travel.
func (c *tableCase) refs(t *testing.T, files int) []parquetread.FileRef {
	var refs []parquetread.FileRef
	for i := range files {
		path, values := c.file(t, 1000*i)
		info, err := storage.Stat(t.Context(), path)
		require.NoError(t, err)
		footers, err := parquetread.ReadFooters(t.Context(), []storage.Info{info}, parquetread.FooterOptions{Mapping: c.projection.Mapping})
		require.NoError(t, err)
		ref := parquetread.FileRef{Info: info, RowGroups: footers[0].RowGroups, Partitions: values}
		var refusal string
		ref.Columns, refusal = c.projection.Deferral(footers[0], values)
		require.Empty(t, refusal)
		text, err := json.Marshal(ref)
		require.NoError(t, err)
		var arrived parquetread.FileRef
		require.NoError(t, json.Unmarshal(text, &arrived))
		refs = append(refs, arrived)
	}
	return refs
}

// rowsInOrder is all values of a table as text, row by row.
func rowsInOrder(t *testing.T, path, table string) []string {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	defer func() { require.NoError(t, conn.Detach(t.Context(), "x")) }()
	var rows []string
	require.NoError(t, conn.Query(t.Context(), fmt.Sprintf(`SELECT * FROM x."Extract".%s ORDER BY 1`, hyperd.QuoteName(table)), func(_ []hyperd.Field, values [][]byte) error {
		var row string
		for _, value := range values {
			if value == nil {
				row += "NULL|"
			} else {
				row += fmt.Sprintf("%q|", value)
			}
		}
		rows = append(rows, row)
		return nil
	}))
	return rows
}

// TestFilesOfTablesAreAlikeInBothEngines draws tables whose files have columns under other names, in narrower types or
// not at all, with partition columns of all types, and has hyperd read the same files as the reader here.
func TestFilesOfTablesAreAlikeInBothEngines(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 25 {
		c := drawTable(random)
		var columns []Column
		for _, field := range c.projection.Schema.Fields() {
			column, err := MapField(field, FormatChoice{})
			require.NoError(t, err)
			require.True(t, column.ReadsParquet())
			columns = append(columns, column)
		}
		l, path := startLoader(t, Layout{Version: 4, Tables: []Table{{Schema: "Extract", Name: "deferred", Columns: columns}, {Schema: "Extract", Name: "read", Columns: columns}}})
		refs := c.refs(t, 4)
		for table := range 2 {
			shard := parquetread.Shard{Table: table}
			for _, ref := range refs {
				ref.Deferred = table == 0
				shard.Files = append(shard.Files, ref)
			}
			require.NoError(t, parquetread.ReadShard(t.Context(), shard, c.projection, func(b batch.Batch) error {
				require.Equal(t, table == 0, b.Deferred != nil)
				if b.Deferred != nil {
					b.Deferred.Conditions = everything
				}
				return l.add(b)
			}))
		}
		file, err := complete(t.Context(), l)
		require.NoError(t, err)
		require.Empty(t, l.session.doubtful, "hyperd refused none")
		require.Equal(t, file.Tables[1], file.Tables[0])
		require.Equal(t, rowsInOrder(t, path, "read"), rowsInOrder(t, path, "deferred"))
		left := value(t, path, `SELECT count(*) FROM (SELECT * FROM x."Extract"."deferred" EXCEPT ALL SELECT * FROM x."Extract"."read") AS d`)
		assert.Equal(t, "0", left)
	}
}

// Conditions and counts are about the names of the table, also where a file has them for other columns.
func TestConditionsOnRenamedColumns(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	swapped := []batch.StoredColumn{{Column: "n", Stored: "d"}, {Column: "d", Stored: "n"}}
	write := func(first int64) batch.Batch {
		b := days(0, first, 10, aDate)
		fields := []arrow.Field{{Name: "d", Type: arrow.PrimitiveTypes.Int64}, {Name: "n", Type: arrow.FixedWidthTypes.Date32}}
		b.Record = array.NewRecord(arrow.NewSchema(fields, nil), b.Record.Columns(), 10)
		b = deferredColumns(t, b, 2, someRows)
		b.Deferred.Columns = swapped
		return b
	}
	for _, b := range []batch.Batch{write(0), deferredDays(t, 0, 3, 10, aDate, someRows), write(100)} {
		require.NoError(t, l.add(b))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, batch.Tally{Read: 30, Filtered: 3, Rejected: 2, Doubtful: 1}, file.Tables[0].Tally)
	assert.Equal(t, "25 3 109", value(t, path, `SELECT count(*) || ' ' || min(n) || ' ' || max(n) FROM x."Extract"."Extract"`))
}

func TestFilesThatHaveNoColumnOfTheTable(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	b := deferredDays(t, 0, 0, 10, aDate, batch.Conditions{Selected: "d IS NULL", Kept: "d IS NULL AND n = 7", Sound: "d IS NULL AND n = 7"})
	b.Deferred.Columns = []batch.StoredColumn{}
	b.Deferred.Constants = []batch.Constant{{Column: "n", SQL: "CAST('7' AS BIGINT)"}, {Column: "d", SQL: "CAST(NULL AS DATE)"}}
	require.NoError(t, l.add(b))
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, batch.Tally{Read: 10}, file.Tables[0].Tally)
	assert.Equal(t, "10 0 7", value(t, path, `SELECT count(*) || ' ' || count(d) || ' ' || max(n) FROM x."Extract"."Extract"`))
}

func TestFilesThatAreNoSourceTogether(t *testing.T) {
	t.Parallel()
	file := func(columns []batch.StoredColumn, constants ...batch.Constant) deferredFile {
		return deferredFile{Deferred: batch.Deferred{
			File: batch.FileRef{RowGroups: []batch.RowGroup{{Rows: 1}}}, Columns: columns, Constants: constants,
		}, path: `it's`}
	}
	one, other := []batch.StoredColumn{{Column: "a", Stored: `x"y`}}, []batch.StoredColumn{{Column: "a", Stored: `x"y`, From: "SMALLINT", To: "BIGINT"}}
	null := batch.Constant{Column: "b", SQL: "CAST(NULL AS TEXT)"}
	parts := cut([]deferredFile{file(nil), file(nil), file(one), file(one), file(other), file(one, null), file([]batch.StoredColumn{}, null)}, 1<<40)
	var sources []string
	for _, part := range parts {
		sources = append(sources, sourceSQL(part))
	}
	twice, once := `external(ARRAY['it''s', 'it''s'], format => 'parquet')`, `external(ARRAY['it''s'], format => 'parquet')`
	assert.Equal(t, []string{
		twice,
		`(SELECT "x""y" AS "a" FROM ` + twice + `) AS files`,
		`(SELECT CAST("x""y" AS BIGINT) AS "a" FROM ` + once + `) AS files`,
		`(SELECT "x""y" AS "a", CAST(NULL AS TEXT) AS "b" FROM ` + once + `) AS files`,
		`(SELECT CAST(NULL AS TEXT) AS "b" FROM ` + once + `) AS files`,
	}, sources)
}
