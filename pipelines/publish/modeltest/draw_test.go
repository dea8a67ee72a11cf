package modeltest

import (
	"math/rand/v2"
	"time"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

// outputs are what stands at the outputs that feed the data source, each with a state of its own.
var outputs = map[string]*extract{"first": first, "copy": first, "second": second, "large": large, "keys": keys, "several": several, "nearly": nearly}

// The modes.
const (
	create    = config.PublishMode(tableau.Create)
	overwrite = config.PublishMode(tableau.Overwrite)
	replace   = config.PublishMode(tableau.Replace)
	appending = config.PublishMode(tableau.Append)
	insert    = config.PublishMode(tableau.Insert)
	update    = config.PublishMode(tableau.UpdateRows)
	upsert    = config.PublishMode(tableau.Upsert)
	deleting  = config.PublishMode(tableau.Delete)
	syncing   = config.SyncRows
)

// modesOf are the modes in which an output is published. What is lost easily is drawn more often.
var modesOf = map[string][]config.PublishMode{
	"first":   {create, overwrite, replace, appending, appending, appending, insert, insert, insert, update, upsert, deleting},
	"copy":    {overwrite, appending, appending, insert},
	"second":  {overwrite, appending, appending, insert, insert, update, upsert, deleting},
	"large":   {overwrite, appending, insert, insert, insert, insert, upsert, upsert},
	"keys":    {update, upsert, deleting, deleting},
	"several": {create, overwrite, overwrite, replace},
	"nearly":  {overwrite, appending, insert, syncing},
}

// faults are what goes wrong on the way, by what it happens to.
var faults = map[target][]string{
	change: {
		"lose-request", "lose-request", "lose-reply", "lose-reply", "lose-reply", "status=403 code=403004", "status=403 code=403131",
		"status=409 code=409000", "status=413 code=413000", "status=400 code=400000", "status=404", "status=404 code=404004", "status=503",
		"status=503 code=503000", "status=401 code=401002", "status=200", "status=429", "expire-token", "fail-job", "fail-job lose-reply", "cut-after=20",
		killBefore, killAfter, killAfter, killTorn, interruptBefore, interruptAfter, whileBusy,
	},
	jobRequest: {
		"purge-job", "purge-job", "early-finish-code", "lose-reply", "status=503", "status=403 code=403004", "status=404", "expire-token",
		killBefore, killTorn, interruptBefore,
	},
	anyRequest: {
		"lose-request", "lose-reply", "status=403 code=403004", "status=404", "status=503", "status=401 code=401002", "expire-token",
		killBefore, killAfter, killTorn, interruptBefore,
	},
	lookUp:   {"lose-request", "status=503", "status=404", "status=403 code=403004", "expire-token"},
	download: {"lose-request", "status=404", "status=503", "cut-after=20", "status=403 code=403004"},
	upload:   {"lose-request", "lose-reply", "status=404 code=404015", "status=413 code=413000", "expire-token", killBefore},
}

// drawer draws.
type drawer struct{ *rand.Rand }

func pick[T any](d drawer, from ...T) T { return from[d.IntN(len(from))] }

func (d drawer) chance(percent int) bool { return d.IntN(100) < percent }

// sequence draws what happens. Few outputs and modes take part, so that they meet.
func (d drawer) sequence() []event {
	var theme []command
	for range 1 + d.IntN(3) {
		output := pick(d, "first", "first", "copy", "second", "large", "large", "keys", "several")
		theme = append(theme, command{output: output, mode: pick(d, modesOf[output]...)})
	}
	if d.chance(30) { // the same rows in another mode
		theme = append(theme, command{output: theme[0].output, mode: pick(d, modesOf[theme[0].output]...)})
	}
	if d.chance(25) { // most of their rows are the same, so that the others can be sent alone
		theme = append(theme[:d.IntN(2)], command{output: "first", mode: syncing}, command{output: "nearly", mode: syncing})
	}
	confirm := d.chance(35)
	var events []event
	for range 3 + d.IntN(6) {
		switch d.IntN(10) {
		case 0, 1:
			events = append(events, event{foreign: d.foreign()})
		case 2:
			events = append(events, d.forgetful())
		default:
			c := pick(d, theme...)
			if confirm {
				c.confirm = config.ConfirmDownload
			}
			d.decorate(&c)
			events = append(events, event{command: &c})
		}
	}
	return events
}

func (d drawer) foreign() *foreign {
	f := &foreign{what: pick(d, describes, describes, overwrites, appends, appends, recreates, deletes, removes), after: d.chance(50)}
	switch f.what {
	case overwrites, appends, recreates:
		f.rows = pick(d, theirs, others)
	}
	return f
}

// forgetful is a clock that moves, or what the server forgets.
func (d drawer) forgetful() event {
	switch d.IntN(4) {
	case 0:
		return event{forget: jobs}
	case 1:
		return event{forget: requests}
	case 2:
		return event{clock: time.Duration(1+d.IntN(1700)) * time.Second}
	}
	return event{clock: -time.Duration(1+d.IntN(1700)) * time.Second}
}

func (d drawer) decorate(c *command) {
	c.ifChanged = c.output != "several" && d.chance(15)
	c.asJob = d.chance(40)
	c.whole = d.chance(25)
	switch {
	case d.chance(6):
		c.force = true
	case d.chance(4):
		c.applied = true
	case d.chance(4):
		c.missing = true
	}
	if d.chance(25) {
		return
	}
	for range 1 + d.IntN(3) {
		c.mishaps = append(c.mishaps, d.mishap())
	}
}

func (d drawer) mishap() mishap {
	m := mishap{on: pick(d, change, change, change, change, jobRequest, jobRequest, anyRequest, lookUp, download, upload)}
	m.what = pick(d, faults[m.on]...)
	switch {
	case m.on == anyRequest:
		m.skip = d.IntN(12)
	case d.chance(30):
		m.skip = 1 + d.IntN(2)
	}
	if d.chance(12) {
		m.what, m.foreign = pick(d, foreignBefore, foreignAfter), d.foreign()
	}
	return m
}
