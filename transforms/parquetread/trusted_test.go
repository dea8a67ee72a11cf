package parquetread

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/transforms/parquetread/internal/format"
)

// Numbers of the fields of Parquet's Statistics.
const (
	oldMax, oldMin, nulls, newMax, newMin = 1, 2, 3, 5, 6
)

// said is what a writer says about a column of ten rows.
type said struct {
	physical format.Physical
	length   int32
	logical  format.LogicalType
	orders   []format.ColumnOrder // those that follow from types when nil
	nulls    int64
	fields   map[byte]string // of the statistics
}

// bounds returns what is known after a writer said so, as text.
func (s said) bounds() (string, int64) {
	var raw []byte
	last := byte(0)
	for field := byte(oldMax); field <= newMin; field++ {
		value, ok := s.fields[field]
		if field == nulls && s.nulls != 0 {
			raw = binary.AppendVarint(append(raw, (field-last)<<4|6), s.nulls)
			last = field
		}
		if ok {
			raw = append(append(raw, (field-last)<<4|8, byte(len(value))), value...)
			last = field
		}
	}
	if s.orders == nil {
		s.orders = []format.ColumnOrder{format.TypeOrder}
	}
	element := format.SchemaElement{Name: "c", Repetition: format.Optional, Physical: s.physical, TypeLength: s.length, Logical: s.logical}
	n := node{SchemaElement: element}
	c := contents{meta: &format.FileMetaData{Orders: s.orders}}
	known := c.statistics(n, n.field(), format.RowGroup{
		Rows: 10, Columns: []format.ColumnChunk{{Physical: s.physical, Statistics: append(raw, 0)}},
	})
	if known.Bounds == nil {
		return "", known.Nulls
	}
	return known.Bounds.ValueStr(0) + " to " + known.Bounds.ValueStr(1), known.Nulls
}

func int32s(value int32) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(value))) }

func doubles(value float64) string {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(value)))
}

func TestBoundsThatAreTrusted(t *testing.T) {
	t.Parallel()
	text, unsigned := format.LogicalType{ID: format.String}, format.LogicalType{ID: format.Integer, Bits: 32}
	decimal := format.LogicalType{ID: format.Decimal, Precision: 9, Scale: 2}
	old := func(least, most string) map[byte]string { return map[byte]string{oldMin: least, oldMax: most} }
	both := func(least, most string) map[byte]string { return map[byte]string{newMin: least, newMax: most} }
	undefined := []format.ColumnOrder{2}
	negativeZero := math.Copysign(0, -1)
	for name, c := range map[string]struct {
		said said
		want string // empty when nothing is known
	}{
		"numbers":                        {said{physical: format.Int32, fields: both(int32s(-1), int32s(5))}, "-1 to 5"},
		"numbers of old":                 {said{physical: format.Int32, fields: old(int32s(-1), int32s(5))}, "-1 to 5"},
		"numbers of old without orders":  {said{physical: format.Int32, fields: old(int32s(-1), int32s(5)), orders: []format.ColumnOrder{}}, "-1 to 5"},
		"numbers of another order":       {said{physical: format.Int32, fields: both(int32s(-1), int32s(5)), orders: undefined}, ""},
		"numbers of no order":            {said{physical: format.Int32, fields: both(int32s(-1), int32s(5)), orders: []format.ColumnOrder{}}, ""},
		"equal numbers":                  {said{physical: format.Int32, fields: both(int32s(5), int32s(5))}, "5 to 5"},
		"numbers in the wrong order":     {said{physical: format.Int32, fields: both(int32s(5), int32s(-1))}, ""},
		"numbers of another length":      {said{physical: format.Int32, fields: both(int32s(5), doubles(7))}, ""},
		"numbers without bytes":          {said{physical: format.Int32, fields: both("", "")}, ""},
		"one number":                     {said{physical: format.Int32, fields: map[byte]string{newMin: int32s(1)}}, ""},
		"unsigned":                       {said{physical: format.Int32, logical: unsigned, fields: both(int32s(5), int32s(-1))}, "5 to 4294967295"},
		"unsigned of old":                {said{physical: format.Int32, logical: unsigned, fields: old(int32s(1), int32s(5))}, ""},
		"decimals":                       {said{physical: format.Int32, logical: decimal, fields: old(int32s(-150), int32s(5))}, "-1.5 to 0.05"},
		"decimals beyond their digits":   {said{physical: format.Int32, logical: decimal, fields: both(int32s(0), int32s(math.MaxInt32))}, "0 to 21474836.5"},
		"decimals in bytes":              {said{physical: format.ByteArray, logical: decimal, fields: both("\xff\x00", "\x05")}, "-2.56 to 0.05"},
		"decimals in bytes, as if bytes": {said{physical: format.ByteArray, logical: decimal, fields: both("\x05", "\xff\x00")}, ""},
		"decimals in bytes, of old":      {said{physical: format.ByteArray, logical: decimal, fields: old("\x01", "\x05")}, ""},
		"text":                           {said{physical: format.ByteArray, logical: text, fields: both("", "\xc5\xbe")}, " to ž"},
		"text of old":                    {said{physical: format.ByteArray, logical: text, fields: old("a", "b")}, ""},
		"text in the order of chars":     {said{physical: format.ByteArray, logical: text, fields: both("\xc5\xbe", "a")}, ""},
		"bytes of fixed length, of old":  {said{physical: format.FixedLenByteArray, length: 1, fields: old("a", "b")}, ""},
		"booleans":                       {said{physical: format.Boolean, fields: old("\x00", "\x01")}, "false to true"},
		"booleans in the wrong order":    {said{physical: format.Boolean, fields: both("\x01", "\x00")}, ""},
		"floats":                         {said{physical: format.Double, fields: both(doubles(-1.5), doubles(2))}, "-1.5 to 2"},
		"floats from NaN":                {said{physical: format.Double, fields: both(doubles(math.NaN()), doubles(2))}, ""},
		"floats to NaN":                  {said{physical: format.Double, fields: both(doubles(1), doubles(math.NaN()))}, ""},
		"floats from zero":               {said{physical: format.Double, fields: both(doubles(0), doubles(2))}, "-0 to 2"},
		"floats to negative zero":        {said{physical: format.Double, fields: both(doubles(-2), doubles(negativeZero))}, "-2 to 0"},
		"half floats from zero":          {said{physical: format.FixedLenByteArray, length: 2, logical: format.LogicalType{ID: format.Float16}, fields: both("\x00\x00", "\x00\x3e")}, "-0 to 1.5"},
		"half floats to NaN":             {said{physical: format.FixedLenByteArray, length: 2, logical: format.LogicalType{ID: format.Float16}, fields: both("\x00\x00", "\x01\x7e")}, ""},
		"int96":                          {said{physical: format.Int96, fields: both(strings.Repeat("\x00", 12), strings.Repeat("\x01", 12))}, ""},
		"intervals":                      {said{physical: format.FixedLenByteArray, length: 12, logical: format.LogicalType{ID: format.Interval}, fields: both(strings.Repeat("\x00", 12), strings.Repeat("\x01", 12))}, ""},
		"geometries":                     {said{physical: format.ByteArray, logical: format.LogicalType{ID: format.Geometry}, fields: both("a", "b")}, ""},
		"a type of later":                {said{physical: format.ByteArray, logical: format.LogicalType{ID: 31}, fields: both("a", "b")}, ""},
		"nothing":                        {said{physical: format.Int32}, ""},
	} {
		bounds, nulls := c.said.bounds()
		assert.Equal(t, c.want, bounds, name)
		assert.Equal(t, int64(-1), nulls, name)
	}
}

func TestNullsThatAreTrusted(t *testing.T) {
	t.Parallel()
	for said, want := range map[int64]int64{1: 1, 10: 10, 11: -1, -5: -1} {
		_, got := saidNulls(said).bounds()
		assert.Equal(t, want, got)
	}
}

func saidNulls(n int64) said { return said{physical: format.Int32, nulls: n} }
