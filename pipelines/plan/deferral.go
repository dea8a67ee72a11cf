package plan

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/validate"
)

// deferral decides which files of a table hyperd reads itself.
type deferral struct {
	read       parquetread.Projection
	reason     string // why no file is deferred; empty if some can be
	spoolBytes int64  // that a worker has at most for copies of remote files
}

// minRowsPerValue is how many rows a file's folders should stand for, on average: hyperd reads the files
// of equal values together, and a scan takes as long to begin with as some ten thousand rows.
const minRowsPerValue = 32 << 10

// newDeferral looks at what is the same for all files of a table, and gives the table its
// conditions in SQL.
func newDeferral(cfg *config.Config, table *TablePlan, src *Source, columns *arrow.Schema, validator *validate.Validator) deferral {
	partitions := src.partitionsIn(columns)
	d := deferral{read: table.Read, spoolBytes: cfg.WorkerSpool().MostBytes()}
	var loaded []string
	for _, column := range table.Columns {
		loaded = append(loaded, column.Source)
	}
	conditions, reason := validator.SQL(loaded)
	switch {
	case cfg.Validate.Engine == config.ValidateGo:
		d.reason = "validate.engine is go"
	case table.Repartition.moves():
		d.reason = "repartition moves rows"
	case src.rowsPerValue(partitions) < minRowsPerValue:
		d.reason = fmt.Sprintf("%s have few rows for each value of column %s", partitionsText(src), partitions[0].name)
	case reason != "":
		d.reason = reason
	}
	for _, column := range table.Columns {
		isMapped := column.Conversion == hyper.AsAsked // which has a form in SQL, as there is no reason yet
		if d.reason == "" && !isMapped && !column.ReadsParquet() {
			d.reason = fmt.Sprintf("column %s: hyperd does not read %s from Parquet as it is stored", column.Source, column.SourceType)
		}
	}
	if d.reason == "" {
		table.Apply.SQL = &conditions
	}
	return d
}

// partitionsText is what has a value of its partition columns.
func partitionsText(src *Source) string {
	if src.table != nil {
		return "partitions"
	}
	return "folders"
}

// refusal says why a file, of which some row groups are to be read, is not deferred; empty
// if it is.
func (d deferral) refusal(file *PlannedFile, footer parquetread.Footer) string {
	if d.reason != "" {
		return d.reason
	}
	if len(file.Groups) != len(footer.RowGroups) || file.isCut {
		return "parts of files are not read"
	}
	if file.Table.HasDeletes() {
		return "rows of files are deleted"
	}
	if len(file.Folders) > 0 {
		return fmt.Sprintf("column %s is in the names of folders, too, "+
			"and the statistics of some files do not say that it has the same value", file.Folders[0].Column)
	}
	if !storage.IsLocal(footer.Info.URI) {
		if reason := d.remoteRefusal(file, footer); reason != "" {
			return reason
		}
	}
	columns, reason := d.read.Deferral(footer, file.Partitions)
	file.columns = columns
	return reason
}

// remoteRefusal says why a remote file is not copied for hyperd, which takes all of it through
// the network and the spool.
func (d deferral) remoteRefusal(file *PlannedFile, footer parquetread.Footer) string {
	if footer.Info.Size > d.spoolBytes {
		return fmt.Sprintf("remote files are larger than the spool can be, %s", humanize.IBytes(uint64(d.spoolBytes)))
	}
	var read, all int64
	for i, group := range footer.RowGroups {
		read += file.Groups[i].Bytes
		all += group.Bytes
	}
	if read < all/2 {
		return "less than half of remote files is read"
	}
	return ""
}

// decide notes of a file whether it is deferred.
func (t *TablePlan) decide(d deferral, file *PlannedFile, footer parquetread.Footer) {
	if len(file.Groups) == 0 {
		return
	}
	reason := d.refusal(file, footer)
	if reason == "" {
		file.deferred = true
		t.Deferred++
		return
	}
	if !slices.Contains(t.Materialised, reason) {
		t.Materialised = append(t.Materialised, reason)
	}
}
