package lake

import (
	"context"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/lake/vector"
	"hyperlake/internal/storage"
)

// Snapshot is one version of a table, as its metadata describes it. It does not change once it was
// made, and is safe for concurrent use.
type Snapshot struct {
	Format    Format
	Folder    string    // URI
	Version   string    // as the format names it: Delta's commit number, Iceberg's snapshot id, or none
	Time      time.Time // of the version, as the format counts it; zero when it is not known
	Operation string    // what made the version, in its writer's words; may be empty
	Columns   []Column  // in the table's order, partition columns included

	// Metadata are the files that say all this, and which files the snapshot has, but for those that no writer ever changes: as
	// long as they are the same, so is the snapshot.
	Metadata []storage.Info

	Mapping Mapping // how files have the columns

	// Names are the ids of the columns in files that have no ids at all, under [ByID]. Without any, such a file
	// cannot be read.
	Names []FieldName

	// Field finds a column, or a field in one, by its id, and returns the way to it, from the column on: in this
	// snapshot, else in another version of the table that has it; nil if none has. The function is nil where the
	// format has no use for it.
	Field func(id int32) []Column

	// Files calls emit for the files of the snapshot, one after another from the caller's own goroutine, in an
	// order that is the same every time. They are read meanwhile, and not held. Statistics come only of columns of
	// which wanted is true; nil wants none. An error of emit ends it and is returned as it is, as is that of ctx;
	// all others are failures of kind Source. It may be called several times.
	Files func(ctx context.Context, wanted func(column string) bool, emit func(File) error) error
}

// ParquetReader reads columns of a file of Parquet: it calls emit for records of at most 64 Ki rows, which have
// those of the columns that the file has, until an error of emit, which it returns. Its own errors are
// failures of kind Source that name the file.
type ParquetReader func(ctx context.Context, info storage.Info, columns []string, emit func(arrow.Record) error) error

// Mapping says how a column is found in a file.
type Mapping string

// The mappings. Under either, a column that a file lacks is NULL in all its rows.
const (
	ByName Mapping = "name" // a file has it, and each of its fields, under the name that is Stored
	ByID   Mapping = "id"   // a file has it under the field id that is ID, whatever the name
)

// Column is a column of a table, or a field in one.
type Column struct {
	ID        int32          // as the format counts fields; 0 where it does not
	Name      string         // in this snapshot
	Stored    string         // its name in files, statistics and partition values, which outlives renaming
	Type      arrow.DataType // with the names of this snapshot in nested types; files may have a narrower one
	Logical   string         // what Type does not say, in the words of internal/batch: uuid; else empty
	Nullable  bool
	Partition bool // files need not have it: its values are in [File.Partition]

	// Fields are those of a structure; the element of a list, named element; the key and the value of a map,
	// named so.
	Fields []Column
}

// FieldName says which field id a column has that a file has without one, and so on for the fields in it. The element of
// a list is named element, the key and the value of a map are named so. It travels as JSON.
type FieldName struct {
	Names  []string    `json:"names"` // any of which the file may have
	ID     int32       `json:"id,omitempty"`
	Fields []FieldName `json:"fields,omitempty"`
}

// File is a data file of a snapshot.
type File struct {
	URI      string
	Path     string    // as the table writes it, which is how position deletes name it; empty where they do not
	Size     int64     // bytes
	Modified time.Time // as the table says, which need not be as the storage says; zero where it does not say
	Rows     int64     // in the file, deleted ones included; -1 where the table does not say

	// Partition has the values of the partition columns, in the order of the columns, as the format writes them.
	// nil is NULL.
	Partition []*string

	// Statistics are those of columns, by their names in the snapshot. A column that is missing has none.
	Statistics map[string]Statistics

	// Constants are the values, by field id, of columns that the file need not have, though others of the table must.
	// One that the file has counts as the file has it.
	Constants map[int32]*string

	// Deletes are the rows of the file that are no rows of the table; nil if there are none, or other files say so.
	Deletes *vector.Vector

	// PositionDeletes are files that name rows which are no rows of the table, this file's among others'.
	PositionDeletes []DeleteFile

	// EqualityDeletes are files with values. A row of the data file that has those of a row of one of them, in all fields
	// of that file, NULL counting as equal to NULL, is no row of the table.
	EqualityDeletes []DeleteFile
}

// HasDeletes says whether rows of the file may be no rows of the table.
func (f File) HasDeletes() bool {
	return f.Deletes != nil || len(f.PositionDeletes) > 0 || len(f.EqualityDeletes) > 0
}

// DeleteFile is a file that says which rows of others are no rows of the table. It travels as JSON.
type DeleteFile struct {
	URI    string  `json:"uri"`
	Size   int64   `json:"size"`             // bytes
	Rows   int64   `json:"rows"`             // in it
	Fields []int32 `json:"fields,omitempty"` // ids of those that must be equal; [Snapshot.Field] knows them
}

// Statistics is what a table says about the values of a column in a file.
//
// Min is not above and Max not below any value in the file that is neither NULL nor NaN; they need not occur in it.
// They are text in the forms of the column's type: integers and decimals in digits without an exponent, floats as Go's
// strconv writes them, true and false, text as it is, 2006-01-02, 2006-01-02T15:04:05.999999 with a Z where the type is
// in UTC. nil is not known.
type Statistics struct {
	Min, Max *string
	Nulls    int64 // among all rows of the file; -1 when not known
}
