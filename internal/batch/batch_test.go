package batch

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/vector"
	"hyperlake/internal/storage"
)

func sampleRecord() arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true, Metadata: arrow.NewMetadata([]string{LogicalTypeKey}, []string{LogicalUnknown})},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 20 {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.StringBuilder).Append("čárka")
		builder.Field(2).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(-i)))
		builder.Field(3).(*array.BooleanBuilder).Append(i%3 == 0)
	}
	builder.Field(0).(*array.Int64Builder).AppendNull()
	builder.Field(1).(*array.StringBuilder).AppendNull()
	builder.Field(2).(*array.Decimal128Builder).Append(decimal128.MaxDecimal128)
	builder.Field(3).(*array.BooleanBuilder).AppendNull()
	return builder.NewRecord()
}

func TestCodersKeepEverything(t *testing.T) {
	t.Parallel()
	whole := sampleRecord()
	for _, record := range []arrow.Record{whole, whole.NewSlice(3, 17), whole.NewSlice(20, 21), whole.NewSlice(0, 0)} {
		b := Batch{Table: 2, Origin: Origin{"gs://lake/a.parquet", 7, 1 << 40}, Tally: Tally{Read: 5, Filtered: 1, Rejected: 2, Failed: []int64{0, 2}, Deleted: 7}, Target: Target{3, "a%20b"}, Attempt: "a1", Unit: "u", Record: record}
		for row := range record.NumRows() {
			b.Rows = append(b.Rows, 1<<40+3*row)
		}
		data, err := encodeBatch(b)
		require.NoError(t, err)
		got, err := decodeBatch(data)
		require.NoError(t, err)
		assert.True(t, array.RecordEqual(record, got.Record))
		assert.True(t, record.Schema().Equal(got.Record.Schema()), "metadata included")
		b.Record, got.Record = nil, nil
		assert.Equal(t, b, got)

		r := Rejects{Table: 1, Origin: Origin{"a", 0, 0}, Attempt: "a1", Unit: "u", Rows: []int64{5, 6}, Rules: [][]int{{0}, {0, 3}}, Record: record}
		data, err = encodeRejects(r)
		require.NoError(t, err)
		gotRejects, err := decodeRejects(data)
		require.NoError(t, err)
		assert.True(t, array.RecordEqual(record, gotRejects.Record))
		r.Record, gotRejects.Record = nil, nil
		assert.Equal(t, r, gotRejects)
	}
}

func TestNumbersOfRows(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, 12, Batch{Origin: Origin{FirstRow: 10}}.Number(2))
	assert.EqualValues(t, 17, Batch{Origin: Origin{FirstRow: 10}, Rows: []int64{10, 15, 17}}.Number(2))

	data, err := encodeBatch(Batch{Rows: []int64{1, 2}, Record: sampleRecord()})
	require.NoError(t, err)
	_, err = decodeBatch(data)
	require.ErrorContains(t, err, "21 rows, and numbers for 2")
}

func TestEncodeRefusesABatchWithoutRecord(t *testing.T) {
	t.Parallel()
	_, err := encodeBatch(Batch{})
	require.Error(t, err)
}

func TestCodersKeepDeferredFiles(t *testing.T) {
	t.Parallel()
	partition := "x"
	b := Batch{Table: 1, Origin: Origin{File: "a"}, Tally: Tally{Read: 5}, Deferred: &Deferred{
		File: FileRef{
			Info: storage.Info{URI: "a", Size: 5, Modified: time.Unix(1, 5).UTC()}, Partitions: []*string{nil, &partition},
			RowGroups: []RowGroup{{Rows: 2, Bytes: 7}, {Index: 1, Rows: 3, FirstRow: 2, Bytes: 8}}, Deferred: true,
			Columns: []StoredColumn{{Column: "b"}, {Column: "c", Stored: "d", From: "REAL", To: "DOUBLE PRECISION"}},
			Deletes: &vector.Vector{ID: "u", URI: "b", Offset: 1, Size: 3, Inline: []byte{1}, Cardinality: 4},
		},
		Conditions: Conditions{Mapped: "n", Selected: "TRUE", Kept: "a", Sound: "b"}, Unverified: []string{"n"}, Last: true, Columns: []StoredColumn{},
	}}
	assert.EqualValues(t, 5, b.Deferred.File.Rows())
	assert.EqualValues(t, 15, b.Deferred.File.Bytes())
	data, err := encodeBatch(b)
	require.NoError(t, err)
	got, err := decodeBatch(data)
	require.NoError(t, err)
	assert.Equal(t, b, got)
}

func TestDecodeRefusesWhatIsCutOff(t *testing.T) {
	t.Parallel()
	data, err := encodeBatch(Batch{Record: sampleRecord()})
	require.NoError(t, err)
	for size := range len(data) - 8 { // the end-of-stream mark may be missing
		_, err := decodeBatch(data[:size])
		require.Error(t, err, size)
	}
}

func TestTalliesAddUp(t *testing.T) {
	t.Parallel()
	sum := Tally{Read: 1, Failed: []int64{1}}
	sum.Add(Tally{Read: 10, Filtered: 2, Rejected: 3, Failed: []int64{1, 2}, Doubtful: 3, Deleted: 4})
	sum.Add(Tally{Doubtful: -1, Deleted: 1})
	assert.Equal(t, Tally{Read: 11, Filtered: 2, Rejected: 3, Failed: []int64{2, 2}, Doubtful: 2, Deleted: 5}, sum)
	assert.EqualValues(t, 6, sum.Left())
}

func TestTalliesOfUnitsAddUp(t *testing.T) {
	t.Parallel()
	first := Batch{Unit: "a", Tally: Tally{Read: 5, Filtered: 1, Failed: []int64{1}, Doubtful: 1}}.Account()
	var sum Tally
	for _, other := range []Tally{first, first, Tally{Read: 2, Deleted: 1}.Of("b"), Tally{Read: 3}.Of(""), {Units: []UnitCounts{{"a", Counts{Failed: []int64{0, 4}}}}}} {
		sum.Add(other)
	}
	assert.Equal(t, Tally{
		Read: 15, Filtered: 2, Deleted: 1, Failed: []int64{2}, Doubtful: 2,
		Units: []UnitCounts{{"a", Counts{Read: 10, Filtered: 2, Failed: []int64{2, 4}}}, {"b", Counts{Read: 2, Deleted: 1}}},
	}, sum)
	assert.Equal(t, sum, sum.Of("c"), "its units are known")
	clone := sum.Clone()
	clone.Add(first)
	assert.EqualValues(t, 10, sum.Units[0].Counts.Read, "others keep their counts")
	assert.Equal(t, []int64{1}, first.Units[0].Counts.Failed)
}

func TestAddLeavesTheOtherTallyAlone(t *testing.T) {
	t.Parallel()
	other := Tally{Failed: []int64{1}}
	var sum Tally
	sum.Add(other)
	sum.Add(other)
	assert.Equal(t, []int64{1}, other.Failed)
}
