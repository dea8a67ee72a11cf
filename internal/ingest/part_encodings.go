package ingest

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
)

// By what encodings are chosen.
const (
	encodingRows  = 16 << 10  // of the first record of a file, at most
	encodingBytes = 128 << 10 // of each of its columns, about
	fewestRows    = 16        // fewer say nothing
	mostDistinct  = 0.8       // of the values, where a dictionary pays: a column of twice as many values as rows has about so many
)

// Sizes of pages and dictionaries, before compression. Those of all columns are in the making at the same time.
const (
	mostPageBytes   = 1 << 20
	fewestPageBytes = 64 << 10
	allPagesBytes   = 32 << 20 // unless there are more than a thousand columns
)

// encodings chooses those of each column by the first rows of a file. A dictionary is for columns whose values repeat: elsewhere, it costs
// more than it saves. The default level of zstd is for columns that it makes smaller. Where later rows are unlike the first ones, the file
// is larger or takes longer to write, and is as right. Numbers are plain: the Arrow module writes differences (DELTA_BINARY_PACKED) slowly,
// and those of more than 32 bits wrongly.
func encodings(first arrow.Record) []parquet.WriterProperty {
	pageBytes := min(mostPageBytes, max(fewestPageBytes, allPagesBytes/max(1, first.NumCols())))
	properties := []parquet.WriterProperty{
		parquet.WithDataPageSize(pageBytes), parquet.WithDictionaryPageSizeLimit(pageBytes), parquet.WithCompressionLevel(zstdFast),
	}
	rows := min(first.NumRows(), encodingRows)
	for i, column := range first.Columns() {
		if rows < fewestRows {
			continue
		}
		sample := sampleOf(column, int(rows))
		if sample == nil {
			continue
		}
		path := parquet.ColumnPath{first.ColumnName(i)}
		if float64(sample.distinct) > mostDistinct*float64(sample.values) {
			properties = append(properties, parquet.WithDictionaryPath(path, false))
			if paysDefault(sample.bytes) {
				properties = append(properties, parquet.WithCompressionLevelPath(path, zstdDefault))
			}
		}
	}
	return properties
}

// sample is what is known of the first rows of a column.
type sample struct {
	values, distinct int    // without NULL
	bytes            []byte // of the first values, about as a page has them
}

// sampleOf looks at the first rows of a column; nil for kinds of columns that are as they are.
func sampleOf(column arrow.Array, rows int) *sample {
	var value func(i int) []byte
	switch column := column.(type) {
	case *array.String:
		value = func(i int) []byte { return []byte(column.Value(i)) }
	case *array.Binary:
		value = column.Value
	case *array.Boolean:
		return nil // they have no dictionaries
	default:
		kind, isFixed := column.DataType().(arrow.FixedWidthDataType)
		if !isFixed || column.NullN() == column.Len() { // NULL needs no buffer of values
			return nil
		}
		size := kind.Bytes()
		all := column.Data().Buffers()[1].Bytes()[column.Data().Offset()*size:]
		value = func(i int) []byte { return all[i*size : (i+1)*size] }
	}
	s, seen := &sample{}, map[string]struct{}{}
	for i := range rows {
		if column.IsNull(i) {
			continue
		}
		bytes := value(i)
		s.values++
		seen[string(bytes)] = struct{}{}
		if len(s.bytes) < encodingBytes {
			s.bytes = append(s.bytes, bytes...)
		}
	}
	s.distinct = len(seen)
	return s
}
