// Package parquetread turns Parquet files into batches: footers for the plan, and shards
// of row groups into Arrow records for the workers.
//
// It promises that what it emits is what the files hold, whole and exact. A file that is
// empty, cut off, damaged, encrypted or not Parquet at all ends in a failure.Error of
// kind source that names the file, and the row group and column where one is at fault;
// never in a panic, fewer rows, or other values. It holds no file and no column chunk as
// a whole: memory is bounded by pages and by a few batches per decoder. Nested columns
// become structs, lists and maps; a row of them is held whole.
//
// Where files belong to a table that says itself which columns, types and rows it has, the
// table counts: a [Mapping] names the columns and what is in them, from the footer on; files
// whose types do not fit are refused ([Projection.Check]); deleted rows are in no batch, and
// those that are left keep their numbers. [Projection.Deferral] says what of that hyperd can do.
//
// Arrow types follow from the Parquet types alone, so that files of different writers
// agree; lists have one form however many levels their writer stored. Where an Arrow type
// says less than the Parquet type, the field's metadata has the rest under
// batch.LogicalTypeKey. Types that are not known, variants among them, are read as what
// they are stored as, and say so there.
package parquetread
