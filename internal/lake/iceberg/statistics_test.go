package iceberg_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"path"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/lake/iceberg/icebergtest"
)

func int32Of(n int32) []byte   { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
func int64Of(n int64) []byte   { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
func floatOf(f float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)) }
func doubleOf(f float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
}

// statisticsOf are those of a column with bounds, as JSON.
func statisticsOf(t *testing.T, kind any, lower, upper []byte) string {
	t.Helper()
	m := newMaker(t)
	bound := func(raw []byte) []object {
		if raw == nil {
			return nil
		}
		return []object{{"key": 2, "value": raw}}
	}
	entry := m.Added("a.parquet", object{"lower_bounds": bound(lower), "upper_bounds": bound(upper), "null_value_counts": []object{{"key": 2, "value": int64(3)}}})
	m.List("list.avro", m.Manifest("m.avro", data, entry))
	m.Metadata("v1.metadata.json", column(kind, nil))
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	files := filesOf(t, snapshot, "c")
	require.Len(t, files, 1)
	return jsonOf(t, files[0].Statistics["c"])
}

func jsonOf(t *testing.T, is lake.Statistics) string {
	t.Helper()
	raw, err := json.Marshal([]any{is.Min, is.Max, is.Nulls})
	require.NoError(t, err)
	return string(raw)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for name, c := range map[string]struct {
		kind         any
		lower, upper []byte
		want         string
	}{
		"none":                  {"int", nil, nil, `[null,null,3]`},
		"int":                   {"int", int32Of(math.MinInt32), int32Of(7), `["-2147483648","7",3]`},
		"long":                  {"long", int64Of(math.MinInt64), int64Of(math.MaxInt64), `["-9223372036854775808","9223372036854775807",3]`},
		"long that was int":     {"long", int32Of(-1), int64Of(1), `["-1","1",3]`},
		"int of the wrong size": {"int", int64Of(1), []byte{1}, `[null,null,3]`},
		"boolean":               {"boolean", []byte{0}, []byte{1}, `["false","true",3]`},
		"boolean of no value":   {"boolean", []byte{2}, []byte{}, `[null,null,3]`},
		"float":                 {"float", floatOf(0.1), floatOf(float32(math.Inf(1))), `["0.1","+Inf",3]`},
		"zeros":                 {"double", doubleOf(0), doubleOf(math.Copysign(0, -1)), `["-0","0",3]`},
		"double that was float": {"double", floatOf(0.1), doubleOf(0.1), `["0.10000000149011612","0.1",3]`},
		"NaN":                   {"double", doubleOf(nan), doubleOf(nan), `[null,null,3]`},
		"decimal":               {"decimal(9, 2)", []byte{0xff, 0x38}, []byte{0x04, 0xd2}, `["-2.00","12.34",3]`},
		"decimal, too long":     {"decimal(38, 0)", make([]byte, 17), []byte{}, `[null,null,3]`},
		"date":                  {"date", int32Of(-1), int32Of(2932896), `["1969-12-31","9999-12-31",3]`},
		"a date beyond":         {"date", int32Of(math.MinInt32), int32Of(2932897), `[null,null,3]`},
		"timestamp":             {"timestamp", int64Of(-1), int64Of(1500000), `["1969-12-31T23:59:59.999999","1970-01-01T00:00:01.5",3]`},
		"timestamptz":           {"timestamptz", int64Of(0), int64Of(math.MaxInt64), `["1970-01-01T00:00:00Z",null,3]`},
		"nanoseconds":           {"timestamp_ns", int64Of(-1), int64Of(1), `["1969-12-31T23:59:59.999999","1970-01-01T00:00:00.000001",3]`},
		"whole nanoseconds":     {"timestamptz_ns", int64Of(-2000), int64Of(2000), `["1969-12-31T23:59:59.999998Z","1970-01-01T00:00:00.000002Z",3]`},
		"string":                {"string", []byte(""), []byte("ü"), `["","ü",3]`},
		"string, cut amiss":     {"string", []byte("a\xc3"), []byte("a\ufffd"), `[null,null,3]`},
		"time":                  {"time", int64Of(0), int64Of(1), `[null,null,3]`},
		"uuid":                  {"uuid", make([]byte, 16), make([]byte, 16), `[null,null,3]`},
		"binary":                {"binary", []byte("a"), []byte("b"), `[null,null,3]`},
	} {
		assert.Equal(t, c.want, statisticsOf(t, c.kind, c.lower, c.upper), name)
	}
}

func TestBoundsOfPartitions(t *testing.T) {
	t.Parallel()
	long := `["null", "long"]`
	for name, c := range map[string]struct {
		kind, transform, avro string
		value                 any
		want                  string
	}{
		"day":                  {"timestamptz", "day", `["null", {"type": "int", "logicalType": "date"}]`, int32(19723), `["2024-01-01T00:00:00Z","2024-01-01T23:59:59.999999Z",0]`},
		"day as a number":      {"timestamp", "day", `["null", "int"]`, int32(1), `["1970-01-02T00:00:00","1970-01-02T23:59:59.999999",0]`},
		"a day before 1970":    {"timestamp", "day", `["null", "int"]`, int32(0), `["1969-12-31T00:00:00","1970-01-01T23:59:59.999999",0]`},
		"hour":                 {"timestamp", "hour", `["null", "int"]`, int32(25), `["1970-01-02T01:00:00","1970-01-02T01:59:59.999999",0]`},
		"month":                {"date", "month", `["null", "int"]`, int32(649), `["2024-02-01","2024-02-29",0]`},
		"year":                 {"date", "year", `["null", "int"]`, int32(54), `["2024-01-01","2024-12-31",0]`},
		"a year that none is":  {"date", "year", `["null", "int"]`, int32(math.MaxInt32), `[null,null,0]`},
		"truncated number":     {"long", "truncate[10]", long, int64(-10), `["-10","-1",0]`},
		"truncated, the last":  {"long", "truncate[10]", long, int64(math.MaxInt64 - 7), `["9223372036854775800",null,0]`},
		"truncated text":       {"string", "truncate[3]", `["null", "string"]`, "abc", `["abc",null,0]`},
		"text that is shorter": {"string", "truncate[10]", `["null", "string"]`, "abc", `["abc","abc",0]`},
		"truncated decimal":    {"decimal(9, 2)", "truncate[50]", `["null", {"type": "fixed", "name": "f", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}]`, []byte{0xff, 0xff, 0xff, 0xce}, `["-0.50","-0.01",0]`},
		"bucket":               {"long", "bucket[16]", `["null", "int"]`, int32(3), `[null,null,0]`},
		"NULL":                 {"long", "bucket[16]", `["null", "int"]`, nil, `[null,null,10]`},
		"void":                 {"long", "void", long, nil, `[null,null,-1]`},
		"unknown":              {"long", "zorder[3]", long, int64(3), `[null,null,-1]`},
	} {
		m := newMaker(t)
		partition := `{"name": "c_part", "type": ` + c.avro + `, "default": null, "field-id": 1000}`
		m.List("list.avro", m.Manifest("m.avro", kindOf(0, "data", partition, 1), m.Added("a.parquet", object{"partition": object{"c_part": c.value}})))
		other := column(c.kind, nil)
		other["partition-specs"] = []object{{"spec-id": 0, "fields": []object{{"source-id": 2, "field-id": 1000, "name": "c_part", "transform": c.transform}}}}
		m.Metadata("v1.metadata.json", other)
		snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
		require.NoError(t, err, name)
		assert.False(t, snapshot.Columns[0].Partition, name)
		found, ok := filesOf(t, snapshot, "c")[0].Statistics["c"]
		if !ok {
			found.Nulls = -1
		}
		assert.Equal(t, c.want, jsonOf(t, found), name)
	}
}

func TestPartitionColumns(t *testing.T) {
	t.Parallel()
	decimal := `{"type": "fixed", "name": "f", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}`
	for name, c := range map[string]struct {
		kind, avro string
		value      any
		want       string // as a partition column; "" if it is none
	}{
		"boolean":         {"boolean", `"boolean"`, true, "true"},
		"int":             {"int", `"int"`, int32(-5), "-5"},
		"long":            {"long", `"int"`, int32(-5), "-5"},
		"float":           {"float", `"float"`, float32(0.1), "0.1"},
		"double":          {"double", `"double"`, math.Copysign(0, -1), "-0"},
		"decimal":         {"decimal(9, 2)", decimal, []byte{0xff, 0xff, 0xff, 0xce}, "-0.50"},
		"date":            {"date", `{"type": "int", "logicalType": "date"}`, int32(-1), "1969-12-31"},
		"timestamp":       {"timestamp", `{"type": "long", "logicalType": "timestamp-micros"}`, int64(-1), "1969-12-31T23:59:59.999999"},
		"timestamptz":     {"timestamptz", `{"type": "long", "logicalType": "timestamp-micros"}`, int64(1), "1970-01-01T00:00:00.000001Z"},
		"string":          {"string", `"string"`, "", ""},
		"uuid":            {"uuid", `{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}`, []byte("0123456789abcdef"), "30313233-3435-3637-3839-616263646566"},
		"time":            {"time", `{"type": "long", "logicalType": "time-micros"}`, int64(1), "none"},
		"binary":          {"binary", `"bytes"`, []byte{0xff}, "none"},
		"fixed":           {"fixed[2]", `{"type": "fixed", "name": "x", "size": 2}`, []byte{0, 0xff}, "none"},
		"of another type": {"date", `"string"`, "2024-01-01", "error"},
	} {
		m := newMaker(t)
		partition := `{"name": "c", "type": ["null", ` + c.avro + `], "default": null, "field-id": 1000}`
		m.List("list.avro", m.Manifest("m.avro", kindOf(0, "data", partition, 1),
			m.Added("a.parquet", object{"partition": object{"c": c.value}}), m.Added("b.parquet", object{"partition": object{"c": nil}})))
		other := column(c.kind, nil)
		other["partition-specs"] = []object{{"spec-id": 0, "fields": []object{{"source-id": 2, "field-id": 1000, "name": "c", "transform": "identity"}}}}
		m.Metadata("v1.metadata.json", other)
		snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
		require.NoError(t, err, name)
		if c.want == "error" {
			assert.ErrorContains(t, filesError(t, m.Folder, iceberg.Latest()), "no date32 that can be written")
			continue
		}
		files := filesOf(t, snapshot)
		require.Len(t, files, 2)
		assert.Equal(t, c.want != "none", snapshot.Columns[0].Partition, name)
		if c.want == "none" {
			assert.Empty(t, files[0].Partition, name)
			continue
		}
		assert.Equal(t, []*string{&c.want}, files[0].Partition, name)
		assert.Equal(t, []*string{nil}, files[1].Partition, name)
	}
}

func TestColumnsThatOnlySomeFilesHaveAsPartitions(t *testing.T) {
	t.Parallel()
	m, x := newMaker(t), "x"
	with := m.Manifest("a.avro", kindOf(1, "data", textPartition, 1), m.Added("a.parquet", object{"partition": object{"p": "x"}}),
		m.Added("b.parquet", object{"partition": object{"p": nil}}))
	without := m.Manifest("c.avro", data, m.Added("c.parquet", nil))
	for name, manifests := range map[string][]object{"last": {with, without}, "first": {without, with}} {
		m.List("list.avro", manifests...)
		m.Metadata("v1.metadata.json", partitioned())
		snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
		require.NoError(t, err)
		assert.False(t, snapshot.Columns[1].Partition, name)
		constants, statistics := map[string]map[int32]*string{}, map[string]string{}
		for _, file := range filesOf(t, snapshot, "p") {
			assert.Empty(t, file.Partition, name)
			constants[path.Base(file.URI)] = file.Constants
			statistics[path.Base(file.URI)] = jsonOf(t, file.Statistics["p"])
		}
		assert.Equal(t, map[string]map[int32]*string{"a.parquet": {2: &x}, "b.parquet": {2: nil}, "c.parquet": nil}, constants, name)
		assert.Equal(t, map[string]string{"a.parquet": `["x","x",0]`, "b.parquet": `[null,null,10]`, "c.parquet": `[null,null,0]`}, statistics, name)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	fields := []object{}
	kinds := []any{
		"boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "string", "uuid", "binary",
		"unknown", "fixed[7]", "fixed[ 7 ]", "decimal(9,2)", "decimal(38, 38)",
		object{"type": "struct", "fields": []object{{"id": 101, "name": "a", "required": true, "type": "int"}}},
		object{"type": "list", "element-id": 102, "element": "string", "element-required": true},
		object{"type": "map", "key-id": 103, "key": "string", "value-id": 104, "value": "long", "value-required": false},
	}
	for i, kind := range kinds {
		fields = append(fields, object{"id": i + 1, "name": string(rune('a' + i)), "required": i%2 == 0, "type": kind})
	}
	m.List("list.avro")
	m.Metadata("v1.metadata.json", object{"format-version": 3, "schemas": []object{icebergtest.Schema(0, fields...)}})
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	var found []string
	for i, column := range snapshot.Columns {
		found = append(found, column.Type.String()+" "+column.Logical)
		assert.Equal(t, i%2 == 1, column.Nullable)
		assert.EqualValues(t, i+1, column.ID)
	}
	assert.Equal(t, []string{
		"bool ", "int32 ", "int64 ", "float32 ", "float64 ", "date32 ", "time64[us] ", "timestamp[us] ", "timestamp[us, tz=UTC] ", "timestamp[ns] ",
		"timestamp[ns, tz=UTC] ", "utf8 ", "fixed_size_binary[16] uuid", "binary ", "null ", "fixed_size_binary[7] ", "fixed_size_binary[7] ", "decimal(9, 2) ",
		"decimal(38, 38) ", "struct<a: int32> ", "list<element: utf8> ", "map<utf8, int64, items_nullable> ",
	}, found)
	assert.Equal(t, []int32{20, 101}, ids(snapshot.Field(101)))
	assert.Equal(t, []int32{22, 104}, ids(snapshot.Field(104)))
	assert.Nil(t, snapshot.Field(999))
	assert.Equal(t, arrow.INT32, snapshot.Field(101)[1].Type.ID())
}

func ids(way []lake.Column) []int32 {
	var all []int32
	for _, c := range way {
		all = append(all, c.ID)
	}
	return all
}

func TestFieldsOfOtherVersions(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro")
	m.Metadata("v1.metadata.json", object{"schemas": []object{
		icebergtest.Schema(3, object{"id": 5, "name": "old", "required": false, "type": "int"}, object{"id": 1, "name": "was", "required": false, "type": "int"}),
		icebergtest.Schema(4, object{"id": 5, "name": "dropped", "required": false, "type": "long"}), icebergtest.OneColumn(),
	}})
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	assert.Equal(t, "id", snapshot.Field(1)[0].Name)
	assert.Equal(t, "dropped", snapshot.Field(5)[0].Name)
}

func TestNameMapping(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro")
	m.Metadata("v1.metadata.json", object{"properties": object{"schema.name-mapping.default": `[
		{"field-id": 1, "names": ["id", "key"]}, {"names": ["nobody"]},
		{"field-id": 2, "names": ["s"], "fields": [{"field-id": 3, "names": ["a"], "fields": []}]}]`}})
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	assert.Equal(t, []lake.FieldName{
		{ID: 1, Names: []string{"id", "key"}}, {Names: []string{"nobody"}}, {ID: 2, Names: []string{"s"}, Fields: []lake.FieldName{{ID: 3, Names: []string{"a"}}}},
	}, snapshot.Names)
}
