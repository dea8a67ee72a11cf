package randomtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// difference is what differs between what should come of a case and what does; nil if nothing.
type difference struct {
	what   string // the same for faults that may be the same
	detail string
}

func differ(what, format string, args ...any) *difference {
	return &difference{what, fmt.Sprintf(format, args...)}
}

// compareTo finds the first difference.
func (want expected) compareTo(got outcome, c *testCase) *difference {
	if got.exit == 3 && want.exit == 2 && c.failsToIngest() != "" { // what is refused when the lake is read is not known by then
		return nil
	}
	if got.exit != want.exit {
		return differ(fmt.Sprintf("exit code %d for %d", got.exit, want.exit), "should be %d (%s), is %d: %v", want.exit, want.why, got.exit, got.err)
	}
	if got.exit == 0 != got.made && !c.splits() {
		return differ("extract", "extracts in place: %v", got.made)
	}
	if len(got.left) > 0 {
		return differ("what is left", "%v", got.left)
	}
	if !want.complete {
		return nil
	}
	for i, t := range want.tables {
		if d := t.compareTo(got.tables[i], got, i, c); d != nil {
			d.detail = fmt.Sprintf("table %d: %s", i, d.detail)
			return d
		}
	}
	return nil
}

// splits says whether there is an extract for each value, of which there may be none.
func (c *testCase) splits() bool {
	return c.tables[0].moves != nil && c.tables[0].moves.way == "split_by"
}

func (t *expectedTable) compareTo(got *outcomeTable, all outcome, index int, c *testCase) *difference {
	if d := t.compareReport(all, index); d != nil {
		return d
	}
	if c.tables[index].keepsRejects {
		if d := compareLists("rejects", t.rejects, got.rejects); d != nil {
			return d
		}
	}
	switch {
	case all.exit != 0 || !all.made:
		return nil
	case !slices.Equal(t.columns, got.columns):
		return differ("columns", "should be %v, are %v", t.columns, got.columns)
	case !slices.Equal(t.primaryKey, got.primaryKey):
		return differ("primary key", "should be %v, is %v", t.primaryKey, got.primaryKey)
	}
	return compareLists("rows", t.rows, got.rows)
}

// compareReport compares the account of a table.
func (t *expectedTable) compareReport(all outcome, index int) *difference {
	if len(all.report.Tables) <= index {
		return differ("report", "has %d tables", len(all.report.Tables))
	}
	r := all.report.Tables[index]
	notRead := r.RowsPruned + r.RowsDeleted // of files that are pruned, nobody asks which rows are deleted
	counts := []int64{r.RowsInFiles, notRead + r.RowsRead, notRead + r.RowsFiltered, r.RowsRejected, r.RowsLoaded}
	want := []int64{int64(t.inFiles), int64(t.inFiles), int64(t.deleted + t.filtered), int64(t.rejected), int64(t.left)}
	if !slices.Equal(want, counts) {
		return differ("counts", "rows in files; pruned, deleted or read; pruned, deleted or filtered; rejected; loaded should be %v, are %v", want, counts)
	}
	var rules []string
	for _, rule := range r.Rules {
		rules = append(rules, fmt.Sprintf("%q (%s): %d", rule.Name, rule.OnFail, rule.Failed))
	}
	slices.Sort(rules)
	if d := compareLists("rules", t.rules, rules); d != nil {
		return d
	}
	for _, sample := range r.Samples {
		origin := originText(anyRun(sample.File), sample.RowGroup, int(sample.Row))
		if !slices.ContainsFunc(t.rejects, func(reject string) bool {
			return strings.HasPrefix(reject, origin) && strings.Contains(reject, strings.Trim(strconv.Quote(sample.Rule), `"`))
		}) {
			return differ("samples", "%+v is no reject", sample)
		}
	}
	return nil
}

// compareLists compares sorted lists as multisets.
func compareLists(what string, want, got []string) *difference {
	var missing, surplus []string
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && same(want[i], got[j]):
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && want[i] < got[j]:
			missing, i = append(missing, want[i]), i+1
		default:
			surplus, j = append(surplus, got[j]), j+1
		}
	}
	if len(missing)+len(surplus) == 0 {
		return nil
	}
	return differ(what, "missing:\n    %s\n  too many:\n    %s", strings.Join(missing, "\n    "), strings.Join(surplus, "\n    "))
}

// same says whether two texts are the same but for values that reasons show in a form of their own.
func same(want, got string) bool {
	for part := range strings.SplitSeq(want, anyValue) {
		at := strings.Index(got, part)
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return true
}
