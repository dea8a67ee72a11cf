package convert_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
	"hyperlake/sinks/hyper"
)

// TestTypesAreTheSinks asks for every type by all its names, and for the Hyper type that the
// sink maps the result to.
func TestTypesAreTheSinks(t *testing.T) {
	t.Parallel()
	names := map[string][]string{
		"BOOLEAN": {"boolean", "bool", "BOOL"}, "SMALLINT": {"smallint", "int2"}, "INTEGER": {"integer", "int", "int4", "Integer"},
		"BIGINT": {"bigint", "int8"}, "REAL": {"real", "float4"}, "DOUBLE PRECISION": {"double precision", "Double  Precision", "float8", "float"},
		"TEXT": {"text", "varchar", "character varying"}, "BYTES": {"bytes", "bytea", "blob"}, "DATE": {"date"},
		"TIME": {"time", "time without time zone"}, "TIMESTAMP": {"timestamp", "timestamp without time zone"},
		"TIMESTAMPTZ": {"timestamptz", "timestamp with time zone"}, "NUMERIC(38,38)": {"numeric(38,38)"},
		"TABLEAU.TABGEOGRAPHY": {"geography", "tabgeography", "tableau.tabgeography"},
		"NUMERIC(5,0)":         {"numeric(5)", "decimal(5, 0)", "NUMERIC ( 5 , 0 )"},
	}
	format := hyper.FormatChoice{Pinned: true, Version: 4}
	for sql, spellings := range names {
		for _, name := range spellings {
			converter, err := convert.Compile(schemaOf(nullable("c", b.String)), "", []convert.Column{{Source: "c", Type: name}})
			require.NoError(t, err, name)
			column, err := hyper.MapField(converter.Schema().Field(0), format)
			require.NoError(t, err, name)
			assert.Equal(t, sql, column.SQLType, name)
		}
	}
}

// TestStandingTypesStay checks that a default alone does not change the Hyper type.
func TestStandingTypesStay(t *testing.T) {
	t.Parallel()
	types := []arrow.DataType{w.Boolean, p.Int8, p.Int16, p.Int32, p.Int64, p.Uint8, p.Uint16, p.Uint32, p.Uint64, w.Float16, p.Float32, p.Float64,
		decimal(38, 3), decimal(18, 0), &arrow.Decimal128Type{Precision: 5, Scale: -2}, &arrow.Decimal256Type{Precision: 38, Scale: 2},
		b.String, b.LargeString, b.Binary, b.LargeBinary, &arrow.FixedSizeBinaryType{ByteWidth: 3}, w.Date32, w.Date64, w.Time32s, w.Time64ns,
		stamp(arrow.Second, ""), stamp(arrow.Nanosecond, ""), stamp(arrow.Millisecond, "Asia/Tokyo"), &arrow.DurationType{Unit: arrow.Second}, arrow.Null}
	values := map[string]string{"BOOLEAN": "t", "BYTES": "00", "DATE": "2026-01-31", "TIME": "12:30", "TIMESTAMP": "2026-01-31", "TIMESTAMPTZ": "2026-01-31T00:00Z"}
	for _, version := range []hyper.FormatChoice{{}, {Pinned: true, Version: 4}} {
		for _, of := range types {
			plain, err := hyper.MapField(nullable("c", of), version)
			require.NoError(t, err)
			value, ok := values[plain.SQLType]
			if !ok {
				value = "0"
			}
			converter, err := convert.Compile(schemaOf(nullable("c", of)), "", []convert.Column{{Source: "c", Default: &value}})
			require.NoError(t, err, of)
			filled, err := hyper.MapField(converter.Schema().Field(0), version)
			require.NoError(t, err)
			assert.Equal(t, plain.SQLType, filled.SQLType, of)
			assert.False(t, filled.Nullable && of != arrow.Null)
			source := array.MakeArrayOfNull(memory.DefaultAllocator, of, 2)
			mapped, _, err := converter.Apply(array.NewRecord(schemaOf(nullable("c", of)), []arrow.Array{source}, -1))
			require.NoError(t, err)
			assert.Zero(t, mapped.Column(0).NullN(), of)
		}
	}
}

func TestEmptyRecords(t *testing.T) {
	t.Parallel()
	for _, of := range []arrow.DataType{b.String, p.Int64, arrow.ListOf(b.String), arrow.Null} {
		one := "1"
		schema := schemaOf(nullable("c", of))
		ask := convert.Column{Source: "c", Type: "text", Default: &one}
		converter, err := convert.Compile(schema, convert.JSON, []convert.Column{ask})
		require.NoError(t, err)
		mapped, failures, err := converter.Apply(array.NewRecord(schema, []arrow.Array{values(t, of, `[]`)}, 0))
		require.NoError(t, err)
		assert.Empty(t, failures)
		assert.Zero(t, mapped.NumRows())
	}
}

// TestApplyAtOnce is for the race detector: workers share converters and records.
func TestApplyAtOnce(t *testing.T) {
	t.Parallel()
	schema := schemaOf(nullable("c", b.String), nullable("l", arrow.ListOf(b.String)))
	converter, err := convert.Compile(schema, convert.JSON, []convert.Column{{Source: "c", Type: "timestamptz", Timezone: "Europe/Berlin"}})
	require.NoError(t, err)
	record := array.NewRecord(schema, []arrow.Array{
		values(t, b.String, `["2026-01-31", "2026-07-31", null]`), values(t, schema.Field(1).Type, `[["a"], null, []]`),
	}, -1)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			mapped, failures, err := converter.Apply(record)
			assert.NoError(t, err)
			assert.Empty(t, failures)
			assert.Equal(t, []string{"2026-01-30 23:00:00Z", "2026-07-30 22:00:00Z", "(null)"}, printed(mapped.Column(0)))
		})
	}
	group.Wait()
}

func TestColumnTravelsAsJSON(t *testing.T) {
	t.Parallel()
	empty := ""
	want := convert.Column{Source: "a", Nested: convert.JSON, Type: "date", Format: "%F", Timezone: "UTC", Default: &empty}
	data, err := json.Marshal(want)
	require.NoError(t, err)
	var got convert.Column
	require.NoError(t, json.Unmarshal(data, &got))
	assert.Equal(t, want, got)
}
