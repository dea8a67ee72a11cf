package iceberg

import (
	"sync"

	"hyperlake/internal/lake"
)

// fieldIndex finds columns by their ids, in the schema of a snapshot and in all others of its table.
type fieldIndex map[int32][]lake.Column

// finder is [lake.Snapshot.Field] for a snapshot that has the columns. It makes the index when it is first asked.
func (t *table) finder(columns []lake.Column) func(id int32) []lake.Column {
	index := sync.OnceValue(func() fieldIndex { return newFieldIndex(t.metadata, columns) })
	return func(id int32) []lake.Column { return index()[id] }
}

// newFieldIndex makes the index. Schemas that cannot be read have no fields.
func newFieldIndex(m *metadata, columns []lake.Column) fieldIndex {
	x := fieldIndex{}
	x.add(nil, columns)
	for i := len(m.Schemas) - 1; i >= 0; i-- {
		r := schemaReader{map[int32]string{}}
		if others, err := r.fields(withoutDefaults(m.Schemas[i].Fields), "", 0); err == nil {
			x.add(nil, others)
		}
	}
	return x
}

// add adds columns, which the way leads to.
func (x fieldIndex) add(way, columns []lake.Column) {
	for _, c := range columns {
		to := append(way[:len(way):len(way)], c)
		if _, isKnown := x[c.ID]; !isKnown {
			x[c.ID] = to
		}
		x.add(to, c.Fields)
	}
}
