// Package iceberg reads the metadata of Apache Iceberg tables: which files and which of their rows are a version of
// a table, and what its columns are.
//
// It promises that a snapshot is the version that was asked for, whole: every file that its manifests have, once for each
// time that they have it, with all the files that delete rows of it, and the columns as that version has them. What it
// cannot promise it refuses: a type, a transform of columns, or a feature that is not implemented by its name; metadata that
// is damaged with the file that is at fault; a version that is not there with those that are; and a file that lies
// outside a table that was moved.
//
// The metadata file is held while a snapshot lives. Manifests are streamed: what is held of them is a short entry
// for each file that deletes rows. Sizes, numbers and depths are bounded before memory is taken for them.
//
// What position and equality deletes say of rows is read by those who read the data files ([ReadPositions], [TupleBuilder]), in a few
// bytes for each row that is named, however long paths and values are.
//
// The formats are those of the Iceberg table specification, versions 1 and 2, and 3 as far as deletion vectors, nanoseconds
// and columns of no known type go. Manifests are Avro, read by [github.com/twmb/avro]; Arrow is that of the rest of the
// program. Functions are safe for concurrent use.
package iceberg
