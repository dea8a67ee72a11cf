package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"

	"hyperlake/internal/failure"
)

func TestPeopleReadSentences(t *testing.T) {
	t.Parallel()
	hinted := failure.New(failure.Storage, "read a.parquet").WithHint("look there")
	for _, c := range []struct {
		say  func(log *slog.Logger)
		want string
	}{
		{func(l *slog.Logger) { l.Info("planned", "tables", 1, "rows", int64(15000), "format_version", 2) },
			"planned (1 table, 15,000 rows, format version 2)\n"},
		{func(l *slog.Logger) { l.Info("written anew", "bytes", int64(12_300_000), "bytes_sent", int64(4)) }, "written anew (12 MB, 4 B sent)\n"},
		{func(l *slog.Logger) {
			l.Warn("trying again", "wait", 1500*time.Millisecond, "error", errors.New("no\nroute"))
		},
			"warning: trying again (wait 1.5s): no route\n"},
		{func(l *slog.Logger) { l.Warn("staging is left", "folder", "", "error", hinted) }, "warning: staging is left: read a.parquet; look there\n"},
		{func(l *slog.Logger) { l.Warn("the disk is small", "hint", "make room") }, "warning: the disk is small; make room\n"},
		{func(l *slog.Logger) { l.With("run", "R").WithGroup("g").Error("it broke", "name", "\x1b[2J") }, "error: it broke (run R, name \\x1b[2J)\n"},
		{func(l *slog.Logger) { l.Info("counters of the job", "rows_read", 1) }, ""},
		{func(l *slog.Logger) { l.Debug("stage begins") }, ""},
		{func(l *slog.Logger) {
			l.Info("waiting for the lock of the output", "output", "x.hyper", "of", "process 7 on etl-1", "for", 30*time.Minute)
		},
			"waiting for the lock of the output (output x.hyper, of process 7 on etl-1, for 30m0s)\n"},
		{func(l *slog.Logger) { l.Warn("what is missing is run again", "failure", hinted, "retry", 1, "of", 2) },
			"warning: what is missing is run again (retry 1, of 2): read a.parquet; look there\n"},
		{func(l *slog.Logger) { l.Warn("both", "found", "one", "reason", "two\nthree", "hint", "look") }, "warning: both: one; two three; look\n"},
		{func(l *slog.Logger) { l.Info("job", "job", map[string]int{"a": 1}, "ok", true, "bytes", int64(-1)) }, "job (job map[a:1], ok true, -1 bytes)\n"},
	} {
		var out bytes.Buffer
		c.say(slog.New(peopleHandler{w: &screen{w: &out}, level: slog.LevelInfo}))
		assert.Equal(t, c.want, out.String())
	}
	var out bytes.Buffer
	slog.New(peopleHandler{w: &screen{w: &out}, level: slog.LevelDebug, paint: painter{on: true}}).Warn("late")
	assert.Equal(t, "\x1b[33mwarning: \x1b[0mlate\n", out.String())
}

// With --log-level debug, nothing is left out.
func TestPeopleWhoWantToKnowAll(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(peopleHandler{w: &screen{w: &out}, level: slog.LevelDebug})
	log.Debug("stage begins", "stage", "load")
	log.Info("counters of the job", "rows_read", 1)
	assert.Equal(t, "debug: stage begins (stage load)\ncounters of the job (rows read 1)\n", out.String())
}

func TestColoursOfHowSomethingEnded(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]text.Colors{
		"ok": goodColours, "succeeded": goodColours, "unchanged": goodColours, "warning": warningColours, "rejected": warningColours,
		"interrupted": warningColours, "lost": warningColours, "failed": failedColours, "unpublished": failedColours, "running": nil,
	} {
		assert.Equal(t, want, statusColours(status), status)
	}
}

func TestWhoWantsColours(t *testing.T) {
	for _, c := range []struct {
		term, no, colour, force string
		onTerminal, onNone      bool
	}{
		{term: "xterm-256color", onTerminal: true},
		{term: "dumb"},
		{term: "xterm", no: "1"},
		{term: "xterm", colour: "1", onTerminal: true},
		{term: "xterm", colour: "0"},
		{term: "xterm", force: "0", onTerminal: true},
		{term: "dumb", colour: "0", force: "1", onTerminal: true, onNone: true},
		{term: "xterm", no: "1", force: "1"},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.no)
		t.Setenv("CLICOLOR", c.colour)
		t.Setenv("CLICOLOR_FORCE", c.force)
		assert.Equal(t, c.onTerminal, wantsColour(true), c)
		assert.Equal(t, c.onNone, wantsColour(false), c)
	}
}
