package plan

import (
	"time"

	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// Outline is what a plan comes to, without what reading and loading takes. It travels as JSON.
type Outline struct {
	FormatVersion hyper.Version  `json:"format_version"`
	Tables        []TableOutline `json:"tables"`
	Warnings      []string       `json:"warnings,omitempty"`
}

// TableOutline is the outline of one table.
type TableOutline struct {
	hyper.Table
	Files     int   `json:"files"`
	RowGroups int   `json:"row_groups"`
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"` // of the columns to read, as stored

	// Pruned is the part of the above that where leaves out, by what the names of folders,
	// the footers and the table's format say, without reading it.
	Pruned Pruned `json:"pruned"`

	// Source is the version of a table that is read; nil for loose files.
	Source *TableVersion `json:"source,omitempty"`

	// Newest is when that was changed last which the table is made of: the newest of its files, also of those that are pruned, or the
	// version of a table. It is zero where nothing says so.
	Newest time.Time `json:"newest,omitzero"`

	// UnitColumns are the columns whose values tell the units of the table apart: none where files are units by themselves, or
	// where Indivisible says why the rows of one unit cannot be told from others in the extract.
	UnitColumns []UnitColumn `json:"unit_columns,omitempty"`
	Indivisible string       `json:"indivisible,omitempty"`
}

// Pruned counts what is not read.
type Pruned struct {
	Files     int   `json:"files"` // of which nothing is read
	RowGroups int   `json:"row_groups"`
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"`
}

// Outline is that of a plan.
func (p *Plan) Outline() *Outline {
	o := &Outline{FormatVersion: p.FormatVersion, Warnings: p.Warnings}
	for _, table := range p.Tables {
		o.Tables = append(o.Tables, table.TableOutline)
	}
	return o
}

// RowsToRead is the number of rows to read, over all tables.
func (o *Outline) RowsToRead() int64 {
	var rows int64
	for _, table := range o.Tables {
		rows += table.RowsToRead()
	}
	return rows
}

// BytesToRead is the bytes of the row groups to read.
func (t *TableOutline) BytesToRead() int64 { return t.Bytes - t.Pruned.Bytes }

// RowsToRead is the rows of the row groups to read, those included that the table says are deleted.
func (t *TableOutline) RowsToRead() int64 { return t.Rows - t.Pruned.Rows }

func (p *Pruned) add(group parquetread.RowGroup) {
	p.RowGroups++
	p.Rows += group.Rows
	p.Bytes += group.Bytes
}
