// Package format is the metadata of Parquet files: footers and page headers, parsed from
// bytes that may hold anything.
//
// It reads what the program needs and skips the rest, logical types that were added to
// Parquet later among them. No input makes it panic or loop, and what it allocates is in
// proportion to the input.
package format

import "strconv"

// Physical is how the values of a column are stored.
type Physical int32

// The physical types, with their numbers in files.
const (
	Boolean           Physical = 0
	Int32             Physical = 1
	Int64             Physical = 2
	Int96             Physical = 3
	Float             Physical = 4
	Double            Physical = 5
	ByteArray         Physical = 6
	FixedLenByteArray Physical = 7
)

func (p Physical) String() string {
	return name(p, "BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
}

// Repetition says how often a field occurs in its parent.
type Repetition int32

// The repetitions, with their numbers in files.
const (
	Required Repetition = 0
	Optional Repetition = 1
	Repeated Repetition = 2
)

// Encoding is how values are laid out in a page.
type Encoding int32

// The encodings, with their numbers in files.
const (
	Plain                Encoding = 0
	PlainDictionary      Encoding = 2
	RLE                  Encoding = 3
	BitPacked            Encoding = 4
	DeltaBinaryPacked    Encoding = 5
	DeltaLengthByteArray Encoding = 6
	DeltaByteArray       Encoding = 7
	RLEDictionary        Encoding = 8
	ByteStreamSplit      Encoding = 9
)

func (e Encoding) String() string {
	return name(e, "PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
		"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT")
}

// Codec is how pages are compressed.
type Codec int32

// The codecs, with their numbers in files.
const (
	Uncompressed Codec = 0
	Snappy       Codec = 1
	Gzip         Codec = 2
	LZO          Codec = 3
	Brotli       Codec = 4
	LZ4Hadoop    Codec = 5 // LZ4 in Hadoop's framing, deprecated
	Zstd         Codec = 6
	LZ4          Codec = 7
)

func (c Codec) String() string {
	return name(c, "UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
}

// PageType is what a page holds.
type PageType int32

// The page types, with their numbers in files.
const (
	DataPage       PageType = 0
	IndexPage      PageType = 1
	DictionaryPage PageType = 2
	DataPageV2     PageType = 3
)

// Logical is what the values of a column mean.
type Logical int16

// The logical types, with their numbers in files; Interval exists as a converted type only.
const (
	NoLogical Logical = 0
	String    Logical = 1
	Map       Logical = 2
	List      Logical = 3
	Enum      Logical = 4
	Decimal   Logical = 5
	Date      Logical = 6
	Time      Logical = 7
	Timestamp Logical = 8
	Interval  Logical = 9
	Integer   Logical = 10
	Null      Logical = 11 // every value is null; UNKNOWN in Parquet's own words
	JSON      Logical = 12
	BSON      Logical = 13
	UUID      Logical = 14
	Float16   Logical = 15
	Variant   Logical = 16
	Geometry  Logical = 17 // WKB
	Geography Logical = 18 // WKB
)

// Edges is how the points of a geography are joined.
type Edges int32

// Spherical is the default of Edges: great circles.
const Spherical Edges = 0

func (e Edges) String() string {
	return name(e, "spherical", "vincenty", "thomas", "andoyer", "karney")
}

// TimeUnit is the unit of times and timestamps.
type TimeUnit int16

// The time units, with their numbers in files.
const (
	Milliseconds TimeUnit = 1
	Microseconds TimeUnit = 2
	Nanoseconds  TimeUnit = 3
)

// name gives the name of a number, or the number itself.
func name[T ~int32](value T, names ...string) string {
	if value >= 0 && int(value) < len(names) {
		return names[value]
	}
	return strconv.Itoa(int(value))
}
