package refresh

import (
	"slices"

	"hyperlake/pipelines/report"
)

// historyLength is how many earlier runs a report tells of.
const historyLength = 30

// Summaries are earlier runs as a report tells of them: the last ones, the newest last. The tables are told of one of them.
func Summaries(runs []report.Report) []report.RunSummary {
	runs = runs[max(len(runs)-historyLength, 0):]
	summaries := make([]report.RunSummary, len(runs))
	hasTables := false
	for i, r := range slices.Backward(runs) {
		summaries[i] = summaryOf(&r)
		if !hasTables && r.Complete && r.Status.HasExtract() {
			hasTables, summaries[i].Tables = true, tablesOf(&r)
		}
	}
	return summaries
}

func summaryOf(r *report.Report) report.RunSummary {
	s := report.RunSummary{RunID: r.RunID, Status: r.Status, Started: r.Started, Bytes: r.Output.Bytes}
	if !r.Finished.Before(r.Started) {
		seconds := r.Finished.Sub(r.Started).Seconds()
		s.Seconds = &seconds
	}
	if r.Complete {
		loaded, rejected, read := r.RowsLoaded(), r.RowsRejected(), r.BytesIn()
		if r.Refresh != nil {
			read = r.Refresh.BytesRead
		}
		s.RowsLoaded, s.RowsRejected, s.BytesRead = &loaded, &rejected, &read
	}
	return s
}

func tablesOf(r *report.Report) []report.TableSummary {
	tables := make([]report.TableSummary, len(r.Tables))
	for i, t := range r.Tables {
		tables[i] = report.TableSummary{Schema: t.Schema, Name: t.Name, RowsLoaded: t.RowsLoaded, RowsRejected: t.RowsRejected}
		for _, column := range t.Columns {
			tables[i].Columns = append(tables[i].Columns, report.ColumnSummary{Name: column.Name, SQLType: column.SQLType})
		}
	}
	return tables
}

// RowsBefore is how many rows each table had in the runs that made an extract, the oldest first, by schema and name. Nights on
// which nothing changed are none of them, nor are runs whose data was rejected.
func RowsBefore(runs []report.Report) map[[2]string][]int64 {
	rows := map[[2]string][]int64{}
	for _, r := range runs {
		if !r.Complete || r.Status != report.Succeeded && r.Status != report.Unpublished {
			continue
		}
		for _, table := range r.Tables {
			key := [2]string{table.Schema, table.Name}
			rows[key] = append(rows[key], table.RowsLoaded)
		}
	}
	return rows
}
