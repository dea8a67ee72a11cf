package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

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
	} {
		var out bytes.Buffer
		c.say(slog.New(peopleHandler{w: &screen{w: &out}, level: slog.LevelInfo}))
		assert.Equal(t, c.want, out.String())
	}
	var out bytes.Buffer
	slog.New(peopleHandler{w: &screen{w: &out}, level: slog.LevelDebug, paint: painter{on: true}}).Warn("late")
	assert.Equal(t, "\x1b[33mwarning: \x1b[0mlate\n", out.String())
}

func TestWhoWantsColours(t *testing.T) {
	for _, c := range []struct {
		term, no string
		want     bool
	}{{"xterm-256color", "", true}, {"dumb", "", false}, {"xterm", "1", false}} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.no)
		assert.Equal(t, c.want, wantsColour(), c)
	}
}
