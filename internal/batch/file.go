package batch

import (
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/vector"
	"hyperlake/internal/storage"
)

// RowGroup names a row group of a file, or the first rows of one.
type RowGroup struct {
	Index    int   `json:"index"`        // 0-based in the file
	Rows     int64 `json:"rows"`         // that are read
	Of       int64 `json:"of,omitempty"` // how many it has, if that is more; else 0
	FirstRow int64 `json:"first_row"`    // 0-based in the file
	Bytes    int64 `json:"bytes"`        // of all its columns, compressed as they are stored
}

// FileRef names row groups of one version of a file.
type FileRef struct {
	Info       storage.Info `json:"info"`
	Partitions []*string    `json:"partitions,omitempty"` // values of the table's partition columns; nil is NULL
	RowGroups  []RowGroup   `json:"row_groups"`

	// Unit is the unit of the table that the file is of, where units are counted by themselves; else empty.
	Unit string `json:"unit,omitempty"`

	// Folders is what the names of folders say about columns that files may have themselves: all
	// rows must have that value, and a file that lacks the column has it in all of them.
	Folders []FolderValue `json:"folders,omitempty"`

	// Deletes says which rows of the file are no rows of the table; nil if there are none. The row groups count
	// them all the same, and the file is not deferred.
	Deletes *vector.Vector `json:"deletes,omitempty"`

	// PositionDeletes are files that name rows which are no rows of the table either, by the path of the file as the table writes
	// it, which is Path.
	PositionDeletes []lake.DeleteFile `json:"position_deletes,omitempty"`
	Path            string            `json:"path,omitempty"`

	// EqualityDeletes are files with values: rows that have those are no rows of the table either. Keys is what the table says
	// of the columns that are compared; nil if nothing.
	EqualityDeletes []lake.DeleteFile `json:"equality_deletes,omitempty"`
	Keys            *KeyValues        `json:"keys,omitempty"`

	// Deferred says that the file goes to hyperd as a whole, and that RowGroups are all it has.
	Deferred bool `json:"deferred,omitempty"`

	// Columns are those that a deferred file has in another form than most files of its table: under another name than
	// the table says, in a narrower type, or not at all.
	Columns []StoredColumn `json:"columns,omitempty"`
}

// StoredColumn says how hyperd finds a column of a table in a file.
type StoredColumn struct {
	Column string `json:"column"`
	Stored string `json:"stored,omitempty"` // its name in the file; empty if the file lacks it, so that it is NULL in all rows
	From   string `json:"from,omitempty"`   // hyperd's type in the file, and whether NULL is in it, where To is another one; else empty
	To     string `json:"to,omitempty"`     // hyperd's type in the table, which holds all values of From
}

// KeyValues are what a table says of columns that equality deletes compare, by the names that they have for that.
type KeyValues struct {
	Partitions []*string     `json:"partitions,omitempty"` // as [FileRef.Partitions]
	Constants  []FolderValue `json:"constants,omitempty"`  // of columns that the file may lack
}

// FolderValue is the value that the name of a folder has for a column.
type FolderValue struct {
	Column string  `json:"column"`
	Text   *string `json:"text"` // nil is NULL
}

// HasDeletes says whether rows of the file may be no rows of the table.
func (f FileRef) HasDeletes() bool {
	return f.Deletes != nil || len(f.PositionDeletes) > 0 || len(f.EqualityDeletes) > 0
}

// Rows is the number of rows in the row groups, those that were deleted among them.
func (f FileRef) Rows() int64 {
	var rows int64
	for _, group := range f.RowGroups {
		rows += group.Rows
	}
	return rows
}

// Bytes is that of the row groups.
func (f FileRef) Bytes() int64 {
	var bytes int64
	for _, group := range f.RowGroups {
		bytes += group.Bytes
	}
	return bytes
}

// Deferred is all rows of a file that hyperd reads itself, where a batch would have a record.
type Deferred struct {
	File      FileRef    `json:"file"`
	Constants []Constant `json:"constants,omitempty"`

	// Columns are all that are read, where not every one has its name and its type in the file, or the file may have
	// others of their names; nil if what the file has is the columns as they are.
	Columns []StoredColumn `json:"columns"`

	Conditions Conditions `json:"conditions"`

	// Unverified are the columns whose pages were not looked at yet: all that are read of a remote
	// file, which is verified once there is a copy of it.
	Unverified []string `json:"unverified,omitempty"`

	// Last says that nothing comes after the file that would be loaded together with it.
	Last bool `json:"last,omitempty"`
}

// Constant is a column that the file does not have, with its value in all rows of it.
type Constant struct {
	Column string `json:"column"`
	SQL    string `json:"sql"` // the value, with its type
}

// Conditions say in SQL what becomes of the rows of a file. Each is true or false of a row, never NULL.
type Conditions struct {
	// Mapped is the columns that are loaded and that conditions are about, as a query over the columns of the
	// file lists them; empty if they are those of the file.
	Mapped string `json:"mapped,omitempty"`

	Selected string `json:"selected"` // where keeps the row
	Kept     string `json:"kept"`     // it is loaded: it is selected and broke no rule, but for those that only warn
	Sound    string `json:"sound"`    // it is kept and broke no rule at all
}
