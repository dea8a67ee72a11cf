package randomtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// expected is what should come of a case.
type expected struct {
	exit     int
	why      string
	tables   []*expectedTable
	complete bool // all rows are read, so that there are counts and rejects
}

// expectedTable is what should come of a table.
type expectedTable struct {
	columns                  []outColumn
	primaryKey               []string
	rows                     []string // sorted
	inFiles, deleted         int
	filtered, rejected, left int
	rules                    []string // sorted
	rejects                  []string // sorted
	broke                    bool     // a row broke a rule
}

// outColumn is a column of an extract.
type outColumn struct {
	name, sql string
	nullable  bool
}

// sourceColumn is a column of a lake as a whole: of its files or a key of its folders.
type sourceColumn struct {
	name     string
	kind     *kind // nil: the files have nothing in common
	nullable bool
	drifts   bool
	missing  bool // in some file
	isKey    bool

	top   string // the column of the files that it is made of
	field int    // of that, if it is flattened, else -1
	json  *kind  // of what is made JSON; else nil
}

// sourceColumns are the columns of a lake, in the order in which they turn up; flattened ones are
// several.
func (t *table) sourceColumns() []sourceColumn {
	var columns []sourceColumn
	for _, c := range t.storedColumns() {
		columns = append(columns, t.leaves(c)...)
	}
	return columns
}

// storedColumns are the columns of the files and the keys of folders.
func (t *table) storedColumns() []sourceColumn {
	if t.lake.table != nil {
		return t.lake.sourceColumns()
	}
	var columns []sourceColumn
	files := t.lake.inOrder("/")
	for _, f := range files {
		for _, c := range f.columns {
			if !slices.ContainsFunc(columns, func(s sourceColumn) bool { return s.name == c.name }) {
				columns = append(columns, sourceColumn{name: c.name, kind: c.kind, top: c.name, field: -1})
			}
		}
	}
	for i := range columns {
		s := &columns[i]
		first := s.kind
		for _, f := range files {
			at := f.index(s.name)
			if at < 0 {
				s.nullable, s.drifts, s.missing = true, true, true
				continue
			}
			c := f.columns[at]
			s.nullable = s.nullable || !c.required
			s.drifts = s.drifts || c.kind != first
			if s.kind != nil {
				s.kind, _ = union(s.kind, c.kind)
			}
		}
	}
	if t.partitions == "none" {
		return columns
	}
	for i, key := range t.lake.keys {
		columns = append(columns, t.lake.keyColumn(key, i))
	}
	return columns
}

// keyColumn is a bigint or a date if all values are written as one, else text.
func (l lake) keyColumn(name string, at int) sourceColumn {
	c := sourceColumn{name: name, isKey: true, top: name, field: -1}
	some, numbers, dates := false, true, true
	for _, f := range l.files {
		value := f.folders[at]
		if value == nil {
			c.nullable = true
			continue
		}
		n, err := strconv.Atoi(*value)
		numbers = numbers && err == nil && strconv.Itoa(n) == *value
		_, err = time.Parse("2006-01-02", *value)
		dates = dates && err == nil
		some = true
	}
	switch {
	case some && numbers:
		c.kind = int64Kind
	case some && dates:
		c.kind = dateKind
	default:
		c.kind = textKind
	}
	return c
}

// kindOf is what a column is for rules.
func (t *table) kindOf(c sourceColumn) *kind {
	if a := t.ask(c.name); a != nil && a.becomes != nil {
		return a.becomes
	}
	return c.kind
}

// loadedColumns are the columns of the extract, named as in the source.
func (t *table) loadedColumns() []typed {
	var loaded []typed
	for _, c := range t.sourceColumns() {
		loaded = append(loaded, typed{c.name, t.kindOf(c)})
	}
	if len(t.selected) == 0 {
		return loaded
	}
	var selected []typed
	columns := t.sourceColumns()
	for _, name := range t.selected {
		for i, c := range columns {
			if (c.name == name || c.top == name) && !slices.Contains(selected, loaded[i]) {
				selected = append(selected, loaded[i])
			}
		}
	}
	return selected
}

// evaluation is the evaluation of a table.
type evaluation struct {
	*table
	root    string // of the lake, or its URI
	columns map[string]sourceColumn
	loaded  []typed
	read    []string // columns
	kinds   map[string]*kind
	rules   []*rule // those of the user first
	out     *expectedTable

	failed  []int // rows that break each rule
	builtin map[string]int
	broken  string // a rule that lets the run fail
}

func (t *table) evaluation(root string) *evaluation {
	e := &evaluation{
		table: t, root: root, columns: map[string]sourceColumn{}, kinds: map[string]*kind{}, loaded: t.loadedColumns(),
		out: &expectedTable{}, builtin: map[string]int{},
	}
	for _, c := range t.sourceColumns() {
		e.columns[c.name] = c
		e.kinds[c.name] = t.kindOf(c)
	}
	e.rules = slices.Clone(t.rules)
	for _, a := range sortedByColumn(t.asks) {
		if a.nullable != nil && !*a.nullable {
			e.rules = append(e.rules, notNull(a.column))
		}
	}
	var needed []string
	for _, c := range e.loaded {
		needed = append(needed, c.name)
	}
	if t.where != nil {
		needed = append(needed, t.where.uses...)
	}
	for _, r := range e.rules {
		needed = append(needed, r.uses...)
	}
	for _, name := range needed {
		if !slices.Contains(e.read, name) {
			e.read = append(e.read, name)
		}
	}
	e.failed = make([]int, len(e.rules))
	return e
}

func sortedByColumn(asks []*ask) []*ask {
	return slices.SortedFunc(slices.Values(asks), func(a, b *ask) int { return strings.Compare(a.column, b.column) })
}

// refusal is why a table is refused before any data is read; empty if it is not.
func (e *evaluation) refusal() string {
	for _, name := range e.read {
		switch c := e.columns[name]; {
		case c.kind != nil && c.kind.class == nests:
			return fmt.Sprintf("%q is nested", name)
		case c.drifts && e.onDrift != "union" && !e.isSettled(c):
			return fmt.Sprintf("the files differ in %q", name)
		case c.kind == nil:
			return fmt.Sprintf("the files have nothing in common in %q", name)
		}
	}
	var names []string
	for _, c := range e.outColumns() {
		if slices.Contains(names, c.name) {
			return fmt.Sprintf("two columns are named %q", c.name)
		}
		names = append(names, c.name)
	}
	return ""
}

// isSettled says whether a type that a column is given settles what differs: every file has the
// column, and a type that holds the values of all.
func (e *evaluation) isSettled(c sourceColumn) bool {
	a := e.ask(c.name)
	return a != nil && a.becomes != nil && !c.missing && c.kind != nil && c.field < 0 && c.json == nil
}

func (e *evaluation) outColumns() []outColumn {
	var columns []outColumn
	for _, c := range e.loaded {
		if c.kind == nil {
			columns = append(columns, outColumn{name: c.name})
			continue
		}
		out := outColumn{c.name, c.kind.sql, e.columns[c.name].nullable || c.kind.class == none}
		if a := e.ask(c.name); a != nil {
			if a.rename != "" {
				out.name = a.rename
			}
			if a.fill != nil {
				out.nullable = false
			}
			if a.nullable != nil {
				out.nullable = *a.nullable
			}
		}
		columns = append(columns, out)
	}
	return columns
}

// judge decides what becomes of all rows.
func (e *evaluation) judge() {
	e.out.columns = e.outColumns()
	for _, name := range e.primaryKey {
		e.out.primaryKey = append(e.out.primaryKey, e.out.columns[slices.IndexFunc(e.loaded, func(c typed) bool { return c.name == name })].name)
	}
	for _, f := range e.lake.files {
		for i := range f.rows {
			e.judgeRow(f, i)
		}
	}
	for i, r := range e.rules {
		e.out.rules = append(e.out.rules, fmt.Sprintf("%q (%s): %d", r.name, r.onFail, e.failed[i]))
	}
	for name, rows := range e.builtin {
		e.out.rules = append(e.out.rules, fmt.Sprintf("%q (reject): %d", name, rows))
	}
	slices.Sort(e.out.rules)
	slices.Sort(e.out.rows)
	slices.Sort(e.out.rejects)
}

// sourceRow is the values of a row as the files have them, in the kinds that hold those of all files.
func (e *evaluation) sourceRow(f *file, i int) row {
	values := row{}
	for _, name := range e.read {
		c := e.columns[name]
		switch at := f.index(c.top); {
		case c.isKey:
			values[name] = e.keyValue(f, name)
		case at < 0:
			values[name] = nil
		case c.field < 0:
			values[name] = c.kind.as(f.rows[i][at])
		default:
			values[name] = nil
			if fields, ok := f.rows[i][at].(structure); ok {
				values[name] = fields[c.field]
			}
		}
	}
	return values
}

// storedRow is the columns of the files that a row was read with.
func (e *evaluation) storedRow(f *file, i int, before row) row {
	stored := row{}
	for name, v := range before {
		c := e.columns[name]
		if c.field >= 0 {
			v = nil
			if at := f.index(c.top); at >= 0 {
				v = f.rows[i][at]
			}
		}
		stored[c.top] = v
	}
	return stored
}

// keyValue is what the folders of a file say: text where a type is asked for.
func (e *evaluation) keyValue(f *file, name string) any {
	text := f.folders[slices.Index(e.lake.keys, name)]
	a := e.ask(name)
	switch k := e.columns[name].kind; {
	case text == nil:
		return nil
	case e.lake.table != nil:
		return keyOf(k, *text)
	case a != nil && len(a.keys) > 0 && strings.HasPrefix(a.keys[0], "type"), k == textKind:
		return *text
	case k == int64Kind:
		return number(*text)
	}
	t, _ := time.Parse("2006-01-02", *text)
	return day(t.Unix() / 86_400)
}

// sourceKind is the kind of a column that is read, before anything is made of it.
func (e *evaluation) sourceKind(name string) *kind {
	if c := e.columns[name]; !c.isKey || e.lake.table != nil {
		return c.kind
	}
	if a := e.ask(name); a != nil && len(a.keys) > 0 && strings.HasPrefix(a.keys[0], "type") {
		return textKind
	}
	return e.columns[name].kind
}

func (e *evaluation) judgeRow(f *file, i int) {
	if e.out.inFiles++; f.iceberg.deletes(i) {
		e.out.deleted++
		return
	}
	before := e.sourceRow(f, i)
	values, unconverted := e.convert(before)
	verdict := isTrue
	if e.where != nil {
		verdict = e.where.eval(values)
		if verdict == isFalse || verdict == isNull && !overlaps(e.where.uses, unconverted) {
			e.out.filtered++
			return
		}
	}
	var reasons []string
	rejected := false
	for n, r := range e.rules {
		if overlaps(r.uses, unconverted) || !r.broken(values) {
			continue
		}
		e.failed[n]++
		e.out.broke = true
		reasons = append(reasons, r.name+": "+r.reason(values, e.kinds))
		rejected = rejected || r.onFail == "reject"
		if r.onFail == "fail" {
			e.broken = r.name
		}
	}
	add := func(name, reason string) {
		e.builtin[name]++
		reasons = append(reasons, name+": "+reason)
		rejected = true
	}
	for _, c := range e.loaded {
		if c.kind.low == nil || slices.Contains(unconverted, c.name) {
			continue
		}
		if r := canBeStored(c.name, c.kind); r.broken(values) {
			add(r.name, r.reason(values, e.kinds))
		}
	}
	for _, name := range unconverted {
		why := notInJSON
		if e.columns[name].json == nil {
			why = e.ask(name).reason
		}
		add(name+" "+why, "found "+found(before[name], e.sourceKind(name))+", which "+why)
	}
	if verdict == isFailed {
		add("where cannot be evaluated", "found "+foundAll(values, e.where.uses, e.kinds)+", of which where cannot be evaluated")
	}
	if invalid := e.notUTF8(values); len(invalid) > 0 {
		add("valid utf-8", "found "+foundAll(values, invalid, e.kinds)+", expected text in UTF-8")
	}
	if !rejected {
		e.out.left++
		e.out.rows = append(e.out.rows, e.cells(values))
		return
	}
	e.out.rejected++
	slices.Sort(reasons)
	e.out.rejects = append(e.out.rejects, rejectText(e.root+"/"+f.path(e.lake.keys), f.groupOf(i), i, e.storedRow(f, i, before), reasons))
}

// notInJSON is why a nested value is rejected.
const notInJSON = "holds text that is not UTF-8, which JSON cannot hold"

func (e *evaluation) cells(values row) string {
	var cells []string
	for _, c := range e.loaded {
		cells = append(cells, cell(values[c.name]))
	}
	return strings.Join(cells, " | ")
}

// convert makes of the values of a row what is asked for, and names the columns whose value does
// not convert.
func (e *evaluation) convert(before row) (values row, unconverted []string) {
	values = row{}
	for _, name := range e.read {
		v, a := before[name], e.ask(name)
		var ok bool
		switch c := e.columns[name]; {
		case v != nil && c.json != nil:
			if v, ok = jsonText(v, c.json); !ok {
				v = nil
				unconverted = append(unconverted, name)
			}
		case a == nil:
		case v == nil:
			v = a.fill
		case a.convert != nil:
			if v, ok = a.convert(v); !ok {
				v = nil
				unconverted = append(unconverted, name)
			}
		}
		values[name] = v
	}
	return values, unconverted
}

// notUTF8 are the columns of a row whose text is none.
func (e *evaluation) notUTF8(values row) []string {
	var invalid []string
	for _, name := range e.read {
		if text, ok := values[name].(string); ok && !utf8.ValidString(text) {
			invalid = append(invalid, name)
		}
	}
	return invalid
}

func overlaps(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// rejectText is the one text of a rejected row.
func rejectText(file string, group, row int, values row, reasons []string) string {
	var cells []string
	for name, v := range values {
		cells = append(cells, fmt.Sprintf("%q = %s", name, source(v)))
	}
	slices.Sort(cells)
	return fmt.Sprintf("%s %s; %q", originText(file, group, row), strings.Join(cells, ", "), reasons)
}

// originText is where a row comes from.
func originText(file string, group, row int) string {
	return fmt.Sprintf("%s, row group %d, row %d:", file, group, row)
}

// expect evaluates a case in a folder.
func (c *testCase) expect(root string) expected {
	var evaluations []*evaluation
	for i, t := range c.tables {
		evaluations = append(evaluations, t.evaluation(c.places.below(root, lakes, folder(i))))
	}
	for _, e := range evaluations {
		if why := e.refusal(); why != "" {
			return expected{exit: 2, why: why}
		}
	}
	if why := c.failsToIngest(); why != "" {
		return expected{exit: 3, why: why}
	}
	out := expected{complete: true}
	left, selected := 0, 0
	for _, e := range evaluations {
		e.judge()
		out.tables = append(out.tables, e.out)
		left += e.out.left
		selected += e.out.inFiles - e.out.deleted - e.out.filtered
	}
	for i, e := range evaluations {
		t := c.tables[i]
		switch {
		case e.broken != "":
			return expected{exit: 3, why: fmt.Sprintf("rule %q, which fails", e.broken)}
		case t.maxRows != nil && e.out.rejected > *t.maxRows:
			out.exit, out.why = 3, "max_rows"
		case t.maxRatio != nil && float64(e.out.rejected) > *t.maxRatio*float64(e.out.inFiles-e.out.deleted):
			out.exit, out.why = 3, "max_ratio"
		}
	}
	if left == 0 && !c.allowEmpty {
		out.exit, out.why = 3, "no rows are left"
		out.complete = selected > 0
	}
	return out
}
