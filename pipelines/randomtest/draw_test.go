package randomtest

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// drawCase draws a configuration.
func drawCase(seed uint64) *testCase {
	r := &dice{Rand: rand.New(rand.NewPCG(seed, 13))}
	c := &testCase{engine: pick(r, "auto", "auto", "auto", "auto", "go"), allowEmpty: chance(r, 40), mergeNone: chance(r, 8)}
	if chance(r, 50) {
		c.parallelism = 1 + r.IntN(4)
	}
	tables := pick(r, 1, 1, 1, 2, 3)
	names, schemas := drawNames(r, tables, tableNames), drawNames(r, tables, tableNames)
	for i := range tables {
		r.plain = chance(r, 60)
		c.tables = append(c.tables, drawTable(r, schemas[i], names[i], tables == 1))
	}
	if c.mergeNone {
		c.avoidMerge()
	}
	c.places = drawPlaces(r)
	c.stood = c.places[outputs] != "" && !c.mergeNone && !c.splits() && chance(r, 50)
	return c
}

// avoidMerge leaves out what is done when partials are merged.
func (c *testCase) avoidMerge() {
	for _, t := range c.tables {
		if m := t.moves; m != nil && (m.way == "split_by" || m.way == "" && m.shards == 0) {
			t.moves = nil
		}
	}
}

func drawTable(r *dice, schema, name string, alone bool) *table {
	kinds := plainKinds
	if chance(r, 50) && !r.plain {
		kinds = slices.Concat(plainKinds, oddKinds, oddKinds)
	}
	t := &table{schema: schema, name: name}
	if chance(r, 40) && !r.plain {
		kinds = slices.Concat(kinds, nestedKinds, nestedKinds, nestedKinds)
		t.nested = pick(r, "json", "json", "json", "json", "error", "")
	}
	format := pick(r, "delta", "delta", "iceberg", "iceberg", "", "", "", "", "")
	switch format {
	case "delta":
		t.lake = drawLake(r, deltaKinds(kinds))
		t.lake.makeDelta(r)
	case "iceberg":
		t.lake = drawLake(r, icebergKinds(kinds))
		t.lake.makeIceberg(r)
	default:
		t.lake = drawLake(r, kinds)
	}
	if len(t.lake.keys) > 0 && format == "" {
		t.partitions = pick(r, "", "auto", "hive", "none")
		if r.plain {
			t.partitions = "hive"
		}
	}
	if (chance(r, 65) && !r.plain || chance(r, 10)) && format == "" {
		t.lake.drift(r)
		t.onDrift = pick(r, "union", "union", "union", "union", "fail", "")
	} else if format == "" && chance(r, 45) {
		t.lake.ingest(r)
		if t.partitions = ""; len(t.lake.keys) > 0 {
			t.partitions = pick(r, "", "auto", "hive", "none")
		}
	}
	t.drawColumns(r)
	t.drawSelect(r)
	t.drawRules(r)
	loaded := slices.DeleteFunc(t.loadedColumns(), func(c typed) bool { return c.kind == nil || c.kind.class == nests })
	if chance(r, 30) && len(loaded) > 0 {
		t.moves = drawMoves(r, loaded, alone)
	}
	if chance(r, 10) && len(loaded) > 0 {
		t.primaryKey = []string{pick(r, loaded...).name}
	}
	t.keepsRejects = chance(r, 60)
	if chance(r, 10) {
		most := r.IntN(4)
		t.maxRows = &most
	}
	if chance(r, 10) && t.where == nil { // how many rows are read is known
		most := pick(r, 0, 0.1, 0.5, 1)
		t.maxRatio = &most
	}
	return t
}

// drawColumns draws what is asked of columns.
func (t *table) drawColumns(r *dice) {
	if chance(r, 25) {
		return
	}
	for _, c := range t.storedColumns() { // first, what makes several of one
		if c.kind != nil && c.kind.class == nests && chance(r, 60) {
			t.asks = append(t.asks, drawNestedAsk(r, &ask{column: c.name}, c.kind))
		}
	}
	for _, c := range t.sourceColumns() {
		if c.kind == nil || c.kind.class == nests || t.ask(c.name) != nil || !chance(r, 40) {
			continue
		}
		if a := drawAsk(r, c.name, c.kind, c.isKey && t.lake.table == nil); a != nil {
			t.asks = append(t.asks, a)
		}
	}
	t.nameApart(r)
}

// nameApart has columns differ by name in the extract, but for a few cases.
func (t *table) nameApart(r *dice) {
	if chance(r, 5) {
		return
	}
	taken := map[string]bool{}
	for _, c := range t.sourceColumns() {
		taken[c.name] = true
	}
	for _, a := range t.asks {
		if taken[a.rename] {
			a.rename = ""
		}
		taken[a.rename] = a.rename != ""
	}
	t.asks = slices.DeleteFunc(t.asks, func(a *ask) bool { return len(a.keys) == 0 && a.nullable == nil && a.rename == "" })
}

func (t *table) drawSelect(r *dice) {
	columns := t.sourceColumns()
	if !chance(r, 40) {
		return
	}
	for _, i := range r.Perm(len(columns))[:1+r.IntN(len(columns))] {
		t.selected = append(t.selected, columns[i].name)
		if columns[i].field >= 0 && chance(r, 50) && !slices.Contains(t.selected, columns[i].top) {
			t.selected[len(t.selected)-1] = columns[i].top
		}
	}
}

func (t *table) drawRules(r *dice) {
	var columns []typed
	for _, c := range t.sourceColumns() {
		if c.kind != nil && c.kind.class != nests {
			columns = append(columns, typed{c.name, t.kindOf(c)})
		}
	}
	if len(columns) == 0 {
		return
	}
	for range pick(r, 0, 1, 1, 2, 2, 4) {
		t.rules = append(t.rules, drawRule(r, columns))
	}
	if chance(r, 25) || t.lake.table != nil && chance(r, 50) {
		t.where = drawExpression(r, columns)
		if strings.TrimSpace(t.where.text) == "" {
			t.where = nil
		}
	}
}
