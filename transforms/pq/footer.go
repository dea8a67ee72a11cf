package parquetread

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Footer is what a file says about itself.
type Footer struct {
	Info      storage.Info
	Schema    *arrow.Schema // of the top-level columns
	RowGroups []RowGroup
	Rows      int64
}

// RowGroup is a range of rows that can be read on its own.
type RowGroup struct {
	Index    int   `json:"index"` // 0-based in the file
	Rows     int64 `json:"rows"`
	FirstRow int64 `json:"first_row"` // 0-based in the file
	Bytes    int64 `json:"bytes"`     // of all its columns, as stored
}

// FileRef names some row groups of one version of a file.
type FileRef struct {
	Info      storage.Info `json:"info"`
	RowGroups []RowGroup   `json:"row_groups"`
}

// Shard is a list of row groups of one table: the unit of distribution.
type Shard struct {
	Table int       `json:"table"` // index into the tables of the run
	Files []FileRef `json:"files"`
}

// ReadFooter reads the footer of one version of a file, and nothing else. A file that is
// no readable Parquet is a failure of kind Source that names it.
func ReadFooter(ctx context.Context, info storage.Info) (Footer, error) {
	opened, err := open(ctx, info)
	if err != nil {
		return Footer{}, err
	}
	defer opened.close()
	footer := Footer{Info: info, Schema: opened.schema}
	meta := opened.parquet.MetaData()
	for i := range opened.parquet.NumRowGroups() {
		group := meta.RowGroup(i)
		if group.NumRows() < 0 {
			return Footer{}, corrupt(info, fmt.Errorf("row group %d has %d rows", i, group.NumRows()))
		}
		footer.RowGroups = append(footer.RowGroups, RowGroup{
			Index: i, Rows: group.NumRows(), FirstRow: footer.Rows, Bytes: storedBytes(opened, i),
		})
		footer.Rows += group.NumRows()
	}
	if footer.Rows != meta.NumRows {
		return Footer{}, failure.New(failure.Source, "file %s: its row groups hold %d rows, but its footer says %d", info.URI, footer.Rows, meta.NumRows).
			WithHint("write it again, or remove it from the lake")
	}
	return footer, nil
}

// storedBytes adds up the column chunks: many writers leave the row group's own total out.
func storedBytes(opened *openedFile, index int) int64 {
	var bytes int64
	group := opened.parquet.MetaData().RowGroup(index)
	for i := range group.NumColumns() {
		if chunk, err := group.ColumnChunk(i); err == nil {
			bytes += max(chunk.TotalCompressedSize(), 0)
		}
	}
	return bytes
}
