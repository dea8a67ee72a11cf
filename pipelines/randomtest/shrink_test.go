package randomtest

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// maxShrinking bounds the time that is taken to make a case small.
const maxShrinking = 90 * time.Second

// shrink drops one part of a case after the other, as long as it still differs in the same way.
func (c *testCase) shrink(t testing.TB, found *difference) (*testCase, *difference) {
	t.Helper()
	end := time.Now().Add(maxShrinking)
	for failures, at := 0, 0; time.Now().Before(end); {
		smaller := c.smaller()
		if failures == len(smaller) {
			break
		}
		at %= len(smaller)
		if d := smaller[at].try(t); d != nil && d.what == found.what {
			c, found, failures = smaller[at], d, 0 // the next one stands there now
			continue
		}
		failures, at = failures+1, at+1
	}
	return c, found
}

// smaller are cases that lack one part, the largest parts first.
func (c *testCase) smaller() []*testCase {
	var cases []*testCase
	with := func(change func(c *testCase)) {
		changed := *c
		changed.tables = slices.Clone(c.tables)
		change(&changed)
		cases = append(cases, &changed)
	}
	for i := range c.tables {
		if len(c.tables) > 1 {
			with(func(c *testCase) { c.tables = slices.Delete(c.tables, i, i+1) })
		}
	}
	for i, t := range c.tables {
		for _, smaller := range t.smaller() {
			with(func(c *testCase) { c.tables[i] = smaller })
		}
	}
	for _, what := range slices.Sorted(maps.Keys(c.places)) {
		with(func(c *testCase) {
			c.places = c.places.without(what)
			c.stood = c.stood && c.places[outputs] != ""
		})
	}
	if c.stood {
		with(func(c *testCase) { c.stood = false })
	}
	if c.parallelism > 0 {
		with(func(c *testCase) { c.parallelism = 0 })
	}
	if c.mergeNone {
		with(func(c *testCase) { c.mergeNone = false })
	}
	if !c.allowEmpty {
		with(func(c *testCase) { c.allowEmpty = true })
	}
	if c.engine != "go" {
		with(func(c *testCase) { c.engine = "go" })
	}
	return cases
}

// withoutFile is the table without a file, and without the columns that no other file has.
func (t *table) withoutFile(i int) *table {
	out := *t
	out.lake.files = slices.Delete(slices.Clone(t.lake.files), i, i+1)
	left := &out
	for _, c := range t.storedColumns() {
		if !slices.ContainsFunc(out.storedColumns(), func(s sourceColumn) bool { return s.name == c.name }) {
			left = left.without(c.name)
		}
	}
	return left
}

// hasColumns says whether every file has some.
func (l lake) hasColumns() bool {
	return !slices.ContainsFunc(l.files, func(f *file) bool { return len(f.columns) == 0 })
}

func (t *table) smaller() []*table {
	var tables []*table
	with := func(change func(t *table)) {
		changed := *t
		change(&changed)
		tables = append(tables, &changed)
	}
	for i := range t.lake.files {
		if len(t.lake.files) > 1 {
			tables = append(tables, t.withoutFile(i))
		}
	}
	for _, c := range t.storedColumns() {
		if smaller := t.without(c.name); smaller.lake.hasColumns() && len(smaller.selected) > 0 == (len(t.selected) > 0) {
			tables = append(tables, smaller)
		}
	}
	for i := range t.rules {
		with(func(t *table) { t.rules = slices.Delete(slices.Clone(t.rules), i, i+1) })
	}
	for i := range t.asks {
		with(func(t *table) { t.asks = slices.Delete(slices.Clone(t.asks), i, i+1) })
	}
	for _, drop := range []struct {
		given bool
		drop  func(t *table)
	}{
		{t.where != nil, func(t *table) { t.where = nil }}, {t.moves != nil, func(t *table) { t.moves = nil }},
		{len(t.primaryKey) > 0, func(t *table) { t.primaryKey = nil }}, {t.maxRows != nil, func(t *table) { t.maxRows = nil }},
		{t.maxRatio != nil, func(t *table) { t.maxRatio = nil }}, {t.keepsRejects, func(t *table) { t.keepsRejects = false }},
		{len(t.selected) > 0, func(t *table) { t.selected = nil }}, {t.nested == "error", func(t *table) { t.nested = "" }}, {t.partitions != "" && t.partitions != "none", func(t *table) { t.partitions = "" }},
		{t.onDrift == "fail", func(t *table) { t.onDrift = "" }},
		{t.name != "Extract" || t.schema != "Extract", func(t *table) { t.name, t.schema = "Extract", "Extract" }},
	} {
		if drop.given {
			with(drop.drop)
		}
	}
	if o := t.lake.origin; o != nil && o.most > 0 && o.maxRows == nil {
		with(func(t *table) { plainer := *o; plainer.most = 0; t.lake.origin = &plainer })
	}
	if t.lake.table != nil {
		for _, smaller := range t.lake.table.smaller() {
			with(func(t *table) { t.lake.table = smaller })
		}
	}
	return append(tables, t.fewerRows()...)
}

// fewerRows are tables of which a file lacks half of its rows, or one, or stores them plainly.
func (t *table) fewerRows() []*table {
	var tables []*table
	with := func(i int, change func(f *file)) {
		changed, f := *t, *t.lake.files[i]
		change(&f)
		changed.lake.files = slices.Clone(t.lake.files)
		changed.lake.files[i] = &f
		tables = append(tables, &changed)
	}
	for i, f := range t.lake.files {
		if rows := len(f.rows); rows > 3 {
			with(i, func(f *file) { f.rows = f.rows[:rows/2] })
			with(i, func(f *file) { f.rows = f.rows[rows/2:] })
		}
		for at := range min(len(f.rows), 50) {
			with(i, func(f *file) { f.rows = slices.Delete(slices.Clone(f.rows), at, at+1) })
		}
		if f.groupRows < 1000 {
			with(i, func(f *file) { f.groupRows = 1000 })
		}
		if f.delta != (deltaFile{}) {
			with(i, func(f *file) { f.delta = deltaFile{} })
		}
		for _, plainer := range f.iceberg.smaller() {
			with(i, func(f *file) { f.iceberg = plainer })
		}
		if plain := (form{statistics: true}); f.form != plain {
			with(i, func(f *file) { f.form = plain })
		}
	}
	return tables
}
