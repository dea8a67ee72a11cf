// Package parquetread turns shards of a Parquet lake into batches.
//
// It promises that every row of a row group arrives exactly once, in order, with its
// origin, or that the shard fails with an error that names the file and the row group:
// the rows that were decoded are counted against the footer, column by column, and a
// panic inside the Parquet library is such an error, too. Memory is bounded by a few
// batches per decoder; no column chunk is held whole.
package parquetread
