package htmlreport

import (
	"strconv"

	"hyperlake/internal/words"
)

// Account says what became of the rows of a table, step by step: rows in the files =
// pruned + deleted + read, and rows read = filtered + rejected + loaded.
type Account []Entry

// Entry is a line of an [Account].
type Entry struct {
	Sign  string // −, =, or nothing
	Label string
	Note  string // what the label means
	Rows  *int64 // nil: not known
	Of    *int64 // the sum that the rows are a part of
	Bar   Bar    // the rows among those in the files
	Color string // of the bar
	Sum   *Sum   // of entries that are what is left
}

// Sum says whether figures add up.
type Sum struct {
	Words string
	Mark  Mark
}

// Bar is a piece of a line, in percent of its length.
type Bar struct {
	Left, Width float64
}

// Account makes up the account of a table. Figures of a run that did not count every row
// are not judged.
func (t *Table) Account(counted bool) Account {
	inFiles, pruned, read, filtered, rejects, loaded := t.RowsInFiles, t.RowsPruned, t.RowsRead, t.RowsFiltered, t.RowsRejected, t.RowsLoaded
	if !counted && isZero(read) && isZero(filtered) && isZero(rejects) { // nobody counted
		read, filtered, rejects = nil, nil, nil
		switch {
		case isZero(loaded):
			loaded = nil
		case isZero(inFiles): // nor looked at the lake: an extract was published that stood there
			inFiles, pruned = nil, nil
		}
	}
	afterLoaded := value(loaded)
	afterRejects := afterLoaded + value(rejects)
	const kept, left, broken = "kept", "left", "broken"
	whole := Account{
		{Label: "in the files", Color: kept, Rows: inFiles, Of: inFiles, Bar: t.bar(0, inFiles)},
		{
			Sign: "−", Label: "pruned", Color: left, Note: "in files or row groups that where excludes",
			Rows: pruned, Of: inFiles, Bar: t.bar(value(read)+value(t.RowsDeleted), pruned),
		},
	}
	parts := []*int64{pruned, read}
	if !isZero(t.RowsDeleted) { // by a table that keeps track of that
		whole = append(whole, Entry{
			Sign: "−", Label: "deleted", Color: left, Note: "the table has removed them from the files",
			Rows: t.RowsDeleted, Of: inFiles, Bar: t.bar(value(read), t.RowsDeleted),
		})
		parts = append(parts, t.RowsDeleted)
	}
	return append(whole, Account{
		{
			Sign: "=", Label: "read", Color: kept,
			Rows: read, Of: inFiles, Bar: t.bar(0, read), Sum: addsUp(counted, inFiles, parts...),
		},
		{Sign: "−", Label: "filtered", Color: left, Note: "where was not true", Rows: filtered, Of: read, Bar: t.bar(afterRejects, filtered)},
		{Sign: "−", Label: "rejected", Color: broken, Note: "they broke a rule", Rows: rejects, Of: read, Bar: t.bar(afterLoaded, rejects)},
		{
			Sign: "=", Label: "loaded", Color: kept,
			Rows: loaded, Of: read, Bar: t.bar(0, loaded), Sum: addsUp(counted, read, filtered, rejects, loaded),
		},
	}...)
}

// bar places rows on a line that is as long as the rows in the files.
func (t *Table) bar(before int64, rows *int64) Bar {
	return Bar{
		Left:  percentOf(float64(before), float64(value(t.RowsInFiles))),
		Width: percentOf(float64(value(rows)), float64(value(t.RowsInFiles))),
	}
}

// addsUp compares a figure with the sum of its parts.
func addsUp(counted bool, whole *int64, parts ...*int64) *Sum {
	sum, known := int64(0), whole != nil
	for _, part := range parts {
		known = known && part != nil
		sum += value(part)
	}
	switch {
	case !counted:
		return &Sum{"incomplete", neutral}
	case !known:
		return &Sum{"the report lacks figures", neutral}
	case sum < *whole:
		return &Sum{"does not add up: " + words.Count(*whole-sum, "row") + " missing", bad}
	case sum > *whole:
		return &Sum{"does not add up: " + words.Count(sum-*whole, "row") + " too many", bad}
	}
	return &Sum{"adds up", good}
}

// Verdict sums an account up: the worst that is said of its sums.
func (a Account) Verdict() Sum {
	verdict := Sum{"adds up", good}
	for _, entry := range a {
		switch {
		case entry.Sum == nil:
		case entry.Sum.Mark == bad:
			return *entry.Sum
		case entry.Sum.Mark != good:
			verdict = *entry.Sum
		}
	}
	return verdict
}

// Limit is a threshold, and whether the rejects stay within it.
type Limit struct {
	Words string
	Mark  Mark
}

// Limits lists the thresholds of a table. Whether one was kept is known only of a run that
// counted every row.
func (t *Table) Limits(counted bool) []Limit {
	var limits []Limit
	add := func(words string, exceeded bool) {
		switch {
		case exceeded:
			limits = append(limits, Limit{words + ": exceeded", broken(t.Thresholds.OnFail)})
		case !counted || t.RowsRejected == nil || t.RowsRead == nil:
			limits = append(limits, Limit{words, neutral})
		default:
			limits = append(limits, Limit{words + ": kept", good})
		}
	}
	rejects := value(t.RowsRejected)
	if most := t.Thresholds.MaxRows; most != nil {
		add("at most "+words.Count(*most, "row"), rejects > *most)
	}
	if most := t.Thresholds.MaxRatio; most != nil {
		percents := strconv.FormatFloat(roundDigits(100**most, 6), 'f', -1, 64)
		add("at most "+percents+" % of the rows read", counted && t.RowsRead != nil && float64(rejects) > *most*float64(*t.RowsRead))
	}
	return limits
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func isZero(n *int64) bool { return value(n) == 0 }
