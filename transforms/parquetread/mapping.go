package parquetread

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/nested"
)

// Mapping says how the files of a table store its columns, where the table tells that itself, as those of Delta and
// Iceberg do. What it does not know is not seen: it is no column of the table any more. It travels as JSON. nil takes
// files as they are.
type Mapping struct {
	// ByID says that columns and fields are found by their ids, and not by names. Every file must have ids then, or
	// Names gives them.
	ByID    bool             `json:"by_id,omitempty"`
	Names   []lake.FieldName `json:"names,omitempty"`
	Columns []MappedColumn   `json:"columns"`
}

// MappedColumn is a column of a table, or a field in one.
type MappedColumn struct {
	Name   string `json:"name"`             // in the table
	Stored string `json:"stored,omitempty"` // in files, which counts unless the mapping is by id; empty if it is Name
	ID     int32  `json:"id,omitempty"`     // in files, which counts if the mapping is by id; 0 if it has none

	// Fields are those of a structure; the one element of a list; the key and the value of a map. The last are
	// found by their places, whatever their names and ids are. Without any, what is in the column is seen as it is
	// stored.
	Fields []MappedColumn `json:"fields,omitempty"`
}

// MappingOf is the mapping of the columns of a snapshot, partition columns among them.
func MappingOf(snapshot *lake.Snapshot) *Mapping {
	return &Mapping{ByID: snapshot.Mapping == lake.ByID, Names: snapshot.Names, Columns: mappedColumns(snapshot.Columns)}
}

// FieldOf is a column of a table as a [Projection] has it.
func FieldOf(column lake.Column) arrow.Field {
	field := column.Field()
	if column.Logical != "" {
		field.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{column.Logical})
	}
	return field
}

func mappedColumns(columns []lake.Column) []MappedColumn {
	var mapped []MappedColumn
	for _, c := range columns {
		mapped = append(mapped, MappedColumn{Name: c.Name, Stored: c.Stored, ID: c.ID, Fields: mappedColumns(c.Fields)})
	}
	return mapped
}

// mappedNode is a column or a field of a table, or the table itself, and how to find what is in it.
type mappedNode struct {
	name   string
	byID   bool
	fields []mappedNode
	names  []lake.FieldName // of the table itself: the ids that columns of files without any have

	stored map[string]int // index of each field by its name in files, unless byID
	ids    map[int32]int  // index of each field by its id in files, if byID
}

// errMapping says that a file and the metadata of its table do not fit.
var errMapping = errors.New("the file is not what the table's metadata says")

// compile prepares a mapping. Two columns that have one name, or that would be found as one, are a failure.
func (m *Mapping) compile() (*mappedNode, error) {
	if m == nil {
		return nil, nil
	}
	root := &mappedNode{byID: m.ByID, names: m.Names}
	if err := root.add(m.Columns); err != nil {
		return nil, failure.New(failure.Source, "the table's metadata: %w", err).WithHint("%s", mappingHint)
	}
	return root, nil
}

// add compiles what is in a column. Fields that are found by their places need nothing else.
func (m *mappedNode) add(columns []MappedColumn) error {
	m.stored, m.ids = map[string]int{}, map[int32]int{}
	names := map[string]bool{}
	for i, c := range columns {
		stored := c.Stored
		if stored == "" {
			stored = c.Name
		}
		if names[c.Name] {
			return fmt.Errorf("two columns are named %q", c.Name)
		}
		names[c.Name] = true
		switch _, isTaken := m.stored[stored]; {
		case m.byID && c.ID > 0:
			if other, isTaken := m.ids[c.ID]; isTaken {
				return fmt.Errorf("columns %q and %q have the id %d", columns[other].Name, c.Name, c.ID)
			}
			m.ids[c.ID] = i
		case !m.byID && isTaken:
			return fmt.Errorf("columns %q and %q are stored as %q", columns[m.stored[stored]].Name, c.Name, stored)
		case !m.byID:
			m.stored[stored] = i
		}
		field := mappedNode{name: c.Name, byID: m.byID}
		if err := field.add(c.Fields); err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		m.fields = append(m.fields, field)
	}
	return nil
}

// rename gives the columns of a file the names that they have in the table, and drops the others.
func (m *mappedNode) rename(root *node, elements []format.SchemaElement) error {
	hasID := false
	for _, e := range elements[1:] {
		hasID = hasID || e.FieldID > 0
	}
	if m.byID && !hasID && len(m.names) > 0 {
		identify(root, m.names)
	} else if m.byID && !hasID && len(elements) > 1 {
		return fmt.Errorf("%w: it has no field ids, by which the table finds its columns", errMapping)
	}
	if err := m.choose(root); err != nil {
		return err
	}
	root.index()
	return nil
}

// identify gives the children of a structure, or of the root, the ids that their names stand for.
func identify(n *node, names []lake.FieldName) {
	for i := range n.children {
		child := &n.children[i]
		if at := slices.IndexFunc(names, func(f lake.FieldName) bool { return slices.Contains(f.Names, child.Name) }); at >= 0 {
			child.FieldID = names[at].ID
			identifyWithin(child, names[at].Fields)
		}
	}
}

// identifyWithin does so for what is in a column. Items, keys and values are found by their places.
func identifyWithin(n *node, names []lake.FieldName) {
	inside := func(name string) []lake.FieldName {
		at := slices.IndexFunc(names, func(f lake.FieldName) bool { return slices.Contains(f.Names, name) })
		if at < 0 {
			return nil
		}
		return names[at].Fields
	}
	switch n.kind() {
	case nested.Struct:
		identify(n, names)
	case nested.Map:
		pair := n.children[0].children
		identifyWithin(&pair[0], inside("key"))
		identifyWithin(&pair[1], inside("value"))
	case nested.List:
		item := &n.children[0]
		if !n.repeatsItems {
			item = &item.children[0]
		}
		identifyWithin(item, inside("element"))
	}
}

// find returns the index of the field that a node is.
func (m *mappedNode) find(n node) (int, bool) {
	if m.byID {
		at, ok := m.ids[n.FieldID]
		return at, ok
	}
	at, ok := m.stored[n.Name]
	return at, ok
}

// choose keeps the children of a structure, or of the root, that the table has.
func (m *mappedNode) choose(n *node) error {
	var kept []node
	found := map[int]string{} // name in the file, by field
	for _, child := range n.children {
		at, ok := m.find(child)
		if !ok {
			continue
		}
		if other, isTwice := found[at]; isTwice {
			return fmt.Errorf("%w: %q and %q are both the column %q", errMapping, other, child.Name, m.fields[at].name)
		}
		found[at] = child.Name
		child.Name = m.fields[at].name
		if err := m.fields[at].descend(&child, false); err != nil {
			return fmt.Errorf("column %q: %w", child.Name, err)
		}
		kept = append(kept, child)
	}
	n.children = kept
	return nil
}

// descend renames what is in a node. Where the file has something of another kind than the table, nothing is
// renamed, and the types tell. isItem is true of a node that repeats as the items of a list which was entered already.
func (m *mappedNode) descend(n *node, isItem bool) error {
	if n.Repetition == format.Repeated && !isItem {
		if len(m.fields) != 1 {
			return nil
		}
		return m.fields[0].descend(n, true)
	}
	switch fields := len(m.fields); {
	case fields == 0:
	case n.kind() == nested.Struct:
		return m.chooseFields(n)
	case n.kind() == nested.Map && fields == 2:
		pair := n.children[0].children
		if err := m.fields[0].descend(&pair[0], false); err != nil {
			return err
		}
		return m.fields[1].descend(&pair[1], false)
	case n.kind() == nested.List && fields == 1 && n.repeatsItems:
		return m.fields[0].descend(&n.children[0], true)
	case n.kind() == nested.List && fields == 1:
		return m.fields[0].descend(&n.children[0].children[0], false)
	}
	return nil
}

// chooseFields is choose for a structure. If the table has none of its fields, one of them still has to be read, as it
// says where the structure is NULL: one that takes little, if there is one.
func (m *mappedNode) chooseFields(n *node) error {
	all := n.children
	if err := m.choose(n); err != nil || len(n.children) > 0 {
		return err
	}
	least := all[0]
	for _, child := range all {
		if child.isFlat() {
			least = child
			break
		}
	}
	n.children, n.isHollow = []node{least}, true
	return nil
}

const mappingHint = "the log of the table and its files do not agree: restore the files, or read an older version of the table"
