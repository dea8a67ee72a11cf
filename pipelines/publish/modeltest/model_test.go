package modeltest

import (
	"fmt"
	"maps"
	"strings"

	"hyperlake/pipelines/config"
)

// state is what may be there: the rows of the data source, nil if there is none, and how much of each
// extract counts as brought there by us.
type state struct {
	rows table
	have map[*extract]table

	believed bool // what others did was not to be noticed: that is what we have to believe
}

func (s state) with(rows table) state {
	return state{rows: rows, have: maps.Clone(s.have), believed: s.believed}
}

// blur takes in that rows were changed or removed. Of what is partly there still, nothing may be added again.
func (s state) blur() state {
	for e, h := range s.have {
		if !s.rows.meets(h) {
			delete(s.have, e)
		}
	}
	return s
}

// after is the state once somebody else did something.
func (s state) after(f *foreign) state {
	switch {
	case s.rows == nil || f.what == describes:
		return s
	case f.what == appends:
		return s.with(s.rows.plus(f.rows.rows))
	case f.what == removes:
		left := table{}
		for r, n := range s.rows {
			if !removed(r.id) {
				left[r] = n
			}
		}
		return s.with(left).blur()
	case f.what == deletes:
		return state{have: map[*extract]table{}}
	}
	return state{rows: f.rows.rows, have: map[*extract]table{}}
}

// done is the state once a command has done what it is to do; none if it cannot.
func (s state) done(c *command) []state {
	x := outputs[c.output]
	switch {
	case c.mode.Renews():
		if c.mode == create && c.ifChanged && s.rows.equal(x.rows) { // nothing is to be done
			return []state{s}
		}
		goesOn := x.parts > 0 && x.rows.has(s.rows) // with a set of which nothing but extracts is there
		if c.mode == create && s.rows != nil && !goesOn || c.mode == replace && s.rows == nil {
			return nil
		}
		return []state{{rows: x.rows, have: map[*extract]table{x: x.rows}}}
	case c.mode.Syncs():
		made := []state{{rows: x.rows, have: map[*extract]table{x: x.rows}}}
		if s.believed { // that it is so already
			made = append(made, s)
		}
		return made
	case s.rows == nil:
		return nil
	case c.mode.Adds():
		missing := x.rows.minus(s.have[x])
		if c.force {
			missing = x.rows
		}
		made := s.with(s.rows.plus(missing))
		made.have[x] = x.rows
		if !c.looks() || len(s.have[x]) > 0 || !s.rows.has(x.rows) {
			return []state{made}
		}
		there := s.with(s.rows) // by other deeds, where the ledger does not know all of them
		there.have[x] = x.rows
		return []state{made, there}
	}
	return []state{s.with(s.rows.changed(c.mode, x.rows)).blur()}
}

// holds says whether what a command is to do is done already.
func (s state) holds(c *command) bool {
	x := outputs[c.output].rows
	switch {
	case s.rows == nil:
		return false
	case c.mode.Matches():
		return s.rows.changed(c.mode, x).equal(s.rows)
	case c.mode.Syncs():
		return s.rows.equal(x)
	}
	return s.rows.has(x)
}

// model is what may be there as far as is known: all of its states have the same rows.
type model []state

// ends are the states after a command, in the midst of which others did something: those in which it did
// what it is to do, and those in which it may have done nothing.
func (m model) ends(c *command, foreigners []*foreign) (full, none []state) {
	for _, s := range m {
		// What is done twice, around what others do, is done once more.
		for i := range len(foreigners) + 1 {
			for j := i; j <= len(foreigners); j++ {
				full = append(full, s.course(c, foreigners, i, j)...)
			}
		}
		end := s
		for _, f := range foreigners {
			end = end.after(f)
		}
		none = append(none, end)
	}
	return full, none
}

// course is what becomes of a state if the command works at i and at j of what others do; adding, it does once.
func (s state) course(c *command, foreigners []*foreign, i, j int) []state {
	all := []state{s}
	for at := range len(foreigners) + 1 {
		if at == i || at == j && !c.mode.Adds() {
			var next []state
			for _, each := range all {
				next = append(next, each.done(c)...)
			}
			all = next
		}
		if at < len(foreigners) {
			for k := range all {
				all[k] = all[k].after(foreigners[at])
			}
		}
	}
	return all
}

// judge compares the rows after a command with what may be there, and returns what is known then. unseen says that
// others did something between a look at the data source and the request that follows, so that nobody could notice.
func (m model) judge(c *command, foreigners []*foreign, unseen, succeeded bool, rows table) (model, error) {
	full, none := m.ends(c, foreigners)
	var left, spared []state
	for _, s := range m {
		if c.applied && s.holds(c) {
			spared = append(spared, s)
		}
	}
	if len(spared) > 0 {
		_, kept := model(spared).ends(c, foreigners)
		full = append(full, kept...)
	}
	destroyed := false
	for _, f := range foreigners {
		destroyed = destroyed || f.what.destroys() || f.what == removes
	}
	left = matching(full, rows)
	if len(left) == 0 && c.inSteps() && !c.mode.Adds() && len(foreigners) > 0 {
		left = mixed(full, rows)
	}
	if succeeded && (len(left) > 0 || !destroyed) {
		if len(left) == 0 {
			return nil, fmt.Errorf("it succeeded, and the rows are not those that may be there then: %s", differences(rows, full))
		}
		return m.believing(left, c, unseen, rows), nil
	}
	for _, s := range matching(none, rows) {
		left = append(left, s)
		if c.force { // what was forced may count, or what was there before
			again := s.with(s.rows)
			delete(again.have, outputs[c.output])
			left = append(left, again)
		}
	}
	if c.inSteps() || destroyed {
		left = append(left, partly(c, full, none, rows)...)
	}
	if len(left) == 0 {
		return nil, fmt.Errorf("it failed, and the rows are neither those of before nor those of after: %s", differences(rows, append(none, full...)))
	}
	return m.believing(left, c, unseen, rows), nil
}

// believing adds to what may be there what we have to believe where others did something that cannot be noticed.
func (m model) believing(left []state, c *command, unseen bool, rows table) model {
	if !unseen {
		return left
	}
	for _, s := range m {
		believed := s.with(rows)
		believed.believed = true
		left = append(left, believed)
		if c.mode.Adds() {
			believed = believed.with(rows)
			believed.have[outputs[c.output]] = outputs[c.output].rows
			left = append(left, believed)
		}
	}
	return left
}

// looks says whether a command that adds rows may look whether they are there.
func (c *command) looks() bool { return c.confirm == config.ConfirmDownload && !c.force }

// inSteps says whether a command may have done a part of what it is to do.
func (c *command) inSteps() bool {
	return outputs[c.output].parts > 0 || outputs[c.output].long && c.mode.Splits() || c.mode.Syncs()
}

func matching(all []state, rows table) (found []state) {
	for _, s := range all {
		if (s.rows == nil) == (rows == nil) && s.rows.equal(rows) {
			found = append(found, s)
		}
	}
	return found
}

// partly are the states in which a part was done: of each id, the rows are those of one of the ends.
func partly(c *command, full, none []state, rows table) (found []state) {
	ends := append(append([]state(nil), full...), none...)
	if outputs[c.output].parts > 0 {
		ends = append(ends, state{rows: table{}}) // the first extract replaces all
	}
	if len(mixed(ends, rows)) == 0 {
		return nil
	}
	x := outputs[c.output]
	for _, s := range none {
		made := s.with(rows)
		switch {
		case c.mode.Adds() && c.force:
			made.have[x] = rows.minus(s.rows)
		case c.mode.Adds():
			made.have[x] = s.have[x].plus(rows.minus(s.rows))
			if !x.rows.has(made.have[x]) {
				continue
			}
		case x.parts > 0:
			made.have = map[*extract]table{}
		default:
			made = made.blur()
		}
		found = append(found, made)
	}
	return found
}

// mixed is the state, if there is one, in which of each id the rows are those of one of the ends: parts of a
// data update before and after what others did to the same rows.
func mixed(ends []state, rows table) []state {
	if rows == nil || len(ends) == 0 {
		return nil
	}
	var groups []map[int]table
	for _, end := range append(ends[:len(ends):len(ends)], state{rows: rows}) {
		groups = append(groups, end.rows.groups())
	}
	have := groups[len(groups)-1]
	for _, these := range groups {
		for id := range these {
			if !among(groups[:len(ends)], id, have[id]) {
				return nil
			}
		}
	}
	return []state{ends[0].with(rows).blur()}
}

func among(groups []map[int]table, id int, rows table) bool {
	for _, g := range groups {
		if g[id].equal(rows) {
			return true
		}
	}
	return false
}

// groups are the rows of each id.
func (t table) groups() map[int]table {
	found := map[int]table{}
	for r, n := range t {
		if found[r.id] == nil {
			found[r.id] = table{}
		}
		found[r.id][r] = n
	}
	return found
}

func differences(rows table, all []state) string {
	texts := []string{fmt.Sprintf("%d rows, none of %d ways is like that", rows.count(), len(all))}
	for _, s := range all {
		texts = append(texts, fmt.Sprintf("%d, with %s that are too many, and %s that are missing", s.rows.count(), rows.minus(s.rows), s.rows.minus(rows)))
	}
	return strings.Join(texts, "; ")
}
