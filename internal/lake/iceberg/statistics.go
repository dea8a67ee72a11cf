package iceberg

import (
	"hyperlake/internal/lake"
)

// statisticsReader reads what a manifest says about the values in files.
type statisticsReader struct {
	columns []statisticsColumn // that are wanted
	byID    map[int32]int      // index in columns
	spec    *spec
}

// statisticsColumn is a column that has statistics, and the partition fields that are made of it.
type statisticsColumn struct {
	column lake.Column
	fields []int // of the spec
}

// newStatisticsReader chooses the columns that have statistics and are wanted. The spec is that of the manifest.
func newStatisticsReader(columns []lake.Column, s *spec, wanted func(string) bool) statisticsReader {
	r := statisticsReader{byID: map[int32]int{}, spec: s}
	for _, c := range columns {
		if wanted == nil || len(c.Fields) > 0 || c.Partition || !wanted(c.Name) {
			continue
		}
		is := statisticsColumn{column: c}
		for i, field := range s.fields {
			if field.source == c.ID {
				is.fields = append(is.fields, i)
			}
		}
		r.byID[c.ID] = len(r.columns)
		r.columns = append(r.columns, is)
	}
	return r
}

// read returns the statistics of the wanted columns: what is said of a column itself, and, where that is not said, what
// partition values say. What cannot be read or cannot be true is not known.
func (r statisticsReader) read(e *entry) map[string]lake.Statistics {
	if len(r.columns) == 0 {
		return nil
	}
	all := make([]lake.Statistics, len(r.columns))
	for i, c := range r.columns {
		all[i] = r.ofPartition(c, e)
	}
	for _, said := range e.File.Nulls {
		if at, ok := r.byID[said.Field]; ok && said.Count >= 0 && said.Count <= e.File.Rows {
			all[at].Nulls = said.Count
		}
	}
	for _, bounds := range []struct {
		entries []boundEntry
		upper   bool
	}{{e.File.Lower, false}, {e.File.Upper, true}} {
		for _, said := range bounds.entries {
			at, ok := r.byID[said.Field]
			if !ok {
				continue
			}
			text, ok := boundText(r.columns[at].column.Type, said.Value, bounds.upper)
			switch {
			case !ok:
			case bounds.upper:
				all[at].Max = &text
			default:
				all[at].Min = &text
			}
		}
	}
	var columns map[string]lake.Statistics
	for i, is := range all {
		if is.Min == nil && is.Max == nil && is.Nulls < 0 {
			continue
		}
		if columns == nil {
			columns = make(map[string]lake.Statistics, len(all))
		}
		columns[r.columns[i].column.Name] = is
	}
	return columns
}

// ofPartition is what the partition values of a file say of a column.
func (r statisticsReader) ofPartition(c statisticsColumn, e *entry) lake.Statistics {
	is := lake.Statistics{Nulls: -1}
	for _, at := range c.fields {
		field := r.spec.fields[at]
		value := e.partition[at]
		switch {
		case field.transform.name == "" || field.transform.name == void:
			continue
		case value == nil:
			is.Nulls = e.File.Rows
			continue
		}
		is.Nulls = 0
		least, most, ok := field.transform.bounds(c.column.Type, value)
		if !ok {
			continue
		}
		if text, ok := valueText(c.column.Type, least); ok && least != nil {
			is.Min = &text
		}
		if text, ok := valueText(c.column.Type, most); ok && most != nil {
			is.Max = &text
		}
	}
	return is
}
