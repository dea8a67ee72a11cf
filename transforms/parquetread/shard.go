package parquetread

import "hyperlake/internal/batch"

// RowGroup names a row group of a file.
type RowGroup = batch.RowGroup

// FileRef names row groups of one version of a file.
type FileRef = batch.FileRef

// Shard is what one element asks a worker to read: row groups of one table.
type Shard struct {
	Table int       `json:"table"` // index into the tables of the run
	Files []FileRef `json:"files"`

	// Attempt names the attempt that reads the shard; its batches have it.
	Attempt string `json:"attempt,omitempty"`

	// Last says that the worker has no other shard to read after this one.
	Last bool `json:"last,omitempty"`
}

// Projection is what to read of the files of a table.
type Projection struct {
	// Schema has the columns to emit. A file has them by name, in a type that widens to
	// theirs ([Unify]), or, if there is a mapping, that fits it ([Projection.Check]); one that it lacks is NULL in all its
	// rows, if it is nullable.
	Schema batch.Schema `json:"schema"`

	// Partitions names those of the columns whose values are in [FileRef]; what files have under their names does not
	// count. [PartitionValue] says of which types they can be.
	Partitions []string `json:"partitions,omitempty"`

	// Mapping says how files store the columns; nil if they do so under their names.
	Mapping *Mapping `json:"mapping,omitempty"`

	// Keys are the columns that the equality deletes of files compare, found by their ids, with those among them that the
	// table has dropped, and of structures the fields that are compared. All are nullable. nil if no file has such deletes.
	Keys *Projection `json:"keys,omitempty"`
}
