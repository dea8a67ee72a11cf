package delta

import (
	"encoding/json"

	"hyperlake/internal/lake"
)

// statisticsReader reads what the log says about the values in files.
type statisticsReader struct {
	columns []lake.Column   // that are wanted
	wanted  map[string]bool // their stored names
	floats  map[string]bool // stored names of columns that were of type float
}

// newStatisticsReader chooses the columns that have statistics and are wanted.
func newStatisticsReader(columns []lake.Column, floats map[string]bool, wanted func(string) bool) statisticsReader {
	r := statisticsReader{wanted: map[string]bool{}, floats: floats}
	for _, column := range columns {
		if wanted != nil && len(column.Fields) == 0 && !column.Partition && wanted(column.Name) {
			r.columns = append(r.columns, column)
			r.wanted[column.Stored] = true
		}
	}
	return r
}

// read returns the rows of a file, -1 where they are not known, and the statistics of the wanted columns. What cannot be
// read or cannot be true is not known.
func (r statisticsReader) read(add *addAction) (rows int64, columns map[string]lake.Statistics) {
	var said statisticsText
	switch {
	case add.parsed != nil:
		said = add.parsed.texts(r.columns)
	case add.Stats != "":
		said = r.parse(add.Stats)
	}
	rows = count(said.rows, -1)
	for _, column := range r.columns {
		is := lake.Statistics{Nulls: r.nulls(said.nulls[column.Stored], rows, said.isLoose)}
		is.Min = r.bound(column, said.min, false)
		is.Max = r.bound(column, said.max, true)
		if is.Min == nil && is.Max == nil && is.Nulls < 0 {
			continue
		}
		if columns == nil {
			columns = map[string]lake.Statistics{}
		}
		columns[column.Name] = is
	}
	return rows, columns
}

// nulls is a number of NULLs that counts: of bounds that are not tight, only none and all do.
func (r statisticsReader) nulls(text string, rows int64, isLoose bool) int64 {
	nulls := count(text, rows)
	if isLoose && nulls != 0 && (rows < 0 || nulls != rows) {
		return -1
	}
	return nulls
}

// bound is that of a column; nil if it is not known.
func (r statisticsReader) bound(column lake.Column, texts map[string]string, upper bool) *string {
	text, ok := texts[column.Stored]
	if !ok {
		return nil
	}
	bound, ok := boundOf(column.Type, text, upper, r.floats[column.Stored])
	if !ok {
		return nil
	}
	return &bound
}

// statisticsText is the statistics of a file, of columns by their stored names, as texts.
type statisticsText struct {
	rows     string
	isLoose  bool // bounds need not occur among the rows that are left
	min, max map[string]string
	nulls    map[string]string
}

// parse reads statistics in JSON. What is no JSON says nothing.
func (r statisticsReader) parse(text string) statisticsText {
	said := statisticsText{}
	isObject := members(text, func(key, value string) {
		switch key {
		case "numRecords":
			said.rows = value
		case "tightBounds":
			said.isLoose = value == "false"
		case "minValues":
			said.min = r.texts(value)
		case "maxValues":
			said.max = r.texts(value)
		case "nullCount":
			said.nulls = r.texts(value)
		}
	})
	if !isObject {
		return statisticsText{}
	}
	return said
}

// texts are the values of the wanted columns in an object.
func (r statisticsReader) texts(object string) map[string]string {
	if len(r.columns) == 0 {
		return nil
	}
	texts := make(map[string]string, len(r.columns))
	isObject := members(object, func(key, value string) {
		if !r.wanted[key] || value == "null" {
			return
		}
		if value[0] == '"' {
			var text string
			if json.Unmarshal([]byte(value), &text) != nil {
				return
			}
			value = text
		}
		texts[key] = value
	})
	if !isObject {
		return nil
	}
	return texts
}

// parsedStatistics is the statistics of a row of a checkpoint that has them as columns.
type parsedStatistics struct {
	group group
	row   int
}

func (p *parsedStatistics) texts(columns []lake.Column) statisticsText {
	said := statisticsText{min: map[string]string{}, max: map[string]string{}, nulls: map[string]string{}}
	p.text(p.group, "numRecords", func(text string) { said.rows = text })
	p.text(p.group, "tightBounds", func(text string) { said.isLoose = text == "false" })
	for _, column := range columns {
		for name, into := range map[string]map[string]string{"minValues": said.min, "maxValues": said.max, "nullCount": said.nulls} {
			p.text(p.group.group(name), column.Stored, func(text string) { into[column.Stored] = text })
		}
	}
	return said
}

// text has what a field holds taken, if it does.
func (p *parsedStatistics) text(g group, name string, take func(string)) {
	if !g.hasValue(name, p.row) {
		return
	}
	if text, ok := valueText(g.fields[name], p.row); ok {
		take(text)
	}
}
