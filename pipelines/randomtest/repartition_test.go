package randomtest

import (
	"fmt"
	"slices"
	"strings"
)

// moves is where rows are moved, which changes nothing about them.
type moves struct {
	way     string // by, range, split_by or nothing
	column  string
	shards  int // 0: not given
	sort    []string
	aliases map[string]string // by which columns are named
}

func (m *moves) yaml() string {
	name := func(column string) string {
		if alias := m.aliases[column]; alias != "" {
			column = alias
		}
		return yaml(column)
	}
	var keys []string
	switch m.way {
	case "by":
		keys = append(keys, fmt.Sprintf("by: [%s]", name(m.column)))
	case "range", "split_by":
		keys = append(keys, m.way+": "+name(m.column))
	}
	if m.shards > 0 {
		keys = append(keys, fmt.Sprintf("shards: %d", m.shards))
	}
	if len(m.sort) > 0 {
		var sorted []string
		for _, column := range m.sort {
			sorted = append(sorted, name(column))
		}
		keys = append(keys, fmt.Sprintf("sort: [%s]", strings.Join(sorted, ", ")))
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

func (m *moves) uses(column string) bool {
	return m.column == column || slices.Contains(m.sort, column)
}

// drawMoves draws where the rows go of a table that loads some columns.
func drawMoves(r *dice, loaded []typed, alone bool) *moves {
	m := &moves{way: pick(r, "", "by", "range", "split_by")}
	if r.plain {
		m.way = ""
	}
	c := pick(r, loaded...)
	m.column = c.name
	for _, i := range r.Perm(len(loaded))[:r.IntN(min(3, len(loaded)+1))] {
		m.sort = append(m.sort, loaded[i].name)
	}
	if m.way == "range" && c.kind.class == none {
		m.way = ""
	}
	if m.way == "split_by" && (!alone || slices.Contains([]class{floats, clocks}, c.kind.class)) {
		m.way = ""
	}
	switch m.way {
	case "by":
		m.shards = 1 + r.IntN(5)
	case "range":
		m.shards = r.IntN(4)
		if len(m.sort) > 0 {
			m.sort = append([]string{c.name}, slices.DeleteFunc(m.sort, func(name string) bool { return name == c.name })...)
		}
	case "":
		m.column = ""
		if m.shards = r.IntN(4); r.plain {
			m.shards = 0
		}
		if m.shards == 0 && len(m.sort) == 0 {
			return nil
		}
	}
	return m
}
