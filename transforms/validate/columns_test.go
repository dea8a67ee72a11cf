package validate_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/transforms/validate"
)

// column makes an array of JSON: temporal values also as the plain numbers that are
// stored, floats also as "NaN" and "-0", decimals as their unscaled digits, float16 as its
// bits, dictionaries as their values.
func column(t testing.TB, dt arrow.DataType, values string) arrow.Array {
	t.Helper()
	switch dt := dt.(type) {
	case *arrow.Decimal128Type, *arrow.Decimal256Type:
		return decimals(t, dt, values)
	case *arrow.Float16Type:
		return retyped(column(t, arrow.PrimitiveTypes.Uint16, values), dt)
	}
	arr, _, err := array.FromJSON(memory.DefaultAllocator, dt, strings.NewReader(values), array.WithUseNumber())
	require.NoError(t, err, values)
	return arr
}

func decimals(t testing.TB, dt arrow.DataType, values string) arrow.Array {
	t.Helper()
	var digits []*string
	require.NoError(t, json.Unmarshal([]byte(values), &digits), values)
	builder := array.NewBuilder(memory.DefaultAllocator, dt)
	for _, d := range digits {
		if d == nil {
			builder.AppendNull()
			continue
		}
		n, ok := new(big.Int).SetString(*d, 10)
		require.True(t, ok, *d)
		switch b := builder.(type) {
		case *array.Decimal128Builder:
			b.Append(decimal128.FromBigInt(n))
		case *array.Decimal256Builder:
			b.Append(decimal256.FromBigInt(n))
		}
	}
	return builder.NewArray()
}

// retyped is arr with another type of the same layout.
func retyped(arr arrow.Array, dt arrow.DataType) arrow.Array {
	data := arr.Data()
	return array.MakeFromData(array.NewData(dt, data.Len(), data.Buffers(), data.Children(), data.NullN(), data.Offset()))
}

// inside is arr as a slice out of a longer array, so that its offset is before.
func inside(t testing.TB, arr arrow.Array, before int) arrow.Array {
	t.Helper()
	var parts []arrow.Array
	for n := 0; n < before+arr.Len(); n += arr.Len() {
		parts = append(parts, arr)
	}
	long, err := array.Concatenate(append(parts, arr), memory.DefaultAllocator)
	require.NoError(t, err)
	end := int64(len(parts) * arr.Len())
	return array.NewSlice(long, end, end+int64(arr.Len()))
}

func record(names string, columns ...arrow.Array) arrow.Record {
	var fields []arrow.Field
	for i, name := range strings.Fields(names) {
		fields = append(fields, arrow.Field{Name: name, Type: columns[i].DataType(), Nullable: true})
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, -1)
}

func compileFor(t testing.TB, record arrow.Record, rules string) *validate.Validator {
	t.Helper()
	v, err := validate.Compile(validate.Ruleset{Nested: convert.JSON, Rules: parseRules(t, rules)}, record.Schema())
	require.NoError(t, err, rules)
	return v
}

// brokenRows are the rows of a record that break a single rule.
func brokenRows(t testing.TB, v *validate.Validator, record arrow.Record) []int64 {
	t.Helper()
	_, rejects, err := v.Apply(batch.Batch{Record: record})
	require.NoError(t, err)
	if rejects == nil {
		return nil
	}
	return rejects.Rows
}

// textColumn makes a column of any bytes; null says which rows are NULL over their bytes.
func textColumn(t testing.TB, dt arrow.DataType, values []string, null []bool) arrow.Array {
	t.Helper()
	builder := array.NewBuilder(memory.DefaultAllocator, dt)
	for _, v := range values {
		switch b := builder.(type) {
		case *array.BinaryDictionaryBuilder:
			require.NoError(t, b.AppendString(v))
		case array.StringLikeBuilder:
			b.Append(v)
		}
	}
	data := builder.NewArray().Data()
	if null == nil {
		return array.MakeFromData(data)
	}
	valid := make([]byte, len(null)/8+1)
	for i := range null {
		bitutil.SetBitTo(valid, i, !null[i])
	}
	buffers := append([]*memory.Buffer{memory.NewBufferBytes(valid)}, data.Buffers()[1:]...)
	return array.MakeFromData(array.NewData(dt, data.Len(), buffers, nil, array.UnknownNullCount, 0))
}

// damagedDictionary is a column of text with an index that its dictionary does not have.
func damagedDictionary(t testing.TB) arrow.Array {
	t.Helper()
	dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	indices := column(t, arrow.PrimitiveTypes.Int8, `[0, 7]`).Data()
	data := array.NewData(dt, 2, indices.Buffers(), nil, 0, 0)
	data.SetDictionary(column(t, arrow.BinaryTypes.String, `["a"]`).Data())
	return array.NewDictionaryData(data)
}
